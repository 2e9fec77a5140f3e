"""CycleGAN of LSTMs over whitened timbre (Zhu et al. 2017; least squares after Mao et al. 2017), for all directions.

    one generator G, told source and target, and one discriminator, told which instrument it should hear

    generator:      LSGAN + 2 |G(G(a → b) → a) - a| + 0.3 |G(b → b) - b| + 5 sliced Wasserstein
                    + 2 distances to nearest real frames
    discriminator:  LSGAN on recordings and on a buffer of what the generator made before

A batch holds some pairs of instruments, four sequences of each, so that distributions are compared within a target. The
generator is at times not told the source: then it has learned to play from one that it does not know. The
discriminator hears the performance beside the timbre, and noise is added to what it hears.

    python -m training train translation --minutes 60
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.translation.frames import TIMBRE
from engine.translation.network import Config, Generator, controls, slow_part
from training.core.loop import Loop
from training.translation.prepare import SEQUENCE, Batch, Voice, batches

LOSSES = {"cycle": 2.0, "identity": 0.3, "sliced": 5.0, "near": 2.0}  # their weights beside the judge's least squares
REPLAY = 128  # sequences that the judge hears again
JUDGES_RATE = 3e-4
BALANCE = 0.8  # share of frames judged rightly above which the judge does not learn
NOISE = 0.3  # spreads, on what the discriminator hears; falls to a third
GROUP = 4  # sequences of a pair of instruments in a batch
UNKNOWN = 0.15  # of the sequences, whose source is not told
BANK = 2048  # real frames of an instrument among which the nearest is looked for


class Discriminator(nn.Module):
    def __init__(self, config: Config, width: int = 64) -> None:
        super().__init__()
        self.in_proj = nn.Linear(2 * TIMBRE + 3 + len(config.instruments), width)
        self.lstm = nn.LSTM(width, width, 3, batch_first=True)
        self.out_proj = nn.Linear(2 * width, 1)

    def forward(self, white: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """white [b, t, 80], given [b, t, 3 + instruments] → judgement of every frame [b, t]: 1 real, 0 made."""
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
    """How far two batches [b, t, 80] lie apart as distributions: of frames, of their changes, of their slow parts."""
    rows = [torch.nonzero((heard[:, 1:] * heard[:, :-1]).flatten() > 0)[:, 0] for heard in (heard_real, heard_made)]
    n = min(1024, *(len(r) for r in rows))
    rows = [r[torch.randperm(len(r), generator=random)[:n]] for r in rows]
    total = torch.zeros((), device=real.device)
    if not n:
        return total
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
    """Frames as points [n, 82]: distances are dB; a semitone or 3 dB of loudness weigh half a dB in all 80."""
    return torch.cat([white * spread, 4.5 * midi[:, None], 1.5 * level[:, None]], -1)


def nearest(points: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Mean distance in dB (root mean square over 80 values) of points [n, 82] to their nearest among [m, 82]."""
    with torch.no_grad():
        at = torch.cdist(points, among).argmin(1)
    return (points - among[at]).square().sum(1).add(1e-3).sqrt().mean() / TIMBRE**0.5


class Side:
    """A batch of one side as tensors, with what generator and discriminator are given."""

    def __init__(self, batch: Batch, own: torch.Tensor, other: torch.Tensor, device: torch.device,
                 known: torch.Tensor | None = None) -> None:  # fmt: skip
        """own, other: one-hot instruments [b, n] of this side and the other; known [b]: whether the source is told."""
        fields = ("timbre", "midi", "relative", "voiced")
        t = {name: torch.from_numpy(getattr(batch, name)).to(device) for name in fields}
        shift = torch.from_numpy(batch.shift).to(device)[:, None].expand(-1, SEQUENCE)
        told = own if known is None else own * known[:, None]
        own, other, told = own.to(device), other.to(device), told.to(device)
        self.white, self.heard = t["timbre"], (t["relative"] > -40).float()
        self.midi, self.away, self.level = t["midi"], t["midi"] + 12 * shift, t["relative"].clamp(min=-60)
        self.played = ((t["relative"] > -25) & (t["voiced"] > 0)).float()
        level, voiced = t["relative"].clamp(min=-60), t["voiced"]
        h, o, s = (x[:, None].expand(-1, SEQUENCE, -1) for x in (own, other, told))
        away = t["midi"] + 12 * shift
        self.to_other = torch.cat([controls(away, shift, level, voiced), s, o], -1)
        self.back = torch.cat([controls(t["midi"], -shift, level, voiced), o, h], -1)
        self.stay = torch.cat([controls(t["midi"], shift * 0, level, voiced), s, h], -1)
        # What a judge is given: no octaves moved, by which it could tell.
        self.real = torch.cat([controls(t["midi"], shift, level, voiced)[..., [0, 2, 3]], h], -1)
        self.other = torch.cat([controls(away, shift, level, voiced)[..., [0, 2, 3]], o], -1)


