"""Trains the ranker to tell songs from what is played.

    python -m training train ranker --prepared prepared/ranker --run runs/ranker --minutes 30      goes on where it was

Both sides come equally often, and in some of the rolls one lane is hidden: no one player must give the others away.
Some batches have the first bars alone, for a section is judged before it is whole. The rate warms up and falls to
nothing over `--steps`; the averaged weights that tell validation phrases best become the checkpoint when they are
reached.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional as F

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from engine.player.candidates import CHOICE, CHOICES
from engine.ranker.network import Config, Ranker
from engine.ranker.rolls import BARS, PER_BAR, channels_of
from training.core import cards
from training.core.loop import Loop
from training.core.options import add_common
from training.core.runs import best_step, best_weights, curves
from training.ranker.prepare import VALIDATED
from training.variation.prepare import SPLITS

WARM_UP = 100  # steps
EMA = 0.995
HIDDEN = 0.3  # share of rolls in which a lane is hidden
CUT = 0.5  # share of batches that end where the ranker chooses before the last time
DATA = (
    "40,000 phrases of eight bars of 13,841 multitrack songs with genres, training split, and 16,000 that the planner "
    "and the player play"
)
LICENCE = "the songs are user-made sequences of mostly commercial songs, used for research training only"
CURVES = {"loss": "cross-entropy, nats", "held out told": "area under the curve, held out"}


class Rolls:
    """The prepared rolls, opened: those to learn from, or those to validate with."""

    def __init__(self, folder: Path, split: str) -> None:
        self.rolls = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("real", "made")]
        with np.load(folder / "facts.npz") as facts:
            self.genres, splits = [facts["real"], facts["made"]], facts["split"]
        made = len(self.genres[1])
        held = np.arange(made) >= made - made // VALIDATED
        self.rows = [np.flatnonzero(splits == SPLITS.index(split)), np.flatnonzero(held == (split == "val"))]

    def at(self, side: int, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Rolls of songs (side 0) or of what was played (1), and their genres, int64."""
        rolls = torch.from_numpy(np.asarray(self.rolls[side][np.sort(rows)], np.float32))
        return rolls, torch.from_numpy(self.genres[side][np.sort(rows)].astype(np.int64))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Rolls, genres and 1 for songs or 0, half of each."""
        halves = [self.at(side, rng.choice(rows, count // 2, replace=False)) for side, rows in enumerate(self.rows)]
        rolls = torch.cat([rolls for rolls, _ in halves])
        bars = CHOICE * int(rng.integers(1, CHOICES)) if rng.random() < CUT else BARS
        rolls = rolls[:, : bars * PER_BAR]
        for number in np.flatnonzero(rng.random(len(rolls)) < HIDDEN):
            rolls[number, :, torch.from_numpy(channels_of(int(rng.integers(len(TRACKS)))))] = 0
        return rolls, torch.cat([genres for _, genres in halves]), torch.arange(2).flip(0).repeat_interleave(count // 2)


@torch.no_grad()
def scores(network: nn.Module, rolls: Rolls, side: int, genres: int, device: torch.device) -> np.ndarray:
    """What the network says of all rolls of a side, float32 [N]."""
    out = []
    for first in range(0, len(rolls.rows[side]), 128):
        seen, genre = rolls.at(side, rolls.rows[side][first : first + 128])
        out.append(network(seen.to(device), F.one_hot(genre, genres).float().to(device)).float().cpu().numpy())
    return np.concatenate(out)


def told(songs: np.ndarray, made: np.ndarray) -> float:
    """The area under the curve: how often a song scores higher than what was played, chance is a half."""
    return float(roc_auc_score(np.repeat([1, 0], [len(songs), len(made)]), np.concatenate([songs, made])))


def train(
    prepared: Path, run: Path, *, config: Config, steps: int, minutes: float | None, batch: int, lr: float, seed: int,
    precision: str, evaluate_every: int, resume: bool = True,
) -> Loop:  # fmt: skip
    """Train in `run`, resuming."""
    rolls, held, genres = Rolls(prepared, "train"), Rolls(prepared, "val"), len(config.genres)
    torch.manual_seed(seed)
    network = Ranker(config)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.02)
    loop = Loop(run, modules={"ranker": network}, optimizers={"ranker": optimizer}, ema={"ranker": EMA}, seed=seed,
                precision=precision, resume=resume)  # fmt: skip

    def step(number: int) -> dict[str, float]:
        seen, genre, song = rolls.draw(np.random.default_rng((seed, loop.rank, number)), batch)
        for group in loop.optimizers["ranker"].param_groups:
            group["lr"] = lr * min(1.0, (number + 1) / WARM_UP) * (1 - number / steps)
        with loop.autocast():
            said = loop.modules["ranker"](seen.to(loop.device), F.one_hot(genre, genres).float().to(loop.device))
            loss = F.binary_cross_entropy_with_logits(said.float(), song.float().to(loop.device))
        loop.modules["ranker"].zero_grad(set_to_none=True)
        loop.backward(loss)
        nn.utils.clip_grad_norm_(loop.modules["ranker"].parameters(), 1.0)
        loop.optimizers["ranker"].step()
        return {"loss": loss.item()}

    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        said = [scores(loop.averaged("ranker"), held, side, genres, loop.device) for side in (0, 1)]
        right = told(*said)
        return 1 - right, {"told": right}

    loop.run(step, steps=steps, minutes=minutes, log_every=50, save_every=evaluate_every, evaluate=evaluate,
             evaluate_every=evaluate_every)  # fmt: skip
    return loop


def export(run: Path, folder: Path, config: Config, seed: int) -> None:
    """The best weights of a run as a checkpoint, in half precision."""
    steps = best_step(run)
    checkpoint.save(folder, system="ranker", weights=best_weights(run, "ranker"), model=config.asdict(), half=True,
                    seed=seed, steps=steps, curves=curves(run, CURVES, steps), data=DATA, licence=LICENCE,
                    **cards.kept(folder))  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, its rate and size."""
    add_common(
        parser, prepared=Path("prepared/ranker"), run=Path("runs/ranker"), checkpoint=CHECKPOINTS / "ranker",
        minutes=None, steps=2_000, batch=64, lr=2e-3, seed=0, threads=0, precision="no", evaluate_every=250,
        resume=True,
    )  # fmt: skip
    parser.add_argument("--width", type=int, default=96, help="of the network")


def run(args: argparse.Namespace) -> None:
    """Train; at the last step write the checkpoint."""
    config = Config(tuple(json.loads((args.prepared / "facts.json").read_text())["genres"]), args.width)
    loop = train(args.prepared, args.run, config=config, steps=args.steps, minutes=args.minutes, batch=args.batch,
                 lr=args.lr, seed=args.seed, precision=args.precision, evaluate_every=args.evaluate_every,
                 resume=args.resume)  # fmt: skip
    if loop.main and loop.step >= args.steps:
        export(args.run, args.checkpoint, config, args.seed)
