"""Windows of sixteen bars, drawn from prepared songs and put together as the player reads them.

Sections of eight bars are planned, and then written bar by bar (half of the windows); or some lanes are written in
full, and then the others (so that a player hears what the rest will play); or some bars are written after those that
follow them. Half of the windows write their lanes in the score's order, half in any. In a quarter the tune is a
lane of its own, written first where the order is the score's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.player import grammar
from engine.player import vocabulary as v
from engine.player.bars import Bar
from engine.player.brief import METERS
from engine.player.lanes import decode
from engine.player.levels import LEVELS, busyness, register
from engine.player.network import CONTROLS
from engine.player.playing import SCORE_ORDER
from engine.player.writing import Writer
from training.band.genres import GENRES
from training.player.prepare import LISTED, NO_LEAD, OWN_LEAD
from training.variation.prepare import SPLITS

LENGTH = 1600  # tokens of a window at most, by a bound; longer ones have fewer bars
STRIDE = 4  # bars between the places where windows begin
WITH_LEAD, ANY_ORDER = 0.25, 0.5  # shares of windows with a tune, in any order
SHARES_SAID = (0, 0.5, 1)  # of a window's levels: none, half or all
SAID, UNSAID = 0.5, 0.1  # shares of windows that say where in the song they are; that do not say their genre
LANES_GIVEN, BARS_GIVEN = 0.3, 0.2  # shares of windows in which some lanes, or the bars around some, are written first
LEAD_GIVEN = 0.7  # share of those with a tune in which it is


@dataclass(frozen=True)
class Example:
    """One window as the network reads it."""

    tokens: np.ndarray  # int64 [T]
    targets: np.ndarray  # int64 [T]: what it is to say after each, PAD where nothing is asked
    numbers: np.ndarray  # int16 [T, 10]
    bits: np.ndarray  # uint8 [T, 192]
    controls: np.ndarray  # int64 [CONTROLS]


class Windows:
    """The prepared arrays, opened, and windows drawn from one split of them."""

    def __init__(self, folder: Path, split: str) -> None:
        self.tokens = np.load(folder / "tokens.npy", mmap_mode="r")
        self.offsets = np.load(folder / "offsets.npy")
        self.bars = np.load(folder / "bars.npy")
        with np.load(folder / "songs.npz") as songs:
            self.first, self.genre, self.meter = songs["first"], songs["genre"], songs["meter"]
            self.songs = np.flatnonzero((songs["split"] == SPLITS.index(split)) & (np.diff(self.first) >= STRIDE))
        self.classes = grammar.drum_classes(json.loads((folder / "combos.json").read_text()))
        # Genres differ in size by twenty times: each song counts by the root of its genre's share.
        counts = np.bincount(self.genre[self.songs] + 1, minlength=len(v.LANES) + 8)
        weight = counts[self.genre[self.songs] + 1] ** -0.5
        bars = np.diff(self.first)[self.songs]
        self.chance = weight * np.sqrt(bars)
        self.chance /= self.chance.sum()

    def lane(self, bar: int, lane: int) -> np.ndarray:
        """The tokens of one lane's bar."""
        at = bar * LISTED + lane
        return np.asarray(self.tokens[self.offsets[at] : self.offsets[at + 1]])

    def bars_of(self, bars: range, combos: Sequence[Sequence[int]]) -> list[Bar]:
        """Some bars of a song, as they are played."""
        out = []
        for bar in bars:
            grid, *chords = self.bars[bar, :3].tolist()
            first, second = (chord if chord < v.CHORDS else -1 for chord in chords)
            lanes = {lane: decode(self.lane(bar, lane).tolist(), combos) for lane in range(5)}
            out.append(Bar(grid, (first, second), {lane: notes for lane, notes in lanes.items() if notes}))
        return out

    def draw(self, rng: np.random.Generator) -> Example:
        """A window of a song drawn by chance."""
        song = int(rng.choice(self.songs, p=self.chance))
        return self.window(song, self._start(song, rng), rng)

    def window(self, song: int, start: int, rng: np.random.Generator) -> Example:
        """The window that begins at a bar of a song; `rng` draws order, tune and which controls are said."""
        bars = range(start, min(start + v.WINDOW, int(self.first[song + 1])))
        sizes = np.diff(self.offsets[[bar * LISTED for bar in (*bars, bars.stop)]])
        bars = bars[: max(STRIDE, int(np.searchsorted(np.cumsum(sizes), LENGTH)))]
        writer = Writer(self.bars[bars.start : bars.stop, :3], self._lanes(bars, rng.random() < WITH_LEAD))
        write(writer, rng)
        return self._example(song, start, writer, rng)

    def beginning(self, song: int, rng: np.random.Generator) -> Example:
        """At most `STRIDE` bars of a song from a place drawn by chance, in the score's order and without a tune."""
        start = self._start(song, rng)
        bars = range(start, min(start + STRIDE, int(self.first[song + 1])))
        writer = Writer(self.bars[bars.start : bars.stop, :3], self._lanes(bars, with_lead=False))
        writer.plan(range(len(bars)))
        writer.play(range(len(bars)), SCORE_ORDER)
        return self._example(song, start, writer, rng)

    def _start(self, song: int, rng: np.random.Generator) -> int:
        """A bar of a song at which a window may begin."""
        first, end = self.first[song : song + 2].tolist()
        return first + STRIDE * int(rng.integers(max(1, (end - first - 2) // STRIDE)))

    def _lanes(self, bars: range, with_lead: bool) -> list[list[np.ndarray]]:
        """The six lanes of each bar; with the tune its track keeps what is left."""
        whole = []
        for bar in bars:
            lanes = [self.lane(bar, lane) for lane in range(5)] + [np.zeros(0, np.uint16)]
            lead = int(self.bars[bar, 3])
            if with_lead and lead != NO_LEAD:
                lanes[v.LEAD] = self.lane(bar, 5)
                if lead != OWN_LEAD:
                    lanes[lead] = self.lane(bar, 6)
            whole.append(lanes)
        return whole

    def _example(self, song: int, start: int, writer: Writer, rng: np.random.Generator) -> Example:
        tokens = np.array(writer.tokens, np.int64)
        machine = grammar.start(METERS[self.meter[song]], self.classes)
        numbers = np.zeros((len(tokens), grammar.NUMBERS), np.int16)
        bits = np.zeros((len(tokens), grammar.BITS), np.uint8)
        grammar.walk(machine, tokens, numbers, bits)
        return Example(tokens, writer.targets(), numbers, bits, self._controls(song, start, writer.lanes, rng))

    @staticmethod
    def levels(written: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Busyness (1 of a lane that rests) and register (0 of such) of each lane of some bars, int [lanes] each."""
        busy, high = np.ones(len(v.LANES), int), np.zeros(len(v.LANES), int)
        for lane in range(len(v.LANES)):
            mine = [bar[lane] for bar in written if len(bar[lane])]
            if mine:
                whole = np.concatenate(mine)
                busy[lane] = busyness(int(((whole >= v.EVENT) & (whole < v.LONG)).sum()), len(mine))
                pitches = whole[(whole >= v.PITCH) & (whole < v.COMBO)].astype(int) - v.PITCH
                high[lane] = register(float(pitches.mean())) if len(pitches) else 0
        return busy, high

    def _controls(self, song: int, start: int, written: list[list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
        controls = np.zeros(CONTROLS, np.int64)
        controls[0] = self.genre[song] if self.genre[song] >= 0 and rng.random() > UNSAID else len(GENRES)
        controls[1] = self.meter[song]
        said = float(rng.choice(SHARES_SAID))
        if said:
            # What is said of registers must not tell who plays: of a lane that rests any is said.
            levels = np.concatenate(self.levels(written))
            levels = np.where(levels > 0, levels, rng.integers(1, LEVELS, len(levels)))
            controls[2 : 2 + len(levels)] = np.where(rng.random(len(levels)) < said, levels, 0)
        if rng.random() < SAID:
            first, end = int(self.first[song]), int(self.first[song + 1])
            controls[-2] = 1 + min((start - first) // v.WINDOW, LEVELS - 2)
            controls[-1] = 1 + min(max(end - start - v.WINDOW, 0) // v.WINDOW, LEVELS - 2)
        return controls


def write(writer: Writer, rng: np.random.Generator) -> None:
    """Write all bars of a window in an order drawn by chance."""
    count, bars = len(v.LANES), range(len(writer.lanes))
    order = [int(n) for n in rng.permutation(count)] if rng.random() < ANY_ORDER else list(SCORE_ORDER)
    way = rng.random()
    if way < LANES_GIVEN:
        given = _given(writer, rng)
        for part in _parts(bars, v.SECTION if rng.random() < 0.5 else v.WINDOW):
            writer.plan(part)
            writer.play(part, [lane for lane in order if lane in given], given=True)
            writer.play(part, [lane for lane in order if lane not in given])
    elif way < LANES_GIVEN + BARS_GIVEN and len(bars) > 2:
        first = int(rng.integers(len(bars) - 1))
        last = min(first + int(rng.integers(1, v.SECTION + 1)), len(bars) - 1)
        writer.plan(bars)
        for part in (bars[:first], bars[last:], bars[first:last]):
            writer.play(part, order)
    else:
        for part in _parts(bars, v.SECTION):
            writer.plan(part)
            writer.play(part, order)


def _parts(bars: range, length: int) -> list[range]:
    return [bars[first : first + length] for first in range(0, len(bars), length)]


def _given(writer: Writer, rng: np.random.Generator) -> set[int]:
    """Lanes to write first: the tune mostly where there is one, or any that sound but one."""
    sounding = [lane for lane in range(len(v.LANES)) if any(len(bar[lane]) for bar in writer.lanes)]
    if v.LEAD in sounding and rng.random() < LEAD_GIVEN:
        return {v.LEAD}
    return set(rng.permutation(sounding)[: int(rng.integers(1, max(len(sounding), 2)))].tolist())
