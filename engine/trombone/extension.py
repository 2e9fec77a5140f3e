"""From the network's 16 kHz to what is heard: its colour mended, breath, and what lies above 7.5 kHz.

    sound [n] at 16 kHz, phase, note  →  samples at 44.1 kHz (or 16 kHz: colour and breath alone)

A small network, taught on the recordings at 44.1 kHz, hears what SampleRNN plays frame by frame (the levels of its
bands, how loud, how long since the onset) and says how loud each band above it would be, and how much of every band
is breath. A comb of the note's own harmonics and noise are brought to those levels, frame by frame. Small tables by
dynamic correct what all this differs from recordings by, SampleRNN's own bands and noise among it; below 1500 Hz one by
register too adds what its tone is too clean by, and one by time says how its colour goes on after the onset.

    Frames are Hann-windowed, 23 ms, every 6 ms; all levels are dB of the frame's whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from engine.core.pitch import midi_hz
from engine.trombone.pitch import RATE
from engine.trombone.takes import between_dynamics

FULL_RATE = 44_100
CROSSING, BLEND = 7500.0, 300.0  # Hz: up to here SampleRNN, above it this; and the width of the border
LOWER_EDGES = np.array([60, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500, 6000, 6500, 7000, 7500.0])
UPPER_EDGES = np.arange(7500.0, 16_501.0, 1000.0)
NOISE_EDGES = np.concatenate([np.arange(1500.0, 7001.0, 1000.0), UPPER_EDGES])
LOW_EDGES = np.array([60, 120, 240, 480, 960, 1500.0])
REGISTERS = np.array([45.0, 54.0, 62.0, 70.0])  # MIDI
COURSE_EDGES = np.array([60, 300, 600, 1000, 1500, 2200, 3200, 4500, 6000, 7500, 10_000, 13_000, 16_500.0])
COURSE_SECONDS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])  # since the onset
VOICED_EDGES = 1000 * 2.0 ** (np.arange(-10, 11) / 3 - 1 / 6)  # thirds of an octave
FLOOR_DB, QUIET_DB = -80.0, -60.0
INPUTS = 4 + len(LOWER_EDGES) - 1
OUTPUTS = len(UPPER_EDGES) - 1 + len(NOISE_EDGES) - 1


@dataclass(frozen=True)
class Extension:
    """The small network, and by dynamic how SampleRNN's sound is brought to that of recordings, float32."""

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]  # (weights [in, out], bias [out]), tanh between
    voicing: np.ndarray  # [5, 20] dB to add to each third of an octave of what SampleRNN plays
    upper: np.ndarray  # [5, 9] dB to add to the bands above the crossing
    breath: np.ndarray  # [5, noise bands] dB to add to the breath, less what SampleRNN has of its own
    low_breath: np.ndarray  # [5, 4 registers, 5 bands] breath below that, dB of the frame's whole
    course: np.ndarray  # [5, 7 times, 12 bands] dB to add to each band so long after the onset
    smoothing: np.ndarray  # [5] 0 … 1, how much of the noise between harmonics is taken out

    def levels(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs [n, INPUTS] → dB of the frame's whole: bands above the crossing [n, 9], breath [n, noise bands]."""
        x = features
        for number, (weights, bias) in enumerate(self.layers):
            x = x @ weights + bias
            if number < len(self.layers) - 1:
                x = np.tanh(x)
        x = np.asarray(20 * x - 40)
        return x[:, : len(UPPER_EDGES) - 1], x[:, len(UPPER_EDGES) - 1 :]

    def low_levels(self, midi: float, dynamic: float) -> np.ndarray:
        """Breath below that of `levels`, dB of a frame's whole, float [low bands]."""
        rows = between_dynamics(self.low_breath, dynamic)
        return np.array([np.interp(midi, REGISTERS, column) for column in rows.T])

    def course_levels(self, since: np.ndarray, dynamic: float) -> np.ndarray:
        """dB to add to each band of frames so many seconds after the onset, float [n, course bands]."""
        rows = between_dynamics(self.course, dynamic)
        return np.stack([np.interp(since, COURSE_SECONDS, column) for column in rows.T], axis=1)


def since_onset(power: np.ndarray, rate: int) -> np.ndarray:
    """Seconds from a note's first frame within 30 dB of its loudest to each, at least 0, float64 [n]."""
    whole = power.sum(axis=1)
    first = int(np.argmax(whole > whole.max() * 1e-3))
    return np.maximum(np.arange(len(power)) - first, 0) * (frame_size(rate) // 4 / rate)


def frame_size(rate: int) -> int:
    """Samples of a frame: 1024 at 44.1 kHz, a multiple of 4."""
    return round(1024 * rate / FULL_RATE / 4) * 4


def spectra(samples: np.ndarray, rate: int) -> np.ndarray:
    """Hann-windowed frames, complex64 [n, bins]: every sample lies in four of them."""
    size = frame_size(rate)
    hop = size // 4
    padded = np.pad(np.asarray(samples, np.float32), (size - hop, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(samples) + size - hop : hop]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    return np.fft.rfft(frames * window, axis=1).astype(np.complex64)


def overlapped(frames: np.ndarray, rate: int, count: int) -> np.ndarray:
    """The inverse of `spectra`, float32 [count]."""
    size = frame_size(rate)
    hop = size // 4
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    parts = np.fft.irfft(frames, size, axis=1).astype(np.float32) * window
    out = np.zeros(len(parts) * hop + size, np.float32)
    for i in range(4):  # frames that are a whole size apart do not overlap
        own = parts[i::4].reshape(-1)
        out[i * hop : i * hop + len(own)] += own
    return np.asarray(out[size - hop : size - hop + count] / np.float32(1.5))


def band_powers(power: np.ndarray, rate: int, edges: np.ndarray) -> np.ndarray:
    """Sums of a power spectrum [n, bins] between the edges, float [n, bands]."""
    at = np.clip(np.round(edges / rate * frame_size(rate)).astype(int), 0, power.shape[1])
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1, dtype=np.float64)], axis=1)
    out: np.ndarray = np.maximum(total[:, at[1:]] - total[:, at[:-1]], 0)
    return out


