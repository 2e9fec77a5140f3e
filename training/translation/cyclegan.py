"""CycleGAN of LSTMs over whitened timbre (Zhu et al. 2017; least squares after Mao et al. 2017).

    two generators G: a → b, F: b → a (engine/translation/generate.py) and two discriminators, three LSTM layers each

    generator:      LSGAN + 2 |F(G(a)) - a| + 0.3 |G(b) - b| + 5 sliced Wasserstein + 2 distances to nearest real frames
    discriminator:  LSGAN on its side's recordings and on a buffer of what the generator made before

A discriminator hears the performance beside the timbre, and noise is added to what it hears. Pairs train two of each;
`any` trains one generator that is told both instruments and one discriminator that is told the one it should hear.

    python -m training train translation --pair flute-trombone --minutes 5
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.translation.frames import TIMBRE
from engine.translation.model import names
from engine.translation.network import Config, Generator, controls, instrument_onehot, slow_part
from training.core.loop import Loop
from training.translation.prepare import SEQUENCE, Batch, Voice, batches

LOSSES = {"cycle": 2.0, "identity": 0.3, "sliced": 5.0, "near": 2.0}  # their weights beside the judges' least squares
REPLAY = 128  # sequences that the judges hear again
JUDGES_RATE = 3e-4
BALANCE = 0.8  # share of frames judged rightly above which the judges do not learn
NOISE = 0.3  # spreads, on what the discriminator hears; falls to a third


class Discriminator(nn.Module):
    def __init__(self, config: Config, width: int = 64) -> None:
        super().__init__()
        given = 3 + (len(config.instruments) if config.conditioned else 0)
        self.in_proj = nn.Linear(2 * TIMBRE + given, width)
        self.lstm = nn.LSTM(width, width, 3, batch_first=True)
        self.out_proj = nn.Linear(2 * width, 1)

    def forward(self, white: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """white [b, t, 64], given [b, t, 3 (+ instruments)] → judgement of every frame [b, t]: 1 real, 0 made."""
        change = torch.diff(white, dim=1, prepend=white[:, :1])
        x = nn.functional.leaky_relu(self.in_proj(torch.cat([white, change, given], dim=-1)), 0.2)
        y, _ = self.lstm(x)
        return self.out_proj(torch.cat([x, y], dim=-1))[..., 0]


class Buffer:
    """Sequences the generator made before: half of what the discriminator hears comes from here (Shrivastava 2017)."""

    def __init__(self, size: int = REPLAY) -> None:
        self.size, self.kept = size, []

    def mix(self, made: list[torch.Tensor], random: np.random.Generator) -> list[torch.Tensor]:
        """A batch with half of its sequences exchanged for older ones. made: tensors with the batch first."""
        rows = list(zip(*(x.detach() for x in made)))
        out = []
        for row in rows:
            if len(self.kept) < self.size:
                self.kept.append(row)
                out.append(row)
            elif random.random() < 0.5:
                place = int(random.integers(self.size))
                out.append(self.kept[place])
                self.kept[place] = row
            else:
                out.append(row)
        return [torch.stack(column) for column in zip(*out)]


def sliced(real: torch.Tensor, made: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Sliced Wasserstein distance (Rabin et al. 2011) of rows [n, d] to rows [n, d] along directions [d, k]."""
    return (torch.sort(real @ directions, 0).values - torch.sort(made @ directions, 0).values).abs().mean()


def sliced_wasserstein_loss(real: torch.Tensor, heard_real: torch.Tensor, made: torch.Tensor, heard_made: torch.Tensor,
                  random: torch.Generator) -> torch.Tensor:  # fmt: skip
    """How far two batches [b, t, 64] lie apart as distributions: of frames, of their changes, of their slow parts."""
    rows = [torch.nonzero((heard[:, 1:] * heard[:, :-1]).flatten() > 0)[:, 0] for heard in (heard_real, heard_made)]
    n = min(1024, *(len(r) for r in rows))
    rows = [r[torch.randperm(len(r), generator=random)[:n]] for r in rows]
    total = torch.zeros((), device=real.device)
    for view, weight in ((lambda x, h: x[:, 1:], 1.0), (lambda x, h: torch.diff(x, dim=1), 1.0),
                         (lambda x, h: slow_part(x, h)[:, 1:], 1.0)):  # fmt: skip
        directions = torch.randn(TIMBRE, 48, generator=random).to(real.device)
        directions = directions / directions.norm(dim=0)
        pair = (
            view(x, h).flatten(0, 1)[r].float()
            for x, h, r in ((real, heard_real, rows[0]), (made, heard_made, rows[1]))
        )
        total = total + weight * sliced(*pair, directions)
    return total


