"""What one voice of a tune plays, as written: pitches, events, bars, and the signs that order playing.

Times are quarter notes from the tune's beginning, as written, as fractions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from engine.core.pitch import LETTERS
from engine.melody.abc.fields import Key, Meter


@dataclass(frozen=True)
class Pitch:
    """A note's place on the staff: octave 4 begins with middle C, alter is in semitones."""

    letter: str
    octave: int
    alter: int = 0
    explicit: bool = False  # whether its accidental is written

    @property
    def midi(self) -> int:
        """Its number, 60 for middle C."""
        return min(max(12 * (self.octave + 1) + LETTERS[self.letter] + self.alter, 0), 127)


@dataclass
class Event:
    """A note, a chord or a rest as written."""

    onset: Fraction
    beats: Fraction  # quarter notes
    pitches: list[Pitch]  # none for a rest
    line: int  # of the text, from 1
    column: int
    shift: int = 0  # semitones between what is written and what sounds
    layer: int = 0  # above 0: written behind an overlay sign, beside what the bar has already
    tied: set[tuple[str, int]] = field(default_factory=set)  # letter and octave of what is tied to the next event
    graces: list[tuple[list[Pitch], Fraction]] = field(default_factory=list)  # before it, with the lengths written
    decorations: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # its syllable in each verse
    hidden: bool = False  # a rest that is not printed

    @property
    def sounding(self) -> list[int]:
        """MIDI numbers of what sounds, each once."""
        return list(dict.fromkeys(min(max(pitch.midi + self.shift, 0), 127) for pitch in self.pitches))


@dataclass(frozen=True)
class Bar:
    """A bar with something in it. Times in quarter notes, as written."""

    start: Fraction
    end: Fraction
    full: Fraction  # what the meter asks for; 0 in free meter
    line: int
    column: int  # of the barline that closes it
    closed: bool = True  # False: the tune ended without a barline


@dataclass(frozen=True)
class Mark:
    """A sign that orders playing: "start" and "end" of a repeat, "ending", "double" bar, or the name of a jump."""

    time: Fraction
    name: str
    count: int = 1  # of "end": how often the player goes back
    numbers: tuple[int, ...] = ()  # of "ending"
    suffix: str = ""  # of a jump: "fine" or "coda", up to which it plays then
    until: Fraction = Fraction(0)  # of a jump: the end of the bar at which it stands


@dataclass
class Voice:
    """What one voice plays, as written."""

    name: str = ""
    label: str = ""  # as printed before its staff
    clef: str = ""
    shift: int = 0
    program: int | None = None  # General MIDI, 0..127, where the tune says who plays it
    drums: bool = False
    events: list[Event] = field(default_factory=list)
    symbols: list[tuple[Fraction, str]] = field(default_factory=list)  # what stands in quotation marks
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    keys: list[tuple[Fraction, Key]] = field(default_factory=list)
    meters: list[tuple[Fraction, Meter]] = field(default_factory=list)
    length: Fraction = Fraction(0)
