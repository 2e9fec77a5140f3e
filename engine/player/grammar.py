"""Which token may follow, and what the network hears beside it: one state machine, compiled, for training and playing.

    machine = start(meter, combos)                            the arrays of an empty window of `WINDOW` bars
    advance(machine, token)                                   moves it on
    allowed(machine, mask)                                    bool [TOKENS]: what may come next, END where a bar may end
    hear(machine, numbers, bits)                              what is known before the next token

`numbers` int [10]: lane (6 for none), step (24 for none), bar of the window, the chord that sounds at the step and the
one of the half bar after it; before a chord is planned those of the same half 1, 2, 4 and 8 bars before (84 for none,
85 where that is not known); and the time from the window's start, in slots of two ticks.

`bits` uint8 [192]: the pitch classes that the lanes written before sound at the step (12), those that this lane sounded
there a bar before (12) and four (12; of drums the classes of `DRUM_CLASSES`), at which steps this lane began notes one
bar before (24), two (24) and four (24), at which the pitched lanes written before begin them in this bar (24), and at
which the kick (24) and the snare (24) are struck in it; and the lanes that this bar (6) and the one before it (6) have
so far.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit

import engine.player.vocabulary as v

SLOT = 2  # ticks
MAX_SLOTS = 144 // SLOT  # of a bar
NUMBERS, BITS = 10, 192
NO_LANE, NO_STEP, UNKNOWN = len(v.LANES), v.MAX_STEPS, v.CHORDS + 1
DRUM_CLASSES = ((35, 36), (38, 40), (42, 44), (46,), (49, 52, 55, 57), (51, 53, 59), (41, 43, 45), (47, 48, 50), (37,),
                (39,), (54, 69, 70, 82))  # fmt: skip
"""MIDI drums that are heard as one: kick, snare, hat, open hat, crash, ride, low and high toms, side stick, clap,
shakers; all others are a twelfth."""
DRUM_NAMES = (
    "kick", "snare", "hat", "open hat", "crash", "ride", "low tom", "high tom", "side stick", "clap", "shaker",
    "others",
)  # fmt: skip
KICK, SNARE = 0, 1
PASSING = tuple(DRUM_NAMES.index(name) for name in ("crash", "low tom", "high tom"))
"""Drums that a drummer strikes at a section's beginning or before it, and not in every bar."""
RHYTHM_TOKENS = 63  # events and lengths of a bar whose rhythm may return

# the fields of `state`
(BAR_, LANE, STEP, LENGTH, LAST, KIND, GRID, CHORDS_, PLANNED, WRITTEN, SLOTS, LONGER, SAME, SAID) = range(14)
# kinds: what the last token was
AT_START, AT_PLAN, AT_BAR, AT_CHORD, AT_GO, AT_NEW, AT_SAME, AT_EVENT, AT_LONG, AT_PITCH, AT_COMBO = range(11)

_LANES, _RELATIONS, _LENGTHS, _SHORT = len(v.LANES), len(v.RELATIONS), v.LENGTHS, v.SHORT
_BEFORE, _UNITS = np.array(v.RELATIONS), np.array(v.UNITS) // SLOT
_END, _PLAN, _BAR, _CHORD, _GO, _TRACK = v.END, v.PLAN, v.BAR, v.CHORD, v.GO, v.TRACK
_EVENT, _LONG, _PITCH, _COMBO = v.EVENT, v.LONG, v.PITCH, v.COMBO
_GRIDS, _NO_CHORD, _DRUMS, _TOKENS, _RHYTHM = len(v.UNITS), v.CHORDS, v.DRUMS, v.TOKENS, v.RHYTHM
_STEPS, _LONGEST, _WINDOW = v.MAX_STEPS, v.MAX_LENGTH, v.WINDOW


class Machine(NamedTuple):
    """The arrays of a window in the making."""

    state: Any  # int32 [14]
    bars: Any  # int32 [WINDOW, 2]: lanes written, grid
    plan: Any  # int32 [WINDOW + 1, 2]: the chords of each half
    sound: Any  # int16 [6 lanes, slots]: the pitch classes, or drum classes, that sound
    onset: Any  # bool [6 lanes, slots]
    rhythm: Any  # int16 [6 lanes, WINDOW, 1 + RHYTHM_TOKENS]: how many events and lengths, and which
    kit: Any  # int64 [2]: the drums that were struck in bars before, and with those of this bar, as bits
    classes: Any  # int64 [128 + COMBOS, 2]: the drum classes of each PITCH and COMBO, and its drums, as bits


