"""The player plays: what is given is written as it is, and the bars that are wanted come one after the other.

    for bar in perform(model, Brief(bars=8, genre={"jazz": 1.0}, seed=7)): …

Sections of eight bars are planned and then written; of what came before, a section hears the eight bars before it, and
where the bars after it are given, four on either side. So a longer piece begins as a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

import engine.player.compiled as compiled
import engine.player.vocabulary as v
from engine import RequestError
from engine.player.bars import MAX_BARS, Bar
from engine.player.desk import Desk, desk_of
from engine.player.lanes import Note, encode
from engine.player.levels import LEVELS
from engine.player.model import Model
from engine.player.network import CONTROLS
from engine.player.song import lanes_by_bar
from engine.player.writing import Writer

BAND = (0, 1, 2, 3, 4)
"""The lanes that play unless others are asked for."""
SCORE_ORDER = (v.LEAD, 0, 3, 1, 2, 4)
"""The tune, drums, bass, piano, guitar, strings: the order in which lanes are given."""
DRAWS = 4096  # numbers of a section, drawn once
METERS = list(v.METERS)
AFTER = 4  # bars heard on either side of a section whose next bars are given


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
    busy: Mapping[int, int] = field(default_factory=dict)  # lane → 1..7
    register: Mapping[int, int] = field(default_factory=dict)  # lane → 1..7
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

    def controls(self) -> np.ndarray:
        """int64 [CONTROLS] as the network reads them; the genre is the loop's to mix."""
        controls = np.zeros(CONTROLS, np.int64)
        controls[1] = METERS.index(self.meter)
        for first, levels in ((2, self.busy), (2 + len(v.LANES), self.register)):
            for lane, level in levels.items():
                controls[first + lane] = level
        return controls


def perform(model: Model, brief: Brief) -> Iterator[Bar]:
    """The bars of a piece, one after the other, what was given among them. Same model, brief and machine, same bars."""
    done: list[Bar] = []
    for first in range(0, brief.bars, v.SECTION):
        for (bar,) in _Section(model, [brief], done, first).play():
            done.append(bar)
            yield bar


def phrases(model: Model, briefs: Sequence[Brief]) -> list[list[Bar]]:
    """What briefs of at most eight bars become, played side by side: each what it would become alone.

    They may differ in genre, lanes, levels and seed; in all else the first speaks for them all.
    """
    if briefs[0].bars > v.SECTION:
        raise RequestError(f"Only pieces of at most {v.SECTION} bars are played side by side, not of {briefs[0].bars}.")
    return [list(bars) for bars in zip(*_Section(model, briefs, [], 0).play())]


