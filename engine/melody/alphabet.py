"""The alphabet in which the model reads and writes canonical ABC.

The model reads note letters as steps above the tonic (the letter of `K:`), so that a reel in D and the
same reel in A are the same text to it; this is one symbol for each character, undone exactly on the way out, and takes
the place of transposing the training data. Letters in a header, in fields and in annotations stay letters; a capital
A-G inside quotation marks (the root of a chord symbol) is a step above the tonic too.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.melody.abc.canonical import MUSIC, QUOTE

LETTERS = "CDEFGABcdefgab"  # the fourteen note letters, low to high


class Alphabet:
    """Characters ⇄ symbols. `characters` are those with a symbol of their own, in order; all others share OTHER.

    Symbols: 0 padding, 1 the end of a tune, 2 other, then the characters, then twenty steps (-6..13) above the tonic.
    """

    PAD, END, OTHER, FIRST = 0, 1, 2, 3
    LOWEST = -6  # step of the first step symbol: C in the key of B

    def __init__(self, characters: Sequence[str]) -> None:
        self.characters = "".join(characters)
        self.raw = {c: self.FIRST + i for i, c in enumerate(self.characters)}
        self.step0 = self.FIRST + len(self.characters)
        self.size = self.step0 + 20
        self._tables = {(place, tonic): self._table(place, tonic) for place in (0, 1, 2) for tonic in range(7)}
        self._inverse = {at: {s: c for c, s in table.items()} for at, table in self._tables.items()}

    def _table(self, place: int, tonic: int) -> dict[str, int]:
        table = dict(self.raw)
        if place == MUSIC:
            table |= {c: self.step0 + i - tonic - self.LOWEST for i, c in enumerate(LETTERS)}
        elif place == QUOTE:
            table |= {c: self.step0 + (i - tonic) % 7 - self.LOWEST for i, c in enumerate("CDEFGAB")}
        return table

    def symbol(self, char: str, place: int, tonic: int) -> int:
        """The symbol of a character that stands at `place` (MUSIC, QUOTE, FIELD) under a tonic (0..6)."""
        return self._tables[place, tonic].get(char, self.OTHER)

    def char(self, symbol: int, place: int, tonic: int) -> str:
        """The character of a symbol; "" for one that stands for none there."""
        return self._inverse[place, tonic].get(symbol, "")

    def table(self, place: int, tonic: int) -> dict[str, int]:
        """All characters that can stand at a place, with their symbols."""
        return self._tables[place, tonic]
