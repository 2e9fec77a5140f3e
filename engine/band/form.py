"""The form of a piece in letters: phrases that come again have the letter of what they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase as LETTERS
from typing import Any

import numpy as np

BARS = 4  # of a phrase


def returning(form: np.ndarray, phrase: int = BARS) -> list[str]:
    """The letter of each phrase of a plan, int [bars, players]: 0 a bar of its own, above that so many bars before lies
    the same, below it the player rests. A phrase of which half comes again from another has its letter."""
    letters: list[str] = []
    for begin in range(0, len(form), phrase):
        part = form[begin : begin + phrase]
        bars = np.arange(begin, begin + len(part))[:, None] - part
        sources = (bars[part > 0] // phrase).tolist()
        votes = Counter(letters[source] for source in sources if 0 <= source < len(letters))
        (letter, votes_for), *_ = votes.most_common(1) or [("", 0)]
        again = votes_for and 2 * votes_for >= (part >= 0).sum()
        letters.append(letter if again else LETTERS[len(set(letters)) % len(LETTERS)])
    return letters


def parts(letters: Sequence[str], bars: Sequence[float]) -> list[list[Any]]:
    """(beat, letter) of each phrase of four bars, which begin at `bars`; nothing where none comes again."""
    if len(set(letters)) == len(letters):
        return []
    return [[float(bars[number * BARS]), letter] for number, letter in enumerate(letters) if number * BARS < len(bars)]
