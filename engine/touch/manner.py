"""The manner of a hand, in classes: how hard it strikes, in how many ways and how far apart, whether the beat is struck
harder, how close to the grid; and tempo."""

from __future__ import annotations

import numpy as np

from engine.touch.strikes import TICKS

LEVELS = (40, 52, 62, 70, 78, 86, 94, 102, 111, 121)  # mean velocities, between the levels
SPREADS = (2, 5, 13)  # different velocities, between: one, few, some, many
DEPTHS = (0.5, 3, 6, 9, 13, 18)  # standard deviations of the velocities, between
ACCENTS = (-5, -1, 1, 5, 10, 18)  # how much harder notes on a beat are struck than the others, between
GRIDS = (1e-9, 0.2)  # shares of notes beside the grid, between: none, some, many
SIZES = tuple(len(classes) + 2 for classes in (LEVELS, SPREADS, DEPTHS, ACCENTS, GRIDS))
"""How many values level, spread, depth, accent and grid have; 0 of each says nothing."""
TEMPI = 16  # classes of tempo, three an octave from 40


def manner(place: np.ndarray, velocity: np.ndarray, offset: np.ndarray) -> list[int]:
    """Level, spread, depth, accent and grid of some notes of one track, 1 or more each. place in ticks from a bar line,
    velocity 1..127, offset in ticks, [N] each."""
    beat = place % TICKS == 0
    accent = velocity[beat].mean() - velocity[~beat].mean() if beat.any() and not beat.all() else 0.0
    return [
        1 + int(np.searchsorted(classes, value, "right"))
        for classes, value in (
            (LEVELS, velocity.mean()),
            (SPREADS, len(np.unique(velocity))),
            (DEPTHS, velocity.std()),
            (ACCENTS, accent),
            (GRIDS, np.mean(offset != 0)),
        )
    ]


def tempo_class(tempo: float) -> int:
    """0..15, from quarter notes a minute."""
    return int(np.clip(np.rint(3 * np.log2(tempo / 40)), 0, TEMPI - 1))
