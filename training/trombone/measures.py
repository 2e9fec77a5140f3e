"""What is measured of notes as they sound: length, tongue, one take beside another, breath, brightness, loudness.

    samples float [n] at `rate` Hz  →  one number; all in dB, seconds, or shares of 1

Nothing here knows how a note was made: recordings, seeds of ours and the soundfont go through the same functions.
Levels are Hann-weighted root mean squares over 25 ms, every 4 ms; bands are thirds of an octave.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.signal import stft

from engine.core.pitch import loudness_db

HOP_SECONDS, WINDOW_SECONDS = 0.004, 0.025
ONSET_DB, FALLEN_DB, NEAR_TOP_DB = -30.0, -12.0, -6.0
CENTRES_HZ = 1000 * 2.0 ** (np.arange(-10, 10) / 3)  # 99 Hz to 8 kHz
FLOOR_DB = -60.0  # below the whole: what lies lower in a band is not compared


def level_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """The level every 4 ms, dB, float64 [n]."""
    window = np.hanning(round(WINDOW_SECONDS * rate) + 2)[1:-1]
    return loudness_db(samples, window, round(HOP_SECONDS * rate))


def onset(level: np.ndarray) -> int:
    """The first point of a level within 30 dB of its top."""
    return int(np.argmax(level >= level.max() + ONSET_DB))


def note_seconds(samples: np.ndarray, rate: int) -> float:
    """From a note's onset until it has fallen for good 12 dB below its sustain, seconds.

    Sustain: the median of all that is within 12 dB of the top.
    """
    level = level_db(samples, rate)
    sustain = float(np.median(level[level >= level.max() + FALLEN_DB]))
    last = len(level) - 1 - int(np.argmax(level[::-1] >= sustain + FALLEN_DB))
    return (last - onset(level)) * HOP_SECONDS


def plateau(samples: np.ndarray, rate: int, onsets: Sequence[float], seconds: Sequence[float]) -> float:
    """The share of the notes' written lengths in which each is within 6 dB of its own top; mean over notes."""
    level = level_db(samples, rate)
    shares = []
    for at, length in zip(onsets, seconds):
        part = level[round(at / HOP_SECONDS) : round((at + length) / HOP_SECONDS)]
        shares.append(float(np.mean(part >= part.max() + NEAR_TOP_DB)))
    return float(np.mean(shares))


