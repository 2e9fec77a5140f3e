"""The player's transformer: what was written so far, and what is known beside it → logits of the next token.

    token [batch, time]                          embedded, and to it are added
    numbers [batch, time, 10]                    lane, step, bar of the window, six chords, time (grammar.hear)
    bits [batch, time, 192]                      a linear map of what the others play, and the lane in earlier bars
    controls [batch, 2 + 2 · 6 lanes + 2]        genre, meter; busyness and register of each lane, which count where
                                                 that lane is being written (and busyness everywhere: who plays); bars
                                                 from the song's start and to its end

Pre-norm blocks with gated MLPs (Shazeer 2020) and attention between queries and keys of one size (Henry et al. 2020).
Positions are rotary (Su et al. 2021): half of each head turns with the token's place in the sequence, half with its
time in the music, at periods that bars are made of.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.player.grammar import BITS, NO_LANE, NO_STEP, SLOT, UNKNOWN
from engine.player.levels import LEVELS
from engine.player.vocabulary import LANES, METERS, TOKENS, WINDOW

CONTROLS = 2 + 2 * len(LANES) + 2
PERIODS = (4, 1, 16, 2, 8, 0.5, 32, 64, 3, 1.5, 6, 12)
"""Beats in which the rotary positions in time come round."""
TIME = -1  # of the numbers


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
    """Rotary positions: x [batch, heads, time, size], angle [batch, 1, time, size / 2]."""
    a, b = x.chunk(2, -1)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Attention to what came before, then a gated MLP."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, self.size = config.heads, config.width // config.heads
        self.norm1, self.norm2 = nn.RMSNorm(config.width), nn.RMSNorm(config.width)
        self.in_proj = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out_proj = nn.Linear(config.width, config.width, bias=False)
        self.fc1 = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.fc2 = nn.Linear(config.hidden, config.width, bias=False)

    def project(self, x: Tensor, angle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (of one size, turned) and values, [batch, heads, time, size] each."""
        batch, time, _ = x.shape
        q, k, v = self.in_proj(self.norm1(x)).view(batch, time, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        q, k = (F.rms_norm(x, (self.size,)) for x in (q, k))
        return rotate(q, angle), rotate(k, angle), v

    def follow(self, x: Tensor, attended: Tensor) -> Tensor:
        """What comes after attention [batch, heads, time, size] is added to the residual stream x."""
        x = x + self.out_proj(attended.transpose(1, 2).flatten(2))
        gate, value = self.fc1(self.norm2(x)).chunk(2, -1)
        return x + self.fc2(F.silu(gate) * value)

    def forward(self, x: Tensor, angle: Tensor) -> Tensor:
        return self.follow(x, F.scaled_dot_product_attention(*self.project(x, angle), is_causal=True))


class Player(nn.Module):
    """int64 tokens, int64 numbers, float bits, int64 controls (see the head of this file) → logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.token = nn.Embedding(TOKENS, width)
        sizes = (NO_LANE + 1, NO_STEP + 1, WINDOW, *[UNKNOWN + 1] * 6)
        self.numbers = nn.ModuleList(nn.Embedding(size, width) for size in sizes)
        self.bits = nn.Linear(BITS, width, bias=False)
        self.genre = nn.Embedding(len(config.genres) + 1, width)  # the last: no genre
        self.meter = nn.Embedding(len(METERS), width)
        self.busy = nn.Embedding((len(LANES) + 1) * LEVELS, width)
        self.register = nn.Embedding((len(LANES) + 1) * LEVELS, width)
        self.begun, self.left = nn.Embedding(LEVELS, width), nn.Embedding(LEVELS, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, TOKENS, bias=False)
        self.line_up = nn.Embedding(len(LANES) * LEVELS, width)  # the busyness of all lanes, wherever one is
        for name, parameter in self.named_parameters():
            if name.endswith(("out_proj.weight", "fc2.weight", "line_up.weight")):
                nn.init.zeros_(parameter)  # a block begins as the identity
            elif parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)

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
        return x + (self.genre(controls[:, 0]) + self.whole(controls))[:, None]

    def whole(self, controls: Tensor) -> Tensor:
        """What the controls [batch, CONTROLS] but for the genre add to every token, [batch, width]."""
        count = len(LANES)
        lanes = torch.arange(count, device=controls.device) * LEVELS + controls[:, 2 : 2 + count]
        return (
            self.meter(controls[:, 1])
            + self.line_up(lanes).sum(1)
            + self.begun(controls[:, -2])
            + self.left(controls[:, -1])
        )

    def angles(self, numbers: Tensor, first: int = 0) -> Tensor:
        """Rotary angles of tokens whose sequence began `first` tokens before, float [batch, 1, time, size / 2]."""
        half = self.config.width // self.config.heads // 4
        rate = 10_000.0 ** -(torch.arange(half, device=numbers.device) / half)
        place = torch.arange(first, first + numbers.shape[1], device=numbers.device)[:, None] * rate
        turns = 2 * torch.pi / torch.tensor(PERIODS[:half], device=numbers.device)
        beats = numbers[..., TIME, None] * (SLOT / 24)
        return torch.cat([place.expand(len(numbers), -1, -1), beats * turns], -1)[:, None]

    def forward(self, tokens: Tensor, numbers: Tensor, bits: Tensor, controls: Tensor) -> Tensor:
        """float [batch, time, TOKENS]."""
        x = self.embed(tokens, numbers, bits, controls)
        angle = self.angles(numbers)
        for block in self.blocks:
            x = block(x, angle)
        return self.head(self.norm(x))
