"""What the player costs on one thread: eight bars, candidates side by side, the next bar, long pieces.

    python -m benchmarks.player

Beside it: the same network in plain PyTorch with a cache of keys and values, whose tokens must be the same; and the
floor, the time in which memory gives a token's weights once.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.table import head, median, row, seconds
from engine.player import Brief, Model, grammar, load, perform, phrases
from engine.player import vocabulary as v
from engine.player.desk import LONG_BAR
from engine.player.network import CONTROLS, Block, Player
from engine.player.playing import FURTHER
from engine.player.song import lanes_by_bar


@dataclass
class Piece:
    """One piece in the making, of no more bars than a window has."""

    controls: np.ndarray  # int64 [CONTROLS]
    rng: np.random.Generator
    meter: tuple[int, int] = (4, 4)
    bars: int = 8
    lanes: tuple[int, ...] = (0, 1, 2, 3, 4)  # those that may be written; the tune is only where it is asked for
    classes: np.ndarray | None = None  # of the drums, grammar.drum_classes
    tokens: list[int] = field(default_factory=list)
    machine: grammar.Machine = field(init=False)

    def __post_init__(self) -> None:
        self.machine = grammar.start(self.meter, self.classes)
        self._mask = np.zeros(v.TOKENS, np.bool_)
        self._planned = self._bar = 0
        self._may = np.ones(v.TOKENS, np.bool_)
        self._may[v.PLAN] = self._may[v.GO : v.TRACK] = False  # where to go on is not the network's to say
        for lane in set(range(len(v.LANES))) - set(self.lanes):
            self._may[v.track(lane, 0) : v.track(lane + 1, 0)] = False
        self._write(v.PLAN)

    def _write(self, token: int) -> None:
        grammar.advance(self.machine, token)
        self.tokens.append(token)
        if token < v.TRACK:
            self._begun = len(self.tokens)

    def take(self, token: int) -> bool:
        """Write a token, and where a plan or a bar is whole what comes next; False when the piece is."""
        if token != v.END:
            self._write(token)
            self._planned += v.BAR <= token < v.CHORD
            return True
        self._bar += 1
        if self._bar == self.bars:
            return False
        self._write(v.PLAN if self._bar % v.SECTION == 0 else v.GO + self._bar)
        return True

    def due(self) -> int | None:
        """The token that comes next whatever the network says: the first bar, once the section is planned."""
        whole = self._planned % v.SECTION == 0 and self._planned > self._bar
        planned = whole and self.machine.state[grammar.KIND] == grammar.AT_CHORD
        return v.GO + self._bar if planned and self.machine.state[grammar.CHORDS_] == 2 else None

    def heard(self) -> tuple[np.ndarray, np.ndarray]:
        """What is known before the next token: numbers [10] and bits [192]."""
        numbers, bits = np.zeros(grammar.NUMBERS, np.int64), np.zeros(grammar.BITS, np.uint8)
        grammar.hear(self.machine, numbers, bits)
        return numbers, bits

    def choose(self, logits: np.ndarray, temperature: float, top_p: float) -> int:
        """The next token: the likeliest that is allowed at temperature 0, else drawn from the likeliest that share
        `top_p` of the chance, of pitches more."""
        due = self.due()
        if due is not None:
            return due
        grammar.allowed(self.machine, self._mask)
        if self._mask[v.END] and len(self.tokens) - self._begun > LONG_BAR:
            return v.END
        may = np.flatnonzero(self._mask & self._may)
        if temperature <= 0:
            return int(may[logits[may].argmax()])
        chance = np.exp((logits[may].astype(float) - logits[may].max()) / temperature)
        order = np.argsort(-chance, kind="stable")
        total = np.cumsum(chance[order])
        pitches = may[0] >= v.PITCH and may[-1] < v.COMBO
        top_p = 1 - (1 - top_p) * FURTHER if pitches else top_p
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


def step(network: Player, cache: Cache, inputs: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Logits [batch, TOKENS] after the last of the tokens given, [batch, time] each; the cache moves on."""
    x = network.embed(*inputs)
    angle = network.angles(inputs[1], cache.time)
    for number, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        q, k, value = block.project(x, angle)
        if cache.time:
            k, value = torch.cat([cache.keys[number], k], 2), torch.cat([cache.values[number], value], 2)
        cache.keys[number], cache.values[number] = k, value
        causal = cache.time == 0 and x.shape[1] > 1
        x = block.follow(x, F.scaled_dot_product_attention(q, k, value, is_causal=causal))
    cache.time += x.shape[1]
    return network.head(network.norm(x[:, -1]))


