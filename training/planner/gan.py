"""The planner's adversary: a critic over plans of songs, and both trained against each other.

The critic reads a plan bar by bar (convolutions over bars; a genre's own score by projection, Miyato & Koyama 2018).
The loss is relativistic, with penalties on the critic's slope at real and at drawn plans (R3GAN, Huang et al. 2024),
every few steps (Karras et al. 2020). Each decision given those before is learned by likelihood as well, at first alone:
a critic that meets an untrained generator teaches it little.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.pianoroll import TRACKS
from engine.planner.model import place_of
from engine.planner.network import BACK, LEVELS, NEW, PLACES, RELATIONS, Config, Generator, Noise, Plans, places
from engine.player.levels import NOTES_A_BAR
from training.core.loop import Loop
from training.variation.prepare import SPLITS

BARS = 32  # of a plan in training
FROM_START, TO_END = 0.5, 0.25  # shares of plans that begin with their song, and that end with it
STRIDE = 4  # bars between the places where the others begin
CRITIC_RATE = 1.0  # of the generator's
LIKELY = 1500  # steps of the generator by likelihood alone, before it meets the critic
ADVERSARY = 0.1  # how much the critic counts from then on, beside likelihood
SLOPE, LAZY = 0.1, 4  # weight of the penalty, and steps between two
EMA = 0.998


class Songs:
    """The prepared bars of one split's songs in 4/4, and plans cut from them."""

    def __init__(self, folder: Path, split: str, least: int = BARS) -> None:
        with np.load(folder / "bars.npz") as stored:
            self.same, self.onsets, self.pitch = stored["same"], stored["onsets"], stored["pitch"]
        with np.load(folder / "songs.npz") as stored:
            first, genre, meter, splits = (stored[name] for name in ("first", "genre", "meter", "split"))
        kept = (splits == SPLITS.index(split)) & (genre >= 0) & (meter == 0) & (np.diff(first) >= least)
        self.first, self.end, self.genre = first[:-1][kept], first[1:][kept], genre[kept]
        self.genres = int(genre.max()) + 1
        self.by_genre = [np.flatnonzero(self.genre == g) for g in range(self.genres)]

    def windows(self, n: int, rng: np.random.Generator, bars: int = BARS) -> tuple[np.ndarray, np.ndarray]:
        """Songs and the rows of so many bars of each, genres equally often: int64 [n] and [n, bars]."""
        genres = rng.integers(self.genres, size=n)
        song = np.array([rng.choice(self.by_genre[g]) for g in genres])
        first, last = self.first[song], self.end[song] - bars
        way = rng.random(n)
        middle = first + STRIDE * (rng.random(n) * ((last - first) // STRIDE + 1)).astype(int)
        start = np.where(way < FROM_START, first, np.where(way < FROM_START + TO_END, last, middle))
        return song, start[:, None] + np.arange(bars)

    def plans(self, song: np.ndarray, rows: np.ndarray) -> tuple[Plans, Tensor, Tensor]:
        """The plans of windows; genre one-hot [n, G] and place int64 [n, bars, 3]."""
        place = place_of(rows - self.first[song][:, None], self.end[song][:, None] - rows)
        busy, register = levels_of(self.onsets[rows], self.pitch[rows])
        hot = ((relations_of(self.same[rows]), RELATIONS), (busy, LEVELS), (register, LEVELS))
        plans = Plans(*(F.one_hot(torch.from_numpy(numbers), size).float() for numbers, size in hot))
        plans = plans._replace(register=plans.register * (1 - plans.busy[..., :1]))
        genre = F.one_hot(torch.from_numpy(self.genre[song]).long(), self.genres).float()
        return plans, genre, torch.from_numpy(place)

    def draw(self, n: int, rng: np.random.Generator, bars: int = BARS) -> tuple[Plans, Tensor, Tensor]:
        """The plans of so many windows, with genre and place."""
        return self.plans(*self.windows(n, rng, bars))


def relations_of(same: np.ndarray) -> np.ndarray:
    """What bars hold, uint64 [N, B, tracks] (prepare.bars_of) → the nearest relation that holds, int64."""
    out = np.where(same == 0, 0, NEW).astype(np.int64)
    for i, back in reversed(list(enumerate(BACK))):
        if back < same.shape[1]:
            again = (same[:, back:] == same[:, :-back]) & (same[:, back:] != 0)
            out[:, back:][again] = 2 + i
    return out


def levels_of(onsets: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and mean pitches of bars [N, B, tracks] → busyness and register less one, int64 [N, tracks] each; 0 and 0
    of a track that rests."""
    sounding = onsets > 0
    count = np.maximum(sounding.sum(1), 1)
    busy = np.where(sounding.any(1), np.searchsorted(NOTES_A_BAR, onsets.sum(1) / count, "right"), 0)
    octave = np.clip(((pitch * sounding).sum(1) / count - 12) // 12, 1, LEVELS)
    return busy.astype(np.int64), np.where(sounding.any(1), octave - 1, 0).astype(np.int64)


class Critic(nn.Module):
    """How much like a song's a plan is: Plans, genre [N, G], place [N, B, 3] → [N]."""

    def __init__(self, config: Config, width: int = 96) -> None:
        super().__init__()
        seen = len(TRACKS) * (RELATIONS + 2 * LEVELS) + sum(PLACES)
        self.enter = nn.Conv1d(seen, width, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in (1, 2, 4, 8))
        self.leave = nn.Sequential(nn.Linear(2 * width, width), nn.GELU())
        self.score = nn.Linear(width, 1)
        self.genre = nn.Linear(len(config.genres), width, bias=False)

    def forward(self, plans: Plans, genre: Tensor, place: Tensor) -> Tensor:
        bars = plans.relations.shape[1]
        levels = torch.cat([plans.busy, plans.register], -1).flatten(1)[:, None].expand(-1, bars, -1)
        x = torch.cat([plans.relations.flatten(2), levels, places(place)], -1).transpose(1, 2)
        x = F.gelu(self.enter(x))
        for block in self.blocks:
            x = x + 0.5 * F.gelu(block(x))
        h = self.leave(torch.cat([x.mean(-1), (x**2).mean(-1)], -1))
        score: Tensor = (self.score(h)[:, 0] + (h * self.genre(genre)).sum(-1)) / 2
        return score


def slope(critic: nn.Module, at: Plans, genre: Tensor, place: Tensor) -> Tensor:
    """Squared length of the critic's gradient, mean."""
    at = Plans(*(x.detach().requires_grad_(True) for x in at))
    gradients = torch.autograd.grad(critic(at, genre, place).sum(), list(at), create_graph=True)
    return torch.stack([(g.flatten(1) ** 2).sum(1) for g in gradients]).sum(0).mean()


def noise(config: Config, n: int, bars: int, random: torch.Generator) -> Noise:
    """Noise of n plans."""
    count = len(TRACKS)
    normal = (n, config.style), (n, bars, config.bar), (n, count, config.player)
    gumbel = (n, count, 2 * LEVELS), (n, bars, count, RELATIONS)
    drawn = [-(-torch.rand(*shape, generator=random).clamp(1e-7, 1 - 1e-7).log()).log() for shape in gumbel]
    return Noise(*(torch.randn(*shape, generator=random) for shape in normal), *drawn)


class Game:
    """Generator and critic, and their steps. Rates fall to nothing over `steps`."""

    def __init__(
        self, songs: Songs, config: Config, run: Path, *, steps: int, batch: int, lr: float, seed: int, precision: str,
        resume: bool,
    ) -> None:  # fmt: skip
        torch.manual_seed(seed)
        modules: dict[str, nn.Module] = {"generator": Generator(config), "critic": Critic(config)}
        self.rates = {"generator": lr, "critic": CRITIC_RATE * lr}
        optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(module.parameters(), self.rates[name], betas=(0.0, 0.95))
            for name, module in modules.items()
        }
        self.loop = Loop(run, modules=modules, optimizers=optimizers, ema={"generator": EMA}, seed=seed,
                         precision=precision, resume=resume)  # fmt: skip
        self.songs, self.config, self.steps, self.batch, self.seed = songs, config, steps, batch, seed

    def step(self, number: int) -> dict[str, float]:
        """One of both; of the generator alone while `number` is below `LIKELY`."""
        rng, random = np.random.default_rng([self.seed, self.loop.rank, number]), self.loop.generator(number)
        for name, optimizer in self.loop.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * (1 - number / self.steps)
        loss = self._nats(rng, random)
        metrics = {"nats": loss.item()}
        if number >= LIKELY:
            metrics |= self._judged(rng, random, number % LAZY == 0)
            critic = self.loop.modules["critic"]
            plans, genre, place = self._real(rng)
            score = critic(self._drawn(genre, place, random), genre, place)
            short = F.softplus(critic(plans, genre, place).detach() - score).mean()
            loss = loss + ADVERSARY * short
            metrics["short"] = short.item()
        self._follow("generator", loss)
        return metrics

    def _real(self, rng: np.random.Generator) -> tuple[Plans, Tensor, Tensor]:
        plans, genre, place = self.songs.draw(self.batch, rng)
        device = self.loop.device
        return Plans(*(x.to(device) for x in plans)), genre.to(device), place.to(device)

    def _noise(self, random: torch.Generator) -> Noise:
        return Noise(*(x.to(self.loop.device) for x in noise(self.config, self.batch, BARS, random)))

    def _drawn(self, genre: Tensor, place: Tensor, random: torch.Generator) -> Plans:
        plans: Plans = self.loop.modules["generator"](self._noise(random), genre, place)
        return plans

    def _nats(self, rng: np.random.Generator, random: torch.Generator) -> Tensor:
        plans, genre, place = self._real(rng)
        generator = self.loop.plain("generator")
        assert isinstance(generator, Generator)
        return generator.nats(self._noise(random), genre, place, plans)

    def _judged(self, rng: np.random.Generator, random: torch.Generator, penalised: bool) -> dict[str, float]:
        """A step of the critic; how far apart it holds songs and what is drawn, and its slope."""
        critic = self.loop.modules["critic"]
        plans, genre, place = self._real(rng)
        with torch.no_grad():
            made = self._drawn(genre, place, random)
        gap = critic(plans, genre, place) - critic(made, genre, place)
        loss, steep = F.softplus(-gap).mean(), torch.zeros(())
        if penalised:
            steep = slope(critic, plans, genre, place) + slope(critic, made, genre, place)
            loss = loss + LAZY * SLOPE * steep
        self._follow("critic", loss)
        return {"gap": gap.mean().item(), "slope": steep.item()}

    def _follow(self, name: str, loss: Tensor) -> None:
        self.loop.optimizers[name].zero_grad(set_to_none=True)
        self.loop.backward(loss)
        self.loop.optimizers[name].step()
