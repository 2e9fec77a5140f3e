"""A jam's musician: asked for the next bar, given all so far and the settings of now.

    musician = Musician(model, seed=3)
    bar = musician.next(settings)                    the bar after the last one
    musician.back_to(bar.number)                     what came from that bar on is forgotten, and asked for again

Bars are composed in C (composing.py) and struck by a hand for each track (engine/touch), which goes on from bar to bar.
What was played never changes: no note begins before its bar, and one whose pitch still sounds from a bar before is tied
to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

import numpy as np

from engine import band, player, touch
from engine.core.chords import name_of
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track, quarters
from engine.jam.composing import Composer

TICKS = 24  # a beat
RINGING = 4  # bars into which a note may last
BACK = 8  # bars that can be taken back
FURTHEST = 8  # semitones from C, to a key that is nearer so to the one before


@dataclass(frozen=True)
class Bar:
    """A bar as it is played. Its tracks' notes begin at or after 0, in beats from its bar line."""

    number: int  # from 1
    section: str  # the letter of its section; "" for the ending
    leads_on: bool  # whether it is the last of its section
    chords: tuple[str, str]  # of its halves
    key: int  # the major key, 0 is C
    tempo: float  # quarter notes a minute
    meter: tuple[int, int]
    tracks: tuple[Track, ...]
    turns: tuple[tuple[float, float], ...] = ()  # (beat, tempo) of the tempi that follow within it, ascending

    @property
    def beats(self) -> float:
        """Quarter notes from its bar line to the next."""
        return quarters(self.meter)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        tempi = [(0.0, self.tempo), *self.turns, (self.beats, 0.0)]
        return sum((end - begin) * 60 / tempo for (begin, tempo), (end, _) in pairwise(tempi))


@dataclass(frozen=True)
class _State:
    """What the hands have done."""

    hands: dict[str, touch.Hand]
    sounding: dict[tuple[str, int], int]  # (track, pitch in C) → where it ends, ticks
    moved: int | None = None  # semitones from C of the bar before


