"""The planner's network: noise and genre → who plays in each bar of a piece, and which bars come again.

    Generator    noise (Noise), genre [N, G], place [N, B, 3]
                 -> relations [N, B, 5, 8], busy [N, 5, 7], register [N, 5, 7], all one-hot

How high somebody plays is asked only of those who play: drawn apart from whether they do, it would be at times the
height of silence.

A relation says of one player's bar that it rests, is new, or is note for note one of those before. Bars are drawn one
after the other, players in `ORDER`: by a recurrent unit of the band, which hears all bars before, and one of each
player, which hears the band's, its own, and what those before it do in this bar. So a longer piece begins as the
shorter one. A decision is the one whose chance and noise (Gumbel's) together are the most, with the gradient of the
chances (Jang et al. 2017): nothing but noise makes two plans differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.pianoroll import TRACKS

ORDER = (0, 3, 1, 2, 4)
"""Drums, bass, piano, guitar, strings."""
REST, NEW = 0, 1
BACK = (1, 2, 4, 8, 16, 24)
"""How many bars before lies the bar that comes again, from relation 2 on."""
RELATIONS = 2 + len(BACK)
LEVELS = 7  # of busyness and of register: the player's levels, less one
BEGUN, LEFT, PHASE = 17, 9, 8
"""Values of a bar's place: bars since the song began (16: more), bars to its end (1..8, 0: more), bar of eight."""
PLACES = (BEGUN, LEFT, PHASE)


@dataclass(frozen=True)
class Config:
    genres: tuple[str, ...]
    style: int = 32  # noise of the piece
    bar: int = 8  # noise of each bar
    player: int = 8  # noise of each player of the piece
    width: int = 128
    player_width: int = 64

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


class Noise(NamedTuple):
    """What plans of B bars are drawn from: normal noise, and for each decision Gumbel's."""

    style: Tensor  # [N, style]
    bars: Tensor  # [N, B, bar]
    players: Tensor  # [N, 5, player]
    levels: Tensor  # [N, 5, 2 · LEVELS], Gumbel's
    turns: Tensor  # [N, B, 5, RELATIONS], Gumbel's


class Plans(NamedTuple):
    """Plans, one-hot; where they were generated, with the gradient of their chances."""

    relations: Tensor  # [N, B, 5, RELATIONS]
    busy: Tensor  # [N, 5, LEVELS]; the least: rests throughout
    register: Tensor  # [N, 5, LEVELS]; all nothing of a player who rests throughout


def straight_through(logits: Tensor) -> Tensor:
    """The likeliest as one-hot, with the gradient of the chances."""
    soft = logits.softmax(-1)
    hard = F.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def places(place: Tensor) -> Tensor:
    """int64 [N, B, 3] → one-hot, [N, B, 34]."""
    return torch.cat([F.one_hot(place[..., i], size) for i, size in enumerate(PLACES)], -1).float()


