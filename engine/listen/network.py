"""The ear: a small convolutional network that says which pitch sounds in each frame, and whether a note begins.

    features [batch, 11, t, 228] → pitch [batch, t, 77] (logits; the last: none), onset [batch, t] (logit)

Convolutions see every pitch alike; what decides between pitches is the softmax, and a note's beginning is heard at the
pitch that sounds.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.listen.spectrum import CHANNELS, FINE

REACH = 5  # frames of a convolution over time


class Ear(nn.Module):
    """See this file's head."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stack = nn.Conv2d(CHANNELS, width, (3, 5), (1, FINE), (1, 1))
        self.conv1 = nn.Conv2d(width, width, (REACH, 3), padding=(2, 1))
        self.conv2 = nn.Conv2d(width, width, (REACH, 3), padding=(4, 1), dilation=(2, 1))
        self.norm1, self.norm2 = nn.GroupNorm(1, width), nn.GroupNorm(1, width)
        self.pitch = nn.Conv2d(width, 1, 1)
        self.over_time = nn.Conv1d(3 * width, 2 * width, REACH, padding=2)
        self.heads = nn.Conv1d(2 * width, 2, REACH, padding=2)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.norm1(self.stack(seen)))
        x = torch.relu(self.norm2(x + self.conv1(x)))
        x = torch.relu(x + self.conv2(x))
        each = self.pitch(x)[:, 0]
        there = each.softmax(-1)[:, None]
        pooled = torch.cat([(x * there).sum(-1), x.amax(-1), x.mean(-1)], 1)
        none, onset = self.heads(torch.relu(self.over_time(pooled))).unbind(1)
        return torch.cat([each, none[..., None]], -1), onset
