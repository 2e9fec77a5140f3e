"""A recording measured: its performance and its timbre, frame by frame.

The fundamental is tracked by Praat's autocorrelation (Boersma 1993); a frame's harmonics are the summits of its
spectrum near the multiples of that, its noise what remains (Serra & Smith 1990).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.fft

from engine.core import pitch
from engine.core.audio import Audio
from engine.translation.frames import (
    BANDS,
    CHUNK,
    EDGES,
    ENVELOPE_SECONDS,
    F0_RANGE,
    FFT,
    FLOOR_DB,
    FLOOR_OF_POWER,
    HARMONICS,
    HOP,
    KNOTS,
    LONGER,
    LOUDNESS_WINDOW,
    PARTS,
    PERIODS,
    RATE,
    SILENCE_DB,
    TIMBRE,
    TO_KNOTS,
    UNVOICED_WINDOW,
    WINDOWS,
    Frames,
    audible,
    filled_midi,
    frame_count,
    pieces,
)

SPECTRA = 128  # frames whose spectra are held at once
DOUBTED_SECONDS = 60  # of a recording, that a second tracker hears too
LISTENED: dict[str, Any] = {"floor_hz": F0_RANGE[0], "ceiling_hz": F0_RANGE[1], "listened_rate": 16_000}
"""The range of fundamentals, and a rate that is enough for every one of them."""
TRACKER: dict[str, Any] = {
    "silence_threshold": 0.01, "voicing_threshold": 0.45, "octave_cost": 0.045, "octave_jump_cost": 0.5,
    "voiced_unvoiced_cost": 0.14,
}  # fmt: skip
"""Praat's costs, but for the octaves': .03 hears 0.8% of the phrases' frames an octave low, .06 bassoons too high; and
with a jump of 1 a slurred note of a quarter of a second that leaps an octave is heard without its leap."""


def track_f0(samples: np.ndarray) -> np.ndarray:
    """Fundamental in Hz at every frame, float64 [t], 0 where nothing periodic is heard."""
    frames = frame_count(len(samples))
    times, f0_hz, strength = pitch.track_periods(samples, RATE, HOP / RATE, **LISTENED, **TRACKER)
    f0_hz[astray(f0_hz, strength)] = 0
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return np.zeros(frames)
    at = np.arange(frames) * HOP / RATE
    nearest = np.clip(np.round((at - times[0]) / (HOP / RATE)).astype(int), 0, len(f0_hz) - 1)
    line = np.exp(np.interp(at, times[voiced], np.log(f0_hz[voiced])))
    return np.where(f0_hz[nearest] > 0, line, 0.0)


def astray(f0_hz: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Which frames lie so high above the recording's median pitch that they are more likely the room's noise, whose
    periods are short, bool [t]: an octave above, what is heard has to be as periodic as .9, two .95, three 1."""
    if not f0_hz.any():
        return np.zeros(len(f0_hz), bool)
    octaves = np.log2(np.maximum(f0_hz, F0_RANGE[0]) / np.median(f0_hz[f0_hz > 0]))
    return np.asarray((octaves > 1) & (strength < 0.85 + 0.05 * octaves))


