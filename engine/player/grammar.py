"""Which token may follow, and what the network hears beside it: one state machine, compiled, for training and playing.

    machine = start(meter)                                    the arrays of an empty window of `WINDOW` bars
    advance(*machine, token)                                  moves it on
    allowed(*machine, mask)                                   bool [TOKENS]: what may come next
    hear(*machine, numbers, bits)                             what is known before the next token

`numbers` int [4]: lane (6 for none), step (24 for none), bar of the window, chord sounding at the step (84 for none).
`bits` uint8 [96]: the pitch classes that the lanes written before sound at the step (12), those that this lane sounded
a bar before (12), at which steps this lane began notes one bar before (24) and two (24), and at which the pitched lanes
written before begin them in this bar (24).
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.player import vocabulary as v

WINDOW = 16  # bars
SLOT = 2  # ticks
MAX_SLOTS = 144 // SLOT  # of a bar
NUMBERS, BITS = 4, 96
NO_LANE, NO_STEP = len(v.LANES), v.MAX_STEPS

# the fields of `state`
BAR_, LANE, STEP, LENGTH, LAST, KIND, GRID, CHORDS_, CHORD_0, CHORD_1, WRITTEN, SLOTS, LONGER = range(13)
# kinds: what the last token was
AT_START, AT_BAR, AT_CHORD, AT_NEW, AT_SAME, AT_EVENT, AT_LONG, AT_PITCH, AT_COMBO = range(9)

_LANES, _RELATIONS, _LENGTHS, _SHORT = len(v.LANES), len(v.RELATIONS), v.LENGTHS, v.SHORT
_BEFORE, _UNITS = np.array(v.RELATIONS), np.array(v.UNITS) // SLOT
_BAR, _CHORD, _TRACK, _EVENT, _LONG, _PITCH, _COMBO = v.BAR, v.CHORD, v.TRACK, v.EVENT, v.LONG, v.PITCH, v.COMBO
_GRIDS, _NO_CHORD, _DRUMS, _TOKENS = len(v.UNITS), v.CHORDS, v.DRUMS, v.TOKENS
_STEPS, _LONGEST = v.MAX_STEPS, v.MAX_LENGTH

Machine = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def start(meter: tuple[int, int] = (4, 4)) -> Machine:
    """An empty window: state int32 [13], bars int32 [WINDOW, 2] (lanes written, grid), sound int16 and onset bool
    [6 lanes, slots of two ticks]."""
    state = np.zeros(13, np.int32)
    state[[BAR_, LANE, STEP]] = -1, NO_LANE, NO_STEP
    state[[CHORD_0, CHORD_1]] = _NO_CHORD
    state[SLOTS] = v.METERS[meter] // SLOT
    slots = (WINDOW + 2) * MAX_SLOTS + v.MAX_LENGTH * v.UNITS[0] // SLOT
    sound = np.zeros((_LANES, slots), np.int16)
    return state, np.zeros((WINDOW, 2), np.int32), sound, np.zeros(sound.shape, np.bool_)


@njit(cache=True, nogil=True)
def _begin_lane(state: Any, bars: Any, sound: Any, onset: Any, lane: int, relation: int) -> None:
    """A lane's TRACK: nothing written yet, or its earlier bar again."""
    bar, slots = state[BAR_], state[SLOTS]
    state[LANE], state[STEP], state[LENGTH], state[LAST] = lane, NO_STEP, 0, -1
    state[WRITTEN] |= 1 << lane
    bars[bar, 0] = state[WRITTEN]
    state[KIND] = AT_SAME if relation else AT_NEW
    if relation:
        here, there = bar * slots, (bar - _BEFORE[relation]) * slots
        for i in range(slots):
            sound[lane, here + i] |= sound[lane, there + i]
            onset[lane, here + i] |= onset[lane, there + i]


