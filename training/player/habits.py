"""Habits of players that a network has more or less than songs: how often a line repeats its note, one player meets
another, each drum is struck, and the bass plays the root.

Each is a share of what could be so; the lanes are in the order in which the player writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise

import numpy as np

from engine.player import Bar, grammar
from engine.player import vocabulary as v

DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
KICKS = (35, 36)
OFTEN = ("kick", "snare", "hat", "open hat", "ride", "shaker", "others")
"""The drums (grammar.DRUM_NAMES) that are struck in a tenth of songs' moments; of others too few are to be counted."""
CLASSES = grammar.drum_classes(())
Counted = tuple[int, int]
"""How often it is so, of how often it could be."""


def _events(bar: Bar, lane: int) -> Iterator[tuple[int, list[int]]]:
    """(step, pitches that begin there, ascending) of a lane's bar."""
    for step, notes in groupby(sorted(bar.lanes.get(lane, ())), key=lambda note: note[0]):
        yield step, sorted(pitch for _, _, pitch in notes)


def repeats(bar: Bar, lane: int) -> Counted:
    """Notes of a lane's top line that are the note before."""
    tops = [pitches[-1] for _, pitches in _events(bar, lane)]
    return sum(a == b for a, b in pairwise(tops)), max(len(tops) - 1, 0)


def meets(bar: Bar, lane: int, others: Sequence[int]) -> Counted:
    """A lane's events at which one of the others begins notes."""
    steps = [step for step, _ in _events(bar, lane)]
    there = {step for other in others for step, _ in _events(bar, other)}
    return sum(step in there for step in steps), len(steps) if there else 0


def meets_the_kick(bar: Bar) -> Counted:
    """Events of the bass at which the kick is struck."""
    kicks = {step for step, drums in _events(bar, DRUMS) if any(kick in drums for kick in KICKS)}
    steps = [step for step, _ in _events(bar, BASS)]
    return sum(step in kicks for step in steps), len(steps) if kicks else 0


def strikes(bar: Bar, drums: int) -> Counted:
    """Moments at which drums are struck, and those at which ones of a class are (grammar.DRUM_NAMES)."""
    struck = [CLASSES[pitches] for _, pitches in _events(bar, DRUMS)]
    return sum(bool((classes >> drums & 1).any()) for classes in struck), len(struck)


def roots(bar: Bar) -> Counted:
    """Half bars that begin with a note of the bass, and with the root of their chord."""
    lowest = {step: pitches[0] for step, pitches in _events(bar, BASS)}
    half = 48 // v.UNITS[bar.grid]  # steps of half a bar of 4/4
    chords = [(n * half, chord) for n, chord in enumerate(bar.chords) if chord >= 0]
    of_it = [lowest[step] % 12 == chord % 12 for step, chord in chords if step in lowest]
    return sum(of_it), len(of_it)


HABITS: dict[str, Callable[[Bar], Counted]] = {
    **{f"repeat, {v.LANES[lane]}": partial(repeats, lane=lane) for lane in (PIANO, GUITAR, BASS, STRINGS)},
    "meet, guitar": partial(meets, lane=GUITAR, others=(PIANO,)),
    "meet, strings": partial(meets, lane=STRINGS, others=(PIANO, GUITAR)),
    "meet, bass": meets_the_kick,
    **{f"drums, {name}": partial(strikes, drums=grammar.DRUM_NAMES.index(name)) for name in OFTEN},
    "root": roots,
}
"""By the names of the weights that steer them (engine.player.desk.Weights)."""


def habits_of(sections: Iterable[tuple[Sequence[Bar], Sequence[int]]]) -> dict[str, float]:
    """The share of each of `HABITS` in sections."""
    bars = [bar for section, _ in sections for bar in section]
    counts = {name: np.sum([count(bar) for bar in bars], 0) for name, count in HABITS.items()}
    return {name: float(so / could) for name, (so, could) in counts.items()}
