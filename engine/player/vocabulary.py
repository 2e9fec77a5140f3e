"""The player's tokens. A window is written in sections of eight bars: their plan first, then bar by bar their lanes:

    PLAN, and for each of its bars  BAR grid, CHORD, CHORD
    GO bar, and for each lane that sounds  TRACK(lane, relation), and its notes where that is not *again*

and a lane that is not named rests. A bar may be gone to more than once: what is given is written first, then what is
made. The network says END where a bar has no more; in its place comes the next GO or PLAN.

Notes of pitched lanes are EVENT(step, length), [LONG(length)], PITCH, PITCH …: those that begin and end together share
an event, events ascend by step and then by length, pitches within an event ascend. A drum event has length 1, and then
one COMBO (a set of drums often struck together) or single PITCHes. The relation says whether the lane's bar is new, or
*again* that of 1, 2, 4 or 8 bars before, or has its *rhythm*: then its events are those of that bar, its pitches new.

A bar's grid is its sixteenths, or (`TRIPLETS`) its sextuplets. Nothing of a note on its grid is lost.
"""

from __future__ import annotations

LANES = ("drums", "piano", "guitar", "bass", "strings", "lead")
"""The five tracks, and the tune that a person may give."""
DRUMS, LEAD = 0, 5
METERS = {(4, 4): 96, (3, 4): 72, (6, 8): 72, (2, 4): 48, (12, 8): 144}
"""Meter → ticks (24 a quarter note) of a bar."""
METER_NAMES = ", ".join(f"{beats}/{value}" for beats, value in METERS)
STRAIGHT, TRIPLETS = 0, 1
UNITS = (6, 4)
"""Ticks of a step, by grid."""
MAX_STEPS = 24  # of a bar: 12/8 in sixteenths, 4/4 in sextuplets
SECTION, WINDOW = 8, 16  # bars
RELATIONS = (0, 1, 2, 4, 8, 1, 2, 4, 8)
"""How many bars before: new, then those that come again, then (from `RHYTHM`) those whose rhythm does."""
RHYTHM = 5
SHORT = 16  # lengths up to this are said by the event itself
MAX_LENGTH = 64  # steps
LENGTHS = SHORT + 1  # of an event; the last says that a LONG follows
CHORDS = 84  # seven qualities on twelve roots, quality × 12 + root; one more says none
COMBOS = 512

PAD, END, PLAN = 0, 1, 2
BAR = 3
CHORD = BAR + len(UNITS)
GO = CHORD + CHORDS + 1
TRACK = GO + WINDOW
EVENT = TRACK + len(LANES) * len(RELATIONS)
LONG = EVENT + MAX_STEPS * LENGTHS
PITCH = LONG + MAX_LENGTH - SHORT
COMBO = PITCH + 128
TOKENS = COMBO + COMBOS
"""Where each kind of token begins, and how many there are."""


def bar(grid: int) -> int:
    """The token that begins a bar."""
    return BAR + grid


def chord(number: int) -> int:
    """The token of a half bar's chord; -1 is none."""
    return CHORD + (number if number >= 0 else CHORDS)


def track(lane: int, relation: int) -> int:
    """The token with which a lane begins; relation indexes `RELATIONS`."""
    return TRACK + lane * len(RELATIONS) + relation


def event(step: int, length: int) -> int:
    """The token of notes that begin at a step and last so many, LONG to follow where that is over `SHORT`."""
    return EVENT + step * LENGTHS + min(length, LENGTHS) - 1


def long(length: int) -> int:
    """The token of a length over `SHORT`."""
    return LONG + length - SHORT - 1
