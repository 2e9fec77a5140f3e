"""An instrument's profile: the timbre its recordings have on average, by pitch and by loudness, and how far they stray.

Tables, bilinear between their nodes: mean [pitches, levels, 80] dB and spread [pitches, 80] dB over MIDI pitch and over
the loudness relative to the loudest nearby (0 dB a note's middle, below its attack and release); unvoiced frames have
a mean and a spread of their own. Beside them stand where the instrument is usually played, and how fast its timbre
moves. *Whitening* takes the profile out of a frame; *colouring* puts one in. What is left
between the two is what a generator translates, and carrying it over as it is would be the untrained swap of profiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from engine.core.pitch import octaves_into
from engine.translation.frames import BANDS, KNOTS, TIMBRE, Frames, pieces

LEVELS = np.arange(-42.0, 1.0, 6.0)  # dB
NEARBY = 25  # frames to each side (0.4 s) whose loudest is 0 dB
DEPTH = 45.0  # dB below the recording's loudest, under which nothing counts as loud
SILENT = -40.0  # relative level under which a frame's timbre is not heard
PLAYED = -25.0  # relative level from which on two neighbouring frames show how fast the timbre moves
LOUD = -6.0  # relative level from which on a note shows how high and low is played
CLIP = 3.0  # spreads
QUIETEST = 20.0  # dB below the loudest note, under which dynamics are left as they are
USUAL = (10, 80)  # percentiles of the pitches played between which an instrument is usually heard
OUTSIDE = 0.02  # share of a performance that may lie outside the range for a smaller shift

ARRAYS = ("mean", "spread", "unvoiced", "usual", "change")  # of a profile, as a checkpoint has them


def relative(loudness_db: np.ndarray) -> np.ndarray:
    """Loudness relative to the loudest within 0.4 s, dB, float64 [t], 0 at most."""
    if not len(loudness_db):
        return loudness_db
    loudest = uniform_filter1d(maximum_filter1d(loudness_db, 2 * NEARBY + 1), NEARBY)
    loudest = np.maximum(np.maximum(loudest, loudness_db), loudness_db.max() - DEPTH)
    out: np.ndarray = loudness_db - loudest
    return out


def even(frames: Frames, dynamics: float) -> Frames:
    """The same performance with its notes' loudness closer together (dynamics 0: as one) or further apart (2)."""
    if dynamics == 1.0 or not len(frames):
        return frames
    loudest = frames.loudness_db - relative(frames.loudness_db)
    change = (dynamics - 1) * np.maximum(loudest - loudest.max(), -QUIETEST)
    envelope = None if frames.envelope_db is None else frames.envelope_db + change[:, None]
    return replace(frames, loudness_db=frames.loudness_db + change, envelope_db=envelope)


