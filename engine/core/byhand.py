"""Notes changed by hand: what a person drew, moved, lengthened or struck otherwise, put into a song.

    after = changed(song, {2: [(0.0, 1.0, 60, 90), …]})      the notes that the third track has now, in beats

Refused, with the song as it was, are notes off the piano, before the beginning or without a length, and a song of none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from engine import RequestError
from engine.core.song import NEAR, Note, Song, Track

PIANO = (21, 108)  # its lowest and its highest key
LONGEST = 1_800.0  # seconds
REMARK = "Some of its notes are by hand."


def changed(song: Song, tracks: Mapping[int, Iterable[Sequence[float]]]) -> Song:
    """The song with these notes in some of its tracks, counted from 0: each (onset, duration, pitch, velocity), times
    in beats. Of two at one place the later counts; one that begins while the same key sounds ends that."""
    new = list(song.tracks)
    for at, notes in tracks.items():
        if not 0 <= at < len(new):
            raise RequestError("There is no such track in this song.")
        own = {note.pitch for note in new[at].notes}
        new[at] = new[at].with_notes(_apart([_checked(note, new[at], own) for note in notes]))
    after = replace(song, tracks=tuple(new))
    if not after.notes:
        raise RequestError("A song needs a note: the last one stays.")
    if after.seconds > max(song.seconds, LONGEST):
        raise RequestError(f"A note would end later than {LONGEST / 60:.0f} minutes from the beginning.")
    return after


def _checked(values: Sequence[float], track: Track, own: set[int]) -> Note:
    """A note of four numbers. Keys off the piano stay where the track has them already (`own`)."""
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise RequestError("A note has an onset, a length, a pitch and a velocity.")
    onset, duration, pitch, velocity = float(values[0]), float(values[1]), int(values[2]), int(values[3])
    low, high = (0, 127) if track.is_drum else PIANO
    if not low <= pitch <= high and pitch not in own:
        raise RequestError(f"A note of {track.name} would lie off the piano, whose keys are {low} to {high}: {pitch}.")
    if onset < 0:
        raise RequestError(f"A note of {track.name} would begin before the song does.")
    if duration <= 0 or not 1 <= velocity <= 127:
        raise RequestError(f"A note of {track.name} needs a length and a velocity from 1 to 127.")
    return Note(onset, duration, pitch, velocity)


def _apart(notes: Sequence[Note]) -> list[Note]:
    """Notes of one key after one another."""
    keys: dict[int, list[Note]] = {}
    for note in sorted({(note.onset, note.pitch): note for note in notes}.values(), key=lambda note: note.onset):
        line = keys.setdefault(note.pitch, [])
        if line and line[-1].end > note.onset + NEAR:
            line[-1] = replace(line[-1], duration=note.onset - line[-1].onset)
        line.append(note)
    return [note for line in keys.values() for note in line]
