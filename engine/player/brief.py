"""What is asked of the player."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

import engine.player.vocabulary as v
from engine import RequestError
from engine.player.bars import MAX_BARS, Bar
from engine.player.lanes import Note
from engine.player.levels import LEVELS
from engine.player.network import CONTROLS

BAND = (0, 1, 2, 3, 4)
"""The lanes that play unless others are asked for."""
REST, NEW = -1, 0
"""In a form: the lane rests in this bar; it has a bar of its own."""
METERS = list(v.METERS)


@dataclass(frozen=True)
class Brief:
    """What is asked of the player. Bars count from 0; pitches and chords are in C major or A minor."""

    bars: int
    genre: Mapping[str, float] = field(default_factory=dict)  # weights; empty for none in particular
    meter: tuple[int, int] = (4, 4)
    lanes: tuple[int, ...] = BAND  # those to write, in bars where they are not given
    given: Mapping[int, Mapping[int, Sequence[Note]]] = field(default_factory=dict)  # bar → lane → notes, if any
    grids: Mapping[int, int] = field(default_factory=dict)  # bar → its grid, where something is given
    chords: Mapping[int, int] = field(default_factory=dict)  # half bar → chord to plan (-1: none) and to keep to
    form: Sequence[Sequence[int]] = ()  # bar → of each lane REST, NEW, or how many bars before lies the same; if any
    busy: Mapping[int, int] = field(default_factory=dict)  # lane → 1..7
    register: Mapping[int, int] = field(default_factory=dict)  # lane → 1..7
    ends: bool = False  # whether the last bar ends the piece: few notes, on the tonic
    seed: int = 0
    temperature: float = 1.0
    top_p: float = 0.97

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MAX_BARS:
            raise RequestError(f"The player writes 1 to {MAX_BARS} bars, not {self.bars}.")
        if self.meter not in v.METERS:
            raise RequestError(f"The player knows {v.METER_NAMES}, not {self.meter[0]}/{self.meter[1]}.")
        outside = [bar for bar in self.given if not 0 <= bar < self.bars]
        if outside:
            raise RequestError(f"Bar {outside[0] + 1} is given, but the piece has {self.bars} bars.")
        for name, levels in (("busyness", self.busy), ("register", self.register)):
            if not all(1 <= level < LEVELS for level in levels.values()):
                raise RequestError(f"The {name} of a lane is a level of 1 to {LEVELS - 1}.")

    def keeping(self, bars: Sequence[Bar], lanes: Sequence[int]) -> Brief:
        """This brief with some lanes given as they are in these bars, rests too, and with their grids and chords."""
        return replace(
            self,
            given={n: {lane: bar.lanes.get(lane, ()) for lane in lanes} for n, bar in enumerate(bars)},
            grids={n: bar.grid for n, bar in enumerate(bars)},
            chords={2 * n + half: chord for n, bar in enumerate(bars) for half, chord in enumerate(bar.chords)},
        )

    def wanted(self, bar: int) -> tuple[int, ...]:
        """The lanes that are to be written in a bar."""
        return tuple(lane for lane in self.lanes if lane not in self.given.get(bar, {}))

    def grid(self, bar: int) -> int | None:
        """The grid that a bar must have, None where it is free."""
        return self.grids.get(bar, v.STRAIGHT) if self.given.get(bar) else self.grids.get(bar)

    def controls(self, last: bool = False) -> np.ndarray:
        """int64 [CONTROLS] as the network reads them, of a piece's `last` section or another; the genre is the loop's
        to mix."""
        controls = np.zeros(CONTROLS, np.int64)
        controls[1], controls[-1] = METERS.index(self.meter), last and self.ends
        for first, levels in ((2, self.busy), (2 + len(v.LANES), self.register)):
            for lane, level in levels.items():
                controls[first + lane] = level
        return controls
