"""Windows of sixteen bars, drawn from prepared songs and put together as the player reads them.

Sections of eight bars are planned, and then written bar by bar (half of the windows); or some lanes are written in
full, and then the others (so that a player hears what the rest will play); or some bars are written after those that
follow them. Half of the windows write their lanes in the score's order, half in any. In a quarter the tune is a
lane of its own, written first where the order is the score's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.player import grammar
from engine.player import vocabulary as v
from engine.player.network import CONTROLS, LEVELS
from training.band.genres import GENRES
from training.player.prepare import LISTED, METERS, NO_LEAD, OWN_LEAD
from training.variation.prepare import SPLITS

LENGTH = 1600  # tokens of a window at most, by a bound; longer ones have fewer bars
STRIDE = 4  # bars between the places where windows begin
SCORE_ORDER = (v.LEAD, 0, 3, 1, 2, 4)  # the tune, drums, bass, piano, guitar, strings
WITH_LEAD, ANY_ORDER, SAID = 0.25, 0.5, 0.5  # shares of windows with a tune, in any order; of controls that are given
UNSAID = 0.1  # share of windows that do not say their genre
LANES_GIVEN, BARS_GIVEN = 0.3, 0.2  # shares of windows in which some lanes, or the bars around some, are written first
LEAD_GIVEN = 0.7  # share of those with a tune in which it is
NOTES_A_BAR = (1, 2, 4, 6, 9, 13)  # onsets, between the levels of busyness


@dataclass(frozen=True)
class Example:
    """One window as the network reads it."""

    tokens: np.ndarray  # int64 [T]
    targets: np.ndarray  # int64 [T]: what it is to say after each, PAD where nothing is asked
    numbers: np.ndarray  # int16 [T, 10]
    bits: np.ndarray  # uint8 [T, 180]
    controls: np.ndarray  # int64 [CONTROLS]


def busyness(onsets: int, bars: int) -> int:
    """1..7, from so many onsets in so many bars in which the lane plays."""
    return 1 + int(np.searchsorted(NOTES_A_BAR, onsets / max(bars, 1), "right"))


def register(pitch: float) -> int:
    """1..7, the octave of a mean MIDI pitch from C1 up."""
    return int(np.clip((pitch - 12) // 12, 1, LEVELS - 1))


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

    def draw(self, rng: np.random.Generator) -> Example:
        """A window of a song drawn by chance."""
        song = int(rng.choice(self.songs, p=self.chance))
        first, end = self.first[song : song + 2]
        start = first + STRIDE * int(rng.integers(max(1, (end - first - 2) // STRIDE)))
        return self.window(song, int(start), rng)

    def window(self, song: int, start: int, rng: np.random.Generator) -> Example:
        """The window that begins at a bar of a song; `rng` draws order, tune and which controls are said."""
        bars = range(start, min(start + v.WINDOW, int(self.first[song + 1])))
        sizes = np.diff(self.offsets[[bar * LISTED for bar in (*bars, bars.stop)]])
        bars = bars[: max(STRIDE, int(np.searchsorted(np.cumsum(sizes), LENGTH)))]
        writer = Writer(self.bars[bars.start : bars.stop], self._lanes(bars, rng.random() < WITH_LEAD))
        writer.write(rng)
        return self._example(song, start, writer, rng)

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

    def _controls(self, song: int, start: int, written: list[list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
        controls = np.zeros(CONTROLS, np.int64)
        controls[0] = self.genre[song] if self.genre[song] >= 0 and rng.random() > UNSAID else len(GENRES)
        controls[1] = self.meter[song]
        for lane in range(len(v.LANES)):
            mine = [bar[lane] for bar in written if len(bar[lane])]
            if mine and rng.random() < SAID:
                whole = np.concatenate(mine)
                onsets = int(((whole >= v.EVENT) & (whole < v.LONG)).sum())
                controls[2 + lane] = busyness(onsets, len(mine))
            if mine and lane != v.DRUMS and rng.random() < SAID:
                whole = np.concatenate(mine)
                pitches = whole[(whole >= v.PITCH) & (whole < v.COMBO)].astype(int) - v.PITCH
                controls[2 + len(v.LANES) + lane] = register(float(pitches.mean()))
        if rng.random() < SAID:
            first, end = int(self.first[song]), int(self.first[song + 1])
            controls[-2] = 1 + min((start - first) // v.WINDOW, LEVELS - 2)
            controls[-1] = 1 + min(max(end - start - v.WINDOW, 0) // v.WINDOW, LEVELS - 2)
        return controls


class Writer:
    """Writes the bars of a window in some order, and says what is asked of the network.

    bars: uint8 [bars, 4], their grid, chords and lead; lanes: the tokens of each lane of each bar.
    """

    def __init__(self, bars: np.ndarray, lanes: list[list[np.ndarray]]) -> None:
        self.bars, self.lanes = bars.astype(int), lanes
        self.tokens: list[int] = []
        self._asked: list[bool] = []
        self._done = [[False] * len(v.LANES) for _ in lanes]

    def write(self, rng: np.random.Generator) -> None:
        """Write all bars in an order drawn by chance."""
        count = len(v.LANES)
        order = [int(n) for n in rng.permutation(count)] if rng.random() < ANY_ORDER else list(SCORE_ORDER)
        way = rng.random()
        sections = range(0, len(self.lanes), v.SECTION)
        if way < LANES_GIVEN:
            given = self._given(rng)
            length = v.SECTION if rng.random() < 0.5 else v.WINDOW
            for first in range(0, len(self.lanes), length):
                bars = range(first, min(first + length, len(self.lanes)))
                self.plan(bars)
                self.play(bars, [lane for lane in order if lane in given], given=True)
                self.play(bars, [lane for lane in order if lane not in given])
        elif way < LANES_GIVEN + BARS_GIVEN and len(self.lanes) > 2:
            first = int(rng.integers(len(self.lanes) - 1))
            last = min(first + int(rng.integers(1, v.SECTION + 1)), len(self.lanes) - 1)
            self.plan(range(len(self.lanes)))
            self.play(range(first), order)
            self.play(range(last, len(self.lanes)), order)
            self.play(range(first, last), order)
        else:
            for first in sections:
                bars = range(first, min(first + v.SECTION, len(self.lanes)))
                self.plan(bars)
                self.play(bars, order)

    def _given(self, rng: np.random.Generator) -> set[int]:
        """Lanes to write first: the tune mostly where there is one, or any that sound but one."""
        sounding = [lane for lane in range(len(v.LANES)) if any(len(bar[lane]) for bar in self.lanes)]
        if v.LEAD in sounding and rng.random() < LEAD_GIVEN:
            return {v.LEAD}
        return set(rng.permutation(sounding)[: int(rng.integers(1, max(len(sounding), 2)))].tolist())

    def plan(self, bars: range) -> None:
        """The grid and chords of some bars."""
        self._add(v.PLAN, bool(self.tokens))
        for bar in bars:
            grid, first, second = self.bars[bar, :3]
            for token in (v.bar(grid), v.CHORD + first, v.CHORD + second):
                self._add(int(token))

    def play(self, bars: range, lanes: list[int], given: bool = False) -> None:
        """Some lanes of some bars; which of them sound is not asked where they are given."""
        for bar in bars:
            self._add(v.GO + bar, self.tokens[-1] >= v.GO and not self._after_given)
            for lane in lanes:
                tokens = self.lanes[bar][lane]
                if len(tokens):
                    relation = self._relation(bar, lane)
                    self._add(v.track(lane, relation), not given)
                    if not 0 < relation < v.RHYTHM:
                        for token in tokens.tolist():
                            self._add(token)
                    self._done[bar][lane] = True
            self._after_given = given

    _after_given = False

    def _add(self, token: int, asked: bool = True) -> None:
        self.tokens.append(token)
        self._asked.append(asked)

    def _relation(self, bar: int, lane: int) -> int:
        """The number of the nearest earlier bar that is the same, else of one with its rhythm, 0 where none is."""
        tokens, rhythm = self.lanes[bar][lane], _rhythm(self.lanes[bar][lane])
        for number, before in list(enumerate(v.RELATIONS))[1:]:
            then = bar - before
            if then < 0 or self.bars[bar, 0] != self.bars[then, 0] or not self._done[then][lane]:
                continue
            other = self.lanes[then][lane]
            if number < v.RHYTHM:
                same = np.array_equal(other, tokens)
            else:
                same = len(rhythm) <= grammar.RHYTHM_TOKENS and np.array_equal(_rhythm(other), rhythm)
            if same:
                return number
        return 0

    def targets(self) -> np.ndarray:
        """What is to be said after each token, int64 [tokens]: END for a GO or PLAN."""
        said = np.array(self.tokens[1:] + [v.END])
        said[(said == v.PLAN) | ((said >= v.GO) & (said < v.TRACK))] = v.END
        return np.where(self._asked[1:] + [not self._after_given], said, v.PAD)


def _rhythm(tokens: np.ndarray) -> np.ndarray:
    """The events and lengths among a lane's tokens."""
    return tokens[(tokens >= v.EVENT) & (tokens < v.PITCH)]
