"""A song: notes on tracks. Times are in beats (quarter notes) from the start of the song.

Pianorolls of it are made by pianoroll.py, files by midi.py and formats.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Note:
    onset: float  # beats from the start of the song
    duration: float  # beats, above 0
    pitch: int  # MIDI number, 60 is middle C; for drums the General MIDI drum key
    velocity: int = 80  # 1..127

    @property
    def end(self) -> float:
        """Where the note stops, in beats."""
        return self.onset + self.duration


def _order(note: Note) -> tuple[float, int, float]:
    return note.onset, note.pitch, note.duration


@dataclass(frozen=True)
class Track:
    name: str
    program: int = 0  # General MIDI, 0..127
    is_drum: bool = False
    notes: tuple[Note, ...] = ()

    def with_notes(self, notes: Iterable[Note]) -> Track:
        """This track with other notes, sorted by onset and pitch."""
        return replace(self, notes=tuple(sorted(notes, key=_order)))


@dataclass(frozen=True)
class Song:
    tracks: tuple[Track, ...] = ()
    tempo: float = 120.0  # quarter notes a minute
    meter: tuple[int, int] = (4, 4)  # beats a bar, and the note value of one
    title: str = ""
    remarks: tuple[str, ...] = field(default=(), compare=False)  # what a reader had to change, in words for the person

    @property
    def notes(self) -> int:
        """How many notes there are in all."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def beats(self) -> float:
        """Where the last note ends, in beats."""
        return max((note.end for track in self.tracks for note in track.notes), default=0.0)

    @property
    def seconds(self) -> float:
        """Where the last note ends, in seconds."""
        return self.beats * 60.0 / self.tempo

    @property
    def beats_per_bar(self) -> float:
        """Quarter notes in a bar: 4 in 4/4, 3 in 6/8."""
        return self.meter[0] * 4.0 / self.meter[1]

    @property
    def bars(self) -> int:
        """How many bars hold all notes, rounded up."""
        return int(np.ceil(self.beats / self.beats_per_bar - 1e-6))

    def with_tempo(self, tempo: float) -> Song:
        """The same notes at another tempo (quarter notes a minute)."""
        return replace(self, tempo=float(tempo))

    def transposed(self, semitones: int) -> Song:
        """Every pitch but the drums' moved; a note that would leave 0..127 moves by octaves until it fits."""

        def moved(pitch: int) -> int:
            pitch += semitones
            if 0 <= pitch <= 127:
                return pitch
            return pitch % 12 if pitch < 0 else 116 + (pitch - 116) % 12

        return replace(
            self,
            tracks=tuple(
                t if t.is_drum else t.with_notes(replace(n, pitch=moved(n.pitch)) for n in t.notes) for t in self.tracks
            ),
        )

    def excerpt(self, start: float, end: float) -> Song:
        """The notes that begin in [start, end) beats, moved to begin at 0 and cut off at `end`."""
        return replace(
            self,
            tracks=tuple(
                t.with_notes(
                    replace(n, onset=n.onset - start, duration=min(n.duration, end - n.onset))
                    for n in t.notes
                    if start <= n.onset < end
                )
                for t in self.tracks
            ),
        )

    def followed_by(self, other: Song, at: float | None = None) -> Song:
        """This song with `other` appended, track by track in order, from beat `at` (by default the next whole bar)."""
        at = self.bars * self.beats_per_bar if at is None else at
        if len(self.tracks) != len(other.tracks):
            raise ValueError(f"{len(self.tracks)} tracks cannot be followed by {len(other.tracks)}")
        return replace(
            self,
            tracks=tuple(
                a.with_notes(a.notes + tuple(replace(n, onset=n.onset + at) for n in b.notes))
                for a, b in zip(self.tracks, other.tracks)
            ),
        )

    def only(self, names: Sequence[str]) -> Song:
        """The tracks of these names."""
        return replace(self, tracks=tuple(t for t in self.tracks if t.name in names))
