"""Performance and timbre as numbers: what a frame holds, and every constant of it.

After DDSP (Engel et al. 2020). At 44.1 kHz, a frame every 704 samples (16 ms):

    f0_hz [t] (0 unvoiced), loudness_db [t]      the performance, which translation carries over
    envelope_db [t, 4]                           its loudness every 4 ms: how notes begin
    timbre [t, 80] dB                            48 knots of harmonics, 32 noise bands, up to 18 kHz

A knot is a harmonic's level (1 to 16 each have their own; above, linear interpolation between knots spaced further and
further apart), a band is the level of what remains when the harmonics are taken away. Both are relative to the whole
frame's power, so timbre holds no loudness. analysis.py measures frames, synthesis.py plays them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core import pitch

RATE = 44_100  # Hz
HOP = 704  # samples a frame
PARTS = 4  # of a frame, each with a loudness of its own
TOP = 18_000.0  # Hz: what lies above is not measured
KNOTS, BANDS = 48, 32
TIMBRE = KNOTS + BANDS
F0_RANGE = (58.0, 3_300.0)  # Hz
FLOOR_OF_POWER = 150.0  # dB below full scale
FLOOR_DB = -90.0  # of a knot or band, relative to its frame
SILENCE_DB = -120.0
FFT = 8_192
LOUDNESS_WINDOW = 1_408  # samples
ENVELOPE_SECONDS = 0.008  # of sound at least, in whole periods, whose level a part of a frame is
WINDOWS = (704, 1_408, 2_816, 5_632)  # samples; a frame takes the shortest that holds PERIODS of its fundamental
PERIODS = 5  # fewer and harmonics run together, more and vibrato smears them into noise
UNVOICED_WINDOW = 1_408
LONGER = 4
CHUNK = 1_024  # frames analysed or played at once: memory does not grow with the recording


@dataclass(frozen=True)
class Frames:
    f0_hz: np.ndarray  # float64 [t], 0 where unvoiced
    loudness_db: np.ndarray  # float64 [t], root mean square, full scale 0
    timbre: np.ndarray  # float32 [t, 80], dB relative to the frame's power
    envelope_db: np.ndarray | None = None  # float64 [t, 4], level from each frame's centre on; None: as loudness_db

    def __len__(self) -> int:
        return len(self.f0_hz)

    def __getitem__(self, part: slice) -> Frames:
        envelope = None if self.envelope_db is None else self.envelope_db[part]
        return Frames(self.f0_hz[part], self.loudness_db[part], self.timbre[part], envelope)

    @property
    def voiced(self) -> np.ndarray:
        """bool [t]."""
        return self.f0_hz > 0

    @property
    def midi(self) -> np.ndarray:
        """float64 [t]: the pitch, through unvoiced frames too, by interpolation; 60 where nothing is voiced."""
        return filled_midi(self.f0_hz)


def filled_midi(f0_hz: np.ndarray) -> np.ndarray:
    """MIDI pitch of every frame; unvoiced ones take the line between their voiced neighbours."""
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return np.full(len(f0_hz), 60.0)
    out: np.ndarray = np.interp(np.arange(len(f0_hz)), voiced, pitch.hz_midi(f0_hz[voiced]))
    return out


def _knots() -> np.ndarray:
    """Harmonic numbers of the knots: 1, 2, … 16, then evenly in ratio to the last harmonic there can be."""
    last = TOP / F0_RANGE[0]
    return np.concatenate([np.arange(1.0, 17.0), np.geomspace(16.0, last, KNOTS - 16 + 1)[1:]])


HARMONICS = int(TOP / F0_RANGE[0])
KNOT_NUMBERS = _knots()
# [harmonics, knots]: linear interpolation; its pseudo-inverse finds the knots that fit a frame's harmonics best.
TO_HARMONICS = np.array([np.interp(np.arange(1, HARMONICS + 1), KNOT_NUMBERS, row) for row in np.eye(KNOTS)]).T
TO_KNOTS = np.linalg.pinv(TO_HARMONICS)


def band_edges(bands: int = BANDS) -> np.ndarray:
    """Edges of the noise bands as bins of the FFT, int [bands + 1]: evenly spaced in mel from 0 to 18 kHz."""
    top = 2595 * np.log10(1 + TOP / 700)
    hz = 700 * (10 ** (np.linspace(0, top, bands + 1) / 2595) - 1)
    return np.round(hz / RATE * FFT).astype(np.int64)


EDGES = band_edges()


def frame_count(samples: int) -> int:
    """Frames of a recording; frame i is centred at sample 704 i."""
    return samples // HOP + 1


def audible(f0_hz: np.ndarray) -> np.ndarray:
    """Which harmonics of each frame lie below 18 kHz, bool [t, 310]; none of an unvoiced frame."""
    numbers = np.arange(1, HARMONICS + 1)
    out: np.ndarray = (numbers * f0_hz[:, None] < TOP) & (f0_hz[:, None] > 0)
    return out


def pieces(frames: int, size: int = CHUNK) -> list[slice]:
    """Frames cut into chunks of `size`."""
    return [slice(start, min(start + size, frames)) for start in range(0, frames, size)]
