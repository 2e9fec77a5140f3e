"""The manner of a hand, in classes: how hard it strikes, in how many ways, how close to the grid; and tempo."""

from __future__ import annotations

import numpy as np

LEVELS = (40, 52, 62, 70, 78, 86, 94, 102, 111, 121)  # mean velocities, between the levels
SPREADS = (2, 5, 13)  # different velocities, between: one, few, some, many
GRIDS = (1e-9, 0.2)  # shares of notes beside the grid, between: none, some, many
SIZES = (len(LEVELS) + 2, len(SPREADS) + 2, len(GRIDS) + 2)
"""How many values level, spread and grid have; 0 of each says nothing."""
TEMPI = 16  # classes of tempo, three an octave from 40


def manner(velocity: np.ndarray, offset: np.ndarray) -> list[int]:
    """Level, spread and grid of some notes of one track, 1 or more each. velocity 1..127, offset in ticks, [N] each."""
    return [
        1 + int(np.searchsorted(LEVELS, velocity.mean(), "right")),
        1 + int(np.searchsorted(SPREADS, len(np.unique(velocity)), "right")),
        1 + int(np.searchsorted(GRIDS, np.mean(offset != 0), "right")),
    ]


def tempo_class(tempo: float) -> int:
    """0..15, from quarter notes a minute."""
    return int(np.clip(np.rint(3 * np.log2(tempo / 40)), 0, TEMPI - 1))
