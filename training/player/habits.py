"""Habits of players that a network has more or less than songs: how often a line repeats its note, a chord comes again
or has as many notes as the one before, one player meets another, each drum is struck, a drum is new, and the bass leaps
and plays the root.

Each is a share of what could be so; the lanes are in the order in which the player writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from engine.player import Bar, grammar
from engine.player import vocabulary as v
from engine.player.choosing import NEAR

DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
KICKS = (35, 36)
OFTEN = ("kick", "snare", "hat", "open hat", "ride", "shaker", "others")
"""The drums (grammar.DRUM_NAMES) that are struck in a tenth of songs' moments; of others too few are to be counted."""
CLASSES = grammar.drum_classes(())[:, 0]
PASSING = {drum for name in grammar.PASSING for drum in grammar.DRUM_CLASSES[name]}
Counted = tuple[int, int]
"""How often it is so, of how often it could be."""


def _events(bar: Bar, lane: int) -> Iterator[tuple[int, list[int]]]:
    """(step, pitches that begin there, ascending) of a lane's bar."""
    for step, notes in groupby(sorted(bar.lanes.get(lane, ())), key=lambda note: note[0]):
        yield step, sorted(pitch for _, _, pitch in notes)


def repeats(bar: Bar, lane: int) -> Counted:
    """Events of a lane after a single note, and those whose highest note that is."""
    after = [(a, b) for (_, a), (_, b) in pairwise(_events(bar, lane)) if len(a) == 1]
    return sum(a[-1] == b[-1] for a, b in after), len(after)


def chords_again(bar: Bar, lane: int) -> Counted:
    """Events of a lane after a chord (two notes or more), and those that are it, note for note."""
    after = [(a, b) for (_, a), (_, b) in pairwise(_events(bar, lane)) if len(a) > 1]
    return sum(a == b for a, b in after), len(after)


def voices(bars: Sequence[Bar], lane: int) -> Counted:
    """Chords of a lane that have as many notes as its last chord."""
    sizes = [len(pitches) for bar in bars for _, pitches in _events(bar, lane) if len(pitches) > 1]
    return sum(a == b for a, b in pairwise(sizes)), max(len(sizes) - 1, 0)


def leaps(bars: Sequence[Bar], lane: int) -> Counted:
    """Notes of a lane's low line that are further than `NEAR` semitones from the one before."""
    lows = [pitches[0] for bar in bars for _, pitches in _events(bar, lane)]
    return sum(abs(a - b) > NEAR for a, b in pairwise(lows)), max(len(lows) - 1, 0)


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


def newcomers(section: Sequence[Bar]) -> Counted:
    """Different drums of each bar, from the second with drums on, that were in no bar before; those aside that come and
    go."""
    known, so, could = set[int](), 0, 0
    for bar in section:
        here = {pitch for _, _, pitch in bar.lanes.get(DRUMS, ())}
        if known:
            so, could = so + len(here - known - PASSING), could + len(here - PASSING)
        known |= here
    return so, could


def in_bars(count: Callable[..., Counted], **named: Any) -> Callable[[Sequence[Bar]], Counted]:
    """What is counted in a bar, in all bars of a section."""
    return lambda section: tuple(np.sum([count(bar, **named) for bar in section], 0).tolist())


HABITS: dict[str, Callable[[Sequence[Bar]], Counted]] = {
    **{f"repeat, {v.LANES[lane]}": in_bars(repeats, lane=lane) for lane in (PIANO, GUITAR, BASS, STRINGS)},
    **{f"chords, {v.LANES[lane]}": in_bars(chords_again, lane=lane) for lane in (PIANO, GUITAR, BASS, STRINGS)},
    **{f"voices, {v.LANES[lane]}": partial(voices, lane=lane) for lane in (PIANO, GUITAR, STRINGS)},
    "leap, bass": lambda section: leaps(section, BASS),
    "meet, guitar": in_bars(meets, lane=GUITAR, others=(PIANO,)),
    "meet, strings": in_bars(meets, lane=STRINGS, others=(PIANO, GUITAR)),
    "meet, bass": in_bars(meets_the_kick),
    **{f"drums, {name}": in_bars(strikes, drums=grammar.DRUM_NAMES.index(name)) for name in OFTEN},
    "kit": newcomers,
    "root": in_bars(roots),
}
"""By the names of the weights that steer them (engine.player.desk.Weights)."""


def habits_of(sections: Iterable[tuple[Sequence[Bar], Sequence[int]]]) -> dict[str, float]:
    """The share of each of `HABITS` in sections."""
    played = [section for section, _ in sections]
    counts = {name: np.sum([count(section) for section in played], 0) for name, count in HABITS.items()}
    return {name: float(so / could) for name, (so, could) in counts.items()}
