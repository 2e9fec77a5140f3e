"""What makes takes differ, and what lies above the network's band: draws, movement, bands and breath."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import trombone
from engine.core.pitch import loudness_db
from engine.trombone import extension as ext
from engine.trombone.conditions import HOP
from engine.trombone.notes import NoteSpec, dying, heard_points, play, whole_curve
from engine.trombone.pitch import RATE
from engine.trombone.takes import SPREAD, between_dynamics, draw, gains, wandering
from training.trombone.extension import course, course_db, lacking, low_breath_db
from training.trombone.measures import band_db, correlation, spectrum_apart_db
from training.trombone.takes import cell_deviations, falling, harmonic_tracks, kept_share, pace_of, tuning


@pytest.fixture(scope="module")
def model() -> trombone.Model:
    return trombone.load()


def test_what_wanders_keeps_its_variance_and_forgets_at_its_pace() -> None:
    walk = wandering(20_000, 2, 0.3, 0.8, np.random.default_rng(0))
    assert walk.std(axis=0) == pytest.approx([1, 1], abs=0.15)
    later = round(0.3 * RATE / 256)
    for column in walk.T:
        assert np.corrcoef(column[later:], column[:-later])[0, 1] == pytest.approx(np.exp(-1), abs=0.12)
    assert np.corrcoef(walk.T)[0, 1] == pytest.approx(0.8, abs=0.08)


def test_a_row_between_two_dynamics_is_between_theirs() -> None:
    table = np.array([[0.0], [10.0], [20.0], [30.0], [50.0]])
    assert [float(between_dynamics(table, d)[0]) for d in (0, 0.5, 3.5, 4, 9, -1)] == [0, 5, 40, 50, 50, 0]


def test_a_seed_draws_a_take_and_another_seed_another(model: trombone.Model) -> None:
    tables = model.tables.takes
    a, b, c = (draw(tables, 55, 2.0, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.levels, b.levels)
    assert np.abs(a.levels - c.levels)[:10].mean() > 0.3
    spread = np.std([draw(tables, 55, 3.0, 1.0, np.random.default_rng(seed)).levels[2] for seed in range(300)])
    near = np.abs(tables.notes[:, :2] - np.array([55, 3])) @ np.array([1 / 6, 1]) <= 1.2
    assert spread == pytest.approx(SPREAD * np.sqrt((tables.levels[near, 2] ** 2).mean()), rel=0.25)


def test_a_note_is_as_loud_as_its_dynamic(model: trombone.Model) -> None:
    for note in (NoteSpec(48, 0.5, 0.0), NoteSpec(60, 0.5, 4.0), NoteSpec(60, 0.5, -2.0)):
        [sound] = play(model, [note], seed=4)
        top = loudness_db(sound, np.hanning(1104)[1:-1], 176).max()
        assert top == pytest.approx({0.0: -32, 4.0: -15, -2.0: -45}[note.dynamic], abs=0.3)


def test_harmonics_fall_with_the_note_as_their_table_says(model: trombone.Model) -> None:
    below = np.concatenate([np.zeros(40), np.linspace(0, 20, 40)])
    flat, falling_too = (
        gains(model.tables.takes, 4.0, curve, np.random.default_rng(0)) for curve in (np.zeros(80), below)
    )
    db = 20 * np.log10(flat[-1] / falling_too[-1])
    np.testing.assert_allclose(db, 20 * model.tables.takes.falls[4], atol=1e-3)


def test_two_seeds_of_a_note_are_two_takes(model: trombone.Model) -> None:
    notes = [NoteSpec(midi, 0.8, dynamic) for midi, dynamic in ((46, 3.0), (58, 2.0), (65, 1.0))]
    takes = [play(model, notes, seed=seed, rate=RATE) for seed in (1, 2)]
    apart = [spectrum_apart_db(a, b, RATE) for a, b in zip(*takes)]
    alike = [correlation(a.astype(float), b.astype(float), RATE) for a, b in zip(*takes)]
    assert np.median(apart) > 0.8 and np.median(alike) < 0.95


# ---- fitted ----------------------------------------------------------------------------------------------------------


def test_deviations_in_a_cell_have_the_variance_around_the_true_mean() -> None:
    values = np.array([[1.0], [3.0], [10.0]])
    out = cell_deviations(values, np.array([0, 0, 1]))
    assert out[:2, 0] == pytest.approx([-np.sqrt(2), np.sqrt(2)]) and np.isnan(out[2, 0])


def test_the_tuning_of_takes_is_a_share_of_their_spread_in_a_cell() -> None:
    cents = np.random.default_rng(0).normal(11, 5, 400) + np.repeat([0, 40], 200)
    assert float(tuning(cents, np.repeat([1, 2], 200))[0]) == pytest.approx(0.3 * 5, rel=0.15)
    assert float(tuning(cents[:1], np.array([1]))[0]) == 0


def test_a_harmonics_track_is_its_level() -> None:
    phase = np.cumsum(np.full(RATE, 250 / RATE))
    tracks = harmonic_tracks(0.5 * np.cos(2 * np.pi * phase) + 0.05 * np.cos(6 * np.pi * phase), phase, 250.0)
    assert tracks[5:-5, 0] == pytest.approx(20 * np.log10(0.5 / 1), abs=0.5)
    assert tracks[5:-5, 2] == pytest.approx(20 * np.log10(0.05 / 1), abs=0.5)


def test_a_harmonic_that_falls_twice_as_fast_as_the_note_falls_one_decibel_more_a_decibel() -> None:
    curve = np.concatenate([np.zeros(20), -np.arange(40.0)])
    tracks = np.stack([np.zeros(60), np.concatenate([np.zeros(20), -np.arange(40.0)])], axis=1)
    assert falling(tracks, curve) == pytest.approx([0, 1], abs=0.01)


def test_pace_and_what_a_short_recording_shows_of_a_slow_movement() -> None:
    decay = np.exp(-12 * 256 / RATE / 0.3)
    assert pace_of(np.array([2.0]), np.array([2.0 * decay])) == pytest.approx(0.3)
    assert kept_share(100_000, 0.3) == pytest.approx(np.exp(-4 * 256 / RATE / 0.3), abs=0.01)
    assert kept_share(30, 0.3) < kept_share(200, 0.3)


# ---- above the network's band ----------------------------------------------------------------------------------------


def test_frames_overlap_to_the_sound_that_they_were_made_of() -> None:
    sound = np.random.default_rng(0).standard_normal(9_000).astype(np.float32)
    for rate in (ext.FULL_RATE, RATE):
        np.testing.assert_allclose(ext.overlapped(ext.spectra(sound, rate), rate, len(sound)), sound, atol=1e-4)


def test_a_comb_is_all_harmonics_of_amplitude_one() -> None:
    phase = np.arange(44_100) * 441 / 44_100
    spectrum = np.abs(np.fft.rfft(ext.comb(phase, 441.0, 44_100))) / 22_050
    assert spectrum[441 : 45 * 441 : 441] == pytest.approx(np.ones(44), abs=0.01)
    assert spectrum[46 * 441 + 1 :].max() < 0.01


def test_bands_hold_the_power_between_their_edges() -> None:
    noise = np.random.default_rng(1).standard_normal(88_200)
    power = np.abs(ext.spectra(noise, ext.FULL_RATE)) ** 2
    bands = ext.band_powers(power, ext.FULL_RATE, np.array([0.0, 2205.0, 6615.0])).sum(axis=0)
    assert bands / power.sum() == pytest.approx([0.1, 0.2], abs=0.01)


def test_smoothing_leaves_what_is_periodic_and_takes_noise_out_between_harmonics() -> None:
    phase = np.arange(44_100) * 220.5 / 44_100
    tone = np.cos(2 * np.pi * phase) + 0.5 * np.cos(2 * np.pi * 5 * phase)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(tone))
    inner = slice(2_000, -2_000)
    np.testing.assert_allclose(ext.smoothed(tone, phase, 1.0)[inner], tone[inner], atol=0.01)
    left = ext.smoothed(tone + noise, phase, 1.0)[inner] - tone[inner]
    assert left.std() == pytest.approx(0.1 * np.sqrt(3 / 8), rel=0.1)


def test_breath_below_is_what_lies_between_the_harmonics_and_under_them() -> None:
    time = np.arange(88_200) / 44_100
    tone = sum(np.cos(2 * np.pi * 500 * h * time) for h in range(1, 4))
    noise = 0.2 * np.random.default_rng(0).standard_normal(len(time))
    shares = 10 * np.log10(np.diff(ext.LOW_EDGES) / 22_050 * 0.2**2 / (1.5 + 0.2**2))
    assert low_breath_db(tone + noise, 44_100, 500.0) == pytest.approx(shares, abs=2)  # few bins a band
    assert (low_breath_db(tone, 44_100, 500.0) < shares - 6).all()


def test_what_is_lacking_is_a_difference_of_powers() -> None:
    half = 10 * np.log10(0.5)
    assert lacking(np.array([-40.0, np.nan, -60.0]), np.array([-40 + half, -50.0, -80.0])) == pytest.approx(
        [-40 + half, (-40 + half - 60.04) / 2, -60.04], abs=0.01
    )
    assert lacking(np.array([-50.0]), np.array([-40.0])).max() < -80


def test_a_course_says_what_recordings_have_more_of_at_each_time() -> None:
    size = len(ext.COURSE_SECONDS), len(ext.COURSE_EDGES) - 1
    own = np.tile(-20.0, (6, *size))
    real = own + np.arange(size[0])[:, None]
    real[:, -1] = np.nan  # no note is so long
    table = course(real, own, [0.0] * 6)
    assert table[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 5] and (table[3] == table[0]).all()


def test_a_note_that_gets_duller_has_a_falling_course() -> None:
    time = np.arange(44_100) / 44_100
    sound = np.cos(2 * np.pi * 440 * time) + (time < 0.15) * np.cos(2 * np.pi * 5_000 * time)
    band = int(np.searchsorted(ext.COURSE_EDGES, 5_000)) - 1
    levels = course_db(sound)[:, band]
    assert levels[1] == pytest.approx(-3, abs=0.5) and levels[5] == -65


def test_a_faint_release_goes_on_falling_to_its_end() -> None:
    curve = np.concatenate([np.full(50, -15.0), np.linspace(-15, -50, 36), np.full(30, -52.0), [-100.0]])
    factors = dying(curve, (len(curve) - 1) * 64)
    assert (factors[: 79 * 64] == 1).all() and factors[-1] < 0.01 and (np.diff(factors) <= 0).all()


def test_there_is_sound_above_eight_kilohertz_and_the_old_band_has_none(model: trombone.Model) -> None:
    note = NoteSpec(53, 0.8, 4.0)
    [full], [old] = (play(model, [note], seed=1, rate=rate) for rate in (44_100, RATE))
    assert band_db(full, 44_100, 8_000, 12_000) > -40
    assert len(full) / 44_100 == pytest.approx(len(old) / RATE, abs=0.001)
    assert (
        spectrum_apart_db(np.interp(np.arange(len(full)) / 44_100, np.arange(len(old)) / RATE, old), full, 44_100) < 3
    )


def test_a_loudness_template_stretches_in_its_middle_and_lasts_as_asked() -> None:
    template = np.concatenate([np.linspace(-35, 0, 32), np.zeros(8), np.linspace(0, -35, 128)])
    for seconds in (0.4, 1.0, 3.0):
        curve = whole_curve(template, seconds)
        assert curve.max() == -15 and curve[:-1].min() >= -52
        assert heard_points(curve) * HOP / RATE == pytest.approx(seconds, abs=0.02)


def test_a_recording_that_lingers_where_notes_end_shapes_none(model: trombone.Model) -> None:
    tables = model.tables.takes
    clear = np.concatenate([np.linspace(-35, 0, 32), np.zeros(8), np.linspace(0, -35, 128) * 2])
    lingering = np.concatenate([np.linspace(-35, 0, 32), np.zeros(8), np.full(60, -1.0), np.full(68, -13.0)])
    rows = replace(
        tables, notes=np.repeat([[55, 2, 1]], 10, axis=0), levels=tables.levels[:10], phases=tables.phases[:10],
        loudness=np.stack([clear] * 9 + [lingering]),
    )  # fmt: skip
    assert rows.unclear.tolist() == [False] * 9 + [True]
    for seed in range(30):
        np.testing.assert_array_equal(draw(rows, 55, 2.0, 1.0, np.random.default_rng(seed)).loudness, clear)
