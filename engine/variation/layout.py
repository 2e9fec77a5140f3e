"""Where a song's bars, steps and windows lie: 16 cells a window, of which a bar's grid uses some.

    Layout.of(song)   →  bars of any meter and an upbeat, each on the grid that its notes fit
    layout.at         →  int [W, 16] which step of the song a cell of a window is; -1 where it is none

A window is what a network hears as a bar of 4/4: four units of four cells. On sixteenths a unit is a beat and all four
cells are steps; on triplets three of them are, on sextuplets and thirty-seconds a unit is half a beat. A bar shorter
than a window leaves the end empty; a longer one is cut into windows of equal length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.core.pianoroll import STEPS
from engine.core.song import NEAR, Song

UNIT = 4  # cells


@dataclass(frozen=True)
class Division:
    """A grid: how long a unit of four cells is in beats, and how many of the four are steps."""

    name: str
    unit: float
    used: int

    @property
    def step(self) -> float:
        """Beats from one step to the next."""
        return self.unit / self.used


SIXTEENTHS = Division("sixteenths", 1.0, 4)
DIVISIONS = (
    SIXTEENTHS, Division("triplets", 1.0, 3), Division("sextuplets", 0.5, 3), Division("thirty-seconds", 0.5, 4),
)  # fmt: skip
OFF = 1 / 24  # beats: a note that is further from its step than this is not on the grid
BETTER = 0.2  # another grid than sixteenths is chosen where this share of their notes off the grid is off it at most
EXACT = 1 / 200  # beats: no further off its grid is what was written on one, however few ticks a file has
LEAST = 2  # notes off the sixteenths before another grid is looked at


@dataclass(frozen=True)
class Bar:
    """One bar, in beats."""

    begin: float
    length: float
    division: Division = SIXTEENTHS

    @property
    def steps(self) -> int:
        """Its steps; the last may be shorter than the others."""
        return int(np.ceil(self.length / self.division.step - NEAR))

    @cached_property
    def cells(self) -> np.ndarray:
        """Its steps by window and cell, counted from its own first, int [windows, 16]; -1 where there is none."""
        used = self.division.used
        parts = -(-self.steps // (STEPS * used // UNIT))
        size = -(-self.steps // parts)  # steps a window
        if used < UNIT:
            size = -(-size // used) * used  # of whole units
        step = np.arange(parts)[:, None] * size + np.arange(size)
        cells = np.full((parts, STEPS), -1)
        cells[:, np.arange(size) // used * UNIT + np.arange(size) % used] = np.where(step < self.steps, step, -1)
        return cells


@dataclass(frozen=True)
class Layout:
    """All bars of a song, one after the other from beat 0."""

    bars: tuple[Bar, ...]
    upbeat: bool = False  # whether the first is one

    @classmethod
    def even(cls, bars: int, length: float = 4.0) -> Layout:
        """Bars of one length on sixteenths."""
        return cls(tuple(Bar(number * length, length) for number in range(bars)))

    @classmethod
    def of(cls, song: Song) -> Layout:
        """The bars that hold a song's notes, each on one of the grids."""
        onsets = _onsets(song)
        # An onset goes to the nearest step, which may be the first of the bar after.
        lines = song.bar_lines(max(song.beats, onsets[-1] + SIXTEENTHS.step / 2 + 2 * NEAR if len(onsets) else 0.0))
        edges = np.searchsorted(onsets, np.array(lines) - OFF)
        bars = [
            Bar(begin, end - begin, _division(onsets[first:last] - begin, end - begin))
            for begin, end, first, last in zip(lines, lines[1:], edges, edges[1:])
        ]
        return cls(tuple(bars), bool(song.upbeat))

    def mixed(self, song: Song) -> int:
        """How many bars of the song are written on two grids, of which they have one here."""
        onsets = _onsets(song)
        edges = np.searchsorted(onsets, np.array([*(bar.begin for bar in self.bars), self.beats[-1]]) - OFF)
        count = 0
        for bar, first, last in zip(self.bars, edges, edges[1:]):
            own = onsets[first:last] - bar.begin
            left = own[_distance(own, bar.division.step) > OFF]
            count += len(left) >= LEAST and any((_distance(left, each.step) < EXACT).all() for each in DIVISIONS)
        return count

    def more(self, bars: int, length: float) -> Layout:
        """This and as many bars more of this length, on the grid of the last."""
        end, division = self.beats[-1], self.bars[-1].division
        return Layout((*self.bars, *(Bar(end + n * length, length, division) for n in range(bars))), self.upbeat)

    @cached_property
    def parts(self) -> np.ndarray:
        """How many windows each bar has, int [bars]."""
        return np.array([len(bar.cells) for bar in self.bars])

    @property
    def usual_parts(self) -> int:
        """How many windows most bars have."""
        return int(Counter(self.parts.tolist()).most_common(1)[0][0])

    @property
    def windows(self) -> int:
        """W."""
        return int(self.parts.sum())

    @cached_property
    def at(self) -> np.ndarray:
        """See the head of this file."""
        first = np.cumsum([0, *(bar.steps for bar in self.bars)])
        return np.concatenate([np.where(bar.cells >= 0, bar.cells + at, -1) for bar, at in zip(self.bars, first)])

    @cached_property
    def beats(self) -> np.ndarray:
        """Where each step begins and where the last one ends, float [steps + 1]."""
        begins = [bar.begin + np.arange(bar.steps) * bar.division.step for bar in self.bars]
        return np.append(np.concatenate(begins), self.bars[-1].begin + self.bars[-1].length)

    @cached_property
    def _middles(self) -> np.ndarray:
        return np.asarray((self.beats[1:] + self.beats[:-1]) / 2)

    def step(self, beat: float) -> int:
        """The step that is nearest to a beat; one past the last where that is their end."""
        return int(np.searchsorted(self._middles, beat, side="right"))


def _division(onsets: np.ndarray, length: float) -> Division:
    """The grid of a bar whose notes begin at `onsets`, beats from its beginning, float [n]."""
    least = _off(onsets, SIXTEENTHS.step)
    fits = abs(length / SIXTEENTHS.step - round(length / SIXTEENTHS.step)) < NEAR
    if fits and least < LEAST:
        return SIXTEENTHS
    for division in DIVISIONS[1:]:
        whole = abs(length / division.step - round(length / division.step)) < NEAR
        if (fits or whole) and _off(onsets, division.step) <= BETTER * least:
            return division
    return SIXTEENTHS


def _off(onsets: np.ndarray, step: float) -> int:
    """How many notes are off a grid of this step."""
    return int((_distance(onsets, step) > OFF).sum())


def _distance(onsets: np.ndarray, step: float) -> np.ndarray:
    """How far notes are from the nearest step, in beats."""
    return np.asarray(np.abs(onsets - np.round(onsets / step) * step))


def _onsets(song: Song) -> np.ndarray:
    return np.sort(np.array([note.onset for track in song.tracks for note in track.notes]))
