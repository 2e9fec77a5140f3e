"""What the trombone is judged by: each measure on sounds whose figure is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.trombone import embedding, measures
from training.trombone.judge import pair_judge

RATE = 44_100


def tone(seconds: float, hz: float = 220.0, harmonics: int = 1, amplitude: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return amplitude * sum(np.sin(2 * np.pi * hz * h * time) for h in range(1, harmonics + 1))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE))


def noise(seconds: float, amplitude: float, seed: int = 0) -> np.ndarray:
    return amplitude * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def db(amplitude: float) -> float:
    return float(20 * np.log10(amplitude))


def test_a_note_is_as_long_as_until_it_has_fallen_twelve_decibels() -> None:
    ring = tone(0.6) * 10 ** (-60 * np.linspace(0, 1, round(0.6 * RATE)) / 20)  # 100 dB a second: -12 dB after 0.12 s
    sound = np.concatenate([silence(0.3), tone(0.5), ring, silence(0.2)])
    assert measures.note_seconds(sound, RATE) == pytest.approx(0.62, abs=0.015)


def test_half_tone_and_half_rest_is_a_plateau_of_a_half_and_ringing_on_fills_it() -> None:
    onsets = [0.0, 0.5, 1.0]
    dry = np.concatenate([tone(0.25), silence(0.25)] * 3)
    assert measures.plateau(dry, RATE, onsets, [0.5] * 3) == pytest.approx(0.5, abs=0.04)
    assert measures.plateau(tone(1.5), RATE, onsets, [0.5] * 3) == pytest.approx(1.0, abs=0.02)


def test_a_dip_is_how_far_it_falls_between_notes() -> None:
    softer = 10 ** (-15 / 20)
    line = np.concatenate([tone(0.4), tone(0.1) * softer] * 3)
    assert measures.dip_db(line, RATE, [0.0, 0.5, 1.0]) == pytest.approx(15, abs=0.5)


def test_a_filter_that_halves_one_band_is_a_twentieth_of_six_decibels_apart() -> None:
    base = noise(1.0, 0.1)
    spectrum = np.fft.rfft(base)
    hz = np.fft.rfftfreq(len(base), 1 / RATE)
    band = (hz >= 1000 / 2 ** (1 / 6)) & (hz < 1000 * 2 ** (1 / 6))
    spectrum[band] /= 2
    changed = np.fft.irfft(spectrum, len(base))
    assert measures.spectrum_apart_db(base, changed, RATE) == pytest.approx(6.02 / 20, abs=0.05)
    assert measures.spectrum_apart_db(base, 0.3 * base, RATE) == pytest.approx(0, abs=1e-6)


def test_an_attack_ten_decibels_lower_for_half_of_the_time_is_five_apart() -> None:
    soft = np.concatenate([tone(0.15) * 10**-0.5, tone(1.0)])
    assert measures.attack_apart_db(tone(1.15), soft, RATE) == pytest.approx(5, abs=0.4)


def test_a_delay_within_five_milliseconds_changes_no_correlation_and_another_noise_has_none() -> None:
    base = noise(1.0, 0.1)
    later = np.concatenate([silence(0.003), base])
    assert measures.correlation(base, later, RATE) > 0.99
    assert measures.correlation(base, noise(1.0, 0.1, seed=1), RATE) < 0.1


def test_a_frozen_tone_does_not_move_and_one_whose_timbre_swings_does() -> None:
    frozen = tone(4.0, harmonics=4)
    time = np.arange(len(frozen)) / RATE
    swinging = tone(4.0) + tone(4.0, hz=1760) * (1 + 0.8 * np.sin(2 * np.pi * 0.4 * time))
    assert measures.segments_apart_db(frozen, RATE) < 0.1 < measures.segments_apart_db(swinging, RATE)
    assert measures.centroid_movement(frozen, RATE) < 0.02 < 0.1 < measures.centroid_movement(swinging, RATE)


def test_energy_in_a_band_is_its_share() -> None:
    sound = tone(1.0, 440) + 0.1 * tone(1.0, 5000)
    assert measures.band_db(sound, RATE, 4000, 7000) == pytest.approx(-20, abs=0.1)
    assert measures.band_db(sound, RATE, 8000, 12000) < -80


def test_noise_between_the_harmonics_is_read_over_the_whole_band() -> None:
    whole = tone(2.0, 220, harmonics=60, amplitude=0.02)
    share = 0.01 * np.sqrt(RATE / 2 / 4000)  # white, so that 4-8 kHz holds the amplitude 0.01
    expected = db(0.01) - db(0.02 * np.sqrt(60 / 2))
    assert measures.noise_db(whole + noise(2.0, share), RATE, 220.0) == pytest.approx(expected, abs=1)
    assert measures.noise_db(whole, RATE, 220.0) < expected - 20


def test_brightness_that_falls_to_a_half_is_a_half() -> None:
    sound = np.concatenate([tone(0.2, 2000), tone(0.8, 1000)])
    assert measures.brightness_left(sound, RATE) == pytest.approx(0.5, abs=0.03)


def test_the_frechet_distance_of_shifted_sets_is_the_shift_squared() -> None:
    points = np.random.default_rng(0).standard_normal((500, 3))
    assert measures.frechet(points, points) == pytest.approx(0, abs=1e-9)
    assert measures.frechet(points, points + np.array([3.0, 0, 4.0])) == pytest.approx(25)
    wide = measures.frechet(points, 2 * points)  # Σ (2σ - σ)² beside the moved mean
    assert wide == pytest.approx(float(np.trace(np.cov(points.T)) + (points.mean(axis=0) ** 2).sum()))


def test_pairs_that_are_alike_are_told_by_chance_and_others_are_told() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((80, 6))
    assert pair_judge(real, rng.standard_normal((80, 6))) < 0.65
    assert pair_judge(real, rng.standard_normal((80, 6)) + 3) > 0.95


def test_the_judges_ear_is_committed_and_hears_another_instrument_far_away() -> None:
    network = embedding.load()
    trombones = embedding.embed(network, [tone(1.0, 110 * 2 ** (i / 12), harmonics=12) for i in range(3)])
    whistles = embedding.embed(network, [tone(1.0, 880 * 2 ** (i / 12)) for i in range(3)])
    assert trombones.shape == (3, 12) and np.isfinite(trombones).all()
    assert np.linalg.norm(trombones - trombones.mean(axis=0), axis=1).max() < np.linalg.norm(
        trombones.mean(axis=0) - whistles.mean(axis=0)
    )
