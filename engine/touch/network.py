"""The hand: a recurrent network that strikes a track's notes one after the other.

    notes [batch, time, 5]                 what is known of each note (strikes.features), embedded, and to it are added
    struck [batch, time, 8]                the velocities of its five sources (0: none), and how far beside the grid the
                                           note before and those a beat and a bar before were (0: none)
    whole [batch, width]                   genre, tempo, lane, and the manner of the hand

A gated recurrent unit (Cho et al. 2014) reads them. A velocity is that of one of the sources, or one of 1..127 of its
own: a mixture (as pointer networks copy, See et al. 2017), for most notes of real songs are struck as one before.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.pianoroll import TRACKS
from engine.touch.manner import SIZES as MANNERS
from engine.touch.manner import TEMPI
from engine.touch.strikes import BACK, SIZES

VELOCITIES = 128
BESIDE = 3  # ticks of 24 a beat by which a note may lie before or after its place
OFFSETS = 2 * BESIDE + 1
HEARD = (0, 2, 3)  # the sources whose offsets are heard
CONTROL_SIZES = (TEMPI, len(TRACKS), *MANNERS)
HEARD_SIZES = (*SIZES, *[VELOCITIES] * len(BACK), *[OFFSETS + 1] * len(HEARD))
CONTROL_FIRST, HEARD_FIRST = ([sum(sizes[:i]) for i in range(len(sizes))] for sizes in (CONTROL_SIZES, HEARD_SIZES))
OUT = len(BACK) + 1 + VELOCITIES + OFFSETS


@dataclass(frozen=True)
class Config:
    genres: tuple[str, ...]
    width: int = 96  # of what is embedded
    hidden: int = 160  # of the recurrent unit

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


class Hand(nn.Module):
    """int64 notes, struck and controls → float [batch, time, OUT]: logits of which source, of a velocity of its own,
    and of the offset."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.known = nn.Embedding(sum(HEARD_SIZES), config.width)  # one table after the other
        self.genre = nn.Embedding(len(config.genres) + 1, config.width)  # the last: no genre
        self.controls = nn.Embedding(sum(CONTROL_SIZES), config.width)
        self.unit = nn.GRU(config.width, config.hidden, batch_first=True)
        self.head = nn.Linear(config.hidden, OUT)
        self.past = nn.Linear(config.width, OUT, bias=False)  # what is heard, straight to what is said
        for table in (self.known, self.genre, self.controls):
            nn.init.normal_(table.weight, std=0.3)

    def embed(self, notes: Tensor, struck: Tensor) -> Tensor:
        """[batch, time, width], without what is whole."""
        return self.known(torch.cat([notes, struck], -1) + torch.tensor(HEARD_FIRST, device=notes.device)).sum(-2)

    def whole(self, controls: Tensor) -> Tensor:
        """controls [batch, 8] (genre, tempo, lane, manner) → [batch, width]."""
        return self.genre(controls[:, 0]) + self.controls(
            controls[:, 1:] + torch.tensor(CONTROL_FIRST, device=controls.device)
        ).sum(-2)

    def forward(self, notes: Tensor, struck: Tensor, controls: Tensor) -> Tensor:
        x = self.embed(notes, struck) + self.whole(controls)[:, None]
        return self.head(self.unit(x)[0]) + self.past(x)


def split(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of which source (the last: none of them), of a velocity of its own, of an offset."""
    which, own, beside = torch.split(logits, [len(BACK) + 1, VELOCITIES, OFFSETS], -1)
    return which, own, beside


def nats(logits: Tensor, struck: Tensor, velocity: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Nats of each note's velocity and of its offset, [batch, time] each."""
    which, own, beside = split(logits.float())
    sources = struck[..., : len(BACK)]
    absent = F.pad(sources == 0, (0, 1))
    chance = which.masked_fill(absent, -torch.inf).log_softmax(-1)
    alike = F.pad(sources == velocity[..., None], (0, 1)) & ~absent
    copied = torch.where(alike, chance, -torch.inf)
    fresh = chance[..., -1] + own.log_softmax(-1).gather(-1, velocity[..., None])[..., 0]
    copied = torch.cat([copied[..., :-1], fresh[..., None]], -1)
    return -copied.logsumexp(-1), -beside.log_softmax(-1).gather(-1, offset[..., None])[..., 0]
