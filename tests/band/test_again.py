"""Bars that are written anew return as a song's own bars do, and never all of them as they were."""

import numpy as np

from engine.band.again import APART, returning, sources
from engine.player import Bar, Brief

DRUMS, PIANO, BASS = 0, 1, 3
NO_HABITS = np.zeros((len(APART), 5))
MARKED = range(3, 5)


def bar(number: int, same: bool) -> Bar:
    """Drums, piano and bass: the same in each bar, or of its own."""
    step = 0 if same else number
    return Bar(0, (0, 0), {DRUMS: [(step, 1, 36), (8, 1, 38)], PIANO: [(step, 4, 60)], BASS: [(step, 4, 36)]})


def drawn(bars: list[Bar], lanes: dict[int, bool], habits: np.ndarray = NO_HABITS, seeds: int = 40) -> list[dict]:
    return [sources(bars, MARKED, lanes, habits, np.random.default_rng(seed)) for seed in range(seeds)]


def test_a_song_whose_bars_return_goes_on_returning_and_another_does_not():
    lanes = dict.fromkeys((DRUMS, PIANO, BASS), True)
    again = drawn([bar(n, same=True) for n in range(8)], lanes)
    assert np.mean([len(found) for found in again]) > 3  # of six
    assert not any(drawn([bar(n, same=False) for n in range(8)], lanes))
    some = drawn([bar(n, same=False) for n in range(8)], lanes, NO_HABITS + 0.5)  # as the style has it
    assert 0 < np.mean([len(found) for found in some]) < 3


def test_in_each_bar_somebody_plays_something_else():
    bars = [bar(n, same=True) for n in range(8)]
    for lanes in ((PIANO,), (DRUMS, PIANO, BASS)):
        for found in drawn(bars, dict.fromkeys(lanes, True), NO_HABITS + 1):
            for number in MARKED:
                as_it_was = [lane for lane in lanes if found.get((number, lane), number) not in (number, *MARKED)]
                assert len(as_it_was) < len(lanes)


def test_who_rests_goes_on_resting_but_who_was_asked_for_is_heard():
    bars = [bar(n, same=False) for n in range(8)]
    del bars[3].lanes[PIANO], bars[3].lanes[BASS], bars[4].lanes[BASS]  # type: ignore[attr-defined]
    for found in drawn(bars, {PIANO: True, BASS: True}):
        assert found[3, PIANO] is None and (4, PIANO) not in found
        assert not any(lane == BASS for _, lane in found)
    for found in drawn(bars, {BASS: False}):
        assert found == {(3, BASS): None, (4, BASS): None}


def test_what_returns_is_given_to_the_player_with_its_chords_or_named_where_it_is_new_itself():
    bars = [replace_chords(bar(n, same=False), n) for n in range(8)]
    brief = Brief(8, lanes=(DRUMS, PIANO, BASS), given={n: {} for n in range(8)})
    asked = returning(brief, bars, MARKED, {(3, PIANO): 1, (4, BASS): 3, (4, PIANO): None})
    assert asked.given[3][PIANO] == bars[1].lanes[PIANO] and asked.chords[6] == asked.chords[7] == 1
    assert asked.form[4][BASS] == 1 and asked.form[4][PIANO] == -1 and asked.form[3][BASS] == 0
    over = returning(Brief(8, lanes=(DRUMS, PIANO), given={n: {} for n in range(8)}, chords={6: 5, 7: 5}), bars, MARKED,
                     {(3, PIANO): 1, (3, DRUMS): 1})  # fmt: skip
    assert PIANO not in over.given[3] and DRUMS in over.given[3], "a part over other chords than those asked for"
    held = Brief(8, lanes=(DRUMS,), given={n: {PIANO: [(0, 3, 60)]} for n in range(8)}, grids={3: 1})  # triplets stay
    assert returning(held, bars, MARKED, {(3, DRUMS): 1}).given[3] == {PIANO: [(0, 3, 60)]}, "off the grid of who stays"


def replace_chords(one: Bar, chord: int) -> Bar:
    return Bar(one.grid, (chord, chord), one.lanes)
