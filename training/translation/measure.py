"""How translations are judged: agreement with the performance, a judge of instruments, nearness to real frames.

The judge is a support vector machine over MFCC statistics of the *sound* at 44.1 kHz (librosa's filters, nothing of the
representation that the translation works in), trained on the training split's recordings and scored on real held-out
ones beside all else. What lies 60 dB below the loudest is not heard by it: there it would know studios by their hiss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import librosa
import numpy as np
import scipy.fft
from scipy.signal import butter, sosfilt
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from engine.translation.analysis import loudness, track_f0
from engine.translation.frames import RATE, TIMBRE, Frames
from engine.translation.profile import relative

WINDOW, STEP = 2048, 704  # samples
HEARD = 1e-6  # of the loudest, that the judge still hears
CEPSTRA = slice(1, 31)
RISE_SECONDS = 0.008


@cache
def _filters() -> np.ndarray:
    return np.asarray(librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=96, fmin=40, fmax=16_000).T)


def describe(samples: np.ndarray) -> np.ndarray:
    """What the judge hears of up to some seconds of sound: float64 [180]. Level and silence do not matter to it."""
    samples = np.pad(np.asarray(samples, np.float32), (0, max(0, 2 * WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP]
    power = np.abs(scipy.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2 @ _filters()
    level = power.sum(1)
    power = power[level >= level.max() * 1e-3]
    db = 10 * np.log10(np.maximum(power / max(power.max(), 1e-20), HEARD))
    cepstrum = scipy.fft.dct(db, axis=1, norm="ortho")[:, CEPSTRA]
    change = np.abs(np.diff(cepstrum, axis=0)) if len(cepstrum) > 1 else cepstrum * 0
    low, middle, high = np.percentile(cepstrum, [10, 50, 90], axis=0)
    return np.concatenate([cepstrum.mean(0), cepstrum.std(0), change.mean(0), low, middle, high])


def clips(samples: np.ndarray, seconds: float = 2.5) -> list[np.ndarray]:
    """A recording cut into pieces of about `seconds` that sound."""
    size = int(seconds * RATE)
    parts = [samples[i : i + size] for i in range(0, max(1, len(samples) - size // 3), size)]
    return [part for part in parts if np.abs(part).max(initial=0) > 0.05 * np.abs(samples).max(initial=0)]


class Judge:
    """Which instrument a sound is, among those it was trained on."""

    def __init__(self, features: np.ndarray, labels: list[str]) -> None:
        self.model = make_pipeline(StandardScaler(), SVC(C=10, class_weight="balanced"))
        self.model.fit(features, labels)

    def hears(self, sounds: list[np.ndarray]) -> np.ndarray:
        """The instrument of each sound."""
        return self.model.predict(np.stack([describe(sound) for sound in sounds]))


@dataclass(frozen=True)
class Agreement:
    f0: float  # share of frames voiced in both whose fundamentals lie within 50 cents of one another
    voicing: float  # share of audible frames voiced in both or in neither
    loudness: float  # correlation of loudness in dB over audible frames


def agreement(source: Frames, sound: np.ndarray, semitones: float = 0.0) -> Agreement:
    """How well a sound, tracked anew, keeps the performance of source frames, moved by semitones."""
    f0_hz, level = track_f0(sound), loudness(sound)
    n = min(len(source), len(f0_hz))
    f0_hz, level = f0_hz[:n], level[:n]
    heard = source.loudness_db[:n] > source.loudness_db.max() - 40
    both = heard & (f0_hz > 0) & source.voiced[:n]
    if not both.any() or heard.sum() < 3:
        return Agreement(float("nan"), float("nan"), float("nan"))
    cents = 1200 * np.log2(f0_hz[both] / source.f0_hz[:n][both]) - 100 * semitones
    with np.errstate(invalid="ignore"):
        together = np.corrcoef(source.loudness_db[:n][heard], level[heard])[0, 1]
    return Agreement(
        float((np.abs(cents) < 50).mean()),
        float(((f0_hz > 0) == source.voiced[:n])[heard].mean()),
        float(together),
    )


class Nearest:
    """Distance of frames to the nearest real frame of an instrument at about the same pitch and loudness."""

    def __init__(self, recordings: list[Frames], most: int = 8_000, seed: int = 0) -> None:
        timbre, place = (np.concatenate(x) for x in zip(*(self._rows(frames) for frames in recordings)))
        keep = np.random.default_rng(seed).permutation(len(timbre))[:most]
        # A semitone or 3 dB apart weighs as much as half a dB in every one of the 80 values.
        self.rows = np.hstack([timbre[keep], place[keep]]).astype(np.float32)
        self.squares = (self.rows**2).sum(1)

    @staticmethod
    def _rows(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
        level = relative(frames.loudness_db)
        heard = frames.voiced & (level > -25)
        place = np.stack([frames.midi[heard], level[heard] / 3], 1) * (0.5 * TIMBRE**0.5)
        return np.maximum(frames.timbre[heard], -70), place

    def distance(self, frames: Frames, most: int = 400) -> float:
        """Mean over voiced frames of the distance in dB (root mean square over the 80 values)."""
        timbre, place = self._rows(frames)
        if not len(timbre):
            return float("nan")
        rows = np.hstack([timbre, place])[:: max(1, len(timbre) // most)].astype(np.float32)
        squares = (rows**2).sum(1) + (self.squares - 2 * rows @ self.rows.T).min(1)
        return float(np.sqrt(np.maximum(squares, 0)).mean() / TIMBRE**0.5)


def change(frames: Frames) -> float:
    """Mean difference in dB between neighbouring voiced, audible frames, over the 80 values: 0 sounds frozen."""
    heard = frames.voiced & (relative(frames.loudness_db) > -25)
    both = heard[1:] & heard[:-1]
    if not both.any():
        return float("nan")
    timbre = np.maximum(frames.timbre, -70)
    return float(np.abs(np.diff(timbre, axis=0))[both].mean())


def rise(samples: np.ndarray, above_hz: float | None = None) -> float:
    """The fastest rise of a sound within 8 ms, in dB, of what is not 30 dB softer than its loudest 8 ms."""
    if above_hz:
        samples = sosfilt(butter(4, above_hz, "high", fs=RATE, output="sos"), samples)
    size, step = round(RISE_SECONDS * RATE), RATE // 1000
    energy = np.concatenate([[0.0], np.cumsum(np.asarray(samples, np.float64) ** 2)])
    at = np.arange(0, max(1, len(samples) - size), step)
    level = 10 * np.log10((energy[at + size] - energy[at]) / size + 1e-12)
    level = np.maximum(level, level.max() - 30)
    return float((level[8:] - level[:-8]).max(initial=0.0))


def interval(values: list[list[bool]], seed: int = 0) -> tuple[float, float, float]:
    """Share of what is true, and its interval of 95% over draws of the recordings. values: [recording][clip]."""
    hits, counts = (np.array([f(row) for row in values], float) for f in (sum, len))
    draws = np.random.default_rng(seed).integers(len(values), size=(1000, len(values)))
    shares = hits[draws].sum(1) / np.maximum(counts[draws].sum(1), 1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(hits.sum() / counts.sum()), float(low), float(high)
