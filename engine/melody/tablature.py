"""A tune as players of the guitar and of the tin whistle read it: plain text, to be printed in letters of one width.

    guitar_tab(song)     six strings in standard tuning, the number of the fret where each note is struck
    whistle_tab(song)    a tin whistle in D: the six holes under each note, closed, open or half open

The tune is the song's first track as it is played, repeats and endings unfolded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from engine.core.pitch import NAMES, octaves_into
from engine.core.song import NEAR, Note, Song

STRINGS = {"e": 64, "B": 59, "G": 55, "D": 50, "A": 45, "E": 40}  # MIDI of each open
FRETS = 17
BARS = 4  # a line
STEP = 0.25  # beats of a column
WHISTLE = 62, 85  # MIDI as it is written: two octaves from the lowest D
CLOSED, OPEN, HALF = "●", "○", "◐"
FINGERS = {  # pitch class → holes from the top
    2: "●●●●●●", 3: "●●●●●◐", 4: "●●●●●○", 5: "●●●●◐○", 6: "●●●●○○", 7: "●●●○○○",
    8: "●●◐○○○", 9: "●●○○○○", 10: "●◐○○○○", 11: "●○○○○○", 0: "○●●○○○", 1: "○○○○○○",
}  # fmt: skip
OVERBLOWN = 74  # MIDI from which on one blows harder, said by +
HOLES = 6
UNPLAYED = "?"


def guitar_tab(song: Song) -> str:
    """The tune in tablature of six lines, four bars a row; by octaves where it would lie below or above the frets, or
    most of it above the open strings: a guitar sounds an octave lower than it is written."""
    low, high = min(STRINGS.values()), max(STRINGS.values())
    notes, moved = _fitted(song, low, high + FRETS, usual=(low, high))

    def column(note: Note) -> list[str]:
        string = next((name for name, pitch in STRINGS.items() if 0 <= note.pitch - pitch <= FRETS), None)
        return [str(note.pitch - STRINGS[name]) if name == string else "" for name in STRINGS]

    rows = _rows(song, notes, column, len(STRINGS), "-", [f"{name}|" for name in STRINGS], "|")
    return "\n".join([*_head(song, "guitar, standard tuning EADGBe", moved), *rows]) + "\n"


def whistle_tab(song: Song) -> str:
    """The tune as fingerings of a whistle in D, four bars a row; by octaves where it would lie below or above it."""
    notes, moved = _fitted(song, *WHISTLE)

    def column(note: Note) -> list[str]:
        name = NAMES[note.pitch % 12]
        if not WHISTLE[0] <= note.pitch <= WHISTLE[1]:
            return [name, *[UNPLAYED] * HOLES, ""]
        return [name, *FINGERS[note.pitch % 12], "+" if note.pitch >= OVERBLOWN else ""]

    rows = _rows(song, notes, column, HOLES + 2, " ", [""] * (HOLES + 2), "|")
    said = f"tin whistle in D: {CLOSED} closed, {OPEN} open, {HALF} half open, + blown harder"
    if any(UNPLAYED in row for row in rows):
        said += f", {UNPLAYED} not on it"
    return "\n".join([*_head(song, said, moved), *rows]) + "\n"


def _head(song: Song, said: str, octaves: int) -> list[str]:
    """Title, meter and tempo, and how the tune was moved."""
    way = f"{abs(octaves)} octave{'s' * (abs(octaves) > 1)} {'higher' if octaves > 0 else 'lower'}"
    lines = [song.title or "A tune", f"{song.meter[0]}/{song.meter[1]}, {song.tempo:.0f} quarter notes a minute", said]
    return [*lines, *([f"Played {way} than written."] if octaves else []), ""]


def _fitted(song: Song, low: int, high: int, usual: tuple[float, float] | None = None) -> tuple[list[Note], int]:
    """One note at a time, moved by the octaves that bring most into a range, of these those that bring its middle
    between the `usual` pitches, and how many those are."""
    highest: dict[float, Note] = {}
    for note in song.tracks[0].notes if song.tracks else ():
        if note.onset not in highest or note.pitch > highest[note.onset].pitch:
            highest[note.onset] = note
    pitches = [note.pitch for note in highest.values()]
    octaves = octaves_into(np.array(pitches), low, high, usual=usual)
    return [Note(n.onset, n.duration, n.pitch + 12 * octaves, n.velocity) for n in highest.values()], octaves


def _rows(
    song: Song, notes: Sequence[Note], column: Callable[[Note], list[str]], height: int, blank: str,
    names: Sequence[str], line: str,
) -> list[str]:  # fmt: skip
    """The tune's bars in rows; a note's column is followed by blanks for its length."""
    lines = song.bar_lines()
    bars = [_bar([n for n in notes if a - NEAR <= n.onset < b - NEAR], a, b, column, height, blank)
            for a, b in pairwise(lines)]  # fmt: skip
    out: list[str] = []
    for first in range(0, len(bars), BARS):
        part = bars[first : first + BARS]
        out += [(names[row] + line.join(bar[row] for bar in part) + line).rstrip() for row in range(height)]
        out.append("")
    return out


def _bar(
    notes: Sequence[Note], begin: float, end: float, column: Callable[[Note], list[str]], height: int, blank: str
) -> list[str]:
    """One bar's rows of text, all of one width."""
    rows = [blank] * height
    for i, note in enumerate(notes):
        cells = column(note)
        until = notes[i + 1].onset if i + 1 < len(notes) else end
        width = max(max(map(len, cells)) + 1, 2 * round((until - note.onset) / STEP))
        rows = [row + cell.ljust(width, blank) for row, cell in zip(rows, cells)]
    if not notes:
        rows = [row + blank * max(2, 2 * round((end - begin) / STEP)) for row in rows]
    return rows
