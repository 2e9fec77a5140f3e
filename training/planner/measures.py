"""How far drawn plans are from those of songs: differences between shares of what their bars are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.planner.network import Config, Generator, Plans
from training.planner.gan import BARS, Songs, noise

AT_ONCE = 500  # plans


def shares(plans: Plans, genre: Tensor) -> dict[str, Tensor]:
    """What plans are made of: how often each track's bar has each relation, `by genre` [G, 5, R] and by the `bar` of
    eight [8, 5, R]; two tracks' relations `together` [5, 5, R, R]; a track's and that of its bar before, `in turn`
    [5, R, R]; `levels` [2, 5, L]; how much the relations' shares `vary` between plans [5, R]."""
    r = plans.relations
    count = r.shape[0] * r.shape[1]
    return {
        "by genre": torch.einsum("ng,ntr->gtr", genre, r.mean(1)) / genre.sum(0)[:, None, None],
        "bar": torch.stack([r[:, phase::8].mean((0, 1)) for phase in range(8)]),
        "together": torch.einsum("nbtr,nbus->turs", r, r) / count,
        "in turn": torch.einsum("nbtr,nbts->trs", r[:, 1:], r[:, :-1]) / count,
        "levels": torch.stack([plans.busy.mean(0), plans.register.mean(0)]),
        "vary": r.mean(1).std(0),
    }


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, float]:
    """The differences between shares, summed over relations and levels (0..2), mean over the rest."""
    out = {}
    for name, mine in one.items():
        kinds = mine.shape[-1] * (mine.shape[-2] if name in ("together", "in turn") else 1)
        out[name] = float((mine - other[name]).abs().sum() / (mine.numel() / kinds))
    return out


@torch.no_grad()
def drawn(generator: Generator, genre: Tensor, place: Tensor, seed: int) -> Plans:
    """A plan for each row of genre [N, G] and place [N, B, 3]."""
    random = torch.Generator().manual_seed(seed)
    config: Config = generator.config
    parts = [generator(noise(config, len(genre[i : i + AT_ONCE]), place.shape[1], random), genre[i : i + AT_ONCE],
                       place[i : i + AT_ONCE]) for i in range(0, len(genre), AT_ONCE)]  # fmt: skip
    return Plans(*(torch.cat(fields) for fields in zip(*parts)))


def sides(songs: Songs, count: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor], Plans, Tensor, Tensor]:
    """Shares of so many plans of songs, and of as many others; those plans, their genre and place."""
    rng = np.random.default_rng(seed)
    plans, genre, place = songs.draw(count, rng, BARS)
    others, genres, _ = songs.draw(count, rng, BARS)
    return shares(plans, genre), shares(others, genres), plans, genre, place
