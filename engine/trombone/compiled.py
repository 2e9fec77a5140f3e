"""The loop that plays SampleRNN, compiled by numba: frames of both tiers, and the samples within them.

Types are those of the arrays that come in, shapes stand at each function; sampler.py prepares and calls it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

import numpy as np

from engine.core.kernels import compiled, digest, exp, fill, kept, times
from engine.trombone.config import LEVELS

BLOCK = 16  # levels that a draw goes past at once


@compiled
def _gru(gates, state, weights, bias, hidden, count, dim):
    """One step of a GRU in PyTorch's convention: `gates` [b, 3·dim] holds the input's part already."""
    one, two = np.float32(1), np.float32(2)
    fill(hidden, bias, count)
    times(state, weights, hidden, count, 3 * dim)
    for b in range(count):
        gate, own, before = gates[b], hidden[b], state[b]
        for o in range(2 * dim):  # reset and update; loops over few arrays, each of which is computed for many at once
            own[o] = one / (one + exp(-(gate[o] + own[o])))
        update, new, given = own[dim : 2 * dim], own[2 * dim :], gate[2 * dim :]
        for o in range(dim):
            new[o] = given[o] + own[o] * new[o]
        for o in range(dim):
            new[o] = two / (one + exp(-two * new[o])) - one  # tanh
        for o in range(dim):
            before[o] = new[o] + update[o] * (before[o] - new[o])


@compiled
def _choose(logits, temperature, uniform):
    """A level between 0 and 255: one drawn from the softmax, brought towards its mean by the temperature."""
    top = logits[0]
    for k in range(1, LEVELS):
        top = max(top, logits[k])
    total = mean = np.float32(0)
    for k in range(LEVELS):
        below = logits[k] - top
        logits[k] = exp(below) if below > np.float32(-14) else np.float32(0)
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


@compiled
def _window(out, values, levels, at, count, size):
    """out [b, size]: the values of `size` levels from `at` on."""
    for b in range(count):
        for i in range(size):
            out[b, i] = values[levels[b, at + i]]


@compiled
def _rectify(x, count):
    """x [b, n]: what is negative becomes 0."""
    for b in range(count):
        for o in range(x.shape[1]):
            x[b, o] = max(x[b, o], np.float32(0))


@compiled
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


@compiled
def _weigh(logits, middle):
    """Add to the logits of the levels a bell around `middle` (-1 … 1), as wide as the network says in the last one."""
    wide = np.float32(-2) * logits[LEVELS + 1] - np.float32(4.2)
    half = np.float32(-0.5) * np.exp(min(max(wide, np.float32(-10)), np.float32(1.8)))
    centre = np.float32(127.5) * middle + np.float32(128)
    for k in range(LEVELS):
        away = np.float32(k) - centre
        logits[k] += half * away * away


@compiled
def _play(
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
        times(last, upper_in, gates, count, 3 * dim)
        _gru(gates, upper_state, upper_hh, upper_bias, hidden, count, dim)
        fill(above, upper_up_bias, count)
        times(upper_state, upper_up, above, count, ratio * 3 * dim)
        for g in range(ratio):
            begin = at + g * frame
            _window(short, values, levels, begin + big - frame, count, frame)
            for b in range(count):
                for o in range(3 * dim):
                    gates[b, o] = lower_gates[b, f * ratio + g, o] + above[b, g * 3 * dim + o]
            times(short, lower_in, gates, count, 3 * dim)
            _gru(gates, lower_state, lower_hh, lower_bias, hidden, count, dim)
            fill(below, lower_up_bias, count)
            times(lower_state, lower_up, below, count, frame * dim)
            for s in range(frame):
                t = begin + s
                _embed(first, sample_base, t - start, below, s * dim, table, levels, t + big - frame, count, frame)
                fill(second, hidden_b, count)
                fill(out, output_b, count)
                times(first, hidden_w, second, count, dim)
                _rectify(second, count)
                times(second, output_w, out, count, LEVELS + 2)
                for b in range(count):
                    middle = out[b, LEVELS] + mean_base[b, t - start]
                    for i in range(frame):
                        middle += linear[i] * values[levels[b, t + big - frame + i]]
                    _weigh(out[b], middle)
                    level = _choose(out[b], temperature[b, t - start], uniform[b, t - start])
                    played[b, t] = level
                    levels[b, t + big] = int(level + np.float32(0.5))


def _with(sources):
    @kept
    def play(*given):
        """See `_play`."""
        assert sources
        _play(*given)

    return play


play = _with(digest(__file__))
