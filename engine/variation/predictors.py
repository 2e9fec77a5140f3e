"""MelodyNN and HarmonyNN: what comes next, bar by bar, in the latent space of engine/variation/vae.py.

MelodyNN reads the latent distributions of the lead's last eight bars (the piano's) and gives the next one. HarmonyNN,
one each for drums, guitar, bass and strings, reads that track's last eight bars beside the lead's, and the lead's new
bar. Both are a `NextBar`: an attention block over the bars; its last token *points* at the bars that the next one
repeats (music does, every two, four or eight bars), and adds a difference of its own:

    next = sum_i pointer_i * mu_i + difference           latents in units of their spread over the training songs

    past   [B, 8, 2K + 1]    mu, logvar and "is silent" of the track's last bars, the latest at the end
    lead   [B, 9, K + 1]     for HarmonyNN: mu and "is silent" of the lead's last eight bars and of the new one
    there  [B, 8]            which of the eight exist (a song begins somewhere)
    -> mu [B, K], sounds [B] (logit), pointer [B, 8]

Attention: Vaswani et al. 2017; pointing: Vinyals et al. 2015. Trained by `python -m training train variation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HISTORY = 8  # bars
HEADS = 4


@dataclass(frozen=True)
class NextConfig:
    latent: int
    led: bool  # HarmonyNN: with the lead's latents
    width: int = 64


class NextBar(nn.Module):
    """The next bar's latent from the last eight."""

    def __init__(self, config: NextConfig) -> None:
        super().__init__()
        self.config = config
        k, width = config.latent, config.width
        self.token = nn.Linear(2 * k + 1 + (k + 1 if config.led else 0), width)
        self.query = nn.Linear(k + 1, width) if config.led else None
        self.place = nn.Parameter(torch.randn(HISTORY + 1, width) * 0.1)
        self.norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.final = nn.LayerNorm(width)
        self.asks, self.answers = nn.Linear(width, width), nn.Linear(width, width)
        self.difference = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, k))
        self.sounds = nn.Linear(width, 1)

    def forward(self, past: Tensor, there: Tensor, lead: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes in the head of this file."""
        count, width = len(past), self.config.width
        if self.query is not None:
            assert lead is not None
            tokens = self.token(torch.cat([past, lead[:, :-1]], -1))
            last = self.query(lead[:, -1])
        else:
            tokens = self.token(past)
            last = torch.zeros_like(tokens[:, 0])
        x = torch.cat([tokens, last[:, None]], 1) + self.place  # [B, 9, width]
        seen = torch.cat([there, torch.ones_like(there[:, :1])], 1)[:, None, None]  # [B, 1, 1, 9]
        parts = self.attend(self.norm(x)).chunk(3, -1)
        q, k, v = (part.reshape(count, HISTORY + 1, HEADS, -1).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        x = x + self.attended(mixed.transpose(1, 2).reshape(count, HISTORY + 1, width))
        x = self.final(x + self.mix(x))
        asked = (self.asks(x[:, -1:]) * self.answers(x[:, :-1])).sum(-1) / width**0.5
        silent = past[..., -1] > 0.5
        pointer = asked.masked_fill(~there | silent, -1e4).softmax(-1)  # [B, 8]
        copied = pointer[..., None] * past[..., : self.config.latent]
        summary = torch.cat([x[:, -1], (pointer[..., None] * x[:, :-1]).sum(1)], -1)
        return copied.sum(1) + self.difference(summary), self.sounds(x[:, -1])[:, 0], pointer
