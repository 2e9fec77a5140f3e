"""What the network sees of a line: how strong each pitch and its harmonics are, frame by frame.

    samples at 16 kHz [n] → features [11, t, 228], a frame every 256 samples (16 ms)

Two spectra, through a window of 128 ms that tells pitches apart and one of 32 ms that tells when, are laid on an axis
of three bins a semitone, in dB below the loudest. Each channel is one of them moved down by a harmonic, so that all
that a pitch sounds stands in one place (harmonic stacking, after Bittner et al. 2022, "A lightweight
instrument-agnostic model for polyphonic note transcription").
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix

from engine.core.pitch import midi_hz

RATE = 16_000  # Hz
HOP = 256  # samples a frame
LOWEST, HIGHEST = 28, 103  # MIDI pitches that are heard
PITCHES = HIGHEST - LOWEST + 1
FINE = 3  # bins a semitone
WINDOWS = (2_048, 512)  # samples
FFT = 4_096
HARMONICS = ((0.5, 1, 2, 3, 4, 5, 6, 8), (1, 2, 4))  # channels of each window
CHANNELS = sum(map(len, HARMONICS))
TOP = 119  # MIDI, below half the rate
RANGE_DB = 70.0  # what is softer than this below the loudest is not seen
CHUNK = 2_048  # frames at once: memory does not grow with the recording


@lru_cache(maxsize=32)
def _axis(cents: float) -> csr_matrix:
    """Bins of an FFT → the axis of pitches, moved up by `cents`: float32 [bins, pitches]."""
    midi = np.arange((LOWEST - 12) * FINE - 1, TOP * FINE) / FINE + cents / 100
    hz = midi_hz(midi)
    size, rows, columns, shares = RATE / FFT, [], [], []
    for column, (at, reach) in enumerate(zip(hz / size, hz * (2 ** (1 / 12 / FINE) - 1) / size)):
        reach = max(reach, 1.0)
        bins = np.arange(int(np.ceil(at - reach)), int(at + reach) + 1)
        bins = bins[(bins >= 0) & (bins <= FFT // 2)]
        share = np.maximum(1 - np.abs(bins - at) / reach, 0)
        rows += bins.tolist()
        columns += [column] * len(bins)
        shares += (share / max(share.sum(), 1e-9)).tolist()
    return csr_matrix((np.array(shares, np.float32), (rows, columns)), (FFT // 2 + 1, len(hz)))


def frame_count(samples: int) -> int:
    """Frames of so many samples, one at the first and one at every 256th after it."""
    return samples // HOP + 1


def _levels(samples: np.ndarray, window: int, cents: float) -> np.ndarray:
    """dB of each bin of the axis, float32 [t, bins]."""
    padded = np.pad(np.asarray(samples, np.float32), (window // 2, window // 2 + HOP))
    shape = np.hanning(window + 1)[:-1].astype(np.float32)
    out = []
    for first in range(0, frame_count(len(samples)), CHUNK):
        at = np.arange(first, min(first + CHUNK, frame_count(len(samples)))) * HOP
        spectra = np.abs(np.fft.rfft(padded[at[:, None] + np.arange(window)] * shape, FFT, axis=1))
        out.append(spectra.astype(np.float32) @ _axis(cents) / (window / 4))
    return np.asarray(20 * np.log10(np.concatenate(out) + 1e-7), np.float32)


def features(samples: np.ndarray, cents: float = 0.0) -> np.ndarray:
    """What is seen of a mono recording at 16 kHz, float32 [11, t, 228] in 0..1; `cents` is how far it is tuned up."""
    channels = []
    for window, harmonics in zip(WINDOWS, HARMONICS):
        levels = _levels(samples, window, cents)
        seen = np.clip(1 + (levels - levels.max()) / RANGE_DB, 0, 1)
        seen = np.pad(seen, ((0, 0), (0, 12 * FINE * 4)))
        for harmonic in harmonics:
            first = 12 * FINE + round(12 * FINE * np.log2(harmonic))
            channels.append(seen[:, first : first + PITCHES * FINE])
    return np.stack(channels)
