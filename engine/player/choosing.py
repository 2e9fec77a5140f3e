"""How the player's next token is chosen: the network's chances, moved to what songs have, and one of them drawn.

What is drawn from a network repeats itself more than what it learned from, and keeps less to a chord; so chances are
moved between tokens that stand for each other, by weights that were calibrated on songs (desk.Weights). Each step here
does that to the chances, float64 [n], of the tokens that may come next, int64 [n], ascending.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

import engine.player.grammar as grammar
import engine.player.vocabulary as v
from engine.core import chords

NEAR = 17
"""Semitones between two notes of a line that are no leap."""
OPTIONS: Any = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
_NEAR, _RELATIONS, _SIXTEENTH = NEAR, len(v.RELATIONS), 6 // grammar.SLOT
_END, _TRACK, _EVENT, _LONG, _LENGTHS, _TOKENS = v.END, v.TRACK, v.EVENT, v.LONG, v.LENGTHS, v.TOKENS
_PITCH, _COMBO, _CHORDS, _DRUMS, _BASS, _LEAD = (
    v.PITCH, v.COMBO, v.CHORDS, v.DRUMS, v.LANES.index("bass"), v.LEAD,
)  # fmt: skip
_PASSING = np.bitwise_or.reduce(
    grammar.drum_classes(())[[drum for name in grammar.PASSING for drum in grammar.DRUM_CLASSES[name]], 1]
)
_AWAY = 7  # how many times as strongly a note that clashes with the tune is lowered
_TONES, _UNITS, _BEAT = chords.TEMPLATES, np.array(v.UNITS) // grammar.SLOT, 24 // grammar.SLOT


@njit(**OPTIONS)
def _correct(chance, may, bias):
    """Move chance between END and the lanes' TRACKs by `bias` (logits); what they have together, and so when a lane has
    all its notes, stays as the network says it."""
    before = after = 0.0
    for n in range(may.shape[0]):
        if may[n] == _END or _TRACK <= may[n] < _EVENT:
            before += chance[n]
            chance[n] *= np.exp(bias[may[n]])
            after += chance[n]
    for n in range(may.shape[0]):
        if after > 0 and (may[n] == _END or _TRACK <= may[n] < _EVENT):
            chance[n] *= before / after


@njit(**OPTIONS)
def _rescale(chance, may, first, last, before):
    """Give the tokens from `first` to `last` together the chance `before` again."""
    after = 0.0
    for n in range(may.shape[0]):
        if first <= may[n] < last:
            after += chance[n]
    for n in range(may.shape[0]):
        if after > 0 and first <= may[n] < last:
            chance[n] *= before / after


@njit(**OPTIONS)
def _share(chance, may, first, last):
    """What chance the tokens from `first` to `last` have."""
    total = 0.0
    for n in range(may.shape[0]):
        if first <= may[n] < last:
            total += chance[n]
    return total


@njit(**OPTIONS)
def _tune_beside(machine, slot):
    """For how many slots each pitch class sounds in the tune while the note lasts that is being written, int64 [12]."""
    state, out = machine.state, np.zeros(12, np.int64)
    first = state[grammar.BAR_] * state[grammar.SLOTS] + slot
    last = first + state[grammar.LENGTH] * _UNITS[state[grammar.GRID]]
    for i in range(first, min(last, machine.sound.shape[1])):
        for steps in range(12):
            out[steps] += machine.sound[_LEAD, i] >> steps & 1
    return out


@njit(**OPTIONS)
def _pull(chance, may, machine, weights, lean):
    """Raise the bass's root of the planned chord in the half bar's first beat by `weights.root`; where chords are to be
    leaned to, all their notes by `weights.chord`, and lower those that a given tune would be a semitone from for half a
    beat. Whether there is a note at all stays as likely as it was."""
    state = machine.state
    lane = state[grammar.LANE]
    if lane == _DRUMS or lane == grammar.NO_LANE or state[grammar.STEP] == grammar.NO_STEP:
        return
    slot, half = state[grammar.STEP] * _UNITS[state[grammar.GRID]], state[grammar.SLOTS] // 2
    chord = machine.plan[state[grammar.BAR_], 1 if slot >= half else 0]
    if chord >= _CHORDS:
        return
    more = weights.chord if lean else 0.0
    root = weights.root if lane == _BASS and slot % half < _BEAT else 0.0
    if more == root == 0:
        return
    tune = _tune_beside(machine, slot)
    pulls = np.zeros(12)
    for steps in range(12):
        clash = max(tune[(steps + 1) % 12], tune[(steps + 11) % 12]) >= _BEAT // 2
        pulls[steps] = more * (_TONES[chord, steps] - _AWAY * clash)
    pulls[chord % 12] += root
    before = _share(chance, may, _PITCH, _COMBO)
    for n in range(may.shape[0]):
        if _PITCH <= may[n] < _COMBO:
            chance[n] *= np.exp(pulls[(may[n] - _PITCH) % 12])
    _rescale(chance, may, _PITCH, _COMBO, before)


@njit(**OPTIONS)
def _end_instead(chance, may, allowed):
    """Give END the chance of the lanes' TRACKs that could follow and may not: a lane that is over is over."""
    barred = 0.0
    for n in range(may.shape[0]):
        if not allowed[may[n]]:
            barred += chance[n]
            chance[n] = 0
    for n in range(may.shape[0]):
        if may[n] == _END:
            chance[n] += barred


