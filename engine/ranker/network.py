"""The ranker's network: convolutions over the steps of rolls, each reaching further than the one before.

    Ranker    rolls float32 [N, T, CHANNELS], genre [N, G] of sum 1 -> [N], the higher the more like a song
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.ranker.rolls import CHANNELS

DILATIONS = (1, 2, 4, 8, 16, 32, 16)  # steps between what a convolution hears


@dataclass(frozen=True)
class Config:
    genres: tuple[str, ...]
    width: int = 96
    hidden: float = 0.1  # share of what is seen that training hides
    dropout: float = 0.2

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


class Ranker(nn.Module):
    """Rolls and genres to scores (see the head of this file)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.enter = nn.Conv1d(CHANNELS, width, 5, padding=2)
        self.genre = nn.Linear(len(config.genres), width, bias=False)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in DILATIONS)
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in DILATIONS)
        self.leave = nn.Sequential(
            nn.Linear(3 * width, width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(width, 1)
        )

    def hear(self, rolls: Tensor, genre: Tensor) -> Tensor:
        """What it makes of each step, [N, width, T]."""
        seen = F.dropout(rolls, self.config.hidden, self.training)
        x: Tensor = self.enter(seen.transpose(1, 2)) + self.genre(genre)[:, :, None]
        for norm, block in zip(self.norms, self.blocks):
            x = x + F.dropout(F.gelu(block(norm(x))), self.config.dropout, self.training)
        return x

    def forward(self, rolls: Tensor, genre: Tensor) -> Tensor:
        x = self.hear(rolls, genre)
        score: Tensor = self.leave(torch.cat([x.mean(-1), x.amax(-1), x.std(-1)], -1))[:, 0]
        return score
