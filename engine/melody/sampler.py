"""One step of the melody model, compiled: the same numbers as PyTorch's, without its cost of a call.

At batch 1 PyTorch spends most of an LSTM step on dispatch, and what is left is the time in which memory gives the
weights. Here the table and the input weights of the first layer are multiplied out once (`folded`: a row of gates for
each row of the table), so that the first layer's input costs a few additions; the other weights are read with eight
bits (`rounded`), and tunes that are written side by side share what is read. Gates are in PyTorch's order: input,
forget, cell, output.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core import kernels
from engine.core.kernels import compiled, digest, exp, fill, kept, scaled, times
from engine.melody.config import Config
from engine.melody.features import COLUMNS, offsets


def _products(config: Config) -> list[str]:
    """The names of the weights that are read with eight bits."""
    later = [f"lstm.{i}.weight_ih_l0" for i in range(1, config.layers)]
    return [*later, *(f"lstm.{i}.weight_hh_l0" for i in range(config.layers))]


def rounded(config: Config, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights as the compiled step reads them, so that what scores a tune is what wrote it."""
    products = _products(config)
    return {name: kernels.rounded(weight.T).T if name in products else weight for name, weight in weights.items()}


@compiled
def _activate(gates, before, hidden, width):
    """gates [4·width] → cell and hidden [width] of the next step, in place; loops over few arrays, each of which is
    computed for many at once."""
    one, two = np.float32(1), np.float32(2)
    for o in range(2 * width):  # enter, keep
        gates[o] = one / (one + exp(-gates[o]))
    for o in range(2 * width, 3 * width):  # tanh
        gates[o] = two / (one + exp(-two * gates[o])) - one
    for o in range(3 * width, 4 * width):  # leave
        gates[o] = one / (one + exp(-gates[o]))
    for o in range(width):
        before[o] = gates[width + o] * before[o] + gates[o] * gates[2 * width + o]
    for o in range(width):
        hidden[o] = gates[3 * width + o] * (two / (one + exp(-two * before[o])) - one)


@compiled
def _look_up(rows, folded, gates, count):
    """gates [tunes, 4·width] += the rows of the table that are named."""
    for b in range(count):
        for k in range(rows.shape[1]):
            row = folded[rows[b, k]]
            for o in range(len(row)):
                gates[b, o] += row[o]


@compiled
def _steps(rows, folded, inputs, input_scale, recurrent, recurrent_scale, biases, out, out_bias, states, residual):
    """Logits [tunes, symbols] after the characters of `rows` [tunes, tables]; `states` [tunes, layers, 2, width]
    (hidden, cell) are moved on."""
    count, layers, _, width = states.shape
    x, hidden = np.zeros((count, width), np.float32), np.empty((count, width), np.float32)
    gates, more = np.zeros((count, 4 * width), np.float32), np.empty((count, 4 * width), np.float32)
    _look_up(rows, folded, gates, count)
    for layer in range(layers):
        hidden[:] = states[:, layer, 0]
        if layer:
            scaled(x, inputs[layer - 1], input_scale[layer - 1], gates, count)
        scaled(hidden, recurrent[layer], recurrent_scale[layer], more, count)
        for b in range(count):
            for o in range(4 * width):
                gates[b, o] += more[b, o] + biases[layer, o]
            after = states[b, layer, 0]
            _activate(gates[b], states[b, layer, 1], after, width)
            for o in range(width):
                x[b, o] = after[o] + (x[b, o] if layer and residual else np.float32(0))
    logits = np.empty((count, out.shape[1]), np.float32)
    fill(logits, out_bias, count)
    times(x, out, logits, count, out.shape[1])
    return logits


def _with(sources):
    @kept
    def steps(*given):
        """See `_steps`."""
        assert sources
        return _steps(*given)

    return steps


_kept_steps = _with(digest(__file__))


class Sampler:
    """The weights in the form that `_steps` wants. It holds no state of a tune and may be used by many threads."""

    def __init__(self, config: Config, weights: Mapping[str, np.ndarray]) -> None:
        def packed(which: str, layers: range) -> tuple[np.ndarray, np.ndarray]:
            """One of the LSTM's weights in some layers: int8 [layers, inputs, 4·width], and the scale of each gate."""
            own = [weights[f"lstm.{i}.weight_{which}_l0"].T for i in layers]
            return kernels.eight_bits(np.stack(own) if own else np.zeros((0, width, 4 * width), np.float32))

        width, every = config.width, range(config.layers)
        first = np.ascontiguousarray(weights["lstm.0.weight_ih_l0"].T, np.float32)
        if config.embed:
            folded, self.offsets = weights["table.weight"] @ first, offsets(config.symbols)
        else:
            folded, self.offsets = first, np.zeros(1, np.int64)
        biases = np.stack([weights[f"lstm.{i}.bias_ih_l0"] + weights[f"lstm.{i}.bias_hh_l0"] for i in every])
        self.residual = bool(config.embed)
        self._weights: Any = (
            folded, *packed("ih", every[1:]), *packed("hh", every), biases,
            np.ascontiguousarray(weights["out.weight"].T, np.float32), weights["out.bias"],
        )  # fmt: skip
        self.shape = (config.layers, 2, width)

    def start(self) -> np.ndarray:
        """A new state, float32 [layers, 2, width]."""
        return np.zeros(self.shape, np.float32)

    def steps(self, rows: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Logits float32 [tunes, symbols] after a row of features [tunes, COLUMNS] each; moves the `states` [tunes,
        layers, 2, width] on in place. Each tune's are those that it has alone, to the bit."""
        own = np.asarray(rows, np.int64)[:, : COLUMNS if self.residual else 1] + self.offsets
        return _kept_steps(own, *self._weights, states, self.residual)

    def step(self, row: Any, state: np.ndarray) -> np.ndarray:
        """The same for one tune: logits [symbols] after a row [COLUMNS]; moves `state` on in place."""
        return self.steps(np.asarray(row)[None], state[None])[0]