class Generator(nn.Module):
    """Noise, genre and place to a plan (see the head of this file)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        genres, width, mine, count = len(config.genres), config.width, config.player_width, len(TRACKS)
        self.style = nn.Sequential(
            nn.Linear(config.style + genres, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.bar = nn.Linear(config.bar + sum(PLACES), width)
        self.before = nn.Linear(count * RELATIONS, width, bias=False)
        self.band = nn.GRUCell(width, width)
        self.player = nn.Linear(config.player, mine)
        self.part = nn.Embedding(count, mine)
        self.genre_part = nn.Linear(genres, count * mine, bias=False)
        self.style_part = nn.Linear(width, count * mine)
        self.levels = nn.Linear(mine, 2 * LEVELS)
        self.turn = nn.Linear(width + RELATIONS + 2 * LEVELS + sum(PLACES), mine)
        self.hand = nn.GRUCell(mine, mine)
        self.beside = nn.Parameter(torch.zeros(count, count, RELATIONS, mine))  # what one's decision is to another
        self.out = nn.Linear(mine, RELATIONS)
        self.habit = nn.Parameter(torch.zeros(count, RELATIONS))  # each player's own lean to rest, come again or go on

    def forward(self, noise: Noise, genre: Tensor, place: Tensor) -> Plans:
        """Noise, genre [N, G] of sum 1, place int64 [N, B, 3] → plans."""
        style, base = self._whole(noise, genre)
        busy, register = (straight_through(x) for x in (self.levels(F.gelu(base)) + noise.levels).split(LEVELS, -1))
        register = register * (1 - busy[..., :1].detach())
        drawn = [said for said, _ in self._bars(noise, place, style, base, [busy, register], None)]
        return Plans(torch.stack(drawn, 1), busy, register)

    def nats(self, noise: Noise, genre: Tensor, place: Tensor, plans: Plans) -> Tensor:
        """How unlikely plans are, bar by bar given their bars before: mean nats a decision."""
        style, base = self._whole(noise, genre)
        levels = [plans.busy, plans.register]
        bars = self._bars(noise, place, style, base, levels, plans.relations)
        said = [logits.log_softmax(-1) for _, logits in bars]
        of_levels = [x.log_softmax(-1) for x in self.levels(F.gelu(base)).split(LEVELS, -1)]
        relations = -(torch.stack(said, 1) * plans.relations).sum(-1).mean()
        rest = -torch.stack([(x * real).sum(-1).mean() for x, real in zip(of_levels, levels)]).sum()
        return relations + rest / place.shape[1]

    def _whole(self, noise: Noise, genre: Tensor) -> tuple[Tensor, Tensor]:
        """What the piece is like [N, width], and each of its players [N, 5, player_width]."""
        n, count = len(genre), len(TRACKS)
        style = self.style(torch.cat([noise.style, 4 * genre], -1))
        base = (self.player(noise.players) + self.part.weight + self.genre_part(4 * genre).view(n, count, -1)
                + self.style_part(style).view(n, count, -1))  # fmt: skip
        return style, base

    def _bars(
        self, noise: Noise, place: Tensor, style: Tensor, base: Tensor, levels: list[Tensor], known: Tensor | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Each bar's relations and their logits, [N, 5, RELATIONS]: those that are `known`, or drawn with the noise."""
        n, count = len(style), len(TRACKS)
        where = places(place)
        entering = self.bar(torch.cat([noise.bars, where], -1))
        whole, parts = torch.tanh(style), torch.tanh(base).reshape(n * count, -1)
        fixed = torch.cat(levels, -1)
        rests = levels[0][:, :, 0].detach() > 0.5
        said = torch.zeros(n, count, RELATIONS, device=style.device)
        sounds: list[Tensor] = []
        for b in range(place.shape[1]):
            whole = self.band(F.gelu(entering[:, b] + style + self.before(said.flatten(1))), whole)
            heard = torch.cat([whole[:, None].expand(-1, count, -1), said, fixed,
                               where[:, b, None].expand(-1, count, -1)], -1)  # fmt: skip
            parts = self.hand(F.gelu(self.turn(heard) + base).reshape(n * count, -1), parts)
            barred = self._barred(sounds, rests)
            logits: dict[int, Tensor] = {}
            now: dict[int, Tensor] = {}
            states = parts.view(n, count, -1)
            for player in ORDER:
                state = states[:, player]
                for other, decision in now.items():
                    state = state + decision @ self.beside[other, player]
                logits[player] = (self.out(F.gelu(state)) + self.habit[player]).masked_fill(barred[:, player], -1e4)
                now[player] = (straight_through(logits[player] + noise.turns[:, b, player]) if known is None
                               else known[:, b, player])  # fmt: skip
            said = torch.stack([now[player] for player in range(count)], 1)
            sounds.append(said[..., REST].detach() < 0.5)
            yield said, torch.stack([logits[player] for player in range(count)], 1)

    @staticmethod
    def _barred(sounds: list[Tensor], rests: Tensor) -> Tensor:
        """What a player's next bar cannot be, bool [N, 5, RELATIONS]: a bar again in which it rested."""
        barred = torch.zeros(*rests.shape, RELATIONS, dtype=torch.bool, device=rests.device)
        for i, back in enumerate(BACK):
            barred[..., 2 + i] = ~sounds[-back] if back <= len(sounds) else True
        barred[..., NEW:] |= rests[..., None]
        return barred
