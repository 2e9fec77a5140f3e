"""The form of a jam: sections of eight bars, named by letters, that return.

    part = next_part(seed, number, played="AAB")        what the section of this number is, after those
    part.letter, part.returns, part.lifts

A section that returns is a variation: each player plays either what was played there before, note for note, or
something new over the same chords. Its last bar leads on: the drums always play something new there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BARS = 8  # of a section
LETTERS = "ABCD"
STAY, NEW = 0.45, 0.3  # how often a section is played again at once; how often another is a new one
MOST_IN_A_ROW = 2
RETURNS = 0.43  # how often a player plays what was played before; bars then come again about as often as in songs
LIFTED = 0.5  # how often a player is a level busier, or less busy, than in the first section


@dataclass(frozen=True)
class Part:
    """A section of the form."""

    letter: str
    returns: tuple[bool, ...]  # for each lane whether it plays what was played the last time
    lifts: tuple[int, ...]  # levels by which each lane is busier than in the first section


def next_part(seed: int, number: int, played: str, lanes: int) -> Part:
    """The section of this number (from 0), after those of the letters `played` that are remembered, the last one last.
    Same seed, number and letters, same part."""
    rng = np.random.default_rng([seed, 23, number])
    letter = _letter(played, *rng.random(3))
    returns = (rng.random(lanes) < RETURNS) & (letter in played)
    return Part(letter, tuple(returns.tolist()), lifts(seed, letter, lanes))


def lifts(seed: int, letter: str, lanes: int) -> tuple[int, ...]:
    """Levels by which each lane is busier in the sections of a letter."""
    rng = np.random.default_rng([seed, 29, LETTERS.index(letter)])
    moved = (rng.random(lanes) < LIFTED) & (letter != LETTERS[0])
    return tuple((rng.choice([-1, 1], lanes) * moved).tolist())


def _letter(played: str, stays: float, fresh: float, which: float) -> str:
    if not played:
        return LETTERS[0]
    in_a_row = len(played) - len(played.rstrip(played[-1]))
    if stays < STAY and in_a_row < MOST_IN_A_ROW:
        return played[-1]
    known = sorted({*played} - {played[-1]})
    unknown = [letter for letter in LETTERS if letter not in played]
    if unknown and (fresh < NEW or not known):
        return unknown[0]
    return str(known[int(which * len(known))])