def dip_db(samples: np.ndarray, rate: int, onsets: Sequence[float]) -> float:
    """How far the level falls between notes that follow one another, dB below the softer of both; median."""
    level = level_db(samples, rate)
    dips = []
    for before, at, after in zip(onsets, onsets[1:], [*onsets[2:], len(level) * HOP_SECONDS]):
        a, b, c = (round(x / HOP_SECONDS) for x in (before, at, after))
        lowest = level[(a + b) // 2 : (b + c) // 2].min()
        dips.append(min(level[a:b].max(), level[b:c].max()) - lowest)
    return float(np.median(dips))


def third_octaves(samples: np.ndarray, rate: int) -> np.ndarray:
    """Energy in each third of an octave, dB of the whole, at least -60, float64 [20]."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), max(len(samples), rate // 4))) ** 2
    hz = np.linspace(0, rate / 2, len(power))
    edges = np.append(CENTRES_HZ / 2 ** (1 / 6), CENTRES_HZ[-1] * 2 ** (1 / 6))
    bands = np.array([power[(hz >= low) & (hz < high)].sum() for low, high in itertools.pairwise(edges)])
    out: np.ndarray = np.maximum(10 * np.log10(bands / max(power.sum(), 1e-20) + 1e-12), FLOOR_DB)
    return out


def spectrum_apart_db(a: np.ndarray, b: np.ndarray, rate: int) -> float:
    """How far the long-term spectra of two notes lie apart: mean over the bands that either has."""
    x, y = third_octaves(a, rate), third_octaves(b, rate)
    heard = np.maximum(x, y) > FLOOR_DB
    return float(np.abs(x - y)[heard].mean())


def attack_apart_db(a: np.ndarray, b: np.ndarray, rate: int, seconds: float = 0.3) -> float:
    """How far the levels of two notes lie apart over their first 300 ms, each from its onset and below its top, dB."""
    parts = []
    for samples in (a, b):
        level = level_db(samples, rate)
        first = onset(level)
        parts.append(np.maximum(level[first : first + round(seconds / HOP_SECONDS)] - level.max(), -40.0))
    count = min(map(len, parts))
    return float(np.abs(parts[0][:count] - parts[1][:count]).mean())


def correlation(a: np.ndarray, b: np.ndarray, rate: int, within: float = 0.005) -> float:
    """The largest correlation of two notes' waveforms over half a second, 0.1 s after their onsets, when one is moved
    by at most 5 ms."""
    hop, most = round(HOP_SECONDS * rate), round(within * rate)
    starts = [onset(level_db(x, rate)) * hop + rate // 10 for x in (a, b)]
    count = min(rate // 2, len(a) - starts[0], len(b) - starts[1] - most)
    fixed = a[starts[0] : starts[0] + count]
    best = 0.0
    for shift in range(-most, most + 1):
        first = starts[1] + shift
        moved = b[first : first + count] if first >= 0 else np.zeros(0)
        if len(moved) == count and count > 0:
            best = max(best, float(fixed @ moved / max(np.linalg.norm(fixed) * np.linalg.norm(moved), 1e-12)))
    return best


def segments_apart_db(samples: np.ndarray, rate: int) -> float:
    """How far the half-second segments of a note's middle lie apart in their spectra: mean over all pairs, dB."""
    count = len(samples) * 2 // rate
    bands = [third_octaves(samples[i * rate // 2 : (i + 1) * rate // 2], rate) for i in range(1, count - 1)]
    heard = np.max(bands, axis=0) > FLOOR_DB
    return float(np.mean([np.abs(x - y)[heard].mean() for x, y in itertools.combinations(bands, 2)]))


def centroid_movement(samples: np.ndarray, rate: int) -> float:
    """Standard deviation over mean of the spectral centroid below 8 kHz, while the note is within 12 dB of its top."""
    hz, _, spectrum = stft(samples, rate, nperseg=round(0.064 * rate), noverlap=round(0.048 * rate), boundary=None)
    size = np.abs(spectrum[hz <= 8000])
    level = 20 * np.log10(np.linalg.norm(size, axis=0) + 1e-12)
    held = size[:, level >= level.max() + FALLEN_DB]
    centroid = (hz[hz <= 8000] @ held) / held.sum(axis=0)
    return float(centroid.std() / centroid.mean())


def band_db(samples: np.ndarray, rate: int, low: float, high: float) -> float:
    """Energy between two frequencies, dB of the whole; -120 where the rate has no such band."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(10 * np.log10(power[(hz >= low) & (hz < high)].sum() / max(power.sum(), 1e-20) + 1e-12))


def noise_db(samples: np.ndarray, rate: int, f0_hz: float, low: float = 4000.0, high: float = 8000.0) -> float:
    """What lies between the harmonics of a note's middle half, brought to the whole width of low..high, dB of the
    whole."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    size = int(min(12 * rate / f0_hz, len(middle)))  # the window's main lobe stays within a third of f0
    hz, _, spectrum = stft(middle, rate, window="blackmanharris", nperseg=size, boundary=None)
    power = (np.abs(spectrum) ** 2).mean(axis=1)
    inside = (hz >= low) & (hz < high)
    between = inside & (np.abs(hz / f0_hz - np.round(hz / f0_hz)) > 0.4)
    return float(10 * np.log10(power[between].mean() * inside.sum() / max(power.sum(), 1e-20) + 1e-12))


def brightness_left(samples: np.ndarray, rate: int) -> float:
    """The spectral centroid over the note's second half, while it is held, as a share of its highest in the first
    150 ms."""
    hz, at, spectrum = stft(samples, rate, nperseg=round(0.032 * rate), noverlap=round(0.024 * rate))
    size = np.abs(spectrum[hz <= 8000])
    level = 20 * np.log10(np.linalg.norm(size, axis=0) + 1e-12)
    centroid = (hz[hz <= 8000] @ size) / np.maximum(size.sum(axis=0), 1e-12)
    held = np.flatnonzero(level >= level.max() + FALLEN_DB)
    early = held[at[held] <= at[held[0]] + 0.15]
    late = held[held >= (held[0] + held[-1]) // 2]
    return float(np.median(centroid[late]) / centroid[early].max())


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two sets of vectors [n, d] and [m, d], as of two normal distributions."""
    mean = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    first, second = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    # tr √(AB) through the eigenvalues of AB, which are those of a product of two positive matrices.
    root = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()
    return mean + float(np.trace(first) + np.trace(second) - 2 * root)