def doubted(audio: Audio, f0_hz: np.ndarray, loudness_db: np.ndarray) -> float:
    """Share of loud frames in which another way of following the pitch hears another one, 0 to 1: high where several
    instruments play at once, and where an octave is in doubt. Of a long recording its first minute, which alone is
    brought to 44.1 kHz."""
    a_little_more = audio.mono().samples[: (DOUBTED_SECONDS + 1) * audio.rate]  # for what the filter hears ahead
    samples = Audio(a_little_more, audio.rate).resampled(RATE).samples[: DOUBTED_SECONDS * RATE]
    f0_hz, loudness_db = (of_all[: DOUBTED_SECONDS * RATE // HOP] for of_all in (f0_hz, loudness_db))
    times, other_hz = pitch.track_by_harmonics(samples, RATE, HOP / RATE, **LISTENED)
    nearest = np.clip(np.round((np.arange(len(f0_hz)) * HOP / RATE - times[0]) / (HOP / RATE)).astype(int),
                      0, len(other_hz) - 1)  # fmt: skip
    other_hz = other_hz[nearest]
    both = (f0_hz > 0) & (other_hz > 0) & (loudness_db > loudness_db.max(initial=SILENCE_DB) - 25)
    apart = np.abs(pitch.cents(f0_hz[both], other_hz[both])) > 50
    return float(apart.mean()) if both.any() else 0.0


def loudness(samples: np.ndarray) -> np.ndarray:
    """Root mean square in a Hann window of 32 ms around every frame's centre, in dB, float64 [t]."""
    return pitch.loudness_db(samples, np.hanning(LOUDNESS_WINDOW + 1)[:-1], HOP, SILENCE_DB)


def envelope(samples: np.ndarray, midi: np.ndarray) -> np.ndarray:
    """Level in dB of every quarter of a frame, from its centre on, float64 [t, 4]: that of whole periods around it, so
    that the wave's own ups and downs are none of the envelope's. midi [t]: the pitch, through unvoiced frames too."""
    step = HOP // PARTS
    out = np.empty(len(midi) * PARTS)
    fine = np.interp(np.arange(len(out)) / PARTS, np.arange(len(midi)), midi)
    periods = RATE / pitch.midi_hz(fine)
    halves = np.ceil(ENVELOPE_SECONDS * RATE / periods) * periods / 2
    for part in pieces(len(out), PARTS * CHUNK):
        centre, half = np.arange(len(out))[part] * step, halves[part]
        first, last = int(centre[0] - half.max()) - 1, int(centre[-1] + half.max()) + 2
        inside = np.asarray(samples[max(first, 0) : max(last, 0)], np.float64)
        squares = np.pad(inside, (max(-first, 0), max(0, last - max(first, 0) - len(inside)))) ** 2
        energy = np.concatenate([[0.0], np.cumsum(squares)])
        at = np.arange(first, first + len(energy))
        power = (np.interp(centre + half, at, energy) - np.interp(centre - half, at, energy)) / (2 * half)
        out[part] = 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
    return out.reshape(-1, PARTS)


def _spectra(samples: np.ndarray, frames: np.ndarray, size: int) -> np.ndarray:
    """Zero-phase spectra of Hann windows around frames, complex64 [n, bins]; samples are padded by half an FFT."""
    windowed = np.lib.stride_tricks.sliding_window_view(samples, size)[frames * HOP + FFT // 2 - size // 2]
    windowed *= np.hanning(size + 1)[:-1].astype(np.float32)  # a copy, as the frames were chosen by their numbers
    padded = np.zeros((len(frames), FFT), np.float32)
    padded[:, : size // 2] = windowed[:, size // 2 :]
    padded[:, -(size // 2) :] = windowed[:, : size // 2]
    return np.asarray(scipy.fft.rfft(padded, axis=1))


def window_sizes(f0_hz: np.ndarray) -> np.ndarray:
    """Samples of the window through which each frame is analysed, int [t]."""
    needed = PERIODS * RATE / np.where(f0_hz > 0, f0_hz, PERIODS * RATE / UNVOICED_WINDOW)
    return np.array(WINDOWS)[np.minimum(np.searchsorted(WINDOWS, needed), len(WINDOWS) - 1)]


def split_frames(samples: np.ndarray, f0_hz: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """(frames, harmonics_db [n, 310], bands_db [n, 32]) of a recording, chunk after chunk, in dB of power.

    Harmonics above 18 kHz repeat the last one below; of unvoiced frames they are -150. What leaks from harmonics only
    ever adds to a band, so of two windows, the longer four times the shorter, each band takes the one that leaves less.
    """
    for part in pieces(len(f0_hz)):
        hz = f0_hz[part]
        at, sizes = np.arange(len(hz)), window_sizes(hz)
        first, last = part.start * HOP - FFT // 2, part.stop * HOP + FFT // 2
        inside = np.asarray(samples[max(first, 0) : last], np.float32)
        padded = np.pad(inside, (max(-first, 0), max(0, last - len(samples))))
        harmonics, bands = _through(padded, at, hz, sizes)
        _, calmer = _through(padded, at, hz, np.minimum(LONGER * sizes, WINDOWS[-1]))
        yield part, harmonics, np.minimum(bands, calmer)


def _through(padded: np.ndarray, at: np.ndarray, f0_hz: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """harmonics_db [n, 310], bands_db [n, 32] of the frames `at`, each through a window of its own size."""
    from engine.translation.compiled import split  # here, because numba takes half a second to import

    harmonics = np.full((len(at), HARMONICS), -FLOOR_OF_POWER)
    bands = np.zeros((len(at), BANDS))
    for size in WINDOWS:
        of_size = np.flatnonzero(sizes == size)
        for part in pieces(len(of_size), SPECTRA):
            rows = of_size[part]
            h, b = harmonics[rows], bands[rows]
            split(_spectra(padded, at[rows], size), f0_hz[rows], size, h, b, EDGES)
            harmonics[rows], bands[rows] = h, b
    return harmonics, bands


def analyse(samples: np.ndarray, f0_hz: np.ndarray | None = None) -> Frames:
    """Performance and timbre of a mono recording at 44.1 kHz, float [n]."""
    f0_hz = track_f0(samples) if f0_hz is None else f0_hz
    timbre = np.zeros((len(f0_hz), TIMBRE), np.float32)
    for part, harmonics, bands in split_frames(samples, f0_hz):
        power = (10 ** (harmonics / 10) * audible(f0_hz[part])).sum(1) + (10 ** (bands / 10)).sum(1)
        level = 10 * np.log10(power + 1e-15)[:, None]
        timbre[part, :KNOTS] = np.maximum(harmonics - level, FLOOR_DB) @ TO_KNOTS.T
        timbre[part, KNOTS:] = np.maximum(bands - level, FLOOR_DB)
    timbre = _held(np.clip(timbre, FLOOR_DB, 6.0, out=timbre), f0_hz > 0)
    return Frames(f0_hz, loudness(samples), timbre, envelope(samples, filled_midi(f0_hz)))


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
