"""Training of the bar VAEs (engine/variation/vae.py) on the arrays of training/variation/prepare.py.

Loss of a bar: cross-entropy summed over the onset plane, 0.3 times that of the sounding plane (it follows from the
onsets for the most part), and beta times the divergence from the unit Gaussian, warmed up over 200 steps. Its gradient
with respect to the logits is sigmoid(logit) - cell, handed to backward as it is: one pass instead of four.

Weight matrices are trained by Muon, momentum whose every update is made orthogonal (Jordan et al. 2024, "Muon: an
optimizer for hidden layers in neural networks"), biases and norms by AdamW. In equal processor time it took the VAEs
from a note F1 of 0.75 (AdamW at its best rate) to 0.84; the card of checkpoints/variation/k64 has the comparison.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.core.pianoroll import PITCHES
from engine.variation.vae import BarVae, VaeConfig
from training.core.loop import Loop
from training.core.optimizers import muon_of
from training.core.runs import best_weights
from training.variation.prepare import Bars, unpack

SUSTAIN_WEIGHT = 0.3
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
SIZES = {  # step, beat and bar widths by K: what 28 MiB of float16 for all four K leave room for
    64: (96, 192, 256),
    32: (96, 192, 192),
    16: (64, 96, 192),
    8: (64, 96, 192),
}
SIZES_OF = {(64, "strings"): (128, 256, 384), (64, "bass"): (64, 96, 192)}  # the densest and the sparsest


def config_of(latent: int, track: str) -> VaeConfig:
    """The widths used for a latent size and a track."""
    step, beat, bar = SIZES_OF.get((latent, track), SIZES[latent])
    return VaeConfig(latent, step, beat, bar)


def sample_rows(bars: Bars, track: str, split: str, count: int, seed: int) -> np.ndarray:
    """Rows of a track's bars as they occur in a split's songs, uint8 [count, 288]; a bar heard twice counts twice."""
    rows, times = bars.rows(track, split)
    rng = np.random.default_rng(seed)
    picked = rng.choice(rows, min(count, int(times.sum())), p=times / times.sum())
    return np.asarray(bars.bars[track])[picked]


def f1(predicted: torch.Tensor, true: torch.Tensor) -> float:
    """F1 of two bool arrays, over all their cells together."""
    hits = (predicted & true).sum().item()
    return 2 * hits / max(1, predicted.sum().item() + true.sum().item())


def transposed(rolls: np.ndarray, rng: np.random.Generator, reach: int = 6) -> np.ndarray:
    """Bars uint8 [N, 2, 16, 72], each moved by a random number of semitones up to `reach` that keeps all its notes."""
    sounds = rolls.any(axis=(1, 2))
    lowest, highest = sounds.argmax(1), PITCHES - 1 - sounds[:, ::-1].argmax(1)
    shift = np.clip(rng.integers(-reach, reach + 1, len(rolls)), -lowest, PITCHES - 1 - highest)
    source = (np.arange(PITCHES) - shift[:, None]) % PITCHES
    return np.take_along_axis(rolls, source[:, None, None], axis=3)


@torch.no_grad()
def note_f1(vae: BarVae, packed: np.ndarray, threshold: float | None = None) -> tuple[float, float]:
    """Note F1 (same pitch, same sixteenth) of bars through the VAE without noise, and the threshold used; without one
    given, the best of THRESHOLDS."""
    rolls = torch.from_numpy(unpack(packed)).float().to(next(vae.parameters()).device)
    chances = torch.cat([torch.sigmoid(vae.decode(vae.encode(part)[0])[:, 0]) for part in rolls.split(1024)])
    true = rolls[:, 0] > 0
    tried = THRESHOLDS if threshold is None else (threshold,)
    return max((f1(chances >= t, true), t) for t in tried)


def train_vae(
    prepared: Path,
    out: Path,
    track: str,
    latent: int,
    *,
    steps: int,
    minutes: float | None = None,
    batch: int = 512,
    lr: float = 0.02,
    beta: float = 0.02,
    precision: str = "auto",
    seed: int = 0,
    evaluate_every: int = 1000,
    resume: bool = True,
) -> None:
    """Train one VAE in out/<track> (resumes; keeps the best averaged weights by note F1 on validation songs)."""
    bars = Bars.open(prepared)
    rows, _ = bars.rows(track, "train")
    packed = np.asarray(bars.bars[track])[rows]
    held_out = sample_rows(bars, track, "val", 3000, seed)
    torch.manual_seed(seed)
    vae = BarVae(config_of(latent, track))
    rates = {"matrices": lr, "rest": 4e-3}
    muon = muon_of((p for p in vae.parameters() if p.ndim == 2), lr)
    adam = torch.optim.AdamW([p for p in vae.parameters() if p.ndim != 2], lr=rates["rest"], betas=(0.9, 0.98))
    loop = Loop(
        out / track,
        modules={"vae": vae},
        optimizers={"matrices": muon, "rest": adam},
        ema={"vae": 0.995},
        seed=seed,
        precision=precision,
        resume=resume,
    )
    model = loop.modules["vae"]
    weight = torch.tensor([1.0, SUSTAIN_WEIGHT]).view(1, 2, 1, 1)

    def step(number: int) -> dict[str, float]:
        rng = np.random.default_rng((seed, number, loop.rank))
        done = max(number / steps, loop.minutes / minutes if minutes else 0.0)
        warm = min(1.0, (number + 1) / 50) * max(0.01, 1 - done)
        for name, optimizer in loop.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[name] * warm
        batch_rolls = unpack(packed[rng.integers(0, len(packed), batch)])
        if track != "drums":
            batch_rolls = transposed(batch_rolls, rng)
        rolls = torch.from_numpy(batch_rolls).float()
        noise = torch.randn(batch, latent, generator=loop.generator(number))
        rolls, noise = rolls.to(loop.device), noise.to(loop.device)
        with loop.autocast():
            logits, mu, logvar = model(rolls, noise)
        divergence = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
        with torch.no_grad():
            gradient = (torch.sigmoid(logits) - rolls).mul_(weight.to(rolls.device) / batch)
        model.zero_grad(set_to_none=True)
        scale = beta * min(1.0, number / 200)
        loop.backward((logits * gradient).sum() + scale * divergence)
        nn.utils.clip_grad_norm_(model.parameters(), 20.0)
        for optimizer in loop.optimizers.values():
            optimizer.step()
        if number % 25:
            return {}
        with torch.no_grad():
            cells = F.binary_cross_entropy_with_logits(logits, rolls, reduction="none").sum((0, 2, 3)) / batch
        return {"onset_nats": 25 * cells[0].item(), "sounding_nats": 25 * cells[1].item(), "kl": 25 * divergence.item()}

    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        score, threshold = note_f1(loop.averaged("vae"), held_out)
        return 1 - score, {"note_f1": score, "threshold": threshold}

    loop.run(
        step,
        steps=steps,
        minutes=minutes,
        log_every=250,
        save_every=1000,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
    )


def trained(out: Path, track: str, latent: int) -> BarVae:
    """The best weights of a training run as a module."""
    vae = BarVae(config_of(latent, track))
    vae.load_state_dict(best_weights(out / track, "vae"))
    return vae.eval().requires_grad_(False)