class Musician:
    """Plays a jam in one meter, bar after bar."""

    def __init__(self, model: player.Model, seed: int, meter: str | None = None) -> None:
        self.model, self.seed, self.meter = model, seed, meter
        self.number = 0  # of the next bar, from 0
        self._composer = Composer(model, seed)
        self._states: dict[int, _State] = {}  # before each of the last bars
        beats, _, value = (meter or "4/4").partition("/")
        self._signature = int(beats), int(value)
        self.beats = quarters(self._signature)  # of a bar
        self._ticks = int(quarters(self._signature) * TICKS)
        hands = {name: touch.Hand(model.hand, name, self._ticks, seed) for name in TRACKS} if model.hand else {}
        self._state = _State(hands, {})

    def next(
        self, settings: band.Request, *, last: bool = False, holds: tuple[tuple[int, int], ...] = ()
    ) -> Bar:
        """The next bar; the `last` is an ending, and a hand `holds` other chords from some of its halves on. Same seed,
        bars before, settings and chords, same bar."""
        settings = replace(settings, seed=self.seed, meter=self.meter)
        self.model.check(settings.genre)
        written = self._composer.bar(self.number, settings, last=last, holds=holds)
        self._states[self.number] = self._state
        self._states.pop(self.number - BACK, None)
        tempo, key = tempo_of(self.model, settings), band.key_of(settings)
        by = _moved_by(key, self._state.moved)
        self._state = _State({name: hand.copy() for name, hand in self._state.hands.items()}, self._state.sounding, by)
        composed, played = (band.as_written(bar, self.number - written.since, settings, key, self._signature)
                            for bar in (written.composed, written.bar))  # fmt: skip
        free = self._free(self._laid(composed, settings)) if holds and holds[0][0] else ()
        tied = self._tied(self._free(self._laid(played, settings)))
        tracks = tuple(self._played(track, settings, tempo, like) for track, like in zip_longest(tied, free))
        moved = Song(tracks).transposed(by).tracks
        first, second = (name_of(chord, key, key) for chord in written.bar.chords)
        self.number += 1
        return Bar(self.number, written.letter, written.leads_on, (first, second), key, tempo, self._signature, moved)

    def back_to(self, number: int) -> None:
        """Forget the bars from this one on (from 1), at most `BACK`."""
        if number - 1 < self.number:
            self._state = self._states[number - 1]
            self.number = number - 1

    def _laid(self, bar: player.Bar, settings: band.Request) -> tuple[Track, ...]:
        """The bar's tracks, on the instruments of its style, where it stands in the jam."""
        strongest = max(settings.genre.items(), key=lambda item: item[1])[0]
        programs = {**PROGRAMS, **self.model.facts.get("programs", {}).get(strongest, {}), **settings.programs}
        begin = self.number * self._ticks / TICKS
        song = player.song_of([bar, *[player.Bar()] * RINGING], self._signature)
        return tuple(replace(track, program=programs[track.name],
                             notes=tuple(replace(note, onset=note.onset + begin) for note in track.notes))
                     for track in song.tracks[: len(TRACKS)])  # fmt: skip

    def _free(self, tracks: Iterable[Track]) -> list[Track]:
        """The tracks without the notes whose pitch still sounds from a bar before."""
        sounding = self._state.sounding
        return [replace(track, notes=tuple(note for note in track.notes if sounding.get(
            (track.name, note.pitch), 0) <= round(note.onset * TICKS))) for track in tracks]  # fmt: skip

    def _tied(self, tracks: list[Track]) -> list[Track]:
        """The tracks, and what of them still sounds in the bars that follow is known from here on."""
        sounding = {at: end for at, end in self._state.sounding.items() if end > self.number * self._ticks}
        for track in tracks:
            if not track.is_drum:
                sounding |= {(track.name, note.pitch): round(note.end * TICKS) for note in track.notes}
        self._state = replace(self._state, sounding=sounding)
        return tracks

    def _played(self, track: Track, settings: band.Request, tempo: float, like: Track | None) -> Track:
        """The track as its hand strikes it, in beats from the bar line; its first half as that of `like`, if any."""
        begin = self.number * self._ticks
        if hand := self._state.hands.get(track.name):
            track = hand.strike(track, settings.genre, tempo, begin, like=like, until=begin + self._ticks // 2)
        return track.with_notes(replace(n, onset=(round(n.onset * TICKS) - begin) / TICKS) for n in track.notes)


def _moved_by(key: int, before: int | None) -> int:
    """Semitones from C to a key: those nearest to where the bar before was, or to none."""
    ways = [semitones for semitones in (key - 12, key) if -FURTHEST <= semitones <= FURTHEST]
    return min(ways, key=lambda semitones: abs(semitones + 0.5 if before is None else semitones - before))


def tempo_of(model: player.Model, settings: band.Request) -> float:
    """The tempo that is asked for, or what is usual in the genres as they are mixed, quarter notes a minute."""
    if settings.tempo is not None:
        return settings.tempo
    weights = np.array(list(settings.genre.values()))
    usual = [model.facts.get("tempo_by_genre", {}).get(genre, 120.0) for genre in settings.genre]
    return float(np.rint(weights @ usual / weights.sum()))


def song_of(bars: Iterable[Bar], title: str = "") -> Song:
    """The song of bars that follow one another, from the first of them to the end of the last: a track for each player
    and instrument, and a map of tempi."""
    bars = list(bars)
    if not bars:
        return Song(title=title)
    beats = bars[0].beats
    end = beats * len(bars)
    notes: dict[tuple[str, int], list[Note]] = {}
    drums = {track.name for track in bars[0].tracks if track.is_drum}
    for number, bar in enumerate(bars):
        for track in bar.tracks:
            own = notes.setdefault((track.name, track.program), [])
            for note in track.notes:
                onset = number * beats + note.onset
                own.append(replace(note, onset=onset, duration=min(note.duration, end - onset)))
    tracks: list[Track] = []
    for (name, program), own in notes.items():
        before = sum(track.name.split(" ")[0] == name for track in tracks)
        called = f"{name} {before + 1}" if before else name
        if own or (not before and not any(notes[other] for other in notes if other[0] == name)):
            tracks.append(Track(called, program, name in drums).with_notes(own))
    at = [(n * beats + beat, tempo) for n, bar in enumerate(bars) for beat, tempo in [(0.0, bar.tempo), *bar.turns]]
    tempi = tuple(now for before, now in pairwise(at) if now[1] != before[1])
    return Song(tuple(tracks), bars[0].tempo, bars[0].meter, title, tempo_changes=tempi)
