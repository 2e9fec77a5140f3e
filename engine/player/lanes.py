"""A lane's bar: notes to tokens and back.

Notes are rows (step, length, pitch) on the bar's grid; a length is 1..`MAX_LENGTH` steps of that grid and may reach
into the bars that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np

import engine.player.vocabulary as v
from engine import RequestError

Note = tuple[int, int, int]
"""(step, length, pitch)."""
Combos = Mapping[tuple[int, ...], int]
"""Drums struck together, ascending → the number of their COMBO."""


def numbered(combos: Iterable[Sequence[int]]) -> dict[tuple[int, ...], int]:
    """The combos by number, as a checkpoint lists them."""
    return {tuple(drums): number for number, drums in enumerate(combos)}


def encode(lane: int, notes: Iterable[Note], combos: Combos) -> list[int]:
    """The tokens of a lane's bar, without its TRACK. Two notes of one pitch at one step are one, the longer."""
    if lane == v.DRUMS:
        return _encode_drums(notes, combos)
    longest: dict[tuple[int, int], int] = {}
    for step, length, pitch in notes:
        longest[step, pitch] = max(longest.get((step, pitch), 0), min(length, v.MAX_LENGTH))
    tokens: list[int] = []
    rows = sorted((step, length, pitch) for (step, pitch), length in longest.items())
    for (step, length), together in groupby(rows, key=lambda row: row[:2]):
        tokens.append(v.event(step, length))
        if length > v.SHORT:
            tokens.append(v.long(length))
        tokens += [v.PITCH + pitch for _, _, pitch in together]
    return tokens


def _encode_drums(notes: Iterable[Note], combos: Combos) -> list[int]:
    tokens: list[int] = []
    hits = sorted({(step, pitch) for step, _, pitch in notes})
    for step, together in groupby(hits, key=lambda row: row[0]):
        drums = tuple(pitch for _, pitch in together)
        tokens.append(v.event(step, 1))
        tokens += [v.COMBO + combos[drums]] if drums in combos else [v.PITCH + pitch for pitch in drums]
    return tokens


def decode(tokens: Iterable[int], combos: Sequence[Sequence[int]]) -> list[Note]:
    """The notes of a lane's bar, by step, length and pitch; two of one pitch at one step are one, the longer. Refused
    when the tokens are none of a lane's."""
    notes: list[Note] = []
    step = length = -1
    for token in tokens:
        if v.EVENT <= token < v.LONG:
            step, length = divmod(token - v.EVENT, v.LENGTHS)
            length += 1
        elif v.LONG <= token < v.PITCH and step >= 0:
            length = token - v.LONG + v.SHORT + 1
        elif v.PITCH <= token < v.COMBO and step >= 0:
            notes.append((step, length, token - v.PITCH))
        elif v.COMBO <= token < v.COMBO + len(combos) and step >= 0:
            notes += [(step, 1, drum) for drum in combos[token - v.COMBO]]
        else:
            raise RequestError(f"Token {token} is no part of a lane's bar.")
    longest = {(step, pitch): length for step, length, pitch in sorted(notes)}
    return sorted((step, length, pitch) for (step, pitch), length in longest.items())


def grid_of(onset: np.ndarray) -> int:
    """The grid on which a bar's onsets (ticks from its bar line) lie nearer: its sixteenths unless triplets are."""
    errors = [np.abs((onset + unit // 2) % unit - unit // 2).sum() for unit in v.UNITS]
    return v.TRIPLETS if errors[v.TRIPLETS] < errors[v.STRAIGHT] else v.STRAIGHT


def steps_of(meter: tuple[int, int], grid: int) -> int:
    """How many steps of a grid a bar has."""
    return 96 * meter[0] // meter[1] // v.UNITS[grid]
