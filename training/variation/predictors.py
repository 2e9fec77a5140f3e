"""Training of MelodyNN and HarmonyNN (engine/variation/predictors.py) over the latents of trained VAEs.

Latents are measured in units of their spread. The loss: mean squared error of the next bar's mu where there is one, the
cross-entropy of whether there is, and a tenth of the pointer's surprise where the next bar is one of the last eight.
`PlainNext` is the seed project's form (an MLP on the previous window alone), trained beside them for comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.core.pianoroll import TRACKS
from engine.variation.predictors import HISTORY, NextBar, NextConfig
from engine.variation.vae import VAEBank
from training.core.loop import Loop
from training.core.precision import autocast
from training.core.runs import STATE, best_weights
from training.variation.prepare import SPLITS, Bars, unpack


@torch.no_grad()
def encode_rows(bank: VAEBank, track: str, packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Packed bars uint8 [n, 288] -> mu, logvar float32 [n, K]."""
    parts = []
    for start in range(0, len(packed), 2048):
        with autocast():
            parts.append(bank[track].encode(torch.from_numpy(unpack(packed[start : start + 2048])).float()))
    k = bank.latent
    mus, logvars = zip(*parts) if parts else ((torch.zeros(0, k),), (torch.zeros(0, k),))
    return torch.cat(mus).numpy(), torch.cat(logvars).numpy()


@dataclass
class Latents:
    """Songs as latents: for a track `table` float32 [n + 1, 2K + 1] (mu, logvar, is silent; the last row is silence)
    and `at` int [bars, 5], the row of every bar; `place`: how far into its song each bar is."""

    table: dict[str, Tensor]
    at: np.ndarray
    place: np.ndarray
    rows: dict[str, np.ndarray]  # table row -> row in the prepared bars

    @classmethod
    def of(
        cls,
        bars: Bars,
        bank: VAEBank,
        split: str,
        songs: int,
        seed: int = 0,
        measures: dict[str, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> Latents:
        """Encode `songs` songs of a split, in units of `measures` (mean, deviation) where given."""
        chosen = np.flatnonzero(bars.split == SPLITS.index(split))
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:songs])
        spans = [np.arange(bars.offsets[s], bars.offsets[s + 1]) for s in chosen]
        index = bars.index[np.concatenate(spans)]
        table, at, rows = {}, np.empty(index.shape, np.int64), {}
        for t, track in enumerate(TRACKS):
            rows[track] = np.unique(index[:, t][index[:, t] >= 0])
            mu, logvar = encode_rows(bank, track, np.asarray(bars.bars[track])[rows[track]])
            if measures:
                mean, deviation = measures[track]
                mu, logvar = (mu - mean) / deviation, logvar - 2 * np.log(deviation)
            known = np.concatenate([mu, logvar, np.zeros((len(mu), 1), np.float32)], 1)
            silence = np.zeros((1, known.shape[1]), np.float32)
            silence[0, -1] = 1
            table[track] = torch.from_numpy(np.concatenate([known, silence]).astype(np.float32))
            at[:, t] = np.where(index[:, t] < 0, len(mu), np.searchsorted(rows[track], index[:, t]))
        return cls(table, at, np.concatenate([np.arange(len(s)) for s in spans]), rows)

    def positions(self, track: str) -> np.ndarray:
        """Bars to be predicted: those with a bar before them, where the track sounds now or just before."""
        t, silence = TRACKS.index(track), len(self.table[track]) - 1
        sounds = self.at[:, t] != silence
        before = np.concatenate([[False], sounds[:-1]])
        return np.flatnonzero((self.place > 0) & (sounds | before))

    def batch(self, track: str, bars: np.ndarray) -> dict[str, Tensor]:
        """What a NextBar of `track` reads and should answer for these bars."""
        t, k = TRACKS.index(track), (self.table[track].shape[1] - 1) // 2
        back = bars[:, None] + np.arange(-HISTORY, 0)
        there = np.arange(-HISTORY, 0)[None] + self.place[bars][:, None] >= 0
        back = np.maximum(back, 0)
        table, piano = self.table[track], self.table["piano"]
        past = table[self.at[back, t]] * torch.from_numpy(there)[..., None]
        lead = torch.cat(
            [piano[self.at[back, 1]] * torch.from_numpy(there)[..., None], piano[self.at[bars, 1]][:, None]], 1
        )
        target = table[self.at[bars, t]]
        same = (self.at[back, t] == self.at[bars, t][:, None]) & there
        return {
            "past": past,
            "there": torch.from_numpy(there),
            "lead": torch.cat([lead[..., :k], lead[..., -1:]], -1),
            "target": target[:, :k],
            "sounds": 1 - target[:, -1],
            "same": torch.from_numpy(same),
        }


