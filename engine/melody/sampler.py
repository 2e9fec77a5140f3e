"""One step of the melody model, compiled: the same numbers as PyTorch's, without its cost of a call.

At batch 1 PyTorch spends most of an LSTM step on dispatch. Here the table and the input weights of the first layer are
multiplied out once (`folded`: a row of gates for each row of the table), so that the first layer's input costs a few
additions, and the rest is one compiled function. Gates are in PyTorch's order: input, forget, cell, output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit

from engine.melody.config import Config
from engine.melody.features import COLUMNS, offsets


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _gates(gates: Any, hidden: Any, weights: Any) -> None:
    """gates [4·width] += weightsᵀ·hidden; weights [inputs, 4·width], so that the inner loop runs along memory."""
    for j in range(0, hidden.shape[0] - 3, 4):
        a, b, c, d = hidden[j], hidden[j + 1], hidden[j + 2], hidden[j + 3]
        wa, wb, wc, wd = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        for i in range(gates.shape[0]):
            gates[i] += a * wa[i] + b * wb[i] + c * wc[i] + d * wd[i]
    for j in range(hidden.shape[0] // 4 * 4, hidden.shape[0]):
        a, wa = hidden[j], weights[j]
        for i in range(gates.shape[0]):
            gates[i] += a * wa[i]


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _step(
    rows: Any,
    folded: Any,
    inputs: Any,
    recurrent: Any,
    biases: Any,
    out: Any,
    out_bias: Any,
    state: Any,
    residual: bool,
) -> Any:
    """Logits [symbols] after the character of `rows`; `state` [layers, 2, width] (hidden, cell) is moved on."""
    layers, width = state.shape[0], state.shape[2]
    x = np.zeros(width, np.float32)
    for layer in range(layers):
        gates = biases[layer].copy()
        if layer == 0:
            for k in range(rows.shape[0]):
                gates += folded[rows[k]]
        else:
            _gates(gates, x, inputs[layer - 1])
        hidden, cell = state[layer, 0], state[layer, 1]
        _gates(gates, hidden, recurrent[layer])
        for i in range(width):
            enter = np.float32(1) / (np.float32(1) + np.exp(-gates[i]))
            keep = np.float32(1) / (np.float32(1) + np.exp(-gates[width + i]))
            leave = np.float32(1) / (np.float32(1) + np.exp(-gates[3 * width + i]))
            cell[i] = keep * cell[i] + enter * np.tanh(gates[2 * width + i])
            hidden[i] = leave * np.tanh(cell[i])
        if layer and residual:
            x += hidden
        else:
            x = hidden.copy()
    logits = out_bias.copy()
    _gates(logits, x, out)
    return logits


class Sampler:
    """The weights in the form that `_step` wants. It holds no state of a tune and may be used by many threads."""

    def __init__(self, config: Config, weights: Mapping[str, np.ndarray]) -> None:
        def of_layers(name: str) -> list[np.ndarray]:
            """One of the LSTM's weights in every layer, transposed: [inputs, 4·width] or [4·width]."""
            return [np.ascontiguousarray(weights[f"lstm.{i}.{name}_l0"].T, np.float32) for i in range(config.layers)]

        first, *later = of_layers("weight_ih")
        if config.embed:
            self.folded = weights["table.weight"] @ first
            self.offsets = offsets(config.symbols)
        else:
            self.folded, self.offsets = first, np.zeros(1, np.int64)
        width = config.width
        self.inputs = np.stack(later) if later else np.zeros((0, width, 4 * width), np.float32)
        self.recurrent = np.stack(of_layers("weight_hh"))
        self.biases = np.stack(of_layers("bias_ih")) + np.stack(of_layers("bias_hh"))
        self.out, self.out_bias = np.ascontiguousarray(weights["out.weight"].T), weights["out.bias"]
        self.residual = bool(config.embed)
        self.shape = (config.layers, 2, width)

    def start(self) -> np.ndarray:
        """A new state, float32 [layers, 2, width]."""
        return np.zeros(self.shape, np.float32)

    def step(self, row: Any, state: np.ndarray) -> np.ndarray:
        """Logits float32 [symbols] after a row of features [COLUMNS]; moves `state` on in place."""
        rows = np.asarray(row, np.int64)[: COLUMNS if self.residual else 1] + self.offsets
        out: np.ndarray = _step(
            rows, self.folded, self.inputs, self.recurrent, self.biases, self.out, self.out_bias, state, self.residual
        )
        return out
