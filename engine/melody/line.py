"""A tune's notes and bars as its traits measure them: the highest note of each chord, as written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.melody.abc.canonical import Tune, signature
from engine.melody.abc.notes import reading_of
from engine.melody.abc.reader import WHOLE, Reader

NEAR = 1e-6  # quarter notes: what is nearer than this is at the same time
SEMITONES = (0, 2, 4, 5, 7, 9, 11)  # of C major


@dataclass(frozen=True)
class Bar:
    """A bar's notes: when in the bar, how long (quarter notes), and which, arrays [notes]."""

    section: int
    number: int  # in its section, from 1; 0 for a pickup
    onset: np.ndarray
    beats: np.ndarray
    pitch: np.ndarray

    @cached_property
    def rhythm(self) -> bytes:
        return bytes(np.rint(np.stack([self.onset, self.beats]) * 48).astype(np.int16))

    @cached_property
    def notes(self) -> bytes:
        return self.rhythm + bytes(self.pitch.astype(np.int16))

    @cached_property
    def shape(self) -> bytes:
        """Its rhythm and the way it goes, at any pitch."""
        return self.rhythm + bytes(np.diff(self.pitch).astype(np.int16))


class Line:
    """A tune's notes (the highest of each chord) and bars, as written: repeats are not played."""

    def __init__(self, tune: Tune) -> None:
        events = [event for event in reading_of(tune).voices[0].events if event.sounding and not event.layer]
        self.onset = np.array([float(event.onset) for event in events])
        self.beats = np.array([float(event.beats) for event in events])
        self.pitch = np.array([max(event.sounding) for event in events], int)
        fifths = signature(tune.key)
        self.scale = {(7 * step + 7 * (fifths - 1)) % 12 for step in range(7)}
        letter, sharp = tune.key[:1].upper() or "C", tune.key[1:2]
        step = "CDEFGAB".find(letter)
        self.tonic = (SEMITONES[max(step, 0)] + (sharp == "#") - (sharp == "b")) % 12
        self.bars = self._bars(tune)

    def _bars(self, tune: Tune) -> list[Bar]:
        reader = Reader(tune.meter, tune.unit, tune.key).read(tune.body)
        bars, start = [], 0.0
        for bar in reader.bars:
            end = start + 4 * bar.ticks / WHOLE
            mine = (self.onset >= start - NEAR) & (self.onset < end - NEAR)
            number = bar.number if bar.ticks == bar.full or bar.number > 1 else 0
            bars.append(Bar(bar.section, number, self.onset[mine] - start, self.beats[mine], self.pitch[mine]))
            start = end
        return bars

    @cached_property
    def whole(self) -> list[Bar]:
        """The bars that are no pickup."""
        return [bar for bar in self.bars if bar.number and len(bar.pitch)]

    @cached_property
    def sections(self) -> list[list[Bar]]:
        """The bars of each section, pickups left out."""
        numbers = sorted({bar.section for bar in self.whole})
        return [[bar for bar in self.whole if bar.section == n] for n in numbers]

    @cached_property
    def moves(self) -> np.ndarray:
        """Semitones from each note to the next."""
        return np.diff(self.pitch)

    @cached_property
    def degree(self) -> np.ndarray:
        """Semitones of each note above the tonic, 0..11."""
        return (self.pitch - self.tonic) % 12

    @cached_property
    def firsts(self) -> list[int]:
        """Degrees of the bars' first notes."""
        return [int(bar.pitch[0] - self.tonic) % 12 for bar in self.whole]

    def cadences(self, which: int) -> list[Bar]:
        """The bars with number `which` of four in their phrase, of all sections of whole fours."""
        return [bar for bars in self.sections for i, bar in enumerate(bars) if i % 4 == which]