def parts(white: torch.Tensor, heard: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slow and fast part of whitened timbre."""
    slow = slow_part(white, heard)
    return slow, white - slow


class Training:
    """One run over all directions between the instruments."""

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
        """lr: of the generator's Adam; over the second half of `steps` all rates fall to nothing in a line."""
        torch.manual_seed(seed)
        self.config, self.voices, self.steps = config, voices, steps
        self.group = min(GROUP, batch)
        self.groups = max(1, batch // self.group)
        self.rates = {"g": lr, "d": JUDGES_RATE}
        modules = {"generator": Generator(config), "judge": Discriminator(config)}
        g = torch.optim.Adam(modules["generator"].parameters(), lr, betas=(0.5, 0.99))
        d = torch.optim.Adam(modules["judge"].parameters(), JUDGES_RATE, betas=(0.5, 0.99))
        self.loop = Loop(folder, modules=modules, optimizers={"g": g, "d": d}, seed=seed, precision=precision,
                         ema={"generator": 0.99}, resume=resume)  # fmt: skip
        self.buffers = (Buffer(), Buffer())
        self.banks = [self._bank(voices[player]) for player in config.instruments]

    def _bank(self, voice: Voice) -> tuple[torch.Tensor, torch.Tensor]:
        """Real frames of an instrument as points, and the spreads that make them dB."""
        spread = torch.from_numpy(voice.profile.spread.mean(0))
        played = np.flatnonzero(voice.voiced & (voice.relative > -25))
        t = [torch.from_numpy(x[played]) for x in (voice.timbre, voice.midi, voice.relative)]
        return rows(*t, spread).to(self.loop.device), spread.to(self.loop.device)

    def averaged(self) -> Generator:
        """The generator's moving average."""
        return self.loop.averaged("generator")  # type: ignore[return-value]

    def _draw(self, random: np.random.Generator) -> tuple[Side, Side, list[tuple[int, int]]]:
        """A batch of both sides, and of every group of it the two instruments."""
        players, n = self.config.instruments, len(self.config.instruments)
        lefts, rights, pairs = [], [], []
        for _ in range(self.groups):
            i, j = (int(x) for x in random.choice(n, 2, replace=False))
            a, b = batches(self.voices[players[i]], self.voices[players[j]], self.group, random)
            lefts.append(a)
            rights.append(b)
            pairs.append((i, j))
        left, right = (Batch(*(np.concatenate([getattr(b, f) for b in side]) for f in Batch.__dataclass_fields__))
                       for side in (lefts, rights))  # fmt: skip
        one, two = (torch.eye(n)[[pair[k] for pair in pairs]].repeat_interleave(self.group, 0) for k in (0, 1))
        known = [torch.from_numpy((random.random(len(one)) >= UNKNOWN).astype(np.float32)) for _ in range(2)]
        device = self.loop.device
        return Side(left, one, two, device, known[0]), Side(right, two, one, device, known[1]), pairs

    def _apart(self, made: torch.Tensor, source: Side, target: Side, players: list[int], rng: torch.Generator
               ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        """Of what was made of `source` for these instruments, group by group: its sliced distance to the recordings of
        `target`, and that of its frames to the nearest real ones and of real ones to the nearest made."""
        far = near = torch.zeros((), device=self.loop.device)
        for number, player in enumerate(players):
            part = slice(number * self.group, (number + 1) * self.group)
            far = far + sliced_wasserstein_loss(target.white[part], target.played[part], made[part],
                                                source.played[part], rng)  # fmt: skip
            bank, spread = self.banks[player]
            ours = _points(made[part], source.away[part], source.level[part], source.played[part], spread, rng)
            real = _points(target.white[part], target.midi[part], target.level[part], target.played[part], spread, rng)
            if len(ours) and len(real):
                some = torch.randperm(len(bank), generator=rng)[:BANK]
                near = near + nearest(ours, bank[some]) + nearest(real, ours)
        return far / len(players), near / len(players)

    def step(self, number: int) -> dict[str, float]:
        """One step of the generator and one of the discriminator."""
        random = np.random.default_rng((self.loop.seed, number, self.loop.rank, 7))
        a, b, pairs = self._draw(random)
        generator, judge = self.loop.modules["generator"], self.loop.modules["judge"]
        g, d = self.loop.optimizers["g"], self.loop.optimizers["d"]
        for name, optimizer in (("g", g), ("d", d)):
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * min(1.0, 2 * (1 - number / (self.steps + 1)))
        rng = self.loop.generator()
        noise = NOISE / (1 + 2 * min(1.0, number / 1000))
        blur = lambda x: x + noise * torch.randn_like(x)  # noqa: E731
        with self.loop.autocast():
            slow, fast = parts(torch.cat([a.white, b.white]), torch.cat([a.heard, b.heard]))
            heard = torch.cat([a.heard, b.heard])
            # Translations and identities go through the generator together.
            out, _ = generator(slow.repeat(2, 1, 1), fast.repeat(2, 1, 1),
                               torch.cat([a.to_other, b.to_other, a.stay, b.stay]))  # fmt: skip
            made_b, made_a, same_a, same_b = (out * heard.repeat(2, 1)[..., None]).chunk(4)
            out, _ = generator(*parts(torch.cat([made_b, made_a]), heard), torch.cat([a.back, b.back]))
            again_a, again_b = out.chunk(2)
            judge.requires_grad_(False)
            says = judge(blur(torch.cat([made_b, made_a])), torch.cat([a.other, b.other]))
            fool = 2 * ((says - 1) ** 2).mean()
            far_b, near_b = self._apart(made_b, a, b, [j for _, j in pairs], rng)
            far_a, near_a = self._apart(made_a, b, a, [i for i, _ in pairs], rng)
            cycle = _off(again_a, a) + _off(again_b, b)
            identity = _off(same_a, a) + _off(same_b, b)
            w = LOSSES
            loss = fool + w["near"] * (near_a + near_b) + w["cycle"] * cycle + w["identity"] * identity
            loss = loss + w["sliced"] * (far_a + far_b)
        g.zero_grad()
        self.loop.backward(loss)
        nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
        g.step()
        judge.requires_grad_(True)
        old_b, given_b = self.buffers[1].mix([made_b, a.other], random)
        old_a, given_a = self.buffers[0].mix([made_a, b.other], random)
        with self.loop.autocast():
            heard_by_judge = torch.cat([a.real, b.real, given_a, given_b])
            says = judge(blur(torch.cat([a.white, b.white, old_a, old_b])), heard_by_judge)
            real, fake = says.chunk(2)
            judged = ((real - 1) ** 2).mean() + (fake**2).mean()
        right = self.loop.accelerator.reduce(torch.cat([real > 0.5, fake < 0.5]).float().mean(), "mean")
        if right < BALANCE:  # a judge that is nearly always right has little to teach: it waits
            d.zero_grad()
            self.loop.backward(2 * judged)
            nn.utils.clip_grad_norm_(judge.parameters(), 5.0)
            d.step()
        return {
            "fool": fool.item() / 2, "cycle": cycle.item() / 2, "identity": identity.item() / 2,
            "sliced": (far_a + far_b).item() / 2, "near": (near_a + near_b).item() / 4,
            "judge": judged.item() / 2, "judge_right": right.item(),
        }  # fmt: skip


def _points(white: torch.Tensor, midi: torch.Tensor, level: torch.Tensor, played: torch.Tensor, spread: torch.Tensor,
            rng: torch.Generator, most: int = 192) -> torch.Tensor:  # fmt: skip
    """Some of the played frames of a batch as points [n, 82]."""
    at = torch.nonzero(played.flatten())[:, 0]
    at = at[torch.randperm(len(at), generator=rng)[:most]]
    return rows(*(x.flatten(0, 1).float()[at] for x in (white, midi, level)), spread)


def _off(made: torch.Tensor, side: Side) -> torch.Tensor:
    return ((made - side.white).abs().mean(-1) * side.heard).sum() / side.heard.sum()
