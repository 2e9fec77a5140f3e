"""How a drummer of each genre begins: which drums at which sixteenth of the first bar, as often as in songs.

With nothing played before, the network says less of a genre's beat than its songs have: a kick on each beat of
electronic music in one of eight beginnings, where it is in four of ten. What a first bar is like makes all that follow.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from scipy.special import logit

from engine.player import Model, grammar
from engine.player import vocabulary as v
from engine.player.desk import groove
from training.player.windows import Example, Windows

BEGINNINGS = 1500  # of each genre
TRUST = 20  # moments that what the network says counts for
SURE = 2.5  # standard errors by which songs differ from what it says
ROUNDS = 60
Moments = dict[int, list[tuple[np.ndarray, int]]]
"""Sixteenth → of each moment the chances of all sets of drums, float64 [128 + combos], and which was struck."""


def first_bar(example: Example) -> np.ndarray:
    """Where in a window a moment of the first bar with drums begins, where that is on the straight grid, int64 [n]."""
    lane, _, bar = example.numbers[:, :3].T
    tokens, targets = example.tokens, example.targets
    struck = np.flatnonzero((lane == v.DRUMS) & (tokens >= v.EVENT) & (tokens < v.LONG) & (targets != v.PAD))
    struck = struck[bar[struck] == bar[struck].min(initial=v.WINDOW)]
    grids = tokens[(tokens >= v.BAR) & (tokens < v.CHORD)] - v.BAR
    return struck[grids[bar[struck]] == v.STRAIGHT]


@torch.inference_mode()
def moments(model: Model, windows: Windows, genre: int, count: int, seed: int) -> Moments:
    """Those of the first bars with drums of so many beginnings in a genre, straight and in 4/4."""
    rng, found = np.random.default_rng([seed, genre]), defaultdict(list)
    songs = windows.songs[(windows.genre[windows.songs] == genre) & (windows.meter[windows.songs] == 0)]
    for song in rng.choice(songs, count * bool(len(songs))).tolist():
        example = windows.beginning(song, rng)
        where = first_bar(example)
        if not len(where):
            continue
        controls = torch.from_numpy(example.controls)[None]
        controls[0, 0] = genre
        read = {"tokens": np.int64, "numbers": np.int64, "bits": np.float32}
        heard = [torch.from_numpy(getattr(example, name)[: where[-1] + 1].astype(kind))[None]
                 for name, kind in read.items()]  # fmt: skip
        chances = torch.softmax(model.network(*heard, controls)[0, where, v.PITCH :].double(), -1).numpy()
        for at, chance in zip(where.tolist(), chances):
            found[int(example.numbers[at, 1])].append((chance, int(example.targets[at]) - v.PITCH))
    return found


def raised(chances: np.ndarray, struck: np.ndarray, classes: np.ndarray, drums: np.ndarray) -> np.ndarray:
    """The weights by which drums come as often as they are struck, float64 [D].

    chances: float64 [N, S] of sets; struck: int [N], which it was; classes: bool [S, D], the drums in a set; drums: the
    weights [D] by which they are raised anyway.
    """
    out = np.zeros(len(drums))

    def share() -> np.ndarray:
        moved = chances * np.exp(classes @ (drums + out))
        return np.asarray((moved / moved.sum(1, keepdims=True)).mean(0) @ classes)

    said, count = np.clip(share(), 1e-6, 1 - 1e-6), len(struck)
    so = classes[struck].mean(0)
    sure = np.abs(so - said) > SURE * np.sqrt(said * (1 - said) / count)
    aim = logit((so * count + said * TRUST) / (count + TRUST))
    for _ in range(ROUNDS):
        out += 0.5 * sure * (aim - logit(np.clip(share(), 1e-6, 1 - 1e-6)))
    return out


def grooves(model: Model, windows: Windows, *, seed: int = 0, beginnings: int = BEGINNINGS) -> dict[str, float]:
    """The rates (engine.player.desk.groove) by which first bars of each genre have their drums where songs have."""
    count = len(grammar.DRUM_NAMES)
    classes = (model.classes[:, :1] >> np.arange(count) & 1).astype(float)
    rates: dict[str, float] = {}
    for number, genre in enumerate(model.genres):
        for step, found in sorted(moments(model, windows, number, beginnings, seed).items()):
            chances, struck = np.array([chance for chance, _ in found]), np.array([which for _, which in found])
            weights = raised(chances, struck, classes, model.weights.drums)
            rates |= {groove(genre, name, step): round(float(weight), 2)
                      for name, weight in zip(grammar.DRUM_NAMES, weights) if weight}  # fmt: skip
        print(f"{genre}: {sum(genre in name for name in rates)} places", flush=True)
    return rates
