"""A recording measured: its performance and its timbre, frame by frame.

The fundamental is tracked by Praat's autocorrelation (Boersma 1993); a frame's harmonics are the summits of its
spectrum near the multiples of that, its noise what remains (Serra & Smith 1990).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.core import pitch
from engine.translation.frames import (
    BANDS,
    EDGES,
    F0_RANGE,
    FFT,
    FLOOR_DB,
    FLOOR_OF_POWER,
    HARMONICS,
    HOP,
    KNOTS,
    LONGER,
    LOUDNESS_WINDOW,
    PERIODS,
    RATE,
    SILENCE_DB,
    TIMBRE,
    TO_KNOTS,
    UNVOICED_WINDOW,
    WINDOWS,
    Frames,
    audible,
    frame_count,
    pieces,
)


def track_f0(samples: np.ndarray) -> np.ndarray:
    """Fundamental in Hz at every frame, float64 [t], 0 where nothing periodic is heard."""
    frames = frame_count(len(samples))
    times, f0_hz = pitch.track_f0(
        samples, RATE, HOP / RATE, floor_hz=F0_RANGE[0], ceiling_hz=F0_RANGE[1], silence_threshold=0.01,
        voicing_threshold=0.45, octave_cost=0.03, octave_jump_cost=1.0, voiced_unvoiced_cost=0.14,
    )  # fmt: skip
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return np.zeros(frames)
    at = np.arange(frames) * HOP / RATE
    nearest = np.clip(np.round((at - times[0]) / (HOP / RATE)).astype(int), 0, len(f0_hz) - 1)
    line = np.exp(np.interp(at, times[voiced], np.log(f0_hz[voiced])))
    return np.where(f0_hz[nearest] > 0, line, 0.0)


def loudness(samples: np.ndarray) -> np.ndarray:
    """Root mean square in a Hann window of 512 samples around every frame's centre, in dB, float64 [t]."""
    return pitch.loudness_db(samples, np.hanning(LOUDNESS_WINDOW + 1)[:-1], HOP, SILENCE_DB)


def _spectra(samples: np.ndarray, frames: np.ndarray, size: int) -> np.ndarray:
    """Zero-phase spectra of Hann windows around frames, complex128 [n, 2049]; samples are padded by 2048."""
    index = (frames * HOP + 2048 - size // 2)[:, None] + np.arange(size)
    windowed = samples[index] * np.hanning(size + 1)[:-1]
    padded = np.zeros((len(frames), FFT))
    padded[:, : size // 2] = windowed[:, size // 2 :]
    padded[:, -(size // 2) :] = windowed[:, : size // 2]
    return np.fft.rfft(padded, axis=1)


def window_sizes(f0_hz: np.ndarray) -> np.ndarray:
    """Samples of the window through which each frame is analysed, int [t]."""
    needed = PERIODS * RATE / np.where(f0_hz > 0, f0_hz, PERIODS * RATE / UNVOICED_WINDOW)
    return np.array(WINDOWS)[np.minimum(np.searchsorted(WINDOWS, needed), len(WINDOWS) - 1)]


def split_frames(samples: np.ndarray, f0_hz: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """(frames, harmonics_db [n, 137], bands_db [n, 24]) of a recording, chunk after chunk, in dB of power.

    Harmonics above 8 kHz repeat the last one below; of unvoiced frames they are -150. What leaks from harmonics only
    ever adds to a band, so of two windows, the longer four times the shorter, each band takes the one that leaves less.
    """
    padded = np.pad(np.asarray(samples, np.float64), (2048, 2048 + HOP))
    for part in pieces(len(f0_hz)):
        at, hz = np.arange(len(f0_hz))[part], f0_hz[part]
        sizes = window_sizes(hz)
        harmonics, bands = _through(padded, at, hz, sizes)
        _, calmer = _through(padded, at, hz, np.minimum(LONGER * sizes, WINDOWS[-1]))
        yield part, harmonics, np.minimum(bands, calmer)


def _through(padded: np.ndarray, at: np.ndarray, f0_hz: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """harmonics_db [n, 137], bands_db [n, 24] of the frames `at`, each through a window of its own size."""
    from engine.translation.compiled import split  # here, because numba takes half a second to import

    harmonics = np.full((len(at), HARMONICS), -FLOOR_OF_POWER)
    bands = np.zeros((len(at), BANDS))
    for size in WINDOWS:
        chosen = sizes == size
        if chosen.any():
            h, b = harmonics[chosen], bands[chosen]
            split(_spectra(padded, at[chosen], size), f0_hz[chosen], size, h, b, EDGES)
            harmonics[chosen], bands[chosen] = h, b
    return harmonics, bands


def analyse(samples: np.ndarray, f0_hz: np.ndarray | None = None) -> Frames:
    """Performance and timbre of a mono recording at 16 kHz, float [n]."""
    f0_hz = track_f0(samples) if f0_hz is None else f0_hz
    timbre = np.zeros((len(f0_hz), TIMBRE), np.float32)
    for part, harmonics, bands in split_frames(samples, f0_hz):
        power = (10 ** (harmonics / 10) * audible(f0_hz[part])).sum(1) + (10 ** (bands / 10)).sum(1)
        level = 10 * np.log10(power + 1e-15)[:, None]
        timbre[part, :KNOTS] = np.maximum(harmonics - level, FLOOR_DB) @ TO_KNOTS.T
        timbre[part, KNOTS:] = np.maximum(bands - level, FLOOR_DB)
    return Frames(f0_hz, loudness(samples), _held(np.clip(timbre, FLOOR_DB, 6.0), f0_hz > 0))


def _held(timbre: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Unvoiced frames have no harmonics: their knots repeat the nearest voiced frame's, which nothing plays."""
    at = np.flatnonzero(voiced)
    if not len(at):
        timbre[:, :KNOTS] = FLOOR_DB
        return timbre
    every = np.arange(len(timbre))
    right = np.clip(np.searchsorted(at, every), 0, len(at) - 1)
    left = np.clip(right - 1, 0, len(at) - 1)
    nearest = np.where(np.abs(at[left] - every) <= np.abs(at[right] - every), at[left], at[right])
    timbre[:, :KNOTS] = timbre[nearest, :KNOTS]
    return timbre
