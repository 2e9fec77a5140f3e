"""Follow me: how busy and how loud the band plays, from what a person played in the last two bars.

    settings(notes, beats=4.0)      {"density": 0.7, "loudness": 1.1}; None where nothing was played
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.song import Note

BARS = 2  # that are listened to
TOGETHER = 0.125  # quarter notes: what begins nearer than this is one strike
REST, A_STRIKE = 0.2, 0.2  # density where hardly anything is played, and what one strike a beat adds
USUAL = 80  # velocity that leaves the band as loud as it is
LEAST, MOST = 0.6, 1.3  # loudness
STEP = 0.1  # so finely, for each change has what follows composed anew


def settings(notes: Sequence[Note], beats: float) -> dict[str, float] | None:
    """Band's density (0..1) and a jam's loudness, by notes of `BARS` bars of so many quarter notes."""
    if not notes:
        return None
    onsets = np.sort([note.onset for note in notes])
    strikes = 1 + int((np.diff(onsets) > TOGETHER).sum())
    density = min(REST + A_STRIKE * strikes / (BARS * beats), 1.0)
    loudness = min(max(float(np.mean([note.velocity for note in notes])) / USUAL, LEAST), MOST)
    return {"density": _rounded(density), "loudness": _rounded(loudness)}


def _rounded(value: float) -> float:
    return round(round(value / STEP) * STEP, 3)