class _Section:
    """Eight bars of a piece and what is known around them, in a window of their own."""

    def __init__(self, model: Model, briefs: Sequence[Brief], done: Sequence[Bar], first: int) -> None:
        for each in briefs:
            model.check(each.genre)
        self.model, self.briefs = model, briefs
        self.brief = brief = briefs[0]
        self.bars = range(first, min(first + v.SECTION, brief.bars))
        after: list[int] = []
        while (bar := self.bars.stop + len(after)) < brief.bars and len(after) < v.SECTION:
            if brief.wanted(bar) or bar not in brief.given:
                break
            after.append(bar)
        self.start = max(0, first - (AFTER if after else v.SECTION))
        self.before = range(self.start, first)
        self.after = range(self.bars.stop, min(self.bars.stop + len(after), self.start + v.WINDOW))
        self.planned = range(first, self.after.stop if self.after else first + v.SECTION)
        self.known = {bar: done[bar] for bar in self.before}
        for bar in (*self.bars, *self.after):
            chords = brief.chords.get(2 * bar, -1), brief.chords.get(2 * bar + 1, -1)
            sounding = {lane: notes for lane, notes in brief.given.get(bar, {}).items() if notes}
            self.known[bar] = Bar(brief.grid(bar) or v.STRAIGHT, chords, sounding)

    def play(self) -> Iterator[list[Bar]]:
        """The section's bars, one after the other, of each brief."""
        brief = self.brief
        if not any(brief.wanted(bar) for bar in self.bars):
            yield from ([self.known[bar]] * len(self.briefs) for bar in self.bars)
            return
        uniform = [np.random.default_rng([each.seed, self.bars.start, 5]).random(DRAWS) for each in self.briefs]
        desk = desk_of(self.model.network, [each.genre for each in self.briefs],
                       np.stack([each.controls() for each in self.briefs]), brief.meter, self.model.classes,
                       np.stack(uniform))  # fmt: skip
        self._run(desk, self._opening(), [() for _ in self.briefs])
        for bar in self.bars:
            wanted = [each.wanted(bar) for each in self.briefs]
            if any(wanted):
                self._run(desk, [v.GO + bar - self.start, compiled.LANES], wanted)
            yield [self._written(desk, candidate, bar) for candidate in range(len(self.briefs))]

    def _written(self, desk: Desk, candidate: int, bar: int) -> Bar:
        """A bar as a candidate has it, what is given in it as it was."""
        tokens = desk.tokens[candidate, : desk.time[candidate]].tolist()
        grid, lanes = lanes_by_bar(tokens, self.model.combos)[bar - self.start]
        plan = desk.machines.plan[candidate, bar - self.start]
        first, second = (int(chord) if chord < v.CHORDS else -1 for chord in plan)
        return Bar(grid, (first, second), {**lanes, **self.known[bar].lanes})

    def _run(self, desk: Desk, script: Sequence[int], wanted: Sequence[tuple[int, ...]]) -> None:
        may = np.ones((len(wanted), v.TOKENS), np.bool_)
        may[:, v.PLAN] = may[:, v.GO : v.TRACK] = False  # where to go on is not the network's to say
        may[:, v.COMBO + len(self.model.combos) :] = False
        for candidate, lanes in enumerate(wanted):
            for lane in set(range(len(v.LANES))) - set(lanes):
                may[candidate, v.track(lane, 0) : v.track(lane + 1, 0)] = False
        items = np.array(script, np.int32)
        if len(self.briefs) == 1 and not desk.time[0]:
            given = int(np.argmax(items < 0)) if (items < 0).any() else len(items)
            compiled.read(self.model.weights, desk, items[:given])
            items = items[given:]
        compiled.play(self.model.weights, desk, items, may, self.brief.temperature, self.brief.top_p,
                      bool(self.brief.chords))  # fmt: skip

    def _opening(self) -> list[int]:
        """The script of what comes before the section's first bar: all plans, and all that is given."""
        window = range(self.start, max(self.known) + 1)
        plans = np.array([(bar.grid, *(c % (v.CHORDS + 1) for c in bar.chords)) for bar in self.known.values()])
        combos = self.model.numbered
        lanes = [[np.array(encode(lane, self.known[bar].lanes.get(lane, ()), combos), np.int64)
                  for lane in range(len(v.LANES))] for bar in window]  # fmt: skip
        writer = Writer(plans, lanes)
        script = writer.tokens
        if self.after:
            script += [v.PLAN, *self._plan(range(self.start, self.after.stop))]
        elif self.before:
            script += [v.PLAN, *self._plan(self.before)]
        for part in (self.before, self.after):
            writer.play([bar - self.start for bar in part], SCORE_ORDER)
        if not self.after:
            script += [v.PLAN, *self._plan(self.planned)]
        given = [bar - self.start for bar in self.bars if any(self.known[bar].lanes.values())]
        writer.play(given, SCORE_ORDER, given=True)
        return script

    def _plan(self, bars: range) -> list[int]:
        """What to plan for some bars, FREE where that is the network's to say."""
        script = []
        for bar in bars:
            if bar in self.before:
                grid, chords = self.known[bar].grid, list(self.known[bar].chords)
                script += [v.bar(grid), *map(v.chord, chords)]
                continue
            wish = self.brief.grid(bar)
            script.append(compiled.FREE if wish is None else v.bar(wish))
            script += [v.chord(self.brief.chords[half]) if half in self.brief.chords else compiled.FREE
                       for half in (2 * bar, 2 * bar + 1)]  # fmt: skip
        return script
