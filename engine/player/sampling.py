"""Playing with the network in PyTorch, many pieces side by side: evaluation uses it, faster loops must equal it.

Every piece has a machine (grammar.py) that says what may come next, and a generator of its own, so that what is played
does not depend on what is played beside it.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.player import grammar
from engine.player import vocabulary as v
from engine.player.network import Block, Player, rotate


@dataclass
class Piece:
    """One piece in the making."""

    controls: np.ndarray  # int64 [CONTROLS]
    rng: np.random.Generator
    meter: tuple[int, int] = (4, 4)
    bars: int = 8
    lanes: tuple[int, ...] = (0, 1, 2, 3, 4)  # those that may be written; the tune is only where it is asked for
    tokens: list[int] = field(default_factory=list)
    begun: int = 0  # bars so far
    machine: grammar.Machine = field(init=False)

    def __post_init__(self) -> None:
        self.machine = grammar.start(self.meter)
        self._mask = np.zeros(v.TOKENS, np.bool_)

    def take(self, token: int) -> bool:
        """Write a token; False where it began a bar too many, and so is not written."""
        if token < v.CHORD:
            if self.begun == self.bars:
                return False
            self.begun += 1
        grammar.advance(*self.machine, token)
        self.tokens.append(token)
        return True

    def heard(self) -> tuple[np.ndarray, np.ndarray]:
        """What is known before the next token: numbers [4] and bits [96]."""
        numbers, bits = np.zeros(grammar.NUMBERS, np.int64), np.zeros(grammar.BITS, np.uint8)
        grammar.hear(*self.machine, numbers, bits)
        return numbers, bits

    def choose(self, logits: np.ndarray, temperature: float, top_p: float) -> int:
        """The next token: the likeliest that is allowed at temperature 0, else drawn from the likeliest that share
        `top_p` of the chance."""
        grammar.allowed(*self.machine, self._mask)
        for lane in set(range(len(v.LANES))) - set(self.lanes):
            self._mask[v.track(lane, 0) : v.track(lane + 1, 0)] = False
        if self.begun == self.bars:  # the end is a bar that is not written
            self._mask[v.BAR : v.CHORD] |= self._mask[v.TRACK : v.EVENT].any()
        may = np.flatnonzero(self._mask)
        if temperature <= 0:
            return int(may[logits[may].argmax()])
        chance = np.exp((logits[may] - logits[may].max()) / temperature)
        order = np.argsort(-chance, kind="stable")
        total = np.cumsum(chance[order])
        kept = int(np.searchsorted(total, top_p * total[-1])) + 1
        return int(may[order[np.searchsorted(total[:kept], self.rng.random() * total[kept - 1])]])


class Cache:
    """Keys and values of every block so far, [batch, heads, time, size]."""

    def __init__(self, blocks: int) -> None:
        self.keys: list[Tensor] = [torch.empty(0)] * blocks
        self.values: list[Tensor] = [torch.empty(0)] * blocks
        self.time = 0

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the pieces alone."""
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]


def _attend(block: Block, x: Tensor, angle: Tensor, cache: Cache, number: int) -> Tensor:
    batch, time, width = x.shape
    q, k, value = block.in_proj(block.norm1(x)).view(batch, time, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
    q, k = rotate(q, angle), rotate(k, angle)
    if cache.time:
        k, value = torch.cat([cache.keys[number], k], 2), torch.cat([cache.values[number], value], 2)
    cache.keys[number], cache.values[number] = k, value
    heard = F.scaled_dot_product_attention(q, k, value, is_causal=cache.time == 0 and time > 1)
    x = x + block.out_proj(heard.transpose(1, 2).reshape(batch, time, width))
    gate, linear = block.fc1(block.norm2(x)).chunk(2, -1)
    return x + block.fc2(F.silu(gate) * linear)


def step(network: Player, cache: Cache, inputs: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Logits [batch, TOKENS] after the last of the tokens given, [batch, time] each; the cache moves on."""
    x = network.embed(*inputs)
    angle = network.angles(cache.time, x.shape[1], x.device)
    for number, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        x = _attend(block, x, angle, cache, number)
    cache.time += x.shape[1]
    return network.head(network.norm(x[:, -1]))


@torch.inference_mode()
def play(network: Player, pieces: Sequence[Piece], temperature: float = 1.0, top_p: float = 0.97) -> None:
    """Write the pieces' bars, all from their beginning; each must have the BAR that it begins with."""
    alive, cache = list(pieces), Cache(len(network.blocks))
    controls = torch.from_numpy(np.stack([piece.controls for piece in alive]))
    while alive:
        heard = [piece.heard() for piece in alive]
        logits = step(
            network,
            cache,
            (
                torch.tensor([[piece.tokens[-1]] for piece in alive]),
                torch.from_numpy(np.stack([numbers for numbers, _ in heard]))[:, None],
                torch.from_numpy(np.stack([bits for _, bits in heard]).astype(np.float32))[:, None],
                controls,
            ),
        )
        rows = logits.float().numpy()
        going = [piece.take(piece.choose(row, temperature, top_p)) for piece, row in zip(alive, rows)]
        if not all(going):
            rest = torch.tensor([i for i, on in enumerate(going) if on], dtype=torch.long)
            alive, controls = [piece for piece, on in zip(alive, going) if on], controls[rest]
            cache.keep(rest)
