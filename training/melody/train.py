"""Training of the melody model: whole tunes of like length side by side, back-propagated through 192 characters at a
time with the state carried on to the next (truncated BPTT; Williams & Peng 1990)."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.melody.features import COUNTDOWN, SECTIONS
from engine.melody.network import Config, MelodyNet
from training.core.loop import Loop

SEGMENT = 192  # characters
LN2 = math.log(2)


class Corpus:
    """The arrays of one side, made by `prepare`. `raw` are the tunes as they stand (with and without R:), `plain` the
    cleaned versions with form and style; `family[i]` lists the plain versions of raw tune i."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        self.arrays = arrays
        self.count = len(arrays["raw_offsets"]) - 1

    def tune(self, kind: str, i: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows, targets) of tune i of raw, bare (raw without R:) or plain."""
        start, end = self.arrays[f"{kind}_offsets"][i : i + 2]
        return self.arrays[f"{kind}_rows"][start:end], self.arrays[f"{kind}_targets"][start:end]

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
def measure(net: nn.Module, corpus: Corpus, kind: str = "raw", size: int = 64) -> dict[str, float]:
    """Bits a character, accuracy and characters over one side, the end of each tune not counted."""
    net.eval()
    order = np.argsort(np.diff(corpus.arrays[f"{kind}_offsets"]))
    bits, right, count, device = 0.0, 0, 0, next(net.parameters()).device
    for i in range(0, len(order), size):
        rows, targets = (x.to(device) for x in pad([corpus.tune(kind, int(j)) for j in order[i : i + size]]))
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
    rate: float = 2e-3,
    plain: float = 0.4,
    precision: str = "auto",
    seed: int = 0,
    evaluate_every: int = 400,
) -> Loop:
    """Train on the arrays `prepared`/train.npz until `steps`; state, log and best weights go into `folder`."""
    corpus, held_out = Corpus(prepared / "train.npz"), Corpus(prepared / "val.npz")
    torch.manual_seed(seed)
    net = MelodyNet(config)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.02)
    loop = Loop(
        folder, modules={"net": net}, optimizers={"net": optimizer}, ema={"net": 0.995}, seed=seed, precision=precision
    )
    stream = _stream(corpus, seed + 10_007 * loop.rank, size, plain, skip=loop.step)
    state: Any = None

    def step(n: int) -> dict[str, float]:
        nonlocal state
        rows, targets, first = next(stream)
        warm = min(1.0, (n + 1) / 100)
        for group in loop.optimizers["net"].param_groups:
            group["lr"] = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(n / steps, 1.0))))
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
        found = measure(loop.averaged("net"), held_out)
        return found["bits_per_char"], found

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
