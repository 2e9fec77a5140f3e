"""The player's loop, compiled: what PyTorch computes, without its cost of a call, for several candidates at once.

A *script* says what to write: tokens that are given, FREE where the network says one token, and LANES where it writes
lanes until the bar ends; SKIP says nothing. `play` follows a script for each candidate of a desk (desk.py, with the
shapes' letters); each weight that it reads serves them all.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import njit

import engine.player.grammar as grammar
import engine.player.vocabulary as v
from engine.core import chords
from engine.core.kernels import digest, exp, scaled
from engine.player.choosing import OPTIONS, choose
from engine.player.desk import LONG_BAR
from engine.player.levels import LEVELS

FREE, LANES, SKIP = -1, -2, -3
"""In a script: one token, and lanes until END, that the network says; and nothing."""
TOGETHER = 16
"""Given tokens that are read in one product."""
INLINE = OPTIONS | {"forceinline": True}
"""For what stands within `read` and `play` alone: compiled on its own beside them it would sum in another order, and
the process that compiles them would play otherwise than those that find them compiled."""
_FREE, _LANES_, _SKIP, _LONG_BAR, _TOGETHER = FREE, LANES, SKIP, LONG_BAR, TOGETHER
_END, _TOKENS, _TRACK, _EVENT, _PITCH = v.END, v.TOKENS, v.TRACK, v.EVENT, v.PITCH
_LEVELS, _BITS, _NUMBERS = LEVELS, grammar.BITS, grammar.NUMBERS
_FINE = np.float32(32767)  # the highest whole number of 16 bits
_BEFORE, _RHYTHM, _DRUMS = np.array(v.RELATIONS), v.RHYTHM, v.DRUMS


@njit(**INLINE)
def _norm(x, weight, out):
    """out = x, its root mean square 1, times the weight. float32 [n] each."""
    total = np.float32(0)
    for i in range(x.shape[0]):
        total += x[i] * x[i]
    scale = np.float32(1) / np.sqrt(total / np.float32(x.shape[0]) + np.float32(1.1920929e-07))
    for i in range(x.shape[0]):
        out[i] = x[i] * scale * weight[i]


@njit(**INLINE)
def _turn(x, cos, sin, out):
    """out = x [S], its root mean square 1, turned by angles whose cosines and sines [S / 2] are given."""
    half = cos.shape[0]
    total = np.float32(0)
    for i in range(2 * half):
        total += x[i] * x[i]
    scale = np.float32(1) / np.sqrt(total / np.float32(2 * half) + np.float32(1.1920929e-07))
    for i in range(half):
        a, b = x[i] * scale, x[half + i] * scale
        out[i] = a * cos[i] - b * sin[i]
        out[half + i] = a * sin[i] + b * cos[i]


@njit(**INLINE)
def _hold(x, most, out):
    """out = x [S], which is `most` at most, as whole numbers of 16 bits."""
    parts = _FINE / most
    for i in range(x.shape[0]):
        out[i] = np.int16(np.rint(x[i] * parts))


@njit(**INLINE)
def _attend(query, keys, values, loudest, time, scores, out):
    """out [S]: the values [T, S], of which each row's `loudest` [T] is known, that a query [S] attends to among the
    first `time` keys [T, S]."""
    size = query.shape[0]
    scale = np.float32(1) / _FINE  # keys are √S at most, and their products are divided by that
    top = np.float32(-1e30)
    for t in range(time):
        key, total = keys[t], np.float32(0)
        for i in range(size):
            total += query[i] * np.float32(key[i])
        scores[t] = total * scale
        top = max(top, scores[t])
    total = np.float32(0)
    for t in range(time):
        scores[t] = exp(scores[t] - top)
    for t in range(time):
        total += scores[t]
        scores[t] *= loudest[t]
    out[:] = 0
    for first in range(0, time - 3, 4):
        s0, s1, s2, s3 = scores[first], scores[first + 1], scores[first + 2], scores[first + 3]
        v0, v1, v2, v3 = values[first], values[first + 1], values[first + 2], values[first + 3]
        for i in range(size):
            out[i] += (
                s0 * np.float32(v0[i]) + s1 * np.float32(v1[i]) + s2 * np.float32(v2[i]) + s3 * np.float32(v3[i])
            )  # fmt: skip
    for t in range(time // 4 * 4, time):
        share, value = scores[t], values[t]
        for i in range(size):
            out[i] += share * np.float32(value[i])
    share = np.float32(1) / (total * _FINE)
    for i in range(size):
        out[i] *= share


@njit(**INLINE)
def _embed(weights, desk, c, time, machine, token, out, cos, sin, numbers, bits):
    """Write a candidate's token: what it is and what is known beside it, float32 [W]; and the cosines and sines of its
    position, [S / 2] each."""
    grammar.advance(machine, token)
    desk.tokens[c, time] = token
    grammar.hear(machine, numbers, bits)
    lane = numbers[0]
    busy = weights.busy[lane * _LEVELS + desk.levels[c, 0, lane]]
    register = weights.register[lane * _LEVELS + desk.levels[c, 1, lane]]
    written, whole = weights.token[token], desk.whole[c]
    for i in range(out.shape[0]):
        out[i] = written[i] + whole[i] + busy[i] + register[i]
    for n in range(weights.offsets.shape[0]):
        row = weights.numbers[weights.offsets[n] + numbers[n]]
        for i in range(out.shape[0]):
            out[i] += row[i]
    for n in range(_BITS):
        if bits[n]:
            row = weights.bits[n]
            for i in range(out.shape[0]):
                out[i] += row[i]
    quarter = weights.rate.shape[0]
    for i in range(quarter):
        place, beat = time * weights.rate[i], numbers[_NUMBERS - 1] * weights.turns[i]
        cos[i], sin[i] = np.cos(place), np.sin(place)
        cos[quarter + i], sin[quarter + i] = np.cos(beat), np.sin(beat)


@njit(**INLINE)
def _layer(weights, desk, layer, rows, times, count, x, cos, sin, wide, narrow, scores):
    """One block for tokens of some candidates, each at its time: x [count, W] moves on, keys and values are kept."""
    width, size = x.shape[1], desk.keys.shape[4]
    heads, hidden = width // size, weights.fc2.shape[1]
    for r in range(count):
        _norm(x[r], weights.norm1[layer], narrow[r])
    scaled(narrow, weights.in_proj[layer], weights.scale_in_proj[layer], wide, count)
    for r in range(count):
        c, time = rows[r], times[r]
        for h in range(heads):
            at = h * size
            keys, values = desk.keys[c, layer, h], desk.values[c, layer, h]
            loudest, value = desk.loudest[c, layer, h], wide[r, 2 * width + at : 2 * width + at + size]
            _turn(wide[r, width + at : width + at + size], cos[r], sin[r], scores[:size])
            _hold(scores[:size], np.sqrt(np.float32(size)), keys[time])
            loudest[time] = max(np.abs(value).max(), np.float32(1e-12))
            _hold(value, loudest[time], values[time])
            query = wide[r, at : at + size]
            _turn(query, cos[r], sin[r], scores[:size])
            query[:] = scores[:size]
            _attend(query, keys, values, loudest, time + 1, scores, narrow[r, at : at + size])
    scaled(narrow, weights.out_proj[layer], weights.scale_out_proj[layer], wide, count)
    for r in range(count):
        for i in range(width):
            x[r, i] += wide[r, i]
        _norm(x[r], weights.norm2[layer], narrow[r])
    scaled(narrow, weights.fc1[layer], weights.scale_fc1[layer], wide, count)
    for r in range(count):
        for i in range(hidden):
            gate = wide[r, i]
            wide[r, i] = gate / (np.float32(1) + exp(-gate)) * wide[r, hidden + i]
    scaled(wide, weights.fc2[layer], weights.scale_fc2[layer], narrow, count)
    for r in range(count):
        for i in range(width):
            x[r, i] += narrow[r, i]


@njit(**OPTIONS)
def _not_again(machine, mask):
    """Let no pitched lane play a bar again whose chords are others than this one's."""
    bar, relations = machine.state[grammar.BAR_], _BEFORE.shape[0]
    for relation in range(1, _RHYTHM):
        then = bar - _BEFORE[relation]
        if then >= 0 and (machine.plan[then] != machine.plan[bar]).any():
            for token in range(_TRACK + relation, _EVENT, relations):
                mask[token] &= (token - _TRACK) // relations == _DRUMS


