"""Bars as the ranker sees them: steps of sixteenths, and what sounds, begins and comes again in each.

    roll(bars)           float32 [PER_BAR steps of each bar, CHANNELS]

    drums                groups of drums that are struck                                         DRUM_GROUPS
    each pitched lane    pitch classes that begin (12), that sound (12), octaves of those that begin (8), how many
                         begin, the highest of them and the lowest
    each lane            whether the bar is note for note the one 1, 2 or 4 before (3), whether there is anything in it

The planned chords are not among it: those of songs are found in their notes, and so tell by how well they fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.pianoroll import TRACKS
from engine.player.bars import Bar
from engine.player.vocabulary import DRUMS

BARS, PER_BAR = 8, 16  # of a section
STEPS = BARS * PER_BAR
BACK = (1, 2, 4)
KIT = ((35, 36), (37, 38, 39, 40), (42, 44), (46,), (49, 52, 55, 57), (51, 53, 59), (41, 43, 45), (47, 48, 50),
       tuple(range(60, 82)))  # fmt: skip
"""General MIDI keys of kick, snare, closed and open hat, crash, ride, low and high toms, hand percussion."""
DRUM_GROUPS = len(KIT) + 1  # and the rest
OCTAVES = 8
BEGINS, SOUNDS, OCTAVE, COUNT, HIGHEST, LOWEST, PITCHED = 0, 12, 24, 32, 33, 34, 35
"""Where in a pitched lane's channels each thing stands, and how many these are."""
AGAIN = DRUM_GROUPS + (len(TRACKS) - 1) * PITCHED
PRESENT = AGAIN + len(TRACKS) * len(BACK)
CHANNELS = PRESENT + len(TRACKS)
_GROUP = np.full(128, len(KIT))
for _number, _keys in enumerate(KIT):
    _GROUP[list(_keys)] = _number


def roll(bars: Sequence[Bar]) -> np.ndarray:
    """float32 [16 · bars, CHANNELS] of bars in 4/4. A tune that is given is not looked at."""
    out = np.zeros((len(bars) * PER_BAR, CHANNELS), np.float32)
    for n, bar in enumerate(bars):
        here = out[n * PER_BAR : (n + 1) * PER_BAR]
        for lane in range(len(TRACKS)):
            _lane(out, n, bar, lane)
            here[:, PRESENT + lane] = bool(bar.lanes.get(lane))
            for i, back in enumerate(BACK):
                here[:, AGAIN + lane * len(BACK) + i] = n >= back and _same(bars[n - back], bar, lane)
    return out


def channels_of(lane: int) -> np.ndarray:
    """All channels that tell of one lane, int [n]."""
    first = DRUM_GROUPS + (lane - 1) * PITCHED
    own = range(DRUM_GROUPS) if lane == DRUMS else range(first, first + PITCHED)
    return np.array([*own, *range(AGAIN + lane * len(BACK), AGAIN + (lane + 1) * len(BACK)), PRESENT + lane])


def _same(before: Bar, bar: Bar, lane: int) -> bool:
    """Whether there is something in a lane of both bars, and it is the same."""
    mine = bar.lanes.get(lane)
    return bool(mine) and before.grid == bar.grid and before.lanes.get(lane) == mine


def _lane(out: np.ndarray, number: int, bar: Bar, lane: int) -> None:
    """Write a lane's notes in the bar of that number."""
    notes = bar.lanes.get(lane)
    if not notes:
        return
    step, length, pitch = np.array(notes).T
    scale = (1.0, PER_BAR / 24)[bar.grid]  # bars of triplets have 24 steps
    begin = number * PER_BAR + np.minimum((step * scale).astype(int), PER_BAR - 1)
    if lane == DRUMS:
        out[begin, _GROUP[pitch]] = 1
        return
    end = np.clip(number * PER_BAR + np.rint((step + length) * scale).astype(int), begin + 1, len(out))
    mine = out[:, DRUM_GROUPS + (lane - 1) * PITCHED :][:, :PITCHED]
    mine[begin, BEGINS + pitch % 12] = 1
    mine[begin, OCTAVE + np.clip(pitch // 12 - 1, 0, OCTAVES - 1)] = 1
    np.add.at(mine, (begin, COUNT), 1 / 3)
    height = pitch / 64 - 0.5
    np.maximum.at(mine, (begin, HIGHEST), height)
    mine[begin, LOWEST] = 1
    np.minimum.at(mine, (begin, LOWEST), height)
    for first, last, each in zip(begin, end, pitch % 12):
        mine[first:last, SOUNDS + each] = 1
