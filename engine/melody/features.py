"""What the melody model is told beside the last character: bookkeeping of the text so far, a row of small numbers.

An LSTM of this size neither counts ticks nor remembers eight bars back, and a folk tune is bars that must be full and
phrases that come again. Every number is a function of the characters before (and of the plan, where one was asked for),
so the model stays a model of the next character:

* match: the symbol that followed the last time when the last five symbols were the same, and how long that match is
  (the "match model" of context-mixing compressors; Mahoney 2005, "Adaptive weighing of context models");
* four lags: the symbol that stood at this moment of the bar 1, 2, 4 and 8 bars ago;
* the time since the barline and until the bar is full in 32nd notes, and the bar's number in its section;
* the plan, 0 where unknown: bars left in this section, sections left, and the style (plain or with chord symbols).

A feature is an index into one table of `rows(size)` vectors, whose sum is the input of the first layer.
"""

from __future__ import annotations

import numpy as np

from engine.melody.abc.canonical import Tune
from engine.melody.abc.reader import WHOLE, Reader
from engine.melody.alphabet import Alphabet

LAGS = (1, 2, 4, 8)  # bars
ORDER = 5  # symbols that must agree before a match is looked for
BUCKETS = 4  # of match length: under 8, under 16, under 24, longer
PLAIN, CHORDS = 1, 2  # styles; 0 is unknown
STYLES = 3
POSITIONS = 66  # 0..64 32nd notes; 65 free meter
SECTION_BARS, BARS_LEFT, SECTIONS_LEFT = 33, 34, 8
COLUMNS = 2 + len(LAGS) + 6
SYMBOL, MATCH, LAG, POSITION, REMAINING, SECTION_BAR, COUNTDOWN, SECTIONS, STYLE = 0, 1, 2, 6, 7, 8, 9, 10, 11


def sizes(symbols: int) -> list[int]:
    """How many rows of the table each column has, for an alphabet of so many symbols."""
    lags = [symbols] * len(LAGS)
    return [symbols, BUCKETS * symbols, *lags, POSITIONS, POSITIONS, SECTION_BARS, BARS_LEFT, SECTIONS_LEFT, STYLES]


def offsets(symbols: int) -> np.ndarray:
    """Where each column's rows begin in the table; int64 [COLUMNS]."""
    return np.concatenate([[0], np.cumsum(sizes(symbols))[:-1]]).astype(np.int64)


def rows(symbols: int) -> int:
    """Rows of the whole table."""
    return sum(sizes(symbols))


class Plan:
    """The form asked for: bars of each section. An empty one is unknown."""

    def __init__(self, sections: tuple[int, ...] = ()) -> None:
        self.sections = sections

    def columns(self, reader: Reader) -> tuple[int, int]:
        """(bars left in this section with the present one, sections left with the present one); 0 for unknown."""
        if not self.sections:
            return 0, 0
        left = len(self.sections) - reader.section
        if left <= 0:
            return 0, SECTIONS_LEFT - 1
        bars = self.sections[reader.section] - reader.section_bar
        return min(max(bars, 1), BARS_LEFT - 1), min(left, SECTIONS_LEFT - 2)


class Features:
    """The row after each character of a tune. Headers go in by `header`, then the body character by character."""

    def __init__(
        self, alphabet: Alphabet, tune: Tune, *, plan: Plan | None = None, style: int = 0, relative: bool = True
    ) -> None:
        self.alphabet, self.plan, self.style, self.relative = alphabet, plan or Plan(), style, relative
        self.reader = Reader(tune.meter, tune.unit, tune.key)
        self.tune = tune
        self.symbols: list[int] = []
        self.at: dict[tuple[int, int], int] = {}  # (moment, characters since its onset) → symbol
        self.seen: dict[int, int] = {}  # the last five symbols as a number → where what followed stands
        self.context = 0
        self.pointer = self.matched = 0
        self.modulus = alphabet.size**ORDER

    def header(self) -> np.ndarray:
        """Rows of the start and of the canonical header; int16 [1 + characters, COLUMNS]."""
        symbols = [self.alphabet.END] + [self.alphabet.raw.get(c, self.alphabet.OTHER) for c in self.tune.header]
        out = np.zeros((len(symbols), COLUMNS), np.int16)
        out[:, SYMBOL] = symbols
        out[:, STYLE] = self.style
        out[-1] = self._row(symbols[-1])
        return out

    @property
    def tonic(self) -> int:
        """Steps of the tonic above C in this place; 0 where the alphabet is absolute."""
        return self.reader.tonic if self.relative else 0

    def symbol(self, char: str) -> int:
        """The symbol of `char` if it came next."""
        return self.alphabet.symbol(char, self.reader.place, self.tonic)

    def feed(self, char: str) -> list[int]:
        """One more character of the body; the row that stands after it."""
        symbol = self.symbol(char)
        reader = self.reader
        self.at[reader.now, reader.since_onset] = symbol
        self._match(symbol)
        reader.feed(char)
        return self._row(symbol)

    def _match(self, symbol: int) -> None:
        self.symbols.append(symbol)
        if self.pointer and self.symbols[self.pointer] == symbol:
            self.pointer += 1
            self.matched += 1
        else:
            self.pointer = self.matched = 0
        self.context = (self.context * self.alphabet.size + symbol) % self.modulus
        count = len(self.symbols)
        if count >= ORDER:
            if not self.pointer:
                self.pointer = self.seen.get(self.context, 0)
                self.matched = ORDER if self.pointer else 0
            self.seen[self.context] = count

    def _row(self, symbol: int) -> list[int]:
        reader = self.reader
        match = 0
        if self.pointer and self.pointer < len(self.symbols):
            match = self.symbols[self.pointer] + self.alphabet.size * min(self.matched // 8, BUCKETS - 1)
        now, since, full, at = reader.now, reader.since_onset, reader.full, self.at
        if full:
            lags = [at.get((now - lag * full, since), 0) for lag in LAGS]
            position = min(reader.bar_time * 32 // WHOLE, 64)
            remaining = min(max(reader.remaining * 32 // WHOLE + 1, 0), 64)
        else:
            lags, position, remaining = [0] * len(LAGS), 65, 65
        bars, sections = self.plan.columns(reader)
        section_bar = min(reader.section_bar, SECTION_BARS - 1)
        return [symbol, match, *lags, position, remaining, section_bar, bars, sections, self.style]


def tune_rows(
    alphabet: Alphabet, tune: Tune, *, plan: Plan | None = None, style: int = 0, relative: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All rows of a tune, the symbols that follow each, and where each of these stands.

    Returns int16 [header + body, COLUMNS], int16 targets [header + body] (PAD for header positions, END last) and
    int8 [header + body, 2] (place, tonic) of the targets.
    """
    features = Features(alphabet, tune, plan=plan, style=style, relative=relative)
    head = features.header()
    body = np.zeros((len(tune.body), COLUMNS), np.int16)
    where = np.zeros((len(head) + len(tune.body), 2), np.int8)
    for i, char in enumerate(tune.body):
        where[len(head) + i - 1] = features.reader.place, features.tonic
        body[i] = features.feed(char)
    where[-1] = features.reader.place, features.tonic
    targets = np.full(len(head) + len(body), alphabet.PAD, np.int16)
    targets[len(head) - 1 :] = [*features.symbols, alphabet.END]
    return np.concatenate([head, body]), targets, where