@njit(**OPTIONS)
def _machine(machines, c):
    """One candidate's machine."""
    return grammar.Machine(machines.state[c], machines.bars[c], machines.plan[c], machines.sound[c], machines.onset[c],
                           machines.rhythm[c], machines.kit[c], machines.classes[c])  # fmt: skip


@njit(**OPTIONS)
def _next(weights, desk, c, machine, script, at, begun, may, mask, temperature, top_p, lean):
    """(the token to write, where in the script to go on, where this bar's lanes began), -1 for a token at the end."""
    while at < script.shape[0]:
        if script[at] >= 0:
            return script[at], at + 1, desk.time[c] + 1
        if script[at] == _SKIP:
            at += 1
            continue
        grammar.allowed(machine, mask)
        closes = not may[c, _TRACK:_EVENT].any()  # no lane may follow this one
        for i in range(mask.shape[0]):
            mask[i] &= may[c, i] or (closes and _TRACK <= i < _EVENT)
        if lean:
            _not_again(machine, mask)
        if script[at] == _LANES_ and desk.time[c] - begun > _LONG_BAR:
            if mask[_END]:
                at += 1
                continue
            if mask[_EVENT:_PITCH].any():  # of a rhythm that is followed; each of its chords has a note
                mask[_PITCH:] = False
        uniform = desk.uniform[c, desk.drawn[c] % desk.uniform.shape[1]]
        desk.drawn[c] += 1
        token = choose(
            weights,
            desk.said[c],
            mask,
            may[c],
            temperature,
            top_p,
            uniform,
            machine,
            lean,
            desk.tokens[c],
            desk.time[c],
            desk.groove[c],
        )
        if token != _END:
            return token, at + (script[at] == _FREE), begun
        at += 1
    return -1, at, begun