def measure(latents: Latents, seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of raw latents, for each track: mean [K], deviation [K], and L [K, K] with L L^T the covariance inside songs."""
    song = np.cumsum(latents.place == 0)
    out = {}
    rng = np.random.default_rng(seed)
    for t, track in enumerate(TRACKS):
        table = latents.table[track].numpy()
        k = (table.shape[1] - 1) // 2
        sounding = np.flatnonzero(latents.at[:, t] != len(table) - 1)
        some = np.sort(rng.choice(sounding, min(len(sounding), 100_000), replace=False))
        mu = table[latents.at[some, t], :k].astype(np.float64)
        _, members = np.unique(song[some], return_inverse=True)
        count = np.bincount(members)
        middle = np.stack([np.bincount(members, mu[:, d]) for d in range(k)], 1) / count[:, None]
        inside = mu - middle[members]
        covariance = inside.T @ inside / max(1, len(mu) - len(count)) + 1e-6 * np.eye(k)
        out[track] = (
            mu.mean(0).astype(np.float32),
            (mu.std(0) + 1e-4).astype(np.float32),
            np.linalg.cholesky(covariance).astype(np.float32),
        )
    return out


class PlainNext(nn.Module):
    """The seed's: previous window's distribution (and the lead's new latent) -> next latent, by one hidden layer."""

    def __init__(self, latent: int, led: bool, width: int = 256) -> None:
        super().__init__()
        self.led, self.latent = led, latent
        self.net = nn.Sequential(
            nn.Linear(2 * latent + 1 + (latent + 1 if led else 0), width), nn.ReLU(), nn.Linear(width, latent)
        )

    def forward(self, past: Tensor, there: Tensor, lead: Tensor | None = None) -> tuple[Tensor, Tensor, None]:
        """As NextBar's, without a pointer; every bar is taken to sound."""
        x = past[:, -1] if not self.led or lead is None else torch.cat([past[:, -1], lead[:, -1]], -1)
        return self.net(x), torch.ones(len(x)), None


def train_next(
    latents: Latents,
    runs: Path,
    track: str,
    latent: int,
    *,
    steps: int,
    batch: int = 256,
    rate: float = 3e-3,
    seed: int = 0,
    plain: bool = False,
) -> nn.Module:
    """Train one predictor in runs/<track> (resumes) and give its averaged weights."""
    torch.manual_seed(seed)
    led = track != "piano"
    net: nn.Module = PlainNext(latent, led) if plain else NextBar(NextConfig(latent, led))
    adam = torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=1e-2)
    loop = Loop(runs / track, modules={"next": net}, optimizers={"next": adam}, ema={"next": 0.995}, seed=seed)
    bars = latents.positions(track)
    model = loop.modules["next"]

    def step(number: int) -> dict[str, float]:
        rng = np.random.default_rng((seed, number, loop.rank))
        for group in loop.optimizers["next"].param_groups:
            group["lr"] = rate * min(1.0, (number + 1) / 50) * max(0.02, 1 - number / steps)
        data = {
            name: value.to(loop.device)
            for name, value in latents.batch(track, bars[rng.integers(0, len(bars), batch)]).items()
        }
        mu, sounds, pointer = model(data["past"], data["there"], data["lead"])
        error = (((mu - data["target"]) ** 2).mean(1) * data["sounds"]).sum() / data["sounds"].sum().clamp_min(1)
        loss = error
        if pointer is not None:
            loss = loss + 0.3 * F.binary_cross_entropy_with_logits(sounds, data["sounds"])
            repeats = (data["same"].any(1) & (data["sounds"] > 0)).float()
            surprise = -torch.log((pointer * data["same"]).sum(1).clamp_min(1e-6))
            loss = loss + 0.1 * (surprise * repeats).sum() / repeats.sum().clamp_min(1)
        model.zero_grad(set_to_none=True)
        loop.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        loop.optimizers["next"].step()
        return {"error": error.item()}

    loop.run(step, steps=steps, log_every=500, save_every=100_000)
    return loop.averaged("next")


@torch.no_grad()
def predicted(net: nn.Module, latents: Latents, track: str, bars: Iterable[int]) -> tuple[Tensor, Tensor, Tensor]:
    """mu (next), mu with the pointer made hard, and sounds of these bars."""
    soft, hard, sounds = [], [], []
    for part in np.array_split(np.asarray(list(bars)), max(1, len(list(bars)) // 2048)):
        data = latents.batch(track, part)
        mu, s, pointer = net(data["past"], data["there"], data["lead"])
        soft.append(mu)
        sounds.append(s)
        if pointer is not None:
            own = data["past"][..., : mu.shape[1]]
            most = own[torch.arange(len(own)), pointer.argmax(1)]
            hard.append(mu - (pointer[..., None] * own).sum(1) + most)
        else:
            hard.append(mu)
    return torch.cat(soft), torch.cat(hard), torch.cat(sounds)


def plain_of(runs: Path, track: str, latent: int) -> PlainNext | None:
    """The PlainNext of a run, where there is one."""
    run = runs / "plain" / track
    if not (run / STATE).exists():
        return None
    net = PlainNext(latent, track != "piano")
    net.load_state_dict(best_weights(run, "next"))
    return net.eval().requires_grad_(False)