@dataclass(frozen=True)
class Profile:
    low: int  # MIDI pitch of the tables' first row
    mean: np.ndarray  # float32 [pitches, levels, 80] dB
    spread: np.ndarray  # float32 [pitches, 80] dB
    unvoiced: np.ndarray  # float32 [2, 32] dB: mean and spread of the noise bands
    usual: np.ndarray  # float32 [2]: MIDI pitches between which it is usually played
    change: np.ndarray  # float32 [80]: mean difference of neighbouring frames, in spreads

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and highest pitch the instrument was heard at."""
        return float(self.low), float(self.low + len(self.mean) - 1)

    def octaves(self, midi: np.ndarray, usual: bool = True) -> int:
        """Octaves to move pitches [n] so that they lie in the instrument's range, and where `usual`, their median where
        it is usually played: one shift for all of them."""
        low, high = self.range
        least, most = map(float, self.usual)
        return octaves_into(midi, low - 0.5, high + 0.5, tolerance=OUTSIDE, usual=(least, most) if usual else None)

    def at(self, midi: np.ndarray, level: np.ndarray, voiced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """mean, spread [t, 80] at these pitches and relative levels."""
        row = np.clip(np.asarray(midi, np.float64) - self.low, 0, len(self.mean) - 1)
        column = np.clip((np.asarray(level, np.float64) - LEVELS[0]) / (LEVELS[1] - LEVELS[0]), 0, len(LEVELS) - 1)
        r, c = np.minimum(row.astype(int), max(len(self.mean) - 2, 0)), np.minimum(column.astype(int), len(LEVELS) - 2)
        up, right = (row - r)[:, None], (column - c)[:, None]
        above = np.minimum(r + 1, len(self.mean) - 1)
        mean = (1 - up) * ((1 - right) * self.mean[r, c] + right * self.mean[r, c + 1])
        mean += up * ((1 - right) * self.mean[above, c] + right * self.mean[above, c + 1])
        spread = (1 - up) * self.spread[r] + up * self.spread[above]
        silent = ~np.asarray(voiced, bool)
        mean[silent, KNOTS:] = self.unvoiced[0]
        spread[silent, KNOTS:] = self.unvoiced[1]
        return mean, spread

    def whiten(self, timbre: np.ndarray, midi: np.ndarray, level: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        """Frames [t, 80] dB → float32 [t, 80] in spreads from this instrument's mean; 0 where too soft to be heard."""
        out = np.empty((len(midi), TIMBRE), np.float32)
        for part in pieces(len(out)):  # so that memory does not grow with the recording
            mean, spread = self.at(midi[part], level[part], voiced[part])
            out[part] = np.clip((timbre[part] - mean) / spread, -CLIP, CLIP)
        out[np.asarray(level) <= SILENT] = 0
        return out

    def colour(self, white: np.ndarray, midi: np.ndarray, level: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        """The other way: [t, 80] in spreads → float32 [t, 80] dB."""
        out = np.empty((len(midi), TIMBRE), np.float32)
        for part in pieces(len(out)):
            mean, spread = self.at(midi[part], level[part], voiced[part])
            out[part] = mean + np.clip(white[part], -CLIP, CLIP) * spread
        return out

    def tensors(self) -> dict[str, np.ndarray]:
        """As arrays for a checkpoint."""
        low = np.array([self.low], np.int32)
        return {"low": low} | {key: getattr(self, key) for key in ARRAYS}

    @staticmethod
    def of(arrays: dict[str, np.ndarray]) -> Profile:
        """From a checkpoint's arrays."""
        return Profile(int(arrays["low"][0]), *(arrays[key] for key in ARRAYS))


def fit(timbre: np.ndarray, midi: np.ndarray, level: np.ndarray, voiced: np.ndarray) -> Profile:
    """The profile of an instrument's frames: timbre [n, 80] dB, midi, level [n], voiced bool [n].

    A Gaussian kernel (1.5 semitones, 4 dB) with a wide one (5 semitones, 8 dB) where few frames are near.
    """
    heard = voiced & (level > SILENT)
    frames, pitch, at = timbre[heard].astype(np.float64), midi[heard], level[heard]
    low, high = (round(float(x)) for x in np.percentile(pitch[at > LOUD], [0.3, 99.7]))
    rows = np.arange(low, high + 1)

    def moments(width: float, depth: float) -> tuple[np.ndarray, ...]:
        """Sums of 1, x over (pitch, level) kernels, by way of counts on a fine grid."""
        by_pitch = np.exp(-0.5 * ((rows[:, None] - np.round(pitch * 2)[None] / 2) / width) ** 2)
        by_level = np.exp(-0.5 * ((LEVELS[:, None] - at[None]) / depth) ** 2)
        weight = np.einsum("pn,ln->pl", by_pitch, by_level)
        total = np.stack([(by_pitch * by_level[i]) @ frames for i in range(len(LEVELS))], axis=1)
        return weight, total

    narrow, narrow_sum = moments(1.5, 4.0)
    wide, wide_sum = moments(5.0, 8.0)
    prior = wide_sum / np.maximum(wide, 1e-6)[..., None]
    mean = (narrow_sum + 20 * prior) / (narrow + 20)[..., None]
    ones = np.ones((len(rows), TIMBRE), np.float32)
    usual = np.percentile(pitch[at > LOUD], USUAL).astype(np.float32)
    profile = Profile(low, mean.astype(np.float32), ones, np.ones((2, BANDS), np.float32), usual, ones[0])
    expected, _ = profile.at(pitch, at, np.ones(len(pitch), bool))
    squares = (frames - expected) ** 2
    near = np.exp(-0.5 * ((rows[:, None] - pitch[None]) / 3.0) ** 2)
    spread = np.sqrt((near @ squares + 50 * squares.mean(0)) / (near.sum(1, keepdims=True) + 50))
    breath = timbre[~voiced & (level > SILENT)][:, KNOTS:]
    breath = breath if len(breath) > 50 else timbre[:, KNOTS:]
    unvoiced = np.stack([breath.mean(0), np.maximum(breath.std(0), 2.0)])
    profile = replace(profile, spread=np.maximum(spread, 1.5).astype(np.float32), unvoiced=unvoiced.astype(np.float32))
    return replace(profile, change=movement(profile.whiten(timbre, midi, level, voiced), level, voiced))


def movement(white: np.ndarray, level: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """How fast whitened timbre [t, 80] moves where something is played: mean difference of neighbours, float32 [80]."""
    played = np.asarray(voiced, bool) & (level > PLAYED)
    both = played[1:] & played[:-1]
    if not both.any():
        return np.zeros(TIMBRE, np.float32)
    return np.asarray(np.abs(np.diff(white, axis=0))[both].mean(0), np.float32)
