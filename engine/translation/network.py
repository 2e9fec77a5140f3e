"""Translation's network: one generator of three LSTM layers for all directions, after CycleGAN (Zhu et al. 2017).

It is told source and target, or the target alone where the source is none that it knows. It reads the performance and
the whitened timbre (its slow and its fast part apart) and writes what to add to the *swap of profiles*, which keeps the
fast part, and how much of that to keep: training starts at the swap.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from engine.translation.frames import TIMBRE

SLOW = 31  # frames whose mean is the slow part: half a second
CONTROLS = 4  # pitch, octaves moved, relative loudness, voicing


@dataclass(frozen=True)
class Config:
    instruments: tuple[str, ...] = ("flute", "trombone")
    width: int = 96  # of the LSTM
    layers: int = 3


State = tuple[torch.Tensor, torch.Tensor]


def controls(midi: torch.Tensor, shift: torch.Tensor, level: torch.Tensor, voiced: torch.Tensor) -> torch.Tensor:
    """[b, t] each → [b, t, 4], all near the interval -1 to 1. midi: of what is to sound, shift: octaves moved."""
    return torch.stack([(midi - 62) / 18, shift / 2, level / 20 + 0.5, voiced], dim=-1)


def slow_part(white: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
    """Mean over half a second around each frame, of the frames that are heard: [b, t, 80], [b, t] → [b, t, 80]."""
    pool = nn.functional.avg_pool1d
    weight = heard[:, None].to(white.dtype)
    total = pool((white * heard[..., None]).transpose(1, 2), SLOW, 1, SLOW // 2)
    return (total / pool(weight, SLOW, 1, SLOW // 2).clamp(min=1e-3)).transpose(1, 2) * heard[..., None]


class Generator(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.in_proj = nn.Linear(2 * TIMBRE + CONTROLS + 2 * len(config.instruments), config.width)
        self.lstm = nn.LSTM(config.width, config.width, config.layers, batch_first=True)
        self.out_proj = nn.Linear(2 * config.width, 2 * TIMBRE)
        nn.init.zeros_(self.out_proj.weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self, slow: torch.Tensor, fast: torch.Tensor, given: torch.Tensor, state: State | None = None
    ) -> tuple[torch.Tensor, State]:
        """slow, fast [b, t, 80], given [b, t, 4 + 2 instruments] → the target's whitened timbre [b, t, 80], state."""
        x = torch.tanh(self.in_proj(torch.cat([slow, fast, given], dim=-1)))  # [b, t, width]
        y, state = self.lstm(x, state)
        change, gain = self.out_proj(torch.cat([x, y], dim=-1)).chunk(2, dim=-1)
        return fast * torch.exp(gain.clamp(-3, 1)) + change, state


def instrument_onehot(source: int | None, target: int, instruments: int) -> torch.Tensor:
    """What a generator is conditioned on: one-hot source (zeros for one it does not know), one-hot target."""
    every = torch.eye(instruments)
    return torch.cat([every[target] * 0 if source is None else every[source], every[target]])
