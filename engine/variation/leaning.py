"""Two directions of each instrument's latent space: where notes lie higher, and where there are more of them.

The decoder's chances say how high a bar's notes lie (the mean of the pitches, weighted by the chances that they begin)
and how many there are (the sum of those chances). How the latent changes both is averaged over a song's own bars of an
instrument and cousins of them, in the space in which the bars of one song are spread evenly (z = L e, as in
variations.py). Of each of the two gradients what it has of the other is taken away, so that a step along one leaves the
other as it is. A lean of 1 is as long a step as noise of 1 is in the mean, but all of it one way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.core.pianoroll import PITCHES
from engine.variation.bars import BarGrid
from engine.variation.codec import encoded

if TYPE_CHECKING:
    from engine.variation.model import Model

COUSINS = 4  # of each bar that is measured
MOST = 48  # different bars of an instrument that are measured


def directions(model: Model, grid: BarGrid) -> dict[str, Tensor]:
    """Steps of the latents of each family that plays, float [2, K]: notes higher (not of drums), and more of them."""
    return {track: _steps(model, grid, track) for track in dict.fromkeys(grid.families) if grid.sounds(track)}


def _steps(model: Model, grid: BarGrid, track: str) -> Tensor:
    rolls = grid.rolls[[family == track for family in grid.families]]
    different = list({roll.tobytes(): roll for roll in rolls[rolls.any((2, 3, 4))]}.values())
    chosen = np.linspace(0, len(different) - 1, min(len(different), MOST)).astype(int)
    rolls = np.stack([different[at] for at in chosen])
    spread, k = model.spread[track], model.latent
    away = np.random.default_rng(0).standard_normal((1 + COUSINS, len(rolls), k)).astype(np.float32)
    away[0] = 0
    z = encoded(model, track, rolls)[0] + torch.from_numpy(away).to(model.device) @ spread.T
    higher, busier = _gradients(model, track, z.reshape(-1, k)) @ spread
    if track == "drums":
        higher = torch.zeros_like(busier)
    else:
        higher, busier = _without(higher, busier), _without(busier, higher)
    steps: Tensor = model.scale * k**0.5 * torch.stack([_unit(higher), _unit(busier)]) @ spread.T
    return steps


def _gradients(model: Model, track: str, z: Tensor) -> Tensor:
    """How a step of the latents [n, K] changes pitch and the logarithm of the number of notes: their means, [2, K]."""
    with torch.inference_mode(False), torch.enable_grad():
        z = z.clone().requires_grad_()
        chance = torch.sigmoid(model.bank[track].decode(z)[:, 0])
        count = chance.sum((1, 2)).clamp_min(1e-3)
        pitch = (chance * torch.arange(PITCHES, device=z.device)).sum((1, 2)) / count
        found = [torch.autograd.grad(each.sum(), z, retain_graph=True)[0].mean(0) for each in (pitch, count.log())]
    return torch.stack(found)


def _without(step: Tensor, other: Tensor) -> Tensor:
    """What a step has at right angles to another."""
    rest: Tensor = step - other * (step @ other) / (other @ other).clamp_min(1e-12)
    return rest


def _unit(step: Tensor) -> Tensor:
    unit: Tensor = step / step.norm().clamp_min(1e-12)
    return unit
