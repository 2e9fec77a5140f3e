"""What the compiled networks share: products for several rows at once, by weights of 32 bits or of eight, and e^x.

At one row a product costs the bytes of its weights, so those of eight bits (`eight_bits`) cost a quarter; at several
rows, side by side, each weight that is read serves all of them, and a row's sums are the same to the bit as alone.
Types are those of the arrays that come in, shapes stand at each function.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

TILE = 768  # columns of a matrix that are gone through together


def eight_bits(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int8 of the same shape, float32 [..., columns]): weights, float32 [..., rows, columns], as whole numbers up to
    127 times a scale for each column."""
    scale = np.maximum(np.abs(weights).max(-2), np.float32(1e-12)) / np.float32(127)
    return np.ascontiguousarray(np.rint(weights / scale[..., None, :]), np.int8), scale


def rounded(weights: np.ndarray) -> np.ndarray:
    """What `eight_bits` makes of weights, as float32 of the same shape: so a network says in PyTorch what it says
    compiled."""
    levels, scale = eight_bits(weights)
    return levels * scale[..., None, :]


_OPTIONS: Any = {
    "nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp", "nnan"},
    "boundscheck": False,
}  # fmt: skip


def compiled(function: Callable[..., Any]) -> Any:
    """numba's njit, for what a function that is `kept` calls: kept itself, it would be found again when what it calls
    has changed."""
    return numba.njit(**_OPTIONS)(function)


def kept(function: Callable[..., Any]) -> Any:
    """The same, cached on disk where any place for the cache is writable; compiled anew each time where none is. numba
    looks at no other file than the function's own, so it holds a `digest` of those that it comes from."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba: "no locator available", every cache folder is read-only
        return compiled(function)


def digest(*sources: Path | str) -> str:
    """Of files and of this one: a function that is `kept` and holds it is compiled anew where one of them changed."""
    return hashlib.sha256(b"".join(Path(path).read_bytes() for path in (__file__, *sources))).hexdigest()


@compiled
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
        v0, v1, v2, v3 = np.float32(w0[o]), np.float32(w1[o]), np.float32(w2[o]), np.float32(w3[o])
        v4, v5, v6, v7 = np.float32(w4[o]), np.float32(w5[o]), np.float32(w6[o]), np.float32(w7[o])
        row[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7


@compiled
def _four(x, weights, out, b, k, first, last):
    """The same for four rows from `b` on, so that each weight that is read serves all of them; the sums are those of
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
        v0, v1, v2, v3 = np.float32(w0[o]), np.float32(w1[o]), np.float32(w2[o]), np.float32(w3[o])
        v4, v5, v6, v7 = np.float32(w4[o]), np.float32(w5[o]), np.float32(w6[o]), np.float32(w7[o])
        r0[o] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5 + a6 * v6 + a7 * v7
        r1[o] += c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3 + c4 * v4 + c5 * v5 + c6 * v6 + c7 * v7
        r2[o] += d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3 + d4 * v4 + d5 * v5 + d6 * v6 + d7 * v7
        r3[o] += e0 * v0 + e1 * v1 + e2 * v2 + e3 * v3 + e4 * v4 + e5 * v5 + e6 * v6 + e7 * v7


@compiled
def _left(x, weights, out, count, width, first):
    """out[b] += x[b, first:] @ weights[first:], four rows of the weights at a time and what is left of them."""
    inner = weights.shape[0]
    for k in range(first, inner - 3, 4):
        for b in range(count):
            for o in range(width):
                out[b, o] += (
                    x[b, k] * np.float32(weights[k, o]) + x[b, k + 1] * np.float32(weights[k + 1, o])
                    + x[b, k + 2] * np.float32(weights[k + 2, o]) + x[b, k + 3] * np.float32(weights[k + 3, o])
                )  # fmt: skip
    for k in range(inner // 4 * 4, inner):
        for b in range(count):
            for o in range(width):
                out[b, o] += x[b, k] * np.float32(weights[k, o])


@compiled
def times(x, weights, out, count, width):
    """out[b] += x[b] @ weights for the first `count` rows: eight weight rows at a time, which are still near when the
    next four rows of `x` come, and what is left of four. x: float32 [rows, ≥ inputs]; weights: float32 or int8 [inputs,
    width]."""
    inner = weights.shape[0]
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
    _left(x, weights, out, count, width, inner // 8 * 8)


@compiled
def scaled(x, levels, scale, out, count):
    """out[b] = x[b] @ (levels · scale) for the first `count` rows; see `eight_bits`."""
    width = levels.shape[1]
    for b in range(count):
        for o in range(width):
            out[b, o] = 0
    times(x, levels, out, count, width)
    for b in range(count):
        for o in range(width):
            out[b, o] *= scale[o]


@compiled
def exp(x):
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


@compiled
def fill(out, row, count):
    """out [b, n]: this row [n] for each of the first `count`."""
    for b in range(count):
        for o in range(len(row)):
            out[b, o] = row[o]
