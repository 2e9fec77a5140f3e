"""A line of one voice, such as one that was hummed, as a beginning in ABC that the network goes on from."""

from __future__ import annotations

from dataclasses import dataclass

from engine import RequestError
from engine.core.song import Note, Song, quarters
from engine.melody.abc.canonical import canonical_key
from engine.melody.abc.fields import accidentals_of

STEPS = 4  # of a quarter note: sixteenths, to which notes are moved
UNIT, IN_UNIT = "1/8", 2  # the note length that is written, and its steps
MOST_BARS = 16
SHARP = ("C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B")
FLAT = ("C", "_D", "D", "_E", "E", "F", "_G", "G", "_A", "A", "_B", "B")
SIGNS = {"^": 1, "_": -1, "": 0}


@dataclass(frozen=True)
class Beginning:
    """What a tune is asked to go on from."""

    start: str  # its notes in ABC
    key: str
    meter: str
    unit: str = UNIT


def beginning(song: Song, key: str) -> Beginning:
    """The first track's notes, from the bar in which the first begins, in a key such as "D major"; at most 16 bars,
    and one note at a time. Refused for a song without notes."""
    notes = song.tracks[0].notes if song.tracks else ()
    if not notes:
        raise RequestError("There is no note to begin with.")
    bar = round(quarters(song.meter) * STEPS)
    first = round(notes[0].onset * STEPS) // bar * bar
    spelled = _Speller(canonical_key(key), bar)
    now = first
    for note, following in zip(notes, [*notes[1:], None]):
        at = max(now, round(note.onset * STEPS))
        end = max(at + 1, round(note.end * STEPS))
        if following:
            end = min(end, max(at + 1, round(following.onset * STEPS)))
        if end - first > MOST_BARS * bar:
            break
        spelled.add(None, at - now)
        spelled.add(note, end - at)
        now = end
    return Beginning(spelled.text, spelled.key, f"{song.meter[0]}/{song.meter[1]}")


class _Speller:
    """ABC text that grows by notes and rests, with bar lines, ties over them and the accidentals that a key needs."""

    def __init__(self, key: str, bar: int) -> None:
        self.key, self.bar, self.place, self.text = key, bar, 0, ""
        self.signature = accidentals_of(key)
        self.names = FLAT if -1 in self.signature.values() else SHARP
        self.altered: dict[str, int] = {}  # in this bar, by note

    def add(self, note: Note | None, steps: int) -> None:
        """A note, or a rest, of so many steps."""
        while steps:
            part = min(steps, self.bar - self.place % self.bar)
            steps -= part
            self.text += (self._pitch(note.pitch) if note else "z") + _length(part) + ("-" if note and steps else "")
            self.place += part
            if self.place % self.bar == 0:
                self.text += "|"
                self.altered = {}
            elif self.place % STEPS == 0:
                self.text += " "

    def _pitch(self, pitch: int) -> str:
        name = self.names[pitch % 12]
        sign, letter = name[:-1], name[-1]
        octave = pitch // 12 - 5
        written = letter.lower() + "'" * (octave - 1) if octave > 0 else letter + "," * -octave
        wanted = SIGNS[sign]
        if self.altered.get(written, self.signature.get(letter, 0)) != wanted:
            self.altered[written] = wanted
            return (sign or "=") + written
        return written


def _length(steps: int) -> str:
    """Steps as a length in units: "" for one, "3/2", "/2"."""
    whole, half = divmod(steps, IN_UNIT)
    if half:
        return f"{steps if steps > 1 else ''}/{IN_UNIT}"
    return str(whole) if whole > 1 else ""
