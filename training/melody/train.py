"""Train the melody model: whole tunes of like length side by side, back-propagated through 192 characters at a time
with the state carried on to the next (truncated BPTT; Williams & Peng 1990).

    python -m training train melody --minutes 40

Reads only the arrays that `prepare` wrote, resumes, and ships the best weights. Each --experiment is a comparison, with
a run of its own.
"""

from __future__ import annotations

import argparse
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.melody.abc.canonical import read_tunes
from engine.melody.alphabet import Alphabet
from engine.melody.features import COUNTDOWN, SECTIONS
from engine.melody.model import load
from engine.melody.network import Config, MelodyNet
from training.core import cards
from training.core.loop import Loop
from training.core.options import add_common
from training.core.runs import best_weights, curves, run_log
from training.melody import critic
from training.melody.prepare import SPLITS

SEGMENT = 192  # characters
LN2 = math.log(2)
CURVES = {"bits": "bits a character", "held out score": "bits a character, held out"}
SHIPPED = "shipped"  # the run whose weights become the checkpoint
SEED_WIDTH = 128  # units of the two layers of the comparisons, as the seed project had them


class Corpus:
    """The arrays of one side, made by `prepare`. `raw` are the tunes as they stand (with and without R:), `plain` the
    cleaned versions with form and style; `family[i]` lists the plain versions of raw tune i."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        self.arrays = arrays
        self.count = len(arrays["raw_offsets"]) - 1

    def tune(self, version: str, i: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows, targets) of tune i of raw, bare (raw without R:) or plain."""
        start, end = self.arrays[f"{version}_offsets"][i : i + 2]
        return self.arrays[f"{version}_rows"][start:end], self.arrays[f"{version}_targets"][start:end]

    def draw(self, random: np.random.Generator, plain: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Every tune once, each in one of its versions; forms are hidden from a fifth of the plain ones."""
        parents = self.arrays["plain_parent"]
        first = np.searchsorted(parents, np.arange(self.count + 1))
        out = []
        for i in range(self.count):
            choices = int(first[i + 1] - first[i])
            if choices and random.random() < plain:
                rows, targets = self.tune("plain", int(first[i]) + int(random.integers(choices)))
                if random.random() < 0.2:
                    rows = rows.copy()
                    rows[:, [COUNTDOWN, SECTIONS]] = 0
            else:
                rows, targets = self.tune("bare" if random.random() < 0.3 else "raw", i)
            out.append((rows, targets))
        extra = self.arrays.get("extra_offsets")
        if extra is not None:  # transposed tunes, as many as there are tunes
            out += [self.tune("extra", int(i)) for i in random.integers(0, len(extra) - 1, self.count)]
        return out


def pad(tunes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
    """rows int64 [batch, time, COLUMNS] and targets int64 [batch, time], zeros behind the shorter ones."""
    time = max(len(r) for r, _ in tunes)
    rows = np.zeros((len(tunes), time, tunes[0][0].shape[1]), np.int64)
    targets = np.zeros((len(tunes), time), np.int64)
    for i, (r, t) in enumerate(tunes):
        rows[i, : len(r)], targets[i, : len(t)] = r, t
    return torch.from_numpy(rows), torch.from_numpy(targets)


def batches(corpus: Corpus, seed: int, epoch: int, size: int, plain: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch: tunes of like length together, in random order."""
    random = np.random.default_rng((seed, epoch))
    tunes = corpus.draw(random, plain)
    order = sorted(range(len(tunes)), key=lambda i: len(tunes[i][0]) * random.uniform(0.9, 1.1))
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    random.shuffle(groups)
    return [pad([tunes[i] for i in group]) for group in groups]


def segments(rows: torch.Tensor, targets: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor, bool]]:
    """A batch cut along time into pieces of like length: (rows, targets, is the first)."""
    count = math.ceil(rows.shape[1] / SEGMENT)
    edges = [round(i * rows.shape[1] / count) for i in range(count + 1)]
    return [(rows[:, a:b], targets[:, a:b], a == 0) for a, b in pairwise(edges)]


@torch.no_grad()
def measure(net: nn.Module, corpus: Corpus, version: str = "raw", size: int = 64) -> dict[str, float]:
    """Bits a character, accuracy and characters over one side, the end of each tune not counted."""
    net.eval()
    order = np.argsort(np.diff(corpus.arrays[f"{version}_offsets"]))
    bits, right, count, device = 0.0, 0, 0, next(net.parameters()).device
    for i in range(0, len(order), size):
        rows, targets = (x.to(device) for x in pad([corpus.tune(version, int(j)) for j in order[i : i + size]]))
        logits, _ = net(rows)
        counted = targets > 1
        logits, targets = logits[counted].float(), targets[counted]
        bits += nn.functional.cross_entropy(logits, targets, reduction="sum").item() / LN2
        right += int((logits.argmax(-1) == targets).sum())
        count += len(targets)
    return {"bits_per_char": bits / count, "accuracy": right / count, "chars": count}


