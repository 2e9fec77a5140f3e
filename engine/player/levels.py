"""The levels of a lane's busyness and register: 0 says nothing, 1..7 go from the least to the most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVELS = 8
PLAYS = 2  # the least busyness of a lane that plays: one onset in each bar in which it does
NOTES_A_BAR = (1, 2, 4, 6, 9, 13)  # onsets, between the levels of busyness


def busyness(onsets: int, bars: int) -> int:
    """1..7, from so many onsets in so many bars in which the lane plays."""
    return 1 + int(np.searchsorted(NOTES_A_BAR, onsets / max(bars, 1), "right"))


def register(pitch: float) -> int:
    """1..7, the octave of a mean MIDI pitch from C1 up."""
    return int(np.clip((pitch - 12) // 12, 1, LEVELS - 1))


def onsets_of(bars: Sequence[Sequence[tuple[int, int, int]]]) -> tuple[int, int]:
    """How many onsets a lane's bars have, notes (step, length, pitch) each, and in how many of them it plays."""
    playing = [notes for notes in bars if notes]
    return sum(len({note[:2] for note in notes}) for notes in playing), len(playing)


def levels_of(bars: Sequence[Sequence[tuple[int, int, int]]]) -> tuple[int, int] | None:
    """Busyness and register of a lane's bars; None of a lane that rests."""
    onsets, playing = onsets_of(bars)
    if not playing:
        return None
    return busyness(onsets, playing), register(float(np.mean([pitch for notes in bars for *_, pitch in notes])))
