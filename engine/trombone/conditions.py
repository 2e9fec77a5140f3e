"""What the trombone is told: at every frame and sample, which note, how far along, how loud, and where in its period.

    note (midi, seconds, dynamic)  →  Conditions: phase [frames], loudness_db [frames/64], elapsed and remaining by
    counting, harmonics complex [64]  →  frame features [frames/hop, 78] and the harmonic prior [frames]

The thesis told its SampleRNN the note and the samples left; measured here, that is not enough (notes go out of tune
or die). The phases of ten harmonics make the pitch exact, the loudness curve keeps a long note alive, and the
harmonic prior (a plain sum of cosines of the note's own phase) is what the network's prediction is a residual of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.trombone.pitch import RATE

HOP = 64  # samples between two points of the loudness curve; also the largest frame
HARMONICS = 64  # of the prior, those below 0.47 of the rate
PHASES = 10  # harmonics whose phase is a condition
LOWEST, HIGHEST = 40, 76  # MIDI, trained range
DYNAMICS = ("pp", "p", "mf", "f", "ff")
TIMES = (0.01, 0.03, 0.1, 0.3, 1.0)  # seconds, of the decaying clocks that carry elapsed and remaining
PITCHES = HIGHEST - LOWEST + 3  # one more semitone on either side, for pitches moved a little
STATIC = PITCHES + len(DYNAMICS) + 1
FRAME_FEATURES = STATIC + 2 * len(TIMES) + 3 + 2 * PHASES
QUIET_DB = -80.0


def loudness_curve(samples: np.ndarray, width: int = 400) -> np.ndarray:
    """Loudness in dB every HOP samples (Hann-weighted root mean square over 25 ms), float32 [frames // HOP + 2]."""
    window = np.hanning(width + 2)[1:-1]
    window /= window.sum()
    squares = np.pad(np.asarray(samples, np.float64) ** 2, (width // 2, width // 2 + 2 * HOP))
    count = len(samples) // HOP + 2
    strided = np.lib.stride_tricks.sliding_window_view(squares, width)[: (count - 1) * HOP + 1 : HOP]
    out: np.ndarray = np.maximum(10 * np.log10(strided @ window + 1e-20), QUIET_DB - 20).astype(np.float32)
    return out


def harmonic_prior(
    phase: np.ndarray, loudness_db: np.ndarray, harmonics: np.ndarray, gains: np.ndarray | None = None, step: int = HOP
) -> np.ndarray:
    """A plain additive note, float32 [frames]: loudness(t) · Re Σ_h harmonics[h] · gains(t)[h] · exp(2πi h phase(t)).

    `phase` in cycles [frames]; `loudness_db` one point every HOP samples; `harmonics` complex [HARMONICS]; `gains`
    [points, HARMONICS], one point every `step` samples, or 1.
    """
    frames = len(phase)
    turn = np.exp(2j * np.pi * (phase % 1.0)).astype(np.complex64)
    power, total = np.ones(frames, np.complex64), np.zeros(frames, np.float32)
    at, points = np.arange(frames) / step, np.arange(0 if gains is None else len(gains))
    for h in range(int(np.flatnonzero(harmonics)[-1]) + 1 if harmonics.any() else 0):
        power *= turn
        part = (harmonics[h] * power).real
        total += part if gains is None else part * np.interp(at, points, gains[:, h]).astype(np.float32)
    gain = 10 ** (np.interp(np.arange(frames) / HOP, np.arange(len(loudness_db)), loudness_db) / 20)
    out: np.ndarray = (total * gain).astype(np.float32)
    return out


@dataclass(frozen=True)
class Conditions:
    """All that is told about one note of `frames` samples."""

    midi: float  # continuous; 58.0 is Bb3 at A4 = 440 Hz
    dynamic: float  # 0 (pp) to 4 (ff), continuous
    phase: np.ndarray  # float64 [frames], cycles of the fundamental
    loudness_db: np.ndarray  # float32 [frames // HOP + 2], of the signal as it is modelled
    prior: np.ndarray  # float32 [frames]
    room: float = 0.0  # 0 the studio of most of the recordings, 1 the anechoic room of the long fortissimo notes
    after: int = 0  # samples of the note that are not played, because another begins

    @property
    def frames(self) -> int:
        return len(self.phase)

    def faintness(self, frames: int) -> np.ndarray:
        """0 within 20 dB of the note's top, 1 in its first breath and last echo, 30 dB below it, float32 [frames]."""
        curve = np.interp(np.arange(frames) / HOP, np.arange(len(self.loudness_db)), self.loudness_db)
        out: np.ndarray = np.clip((self.loudness_db.max() - curve - 20) / 10, 0, 1).astype(np.float32)
        return out


def static_features(midi: float, dynamic: float, room: float = 0.0) -> np.ndarray:
    """Pitch and dynamic as interpolated one-hots, and the room, float32 [STATIC]."""
    features = np.zeros(STATIC, np.float32)
    features[-1] = room
    for value, first, size in ((midi - LOWEST + 1, 0, PITCHES), (dynamic, PITCHES, len(DYNAMICS))):
        value = min(max(float(value), 0.0), size - 1.0)
        low = min(int(value), size - 2)
        features[first + low], features[first + low + 1] = 1 - (value - low), value - low
    return features


def clock_features(elapsed: np.ndarray, remaining: np.ndarray) -> np.ndarray:
    """The thesis's counters, since the note began and until it ends (samples), as decaying clocks, float32 [n, 10]."""
    parts = [np.exp(-np.maximum(t, 0) / (RATE * tau)) for t in (elapsed, remaining) for tau in TIMES]
    return np.stack(parts, axis=-1).astype(np.float32)


def phase_features(phase: np.ndarray) -> np.ndarray:
    """Cosine and sine of the first PHASES harmonics at each phase (cycles), float32 [n, 20]."""
    turn = np.exp(2j * np.pi * (np.asarray(phase) % 1.0))
    wave = np.cumprod(np.broadcast_to(turn[..., None], (*turn.shape, PHASES)), axis=-1)
    return np.concatenate([wave.real, wave.imag], axis=-1, dtype=np.float32)


def loudness_features(loudness_db: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Loudness at the frame's start and 4 and 8 ms later, scaled to about ±1, float32 [n, 3]."""
    at = starts[:, None] / HOP + np.arange(3)
    curve = np.interp(at, np.arange(len(loudness_db)), loudness_db)
    out: np.ndarray = (np.maximum(curve, QUIET_DB) / 40 + 1).astype(np.float32)
    return out


def frame_features(conditions: Conditions, size: int) -> np.ndarray:
    """The features of all frames of `size` samples, float32 [ceil(frames / size), FRAME_FEATURES]."""
    starts = np.arange(0, conditions.frames, size)
    static = static_features(conditions.midi, conditions.dynamic, conditions.room)
    return np.concatenate(
        [
            np.broadcast_to(static, (len(starts), len(static))),
            clock_features(starts, conditions.frames + conditions.after - starts),
            loudness_features(conditions.loudness_db, starts),
            phase_features(conditions.phase[starts]),
        ],
        axis=1,
    )
