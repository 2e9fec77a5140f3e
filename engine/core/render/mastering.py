"""A song's mix at the loudness of music that people listen to: -16 LUFS (ITU-R BS.1770, by pyloudnorm), no sample above
-1 dB.

A gain, then a limiter that sees a few milliseconds ahead. Stems, single notes and melodies keep their own dynamics.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

TARGET_LUFS = -16.0
CEILING = 10 ** (-1.05 / 20)  # of a sample
AHEAD_SECONDS = 0.005
MOST_GAIN = 10 ** (40 / 20)  # softer music than that stays softer
ROUNDS = 3  # of gain and limiter: what is limited is a little softer
SHORTEST_SECONDS = 0.5  # that has a loudness


def mastered(samples: np.ndarray, rate: int) -> np.ndarray:
    """A mix, float32 [frames, 2], at `TARGET_LUFS` and below `CEILING`; silence and less than half a second only below
    it."""
    import pyloudnorm  # here, because only what is taken away is measured

    if len(samples) < SHORTEST_SECONDS * rate:
        return limited(samples, rate)
    meter, gain, out = pyloudnorm.Meter(rate), 1.0, samples
    for _ in range(ROUNDS):
        loudness = float(meter.integrated_loudness(out.astype(np.float64)))
        if not np.isfinite(loudness):
            return limited(samples, rate)
        gain = min(gain * 10 ** ((TARGET_LUFS - loudness) / 20), MOST_GAIN)
        out = limited(samples * np.float32(gain), rate)
    return out


def limited(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples, float32 [frames, 2], turned down a little before and after each that would lie above the ceiling."""
    peaks = np.abs(samples).max(axis=1)
    if peaks.max(initial=0.0) <= CEILING:
        return samples
    reach = int(AHEAD_SECONDS * rate)
    needed = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    gain = uniform_filter1d(minimum_filter1d(needed, 2 * reach + 1), reach, mode="nearest")
    return np.asarray(samples * gain[:, None], np.float32)
