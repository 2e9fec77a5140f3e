"""The loop that plays SampleRNN, compiled by numba: frames of both tiers, and the samples within them.

Types are those of the arrays that come in, shapes stand at each function; sampler.py prepares and calls it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from engine.trombone.config import LEVELS

TILE = 768  # columns of a matrix that are gone through together
BLOCK = 16  # levels that a draw goes past at once


def _compiled(function: Callable[..., Any]) -> Any:
    """numba's njit, cached on disk where any place for the cache is writable; compiled anew each time where none is."""
    fastmath = {"reassoc", "contract", "nsz", "arcp", "nnan"}
    options: Any = {"nogil": True, "error_model": "numpy", "fastmath": fastmath, "boundscheck": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "no locator available", every cache folder is read-only
        return numba.njit(**options)(function)


@_compiled
def _one(x, weights, out, b, k, first, last):
    """out[b, first:last] += x[b, k : k + 8] @ weights[k : k + 8, first:last]."""
    w0, w1 = weights[k, first:last], weights[k + 1, first:last]
    w2, w3 = weights[k + 2, first:last], weights[k + 3, first:last]
    w4, w5 = weights[k + 4, first:last], weights[k + 5, first:last]
    w6, w7 = weights[k + 6, first:last], weights[k + 7, first:last]
    a0, a1, a2, a3 = x[b, k], x[b, k + 1], x[b, k + 2], x[b, k + 3]
    a4, a5, a6, a7 = x[b, k + 4], x[b, k + 5], x[b, k + 6], x[b, k + 7]
    row = out[b, first:last]
    for o in range(last - first):
        v0, v1, v2, v3, v4, v5, v6, v7 = w0[o], w1[o], w2[o], w3[o], w4[o], w5[o], w6[o], w7[o]
        row[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7


@_compiled
def _four(x, weights, out, b, k, first, last):
    """The same for four notes from `b` on, so that each weight that is read serves all of them; the sums are those of
    `_one` in the same order, to the bit."""
    r0, r1 = out[b, first:last], out[b + 1, first:last]
    r2, r3 = out[b + 2, first:last], out[b + 3, first:last]
    w0, w1 = weights[k, first:last], weights[k + 1, first:last]
    w2, w3 = weights[k + 2, first:last], weights[k + 3, first:last]
    w4, w5 = weights[k + 4, first:last], weights[k + 5, first:last]
    w6, w7 = weights[k + 6, first:last], weights[k + 7, first:last]
    a0, a1, a2, a3 = x[b, k], x[b, k + 1], x[b, k + 2], x[b, k + 3]
    a4, a5, a6, a7 = x[b, k + 4], x[b, k + 5], x[b, k + 6], x[b, k + 7]
    c0, c1, c2, c3 = x[b + 1, k], x[b + 1, k + 1], x[b + 1, k + 2], x[b + 1, k + 3]
    c4, c5, c6, c7 = x[b + 1, k + 4], x[b + 1, k + 5], x[b + 1, k + 6], x[b + 1, k + 7]
    d0, d1, d2, d3 = x[b + 2, k], x[b + 2, k + 1], x[b + 2, k + 2], x[b + 2, k + 3]
    d4, d5, d6, d7 = x[b + 2, k + 4], x[b + 2, k + 5], x[b + 2, k + 6], x[b + 2, k + 7]
    e0, e1, e2, e3 = x[b + 3, k], x[b + 3, k + 1], x[b + 3, k + 2], x[b + 3, k + 3]
    e4, e5, e6, e7 = x[b + 3, k + 4], x[b + 3, k + 5], x[b + 3, k + 6], x[b + 3, k + 7]
    for o in range(last - first):
        v0, v1, v2, v3, v4, v5, v6, v7 = w0[o], w1[o], w2[o], w3[o], w4[o], w5[o], w6[o], w7[o]
        r0[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7
        r1[o] += c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3 + c4 * v4 + c5 * v5 + c6 * v6 + c7 * v7
        r2[o] += d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3 + d4 * v4 + d5 * v5 + d6 * v6 + d7 * v7
        r3[o] += e0 * v0 + e1 * v1 + e2 * v2 + e3 * v3 + e4 * v4 + e5 * v5 + e6 * v6 + e7 * v7


@_compiled
def _times(x, weights, out, count, width):
    """out[b] += x[b] @ weights for the first `count` rows: eight weight rows at a time, which are still near when the
    next four notes come, and what is left of four."""
    inner = x.shape[1]
    for first in range(0, width, TILE):
        last = min(first + TILE, width)
        for k in range(0, inner - 7, 8):
            b = 0
            while b + 4 <= count:
                _four(x, weights, out, b, k, first, last)
                b += 4
            while b < count:
                _one(x, weights, out, b, k, first, last)
                b += 1
    if inner % 8 >= 4:
        k = inner // 8 * 8
        for note in range(count):
            for o in range(width):
                out[note, o] += (
                    x[note, k] * weights[k, o] + x[note, k + 1] * weights[k + 1, o]
                    + x[note, k + 2] * weights[k + 2, o] + x[note, k + 3] * weights[k + 3, o]
                )  # fmt: skip


@_compiled
def _exp(x):
    """e^x between -30 and 30, within 1e-5 of itself where |x| < 12: a polynomial of x/32, squared five times. Unlike
    np.exp it is computed for many at once."""
    a = min(max(x, np.float32(-30)), np.float32(30)) * np.float32(1 / 32)
    power = np.float32(1 / 720)
    for over in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0):
        power = power * a + np.float32(over)
    power *= power
    power *= power
    power *= power
    power *= power
    return power * power


@_compiled
def _fill(out, row, count):
    """out [b, n]: this row [n] for each note."""
    for b in range(count):
        for o in range(len(row)):
            out[b, o] = row[o]


@_compiled
def _gru(gates, state, weights, bias, hidden, count, dim):
    """One step of a GRU in PyTorch's convention: `gates` [b, 3·dim] holds the input's part already."""
    one, two = np.float32(1), np.float32(2)
    _fill(hidden, bias, count)
    _times(state, weights, hidden, count, 3 * dim)
    for b in range(count):
        gate, own, before = gates[b], hidden[b], state[b]
        for o in range(2 * dim):  # reset and update; loops over few arrays, each of which is computed for many at once
            own[o] = one / (one + _exp(-(gate[o] + own[o])))
        update, new, given = own[dim : 2 * dim], own[2 * dim :], gate[2 * dim :]
        for o in range(dim):
            new[o] = given[o] + own[o] * new[o]
        for o in range(dim):
            new[o] = two / (one + _exp(-two * new[o])) - one  # tanh
        for o in range(dim):
            before[o] = new[o] + update[o] * (before[o] - new[o])


@_compiled
def _choose(logits, temperature, uniform):
    """A level between 0 and 255: one drawn from the softmax, brought towards its mean by the temperature."""
    top = logits[0]
    for k in range(1, LEVELS):
        top = max(top, logits[k])
    total = mean = np.float32(0)
    for k in range(LEVELS):
        below = logits[k] - top
        logits[k] = _exp(below) if below > np.float32(-14) else np.float32(0)
        total += logits[k]
        mean += logits[k] * np.float32(k)
    mean /= total
    if temperature <= 0:
        return mean
    left, k = uniform * total, 0
    while k < LEVELS - BLOCK:  # past whole blocks, each summed at once
        block = np.float32(0)
        for i in range(BLOCK):
            block += logits[k + i]
        if block > left:
            break
        left -= block
        k += BLOCK
    drawn = mean
    while k < LEVELS:
        left -= logits[k]
        if left < 0 and logits[k] > 0:
            drawn = np.float32(k)
            break
        k += 1
    return min(max(mean + temperature * (drawn - mean), np.float32(0)), np.float32(LEVELS - 1))


@_compiled
def _window(out, values, levels, at, count, size):
    """out [b, size]: the values of `size` levels from `at` on."""
    for b in range(count):
        for i in range(size):
            out[b, i] = values[levels[b, at + i]]


@_compiled
def _rectify(x, count):
    """x [b, n]: what is negative becomes 0."""
    for b in range(count):
        for o in range(x.shape[1]):
            x[b, o] = max(x[b, o], np.float32(0))


@_compiled
def _embed(out, base, local, below, offset, table, levels, at, count, frame):
    """out [b, dim]: the first layer of the sample's MLP, from what is known of the sample and the last levels."""
    dim = out.shape[1]
    for b in range(count):
        row = out[b]
        for o in range(dim):
            row[o] = base[b, local, o] + below[b, offset + o]
        for i in range(0, frame, 4):
            s0, s1 = table[i, levels[b, at + i]], table[i + 1, levels[b, at + i + 1]]
            s2, s3 = table[i + 2, levels[b, at + i + 2]], table[i + 3, levels[b, at + i + 3]]
            for o in range(dim):
                row[o] += s0[o] + s1[o] + s2[o] + s3[o]
        for o in range(dim):
            row[o] = max(row[o], np.float32(0))


@_compiled
def _weigh(logits, middle):
    """Add to the logits of the levels a bell around `middle` (-1 … 1), as wide as the network says in the last one."""
    wide = np.float32(-2) * logits[LEVELS + 1] - np.float32(4.2)
    half = np.float32(-0.5) * np.exp(min(max(wide, np.float32(-10)), np.float32(1.8)))
    centre = np.float32(127.5) * middle + np.float32(128)
    for k in range(LEVELS):
        away = np.float32(k) - centre
        logits[k] += half * away * away


@_compiled
def play(
    played, levels, values, count, start, slice_frames, upper_gates, lower_gates, sample_base, mean_base, uniform,
    temperature, upper_state, lower_state, upper_in, upper_hh, upper_bias, upper_up, upper_up_bias, lower_in,
    lower_hh, lower_bias, lower_up, lower_up_bias, table, hidden_w, hidden_b, output_w, output_b, linear, frame, ratio,
):  # fmt: skip
    """Play `slice_frames` upper frames of `count` notes from sample `start`, into played [b, frames] and, rounded, into
    levels [b, history + frames]."""
    dim = upper_state.shape[1]
    size = levels.shape[0]
    big = frame * ratio
    gates = np.empty((size, 3 * dim), np.float32)
    hidden = np.empty((size, 3 * dim), np.float32)
    above = np.empty((size, ratio * 3 * dim), np.float32)
    below = np.empty((size, frame * dim), np.float32)
    last = np.empty((size, big), np.float32)
    short = np.empty((size, frame), np.float32)
    first = np.empty((size, dim), np.float32)
    second = np.empty((size, dim), np.float32)
    out = np.empty((size, LEVELS + 2), np.float32)
    for f in range(slice_frames):
        at = start + f * big  # of the sound; in `levels` this is at + big
        _window(last, values, levels, at, count, big)
        for b in range(count):
            for o in range(3 * dim):
                gates[b, o] = upper_gates[b, f, o]
        _times(last, upper_in, gates, count, 3 * dim)
        _gru(gates, upper_state, upper_hh, upper_bias, hidden, count, dim)
        _fill(above, upper_up_bias, count)
        _times(upper_state, upper_up, above, count, ratio * 3 * dim)
        for g in range(ratio):
            begin = at + g * frame
            _window(short, values, levels, begin + big - frame, count, frame)
            for b in range(count):
                for o in range(3 * dim):
                    gates[b, o] = lower_gates[b, f * ratio + g, o] + above[b, g * 3 * dim + o]
            _times(short, lower_in, gates, count, 3 * dim)
            _gru(gates, lower_state, lower_hh, lower_bias, hidden, count, dim)
            _fill(below, lower_up_bias, count)
            _times(lower_state, lower_up, below, count, frame * dim)
            for s in range(frame):
                t = begin + s
                _embed(first, sample_base, t - start, below, s * dim, table, levels, t + big - frame, count, frame)
                _fill(second, hidden_b, count)
                _fill(out, output_b, count)
                _times(first, hidden_w, second, count, dim)
                _rectify(second, count)
                _times(second, output_w, out, count, LEVELS + 2)
                for b in range(count):
                    middle = out[b, LEVELS] + mean_base[b, t - start]
                    for i in range(frame):
                        middle += linear[i] * values[levels[b, t + big - frame + i]]
                    _weigh(out[b], middle)
                    level = _choose(out[b], temperature[b, t - start], uniform[b, t - start])
                    played[b, t] = level
                    levels[b, t + big] = int(level + np.float32(0.5))
