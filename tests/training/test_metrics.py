"""The measures of pianorolls against cases worked out by hand; every case is lopsided in time and in pitch."""

from __future__ import annotations

import numpy as np
import pytest

from training.core import metrics


def bar(*notes: tuple[int, int, int], steps: int = 16, pitches: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """(step, pitch, length)... -> onset and held, bool [steps, pitches]."""
    onset, held = np.zeros((steps, pitches), bool), np.zeros((steps, pitches), bool)
    for step, pitch, length in notes:
        onset[step, pitch] = True
        held[step : step + length, pitch] = True
    return onset, held


def test_empty_bars_are_counted_as_empty() -> None:
    held = np.stack([bar()[1], bar((15, 3, 1))[1], bar((0, 0, 16))[1], bar((4, 23, 2))[1]])
    assert metrics.empty_bars(held) == 0.25


def test_pitch_classes_start_at_the_lowest_pitch() -> None:
    _, held = bar((0, 0, 1), (3, 12, 1), (5, 7, 2))  # an octave is one class
    assert metrics.used_pitch_classes(held[None], lowest=24) == 2
    assert np.flatnonzero(metrics.pitch_classes(held.any(0), lowest=24)).tolist() == [0, 7]
    assert np.flatnonzero(metrics.pitch_classes(held.any(0), lowest=29)).tolist() == [0, 5]  # F and C
    assert np.flatnonzero(metrics.chroma(held, lowest=29)).tolist() == [0, 5]
    assert metrics.chroma(held, lowest=29)[[5, 0]].tolist() == [2, 2]


def test_empty_bars_do_not_dilute_pitch_classes() -> None:
    held = np.stack([bar()[1], bar((0, 1, 4), (4, 2, 4), (9, 4, 1))[1]])
    assert metrics.used_pitch_classes(held) == 3


def test_lengths_end_at_the_next_onset_and_holds_without_onset_are_no_notes() -> None:
    onset, held = bar((0, 5, 3), (3, 5, 2), (10, 6, 9))
    held[8, 2] = True  # an orphan
    assert sorted(metrics.note_lengths(onset, held).tolist()) == [2, 3, 6]
    assert metrics.qualified_notes(metrics.note_lengths(onset, held), 3) == pytest.approx(2 / 3)
    assert np.isnan(metrics.qualified_notes(np.zeros(0), 3))


def test_lengths_of_many_bars_are_those_of_each() -> None:
    a, b = bar((0, 5, 16)), bar((2, 1, 1), (14, 0, 5))
    together = metrics.note_lengths(np.stack([a[0], b[0]]), np.stack([a[1], b[1]]))
    assert sorted(together.tolist()) == [1, 2, 16]


def test_drum_patterns_on_two_grids() -> None:
    sixteenths = np.array([0, 2, 3, 4, 7])  # three of five on the eighths
    assert metrics.drum_pattern(sixteenths, 4, 8) == 0.6
    assert metrics.drum_pattern(sixteenths, 4, 16) == 1.0
    ticks = np.array([0, 12, 18, 25, 30, 8])  # 24 a beat
    assert metrics.drum_pattern(ticks, 24, 8) == pytest.approx(2 / 6)
    assert metrics.drum_pattern(ticks, 24, 16) == pytest.approx(4 / 6)
    with pytest.raises(ValueError):
        metrics.drum_pattern(ticks, 24, 12)


def test_tonal_centroids_are_hartes() -> None:
    c = np.eye(12)[0]
    assert metrics.tonal_centroid(c) == pytest.approx([0, 1, 0, 1, 0, 0.5])
    # G is one step up the circle of fifths: sin(7·7π/6) = 1/2, cos = √3/2; three quarter turns of minor thirds …
    g = metrics.tonal_centroid(np.eye(12)[7])
    assert g == pytest.approx([0.5, np.sqrt(3) / 2, 1, 0, np.sqrt(3) / 4, -0.25])
    assert np.isnan(metrics.tonal_centroid(np.zeros(12))).all()


def test_a_fifth_is_nearer_than_a_tritone_and_an_octave_is_nothing() -> None:
    c, g, fis = np.eye(12)[[0]], np.eye(12)[[7]], np.eye(12)[[6]]
    assert metrics.tonal_distances(c, c * 5)[0] == pytest.approx(0)
    assert metrics.tonal_distances(c, g)[0] < metrics.tonal_distances(c, fis)[0]


def test_tonal_distance_counts_only_beats_in_which_both_sound() -> None:
    one, two = bar((0, 0, 4), (8, 7, 4))[1], bar((0, 7, 4), (4, 6, 4))[1]
    expected = metrics.tonal_distances(np.eye(12)[[0]], np.eye(12)[[7]])[0]
    assert metrics.tonal_distance(np.stack([one, two])) == pytest.approx(expected)
    assert np.isnan(metrics.tonal_distance(np.stack([one, np.zeros_like(one)])))


def test_transposing_all_tracks_keeps_their_distance() -> None:
    rng = np.random.default_rng(3)
    held = rng.random((3, 16, 24)) < 0.1
    held[..., -5:] = False
    assert metrics.tonal_distance(np.roll(held, 5, -1)) == pytest.approx(metrics.tonal_distance(held), abs=1e-6)


def test_polyphony_density_and_overlap() -> None:
    a, b = bar((0, 0, 4), (0, 4, 2), (8, 7, 1)), bar((0, 0, 1), (8, 9, 1))
    assert metrics.polyphony(a[1]) == pytest.approx((2 + 2 + 1 + 1 + 1) / 5)
    assert metrics.note_density(np.stack([a[0], b[0], bar()[0]])) == 2.5
    assert metrics.onset_iou(a[0], b[0]) == pytest.approx(1 / 4)
    assert np.isnan(metrics.onset_iou(bar()[0], bar()[0]))


def test_feature_distance_is_nothing_for_the_same_and_grows_with_a_shift() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(400, 6)) * [1, 2, 3, 4, 5, 6]
    assert metrics.feature_distance(a, a, a, 6) == pytest.approx(0, abs=1e-6)
    shifted = a + [0, 0, 3, 0, 0, 0]  # one standard deviation of one feature
    assert metrics.feature_distance(a, shifted, a, 6) == pytest.approx(1, rel=0.1)
    assert metrics.feature_distance(a, a[:200] * 2, a, 6) > 3
