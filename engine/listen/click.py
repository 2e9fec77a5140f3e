"""A click to hum to: a bar of count-in, and bars after it, whose first beats are higher."""

from __future__ import annotations

import numpy as np

from engine.core.audio import Audio

RATE = 22_050  # Hz
HIGH_HZ, LOW_HZ = 1_568.0, 1_046.5  # of the first beat of a bar and of the others
CLICK_SECONDS = 0.03
LEVEL = 0.5


def click(tempo: float, beats: int = 4, bars: int = 17) -> Audio:
    """A click of so many bars at a tempo (beats a minute), mono; the first bar is the count-in."""
    out = np.zeros(int((beats * bars * 60 / tempo + 0.2) * RATE), np.float32)
    time = np.arange(int(CLICK_SECONDS * RATE)) / RATE
    for beat in range(beats * bars):
        hz = LOW_HZ if beat % beats else HIGH_HZ
        first = int(beat * 60 / tempo * RATE)
        out[first : first + len(time)] = LEVEL * np.sin(2 * np.pi * hz * time) * np.exp(-time / 0.008)
    return Audio(out, RATE)
