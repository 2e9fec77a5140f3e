"""The instruments: what each is called, which General MIDI program plays it. A new one is one line here.

`INSTRUMENTS` are those that Translation knows by their sound, `PROGRAMS` the five tracks of a band, `program_names` and
`DRUM_KITS` all that a person can choose to hear notes on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Instrument:
    """One that plays a single line; its range is the one in which its recordings were heard."""

    program: int  # General MIDI, 0..127
    example: int  # MIDI pitch on which a tune lies well for it


INSTRUMENTS = {
    "trombone": Instrument(57, example=53),
    "trumpet": Instrument(56, example=65),
    "horn": Instrument(60, example=57),
    "flute": Instrument(73, example=74),
    "oboe": Instrument(68, example=72),
    "clarinet": Instrument(71, example=62),
    "bassoon": Instrument(70, example=50),
    "saxophone": Instrument(65, example=60),
    "violin": Instrument(40, example=69),
    "viola": Instrument(41, example=62),
    "cello": Instrument(42, example=48),
}

PROGRAMS = {"drums": 0, "piano": 0, "guitar": 25, "bass": 33, "strings": 48}
"""The General MIDI program with which each of a band's five tracks is played unless another is chosen."""

DRUM_KITS = {
    0: "Standard kit", 8: "Room kit", 16: "Power kit", 24: "Electronic kit", 25: "TR-808", 32: "Jazz kit",
    40: "Brushes", 48: "Orchestra kit",
}  # fmt: skip
"""Names of the drum kits, by program."""


def program_names() -> dict[int, str]:
    """General MIDI's names of the programs that are played in notes: 112 of the 128, the rest are effects."""
    from pretty_midi.constants import INSTRUMENT_MAP  # here, because pretty_midi takes a moment to import

    return dict(enumerate(INSTRUMENT_MAP[:112]))
