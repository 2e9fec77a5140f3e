"""The player's tokens lose nothing, and its grammar lets through what notes can say and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.player import grammar, vocabulary
from engine.player.lanes import decode, encode, grid_of, numbered

COMBOS = [(36, 42), (38, 42), (36, 42, 49)]
steps = st.integers(0, 15)
pitched = st.lists(st.tuples(steps, st.integers(1, 64), st.integers(0, 127)), min_size=1, max_size=30,
                   unique_by=lambda note: (note[0], note[2]))  # fmt: skip
struck = st.lists(st.tuples(steps, st.just(1), st.integers(0, 127)), min_size=1, max_size=30, unique=True)


def bar(*lanes, grid=vocabulary.STRAIGHT, chords=(-1, -1)):
    tokens = [vocabulary.bar(grid), *map(vocabulary.chord, chords)]
    for lane, notes in lanes:
        tokens += [vocabulary.track(lane, 0), *encode(lane, notes, numbered(COMBOS))]
    return tokens


@given(st.integers(1, 5), pitched)
def test_a_pitched_bar_comes_back_note_for_note(lane, notes):
    assert decode(encode(lane, notes, {}), COMBOS) == sorted(notes)


@given(struck)
def test_a_drum_bar_comes_back_hit_for_hit(notes):
    assert sorted(decode(encode(vocabulary.DRUMS, notes, numbered(COMBOS)), COMBOS)) == sorted(notes)


@settings(deadline=None)
@given(pitched, struck, st.integers(1, 5))
def test_whatever_notes_say_the_grammar_lets_through(notes, hits, lane):
    tokens = np.array(bar((lane, notes), (vocabulary.DRUMS, hits)) * 2)
    assert grammar.first_fault(*grammar.start(), tokens) == -1


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(vocabulary.METERS)))
def test_whatever_the_grammar_lets_through_is_notes(seed, meter):
    rng, machine = np.random.default_rng(seed), grammar.start(meter)
    mask, tokens = np.zeros(vocabulary.TOKENS, bool), []
    while len(tokens) < 400:
        grammar.allowed(*machine, mask)
        if not mask.any():
            break  # the window is full
        kinds = [k for k in (vocabulary.BAR, vocabulary.CHORD, vocabulary.TRACK, vocabulary.EVENT, vocabulary.LONG,
                             vocabulary.PITCH, vocabulary.COMBO) if mask[k:].any()]  # fmt: skip
        first = kinds[rng.integers(len(kinds))]
        token = int(rng.choice(np.flatnonzero(mask & (np.arange(vocabulary.TOKENS) >= first))))
        tokens.append(token)
        grammar.advance(*machine, token)
    lane, rows = -1, []
    combos = [(36, 38 + i) for i in range(vocabulary.COMBOS)]
    for token in [*tokens, vocabulary.BAR]:
        if token < vocabulary.EVENT:
            notes = decode(rows, combos)
            ticks = vocabulary.METERS[meter]
            assert all(step * vocabulary.UNITS[0] < ticks or step * vocabulary.UNITS[1] < ticks for step, *_ in notes)
            if rows and lane != vocabulary.DRUMS:
                assert len({(step, length, pitch) for step, length, pitch in notes}) == len(notes)
            lane, rows = (token - vocabulary.TRACK) // len(vocabulary.RELATIONS), []
        else:
            rows.append(token)


@pytest.mark.parametrize("wrong", [
    [vocabulary.chord(0)],  # no bar yet
    [vocabulary.bar(0), vocabulary.chord(0), vocabulary.track(1, 0)],  # one chord alone
    [*bar(), vocabulary.track(1, 1)],  # again, of nothing
    [*bar((1, [(0, 1, 60)])), vocabulary.track(1, 0)],  # a lane twice
    [*bar(), vocabulary.track(1, 0), vocabulary.bar(0)],  # a lane without a note
    [*bar(), vocabulary.track(1, 0), vocabulary.event(4, 2), vocabulary.event(4, 3)],  # an event without a pitch
    [*bar((1, [(4, 2, 60)])), vocabulary.event(3, 2)],  # back in time
    [*bar((1, [(4, 2, 60)])), vocabulary.PITCH + 60],  # a pitch twice
    [*bar(), vocabulary.track(0, 0), vocabulary.event(4, 2)],  # a drum that lasts
    [*bar(), vocabulary.track(1, 0), vocabulary.event(4, 2), vocabulary.COMBO],  # drums on a piano
    [*bar(), vocabulary.track(1, 0), vocabulary.event(16, 1)],  # beyond the bar
    [*bar(), vocabulary.track(1, 0), vocabulary.event(4, 17), vocabulary.PITCH + 60],  # how long?
    [*bar((1, [(4, 20, 60)])), vocabulary.event(4, 17), vocabulary.long(20)],  # an event twice
])  # fmt: skip
def test_what_makes_no_bar_is_not_allowed(wrong):
    assert grammar.first_fault(*grammar.start(), np.array(wrong)) == len(wrong) - 1


def test_a_lane_plays_an_earlier_bar_again_where_it_was_written_on_that_grid():
    first = bar((1, [(0, 4, 60)]))
    assert grammar.first_fault(*grammar.start(), np.array([*first, *bar(), vocabulary.track(1, 1)])) == -1
    other = [*first, *bar(grid=vocabulary.TRIPLETS), vocabulary.track(1, 1)]
    assert grammar.first_fault(*grammar.start(), np.array(other)) == len(other) - 1


def test_what_is_heard_before_a_note():
    """Piano: C for a bar; again in the next, where the bass is about to play at step 8 what it played a bar before."""
    first = bar((1, [(0, 24, 60)]), (3, [(8, 4, 43)]), chords=(0, 7))
    second = [*bar(chords=(5, -1)), vocabulary.track(1, 1), vocabulary.track(3, 0), vocabulary.event(8, 2)]
    tokens = np.array(first + second)
    numbers, bits = np.zeros((len(tokens), grammar.NUMBERS), np.int16), np.zeros((len(tokens), grammar.BITS), np.uint8)
    grammar.walk(*grammar.start(), tokens, numbers, bits)
    assert numbers[-1].tolist() == [3, 8, 1, vocabulary.CHORDS]
    assert np.flatnonzero(bits[-1]).tolist() == [0, 12 + 7, 24 + 8, 72 + 0]
    assert numbers[-2].tolist() == [3, grammar.NO_STEP, 1, 5]
    assert numbers[2].tolist() == [grammar.NO_LANE, grammar.NO_STEP, 0, 0] and not bits[2].any()


def test_a_bar_of_triplets_is_known_by_its_onsets():
    assert grid_of(np.array([0, 6, 12, 18, 24])) == vocabulary.STRAIGHT
    assert grid_of(np.array([0, 8, 16, 24, 32])) == vocabulary.TRIPLETS
    assert grid_of(np.array([0, 16, 24, 40])) == vocabulary.TRIPLETS  # swing
    assert grid_of(np.array([], int)) == vocabulary.STRAIGHT


def test_what_is_no_lane_is_refused():
    with pytest.raises(RequestError, match="no part of a lane"):
        decode([vocabulary.PITCH], COMBOS)
