"""Trading fours: four bars of the band, four of yours, and four in which what you played is answered.

Each bar of an answer is a variation of yours four bars before it, by Variation's networks: they hear it beside what
the band plays while it answers, and keep it in that harmony. While you play and are answered the band plays softer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engine import RequestError
from engine.core.midi import write_midi
from engine.core.pianoroll import five_of
from engine.core.reading import song_of
from engine.core.request import File
from engine.core.song import Note, Song, Track

if TYPE_CHECKING:
    from engine.jam.musician import Bar

FOURS = 4  # bars of a turn
TURNS = "band", "you", "answer"
SOFTER = 0.8  # how hard the band strikes while somebody else has the turn
EARLY = 0.125  # quarter notes before a bar line from which a note belongs to the bar behind it
NOISE = 1.0  # of the variation: four of ten notes are your own then
MOST_NOTES = 512  # of a bar
LAST = 1e6  # quarter notes from the first bar line, before which a note begins
LONGEST = 64.0  # quarter notes that a note is held
YOURS, ANSWER = "lead", "answer"
"""What the lanes are called."""


def turn_of(bar: int, since: int) -> str:
    """Whose turn a bar is, where turns are taken since another, both from 1; "" where none are (0)."""
    return TURNS[(bar - since) // FOURS % len(TURNS)] if 0 < since <= bar else ""


def note_of(played: Any) -> tuple[int, Note]:
    """The program and the note of [onset, duration, pitch, velocity, program]. Refused where it is none."""
    if isinstance(played, list) and len(played) == 5 and all(type(each) in (int, float) for each in played):
        onset, duration, *rest = played
        if -1 < onset < LAST and duration > 0 and all(each in range(128) for each in rest) and rest[1]:
            pitch, velocity, program = map(int, rest)
            return program, Note(float(onset), float(min(duration, LONGEST)), pitch, velocity)
    raise RequestError("A note is five numbers: onset, duration, pitch, velocity and program.")


def own_part(played: Sequence[Any]) -> Song:
    """What a person played along, notes as in `note_of` from the first bar line on: a track an instrument."""
    return Song(tuple(tracks_of(map(note_of, played))))


def tracks_of(notes: Iterable[tuple[int, Note]]) -> list[Track]:
    """Notes and the programs they are played with: a track a program."""
    by_program: dict[int, list[Note]] = {}
    for program, note in notes:
        by_program.setdefault(program, []).append(note)
    return [Track(YOURS, program).with_notes(own) for program, own in sorted(by_program.items())]


@dataclass(frozen=True)
class Own:
    """What a person plays along, in quarter notes from the first bar line: a track an instrument."""

    tracks: tuple[Track, ...] = ()

    @classmethod
    def read(cls, file: File | None) -> Own:
        """What is in a MIDI file, if any. Refused where it is none, or a drum plays."""
        if file is None:
            return cls()
        song = song_of(file)
        if any(track.is_drum and track.notes for track in song.tracks):
            raise RequestError(f"{file.name} has drums; what you play along is notes of an instrument.")
        return cls(tuple(replace(track, controls=()) for track in song.tracks if track.notes))

    def bar(self, number: int, beats: float) -> Track | None:
        """What begins in a bar, from 1, in quarter notes from its line and not longer than it; of several instruments
        the first one's. None where nothing does."""
        begin = (number - 1) * beats
        for track in self.tracks:
            notes = [replace(n, onset=max(n.onset - begin, 0.0), duration=min(n.duration, begin + beats - n.onset))
                     for n in track.notes if begin - EARLY <= n.onset < begin + beats - EARLY]  # fmt: skip
            if notes:
                return replace(track, name=ANSWER).with_notes(notes[:MOST_NOTES])
        return None

    def lanes(self, begin: float, end: float) -> list[Track]:
        """All of it between two times, counted from the first of them."""
        song = Song(self.tracks).excerpt(begin, end)
        tracks = [track for track in song.tracks if track.notes]
        return [replace(track, name=YOURS if not n else f"{YOURS} {n + 1}") for n, track in enumerate(tracks)]


def softer(bar: Bar, loudness: float, turn: str) -> Bar:
    """The bar struck as loudly as is asked, and softer in others' turns."""
    share = loudness * (SOFTER if turn in TURNS[1:] else 1.0)
    if share == 1:
        return bar
    strike = partial(_struck, share=share)
    return replace(bar, tracks=tuple(track.with_notes(map(strike, track.notes)) for track in bar.tracks))


def _struck(note: Note, share: float) -> Note:
    return replace(note, velocity=min(max(round(note.velocity * share), 1), 127))


def answered(bar: Bar, played: Track | None, seed: int) -> Bar:
    """The bar with an answer to what was played, beside its own tracks. Same bar, notes and seed, same answer."""
    if played is None:
        return bar
    around = tuple(track for track in bar.tracks if track.notes and not track.is_drum)
    content = write_midi(Song((*around, played), bar.tempo, bar.meter))
    family = five_of(played.program, False) or "strings"
    from engine import variation  # here, because only those who trade need it

    asked = variation.Request(input=File("played.mid", content), noise={family: NOISE}, seed=seed)
    song = variation.generate(variation.load(asked.checkpoint()), asked).song
    for track in song.tracks if song else ():
        if track.name == ANSWER:
            notes = [replace(n, duration=min(n.duration, bar.beats - n.onset)) for n in track.notes
                     if n.onset < bar.beats]  # fmt: skip
            return replace(bar, tracks=(*bar.tracks, replace(track, notes=tuple(notes))))
    return bar
