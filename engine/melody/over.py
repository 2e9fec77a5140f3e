"""Chords that a tune is written over: which notes go with them on strong beats, and where their symbols stand.

On a strong beat (the bar's first, and its middle where that is a beat) a note of the chord comes, where the network
finds that likely enough; which of them, and all else, is the network's to say. The symbols are put above what was
written: before the first note of each chord.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from engine import RequestError
from engine.core import harmony
from engine.core.chords import CHORD_SYMBOLS, NONE, SCALE, Chord, Progression, name_of, read, recognise, typed
from engine.core.pitch import LETTERS
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.core.tune import tracks_of
from engine.melody.abc.canonical import MUSIC, meter_parts, signature
from engine.melody.abc.fields import accidentals_of
from engine.melody.abc.notes import read_any
from engine.melody.abc.reader import NOTES, Reader
from engine.melody.request import Request

LIKELY = 0.05  # of the chance of all notes: the least that those of the chord have for one of them to come
SIGNS = {"^": 1, "=": 0, "_": -1}
STARTS = NOTES | set("^=_z[(")  # what a note, a rest, several notes or a tuplet begins with
HALVED = (2, 4, 6, 12)  # beats of a bar whose middle is one


class Over:
    """A progression in a key, beside the tune that is being written over it."""

    def __init__(self, progression: Progression, key: str, sections: Sequence[int], reader: Reader) -> None:
        self.progression, self.sections, self.reader = progression, sections, reader
        self.key = signature(key) * 7 % 12
        self.altered = accidentals_of(key)
        parts = meter_parts(reader.meter) or (4, 4)
        self.strong = reader.full // 2 if parts[0] in HALVED else reader.full
        self.marks: list[tuple[int, str]] = []  # where in the text a symbol stands, and which

    def chord(self, time: int) -> Chord | None:
        """The chord at a time of the present bar, in ticks."""
        bar = sum(self.sections[: self.reader.section]) + self.reader.section_bar
        chords = self.progression.bars[bar % len(self.progression.bars)]
        return chords[min(len(chords) * time // max(self.reader.full, 1), len(chords) - 1)]

    def root(self, chord: Chord) -> int:
        """Its root, 0..11: of a roman numeral that degree of the key's own scale, but under a leading note's chord."""
        if not chord.roman:
            return chord.root
        if chord.root not in SCALE or 6 in chord.notes:
            return (self.degree(0) + chord.root) % 12
        return self.degree(SCALE.index(chord.root))

    def degree(self, number: int) -> int:
        """The pitch class of a degree of the key's scale, 0 for the first."""
        return self._pitch("CDEFGAB"[(self.reader.tonic + number) % 7], "")

    def weighed(self, allowed: Sequence[str], own: np.ndarray) -> np.ndarray:
        """The chances of the characters that may follow, those of notes on a strong beat moved to the chord's."""
        reader = self.reader
        begins = reader.place == MUSIC and not (reader.mode or reader.bracket or reader.chord or reader.paren)
        if not begins or reader.bar_time % self.strong or not (chord := self.chord(reader.bar_time)):
            return own
        tones = {(self.root(chord) + step) % 12 for step in chord.notes}
        pending = reader.last if reader.last in SIGNS else ""
        notes = np.array([char in NOTES or char in SIGNS for char in allowed])
        fit = np.array([self._fits(char, pending, tones) for char in allowed])
        if not own[fit].sum() > LIKELY * own[notes].sum():
            return own
        scaled = own * np.where(notes & ~fit, 0.0, 1.0)
        scaled[fit] *= own[notes].sum() / own[fit].sum()
        return np.asarray(scaled)

    def _fits(self, char: str, pending: str, tones: set[int]) -> bool:
        """Whether a letter is a note of the chord, or a sign leads to one."""
        if char in SIGNS:
            return any(self._pitch(letter, char) in tones - {self._pitch(letter, "")} for letter in LETTERS)
        return char in NOTES and self._pitch(char.upper(), pending) in tones

    def _pitch(self, letter: str, sign: str) -> int:
        return (LETTERS[letter] + (SIGNS[sign] if sign else self.altered.get(letter, 0))) % 12

    def mark(self, char: str, at: int, ending: bool) -> None:
        """Note where the symbol of a new chord stands: before what begins here. Before the character is read."""
        reader = self.reader
        inside = reader.mode or reader.last in SIGNS or reader.bracket or reader.chord or reader.paren
        if inside or reader.tuplet_left or char not in STARTS or (char == "[" and ending):
            return
        chord = self.chord(reader.bar_time)
        name = "N.C." if chord is None else self.name(chord)
        if name != (self.marks[-1][1] if self.marks else ""):
            self.marks.append((at, name))

    def name(self, chord: Chord) -> str:
        """As it stands above the staff: with letters as it was typed, of a roman numeral the chord's own."""
        return name_of(chord.quality * 12 + self.root(chord), self.key) if chord.roman else chord.text

    def above(self, body: str) -> str:
        """The body with the symbols."""
        for at, name in reversed(self.marks):
            body = f'{body[:at]}"{name}"{body[at:]}'
        return body


def progression_of(request: Request) -> Progression | None:
    """The chords that a tune is to go over."""
    if request.chords_from:
        return read(chords_in(request.chords_from))
    return read(request.chords) if request.chords.strip() else None


def key_for(progression: Progression) -> str:
    """The key of chords with letters, minor where they begin on its first degree; empty where all are roman."""
    key = progression.key()
    if key is None:
        return ""
    first = next(chord for chord in progression.chords if not chord.roman)
    if 3 in first.notes and (first.root - key) % 12 == SCALE[5]:
        minor = name_of(key + 9 - 12 * (key + 9 >= 12), key)
        return f"{minor}m"
    return name_of(key, key)


@lru_cache(maxsize=16)
def chords_in(file: File, number: int | None = None) -> str:
    """The chords of a file's song as they are typed, bar by bar: its chord symbols, or what its notes sound like."""
    song = read_any(file, number)
    symbols = [note for track in song.tracks if track.name == CHORD_SYMBOLS for note in track.notes]
    notes = symbols or [note for track in tracks_of(song) for note in track.notes]
    if not notes:
        raise RequestError(f"There are no chords in {file.name}: it has no pitched notes.")
    chords = chords_of_notes(song, notes, symbols=bool(symbols))
    if not read(chords).chords:
        raise RequestError(f"There are no chords in {file.name}: in no half bar do two different notes sound.")
    return chords


def chords_of_notes(song: Song, notes: Sequence[Note], *, symbols: bool) -> str:
    """The chords of some notes over a song's whole bars, typed: such as chord `symbols` play, or as they are heard."""
    sound = Song((Track("").with_notes(notes),), song.tempo, song.meter, upbeat=song.upbeat,
                 meter_changes=song.meter_changes)  # fmt: skip
    sound = sound.excerpt(song.upbeat, sound.beats) if song.upbeat else sound
    if symbols:
        return named(recognise(*harmony.sounding(sound.tracks[0].notes, harmony.halves(sound))))
    return named(harmony.heard(harmony.load(), sound))


def named(numbers: np.ndarray) -> str:
    """The chord of each half bar, or where there is none that before it, typed."""
    last = next((number for number in numbers.tolist() if number != NONE), NONE)
    return typed([name_of(last := number if number != NONE else last) for number in numbers.tolist()])
