"""Trains the hand by likelihood: the velocity and the offset of each note of a part, given those before it.

    python -m training train touch --prepared prepared/touch --run runs/touch --minutes 30       goes on where it was
    python -m training train touch … --start checkpoints/touch                                   a new run, from there

The rate warms up and falls to nothing over `--steps`; the averaged weights that are best on held-out parts become the
checkpoint when they are reached.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.touch.manner import SIZES
from engine.touch.network import BESIDE, HEARD, Config, Hand, nats
from engine.touch.strikes import features, sources
from training.core import cards
from training.core.loop import Loop
from training.core.options import add_common
from training.core.runs import begin_with, best_step, best_weights, curves, joined
from training.variation.prepare import SPLITS

WARM_UP = 100  # steps
EMA = 0.998
HABITS = {"drums": {"temperature": 0.6, "sources": [-0.5, -0.5, 0.0, 2.0, 2.0, 0.0]}}
"""Of the hand that ships (engine.touch.model.Model.habits), set by what it plays beside validation songs: left alone, a
drummer copies the last stroke too often, loses the accent of the beat, and never has it back."""
LENGTH = 256  # notes of a part that are learned from at once
UNSAID = 0.1  # share of parts that do not say their genre; and, each by itself, the numbers of their manner
DATA = (
    "13,841 multitrack songs with genres and 1,235 in other meters, as users sequenced or played them; training split"
)
LICENCE = "the songs are user-made sequences of mostly commercial songs, used for research training only"
CURVES = {"velocity": "velocity, nats a note", "held out velocity": "velocity, nats a note, held out",
          "offset": "timing, nats a note", "held out offset": "timing, nats a note, held out"}  # fmt: skip
Batch = dict[str, torch.Tensor]


class Parts:
    """The prepared arrays, opened, and parts drawn from one split of them."""

    def __init__(self, folder: Path, split: str) -> None:
        self.notes = np.load(folder / "notes.npy", mmap_mode="r")
        with np.load(folder / "parts.npz") as file:
            self.table = {name: file[name] for name in file.files}
        self.genres = tuple(json.loads((folder / "facts.json").read_text())["genres"])
        self.chosen = np.flatnonzero(self.table["split"] == SPLITS.index(split))
        genre = self.table["genre"][self.chosen]
        weight = np.bincount(genre + 1, minlength=len(self.genres) + 1)[genre + 1] ** -0.5  # as the player's windows
        self.chance = weight / weight.sum()

    def draw(self, rng: np.random.Generator, count: int, *, all_said: bool = False) -> Batch:
        """Parts side by side, the shorter ones padded: notes, struck, velocity (0: padding), offset, controls."""
        batch = {"notes": np.zeros((count, LENGTH, 5), np.int64), "struck": np.zeros((count, LENGTH, 8), np.int64),
                 "velocity": np.zeros((count, LENGTH), np.int64), "offset": np.zeros((count, LENGTH), np.int64),
                 "controls": np.zeros((count, 3 + len(SIZES)), np.int64)}  # fmt: skip
        for row, part in enumerate(rng.choice(self.chosen, count, p=self.chance)):
            first, end = self.table["first"][part : part + 2]
            rows = np.asarray(self.notes[first : min(end, first + LENGTH)]).astype(np.int64)
            place, length, pitch, velocity, offset = rows.T
            lane, bar, genre, tempo = (int(self.table[name][part]) for name in ("lane", "bar", "genre", "tempo"))
            n = len(rows)
            batch["notes"][row, :n] = features(place, length, pitch, lane == 0, bar)
            batch["struck"][row, :n] = struck(velocity, offset, sources(place, pitch, bar))
            batch["velocity"][row, :n], batch["offset"][row, :n] = velocity, offset + BESIDE
            said = np.where((rng.random(1 + len(SIZES)) < UNSAID) & (not all_said), 0, 1)
            genre = genre if genre >= 0 and said[-1] else len(self.genres)
            batch["controls"][row] = [genre, tempo, lane, *(self.table["manner"][part] * said[:-1])]
        return {name: torch.from_numpy(array) for name, array in batch.items()}


def struck(velocity: np.ndarray, offset: np.ndarray, back: np.ndarray) -> np.ndarray:
    """What is heard of the sources of each note (network.Hand), int64 [N, 8]: 0 where there is none."""
    heard = np.where(back >= 0, velocity[back], 0)
    beside = np.where(back >= 0, offset[back] + BESIDE + 1, 0)[:, list(HEARD)]
    return np.concatenate([heard, beside], 1)


def loss_of(network: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean nats a note, of its velocity and of its offset."""
    logits = network(batch["notes"], batch["struck"], batch["controls"])
    asked = batch["velocity"] > 0
    of_velocity, of_offset = nats(logits, batch["struck"], batch["velocity"], batch["offset"])
    return of_velocity[asked].mean(), of_offset[asked].mean()


