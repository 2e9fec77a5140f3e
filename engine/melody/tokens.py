"""The spellings that a plain tune is made of: lengths, chord symbols, barlines; and the way towards one of them."""

from __future__ import annotations

from collections.abc import Iterable

END = ""  # stands for the end of the tune among the characters
LENGTHS = ("", "2", "3", "4", "6", "8", "12", "16", "/", "/2", "/4", "/8", "/16", "3/", "3/2", "3/4", "3/8", "3/16")
FRACTIONS = {s: (int(s.partition("/")[0] or 1), int(s.partition("/")[2] or 2) if "/" in s else 1) for s in LENGTHS}
HARMONIES = tuple(
    root + quality
    for root in ("A", "B", "C", "D", "E", "F", "G", "Bb", "Eb", "Ab", "F#", "C#", "G#")
    for quality in ("", "m", "7", "m7")
)
OPENERS, ACCIDENTALS = ("|:",), "^=_"


def following(tokens: Iterable[str], begun: str) -> set[str]:
    """The characters that lead from `begun` towards one of the tokens."""
    at = len(begun)
    return {token[at] for token in tokens if len(token) > at and token.startswith(begun)}
