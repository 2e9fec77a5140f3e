"""Trombone: a SampleRNN that is told which note to play. Model, loading and generation.

    Conditions of a note  →  frames of 64 samples: GRU  →  frames of 16: GRU  →  each sample: MLP, 256-way softmax

Mehri et al. 2017, "SampleRNN: an unconditional end-to-end neural audio generation model": frame-level tiers of GRUs
over non-overlapping frames with learned upsampling (frame sizes 16 and 4, as in the thesis this follows: 16 and 64
samples), and a sample-level MLP over the last 16 samples with an embedding. Three things are ours, each measured in
the model card: every tier sees the conditions of engine/trombone_conditions.py; the MLP sees the harmonic prior
around its sample and how far the last 16 samples were from it; and its 256 logits are a free part plus a discretised
normal whose mean is the prior plus a learned residual, so that the sampled note leans on its conditions and not on
its own mistakes alone.

    python -m engine trombone --note Bb3 --seconds 2 --dynamic mf --seed 7 --out note.wav
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.trombone_conditions import FRAME_FEATURES, PHASES

LEVELS = 256  # 8 bits a sample
MU = 255.0
BEFORE, AFTER = 1, 6  # samples of the prior that the MLP sees around its own
SAMPLE_FEATURES = BEFORE + AFTER + 1 + 2 * PHASES


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    dim: int = 192  # width of every tier
    embedding: int = 16  # numbers that stand for one of the 256 levels
    frame: int = 16  # samples of the lower tier's frame, and of history that the MLP sees
    ratio: int = 4  # lower frames in an upper frame
    companding: str = "mu"  # "mu" or "linear": how 256 levels cover -1 … 1
    features: int = FRAME_FEATURES  # conditions of a frame
    sample_features: int = SAMPLE_FEATURES  # conditions of a sample
    emphasis: float = 0.0  # this share of each sample is taken from the next before companding
    prior: bool = True  # False: the thesis's conditioning (note and counters), kept as the baseline


def emphasised(x: np.ndarray, emphasis: float) -> np.ndarray:
    """Amplitudes [..., n + 1] → pre-emphasised ones [..., n] (x[t] - emphasis · x[t - 1]).

    Eight bits hiss alike at all frequencies, while a trombone fades towards the high ones: emphasised before and
    de-emphasised after, as in LPCNet (Valin & Skoglund 2019), the hiss fades with it.
    """
    return x[..., 1:] - np.float32(emphasis) * x[..., :-1]


def compand(x: torch.Tensor, kind: str) -> torch.Tensor:
    """Amplitudes -1 … 1 to companded values -1 … 1 (μ-law: sign(x) ln(1 + μ|x|) / ln(1 + μ))."""
    x = x.clamp(-1, 1)
    return x if kind == "linear" else torch.sign(x) * torch.log1p(MU * x.abs()) / torch.log1p(torch.tensor(MU))


def expand(y: torch.Tensor, kind: str) -> torch.Tensor:
    """The inverse of `compand`."""
    return y if kind == "linear" else torch.sign(y) * torch.expm1(y.abs() * torch.log1p(torch.tensor(MU))) / MU


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
        recent = levels[:, h - w :]
        errors = (values[:, h - w :] - prior[:, :-1]).unfold(1, w, 1)  # [B, T, w]
        if not c.prior:
            errors = errors * 0
        embedded = self.embedding(recent)  # [B, w + T - 1, E]
        windows = embedded.unfold(1, w, 1).transpose(2, 3).reshape(len(values), total, -1)
        x = self.history(windows) + self.errors(errors) + self.conditions(sample_features) + below
        x = F.relu(self.hidden(F.relu(x)))
        return self.distribution(self.output(x).float(), errors.float(), prior[:, w:].float()), (upper, lower)

    def distribution(self, out: torch.Tensor, errors: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Network output [..., 258] → logits [..., 256]: free logits + a discretised normal around prior + residual."""
        middle = out[..., LEVELS] + errors @ self.linear
        if self.config.prior:
            middle = middle + prior
        # Standard deviation between 0.4 and 150 levels; it begins at 8.
        precision = torch.exp((-2 * out[..., LEVELS + 1] - 4.2).clamp(-10, 1.8))
        grid = torch.arange(LEVELS, device=out.device) - 128.0
        return out[..., :LEVELS] - 0.5 * precision[..., None] * (grid - 127.5 * middle[..., None]) ** 2
