"""What the compiled loop works on: the network's weights as arrays, and what each candidate has written.

Shapes: C candidates, W width, H hidden, L layers, T tokens for which there is room, S size of a head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

import engine.player.grammar as grammar
import engine.player.vocabulary as v
from engine.core import kernels
from engine.player.levels import LEVELS, PLAYS
from engine.player.network import PERIODS, Player

LONG_BAR = 240
"""Tokens of a bar after which it ends as soon as it may."""
MOST = LONG_BAR + 2 * grammar.RHYTHM_TOKENS + 2
"""Tokens of a bar at most: one that is long ends when a rhythm that it follows is said, with a note for each chord."""
ROOM = 1024
"""Tokens of a candidate for which there is room at first: eight bars, their plan and a long bar more."""
SIXTEENTHS = 16
"""Of a bar of 4/4."""
PRODUCTS = ("in_proj", "out_proj", "fc1", "fc2")
"""A block's weights that are read with eight bits."""
_LANES = len(v.LANES)


class Weights(NamedTuple):
    """The network's weights, float32; those of a product as int8 [inputs, outputs] with a scale for each output
    (engine.core.kernels.eight_bits)."""

    token: Any  # [TOKENS, W]
    numbers: Any  # [all numbers' values, W], one table after the other
    offsets: Any  # int64 [9], where each begins
    bits: Any  # [BITS, W]
    busy: Any  # [(lanes + 1) · LEVELS, W]
    register: Any
    norm1: Any  # [L, W]
    norm2: Any
    in_proj: Any  # int8 [L, W, 3 W]
    scale_in_proj: Any  # [L, 3 W]
    out_proj: Any  # int8 [L, W, W]
    scale_out_proj: Any  # [L, W]
    fc1: Any  # int8 [L, W, 2 H]
    scale_fc1: Any  # [L, 2 H]
    fc2: Any  # int8 [L, H, W]
    scale_fc2: Any  # [L, W]
    norm: Any  # [W]
    head: Any  # [TOKENS, W]
    bias: Any  # [TOKENS], logits by which END and TRACKs are corrected
    root: float  # logit by which the bass's root of the planned chord is raised
    chord: float  # logit by which chords that are given are leaned to
    repeat: Any  # float64 [lanes], logit by which a lane's pitch that it struck just before is raised
    chords: Any  # the same of the chord that it struck just before
    leap: Any  # float64 [lanes], logit by which a lane's pitch is raised for each octave that it leaps too far
    voices: Any  # float64 [lanes], logit by which a lane's chord is moved to as many notes as the one before it has
    meet: Any  # float64 [lanes], logit by which a lane's event is raised where an earlier lane has one, the bass's kick
    drums: Any  # float64 [grammar.DRUM_NAMES], logit by which each is raised
    kit: float  # logit by which a drum is raised that was not struck in the window before
    rate: Any  # float64 [S / 4], radians a token
    turns: Any  # float64 [S / 4], radians a slot


