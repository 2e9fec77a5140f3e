"""The trombone's network: a SampleRNN that is told which note to play.

    Conditions of a note  →  frames of 64 samples: GRU  →  frames of 16: GRU  →  each sample: MLP, 256-way softmax

Mehri et al. 2017, "SampleRNN: an unconditional end-to-end neural audio generation model": frame-level tiers of GRUs
over non-overlapping frames with learned upsampling (frame sizes 16 and 4, as in the thesis this follows: 16 and 64
samples), and a sample-level MLP over the last 16 samples with an embedding. Three things are ours, each measured in
the model card: every tier sees the conditions of engine/trombone/conditions.py; the MLP sees the harmonic prior
around its sample and how far the last 16 samples were from it; and its 256 logits are a free part plus a discretised
normal whose mean is the prior plus a learned residual, so that the sampled note leans on its conditions and not on
its own mistakes alone.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from engine.trombone.config import LEVELS, Config


def to_level(y: torch.Tensor) -> torch.Tensor:
    """Companded values to the nearest of the 256 levels, int64; 128 is silence."""
    return torch.round(y * 127.5 + 128).clamp(0, LEVELS - 1).long()


def from_level(level: torch.Tensor) -> torch.Tensor:
    """Levels to companded values (128 → 0)."""
    return (level.float() - 128) / 127.5


class FrameTier(nn.Module):
    """One frame-level tier: the last frame's samples and the coming frame's conditions → one vector per lower step."""

    def __init__(self, size: int, up: int, config: Config, above: bool) -> None:
        super().__init__()
        self.size, self.up, self.dim = size, up, config.dim
        self.samples = nn.Linear(size, config.dim)
        self.conditions = nn.Linear(config.features, config.dim, bias=False)
        self.gru = nn.GRU(config.dim, config.dim, batch_first=True)
        self.upsample = nn.Linear(config.dim, up * config.dim)
        self.start = nn.Parameter(torch.zeros(config.dim))

    def forward(
        self, frames: torch.Tensor, features: torch.Tensor, state: torch.Tensor, above: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """frames [B, n, size] companded, features [B, n, C], state [B, dim], above [B, n, dim] → [B, n·up, dim]"""
        x = self.samples(frames) + self.conditions(features)
        if above is not None:
            x = x + above
        y, last = self.gru(x, state.unsqueeze(0).contiguous())
        return self.upsample(y).reshape(len(y), -1, self.dim), last[0]


class SampleRNN(nn.Module):
    """The three tiers. All sequences are multiples of `frame · ratio` samples."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        d, w = config.dim, config.frame
        self.upper = FrameTier(w * config.ratio, config.ratio, config, above=False)
        self.lower = FrameTier(w, w, config, above=True)
        self.embedding = nn.Embedding(LEVELS, config.embedding)
        self.history = nn.Linear(w * config.embedding, d, bias=False)
        self.errors = nn.Linear(w, d, bias=False)
        self.conditions = nn.Linear(config.sample_features, d)
        self.hidden = nn.Linear(d, d)
        self.output = nn.Linear(d, LEVELS + 2)
        self.linear = nn.Parameter(torch.zeros(w))  # from the last errors straight to the mean
        with torch.no_grad():
            # Levels that lie together begin together: cosines over the levels instead of noise.
            steps = torch.arange(LEVELS)[:, None] / LEVELS
            self.embedding.weight.copy_(torch.cos(torch.pi * steps * torch.arange(1, config.embedding + 1)))
            self.output.weight[:LEVELS] *= 0.1
            self.output.bias.zero_()

    def begin(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States of notes that begin: (upper, lower), each [B, dim]."""
        return self.upper.start.expand(batch, -1), self.lower.start.expand(batch, -1)

    def forward(
        self,
        levels: torch.Tensor,
        features: torch.Tensor,
        sample_features: torch.Tensor,
        prior: torch.Tensor,
        state: tuple[torch.Tensor, torch.Tensor],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Logits of T samples, given the samples before each (teacher forcing).

        levels int64 [B, H + T - 1]: the history of H = frame·ratio samples, then the samples themselves but the last;
        features [B, T / frame, C]; sample_features [B, T, S]; prior [B, 16 + T] companded, of the 16 samples before and
        of the T themselves. Returns logits [B, T, 256] (float32) and the carried states.
        """
        c = self.config
        w, h = c.frame, c.frame * c.ratio
        total = prior.shape[1] - w
        values = from_level(levels)
        above, upper = self.upper(
            values[:, : total // h * h].reshape(len(values), -1, h), features[:, :: c.ratio], state[0], None
        )
        frames = values[:, h - w : h - w + total].reshape(len(values), -1, w)
        below, lower = self.lower(frames, features, state[1], above)
        out, errors = self.samples(levels[:, h - w :], sample_features, prior, below)
        return self.distribution(out, errors, prior[:, w:].float()), (upper, lower)

    def samples(
        self, levels: torch.Tensor, sample_features: torch.Tensor, prior: torch.Tensor, below: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the MLP makes of T samples: levels int64 [B, 16 + T - 1], prior [B, 16 + T], below [B, T, dim] from the
        tiers → output [B, T, 258], and how far the 16 samples before each were from the prior [B, T, 16]; float32."""
        w = self.config.frame
        errors = (from_level(levels) - prior[:, :-1]).unfold(1, w, 1)  # [B, T, w]
        if not self.config.prior:
            errors = errors * 0
        embedded = self.embedding(levels)  # [B, w + T - 1, E]
        windows = embedded.unfold(1, w, 1).transpose(2, 3).reshape(len(levels), below.shape[1], -1)
        x = self.history(windows) + self.errors(errors) + self.conditions(sample_features) + below
        x = F.relu(self.hidden(F.relu(x)))
        return self.output(x).float(), errors.float()

    def bell(self, out: torch.Tensor, errors: torch.Tensor, prior: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean [...], companded, and precision [...], of levels, of the normal that leans on the prior."""
        middle = out[..., LEVELS] + errors @ self.linear
        if self.config.prior:
            middle = middle + prior
        # Standard deviation between 0.4 and 150 levels; it begins at 8.
        return middle, torch.exp((-2 * out[..., LEVELS + 1] - 4.2).clamp(-10, 1.8))

    def distribution(self, out: torch.Tensor, errors: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Network output [..., 258] → logits [..., 256]: free logits + a discretised normal around prior + residual."""
        middle, precision = self.bell(out, errors, prior)
        grid = torch.arange(LEVELS, device=out.device) - 128.0
        return out[..., :LEVELS] - 0.5 * precision[..., None] * (grid - 127.5 * middle[..., None]) ** 2
