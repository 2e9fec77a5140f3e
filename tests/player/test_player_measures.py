"""What the player is measured by, worked out by hand."""

import math

import numpy as np
import pytest

from engine.player import vocabulary
from engine.player.bars import Bar
from training.player.calibrate import ways
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