def features_of(power: np.ndarray, rate: int, midi: float, dynamic: float) -> np.ndarray:
    """What the small network hears of a note's frames, float32 [n, INPUTS]: pitch, dynamic, level, time, bands."""
    bands = band_powers(power, rate, LOWER_EDGES)
    whole = bands.sum(axis=1, keepdims=True) + 1e-12
    level = 10 * np.log10(whole[:, 0] / whole.max())
    since = np.maximum(np.arange(len(power)) - int(np.argmax(level > -30)), 0) * (frame_size(rate) // 4 / rate)
    db = np.maximum(10 * np.log10(bands / whole + 1e-12), FLOOR_DB)
    return np.column_stack(
        [
            np.full(len(power), (midi - 58) / 12), np.full(len(power), (dynamic - 2) / 2),
            np.maximum(level, QUIET_DB) / 30 + 1, np.exp(-since / 0.15), db / 20 + 2,
        ]
    ).astype(np.float32)  # fmt: skip


def comb(phase: np.ndarray, f0_hz: float, rate: int) -> np.ndarray:
    """All harmonics of a phase (cycles) up to 0.45 of the rate as cosines of amplitude 1, float32 [n] (Dirichlet)."""
    count = int(0.45 * rate / f0_hz)
    turn = phase % 1.0
    below = np.sin(np.pi * turn)
    near = np.abs(below) < 1e-6
    ratio = np.sin((2 * count + 1) * np.pi * turn) / np.where(near, 1.0, below)
    return ((np.where(near, 2 * count + 1, ratio) - 1) / 2).astype(np.float32)


def over_bins(db: np.ndarray, edges: np.ndarray, rate: int) -> np.ndarray:
    """Levels of bands [n, bands] as amplitude factors of bins [n, bins], interpolated between the bands' centres."""
    hz = np.arange(frame_size(rate) // 2 + 1) * rate / frame_size(rate)
    centres = (edges[1:] + edges[:-1]) / 2
    at = np.interp(hz, centres, np.arange(len(centres)))
    low = np.minimum(at.astype(int), len(centres) - 2)
    part = (at - low).astype(np.float32)
    out: np.ndarray = (10 ** ((db[:, low] * (1 - part) + db[:, low + 1] * part) / 20)).astype(np.float32)
    return out


def smoothed(sound: np.ndarray, turning: np.ndarray, share: float) -> np.ndarray:
    """A sound with less of what is not periodic, float32 [n]: each period is mixed with the ones around it.

    turning: its phase in cycles [n], rising.
    """
    if share <= 0:
        return sound
    at = np.arange(len(sound))
    around = [np.interp(np.interp(turning + shift, turning, at), at, sound) for shift in (-1.0, 1.0)]
    mean = 0.5 * sound + 0.25 * (around[0] + around[1])
    return np.asarray((1 - share) * sound + share * mean, np.float32)


def finished(
    sound: np.ndarray, phase: np.ndarray, midi: float, dynamic: float, extension: Extension,
    generator: np.random.Generator, rate: int = FULL_RATE,
) -> np.ndarray:  # fmt: skip
    """What is heard of a note that SampleRNN played: float32 at `rate`, as long.

    sound, phase (cycles): [n] at 16 kHz. midi: where the comb's highest harmonic ends; dynamic 0 … 4.
    """
    resampled = sound if rate == RATE else soxr.resample(sound, RATE, rate).astype(np.float32)
    count = len(resampled)
    turning = np.interp(np.arange(count) * (RATE / rate), np.arange(len(phase)), phase)
    voicing, upper, breath, smoothing = (
        between_dynamics(table, dynamic)
        for table in (extension.voicing, extension.upper, extension.breath, extension.smoothing)
    )
    frames = spectra(smoothed(resampled, turning, float(smoothing)), rate)
    frames = frames * over_bins(voicing[None], VOICED_EDGES, rate)
    power = np.abs(frames) ** 2
    upper_db, breath_db = extension.levels(features_of(power, rate, midi, dynamic))
    hz = np.arange(power.shape[1]) * rate / frame_size(rate)
    whole_db = 10 * np.log10(power[:, hz < CROSSING].sum(axis=1) + 1e-12)[:, None]
    # Noise of variance 1 has, of a frame's Σ|X|² = size · Σw² / 2, the share width / (rate / 2) in a band.
    each = 0.375 * frame_size(rate) ** 2 / 2
    low_db = np.broadcast_to(extension.low_levels(midi, dynamic), (len(frames), len(LOW_EDGES) - 1))
    edges = np.concatenate([LOW_EDGES[:-1], NOISE_EDGES])
    noise_db = whole_db + np.concatenate([low_db, breath_db + breath], axis=1)
    noise_db = noise_db - 10 * np.log10(each * np.diff(edges) / (rate / 2))
    above = np.clip((hz - CROSSING) / BLEND + 0.5, 0, 1) if rate > RATE else np.zeros(len(hz))
    frames = frames * np.sqrt(1 - above).astype(np.float32)
    noise = spectra(generator.standard_normal(count, dtype=np.float32), rate)
    frames += noise * over_bins(noise_db, edges, rate) * (hz > LOW_EDGES[0])
    if rate > RATE:
        # A cosine of amplitude 1 has half a noise's power; so many of them are in a band.
        f0_hz = float(midi_hz(midi))
        tone = 10 ** ((upper_db + upper) / 10) - 10 ** ((breath_db + breath)[:, -upper_db.shape[1] :] / 10)
        comb_db = (
            whole_db + 10 * np.log10(np.maximum(tone, 1e-9)) - 10 * np.log10(each * np.diff(UPPER_EDGES) / f0_hz / 2)
        )
        harmonics = spectra(comb(turning, f0_hz, rate), rate)
        frames += harmonics * over_bins(comb_db, UPPER_EDGES, rate) * np.sqrt(above).astype(np.float32)
    frames = frames * over_bins(extension.course_levels(since_onset(power, rate), dynamic), COURSE_EDGES, rate)
    return overlapped(frames, rate, count)
