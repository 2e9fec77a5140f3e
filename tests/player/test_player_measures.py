"""What the player is measured by, worked out by hand."""

import math

import numpy as np
import pytest

from engine.player import vocabulary
from engine.player.bars import Bar
from engine.player.brief import Brief
from engine.player.desk import busy
from tests.tiny_player import tiny_player
from training.player import calibrate
from training.player.calibrate import activity, levels_in, ways
from training.player.measures import chord_share, copied, distance, sounding, two_bars

DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
C, G = 0, 7


def test_what_sounds_is_counted_by_pitch_class_in_slots_of_two_ticks_and_across_bar_lines():
    bars = [Bar(lanes={PIANO: [(12, 8, 60), (12, 4, 72)], DRUMS: [(0, 1, 36)]}), Bar(vocabulary.TRIPLETS)]
    heard = sounding(bars, (PIANO,))
    assert heard.shape == (96, 12) and heard[36:48, 0].tolist() == [2] * 12 and heard[48:60, 0].tolist() == [1] * 12
    assert heard.sum() == 36
    assert sounding([Bar(vocabulary.TRIPLETS, lanes={BASS: [(1, 2, 43)]})], (BASS,))[:, 7].nonzero()[0].tolist() == [
        2,
        3,
        4,
        5,
    ]


def test_the_share_of_time_in_which_given_chords_sound():
    """A bar of C and G: the piano plays C E for the first half, the bass A for the second; drums do not count."""
    bars = [Bar(lanes={PIANO: [(0, 8, 60), (0, 8, 64)], BASS: [(8, 8, 45)], DRUMS: [(0, 1, 36)]})]
    assert chord_share(bars, [(C, G)]) == pytest.approx(2 / 3)
    assert chord_share(bars, [(C, -1)]) == 1 and math.isnan(chord_share([Bar()], [(C, G)]))


def test_the_tonal_distance_of_a_part_is_nothing_in_unison_and_grows_with_foreign_notes():
    def band(pitch):
        return [Bar(lanes={PIANO: [(0, 16, 60)], BASS: [(0, 16, pitch)], DRUMS: [(0, 1, 36)]})]

    assert distance(band(36), BASS) == pytest.approx(0)
    assert 0 < distance(band(43), BASS) < distance(band(42), BASS)
    assert math.isnan(distance([Bar(lanes={BASS: [(0, 16, 36)]})], BASS))


def test_two_bars_are_the_same_wherever_they_lie_but_drums_are_what_they_are():
    def bars(moved):
        notes = [(0, 4, 60 + moved), (4, 4, 62 + moved), (8, 8, 64 + moved)]
        return [Bar(lanes={PIANO: notes, DRUMS: [(s, 1, 36 + moved) for s in (0, 4, 8)]})] * 2

    assert two_bars(bars(0), PIANO) == two_bars(bars(5), PIANO) != two_bars(bars(0)[:1], PIANO) == []
    assert two_bars(bars(0), DRUMS) != two_bars(bars(5), DRUMS)
    other = [bars(0)[0], Bar(lanes={PIANO: [(0, 4, 60), (4, 4, 62), (8, 7, 64)]})]
    assert two_bars(other, PIANO) != two_bars(bars(0), PIANO)
    few = [Bar(lanes={PIANO: [(0, 4, 60)]})] * 2
    assert two_bars(few, PIANO) == []
    known = {PIANO: set(two_bars(bars(0), PIANO)), DRUMS: set()}
    assert copied([bars(3)], known) == pytest.approx((1 + 0) / 2)
    assert copied([other], known) == 0 and np.isnan(copied([few], known))


def test_bars_of_lanes_rest_are_new_come_again_or_keep_a_rhythm_and_the_first_is_left_out():
    """The bass: new, again, with its rhythm, at rest; the drums, which are to play, never do."""
    bass = [(0, 8, 36), (8, 8, 43)]
    bars = [Bar(lanes={BASS: bass}), Bar(lanes={BASS: bass}), Bar(lanes={BASS: [(0, 8, 41), (8, 8, 48)]}), Bar()]
    assert ways(bars, (BASS,), {}).tolist() == [1, 0, 1, 1]
    assert ways(bars, (DRUMS, BASS), {}).tolist() == [4, 0, 1, 1]
    assert ways([bars[0], Bar(lanes={BASS: [(4, 4, 40)]})], (BASS,), {}).tolist() == [0, 1, 0, 0]


def line(onsets):
    """A bar of the piano with so many notes."""
    return Bar(lanes={PIANO: [(step, 1, 60) for step in range(onsets)]})


def test_how_much_a_lane_plays_is_counted_where_it_plays():
    sections = [([line(4), line(0), line(6)], {PIANO: 3, BASS: 2}), ([line(8)], {PIANO: 3}), ([line(1)], {PIANO: 2})]
    onsets, count = activity(sections)
    assert onsets[PIANO, 3] == (5 + 8) / 2 and onsets[PIANO, 2] == 1 and np.isnan(onsets[BASS]).all()
    assert count[PIANO].tolist() == [0, 0, 1, 2, 0, 0, 0, 0] and count[BASS].sum() == 0
    assert [levels_in([line(n), line(0)]) for n in (0, 1, 5, 16)] == [{}, {PIANO: 2}, {PIANO: 4}, {PIANO: 7}]


def test_a_player_that_plays_too_much_is_asked_for_less_until_it_plays_as_songs_do(monkeypatch):
    """Songs have as many onsets as `songs` says; this player as many as songs of a level one higher."""
    levels, songs = range(2, 7), (1, 3, 5, 7, 11)
    briefs = [Brief(bars=1, busy={PIANO: level}) for level in levels for _ in range(50)]

    def too_much(model, asked):
        said = [brief.busy[PIANO] + model.rates.get(busy("piano", brief.busy[PIANO]), 0) for brief in asked]
        return [([line(round(np.interp(level + 1, levels, songs)))], (PIANO,)) for level in said]

    monkeypatch.setattr(calibrate, "real", lambda *_: [([line(onsets)], (PIANO,)) for onsets in songs])
    monkeypatch.setattr(calibrate, "asked", lambda *_: briefs)
    monkeypatch.setattr(calibrate, "played", too_much)
    rates = calibrate.keep_to_levels(tiny_player(), None)
    assert set(rates) == {busy("piano", level) for level in range(2, 6)}, "the highest sounds as it is asked for"
    assert list(rates.values()) == pytest.approx([-1] * 4, abs=0.3)
