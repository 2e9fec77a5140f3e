"""Band's second stage: a generator and a critic over the latents of the first, phrase by phrase.

Real pairs of neighbouring phrases (eight bars) are seen as latents, chord codes and silences; the generator makes such
pairs from a style that both share and noise of their own. The critic looks at each phrase and at the pair, projected on
the genre (Miyato & Koyama 2018), with layer normalisation and a gradient penalty (WGAN-GP, Gulrajani et al. 2017), or
the relativistic loss with penalties on both sides (R3GAN, Huang et al. 2024).

    python -m training train band --prepared prepared/band --run runs/band --minutes 30
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import RequestError
from engine.band.network import BARS, BEATS, CHORD, TRACKS, Config, Generator, Phrase
from engine.core.layers import Residual
from training.band.codec import ChordProbes, window_chords
from training.band.genres import GENRES, genre_of
from training.band.prepare import Windows
from training.core.loop import Loop

PAIRS = ((0, 1), (1, 2), (2, 3), (0, 2), (1, 3))  # bars the critic compares
FITS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))  # pitched tracks whose harmony it compares


@dataclass
class Phrases:
    """Windows as the critic sees them, genres equally likely."""

    index: Tensor  # int64 [W, 2 BARS, 5]
    chords: Tensor  # float16 [W, 2 BARS, 48]
    genre: Tensor  # int64 [W]
    rows: list[Tensor]  # the windows of each genre
    latents: list[Tensor]  # by track [N, K]
    genres: int

    @classmethod
    def of(cls, windows: Windows, latents: list[Tensor], split: int = 0) -> Phrases:
        genre = genre_of(windows.labels)[windows.label]
        keep = np.flatnonzero((genre >= 0) & (windows.split == split))
        g = torch.from_numpy(genre[keep])
        number = len(GENRES)
        rows = [torch.nonzero(g == i).reshape(-1) for i in range(number)]
        if missing := [name for name, r in zip(GENRES, rows) if not len(r)]:
            raise RequestError(f"No phrases of {', '.join(missing)} in this split; prepare more songs.")
        index = torch.from_numpy(windows.index[keep].astype(np.int64))
        return cls(index, torch.from_numpy(window_chords(windows)[keep]), g, rows, latents, number)

    def draw(self, n: int, random: torch.Generator) -> tuple[Phrase, Tensor]:
        """n pairs of phrases: each field [n, 2, BARS, …]; genres one-hot [n, G]."""
        genre = torch.randint(self.genres, (n,), generator=random)
        place = torch.rand(n, generator=random)
        rows = torch.stack([self.rows[g][int(p * len(self.rows[g]))] for g, p in zip(genre.tolist(), place.tolist())])
        index = self.index[rows]
        sounds = (index >= 0).float()
        latent = (
            torch.stack([z[index[:, :, t].clamp(min=0)] for t, z in enumerate(self.latents)], 2) * sounds[..., None]
        )
        chord = self.chords[rows].float()
        shaped = (x.reshape(n, 2, BARS, *x.shape[2:]) for x in (latent, chord, sounds))
        return Phrase(*shaped), F.one_hot(genre, self.genres).float()


def noise(config: Config, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise of n pairs of phrases that share their styles: [2n, style+phrase] and [2n, 5, track_style+track_phrase]."""

    def pair(style: int, phrase: int, *shape: int) -> Tensor:
        kept = torch.randn(n, 1, *shape, style, generator=random).expand(-1, 2, *shape, style)
        return torch.cat([kept, torch.randn(n, 2, *shape, phrase, generator=random)], -1).flatten(0, 1)

    return pair(config.style, config.phrase), pair(config.track_style, config.track_phrase, TRACKS)


class Critic(nn.Module):
    """How real a pair of phrases is for its genre: fields of a Phrase [n, 2, BARS, …], genre [n, G] -> [n]."""

    def __init__(self, config: Config, width: int = 256, depth: int = 2, probes: ChordProbes | None = None) -> None:
        super().__init__()
        seen = BARS * (TRACKS * (config.latent + 1) + CHORD) + len(PAIRS) * (TRACKS + 1)
        self.probes = probes
        if probes is not None:
            seen += BARS * BEATS * (len(FITS) + TRACKS - 1)
        self.enter = nn.Linear(seen, width)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(depth)], nn.LayerNorm(width))
        self.leave = nn.Linear(width, 1)
        self.genre = nn.Linear(len(config.genres), width, bias=False)
        self.pair = nn.Sequential(nn.Linear(3 * width, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 1))

    def forward(self, phrase: Phrase, genre: Tensor) -> Tensor:
        n = len(genre)
        latent, chord, sounds = (x.flatten(0, 1) for x in phrase)
        one, two = [a for a, _ in PAIRS], [b for _, b in PAIRS]
        alike = torch.exp(-2 * ((latent[:, one] - latent[:, two]) ** 2).mean(-1))  # 1 where a part repeats exactly
        chords = torch.exp(-4 * ((chord[:, one] - chord[:, two]) ** 2).sum(-1))
        parts = [latent, chord, sounds, alike, chords]
        if self.probes is not None:  # how well tracks, and tracks and chord, agree in each beat
            codes = self.probes(latent[:, :, 1:]) * sounds[:, :, 1:, None]
            codes = codes.unflatten(-1, (BEATS, 12))  # [2n, BARS, 4 tracks, 4 beats, 12]
            one, two = [a for a, _ in FITS], [b for _, b in FITS]
            parts.append(3 * (codes[:, :, one] * codes[:, :, two]).sum(-1))
            parts.append(3 * (codes * chord.unflatten(-1, (BEATS, 12))[:, :, None]).sum(-1))
        seen = torch.cat([x.flatten(1) for x in parts], -1)
        f = self.blocks(self.enter(seen)).reshape(n, 2, -1)
        single = (self.leave(f)[..., 0] + (f * self.genre(genre)[:, None]).mean(-1) * 8).sum(1)
        pair = self.pair(torch.cat([f[:, 0], f[:, 1], (f[:, 0] - f[:, 1]) ** 2], -1))[..., 0]
        return single + pair


