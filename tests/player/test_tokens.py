"""The player's tokens lose nothing, and its grammar lets through what notes can say and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.player import grammar, vocabulary
from engine.player.lanes import decode, encode, grid_of, numbered
from engine.player.song import lanes_by_bar

COMBOS = [(36, 42), (38, 42), (36, 42, 49)]
steps = st.integers(0, 15)
pitched = st.lists(st.tuples(steps, st.integers(1, 64), st.integers(0, 127)), min_size=1, max_size=30,
                   unique_by=lambda note: (note[0], note[2]))  # fmt: skip
struck = st.lists(st.tuples(steps, st.just(1), st.integers(0, 127)), min_size=1, max_size=30, unique=True)


def bar(number, *lanes, grid=vocabulary.STRAIGHT, chords=(-1, -1)):
    """The tokens of a bar that is planned alone."""
    tokens = [vocabulary.PLAN, vocabulary.bar(grid), *map(vocabulary.chord, chords), vocabulary.GO + number]
    for lane, notes in lanes:
        tokens += [vocabulary.track(lane, 0), *encode(lane, notes, numbered(COMBOS))]
    return tokens


def fault(tokens, meter=(4, 4)):
    return grammar.first_fault(grammar.start(meter), np.array(tokens))


@given(st.integers(1, 5), pitched)
def test_a_pitched_bar_comes_back_note_for_note(lane, notes):
    assert decode(encode(lane, notes, {}), COMBOS) == sorted(notes)


@given(struck)
def test_a_drum_bar_comes_back_hit_for_hit(notes):
    assert sorted(decode(encode(vocabulary.DRUMS, notes, numbered(COMBOS)), COMBOS)) == sorted(notes)


@settings(deadline=None)
@given(pitched, struck, st.integers(1, 5))
def test_whatever_notes_say_the_grammar_lets_through(notes, hits, lane):
    lanes = (lane, notes), (vocabulary.DRUMS, hits)
    assert fault([*bar(0, *lanes), *bar(1, *lanes[::-1])]) == -1


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(vocabulary.METERS)))
def test_whatever_the_grammar_lets_through_is_notes(seed, meter):
    rng, machine = np.random.default_rng(seed), grammar.start(meter)
    mask, tokens = np.zeros(vocabulary.TOKENS, bool), []
    kinds = np.array([vocabulary.PLAN, vocabulary.BAR, vocabulary.CHORD, vocabulary.GO, vocabulary.TRACK,
                      vocabulary.EVENT, vocabulary.LONG, vocabulary.PITCH, vocabulary.COMBO])  # fmt: skip
    while len(tokens) < 400:
        grammar.allowed(machine, mask)
        may = np.flatnonzero(mask)
        may = may[may != vocabulary.END]  # never written
        kind = np.searchsorted(kinds, may, "right")
        token = int(rng.choice(may[kind == rng.choice(np.unique(kind))]))
        tokens.append(token)
        grammar.advance(machine, token)
    combos = [(36, 38 + i) for i in range(vocabulary.COMBOS)]
    ticks = vocabulary.METERS[meter]
    for grid, lanes in lanes_by_bar(tokens, combos):
        for lane, notes in lanes.items():
            assert all(step * vocabulary.UNITS[grid] < ticks and length > 0 for step, length, _ in notes)
            assert lane == vocabulary.DRUMS or len(set(notes)) == len(notes)


FIRST = bar(0, (1, [(0, 4, 60), (4, 20, 62)]))


@pytest.mark.parametrize("wrong", [
    [vocabulary.bar(0)],  # no plan yet
    [vocabulary.PLAN, vocabulary.bar(0), vocabulary.chord(0), vocabulary.GO],  # one chord alone
    [*bar(0)[:-1], vocabulary.GO + 1],  # to a bar that is not planned
    [*bar(0), vocabulary.END],  # never written
    [*bar(0), vocabulary.track(1, 1)],  # again, of nothing
    [*bar(0), vocabulary.track(1, vocabulary.RHYTHM)],  # the rhythm of nothing
    [*bar(0, (1, [(0, 1, 60)])), vocabulary.track(1, 0)],  # a lane twice
    [*bar(0, (1, [(0, 1, 60)])), vocabulary.GO, vocabulary.track(1, 0)],  # and when gone to again
    [*bar(0), vocabulary.track(1, 0), vocabulary.PLAN],  # a lane without a note
    [*bar(0), vocabulary.track(1, 0), vocabulary.event(4, 2), vocabulary.event(4, 3)],  # an event without a pitch
    [*bar(0, (1, [(4, 2, 60)])), vocabulary.event(3, 2)],  # back in time
    [*bar(0, (1, [(4, 2, 60)])), vocabulary.PITCH + 60],  # a pitch twice
    [*bar(0), vocabulary.track(0, 0), vocabulary.event(4, 2)],  # a drum that lasts
    [*bar(0), vocabulary.track(1, 0), vocabulary.event(4, 2), vocabulary.COMBO],  # drums on a piano
    [*bar(0), vocabulary.track(1, 0), vocabulary.event(16, 1)],  # beyond the bar
    [*bar(0), vocabulary.track(1, 0), vocabulary.event(4, 17), vocabulary.PITCH + 60],  # how long?
    [*bar(0, (1, [(4, 20, 60)])), vocabulary.event(4, 17), vocabulary.long(20)],  # an event twice
    [*FIRST, *bar(1), vocabulary.track(1, vocabulary.RHYTHM), vocabulary.event(1, 4)],  # another rhythm
    [*FIRST, *bar(1), vocabulary.track(1, vocabulary.RHYTHM), vocabulary.event(0, 4), vocabulary.PITCH + 64,
     vocabulary.END],  # half of a rhythm
])  # fmt: skip
def test_what_makes_no_bar_is_not_allowed(wrong):
    assert fault(wrong) == len(wrong) - 1


def test_a_lane_plays_an_earlier_bar_again_where_it_was_written_on_that_grid():
    assert fault([*FIRST, *bar(1), vocabulary.track(1, 1)]) == -1
    other = [*FIRST, *bar(1, grid=vocabulary.TRIPLETS), vocabulary.track(1, 1)]
    assert fault(other) == len(other) - 1


def test_a_rhythm_that_returns_has_the_events_of_that_bar_and_pitches_of_its_own():
    tokens = [*FIRST, *bar(1), vocabulary.track(1, vocabulary.RHYTHM), vocabulary.event(0, 4), vocabulary.PITCH + 65,
              vocabulary.PITCH + 69, vocabulary.event(4, 17), vocabulary.long(20), vocabulary.PITCH + 67]  # fmt: skip
    assert fault([*tokens, vocabulary.track(2, 0)]) == -1 and fault([*tokens, vocabulary.event(9, 1)]) == len(tokens)
    assert lanes_by_bar(tokens, COMBOS)[1][1] == {1: [(0, 4, 65), (0, 4, 69), (4, 20, 67)]}
    again = [*tokens, *bar(2), vocabulary.track(1, 1), *bar(3), vocabulary.track(1, vocabulary.RHYTHM)]
    assert fault([*again, vocabulary.event(0, 4)]) == -1  # what came again has its rhythm too


def test_bars_are_written_in_any_order_and_gone_to_more_than_once():
    plan = [vocabulary.PLAN, *[vocabulary.bar(0), vocabulary.chord(0), vocabulary.chord(0)] * 2]
    tokens = [*plan, vocabulary.GO + 1, vocabulary.track(3, 0), vocabulary.event(0, 4), vocabulary.PITCH + 40,
              vocabulary.GO, vocabulary.track(1, 0), vocabulary.event(0, 4), vocabulary.PITCH + 60,
              vocabulary.GO + 1, vocabulary.track(1, 1)]  # fmt: skip
    assert fault(tokens) == -1
    assert [lanes for _, lanes in lanes_by_bar(tokens, COMBOS)] == [
        {1: [(0, 4, 60)]}, {3: [(0, 4, 40)], 1: [(0, 4, 60)]}]  # fmt: skip


def hear(tokens):
    numbers, bits = np.zeros((len(tokens), grammar.NUMBERS), np.int16), np.zeros((len(tokens), grammar.BITS), np.uint8)
    machine = grammar.start(classes=grammar.drum_classes(COMBOS))
    grammar.walk(machine, np.array(tokens), numbers, bits)
    return numbers, bits


def test_what_is_heard_before_a_note():
    """Piano: C for a bar; again in the next, where the bass is about to play at step 8 what it played a bar before."""
    first = bar(0, (1, [(0, 24, 60)]), (3, [(8, 4, 43)]), chords=(0, 7))
    drums = (0, [(0, 1, 36), (0, 1, 42), (4, 1, 38), (6, 1, 56)])
    second = [*bar(1, drums, chords=(5, -1)), vocabulary.track(1, 1), vocabulary.track(3, 0), vocabulary.event(8, 2)]
    numbers, bits = hear([*first, *second])
    none, unknown = vocabulary.CHORDS, grammar.UNKNOWN
    assert numbers[-1].tolist() == [3, 8, 1, none, *[unknown] * 5, (16 + 8) * 6 // grammar.SLOT]
    others, before, others_begin, kick, snare, lanes, lanes_before = 0, 12, 108, 132, 156, 180, 186
    written = [lanes + lane for lane in (0, 1, 3)], [lanes_before + lane for lane in (1, 3)]
    assert np.flatnonzero(bits[-1]).tolist() == [
        others + 0, before + 7, 36 + 8, others_begin + 0, kick + 0, snare + 4, *written[0], *written[1]
    ]  # fmt: skip
    assert numbers[-2].tolist() == [3, grammar.NO_STEP, 1, 5, none, *[unknown] * 4, 16 * 6 // grammar.SLOT]


def test_what_is_heard_before_a_chord_is_planned():
    """Of a second half: the first half's chord, and those of second halves 1, 2 and 4 bars before."""
    plan = [token for n in range(5) for token in (vocabulary.bar(0), vocabulary.chord(n), vocabulary.chord(10 + n))]
    numbers, bits = hear([vocabulary.PLAN, *plan[:-1]])
    assert numbers[-1, 3:9].tolist() == [4, grammar.UNKNOWN, 13, 12, 10, grammar.UNKNOWN] and not bits.any()
    assert numbers[-2, 3:9].tolist() == [grammar.UNKNOWN, grammar.UNKNOWN, 3, 2, 0, grammar.UNKNOWN]


