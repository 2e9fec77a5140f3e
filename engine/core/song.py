"""A song: notes on tracks, in beats; and its pianoroll.

Times are in beats (quarter notes) from the start of the song. A pianoroll keeps onsets apart from sustain, both bool
arrays of shape [tracks, steps, 128], so that repeated notes survive: `onsets` marks the step where a note begins and
`sustain` every later step through which it still sounds.

MIDI files are read and written by engine/core/midi.py, other formats by engine/core/formats.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

TRACKS = ("drums", "piano", "guitar", "bass", "strings")
"""The five tracks of LPD-5 (Dong et al. 2018), in the order of every five-track array here."""

PROGRAMS = {"drums": 0, "piano": 0, "guitar": 25, "bass": 33, "strings": 48}
"""The General MIDI program (0-127) with which each of the five is played unless another is chosen."""


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


def five_of(program: int, is_drum: bool) -> str:
    """Which of the five tracks a General MIDI program belongs to, by LPD-5's rule: pianos 0-7, guitars 24-31, basses
    32-39, drums by channel, and everything else that sounds with strings but percussion and effects (96 on)."""
    if is_drum:
        return "drums"
    if program < 8:
        return "piano"
    if 24 <= program < 32:
        return "guitar"
    if 32 <= program < 40:
        return "bass"
    return "strings" if program < 96 or 104 <= program < 112 else ""


def merge_to_five(song: Song) -> Song:
    """The song's notes on the five tracks of LPD-5, always all five and in the order of `TRACKS`.

    Effects and percussion that LPD-5 leaves out are left out. Where two merged tracks play the same pitch at the same
    moment the longer, louder note stands.
    """
    merged: dict[str, dict[tuple[float, int], Note]] = {name: {} for name in TRACKS}
    for track in song.tracks:
        name = five_of(track.program, track.is_drum)
        if not name:
            continue
        for note in track.notes:
            key = (note.onset, note.pitch)
            before = merged[name].get(key, note)
            merged[name][key] = replace(
                note, duration=max(note.duration, before.duration), velocity=max(note.velocity, before.velocity)
            )
    return replace(
        song,
        tracks=tuple(Track(name, PROGRAMS[name], name == "drums").with_notes(merged[name].values()) for name in TRACKS),
    )


def to_roll(song: Song, steps_per_beat: int = 4, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(onsets, sustain), bool [tracks, steps, 128]; `steps` defaults to the song's length rounded up to whole bars.

    An onset goes to the nearest step; a note lasts at least one step, and ends where the next of its pitch begins.
    Notes from `steps` on are left out.
    """
    if steps is None:
        steps = round(song.bars * song.beats_per_bar * steps_per_beat)
    onsets = np.zeros((len(song.tracks), steps, 128), bool)
    sustain = np.zeros_like(onsets)
    for t, track in enumerate(song.tracks):
        for note in track.notes:
            start = int(np.floor(note.onset * steps_per_beat + 0.5))
            end = max(start + 1, int(np.floor(note.end * steps_per_beat + 0.5)))
            if 0 <= start < steps:
                onsets[t, start, note.pitch] = True
                sustain[t, start + 1 : end, note.pitch] = True
    sustain &= ~onsets
    return onsets, sustain


def from_roll(
    onsets: np.ndarray,
    sustain: np.ndarray,
    steps_per_beat: int = 4,
    *,
    like: Sequence[Track] | None = None,
    velocity: int | np.ndarray = 80,
    tempo: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    title: str = "",
) -> Song:
    """The song of a pianoroll, bool [tracks, steps, 128]: a note begins at an onset and lasts while sustain goes on.

    `like` names the tracks (the five of LPD-5 by default); `velocity` is one number or an array of the roll's shape.
    Sustain without an onset before it is silent.
    """
    if onsets.shape != sustain.shape or onsets.ndim != 3 or onsets.shape[2] != 128:
        raise ValueError(f"onsets {onsets.shape} and sustain {sustain.shape} must both be [tracks, steps, 128]")
    like = like or [Track(name, PROGRAMS[name], name == "drums") for name in TRACKS]
    tracks = []
    steps = onsets.shape[1]
    for t, track in enumerate(like):
        notes = []
        # The first step at or after each one at which a pitch no longer sustains.
        stops = np.full((steps + 1, 128), steps)
        for step in range(steps - 1, -1, -1):
            stops[step] = np.where(sustain[t, step] & ~onsets[t, step], stops[step + 1], step)
        for step, pitch in zip(*np.nonzero(onsets[t])):
            end = int(stops[step + 1, pitch]) if step + 1 < steps else steps
            loud = int(velocity[t, step, pitch]) if isinstance(velocity, np.ndarray) else velocity
            notes.append(Note(int(step) / steps_per_beat, (end - int(step)) / steps_per_beat, int(pitch), loud))
        tracks.append(track.with_notes(notes))
    return Song(tuple(tracks), tempo, meter, title)
