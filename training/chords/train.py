"""Train the networks that hear chords and that find them for a tune, side by side.

python -m training train chords --prepared prepared/chords
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.chords import QUALITIES, TEMPLATES
from engine.core.harmony import CONTEXT, PARTS, features
from training.core import cards
from training.core.loop import Loop
from training.core.options import add_common
from training.core.runs import best_weights, curves

HIDDEN = 64
DROPPED, DROPPED_INPUTS = 0.3, 0.1
DATA = "POP909 (Wang et al. 2020), and the Nottingham Music Database"
LICENCE = "POP909: MIT, for research; Nottingham: GPL-3.0"
CURVES = {name: f"{name}, nats a half bar" for name in CONTEXT} | {
    f"held out {name}": f"share right, {name}, held out" for name in CONTEXT
}


class Ear(nn.Module):
    """What is seen from each root [n, 12, F] → logits of the chords [n, 84]."""

    def __init__(self, seen: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(seen, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.fc3 = nn.Linear(HIDDEN, len(QUALITIES))
        self.drop, self.drop_inputs = nn.Dropout(DROPPED), nn.Dropout(DROPPED_INPUTS)

    def forward(self, seen: Tensor) -> Tensor:
        x = self.drop(torch.relu(self.fc1(self.drop_inputs(seen))))
        x = self.drop(torch.relu(self.fc2(x)))
        logits: Tensor = self.fc3(x).transpose(1, 2).flatten(1)
        return logits


@dataclass(frozen=True)
class Song:
    """A song's half bars."""

    planes: dict[str, np.ndarray]  # of each network, as `features` takes them
    label: np.ndarray
    family: np.ndarray
    whole: np.ndarray
    key: int
    source: int


def songs_of(prepared: Path, split: int) -> Iterator[Song]:
    """The songs of a split (0 train, 1 val, 2 test)."""
    arrays = {name: np.load(prepared / f"{name}.npy") for name in ("heard", "bass", "tune", "label", "family", "whole")}
    rows = np.load(prepared / "songs.npy")
    ends = [*rows[1:, 0].tolist(), len(arrays["label"])]
    for (first, key, part, source), end in zip(rows.tolist(), ends):
        if part == split:
            halves, parts = slice(first, end), slice(PARTS * first, PARTS * end)
            heard, bass, tune = (arrays[name][parts].astype(np.float32) for name in ("heard", "bass", "tune"))
            yield Song({"heard": np.stack([heard, bass], 1), "tune": tune[:, None]}, arrays["label"][halves],
                       arrays["family"][halves], arrays["whole"][halves], key, source)  # fmt: skip


def seen_of(song: Song, name: str) -> np.ndarray:
    """What a network sees of a song, float32 [n, 12, F]."""
    return features(song.planes[name], CONTEXT[name], song.key if name == "tune" else None)


def examples(songs: list[Song], name: str) -> tuple[Tensor, Tensor]:
    """What a network sees, float32 [n, 12, F], and the chords' numbers [n], of half bars that have one."""
    seen = np.concatenate([seen_of(song, name)[song.label >= 0] for song in songs])
    return torch.from_numpy(seen), torch.from_numpy(np.concatenate([s.label[s.label >= 0] for s in songs]).astype(int))


def moves_of(songs: list[Song]) -> np.ndarray:
    """How often a chord's quality is followed by one so much higher, as logarithms, float32 [7, 12, 7]."""
    counts = np.ones((len(QUALITIES), 12, len(QUALITIES)))
    for song in songs:
        both = (song.label[:-1] >= 0) & (song.label[1:] >= 0)
        before, after = song.label[:-1][both].astype(int), song.label[1:][both].astype(int)
        np.add.at(counts, (before // 12, (after - before) % 12, after // 12), 1)
    return np.log(counts / counts.sum((1, 2), keepdims=True)).astype(np.float32)


def train(args: argparse.Namespace) -> Loop:
    """Both networks, a batch each a step; the learning rate falls until --steps."""
    songs, held_out = list(songs_of(args.prepared, 0)), list(songs_of(args.prepared, 1))
    torch.manual_seed(args.seed)
    known = {name: examples(songs, name) for name in CONTEXT}
    wanted = {name: examples(held_out, name) for name in CONTEXT}
    modules: dict[str, nn.Module] = {name: Ear(seen.shape[2]) for name, (seen, _) in known.items()}
    optimizer = torch.optim.AdamW([p for m in modules.values() for p in m.parameters()], lr=args.lr, weight_decay=0.02)
    loop = Loop(args.run, modules=modules, optimizers={"both": optimizer}, ema=dict.fromkeys(modules, 0.998),
                seed=args.seed, precision=args.precision, resume=args.resume)  # fmt: skip

    def step(n: int) -> dict[str, float]:
        for group in loop.optimizers["both"].param_groups:
            group["lr"] = args.lr * min(1.0, (n + 1) / 200) * 0.5 * (1 + math.cos(math.pi * min(n / args.steps, 1.0)))
        rng, losses = loop.generator(n), {}
        for name, (seen, label) in known.items():
            rows = torch.randint(len(label), (args.batch,), generator=rng)
            module = loop.modules[name].train()
            with loop.autocast():
                logits = module(seen[rows].to(loop.device))
            asked = label[rows].to(loop.device)
            losses[name] = nn.functional.cross_entropy(logits.float(), asked, label_smoothing=0.02)
        loop.optimizers["both"].zero_grad()
        loop.backward(sum(losses.values()))  # type: ignore[arg-type]
        loop.optimizers["both"].step()
        return {name: loss.item() for name, loss in losses.items()}

    @torch.no_grad()
    def evaluate(n: int) -> tuple[float, dict[str, float]]:
        right = {}
        for name, (seen, label) in wanted.items():
            parts = [loop.averaged(name)(part.to(loop.device)).argmax(1).cpu() for part in seen.split(4096)]
            right[name] = float((torch.cat(parts) == label).float().mean())
        return -sum(right.values()), right

    loop.run(step, steps=args.steps, minutes=args.minutes, evaluate=evaluate, evaluate_every=args.evaluate_every)
    if loop.main:
        weights = {f"{name}.{key}": value for name in CONTEXT for key, value in best_weights(args.run, name).items()}
        checkpoint.save(
            args.checkpoint, system="chords", weights=weights | {"moves": torch.from_numpy(moves_of(songs))},
            model={"hidden": HIDDEN, "chords": len(TEMPLATES)}, half=True, data=DATA, licence=LICENCE, seed=args.seed,
            steps=loop.step, songs=len(songs),
            curves=curves(args.run, CURVES, loop.step), **cards.kept(args.checkpoint),
        )  # fmt: skip
    return loop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training."""
    add_common(parser, prepared=Path("prepared/chords"), run=Path("runs/chords"), checkpoint=CHECKPOINTS / "chords",
               minutes=None, steps=5000, batch=512, lr=4e-3, precision="no", evaluate_every=500, resume=True, threads=0,
               seed=0)  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """Train, and write the best weights."""
    train(args)
