"""The player's transformer: what was written so far, and what is known beside it → logits of the next token.

    token [batch, time]                          embedded, and to it are added
    numbers [batch, time, 4]                     lane, step, bar of the window, chord (grammar.hear)
    bits [batch, time, 96]                       a linear map of what the others play, and the lane a bar ago
    controls [batch, 2 + 2 · 6 lanes + 2]        genre, meter; busyness and register of each lane, which count where
                                                 that lane is being written; bars from the song's start and to its end

Pre-norm blocks with rotary positions (Su et al. 2021) and gated MLPs (Shazeer 2020), as most language models have them.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.player.grammar import BITS, NO_LANE, NO_STEP, WINDOW
from engine.player.vocabulary import CHORDS, LANES, METERS, TOKENS

LEVELS = 8
"""Of a control: 0 says nothing, 1..7 from the least to the most."""
CONTROLS = 2 + 2 * len(LANES) + 2


@dataclass(frozen=True)
class Config:
    genres: tuple[str, ...]
    width: int = 192
    layers: int = 4
    heads: int = 4
    hidden: int = 512  # of the gated MLPs

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    """Rotary positions: x [batch, heads, time, size], angle [time, size / 2]."""
    a, b = x.chunk(2, -1)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Attention to what came before, then a gated MLP."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm1, self.norm2 = nn.RMSNorm(config.width), nn.RMSNorm(config.width)
        self.in_proj = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out_proj = nn.Linear(config.width, config.width, bias=False)
        self.fc1 = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.fc2 = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor, angle: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = self.in_proj(self.norm1(x)).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(rotate(q, angle), rotate(k, angle), v, is_causal=True)
        x = x + self.out_proj(heard.transpose(1, 2).reshape(batch, time, width))
        gate, value = self.fc1(self.norm2(x)).chunk(2, -1)
        return x + self.fc2(F.silu(gate) * value)


class Player(nn.Module):
    """int64 tokens, int64 numbers, float bits, int64 controls (see the head of this file) → logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.token = nn.Embedding(TOKENS, width)
        self.numbers = nn.ModuleList(nn.Embedding(n, width) for n in (NO_LANE + 1, NO_STEP + 1, WINDOW, CHORDS + 1))
        self.bits = nn.Linear(BITS, width, bias=False)
        self.genre = nn.Embedding(len(config.genres) + 1, width)  # the last: no genre
        self.meter = nn.Embedding(len(METERS), width)
        self.busy = nn.Embedding((len(LANES) + 1) * LEVELS, width)
        self.register = nn.Embedding((len(LANES) + 1) * LEVELS, width)
        self.begun, self.left = nn.Embedding(LEVELS, width), nn.Embedding(LEVELS, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, TOKENS, bias=False)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02 if parameter.shape[1] == width else parameter.shape[1] ** -0.5)

    def embed(self, tokens: Tensor, numbers: Tensor, bits: Tensor, controls: Tensor) -> Tensor:
        """[batch, time, width]."""
        lane = numbers[..., 0]
        x = self.token(tokens) + self.bits(bits)
        for i, embedding in enumerate(self.numbers):
            x = x + embedding(numbers[..., i])
        count = len(LANES)
        for embedding, first in ((self.busy, 2), (self.register, 2 + count)):
            levels = F.pad(controls[:, first : first + count], (0, 1))  # no lane, no level
            x = x + embedding(lane * LEVELS + levels.gather(1, lane))
        whole = (
            self.genre(controls[:, 0])
            + self.meter(controls[:, 1])
            + self.begun(controls[:, -2])
            + self.left(controls[:, -1])
        )
        return x + whole[:, None]

    def angles(self, first: int, count: int, device: torch.device) -> Tensor:
        """Rotary angles of so many positions from `first` on, float [count, size / 2]."""
        size = self.config.width // self.config.heads
        rate = 10_000.0 ** -(torch.arange(0, size, 2, device=device) / size)
        return torch.arange(first, first + count, device=device)[:, None] * rate

    def forward(self, tokens: Tensor, numbers: Tensor, bits: Tensor, controls: Tensor) -> Tensor:
        """float [batch, time, TOKENS]."""
        x = self.embed(tokens, numbers, bits, controls)
        angle = self.angles(0, x.shape[1], x.device)
        for block in self.blocks:
            x = block(x, angle)
        return self.head(self.norm(x))
