"""How often each player rests, plays a bar again or goes on: as often as in songs.

A plan names a bar that comes again by how many bars before it lies, and has no name for some of those in songs (three
bars, twelve); and what is drawn repeats itself less where bars that come again at once are not drawn together. So each
player's habit (`engine.planner.network.Generator.habit`) is moved until the plans of songs and drawn ones have the same
shares, what songs bring again without a name among them.
"""

from __future__ import annotations

import numpy as np
import torch

from engine.planner.network import NEW, Generator
from training.planner.gan import Songs
from training.planner.measures import drawn

ROUNDS, WINDOWS = 6, 1200
LESS = 0.7
"""Of a difference that a round makes up for."""
LEAST = 1e-3  # of a share


def again(same: np.ndarray) -> np.ndarray:
    """What bars hold, uint64 [N, B, tracks] -> whether it was there in one of the window's bars before, bool."""
    out = np.zeros(same.shape, bool)
    for bar in range(1, same.shape[1]):
        out[:, bar] = ((same[:, :bar] == same[:, bar, None]) & (same[:, bar, None] != 0)).any(1)
    return out


def aimed(relations: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Shares of each track's relations [tracks, RELATIONS], one-hot [N, B, tracks, RELATIONS], in which all bars that
    come again have a name."""
    shares = relations.mean((0, 1))
    named, all_of_them = shares[:, NEW + 1 :].sum(-1), again(same).mean((0, 1))
    shares[:, NEW + 1 :] *= (all_of_them / np.maximum(named, LEAST))[:, None]
    shares[:, NEW] += named - all_of_them
    return np.asarray(shares)


@torch.no_grad()
def calibrate(generator: Generator, songs: Songs, seed: int = 0) -> None:
    """Move the generator's habit until what it draws has the shares of songs."""
    song, rows = songs.windows(WINDOWS, np.random.default_rng(seed))
    plans, genre, place = songs.plans(song, rows)
    aim = torch.from_numpy(aimed(plans.relations.numpy(), songs.same[rows])).clamp_min(LEAST).log()
    for number in range(ROUNDS):
        made = drawn(generator, genre, place, seed + number).relations.mean((0, 1)).clamp_min(LEAST).log()
        short = aim - made
        generator.habit += LESS * (short - short[:, NEW, None])