def test_drums_hear_what_they_struck_before_and_cowbells_are_among_the_others():
    _, bits = hear([*bar(0, (0, [(0, 1, 36), (0, 1, 42), (2, 1, 56)])), *bar(1), vocabulary.track(0, 0),
                          vocabulary.event(0, 1), vocabulary.PITCH + 35, vocabulary.event(2, 1)])  # fmt: skip
    assert np.flatnonzero(bits[-3]).tolist() == [12, 12 + 2, 36 + 0, 36 + 2, 180, 186]
    assert np.flatnonzero(bits[-1]).tolist() == [12 + len(grammar.DRUM_CLASSES), 36 + 0, 36 + 2, 180, 186]


def test_a_bar_of_triplets_is_known_by_its_onsets():
    assert grid_of(np.array([0, 6, 12, 18, 24])) == vocabulary.STRAIGHT
    assert grid_of(np.array([0, 8, 16, 24, 32])) == vocabulary.TRIPLETS
    assert grid_of(np.array([0, 16, 24, 40])) == vocabulary.TRIPLETS  # swing
    assert grid_of(np.array([], int)) == vocabulary.STRAIGHT


def test_what_is_no_lane_is_refused():
    with pytest.raises(RequestError, match="no part of a lane"):
        decode([vocabulary.PITCH], COMBOS)


def test_two_notes_of_one_pitch_that_begin_together_are_the_longer():
    c, e = vocabulary.PITCH + 60, vocabulary.PITCH + 64
    tokens = [vocabulary.event(0, 4), c, e, vocabulary.event(0, 8), c, vocabulary.event(4, 4), c]
    assert decode(tokens, ()) == [(0, 4, 64), (0, 8, 60), (4, 4, 60)]