class Desk(NamedTuple):
    """What C candidates have written, and what they need to go on."""

    machines: grammar.Machine  # each array with a first axis of candidates
    keys: Any  # int16 [C, L, heads, T, S], in parts of √S: half the bytes that each token reads of all before it
    values: Any  # the same, in parts of
    loudest: Any  # float32 [C, L, heads, T]
    tokens: Any  # int32 [C, T]
    time: Any  # int64 [C], tokens written
    said: Any  # float32 [C, W], the network's last state, normed
    states: Any  # float32 [C, T, W], the same after each token of which a choice followed
    whole: Any  # float32 [C, W], what the genre, meter and place in the song add to every token
    groove: Any  # float64 [C, SIXTEENTHS, grammar.DRUM_NAMES], logit by which each is raised in the first bar of drums
    levels: Any  # int64 [C, 2, lanes + 1], busyness and register
    uniform: Any  # float64 [C, draws]
    drawn: Any  # int64 [C], how many of them are used

    def spread(self) -> None:
        """All candidates come to where the first is, having written what it has."""
        time = int(self.time[0])
        for array in (self.time, self.said, *self.machines[:-1], self.tokens[:, :time], self.states[:, time - 1]):
            array[1:] = array[0]
        for array in (self.keys, self.values, self.loudest):
            array[1:, :, :, :time] = array[0, :, :, :time]

    def follow(self, rows: np.ndarray) -> None:
        """Each candidate comes to where another is, int [C], having written what that has; what it draws is its own."""
        time = int(self.time.max())
        for array in (self.time, self.said, *self.machines[:-1], self.tokens[:, :time], self.states[:, :time]):
            array[:] = array[rows]
        for array in (self.keys, self.values, self.loudest):
            array[:, :, :, :time] = array[rows, :, :, :time]

    def draw(self, uniform: np.ndarray) -> None:
        """From here on candidates draw these numbers."""
        self.uniform[:] = uniform
        self.drawn[:] = 0

    def with_room(self, tokens: int) -> Desk:
        """The desk with room for so many tokens of each candidate; it is itself where it has that."""
        had = self.tokens.shape[1]
        if tokens <= had:
            return self
        more: dict[str, Any] = {}
        for name, axis in {"keys": 3, "values": 3, "loudest": 3, "tokens": 1, "states": 1}.items():
            array = getattr(self, name)
            more[name] = np.empty((*array.shape[:axis], max(tokens, 2 * had), *array.shape[axis + 1 :]), array.dtype)
            more[name].swapaxes(0, axis)[:had] = array.swapaxes(0, axis)
        return self._replace(**more)

    def mark(self) -> list[np.ndarray]:
        """Where the candidates are, to come back to."""
        return [array.copy() for array in (self.time, self.said, *self.machines[:-1])]

    def back(self, mark: Sequence[np.ndarray], candidates: Sequence[int]) -> None:
        """Some candidates come back to where they were; what they drew is used up."""
        for array, before in zip((self.time, self.said, *self.machines[:-1]), mark):
            array[candidates] = before[candidates]