def train(
    prepared: Path,
    run: Path,
    *,
    config: Config,
    steps: int,
    minutes: float | None,
    batch: int,
    lr: float,
    seed: int,
    precision: str,
    evaluate_every: int,
    held_out: int,
    start: Path | None = None,
    resume: bool = True,
) -> Loop:
    """Train in `run`, resuming. A run that begins takes the weights of the checkpoint `start`, where one is given."""
    parts, held = Parts(prepared, "train"), Parts(prepared, "val")
    rng = np.random.default_rng(seed)
    tested = [held.draw(rng, batch, all_said=True) for _ in range(-(-held_out // batch))]
    torch.manual_seed(seed)
    network = Hand(config)
    if start:
        begin_with(network, start, "touch")
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, betas=(0.9, 0.98))
    loop = Loop(run, modules={"touch": network}, optimizers={"touch": optimizer}, ema={"touch": EMA}, seed=seed,
                precision=precision, resume=resume)  # fmt: skip

    def step(number: int) -> dict[str, float]:
        part = parts.draw(np.random.default_rng((seed, loop.rank, number)), batch)
        for group in loop.optimizers["touch"].param_groups:
            group["lr"] = lr * min(1.0, (number + 1) / WARM_UP) * (1 - number / steps)
        with loop.autocast():
            velocity, offset = loss_of(loop.modules["touch"], {n: x.to(loop.device) for n, x in part.items()})
        loop.modules["touch"].zero_grad(set_to_none=True)
        loop.backward(velocity + offset)
        nn.utils.clip_grad_norm_(loop.modules["touch"].parameters(), 1.0)
        loop.optimizers["touch"].step()
        return {"velocity": velocity.item(), "offset": offset.item()}

    @torch.no_grad()
    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        nats_of = [[x.item() for x in loss_of(loop.averaged("touch"), {n: x.to(loop.device) for n, x in part.items()})]
                   for part in tested]  # fmt: skip
        velocity, offset = np.mean(nats_of, 0).tolist()
        return velocity + offset, {"velocity": velocity, "offset": offset}

    loop.run(step, steps=steps, minutes=minutes, log_every=50, save_every=250, evaluate=evaluate,
             evaluate_every=evaluate_every)  # fmt: skip
    return loop


def export(prepared: Path, run: Path, folder: Path, config: Config, seed: int, start: Path | None = None) -> None:
    """The best weights of a run, begun with the checkpoint `start`, as a checkpoint, in half precision."""
    facts = json.loads((prepared / "facts.json").read_text())
    steps = best_step(run)
    before = checkpoint.read_config(start) if start else {}
    checkpoint.save(folder, system="touch", weights=best_weights(run, "touch"), model=config.asdict(), half=True,
                    seed=seed, **joined(before, steps, curves(run, CURVES, steps)), data=DATA, licence=LICENCE,
                    notes=facts["notes"], manners=facts["manners"], habits=HABITS, **cards.kept(folder))  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, its rate and size."""
    add_common(
        parser, prepared=Path("prepared/touch"), run=Path("runs/touch"), checkpoint=CHECKPOINTS / "touch",
        minutes=None, steps=6_000, batch=48, lr=3e-3, seed=0, threads=0, precision="auto", evaluate_every=250,
        resume=True,
    )  # fmt: skip
    parser.add_argument("--held-out", type=int, default=480, help="validation parts")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights a new run begins with")
    for name, default in (("width", 96), ("hidden", 160)):
        parser.add_argument(f"--{name}", type=int, default=default, help="of the network")


def run(args: argparse.Namespace) -> None:
    """Train; at the last step write the checkpoint."""
    config = Config(Parts(args.prepared, "train").genres, args.width, args.hidden)
    loop = train(args.prepared, args.run, config=config, steps=args.steps, minutes=args.minutes, batch=args.batch,
                 lr=args.lr, seed=args.seed, precision=args.precision, evaluate_every=args.evaluate_every,
                 held_out=args.held_out, start=args.start, resume=args.resume)  # fmt: skip
    if loop.main and loop.step >= args.steps:
        export(args.prepared, args.run, args.checkpoint, config, args.seed, args.start)