def drum_classes(combos: Iterable[Sequence[int]]) -> np.ndarray:
    """int64 [128 + COMBOS, 2]: which of the twelve classes each drum, and each combo of drums, belongs to, and which
    drums it has, as bits: that of a drum is its pitch modulo 64, as General MIDI's are 27 to 87."""
    classes = np.full((128 + v.COMBOS, 2), 1 << len(DRUM_CLASSES), np.int64)
    classes[:, 1] = np.append(np.int64(1) << np.arange(128) % 64, np.zeros(v.COMBOS, np.int64))
    for number, drums in enumerate(DRUM_CLASSES):
        classes[list(drums), 0] = 1 << number
    for number, combo in enumerate(combos):
        classes[128 + number] = np.bitwise_or.reduce(classes[list(combo)], axis=0)
    return classes


def start(meter: tuple[int, int] = (4, 4), classes: np.ndarray | None = None) -> Machine:
    """An empty window in a meter; `classes` (see `drum_classes`) tells the combos' drums."""
    state = np.zeros(14, np.int32)
    state[[BAR_, LANE, STEP, SAME]] = -1, NO_LANE, NO_STEP, -1
    state[SLOTS] = v.METERS[meter] // SLOT
    slots = (v.WINDOW + 2) * MAX_SLOTS + v.MAX_LENGTH * v.UNITS[0] // SLOT
    return Machine(
        state,
        np.zeros((v.WINDOW, 2), np.int32),
        np.full((v.WINDOW + 1, 2), UNKNOWN, np.int32),
        np.zeros((_LANES, slots), np.int16),
        np.zeros((_LANES, slots), np.bool_),
        np.zeros((_LANES, v.WINDOW, 1 + RHYTHM_TOKENS), np.int16),
        np.zeros(2, np.int64),
        drum_classes(()) if classes is None else classes,
    )


@njit(nogil=True)
def _begin_lane(m: Any, lane: int, relation: int) -> None:
    """A lane's TRACK: nothing written yet, or its earlier bar again, or that bar's rhythm to follow."""
    state, bar, slots = m.state, m.state[BAR_], m.state[SLOTS]
    state[LANE], state[STEP], state[LENGTH], state[LAST] = lane, NO_STEP, 0, -1
    state[WRITTEN] |= 1 << lane
    m.bars[bar, 0] = state[WRITTEN]
    state[SAID] = 0
    m.rhythm[lane, bar, 0] = 0
    then = bar - _BEFORE[relation]
    again = 0 < relation < _RHYTHM
    state[KIND] = AT_SAME if again else AT_NEW
    state[SAME] = then if relation >= _RHYTHM else -1
    if again:
        here, there = bar * slots, then * slots
        for i in range(slots):
            m.sound[lane, here + i] |= m.sound[lane, there + i]
            m.onset[lane, here + i] |= m.onset[lane, there + i]
        m.rhythm[lane, bar] = m.rhythm[lane, then]


@njit(nogil=True)
def _note_rhythm(m: Any, token: int) -> None:
    """Another event or length of the lane's bar; more than there is room for, and the rhythm cannot return."""
    rhythm = m.rhythm[m.state[LANE], m.state[BAR_]]
    if 0 <= rhythm[0] < RHYTHM_TOKENS:
        rhythm[0] += 1
        rhythm[rhythm[0]] = token
    else:
        rhythm[0] = -1
    m.state[SAID] += 1


@njit(nogil=True)
def _sound_note(m: Any, classes: int, steps: int) -> None:
    """A note of the lane, or its drums, for so many steps."""
    state = m.state
    unit = _UNITS[state[GRID]]
    first = state[BAR_] * state[SLOTS] + state[STEP] * unit
    for i in range(first, min(first + steps * unit, m.sound.shape[1])):
        m.sound[state[LANE], i] |= classes


@njit(nogil=True)
def _plan(m: Any, token: int) -> None:
    """PLAN, BAR, CHORD or GO."""
    state = m.state
    if token == _PLAN:
        state[LANE], state[STEP], state[KIND] = NO_LANE, NO_STEP, AT_PLAN
    elif token < _CHORD:
        state[BAR_] = state[PLANNED]
        state[PLANNED] += 1
        state[GRID], state[CHORDS_], state[WRITTEN], state[KIND] = token - _BAR, 0, 0, AT_BAR
        m.bars[state[BAR_], 1] = token - _BAR
    elif token < _GO:
        m.plan[state[BAR_], state[CHORDS_]] = token - _CHORD
        state[CHORDS_] += 1
        state[KIND] = AT_CHORD
    else:
        bar = token - _GO
        m.kit[0] = m.kit[1]
        state[BAR_], state[WRITTEN], state[GRID] = bar, m.bars[bar, 0], m.bars[bar, 1]
        state[LANE], state[STEP], state[KIND] = NO_LANE, NO_STEP, AT_GO


