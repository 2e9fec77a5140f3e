"""Windows of sixteen bars, drawn from prepared songs and put together as the player reads them.

Half of the windows write their lanes in the score's order, half in any: so the network learns to write each lane given
any others. In a quarter the tune is a lane of its own, written first in every bar where the order is the score's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.player import grammar
from engine.player import vocabulary as v
from engine.player.network import CONTROLS, LEVELS
from training.band.genres import GENRES
from training.player.prepare import LISTED, METERS
from training.variation.prepare import SPLITS

LENGTH = 1024  # tokens of a window at most
STRIDE = 4  # bars between the places where windows begin
SCORE_ORDER = (v.LEAD, 0, 3, 1, 2, 4)  # the tune, drums, bass, piano, guitar, strings
WITH_LEAD, ANY_ORDER, SAID = 0.25, 0.5, 0.5  # shares of windows with a tune, in any order; of controls that are given
UNSAID = 0.1  # share of windows that do not say their genre
NOTES_A_BAR = (1, 2, 4, 6, 9, 13)  # onsets, between the levels of busyness


@dataclass(frozen=True)
class Example:
    """One window as the network reads it; token i + 1 is what it is to say after i."""

    tokens: np.ndarray  # int64 [T]
    numbers: np.ndarray  # int16 [T, 4]
    bits: np.ndarray  # uint8 [T, 96]
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
        bars = range(start, min(start + grammar.WINDOW, int(self.first[song + 1])))
        with_lead = rng.random() < WITH_LEAD
        order = rng.permutation(len(v.LANES)) if rng.random() < ANY_ORDER else np.array(SCORE_ORDER)
        written: list[list[np.ndarray]] = []
        tokens: list[int] = []
        for bar in bars:
            lanes = self._lanes(bar, with_lead)
            tokens += [v.bar(int(self.bars[bar, 0])), *(v.CHORD + self.bars[bar, 1:3].astype(int))]
            for lane in order:
                if len(lanes[lane]):
                    relation = self._relation(written, lanes, int(lane), [int(self.bars[b, 0]) for b in bars])
                    tokens.append(v.track(int(lane), relation))
                    tokens += [] if relation else lanes[lane].tolist()
            written.append(lanes)
            if len(tokens) > LENGTH:
                break
        return self._example(song, start, written, np.array(tokens[: LENGTH + 1]), rng)

    def _lanes(self, bar: int, with_lead: bool) -> list[np.ndarray]:
        """The six lanes of a bar; with the tune its track keeps what is left."""
        lanes = [self.lane(bar, lane) for lane in range(5)] + [np.zeros(0, np.uint16)]
        lead = int(self.bars[bar, 3])
        if with_lead and lead != 255:
            lanes[v.LEAD], lanes[lead] = self.lane(bar, 5), self.lane(bar, 6)
        return lanes

    @staticmethod
    def _relation(written: list[list[np.ndarray]], lanes: list[np.ndarray], lane: int, grids: list[int]) -> int:
        """The number of the nearest earlier bar that is the same, 0 where none is."""
        bar = len(written)
        for number, before in enumerate(v.RELATIONS):
            there = bar - before
            if 0 <= there < bar and grids[bar] == grids[there] and np.array_equal(written[there][lane], lanes[lane]):
                return number
        return 0

    def _example(
        self, song: int, start: int, written: list[list[np.ndarray]], tokens: np.ndarray, rng: np.random.Generator
    ) -> Example:
        machine = grammar.start(METERS[self.meter[song]])
        numbers = np.zeros((len(tokens), grammar.NUMBERS), np.int16)
        bits = np.zeros((len(tokens), grammar.BITS), np.uint8)
        grammar.walk(*machine, tokens, numbers, bits)
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
            controls[-2] = 1 + min((start - first) // 16, LEVELS - 2)
            controls[-1] = 1 + min(max(end - start - grammar.WINDOW, 0) // 16, LEVELS - 2)
        return Example(tokens.astype(np.int64), numbers, bits, controls)
