"""How the player's chances are moved: towards chords, kits, habits and genres, and away from what clashes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine.player import choosing, grammar, vocabulary
from engine.player.bars import Bar
from engine.player.desk import SIXTEENTHS, bias_of, busy, groove, weights_of
from engine.player.levels import LEVELS
from tests.tiny_player import BASS, DRUMS, GUITAR, LEAD, PIANO, STRINGS, whole
from training.player.habits import (
    HABITS,
    chords_again,
    leaps,
    meets,
    meets_the_kick,
    newcomers,
    repeats,
    roots,
    strikes,
    voices,
)
from training.player.measures import chord_share

NO_GROOVE = np.zeros((SIXTEENTHS, len(grammar.DRUM_NAMES)))


def test_corrections_move_chance_between_the_end_of_a_bar_and_lanes_but_not_to_longer_lanes():
    """Of END, a new lane, an earlier bar again and another event: the first three share what they had."""
    may = np.array([vocabulary.END, vocabulary.track(BASS, 0), vocabulary.track(BASS, 1), vocabulary.event(4, 2)])
    bias = bias_of({"end": -np.log(3), "again": np.log(2)})
    chance = np.array([0.3, 0.2, 0.1, 0.4])
    choosing._correct(chance, may, bias)
    np.testing.assert_allclose(chance, [0.12, 0.24, 0.24, 0.4], rtol=1e-6)
    alone = np.array([0.25, 0.75])
    choosing._correct(alone, may[[0, 3]], bias)
    np.testing.assert_allclose(alone, [0.25, 0.75], rtol=1e-6)


def test_only_chords_that_are_given_are_leaned_to_and_the_more_the_heavier(model):
    def chord_tones(weight, **asked):
        bars = whole(replace(model, rates={"chord": weight}), bars=8, seed=2, lanes=(PIANO, BASS), **asked)
        return bars, chord_share(bars, [(0, 0)] * 8)

    given = {"chords": dict.fromkeys(range(16), 0)}
    shares = [chord_tones(weight, **given)[1] for weight in (0.0, 1.0, 6.0)]
    assert shares == sorted(shares) and shares[0] < shares[1] and shares[2] > 0.9
    assert chord_tones(0.0)[0] == chord_tones(6.0)[0]


def test_rests_become_rarer_where_the_end_is_corrected(model):
    often = replace(model, rates={"end": 3.0})
    played = [sum(len(bar.lanes) for bar in whole(one, bars=8, seed=4)) for one in (often, model)]
    assert played[0] < played[1]


def test_a_genre_can_be_played_more_or_less_as_what_it_is(model):
    def played(style, genre, **asked):
        rates = dict.fromkeys(("style, jazz", "style, rock"), style)
        return whole(replace(model, rates=rates), bars=2, genre=genre, seed=3, **asked)

    jazz, rock = {"jazz": 1.0}, {"rock": 1.0}
    assert played(0, jazz) == played(0, rock) == played(1, {"jazz": 1.0, "rock": 1.0}), "the middle of all"
    assert played(1, jazz) == whole(model, bars=2, genre=jazz, seed=3) != played(4, jazz) != played(4, rock)
    assert played(4, {}) == played(1, {}), "no genre is none of them"
    chords = dict.fromkeys(range(4), 5)
    assert played(4, jazz, chords=chords) == played(1, jazz, chords=chords), "chords that are given are not left for it"


def test_notes_of_the_planned_chords_can_be_raised_and_come_no_more_often_for_it(model):
    """Other notes come, of the chord more often, of the bass its root in the first beat; drums hear nothing of it."""

    def played(pull, lanes):
        raised = replace(model, rates={"chord": pull})
        return whole(raised, bars=8, lanes=lanes, chords=dict.fromkeys(range(16), 31), seed=2)  # G7

    def share(bars, lane, tones):
        pitches = [pitch for bar in bars for _, _, pitch in bar.lanes.get(lane, ())]
        return np.mean([pitch % 12 in tones for pitch in pitches])

    free, raised = played(0.0, (PIANO, BASS)), played(3.0, (PIANO, BASS))
    assert share(raised, PIANO, {7, 11, 2, 5}) > share(free, PIANO, {7, 11, 2, 5}) + 0.2
    assert share(raised, BASS, {7, 11, 2, 5}) > share(free, BASS, {7, 11, 2, 5}) + 0.2
    assert played(0.0, (DRUMS,)) == played(3.0, (DRUMS,))


def test_no_pitched_lane_plays_a_bar_again_over_other_chords_that_are_given(model):
    repeating = replace(model, rates={"again": 9.0, "end": -20.0})

    def again(lane, chords):
        planned = {half: chords[half // 2 % 2] for half in range(16)}
        bars = whole(repeating, bars=8, lanes=(lane,), chords=planned, seed=2)
        return [now.lanes[lane] == before.lanes[lane] for before, now in pairwise(bars)]

    assert any(again(PIANO, (0, 0))) and not any(again(PIANO, (0, 5))) and any(again(DRUMS, (0, 5)))


def test_a_part_keeps_out_of_the_tunes_way(model):
    """Beside a held tune that is a semitone from notes of the chord, those come more seldom."""
    tune = {n: {LEAD: [(0, 16, 72)]} for n in range(8)}  # C over G7: B is a semitone below

    def share(pull):
        bars = whole(replace(model, rates={"chord": pull}), bars=8, lanes=(PIANO,), given=tune,
                     grids=dict.fromkeys(range(8), 0), chords=dict.fromkeys(range(16), 31), seed=2)  # fmt: skip
        pitches = [pitch for bar in bars for _, length, pitch in bar.lanes.get(PIANO, ()) if length > 1]
        return np.mean([pitch % 12 in (11, 1) for pitch in pitches])

    assert share(2.0) < share(0.0) / 2


@pytest.mark.parametrize("name", ["repeat, piano", "chords, piano", "voices, piano", "leap, bass", "root", "kit"])
def test_the_weight_of_a_habit_moves_it(model, name):
    def habit(weight):
        weighted = replace(model, rates={name: weight})
        so, could = np.sum([HABITS[name](whole(weighted, bars=16, seed=seed)) for seed in range(3, 9)], 0)
        return so / could

    assert habit(-12.0) < habit(12.0)


def test_a_lane_leaps_from_its_last_note_and_only_too_far_is_a_leap():
    event, pitch = vocabulary.event(4, 4), vocabulary.PITCH
    tokens = [vocabulary.track(BASS, 0), event, pitch + 40, vocabulary.GO + 1]
    tokens += [vocabulary.track(PIANO, 0), event, pitch + 60, pitch + 64]
    for lane, more, last in ((PIANO, [event], 64), (BASS, [vocabulary.track(BASS, 0), event], 40),
                             (STRINGS, [vocabulary.track(STRINGS, 0), event], -1)):  # fmt: skip
        written = np.array([*tokens, *more])
        assert choosing._last(written, len(written), lane) == last
    chance, may = np.ones(4), pitch + np.array([40 - 18, 40, 40 + 17, 40 + 29])
    choosing._leap(chance, may, 40, np.log(0.5))
    np.testing.assert_allclose(chance, [0.5 ** (1 / 12), 1, 1, 0.5])


def test_a_chord_has_as_many_notes_as_the_lanes_last_and_what_came_before_one_is_one(model):
    event, pitch = vocabulary.event(4, 4), vocabulary.PITCH
    chord = [pitch + note for note in (60, 64, 67)]
    guitar = [vocabulary.track(GUITAR, 0), event, pitch + 50, pitch + 54]
    tokens = [vocabulary.track(PIANO, 0), event, *chord, event, pitch + 72, vocabulary.GO + 1, *guitar]
    for more, notes in (([vocabulary.track(PIANO, 0), event], 3), ([], 2), ([vocabulary.track(BASS, 0), event], 0)):
        written = np.array([*tokens, *more])
        assert choosing._chord_before(written, len(written), (PIANO, GUITAR, BASS)[(3, 2, 0).index(notes)]) == notes

    machine, may = grammar.start(classes=model.classes), np.array([event, pitch + 70])
    machine.state[grammar.LANE] = PIANO
    weights = model.weights._replace(voices=np.full(len(vocabulary.LANES), np.log(3)))
    for notes, raised in ((1, 1), (2, 3), (3, 1 / 3)):
        written, chance = np.array([*tokens, vocabulary.track(PIANO, 0), event, *chord[:notes]]), np.ones(2)
        choosing._voices(chance, may, written, len(written), machine, weights)
        np.testing.assert_allclose(chance, [1, raised])


@pytest.mark.parametrize(
    "before, here, raised",
    [([60], [], [2, 1, 1]), ([60, 64], [], [5, 2, 1]), ([60, 64], [60], [2, 5, 1]), ([60, 64], [59], [2, 2, 1])],
)
def test_a_note_and_a_chord_that_come_again_are_raised_apart(before, here, raised):
    """After C, after C and E, after those where C is struck already, and where another note is."""
    event, pitch = vocabulary.event(4, 4), vocabulary.PITCH
    chance, tokens = np.ones(3), [event, *[pitch + note for note in before], event, *[pitch + note for note in here]]
    choosing._repeat(chance, pitch + np.array([60, 64, 67]), np.array(tokens), len(tokens), np.log(2), np.log(5))
    np.testing.assert_allclose(chance, raised)


def test_sets_of_drums_are_raised_for_each_drum_in_them(model):
    machine, drums = grammar.start(classes=model.classes), np.log([2.0, 3.0, *[1.0] * 10])  # kick and snare
    may = np.array([vocabulary.PITCH + 36, vocabulary.PITCH + 42, vocabulary.COMBO, vocabulary.COMBO + 1])
    chance = np.full(4, 0.25)
    choosing._equip(chance, may, machine, drums, 0.0, NO_GROOVE)
    sets = (36,), (42,), *model.combos[:2]
    raised = [np.prod([{35: 2.0, 36: 2.0, 38: 3.0}.get(drum, 1.0) for drum in each]) for each in sets]
    np.testing.assert_allclose(chance, 0.25 * np.array(raised), rtol=1e-6)


def test_a_drum_that_is_new_is_lowered_from_the_second_bar_on_but_no_crash(model):
    may = vocabulary.PITCH + np.array([36, 35, 49, 128, 129])  # two kicks, a crash, and the first two combos
    machine, same = grammar.start(classes=model.classes), np.zeros(len(grammar.DRUM_NAMES))
    script = [vocabulary.PLAN, *[vocabulary.BAR, vocabulary.CHORD, vocabulary.CHORD] * 2]
    kick = [vocabulary.track(DRUMS, 0), vocabulary.event(0, 1), vocabulary.PITCH + 36]
    for bar, tokens in enumerate(([*script, vocabulary.GO, *kick], [vocabulary.GO + 1])):
        for token in tokens:
            grammar.advance(machine, token)
        chance = np.ones(len(may))
        choosing._equip(chance, may, machine, same, np.log(0.5), NO_GROOVE)
        new = [sum(drum not in (36, 49) for drum in drums) for drums in ((36,), (35,), (49,), *model.combos[:2])]
        assert new[1] and new[3] and new[4] > 1
        np.testing.assert_allclose(chance, 0.5 ** np.array(new) if bar else 1.0)


def test_a_groove_is_of_its_sixteenth_and_of_the_first_bar_with_drums(model):
    kick, play = vocabulary.PITCH + 36, [vocabulary.track(DRUMS, 0)]
    machine, heavy = grammar.start(classes=model.classes), NO_GROOVE.copy()
    heavy[4, grammar.KICK] = np.log(3.0)
    script = [vocabulary.PLAN, *[vocabulary.BAR, vocabulary.CHORD, vocabulary.CHORD] * 2, vocabulary.GO]
    raised = []
    for token in [*script, *play, vocabulary.event(0, 1), kick, vocabulary.event(4, 1), kick,
                  vocabulary.GO + 1, *play, vocabulary.event(4, 1)]:  # fmt: skip
        grammar.advance(machine, token)
        if vocabulary.EVENT <= token < vocabulary.LONG:
            chance = np.ones(1)
            choosing._equip(chance, np.array([kick]), machine, NO_GROOVE[0], 0.0, heavy)
            raised.append(chance[0])
    np.testing.assert_allclose(raised, [1, 3, 1])


def test_a_genre_has_its_groove_a_mix_some_of_it_and_other_meters_none(model):
    rates = {groove("rock", "snare", step): 40.0 for step in range(SIXTEENTHS)}

    def snares(genre, meter=(4, 4)):
        asked = {"bars": 1, "genre": genre, "meter": meter, "lanes": (DRUMS,)}
        bars = [whole(replace(model, rates=rates), seed=seed, **asked)[0] for seed in range(3, 27)]
        struck = [bar.lanes.get(DRUMS, ()) for bar in bars if meter != (4, 4) or bar.grid == vocabulary.STRAIGHT]
        return np.mean([any(drum in (38, 40) for at, _, drum in notes if at == step)
                        for notes in struck for step in {note[0] for note in notes}])  # fmt: skip

    none = snares({"jazz": 1.0})
    assert snares({"rock": 1.0}) == 1 > none
    assert snares({"rock": 1.0, "jazz": 1.0}) > none
    assert snares({"rock": 1.0}, (3, 4)) < 1


def test_drums_are_new_once_and_crashes_never():
    bars = [Bar(0, (0, 0), {DRUMS: [(0, 1, drum) for drum in drums]}) for drums in ((), (36, 42), (36, 35), (35, 49))]
    assert newcomers(bars) == (1, 3) and newcomers(bars[:2]) == (0, 0)


def test_habits_are_counted_by_hand():
    bar = Bar(0, (0, 0), {DRUMS: [(0, 1, 36), (0, 1, 42), (8, 1, 38)], PIANO: [(0, 4, 60), (0, 4, 64), (8, 4, 64)],
                          GUITAR: [(0, 2, 50), (4, 2, 52)], BASS: [(0, 4, 36), (8, 4, 36)]})  # fmt: skip
    assert repeats(bar, PIANO) == (0, 0) and repeats(bar, GUITAR) == (0, 1) and repeats(bar, BASS) == (1, 1)
    third = [(0, 4, 60), (0, 4, 64)]
    lines = {PIANO: [*third, *[(4, length, pitch) for _, length, pitch in third], (8, 4, 64), (12, 4, 64)]}
    chords = replace(bar, lanes=lines)
    assert chords_again(chords, PIANO) == (1, 2) and repeats(chords, PIANO) == (1, 1)
    assert chords_again(bar, PIANO) == (0, 1) and voices([bar, bar], PIANO) == (1, 1)
    assert voices([bar, replace(bar, lanes={PIANO: [*third, (0, 4, 67)]})], PIANO) == (0, 1)
    assert meets(bar, GUITAR, (PIANO,)) == (1, 2) and meets_the_kick(bar) == (1, 2)
    assert [strikes(bar, drums) for drums in range(3)] == [(1, 2), (1, 2), (1, 2)] and strikes(bar, 4) == (0, 2)
    far = replace(bar, lanes={BASS: [(0, 4, 36 + 18), (8, 4, 36)]})
    assert leaps([bar, bar], BASS) == (0, 3) and leaps([bar, far], BASS) == (2, 3)
    other = replace(bar, chords=(0, 7))  # C, and from step 8 on G
    assert roots(bar) == (2, 2) and roots(other) == (1, 2) and roots(replace(bar, chords=(-1, 0))) == (1, 1)


def test_a_lane_that_plays_too_much_is_asked_for_less(model):
    """Half a level, a whole one, and beyond the last; other lanes and levels as they were."""
    said = dict(zip((busy("piano", 4), busy("piano", 5), busy("piano", 7)), (-0.5, 1.0, 1.0)))
    before, after = (weights_of(model.network, rates).busy.reshape(-1, LEVELS, 32) for rates in ({}, said))
    piano = before[PIANO]
    moved = {4: (piano[3] + piano[4]) / 2, 5: piano[6], 7: 2 * piano[7] - piano[6]}
    for level, embedding in moved.items():
        np.testing.assert_allclose(after[PIANO, level], embedding, atol=1e-6)
        after[PIANO, level] = piano[level]
    np.testing.assert_array_equal(after, before)