@njit(nogil=True)
def advance(m: Any, token: int) -> None:
    """Move the machine on by a token that is allowed; END is none that is written."""
    state = m.state
    if token < _TRACK:
        _plan(m, token)
    elif token < _EVENT:
        _begin_lane(m, (token - _TRACK) // _RELATIONS, (token - _TRACK) % _RELATIONS)
    elif token < _LONG:
        step = (token - _EVENT) // _LENGTHS
        state[LONGER] = max(_SHORT, state[LENGTH]) if step == state[STEP] else _SHORT
        state[STEP], state[LENGTH] = step, (token - _EVENT) % _LENGTHS + 1
        state[LAST], state[KIND] = -1, AT_EVENT
        m.onset[state[LANE], state[BAR_] * state[SLOTS] + step * _UNITS[state[GRID]]] = True
        _note_rhythm(m, token)
    elif token < _PITCH:
        state[LENGTH], state[KIND] = token - _LONG + _SHORT + 1, AT_LONG
        _note_rhythm(m, token)
    else:
        state[LAST], state[KIND] = token - _PITCH, AT_PITCH if token < _COMBO else AT_COMBO
        if state[LANE] == _DRUMS:
            _sound_note(m, m.classes[token - _PITCH, 0], 1)
            m.kit[1] |= m.classes[token - _PITCH, 1]
        else:
            _sound_note(m, 1 << (token - _PITCH) % 12, state[LENGTH])


@njit(nogil=True)
def _allow_events(state: Any, mask: Any) -> None:
    """Later steps; at the step itself longer notes, but of drums none."""
    begun = state[KIND] != AT_NEW
    longest = 1 if state[LANE] == _DRUMS else _LENGTHS
    for step in range(state[STEP] if begun else 0, state[SLOTS] // _UNITS[state[GRID]]):
        shortest = 1
        if begun and step == state[STEP]:
            shortest = min(state[LENGTH] + 1, _LENGTHS) if state[LENGTH] < _LONGEST else _LENGTHS + 1
        mask[_EVENT + step * _LENGTHS + shortest - 1 : _EVENT + step * _LENGTHS + max(longest, shortest - 1)] = True


@njit(nogil=True)
def _allow_bars(state: Any, mask: Any) -> None:
    """Another bar of the plan, on a grid of no more than `MAX_STEPS` steps."""
    if state[PLANNED] < _WINDOW:
        for grid in range(_GRIDS):
            mask[_BAR + grid] = state[SLOTS] // _UNITS[grid] <= _STEPS


@njit(nogil=True)
def _allow_plan(state: Any, mask: Any) -> None:
    """PLAN at the very start; then bars and two chords for each, and from there to a bar that is planned."""
    kind = state[KIND]
    if kind == AT_START:
        mask[_PLAN] = True
    elif kind == AT_BAR or (kind == AT_CHORD and state[CHORDS_] < 2):
        mask[_CHORD : _CHORD + _NO_CHORD + 1] = True
    else:
        _allow_bars(state, mask)
        mask[_GO : _GO + state[PLANNED]] = kind == AT_CHORD


@njit(nogil=True)
def _allow_lanes(m: Any, mask: Any) -> None:
    """The bar's end; another bar or plan; or a lane that this bar has not: new, or as where it was on this grid."""
    state = m.state
    mask[_END] = True
    mask[_PLAN] = state[PLANNED] < _WINDOW
    mask[_GO : _GO + state[PLANNED]] = True
    for lane in range(_LANES):
        if state[WRITTEN] >> lane & 1:
            continue
        mask[_TRACK + lane * _RELATIONS] = True
        for relation in range(1, _RELATIONS):
            then = state[BAR_] - _BEFORE[relation]
            if then >= 0 and m.bars[then, 1] == state[GRID] and m.bars[then, 0] >> lane & 1:
                mask[_TRACK + lane * _RELATIONS + relation] = relation < _RHYTHM or m.rhythm[lane, then, 0] > 0


@njit(nogil=True)
def _allow_rhythm(m: Any, mask: Any) -> bool:
    """The next event of the rhythm that is followed; False where it is all said."""
    state = m.state
    rhythm = m.rhythm[state[LANE], state[SAME]]
    if state[SAID] == rhythm[0]:
        return False
    mask[rhythm[1 + state[SAID]]] = True
    return True


@njit(nogil=True)
def allowed(m: Any, mask: Any) -> None:
    """Mark what may come next, bool [TOKENS]; a piece may end wherever END may come."""
    state = m.state
    kind = state[KIND]
    mask[:] = False
    if kind < AT_GO:
        _allow_plan(state, mask)
    elif kind == AT_EVENT and state[LENGTH] > _SHORT:
        if state[SAME] < 0:
            mask[_LONG + state[LONGER] - _SHORT : _PITCH] = True
        else:
            _allow_rhythm(m, mask)
    elif kind in (AT_EVENT, AT_LONG):
        mask[_PITCH : _TOKENS if state[LANE] == _DRUMS else _COMBO] = True
    else:
        if kind == AT_PITCH:
            mask[_PITCH + state[LAST] + 1 : _COMBO] = True
        following = state[SAME] >= 0 and kind in (AT_NEW, AT_PITCH, AT_COMBO) and _allow_rhythm(m, mask)
        if state[SAME] < 0 and kind in (AT_NEW, AT_PITCH, AT_COMBO):
            _allow_events(state, mask)
        if kind != AT_NEW and not following:
            _allow_lanes(m, mask)


@njit(nogil=True)
def _hear_others(m: Any, at: int, bits: Any) -> None:
    """What the lanes written before sound at a step, and when they begin notes in this bar; kick and snare."""
    state = m.state
    unit = _UNITS[state[GRID]]
    here, steps = state[BAR_] * state[SLOTS], state[SLOTS] // unit
    for other in range(_LANES):
        if state[LANE] == other or not state[WRITTEN] >> other & 1:
            continue
        if other == _DRUMS:
            for s in range(steps):
                bits[132 + s] = m.sound[other, here + s * unit] >> KICK & 1
                bits[156 + s] = m.sound[other, here + s * unit] >> SNARE & 1
            continue
        for c in range(12):
            bits[c] |= m.sound[other, here + at * unit] >> c & 1
        for s in range(steps):
            bits[108 + s] |= m.onset[other, here + s * unit]


@njit(nogil=True)
def _hear_itself(m: Any, at: int, bits: Any) -> None:
    """What this lane sounded at a step, and when it began notes, in earlier bars."""
    state = m.state
    bar, lane, slots, unit = state[BAR_], state[LANE], state[SLOTS], _UNITS[state[GRID]]
    here = bar * slots
    for back, first in ((1, 12), (4, 24)):
        if bar >= back:
            for c in range(12):
                bits[first + c] = m.sound[lane, here - back * slots + at * unit] >> c & 1
    for back, first in ((1, 36), (2, 60), (4, 84)):
        if bar >= back:
            for s in range(slots // unit):
                bits[first + s] = m.onset[lane, here - back * slots + s * unit]


@njit(nogil=True)
def hear(m: Any, numbers: Any, bits: Any) -> None:
    """Fill in what is known before the next token: int [10] and uint8 [192] (see the head of this file)."""
    state = m.state
    bar = max(state[BAR_], 0)
    unit = _UNITS[state[GRID]]
    at = 0 if state[STEP] == NO_STEP else state[STEP]
    numbers[0], numbers[1], numbers[2] = state[LANE], state[STEP], bar
    numbers[3:9] = UNKNOWN
    numbers[9] = bar * state[SLOTS] + at * unit
    bits[:] = 0
    if state[KIND] >= AT_GO:
        late = 2 * at * unit >= state[SLOTS]
        numbers[3] = m.plan[bar, 1] if late else m.plan[bar, 0]
        numbers[4] = m.plan[bar + 1, 0] if late else m.plan[bar, 1]
    elif state[KIND] == AT_BAR or (state[KIND] == AT_CHORD and state[CHORDS_] < 2):
        half = state[CHORDS_]
        if half:
            numbers[3] = m.plan[bar, 0]
        for i in range(4):
            if bar >= 1 << i:
                numbers[5 + i] = m.plan[bar - (1 << i), half]
    if state[KIND] >= AT_GO:
        for lane in range(_LANES):
            bits[180 + lane] = m.bars[bar, 0] >> lane & 1
            bits[186 + lane] = bar > 0 and m.bars[bar - 1, 0] >> lane & 1
    if state[LANE] != NO_LANE:
        _hear_others(m, at, bits)
        _hear_itself(m, at, bits)


@njit(nogil=True)
def walk(m: Any, tokens: Any, numbers: Any, bits: Any) -> None:
    """Advance by tokens [T] and hear after each: numbers int16 [T, 10], bits uint8 [T, 192]."""
    for i in range(len(tokens)):
        advance(m, tokens[i])
        hear(m, numbers[i], bits[i])


@njit(nogil=True)
def first_fault(m: Any, tokens: Any) -> int:
    """The index of the first token that is not allowed, -1 where all are."""
    mask = np.zeros(_TOKENS, np.bool_)
    for i in range(len(tokens)):
        allowed(m, mask)
        if not mask[tokens[i]] or tokens[i] == _END:
            return i
        advance(m, tokens[i])
    return -1
