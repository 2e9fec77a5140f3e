"""Some bars of a song written anew: which they are in time, and the new notes among those that stay.

    marked = stretch(song, (5, 8))                          where they begin and end, in beats
    spliced(kept(track.notes, marked), new, marked)         what begins outside them is as it was

Bars count from 1, both ends included; an upbeat is none of them. What begins outside the marked bars keeps onset, pitch
and velocity. Where a note rings over the edge of the marked bars it stops when the next note after the edge begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine import RequestError
from engine.core.request import names, option
from engine.core.song import NEAR, Note, Song

MOST_BARS = 64  # at once
EARLY = 1 / 12  # beats by which a note that people play before a bar line may belong behind it


def reader(flag: str) -> Callable[[str], tuple[int, ...]]:
    """A reader of "5-8" -> (5, 8) and "4" -> (4, 4)."""

    def read(text: str) -> tuple[int, ...]:
        first, dash, last = text.partition("-")
        if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
            raise RequestError(f"{flag} {text}: write a bar or a range of bars, such as 9-16.")
        return int(first), int(last) if dash else int(first)

    return read


def bars_option(**known: Any) -> Any:
    """The field `rewrite` of a request that has an `input`."""
    return option(
        None, "The bars of the input that are written anew, from 1, both ends included; all else stays as it is.",
        metavar="5-8", read=reader("--rewrite"), requires=("input",), called="The bars to write anew",
        label="Bars written anew", **known,
    )  # fmt: skip


def players_option() -> Any:
    """The field `players`, beside `rewrite`."""
    return option(
        (), "Who plays the bars anew: drums, piano, guitar, bass, strings, or a track by its name; everyone who plays "
        "in the song unless given.", metavar="NAME,…", read=names, requires=("rewrite",), called="A player",
        label="Players",
    )  # fmt: skip


def check(bars: tuple[int, ...] | None) -> None:
    """Refuse what is no first and last bar, and more than `MOST_BARS`."""
    if bars is None:
        return
    if len(bars) != 2 or not 1 <= bars[0] <= bars[1]:
        asked = "-".join(map(str, bars))
        raise RequestError(f"The bars to write anew are a first and a last one, from 1, not {asked}.")
    if bars[1] - bars[0] >= MOST_BARS:
        raise RequestError(f"At most {MOST_BARS} bars can be written anew at once, not {bars[1] - bars[0] + 1}.")


def called(name: str, names: Sequence[Collection[str]]) -> list[int]:
    """Which tracks answer to a name, of each one's own names: to exactly that one, else to it in any case."""
    exactly = [number for number, own in enumerate(names) if name in own]
    return exactly or [n for n, own in enumerate(names) if name.lower() in {each.lower() for each in own}]


def spelled(bars: Sequence[int]) -> str:
    """In a sentence: "bar 4" or "bars 5-8"."""
    return f"bar {bars[0]}" if bars[0] == bars[1] else f"bars {bars[0]}-{bars[1]}"


@dataclass(frozen=True)
class Stretch:
    """A part of a song, [begin, end) in beats."""

    begin: float
    end: float

    def holds(self, beat: float) -> bool:
        """Whether a note that begins there begins in it."""
        return self.begin - NEAR <= beat < self.end - NEAR


def lines_of(song: Song) -> list[float]:
    """Where its bars begin and the last one ends, in beats, bar 1 first: without the upbeat."""
    return song.bar_lines()[1 if song.upbeat else 0 :]


def stretch(song: Song, bars: Sequence[int]) -> Stretch:
    """Where bars of a song lie. Refused when they are not among its bars."""
    lines = lines_of(song)
    if bars[1] >= len(lines):
        have = f"bars 1 to {len(lines) - 1}" if len(lines) > 2 else "bar 1 alone" if len(lines) == 2 else "no bars"
        verb = "is" if bars[0] == bars[1] else "are"
        raise RequestError(f"The song has {have}: {spelled(bars)} {verb} not among them.")
    return Stretch(lines[bars[0] - 1], lines[bars[1]])


def kept(notes: Iterable[Note], marked: Stretch) -> list[Note]:
    """The notes that stay where a stretch is written anew: all that begin outside it, and those at its end that are
    the next bar's, played a little `EARLY`."""
    return [note for note in notes if not marked.holds(note.onset) or note.onset > marked.end - EARLY]


def spliced(kept: Iterable[Note], new: Iterable[Note], marked: Stretch) -> list[Note]:
    """Notes that are kept, and new ones that begin within the marked stretch.

    A kept note that rings into the stretch ends where the first new one begins, and a new one that rings out of it
    where the first kept one does, or where its key is struck again. Where the first beat is kept, played a little
    `EARLY`, it is not struck twice.
    """
    kept = list(kept)
    first = marked.begin + EARLY if any(0 < marked.begin - note.onset < EARLY for note in kept) else marked.begin
    fresh = _apart([note for note in new if first - NEAR <= note.onset < marked.end - NEAR])
    enters = min((note.onset for note in fresh), default=math.inf)
    follows = min((note.onset for note in kept if note.onset > marked.begin - NEAR), default=math.inf)
    out = []
    for note in kept:
        rings = note.onset < marked.begin - NEAR and note.end > enters
        out.append(replace(note, duration=enters - note.onset) if rings else note)
    for note in fresh:
        if note.onset < follows - NEAR:
            out.append(replace(note, duration=min(note.end, follows) - note.onset))
    return out


def _apart(notes: Iterable[Note]) -> list[Note]:
    """Notes that end where their key is struck again."""
    out, struck = list[Note](), dict[int, float]()
    for note in sorted(notes, key=lambda note: note.onset, reverse=True):
        again = struck.get(note.pitch, math.inf)
        cut = note.onset + NEAR < again < note.end - NEAR
        out.append(replace(note, duration=again - note.onset) if cut else note)
        struck[note.pitch] = note.onset
    return out[::-1]