@torch.inference_mode()
def play(network: Player, pieces: Sequence[Piece], temperature: float = 1.0, top_p: float = 0.97) -> None:
    """Write the pieces' bars, all from their beginning."""
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


def floor(bytes_read: int) -> float:
    """Seconds in which so many bytes, which no cache near the core holds, are read once."""
    array = np.ones(bytes_read // 4, np.float32)
    return median(lambda: np.dot(array, array), 50)


def main() -> None:
    torch.set_num_threads(1)  # as the studio does
    model = load()
    head()
    row("loading", f"{1000 * median(load):.0f} ms")
    rock = partial(Brief, genre={"rock": 1.0}, seed=1)
    plain = replace(model, rates={})  # PyTorch corrects nothing here
    plain_piece(plain, 1)  # compiles the grammar
    cached = seconds(partial(plain_piece, plain, 8))
    tokens = plain_piece(plain, 8).tokens
    bars = [bar.lanes for bar in perform(plain, rock(8))]
    same = bars == [lanes for _, lanes in lanes_by_bar(tokens, model.combos)]
    weights = sum(array.nbytes for array in model.weights[6:13])  # those that every token is multiplied with
    row(f"{len(tokens)} tokens in 8 bars", f"{1000 * median(lambda: list(perform(plain, rock(8)))):.0f} ms",
        f"plain PyTorch: {1000 * seconds(partial(from_the_start, plain, tokens)):.0f} ms; with a cache: "
        f"{1000 * cached:.0f} ms, {'the same' if same else 'NOT the same'} notes; floor "
        f"{1000 * len(tokens) * floor(weights):.0f} ms")  # fmt: skip
    pieces = {count: median(partial(phrases, model, [rock(8)] * count)) for count in (1, 4, 8)}
    row("8 bars", f"{1000 * pieces[1]:.0f} ms", "", "1000 ms")
    for count in (4, 8):
        row(f"8 bars, {count} candidates", f"{1000 * pieces[count]:.0f} ms", "", "1000 ms" if count == 4 else "")
    asked = rock(33).keeping([*perform(model, rock(33))][:32], range(5))
    spent = median(lambda: list(islice(perform(model, asked), 32, 33)))
    row("bar 33 after 32 that are given", f"{1000 * spent:.0f} ms", "", "100 ms")
    row("64 bars", f"{median(lambda: list(perform(model, rock(64))), 3):.2f} s", "", "6 s")


@torch.inference_mode()
def from_the_start(model: Model, tokens: list[int]) -> None:
    """What a piece's tokens cost where the network reads all that came before for each."""
    numbers = np.zeros((len(tokens), grammar.NUMBERS), np.int64)
    bits = np.zeros((len(tokens), grammar.BITS), np.uint8)
    grammar.walk(grammar.start(classes=model.classes), np.array(tokens), numbers, bits)
    inputs = torch.tensor(tokens)[None], torch.from_numpy(numbers)[None], torch.from_numpy(bits).float()[None]
    controls = torch.zeros(1, CONTROLS, dtype=torch.long)
    for time in range(1, len(tokens) + 1):
        model.network(*(each[:, :time] for each in inputs), controls)


def plain_piece(model: Model, bars: int) -> Piece:
    """A piece in plain PyTorch, with the seed 1."""
    controls = np.zeros(CONTROLS, np.int64)
    controls[0] = model.genres.index("rock")
    piece = Piece(controls, np.random.default_rng([1, 0, 5]), bars=bars, classes=model.classes)
    play(model.network, [piece])
    return piece


if __name__ == "__main__":
    main()
