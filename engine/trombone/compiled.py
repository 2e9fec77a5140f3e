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


def _compiled(function: Callable[..., Any]) -> Any:
    """numba's njit, cached on disk where any place for the cache is writable; compiled anew each time where none is."""
    options: Any = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}, "boundscheck": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "no locator available", every cache folder is read-only
        return numba.njit(**options)(function)


@_compiled
def _one(x, weights, row, b, width):
    """row [width] += x[b] @ weights, eight weight rows at a time and what is left of four."""
    inner = x.shape[1]
    for k in range(0, inner - 7, 8):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        a0, a1, a2, a3 = x[b, k], x[b, k + 1], x[b, k + 2], x[b, k + 3]
        a4, a5, a6, a7 = x[b, k + 4], x[b, k + 5], x[b, k + 6], x[b, k + 7]
        for o in range(width):
            v0, v1, v2, v3, v4, v5, v6, v7 = w0[o], w1[o], w2[o], w3[o], w4[o], w5[o], w6[o], w7[o]
            row[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7
    if inner % 8 >= 4:
        k = inner // 8 * 8
        for o in range(width):
            row[o] += (
                x[b, k] * weights[k, o] + x[b, k + 1] * weights[k + 1, o]
                + x[b, k + 2] * weights[k + 2, o] + x[b, k + 3] * weights[k + 3, o]
            )  # fmt: skip


@_compiled
def _four(x, weights, out, b, width):
    """The same for four notes from `b` on, so that each weight that is read serves all of them; the sums are those of
    `_one` in the same order, to the bit."""
    inner = x.shape[1]
    r0, r1, r2, r3 = out[b], out[b + 1], out[b + 2], out[b + 3]
    for k in range(0, inner - 7, 8):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        a0, a1, a2, a3 = x[b, k], x[b, k + 1], x[b, k + 2], x[b, k + 3]
        a4, a5, a6, a7 = x[b, k + 4], x[b, k + 5], x[b, k + 6], x[b, k + 7]
        c0, c1, c2, c3 = x[b + 1, k], x[b + 1, k + 1], x[b + 1, k + 2], x[b + 1, k + 3]
        c4, c5, c6, c7 = x[b + 1, k + 4], x[b + 1, k + 5], x[b + 1, k + 6], x[b + 1, k + 7]
        d0, d1, d2, d3 = x[b + 2, k], x[b + 2, k + 1], x[b + 2, k + 2], x[b + 2, k + 3]
        d4, d5, d6, d7 = x[b + 2, k + 4], x[b + 2, k + 5], x[b + 2, k + 6], x[b + 2, k + 7]
        e0, e1, e2, e3 = x[b + 3, k], x[b + 3, k + 1], x[b + 3, k + 2], x[b + 3, k + 3]
        e4, e5, e6, e7 = x[b + 3, k + 4], x[b + 3, k + 5], x[b + 3, k + 6], x[b + 3, k + 7]
        for o in range(width):
            v0, v1, v2, v3, v4, v5, v6, v7 = w0[o], w1[o], w2[o], w3[o], w4[o], w5[o], w6[o], w7[o]
            r0[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7
            r1[o] += c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3 + c4 * v4 + c5 * v5 + c6 * v6 + c7 * v7
            r2[o] += d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3 + d4 * v4 + d5 * v5 + d6 * v6 + d7 * v7
            r3[o] += e0 * v0 + e1 * v1 + e2 * v2 + e3 * v3 + e4 * v4 + e5 * v5 + e6 * v6 + e7 * v7
    if inner % 8 >= 4:
        k = inner // 8 * 8
        for note in range(b, b + 4):
            row = out[note]
            for o in range(width):
                row[o] += (
                    x[note, k] * weights[k, o] + x[note, k + 1] * weights[k + 1, o]
                    + x[note, k + 2] * weights[k + 2, o] + x[note, k + 3] * weights[k + 3, o]
                )  # fmt: skip


@_compiled
def _times(x, weights, out, count, width):
    """out[b] += x[b] @ weights for the first `count` rows; notes go through the weights by fours."""
    b = 0
    while b + 4 <= count:
        _four(x, weights, out, b, width)
        b += 4
    while b < count:
        _one(x, weights, out[b], b, width)
        b += 1


@_compiled
def _gru(gates, state, weights, bias, hidden, count, dim):
    """One step of a GRU in PyTorch's convention: `gates` [b, 3·dim] holds the input's part already."""
    for b in range(count):
        for o in range(3 * dim):
            hidden[b, o] = bias[o]
    _times(state, weights, hidden, count, 3 * dim)
    for b in range(count):
        for o in range(dim):
            r = np.float32(1) / (np.float32(1) + np.exp(-(gates[b, o] + hidden[b, o])))
            z = np.float32(1) / (np.float32(1) + np.exp(-(gates[b, dim + o] + hidden[b, dim + o])))
            n = np.tanh(gates[b, 2 * dim + o] + r * hidden[b, 2 * dim + o])
            state[b, o] = (np.float32(1) - z) * n + z * state[b, o]


@_compiled
def _choose(logits, temperature, uniform):
    """A level between 0 and 255: one drawn from the softmax, brought towards its mean by the temperature."""
    top = logits[0]
    for k in range(1, LEVELS):
        top = max(top, logits[k])
    for k in range(LEVELS):
        # e^a as ((1 + a/512) / (1 - a/512))^256: within 4e-5 of it where a > -3, and many at once, as np.exp is not.
        a = max(logits[k] - top, np.float32(-30)) * np.float32(1 / 512)
        power = (np.float32(1) + a) / (np.float32(1) - a)
        power *= power
        power *= power
        power *= power
        power *= power
        power *= power
        power *= power
        power *= power
        power *= power
        logits[k] = power if a > np.float32(-14 / 512) else np.float32(0)
    total = mean = np.float32(0)
    for k in range(LEVELS):
        total += logits[k]
        mean += logits[k] * np.float32(k)
    mean /= total
    if temperature <= 0:
        return mean
    left, drawn = uniform * total, mean
    for k in range(LEVELS):
        left -= logits[k]
        if left < 0 and logits[k] > 0:
            drawn = np.float32(k)
            break
    return min(max(mean + temperature * (drawn - mean), np.float32(0)), np.float32(LEVELS - 1))


@_compiled
def _window(out, values, levels, at, count, size):
    """out [b, size]: the values of `size` levels from `at` on."""
    for b in range(count):
        for i in range(size):
            out[b, i] = values[levels[b, at + i]]


@_compiled
def _fill(out, row, count):
    """out [b, n]: this row [n] for each note."""
    for b in range(count):
        out[b, :] = row


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
        for i in range(frame):
            source = table[i, levels[b, at + i]]
            for o in range(dim):
                row[o] += source[o]
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
            gates[b, :] = upper_gates[b, f]
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
                for b in range(count):
                    second[b, :] = hidden_b
                    out[b, :] = output_b
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