def _mix(real: Phrase, fake: Phrase, random: torch.Generator) -> Phrase:
    where = torch.rand(len(real.chord), 1, 1, 1, 1, generator=random).to(real.chord.device)
    return Phrase(*(r + (f - r) * where.reshape(-1, *[1] * (r.ndim - 1)) for r, f in zip(real, fake)))


def _slope(critic: nn.Module, at: Phrase, genre: Tensor) -> Tensor:
    """Squared length of the critic's gradient, [n]."""
    at = Phrase(*(x.detach().requires_grad_(True) for x in at))
    gradients = torch.autograd.grad(critic(at, genre).sum(), list(at), create_graph=True)
    return sum((g.flatten(1) ** 2).sum(1) for g in gradients)  # type: ignore[return-value]


def train(
    phrases: Phrases,
    config: Config,
    run: Path,
    *,
    minutes: float | None,
    steps: int = 1_000_000,
    batch: int = 48,
    lr: float = 4e-4,
    loss: str = "wgan-gp",
    critic_steps: int = 2,
    seed: int = 0,
    evaluate=None,
    evaluate_every: int = 1000,
    decay: float = 0.999,
    precision: str = "no",
    probes: ChordProbes | None = None,
    log_every: int = 200,
    resume: bool = True,
) -> Loop:
    """Train until the time or the steps are up, going on from what is in `run` where `resume`. A step is
    `critic_steps` of the critic and one of the generator; evaluate(generator) -> (score, metrics) sees the averaged
    one."""
    torch.manual_seed(seed)
    generator, critic = Generator(config), Critic(config, probes=probes)
    optimizers = {
        "generator": torch.optim.Adam(generator.parameters(), lr, betas=(0.0, 0.95)),
        "critic": torch.optim.Adam([p for p in critic.parameters() if p.requires_grad], lr, betas=(0.0, 0.95)),
    }
    modules: dict[str, nn.Module] = {"generator": generator, "critic": critic}
    loop = Loop(
        run,
        modules=modules,
        optimizers=optimizers,
        ema={"generator": decay},
        seed=seed,
        precision=precision,
        resume=resume,
    )
    generator, critic = loop.modules["generator"], loop.modules["critic"]
    device = loop.device

    def fake(genre: Tensor, random: torch.Generator) -> Phrase:
        shared, private = (x.to(device) for x in noise(config, len(genre), random))
        made = generator(shared, private, genre.repeat_interleave(2, 0))
        return Phrase(*(x.unflatten(0, (-1, 2)) for x in made))

    def step(number: int) -> dict[str, float]:
        random = loop.generator(number)
        for _ in range(critic_steps):
            real, genre = phrases.draw(batch, random)
            real, genre = Phrase(*(x.to(device) for x in real)), genre.to(device)
            with torch.no_grad():
                made = fake(genre, random)
            a, b = critic(real, genre), critic(made, genre)
            if loss == "wgan-gp":
                slope = (_slope(critic, _mix(real, made, random), genre) + 1e-12).sqrt()
                wrong = (b - a).mean() + 10 * ((slope - 1) ** 2).mean() + 1e-3 * (a**2).mean()
            else:
                slope = _slope(critic, real, genre) + _slope(critic, made, genre)
                wrong = F.softplus(b - a).mean() + 0.5 * slope.mean()
            optimizer = loop.optimizers["critic"]
            optimizer.zero_grad(set_to_none=True)
            loop.backward(wrong)
            optimizer.step()
        real, genre = phrases.draw(batch, random)
        real, genre = Phrase(*(x.to(device) for x in real)), genre.to(device)
        score = critic(fake(genre, random), genre)
        short = -score.mean() if loss == "wgan-gp" else F.softplus(critic(real, genre).detach() - score).mean()
        optimizer = loop.optimizers["generator"]
        optimizer.zero_grad(set_to_none=True)
        loop.backward(short)
        optimizer.step()
        return {"gap": (a - b).mean().item(), "slope": slope.mean().item()}

    loop.run(
        step,
        steps=steps,
        minutes=minutes,
        log_every=log_every,
        save_every=evaluate_every,
        evaluate=(lambda _: evaluate(loop.averaged("generator"))) if evaluate else None,
        evaluate_every=evaluate_every,
    )
    return loop