@njit(**OPTIONS)
def _equip(chance, may, machine, drums, kit, groove):
    """Raise each set of drums by the weights `drums` of those in it, by their classes; in the first bar with drums by
    those of its `groove` [SIXTEENTHS, drums] too, and then by `kit` for each that is new, those aside that come and
    go."""
    state = machine.state
    slot = state[grammar.STEP] * _UNITS[state[grammar.GRID]]
    if machine.kit[0] == 0 and slot % _SIXTEENTH == 0:
        drums = drums + groove[slot // _SIXTEENTH % groove.shape[0]]
    known = machine.kit[1] | _PASSING
    for n in range(may.shape[0]):
        if may[n] >= _PITCH:
            classes, total = machine.classes[may[n] - _PITCH, 0], 0.0
            for number in range(drums.shape[0]):
                total += drums[number] * (classes >> number & 1)
            new = machine.classes[may[n] - _PITCH, 1] & ~known if machine.kit[0] else 0
            while new:
                new &= new - 1
                total += kit
            chance[n] *= np.exp(total)


@njit(**OPTIONS)
def _repeat(chance, may, tokens, time, line, chord):
    """Raise the pitches of the event before the one being written, in the same bar, by `line`; where that is a chord
    (two notes or more) and this event has been it so far, its next note by `chord` instead."""
    at = time - 1
    while at >= 0 and tokens[at] >= _PITCH:  # those of this event
        at -= 1
    here = time - 1 - at
    while at >= 0 and _EVENT <= tokens[at] < _PITCH:  # the event itself
        at -= 1
    first = at + 1
    while first > 0 and tokens[first - 1] >= _PITCH:  # those of the event before
        first -= 1
    coming, again = first + here, at > first
    for i in range(here):
        again &= first + i <= at and tokens[first + i] == tokens[time - here + i]
    for i in range(first, at + 1):
        for n in range(may.shape[0]):
            if may[n] == tokens[i]:
                chance[n] *= np.exp(chord if again and i == coming else line)


@njit(**OPTIONS)
def _last(tokens, time, lane):
    """The pitch that a lane struck last before the event being written, in this bar or one before; -1 where none."""
    last, begun = -1, False  # of the bar that is looked through, from its end; whether this one's begin is behind
    for at in range(time - 1, -1, -1):
        token = tokens[at]
        if _PITCH <= token < _COMBO:
            if last < 0:
                last = token - _PITCH
        elif _TRACK <= token < _EVENT:
            if last >= 0 and (not begun or (token - _TRACK) // _RELATIONS == lane):
                return last
            last, begun = -1, True
    return -1


@njit(**OPTIONS)
def _leap(chance, may, last, weight):
    """Raise pitches by `weight` for each octave that they are further than `_NEAR` from the one before."""
    for n in range(may.shape[0]):
        if _PITCH <= may[n] < _COMBO:
            chance[n] *= np.exp(weight * max(0, abs(may[n] - _PITCH - last) - _NEAR) / 12)


@njit(**OPTIONS)
def _vary(chance, may, tokens, time, machine, weights, groove):
    """Raise pitches that come again by `weights.repeat` and those far from the last by `weights.leap`, and drums by
    `weights.drums`, `weights.kit` and `groove`; whether there is a note at all stays as likely as it was."""
    lane, before = machine.state[grammar.LANE], _share(chance, may, _PITCH, _TOKENS)
    if lane == grammar.NO_LANE or before == 0:
        return
    if lane == _DRUMS:
        _equip(chance, may, machine, weights.drums, weights.kit, groove)
    else:
        _repeat(chance, may, tokens, time, weights.repeat[lane], weights.chords[lane])
        if weights.leap[lane] and tokens[time - 1] < _PITCH:  # the event's first note
            last = _last(tokens, time, lane)
            if last >= 0:
                _leap(chance, may, last, weights.leap[lane])
    _rescale(chance, may, _PITCH, _TOKENS, before)


@njit(**OPTIONS)
def _chord_before(tokens, time, lane):
    """How many notes the last chord (two notes or more) of a lane has in what is written until `time`, in the lane's
    bar or one before; 0 where there is none."""
    notes, last, begun = 0, 0, False  # of the bar that is looked through, from its end; whether this one is behind
    for at in range(time - 1, -1, -1):
        if _PITCH <= tokens[at] < _COMBO:
            notes += 1
            continue
        last = notes if last == 0 and notes > 1 else last
        notes = 0
        if _TRACK <= tokens[at] < _EVENT:
            if last and (not begun or (tokens[at] - _TRACK) // _RELATIONS == lane):
                return last
            last, begun = 0, True
    return 0


@njit(**OPTIONS)
def _voices(chance, may, tokens, time, machine, weights):
    """Raise another note for a chord by `weights.voices` while it has fewer than the lane's last, and lower it once it
    has as many."""
    lane, here = machine.state[grammar.LANE], 0
    while _PITCH <= tokens[time - 1 - here] < _COMBO:
        here += 1
    if here < 2 or lane == grammar.NO_LANE or weights.voices[lane] == 0:
        return
    before = _chord_before(tokens, time - here, lane)
    if before == 0:
        return
    weight = weights.voices[lane] if here < before else -weights.voices[lane]
    for n in range(may.shape[0]):
        if _PITCH <= may[n] < _COMBO:
            chance[n] *= np.exp(weight)


@njit(**OPTIONS)
def _meet(chance, may, machine, weights):
    """Raise events by `weights.meet` where an earlier pitched lane begins notes, those of the bass where the kick is
    struck; whether there is another event stays as likely as it was."""
    state = machine.state
    lane, before = state[grammar.LANE], _share(chance, may, _EVENT, _LONG)
    if lane == _DRUMS or lane == grammar.NO_LANE or before == 0:
        return
    unit, here = _UNITS[state[grammar.GRID]], state[grammar.BAR_] * state[grammar.SLOTS]
    for n in range(may.shape[0]):
        if _EVENT <= may[n] < _LONG:
            slot, met = here + (may[n] - _EVENT) // _LENGTHS * unit, False
            if lane == _BASS:
                met = machine.onset[_DRUMS, slot] and machine.sound[_DRUMS, slot] >> grammar.KICK & 1
            else:
                for other in range(1, machine.onset.shape[0]):
                    met |= other != lane and other != _BASS and machine.onset[other, slot]
            if met:
                chance[n] *= np.exp(weights.meet[lane])
    _rescale(chance, may, _EVENT, _LONG, before)


@njit(**OPTIONS)
def choose(weights, said, mask, allowed, temperature, top_p, uniform, machine, lean, tokens, time, groove):
    """The next token: the likeliest that is allowed at temperature 0, else the one that `uniform` falls on among the
    likeliest that share `top_p` [3] of the chance, of drums (2), of pitches (1) or of all else (0).

    said: float32 [W]; mask: bool [TOKENS] of what could follow, of which TRACKs may be not `allowed`; lean: whether to
    the plan's chords; tokens [T] are those written until `time`; groove: float64 [SIXTEENTHS, drums] of the genre."""
    head = weights.head
    may = np.flatnonzero(mask)
    logits = np.empty(may.shape[0])
    for n in range(may.shape[0]):
        row, total = head[may[n]], np.float32(0)
        for i in range(said.shape[0]):
            total += said[i] * row[i]
        logits[n] = total
    chance = np.exp((logits - logits.max()) / (temperature if temperature > 0 else 1.0))
    _correct(chance, may, weights.bias)
    _end_instead(chance, may, allowed)
    _voices(chance, may, tokens, time, machine, weights)
    _vary(chance, may, tokens, time, machine, weights, groove)
    _meet(chance, may, machine, weights)
    _pull(chance, may, machine, weights, lean)
    if temperature <= 0:
        return may[np.argmax(chance)]
    order = np.argsort(-chance, kind="mergesort")
    kind = 2 if may[-1] >= _COMBO else 1 if may[0] >= _PITCH else 0
    share = top_p[kind] * chance.sum()
    total, kept = 0.0, 0
    while kept < may.shape[0] and total < share:
        total += chance[order[kept]]
        kept += 1
    left = uniform * total
    for n in range(kept):
        left -= chance[order[n]]
        if left < 0:
            return may[order[n]]
    return may[order[kept - 1]]