def _array(parameter: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(parameter.detach().float().cpu().numpy())


def bias_of(rates: Mapping[str, float]) -> np.ndarray:
    """float32 [TOKENS]: by what the logits of some tokens are corrected, by name: end, again, rhythm."""
    bias = np.zeros(v.TOKENS, np.float32)
    relations = bias[v.TRACK : v.EVENT].reshape(_LANES, -1)
    bias[v.END] = rates.get("end", 0)
    relations[:, 1 : v.RHYTHM], relations[:, v.RHYTHM :] = rates.get("again", 0), rates.get("rhythm", 0)
    return bias


@torch.no_grad()
def rounded(network: Player) -> Player:
    """The network with its blocks' products rounded, in place, as `weights_of` does: PyTorch says what is played."""
    for block in network.blocks:
        for name in PRODUCTS:
            weight = getattr(block, name).weight
            weight.copy_(torch.from_numpy(kernels.rounded(_array(weight.t()))).t())
    return network


def weights_of(network: Player, rates: Mapping[str, float]) -> Weights:
    """A network's weights as the loop reads them, and what it corrects them by (see `bias_of`)."""

    def stacked(name: str) -> np.ndarray:
        return np.stack([_array(getattr(block, name).weight.t()) for block in network.blocks])

    packed = {}
    for name in PRODUCTS:
        packed[name], packed[f"scale_{name}"] = kernels.eight_bits(stacked(name))
    tables = [_array(embedding.weight) for embedding in network.numbers]  # type: ignore[arg-type]
    quarter = network.config.width // network.config.heads // 4
    return Weights(
        token=_array(network.token.weight),
        numbers=np.concatenate(tables),
        offsets=np.concatenate([[0], np.cumsum([len(table) for table in tables])[:-1]]),
        bits=_array(network.bits.weight.T),
        busy=_busy(_array(network.busy.weight), rates),
        register=_array(network.register.weight),
        norm1=stacked("norm1"),
        norm2=stacked("norm2"),
        **packed,
        norm=_array(network.norm.weight),
        head=_array(network.head.weight),
        bias=bias_of(rates),
        root=float(rates.get("root", 0)),
        chord=float(rates.get("chord", 0)),
        repeat=np.array([rates.get(f"repeat, {lane}", 0.0) for lane in v.LANES]),
        chords=np.array([rates.get(f"chords, {lane}", 0.0) for lane in v.LANES]),
        leap=np.array([rates.get(f"leap, {lane}", 0.0) for lane in v.LANES]),
        voices=np.array([rates.get(f"voices, {lane}", 0.0) for lane in v.LANES]),
        meet=np.array([rates.get(f"meet, {lane}", 0.0) for lane in v.LANES]),
        drums=np.array([rates.get(f"drums, {name}", 0.0) for name in grammar.DRUM_NAMES]),
        kit=float(rates.get("kit", 0)),
        rate=10_000.0 ** -(np.arange(quarter) / quarter),
        turns=2 * np.pi / np.array(PERIODS[:quarter]) * grammar.SLOT / 24,
    )


def busy(lane: str, level: int) -> str:
    """The name of the rate by which a lane's level of busyness is said higher than it is asked for, in levels."""
    return f"busy, {lane}, {level}"


def _busy(table: np.ndarray, rates: Mapping[str, float]) -> np.ndarray:
    """The embeddings of busyness [(lanes + 1) · LEVELS, W], each of a lane that plays at the level that its rate says:
    between those of two levels, or beyond the last."""
    out = table.reshape(-1, LEVELS, table.shape[1]).copy()
    for lane, name in enumerate(v.LANES):
        said = out[lane].copy()
        for level in range(PLAYS, LEVELS):
            at = level + rates.get(busy(name, level), 0)
            low = min(max(int(np.floor(at)), PLAYS), LEVELS - 2)
            out[lane, level] = said[low] + np.float32(at - low) * (said[low + 1] - said[low])
    return np.asarray(out.reshape(table.shape))


def groove(genre: str, drum: str, step: int) -> str:
    """The name of the rate by which a genre's drum is raised at a sixteenth of the first bar that has drums."""
    return f"groove, {genre}, {drum}, {step}"


def _mixed(network: Player, genre: Mapping[str, float], rates: Mapping[str, float]) -> torch.Tensor:
    """The embedding of a mix of genres, [W]: each as many times as far from the middle of all as its rate `style` says,
    1 as it was learned; of no genre where none is named."""
    if not genre:
        return network.genre.weight[-1]
    learned, genres = network.genre.weight[:-1], network.config.genres
    shares = torch.tensor([float(genre.get(name, 0)) for name in genres])
    styles = torch.tensor([float(rates.get(f"style, {name}", 1)) for name in genres])
    return learned.mean(0) + shares / shares.sum() * styles @ (learned - learned.mean(0))


def _groove(genre: Mapping[str, float], rates: Mapping[str, float]) -> np.ndarray:
    """By how much each drum is raised at each sixteenth of a bar in a mix of genres, float64 [SIXTEENTHS, drums]."""
    out, total = np.zeros((SIXTEENTHS, len(grammar.DRUM_NAMES))), sum(genre.values()) or 1
    for name, share in genre.items():
        for step, drum in np.ndindex(out.shape):
            out[step, drum] += share / total * rates.get(groove(name, grammar.DRUM_NAMES[drum], step), 0)
    return out


@torch.no_grad()
def desk_of(
    network: Player,
    genres: Sequence[Mapping[str, float]],
    controls: np.ndarray,
    meter: tuple[int, int],
    classes: np.ndarray,
    uniform: np.ndarray,
    rates: Mapping[str, float] = MappingProxyType({}),
) -> Desk:
    """An empty window for each candidate, each in a genre or a mix of them.

    controls: int64 [C, CONTROLS], but for the genres; uniform: numbers in [0, 1), float64 [C, n]; rates: how much of
    its genre a candidate has (`_mixed`, `_groove`).
    """
    config, count = network.config, len(genres)
    one = grammar.start(meter, classes)
    whole = network.whole(torch.from_numpy(controls)) + torch.stack([_mixed(network, genre, rates) for genre in genres])
    levels = np.zeros((count, 2, _LANES + 1), np.int64)
    levels[:, :, :_LANES] = controls[:, 2 : 2 + 2 * _LANES].reshape(count, 2, _LANES)
    shape = (count, config.layers, config.heads, ROOM, config.width // config.heads)
    return Desk(
        machines=grammar.Machine(*(np.repeat(array[None], count, 0) for array in one)),
        keys=np.empty(shape, np.int16),
        values=np.empty(shape, np.int16),
        loudest=np.empty(shape[:-1], np.float32),
        tokens=np.zeros((count, ROOM), np.int32),
        time=np.zeros(count, np.int64),
        said=np.zeros((count, config.width), np.float32),
        states=np.empty((count, ROOM, config.width), np.float32),
        whole=whole.numpy(),
        groove=np.stack([_groove(genre, rates) * (meter == (4, 4)) for genre in genres]),
        levels=levels,
        uniform=uniform,
        drawn=np.zeros(count, np.int64),
    )
