"""What is asked of the player."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

import engine.player.vocabulary as v
from engine import RequestError
from engine.player.bars import MAX_BARS, Bar
from engine.player.lanes import Note, steps_of
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
        if self.form and len(self.form) != self.bars:
            raise RequestError(f"The form has {len(self.form)} bars, and the piece {self.bars}.")
        if any(chord not in range(-1, v.CHORDS) for chord in self.chords.values()):
            raise RequestError(f"A chord is a number of 0 to {v.CHORDS - 1}, or -1 for none.")
        known = range(len(v.LANES))
        if not {*self.lanes, *(lane for lanes in self.given.values() for lane in lanes)} <= {*known}:
            raise RequestError(f"The player's lanes are 0 to {len(v.LANES) - 1}: {', '.join(v.LANES)}.")
        for bar in {*self.given, *self.grids}:
            self._check_bar(bar)

    def _check_bar(self, bar: int) -> None:
        """Refuse a grid that the meter does not have, and given notes beside it."""
        grid = self.grid(bar) or v.STRAIGHT
        steps = steps_of(self.meter, grid) if grid in range(len(v.UNITS)) else 0
        if not 0 < steps <= v.MAX_STEPS:
            raise RequestError(f"Bar {bar + 1} is on grid {grid}, which bars of {self.meter[0]}/{self.meter[1]} lack.")
        for lane, notes in self.given.get(bar, {}).items():
            for note in notes:
                step, length, pitch = note
                if not (step in range(steps) and length == int(length) >= 1 and pitch in range(128)):
                    raise RequestError(f"Bar {bar + 1} has {steps} steps: what is given to {v.LANES[lane]}, {note}, is "
                                       "off its grid, no whole steps long, or off the piano.")  # fmt: skip

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
