"""Which instrument a recording may be of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.translation.frames import EDGES, FFT, KNOT_NUMBERS, RATE, TIMBRE, TOP, Frames
from engine.translation.profile import relative


@dataclass(frozen=True)
class InstrumentClassifier:
    """A logistic regression that tells instruments apart by :func:`describe`, trained beside the generators."""

    instruments: tuple[str, ...]
    mean: np.ndarray  # float32 [242], of what is described
    scale: np.ndarray  # float32 [242]
    weight: np.ndarray  # float32 [instruments, 242]
    bias: np.ndarray  # float32 [instruments]

    def guess(self, frames: Frames, end_hz: float = TOP) -> list[tuple[str, float]]:
        """(instrument, share of belief) from the likeliest down, over pieces of two seconds that have a pitch.

        end_hz: above which the recording holds nothing, as a telephone's; what would lie there says nothing then.
        """
        parts = [frames[start : start + 120] for start in range(0, max(1, len(frames) - 30), 120)]
        parts = [part for part in parts if part.voiced.sum() > 8] or [frames]
        described = (np.stack([describe(part) for part in parts]) - self.mean) / self.scale
        described[np.stack([beyond(part, end_hz) for part in parts])] = 0  # the mean of all instruments
        logits = described @ self.weight.T + self.bias
        logits -= logits.max(1, keepdims=True)
        beliefs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return sorted(zip(self.instruments, map(float, beliefs.mean(0))), key=lambda pair: -pair[1])


def beyond(frames: Frames, end_hz: float) -> np.ndarray:
    """Which of what :func:`describe` says is of partials and noise above `end_hz`, bool [242]."""
    f0_hz = np.median(frames.f0_hz[frames.voiced]) if frames.voiced.any() else 0.0
    above = np.concatenate([KNOT_NUMBERS * f0_hz, EDGES[1:] * RATE / FFT]) > end_hz
    return np.concatenate([np.tile(above & (end_hz < TOP), 3), [False, False]])


def describe(frames: Frames) -> np.ndarray:
    """What the classifier sees: mean, spread and change of the timbre, mean and spread of the pitch: float64 [242]."""
    heard = frames.voiced & (relative(frames.loudness_db) > -20)
    heard = heard if heard.sum() >= 4 else frames.voiced
    if not heard.any():
        return np.zeros(3 * TIMBRE + 2)
    timbre, midi = np.maximum(frames.timbre[heard], -70.0), frames.midi[heard]
    change = np.abs(np.diff(timbre, axis=0)).mean(0) if len(timbre) > 1 else np.zeros(TIMBRE)
    return np.concatenate([timbre.mean(0), timbre.std(0), change, [midi.mean(), midi.std()]])