@njit(cache=True, nogil=True)
def _sound_note(state: Any, sound: Any, pitch: int) -> None:
    """A note of the lane at its step and length."""
    unit = _UNITS[state[GRID]]
    first = state[BAR_] * state[SLOTS] + state[STEP] * unit
    for i in range(first, min(first + state[LENGTH] * unit, sound.shape[1])):
        sound[state[LANE], i] |= 1 << pitch % 12


@njit(cache=True, nogil=True)
def advance(state: Any, bars: Any, sound: Any, onset: Any, token: int) -> None:
    """Move the machine on by a token that is allowed."""
    if token < _CHORD:
        state[BAR_] += 1
        state[GRID], state[CHORDS_], state[WRITTEN] = token - _BAR, 0, 0
        state[LANE], state[STEP], state[KIND] = NO_LANE, NO_STEP, AT_BAR
        bars[state[BAR_], 1] = token - _BAR
    elif token < _TRACK:
        state[CHORD_0 + state[CHORDS_]] = token - _CHORD
        state[CHORDS_] += 1
        state[KIND] = AT_CHORD
    elif token < _EVENT:
        _begin_lane(state, bars, sound, onset, (token - _TRACK) // _RELATIONS, (token - _TRACK) % _RELATIONS)
    elif token < _LONG:
        step = (token - _EVENT) // _LENGTHS
        state[LONGER] = max(_SHORT, state[LENGTH]) if step == state[STEP] else _SHORT
        state[STEP], state[LENGTH] = step, (token - _EVENT) % _LENGTHS + 1
        state[LAST], state[KIND] = -1, AT_EVENT
        onset[state[LANE], state[BAR_] * state[SLOTS] + step * _UNITS[state[GRID]]] = True
    elif token < _PITCH:
        state[LENGTH], state[KIND] = token - _LONG + _SHORT + 1, AT_LONG
    elif token < _COMBO:
        state[LAST], state[KIND] = token - _PITCH, AT_PITCH
        if state[LANE] != _DRUMS:
            _sound_note(state, sound, token - _PITCH)
    else:
        state[KIND] = AT_COMBO


@njit(cache=True, nogil=True)
def _allow_events(state: Any, mask: Any) -> None:
    """Later steps; at the step itself longer notes, but of drums none."""
    begun = state[KIND] != AT_NEW
    longest = 1 if state[LANE] == _DRUMS else _LENGTHS
    for step in range(state[STEP] if begun else 0, state[SLOTS] // _UNITS[state[GRID]]):
        shortest = 1
        if begun and step == state[STEP]:
            shortest = min(state[LENGTH] + 1, _LENGTHS) if state[LENGTH] < _LONGEST else _LENGTHS + 1
        mask[_EVENT + step * _LENGTHS + shortest - 1 : _EVENT + step * _LENGTHS + max(longest, shortest - 1)] = True


@njit(cache=True, nogil=True)
def _allow_bars(state: Any, mask: Any) -> None:
    """Another bar, on a grid of no more than `MAX_STEPS` steps."""
    for grid in range(_GRIDS):
        mask[_BAR + grid] = state[SLOTS] // _UNITS[grid] <= _STEPS


@njit(cache=True, nogil=True)
def _allow_lanes(state: Any, bars: Any, mask: Any) -> None:
    """The next bar, or a lane that this one has not: new, or again where it was written on this grid."""
    if state[BAR_] + 1 < bars.shape[0]:
        _allow_bars(state, mask)
    for lane in range(_LANES):
        if state[WRITTEN] >> lane & 1:
            continue
        mask[_TRACK + lane * _RELATIONS] = True
        for relation in range(1, _RELATIONS):
            then = state[BAR_] - _BEFORE[relation]
            if then >= 0 and bars[then, 1] == state[GRID] and bars[then, 0] >> lane & 1:
                mask[_TRACK + lane * _RELATIONS + relation] = True


@njit(cache=True, nogil=True)
def allowed(state: Any, bars: Any, sound: Any, onset: Any, mask: Any) -> None:
    """Mark what may come next, bool [TOKENS]; a piece may end wherever a BAR may come."""
    kind = state[KIND]
    mask[:] = False
    if kind == AT_START:
        _allow_bars(state, mask)
    elif kind == AT_BAR or (kind == AT_CHORD and state[CHORDS_] < 2):
        mask[_CHORD : _CHORD + _NO_CHORD + 1] = True
    elif kind == AT_EVENT and state[LENGTH] > _SHORT:
        mask[_LONG + state[LONGER] - _SHORT : _PITCH] = True
    elif kind in (AT_EVENT, AT_LONG):
        mask[_PITCH : _TOKENS if state[LANE] == _DRUMS else _COMBO] = True
    else:
        if kind == AT_PITCH:
            mask[_PITCH + state[LAST] + 1 : _COMBO] = True
        if kind in (AT_NEW, AT_PITCH, AT_COMBO):
            _allow_events(state, mask)
        if kind != AT_NEW:
            _allow_lanes(state, bars, mask)


@njit(cache=True, nogil=True)
def _hear_others(state: Any, sound: Any, onset: Any, at: int, bits: Any) -> None:
    """What the pitched lanes written before sound at a step, and when they begin notes in this bar."""
    slots, unit = state[SLOTS], _UNITS[state[GRID]]
    here = state[BAR_] * slots
    for other in range(_LANES):
        if state[LANE] == other or other == _DRUMS or not state[WRITTEN] >> other & 1:
            continue
        for c in range(12):
            bits[c] |= sound[other, here + at * unit] >> c & 1
        for s in range(slots // unit):
            bits[72 + s] |= onset[other, here + s * unit]


@njit(cache=True, nogil=True)
def _hear_itself(state: Any, sound: Any, onset: Any, at: int, bits: Any) -> None:
    """What this lane sounded a bar before at a step, and when it began notes one bar before and two."""
    bar, lane, slots, unit = state[BAR_], state[LANE], state[SLOTS], _UNITS[state[GRID]]
    here = bar * slots
    if bar >= 1:
        for c in range(12):
            bits[12 + c] = sound[lane, here - slots + at * unit] >> c & 1
    for back in range(1, min(bar, 2) + 1):
        for s in range(slots // unit):
            bits[24 * back + s] = onset[lane, here - back * slots + s * unit]


@njit(cache=True, nogil=True)
def hear(state: Any, bars: Any, sound: Any, onset: Any, numbers: Any, bits: Any) -> None:
    """Fill in what is known before the next token: int [4] and uint8 [96] (see the head of this file)."""
    at = 0 if state[STEP] == NO_STEP else state[STEP]
    early = 2 * at * _UNITS[state[GRID]] < state[SLOTS]
    numbers[0], numbers[1], numbers[2] = state[LANE], state[STEP], max(state[BAR_], 0)
    numbers[3] = state[CHORD_0] if early else state[CHORD_1]
    bits[:] = 0
    if state[LANE] != NO_LANE:
        _hear_others(state, sound, onset, at, bits)
        _hear_itself(state, sound, onset, at, bits)


@njit(cache=True, nogil=True)
def walk(state: Any, bars: Any, sound: Any, onset: Any, tokens: Any, numbers: Any, bits: Any) -> None:
    """Advance by tokens [T] and hear after each: numbers int16 [T, 4], bits uint8 [T, 96]."""
    for i in range(len(tokens)):
        advance(state, bars, sound, onset, tokens[i])
        hear(state, bars, sound, onset, numbers[i], bits[i])


@njit(cache=True, nogil=True)
def first_fault(state: Any, bars: Any, sound: Any, onset: Any, tokens: Any) -> int:
    """The index of the first token that is not allowed, -1 where all are."""
    mask = np.zeros(_TOKENS, np.bool_)
    for i in range(len(tokens)):
        allowed(state, bars, sound, onset, mask)
        if not mask[tokens[i]]:
            return i
        advance(state, bars, sound, onset, tokens[i])
    return -1
