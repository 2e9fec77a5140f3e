"""What a hand knows before it strikes a note: the note itself, and what it struck before.

Notes of one track are sorted by their place (ticks of the grid from the first bar line, 24 a beat) and then by pitch.

    features(place, length, pitch, drums, bar)    int64 [N, 5]: place in the bar, pitch, length (within the bar: a song
                                                  that ends there begins as one that goes on), time since the moment
                                                  before, and which of how many notes of its moment it is
    sources(place, pitch, bar)                    int64 [N, 5]: the earlier notes that it may be struck like, if any
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import numpy as np
from numba import njit

TICKS = 24  # a beat
SLOT = 2  # ticks
BACK = ("note", "pitch", "beat", "bar", "bars")
"""The sources: the note before, the last of this pitch (of drums: this drum), and what lay a beat, one bar and two bars
before (the same pitch there, or else the highest)."""
LONGEST_BAR = 144  # ticks
TOGETHER = 6  # notes of a moment that are told apart
STEPS = (0, 3, 6, 9, 12, 18, 24, 36, 48, 96, 192)  # ticks, between the classes of length and of time
SIZES = (LONGEST_BAR // SLOT, 256, len(STEPS) + 1, len(STEPS) + 1, TOGETHER * TOGETHER)
"""How many values each feature has."""


def features(place: np.ndarray, length: np.ndarray, pitch: np.ndarray, drums: bool, bar: int) -> np.ndarray:
    """What is known of each note (see above). place, length in ticks; `bar` ticks of a bar."""
    new = np.diff(place, prepend=-1) != 0
    moment = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    index = np.arange(len(place)) - first[moment]
    together = np.diff([*first, len(place)])[moment]
    since = np.diff(place[first], prepend=place[:1])[moment]
    return np.stack(
        [
            place % bar // SLOT,
            pitch + (0 if drums else 128),
            np.searchsorted(STEPS, np.minimum(length, bar - place % bar), "right"),
            np.where(index > 0, 0, np.searchsorted(STEPS, since, "right")),
            np.minimum(together - 1, TOGETHER - 1) * TOGETHER + np.minimum(index, TOGETHER - 1),
        ],
        1,
    ).astype(np.int64)


@njit(nogil=True)
def sources(place, pitch, bar):
    """The earlier notes that each may be struck like (see `BACK`), int64 [N, 5]; -1 where there is none."""
    count = place.shape[0]
    out = np.full((count, 5), -1, np.int64)
    last = np.full(128, -1, np.int64)
    away = (TICKS, bar, 2 * bar)
    for i in range(count):
        out[i, 0] = i - 1
        out[i, 1] = last[pitch[i]]
        last[pitch[i]] = i
        for n in range(3):
            there = place[i] - away[n]
            j = i - 1
            while j >= 0 and place[j] > there:
                j -= 1
            if j >= 0 and place[j] == there:
                out[i, 2 + n] = j
            while j >= 0 and place[j] == there:
                if pitch[j] == pitch[i]:
                    out[i, 2 + n] = j
                j -= 1
    return out
