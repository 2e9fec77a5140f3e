"""Which of a song's tracks is the tune, and its top line.

    pick(song, name)   →  the track that was named, or the one that is most like a tune, and why
    top_line(notes)    →  one note at a time

What tells a tune (Rizo et al. 2006, "A pattern recognition approach for melody track selection in MIDI files", whose
features these are) is that it sounds one note at a time, moves, lies where people sing, plays through most of the song,
and often is called so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine import RequestError
from engine.core.song import NEAR, Note, Song, Track

TUNE = re.compile(r"melod|lead|solo|tune|vocal|voice|vox|\bsing|canto|gesang|soprano|trombone", re.IGNORECASE)
ACCOMPANIMENT = re.compile(
    r"back|harm(?!onica)|accomp|begleit|\bchord|pad\b|bass(?!oon)|rhythm|choir|left|\bii\b|2nd|second", re.IGNORECASE
)
WEIGHTS = {"name": 2.0, "single notes": 2.0, "movement": 1.5, "register": 1.0, "presence": 1.5}
REGISTER = (40, 55, 79, 96), (0.0, 1.0, 1.0, 0.3)  # mean pitch → how likely people sing there
PITCHES = 6  # different ones that a tune has at least, on average
BASSES = range(32, 40)  # General MIDI
ALL = "all"  # a name for all tracks together
ALIKE = 0.05  # of two tracks whose marks differ by no more than this neither is the likelier tune
LINE = 0.9  # of onsets of one note, and of ends that come in the order of onsets: legato, however long notes sound on
PAD = 8.0  # beats: a note that is held so long over others that move is no part of a line
MOVING, LONGER = 4, 4  # onsets under it; how many times as long as the others it is
OVERLAP = 0.25  # of a note's length: so long a note before may sound on, as in legato; in a chord it is longer


def pick(song: Song, name: str | None = None) -> tuple[list[Track], str]:
    """The tracks to be played and what is said of the choice. Refused without pitched notes, or for a name of none.

    `name`: a track's, or its number among those with pitched notes, from 1; "all" for all together.
    """
    tracks = tracks_of(song)
    if not tracks:
        raise RequestError("There is no tune in this piece: it has no notes but drums, or none at all.")
    if name and name.strip().lower() == ALL:
        return tracks, ""
    if name:
        return [_named(tracks, name)], ""
    if len(tracks) == 1:
        return tracks, ""
    beats = song.beats
    marks = [_marks(track, beats) for track in tracks]
    scores = [sum(WEIGHTS[what] * mark for what, mark in each.items()) for each in marks]
    best = max((i for i, score in enumerate(scores) if score > max(scores) - ALIKE), key=lambda i: _height(tracks[i]))
    others = {what: np.mean([each[what] for i, each in enumerate(marks) if i != best]) for what in WEIGHTS}
    why = [what for what in WEIGHTS if marks[best][what] > others[what] + 0.1]
    *first, last = why or ["height"]
    reasons = f"{', '.join(first)} and {last}" if first else last
    return [tracks[best]], f" It is most like a tune, by {reasons}."


def _height(track: Track) -> float:
    """The mean pitch of its line: of two tracks that are tunes alike the upper one is the tune."""
    return float(np.mean([note.pitch for note in top_line(track.notes)]))


def tracks_of(song: Song) -> list[Track]:
    """Those with pitched notes."""
    return [track for track in song.tracks if not track.is_drum and track.notes]


def _named(tracks: list[Track], name: str) -> Track:
    for number, track in enumerate(tracks, start=1):
        if name.strip().lower() in (track.name.lower(), str(number)):
            return track
    known = ", ".join(f"{number} {track.name}" for number, track in enumerate(tracks[:8], start=1))
    raise RequestError(f"There is no track '{name[:40]}' with notes to play; choose {known} or {ALL}.")


def _marks(track: Track, beats: float) -> dict[str, float]:
    """How much a track is like a tune in each of `WEIGHTS`, 0..1 (the name from -1 on)."""
    onsets, counts = np.unique([round(note.onset, 2) for note in track.notes], return_counts=True)
    pitches = np.array([note.pitch for note in top_line(track.notes)])
    moves = float(np.mean(np.diff(pitches) != 0)) if len(pitches) > 1 else 0.0
    bars = np.unique(onsets // 4)
    return {
        "name": min(len(set(TUNE.findall(track.name.lower()))), 2) / 2 - 1.0 * bool(ACCOMPANIMENT.search(track.name)),
        "single notes": float(np.mean(counts == 1)) * (1 - _overlapping(track.notes)),
        "movement": moves * min(1.0, len(np.unique(pitches)) / PITCHES),
        "register": float(np.interp(pitches.mean(), *REGISTER)) * (track.program not in BASSES),
        "presence": len(bars) / max(1.0, np.ceil(beats / 4)) * min(1.0, len(onsets) / max(1, len(bars)) / 2),
    }


def _overlapping(notes: Sequence[Note]) -> float:
    """The share of notes that begin while most of another one still sounds, the note before apart: that is legato."""
    if len(notes) < 3:
        return 0.0
    ends = np.maximum.accumulate([note.end for note in notes])[:-2]
    onsets, ending = np.array([(note.onset, note.end) for note in notes[2:]]).T
    return float(np.mean(ends - onsets > OVERLAP * (ending - onsets)))


def _legato(notes: Sequence[Note]) -> bool:
    """Whether notes are a line whose notes sound on into the next ones, none ending before the one before it. With a
    pedal some end together, when it is lifted, and others when they are struck again."""
    counts = np.unique([round(note.onset, 3) for note in notes], return_counts=True)[1]
    struck = {(round(note.onset, 2), note.pitch) for note in notes}
    ends = np.array([note.end for note in notes if (round(note.end, 2), note.pitch) not in struck])
    return bool(np.mean(counts == 1) >= LINE and np.mean(np.diff(ends) > -NEAR) >= LINE) if len(ends) > 1 else True


def _moving(notes: Sequence[Note]) -> list[Note]:
    """Those that are no pad's."""
    onsets = np.unique([note.onset for note in notes])
    least = max(PAD, LONGER * float(np.median([note.duration for note in notes])))

    def held(note: Note) -> bool:
        first, last = np.searchsorted(onsets, (note.onset + OVERLAP, note.end - OVERLAP))
        return note.duration >= least and last - first >= MOVING

    return [note for note in notes if not held(note)] or list(notes)


def top_line(notes: Sequence[Note]) -> list[Note]:
    """The highest note at each onset; each note ends at the latest where the next begins."""
    highest: dict[float, Note] = {}
    notes = _moving(notes)
    legato = _legato(notes)
    for note in notes:
        at = round(note.onset, 3)
        if at not in highest or note.pitch > highest[at].pitch:
            highest[at] = note
    line: list[Note] = []
    for note in (highest[at] for at in sorted(highest)):
        # A note that begins under a higher one, and sounds with it for long, belongs to the accompaniment.
        overlap = line[-1].end - note.onset if line else 0.0
        under = overlap > max(0.05, OVERLAP * note.duration) and note.pitch < line[-1].pitch - 2
        if under and not legato:
            continue
        if overlap > 0:
            line[-1] = replace(line[-1], duration=note.onset - line[-1].onset)
        line.append(note)
    return [note for note in line if note.duration > 0]