@njit(**INLINE)
def _read(weights, desk, tokens):
    width, half, count = desk.said.shape[1], desk.keys.shape[4] // 2, min(_TOGETHER, tokens.shape[0])
    wide = np.zeros((count, max(weights.fc1.shape[2], 3 * width)), np.float32)
    narrow, x = np.zeros((count, width), np.float32), np.zeros((count, width), np.float32)
    cos, sin = np.zeros((count, half), np.float32), np.zeros((count, half), np.float32)
    scores = np.zeros(desk.keys.shape[3], np.float32)
    numbers, bits = np.zeros(_NUMBERS, np.int64), np.zeros(_BITS, np.uint8)
    rows, machine, begun = np.zeros(count, np.int64), _machine(desk.machines, 0), desk.time[0]
    for first in range(0, tokens.shape[0], count):
        times = begun + np.arange(first, min(first + count, tokens.shape[0]))
        for r, time in enumerate(times):
            _embed(weights, desk, 0, time, machine, tokens[first + r], x[r], cos[r], sin[r], numbers, bits)
        for layer in range(weights.in_proj.shape[0]):
            _layer(weights, desk, layer, rows, times, len(times), x, cos, sin, wide, narrow, scores)
        _norm(x[len(times) - 1], weights.norm, desk.said[0])
    desk.time[0] += tokens.shape[0]
    desk.states[0, desk.time[0] - 1] = desk.said[0]


@njit(**INLINE)
def _play(weights, desk, script, may, temperature, top_p, lean):
    candidates, width = desk.said.shape
    wide = np.zeros((candidates, max(weights.fc1.shape[2], 3 * width)), np.float32)
    narrow, x = np.zeros((candidates, width), np.float32), np.zeros((candidates, width), np.float32)
    half = desk.keys.shape[4] // 2
    cos, sin = np.zeros((candidates, half), np.float32), np.zeros((candidates, half), np.float32)
    scores = np.zeros(desk.keys.shape[3], np.float32)
    numbers, bits = np.zeros(_NUMBERS, np.int64), np.zeros(_BITS, np.uint8)
    mask = np.zeros(_TOKENS, np.bool_)
    rows, times = np.zeros(candidates, np.int64), np.zeros(candidates, np.int64)
    at = np.zeros(candidates, np.int64)
    begun = desk.time.copy()
    while True:
        count = 0
        for c in range(candidates):
            machine = _machine(desk.machines, c)
            if at[c] == script.shape[1]:
                continue
            token, at[c], begun[c] = _next(
                weights, desk, c, machine, script[c], at[c], begun[c], may, mask, temperature, top_p, lean
            )
            if token < 0:
                continue
            times[count] = desk.time[c]
            _embed(weights, desk, c, times[count], machine, token, x[count], cos[count], sin[count], numbers, bits)
            rows[count] = c
            count += 1
        if count == 0:
            return
        for layer in range(weights.in_proj.shape[0]):
            _layer(weights, desk, layer, rows, times, count, x, cos, sin, wide, narrow, scores)
        for r in range(count):
            _norm(x[r], weights.norm, desk.said[rows[r]])
            desk.states[rows[r], desk.time[rows[r]]] = desk.said[rows[r]]
            desk.time[rows[r]] += 1


def _kept(sources):
    """`read` and `play`, whose machine code is kept on disk for as long as the sources that it comes from are these:
    numba itself looks at no other file than the function's own."""

    @njit(cache=True, **OPTIONS)
    def read(weights, desk, tokens):
        """Write tokens that are given to a single candidate, `TOGETHER` of them in one product."""
        assert sources
        _read(weights, desk, tokens)

    @njit(cache=True, **OPTIONS)
    def play(weights, desk, script, may, temperature, top_p, lean):
        """Follow a script for every candidate. script: int32 [C, items]; may: bool [C, TOKENS], what each may ever say;
        lean: whether to lean to the plan's chords by `weights.chord`, and to play no bar again over others."""
        assert sources
        _play(weights, desk, script, may, temperature, top_p, lean)

    return read, play


read, play = _kept(digest(*sorted(Path(__file__).parent.glob("*.py")), chords.__file__))