def train(
    prepared: Path,
    folder: Path,
    config: Config,
    *,
    steps: int,
    minutes: float | None = None,
    size: int = 48,
    lr: float = 2e-3,
    plain: float = 0.4,
    precision: str = "auto",
    seed: int = 0,
    evaluate_every: int = 400,
    resume: bool = True,
) -> Loop:
    """Train on the arrays `prepared`/train.npz until `steps`; state, log and best weights go into `folder`."""
    corpus, held_out = Corpus(prepared / "train.npz"), Corpus(prepared / "val.npz")
    torch.manual_seed(seed)
    net = MelodyNet(config)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0.02)
    loop = Loop(
        folder,
        modules={"net": net},
        optimizers={"net": optimizer},
        ema={"net": 0.995},
        seed=seed,
        precision=precision,
        resume=resume,
    )
    stream = _stream(corpus, seed + 10_007 * loop.rank, size, plain, skip=loop.step)
    state: Any = None

    def step(n: int) -> dict[str, float]:
        nonlocal state
        rows, targets, first = next(stream)
        warm = min(1.0, (n + 1) / 100)
        for group in loop.optimizers["net"].param_groups:
            group["lr"] = lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(n / steps, 1.0))))
        module = loop.modules["net"]
        module.train()
        rows, targets = rows.to(loop.device), targets.to(loop.device)
        with loop.autocast():
            logits, after = module(rows, None if first else state)
            loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=0)
        state = [tuple(s.detach() for s in pair) for pair in after]
        loop.optimizers["net"].zero_grad()
        loop.backward(loss)
        loop.accelerator.clip_grad_norm_(module.parameters(), 1.0)
        loop.optimizers["net"].step()
        return {"bits": loss.item() / LN2}

    def evaluate(n: int) -> tuple[float, dict[str, float]]:
        metrics = measure(loop.averaged("net"), held_out)
        return metrics["bits_per_char"], metrics

    loop.run(step, steps=steps, minutes=minutes, evaluate=evaluate, evaluate_every=evaluate_every, save_every=200)
    return loop


def _stream(corpus: Corpus, seed: int, size: int, plain: float, skip: int) -> Any:
    """Segments without end; a resumed run begins at the epoch's segment where it stopped."""
    epoch = 0
    while True:
        for rows, targets in batches(corpus, seed, epoch, size, plain):
            for segment in segments(rows, targets):
                if skip > 0:
                    skip -= 1
                    continue
                yield segment
        epoch += 1


def configuration(args: argparse.Namespace) -> Config:
    """The network asked for."""
    alphabet = Alphabet(json.loads((args.prepared / "alphabet.json").read_text()))
    relative = args.experiment not in ("seed", "moved")
    embed = args.embed if args.experiment in ("", "told") else 0
    width = SEED_WIDTH if args.experiment else args.width
    return Config(
        alphabet.characters, alphabet.size, embed=embed, width=width, layers=args.layers, dropout=args.dropout,
        relative=relative,
    )  # fmt: skip


def counts(prepared: Path) -> dict[str, int]:
    """How many tunes each side of the split has."""
    return {side: len(read_tunes(prepared / f"{side}.abc")) for side in SPLITS}


def ship(args: argparse.Namespace, folder: Path) -> None:
    """Write the best weights of a run as a checkpoint."""
    best = min((entry for entry in run_log(folder) if "score" in entry), key=lambda entry: entry["score"])
    checkpoint.save(
        args.checkpoint,
        system="melody",
        weights=best_weights(folder, "net"),
        model=json.loads((folder / "model.json").read_text()),
        half=True,
        data="Nottingham Music Database; O'Neill's Music of Ireland, Ryan's Mammoth Collection and Aird's Airs from "
        "music21's corpus",
        licence="Nottingham: GPL-3.0; the others: tunes in the public domain",
        tunes=counts(args.prepared),
        seed=args.seed,
        steps=best["step"],
        curves=curves(folder, CURVES, best["step"]),
        metrics={"validation": {name: best[name] for name in ("bits_per_char", "accuracy", "chars")}},
        priors=json.loads((args.prepared / "priors.json").read_text()),
        **cards.kept(args.checkpoint),
    )
    print(f"{args.checkpoint}: {best['bits_per_char']:.4f} bits a character, accuracy {best['accuracy']:.4f}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training; the learning rate falls until --steps, a batch is tunes side by side."""
    add_common(
        parser,
        prepared=Path("prepared/melody"),
        run=Path("runs/melody"),
        checkpoint=CHECKPOINTS / "melody",
        minutes=None,
        steps=3000,
        batch=48,
        lr=2e-3,
        precision="auto",
        evaluate_every=400,
        resume=True,
        threads=0,
        seed=0,
    )
    parser.add_argument("--experiment", default="", choices=["", "seed", "moved", "relative", "told"])
    parser.add_argument("--critic", action="store_true", help="fit only the critic of candidates, to the checkpoint")
    parser.add_argument("--width", type=int, default=448)
    parser.add_argument("--embed", type=int, default=192)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.3)


def run(args: argparse.Namespace) -> None:
    """The shipped model, or with --experiment a 2 × 128 one: seed (one-hot characters), moved (the same with
    transposed tunes), relative (letters as steps above the tonic), told (with the features too)."""
    if args.critic:
        critic.train(load(args.checkpoint), args.prepared, args.checkpoint)
        return
    folder = args.run / (args.experiment or SHIPPED)
    names = {"seed": "_absolute", "moved": "_moved"}
    prepared = args.prepared
    if args.experiment in names:  # a folder with the same names
        prepared = args.prepared / args.experiment
        prepared.mkdir(exist_ok=True)
        for side, suffix in (("train", names[args.experiment]), ("val", "_absolute")):
            link = prepared / f"{side}.npz"
            link.unlink(missing_ok=True)
            link.symlink_to((args.prepared / f"{side}{suffix}.npz").resolve())
    config = configuration(args)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(config.as_dict()))
    loop = train(
        prepared, folder, config, steps=args.steps, minutes=args.minutes, size=args.batch, lr=args.lr,
        plain=0.0 if args.experiment else 0.4, precision=args.precision, seed=args.seed,
        evaluate_every=args.evaluate_every, resume=args.resume,
    )  # fmt: skip
    if loop.main and not args.experiment:
        ship(args, folder)