def rows(white: torch.Tensor, midi: torch.Tensor, level: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Frames as points [n, 66]: distances are dB; a semitone or 3 dB of loudness weigh half a dB in all 64."""
    return torch.cat([white * spread, 4 * midi[:, None], 4 / 3 * level[:, None]], -1)


def nearest(points: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Mean distance in dB (root mean square over 64 values) of points [n, 66] to their nearest among [m, 66]."""
    with torch.no_grad():
        at = torch.cdist(points, among).argmin(1)
    return (points - among[at]).square().sum(1).add(1e-3).sqrt().mean() / 8


class Side:
    """A batch of one side as tensors, with what generators and discriminators are given."""

    def __init__(self, batch: Batch, own: torch.Tensor, other: torch.Tensor, device: torch.device) -> None:
        """own, other: one-hot instruments [b, n] of this side and the other ([b, 0] in a pair)."""
        fields = ("timbre", "midi", "relative", "voiced")
        t = {name: torch.from_numpy(getattr(batch, name)).to(device) for name in fields}
        shift = torch.from_numpy(batch.shift).to(device)[:, None].expand(-1, SEQUENCE)
        own, other = own.to(device), other.to(device)
        self.white, self.heard = t["timbre"], (t["relative"] > -40).float()
        self.midi, self.away, self.level = t["midi"], t["midi"] + 12 * shift, t["relative"].clamp(min=-60)
        self.played = ((t["relative"] > -25) & (t["voiced"] > 0)).float()
        level, voiced = t["relative"].clamp(min=-60), t["voiced"]
        h, o = (x[:, None].expand(-1, SEQUENCE, -1) for x in (own, other))
        away = t["midi"] + 12 * shift
        self.to_other = torch.cat([controls(away, shift, level, voiced), h, o], -1)
        self.back = torch.cat([controls(t["midi"], -shift, level, voiced), o, h], -1)
        self.stay = torch.cat([controls(t["midi"], shift * 0, level, voiced), h, h], -1)
        # What a judge is given: no octaves moved, by which it could tell.
        self.real = torch.cat([controls(t["midi"], shift, level, voiced)[..., [0, 2, 3]], h], -1)
        self.other = torch.cat([controls(away, shift, level, voiced)[..., [0, 2, 3]], o], -1)


def parts(white: torch.Tensor, heard: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slow and fast part of whitened timbre."""
    slow = slow_part(white, heard)
    return slow, white - slow


class Training:
    """One run: a pair, or all directions of several instruments where config.conditioned."""

    def __init__(
        self,
        folder: Path,
        config: Config,
        voices: dict[str, Voice],
        *,
        batch: int = 16,
        seed: int = 0,
        lr: float = 1e-3,
        steps: int = 1000,
        precision: str = "no",
        resume: bool = True,
    ) -> None:
        """lr: of the generators' Adam; over the second half of `steps` all rates fall to nothing in a line."""
        torch.manual_seed(seed)
        self.config, self.voices, self.batch, self.steps = config, voices, batch, steps
        self.rates = {"g": lr, "d": JUDGES_RATE}
        generators = {name: Generator(config) for name in names(config)}
        judges = {name: Discriminator(config) for name in (["any"] if config.conditioned else config.instruments)}
        g = torch.optim.Adam([p for m in generators.values() for p in m.parameters()], lr, betas=(0.5, 0.99))
        d = torch.optim.Adam([p for m in judges.values() for p in m.parameters()], JUDGES_RATE, betas=(0.5, 0.99))
        modules = {f"generator {n}": m for n, m in generators.items()} | {f"judge {n}": m for n, m in judges.items()}
        self.loop = Loop(folder, modules=modules, optimizers={"g": g, "d": d}, seed=seed, precision=precision,
                         ema={f"generator {n}": 0.99 for n in generators}, resume=resume)  # fmt: skip
        self.buffers = (Buffer(), Buffer())
        self.banks = [self._bank([player]) for player in config.instruments]
        if config.conditioned:
            self.banks = [self._bank(list(config.instruments))]

    def _bank(self, players: list[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Real frames as points, the spreads that make them dB, and the words that tell their instruments apart."""
        spread = np.mean([self.voices[p].profile.spread.mean(0) for p in players], 0)
        points, words = [], []
        for player in players:
            voice = self.voices[player]
            played = np.flatnonzero(voice.voiced & (voice.relative > -25))
            t = [torch.from_numpy(x[played]) for x in (voice.timbre, voice.midi, voice.relative)]
            points.append(rows(*t, torch.from_numpy(spread)))
            word = torch.zeros(len(played), len(self.config.instruments) if self.config.conditioned else 0)
            if self.config.conditioned:
                word[:, players.index(player)] = 1
            words.append(word)
        return tuple(x.to(self.loop.device) for x in (torch.cat(points), torch.from_numpy(spread), torch.cat(words)))

    def averaged(self) -> dict[str, Generator]:
        """The generators' moving averages."""
        return {name: self.loop.averaged(f"generator {name}") for name in names(self.config)}  # type: ignore[misc]

    def _draw(self, random: np.random.Generator) -> tuple[Side, Side]:
        players = self.config.instruments
        if not self.config.conditioned:
            a, b = batches(self.voices[players[0]], self.voices[players[1]], self.batch, random)
            none = torch.zeros(self.batch, 0)
            return Side(a, none, none, self.loop.device), Side(b, none, none, self.loop.device)
        lefts, rights, words = [], [], []
        for _ in range(self.batch // 2):
            i, j = random.choice(len(players), 2, replace=False)
            a, b = batches(self.voices[players[i]], self.voices[players[j]], 2, random)
            lefts.append(a)
            rights.append(b)
            words += [instrument_onehot(i, j, len(players))] * 2
        word = torch.stack(words)
        n = len(players)
        left, right = (Batch(*(np.concatenate([getattr(b, f) for b in side]) for f in Batch.__dataclass_fields__))
                       for side in (lefts, rights))  # fmt: skip
        one, two = word[:, :n], word[:, n:]
        return Side(left, one, two, self.loop.device), Side(right, two, one, self.loop.device)

    def _near(self, made: torch.Tensor, source: Side, target: Side, side: int, random: torch.Generator) -> torch.Tensor:
        """Distance of made frames to the nearest real ones, and of real ones to the nearest made: none is left out."""
        bank, spread, bank_words = self.banks[side if not self.config.conditioned else 0]
        played_frames = torch.nonzero(source.played.flatten())[:, 0]
        played_frames = played_frames[torch.randperm(len(played_frames), generator=random)[:512]]
        target_frames = torch.nonzero(target.played.flatten())[:, 0]
        target_frames = target_frames[torch.randperm(len(target_frames), generator=random)[:512]]
        flat = [x.flatten(0, 1).float() for x in (made, source.away, source.level, source.other[..., 3:])]
        points = torch.cat([rows(*(x[played_frames] for x in flat[:3]), spread), 100 * flat[3][played_frames]], -1)
        flat = [x.flatten(0, 1).float() for x in (target.white, target.midi, target.level, target.real[..., 3:])]
        real = torch.cat([rows(*(x[target_frames] for x in flat[:3]), spread), 100 * flat[3][target_frames]], -1)
        some = torch.randperm(len(bank), generator=random)[: 8192 if self.config.conditioned else 4096]
        return nearest(points, torch.cat([bank[some], 100 * bank_words[some]], -1)) + nearest(real, points)

    def _modules(self):
        m = self.loop.modules
        if self.config.conditioned:
            return m["generator any"], m["generator any"], m["judge any"], m["judge any"]
        a, b = self.config.instruments
        return m[f"generator {a}-{b}"], m[f"generator {b}-{a}"], m[f"judge {a}"], m[f"judge {b}"]

    def step(self, number: int) -> dict[str, float]:
        """One step of the generators and one of the discriminators."""
        random = np.random.default_rng((self.loop.seed, number, self.loop.rank, 7))
        a, b = self._draw(random)
        forth, back, judge_a, judge_b = self._modules()
        g, d = self.loop.optimizers["g"], self.loop.optimizers["d"]
        for name, optimizer in (("g", g), ("d", d)):
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * min(1.0, 2 * (1 - number / (self.steps + 1)))
        rng = self.loop.generator()
        noise = NOISE / (1 + 2 * min(1.0, number / 1000))
        blur = lambda x: x + noise * torch.randn_like(x)  # noqa: E731
        with self.loop.autocast():
            slow_a, fast_a = parts(a.white, a.heard)
            slow_b, fast_b = parts(b.white, b.heard)
            both = lambda x, y: torch.cat([x, y])  # noqa: E731
            # Translation and identity go through a generator together.
            out, _ = forth(both(slow_a, slow_b), both(fast_a, fast_b), both(a.to_other, b.stay))
            made_b, same_b = (out * both(a.heard, b.heard)[..., None]).chunk(2)
            out, _ = back(both(slow_b, slow_a), both(fast_b, fast_a), both(b.to_other, a.stay))
            made_a, same_a = (out * both(b.heard, a.heard)[..., None]).chunk(2)
            again_a, _ = back(*parts(made_b, a.heard), a.back)
            again_b, _ = forth(*parts(made_a, b.heard), b.back)
            for judge in (judge_a, judge_b):
                judge.requires_grad_(False)
            says_b, says_a = judge_b(blur(made_b), a.other), judge_a(blur(made_a), b.other)
            fool = ((says_b - 1) ** 2).mean() + ((says_a - 1) ** 2).mean()
            sliced = sliced_wasserstein_loss(b.white, b.played, made_b, a.played, rng)
            sliced = sliced + sliced_wasserstein_loss(a.white, a.played, made_a, b.played, rng)
            cycle = _apart(again_a, a) + _apart(again_b, b)
            identity = _apart(same_a, a) + _apart(same_b, b)
            near = self._near(made_b, a, b, 1, rng) + self._near(made_a, b, a, 0, rng)
            w = LOSSES
            loss = fool + w["near"] * near + w["cycle"] * cycle + w["identity"] * identity + w["sliced"] * sliced
        g.zero_grad()
        self.loop.backward(loss)
        _clip(forth, back)
        g.step()
        for judge in (judge_a, judge_b):
            judge.requires_grad_(True)
        old_b, given_b = self.buffers[1].mix([made_b, a.other], random)
        old_a, given_a = self.buffers[0].mix([made_a, b.other], random)
        with self.loop.autocast():
            says = judge_b(blur(both(b.white, old_b)), both(b.real, given_b))
            real_b, fake_b = says.chunk(2)
            says = judge_a(blur(both(a.white, old_a)), both(a.real, given_a))
            real_a, fake_a = says.chunk(2)
            judged = sum(((r - 1) ** 2).mean() + (f**2).mean() for r, f in ((real_a, fake_a), (real_b, fake_b)))
        right = torch.cat([real_a > 0.5, real_b > 0.5, fake_a < 0.5, fake_b < 0.5]).float().mean()
        right = self.loop.accelerator.reduce(right, "mean")
        if right < BALANCE:  # judges that are nearly always right have little to teach: they wait
            d.zero_grad()
            self.loop.backward(judged)
            _clip(judge_a, judge_b)
            d.step()
        return {
            "fool": fool.item() / 2, "cycle": cycle.item() / 2, "identity": identity.item() / 2,
            "sliced": sliced.item() / 2, "near": near.item() / 4,
            "judge": judged.item() / 4, "judge_right": right.item(),
        }  # fmt: skip


def _apart(made: torch.Tensor, side: Side) -> torch.Tensor:
    return ((made - side.white).abs().mean(-1) * side.heard).sum() / side.heard.sum()


def _clip(*modules: nn.Module) -> None:
    for module in modules:
        nn.utils.clip_grad_norm_(module.parameters(), 5.0)
