"""The player measured: nats of held-out tokens, how well it follows what is given, and whether it copies.
How often what it plays is told from real songs is measured with Band (training/band/evaluate.py).

python -m training evaluate player --prepared prepared/player --checkpoint checkpoints/player
python -m training evaluate player … --run runs/player            the averaged weights of a run that goes on
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import CHECKPOINTS, band, planner
from engine.band.played import brief_of
from engine.band.request import Request
from engine.core import checkpoint
from engine.player.model import Model
from engine.player.network import Config, Player
from engine.player.playing import perform
from training.core import cards
from training.core.cards import rounded
from training.core.options import add_common
from training.core.runs import best_weights
from training.player import measures
from training.player.train import facts_of, validate
from training.player.windows import Windows


def of_run(run: Path, genres: tuple[str, ...]) -> Player:
    """The network of a run: its best averaged weights, or the last where it was never evaluated."""
    weights = best_weights(run, "player")
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    width, hidden = weights["token.weight"].shape[1], weights["blocks.0.fc2.weight"].shape[1]
    network = Player(Config(genres, width, layers, hidden=hidden))
    network.load_state_dict(weights)
    return network.eval()


def measure(model: Model, args: argparse.Namespace) -> dict[str, Any]:
    """Nats of held-out windows, chords followed, parts filled in, and copies."""
    held, rng = Windows(args.prepared, "test"), np.random.default_rng(args.seed)
    examples = [held.draw(rng) for _ in range(args.held_out)]
    nats, by_token = validate(model.network, examples, 4, torch.device("cpu"))
    print(
        f"nats a token {nats:.4f}; " + ", ".join(f"{name} {value:.3f}" for name, value in by_token.items()), flush=True
    )

    songs = measures.phrases_of(held, model.combos, args.followed, args.seed)
    chords, parts = measures.chords_followed(model, songs, args.seed), measures.parts_filled_in(model, songs, args.seed)
    asked = [Request(genre={genre: 1.0}, seed=seed) for seed in range(args.followed // 8) for genre in model.genres]
    made = [list(perform(model, brief_of(model, one))) for one in asked]
    known = measures.known_two_bars(Windows(args.prepared, "train"), model.combos, range(5))
    copies = {"made": measures.copied(made, known), "real": measures.copied(songs, known)}
    for name, figures in (("given chords sound", chords), ("tonal distance of a part filled in", parts),
                          ("two bars of a part copied", copies)):  # fmt: skip
        print(f"{name}: " + ", ".join(f"{who} {value:.3f}" for who, value in figures.items()), flush=True)
    return {"nats": nats, "nats_by_kind": by_token, "chords": chords, "parts": parts, "copies": copies}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, prepared=Path("prepared/player"), run=None, checkpoint=CHECKPOINTS / "player", threads=1, seed=0)
    parser.add_argument("--followed", type=int, default=200, help="phrases whose chords and parts are given")
    parser.add_argument("--held-out", type=int, default=200, help="windows of test songs")


def run(args: argparse.Namespace) -> None:
    """Print the figures; of a checkpoint write them into config.json and its card."""
    if args.run:
        genres = tuple(json.loads((args.prepared / "facts.json").read_text())["genres"])
        combos = json.loads((args.prepared / "combos.json").read_text())
        facts = facts_of(args.prepared)
        measure(Model(of_run(args.run, genres), tuple(map(tuple, combos)), facts, planner=planner.load()), args)
        return
    model = band.load(args.checkpoint)
    metrics = measure(model, args)
    checkpoint.update(args.checkpoint, metrics=rounded(metrics))
    cards.write(args.checkpoint)
