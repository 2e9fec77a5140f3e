"""The planner measured: how far the plans that it draws are from those of songs that it never saw.

python -m training evaluate planner --prepared prepared/planner --checkpoint checkpoints/planner
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.planner import load
from engine.planner.network import Plans
from training.core import cards
from training.core.cards import rounded, table
from training.core.options import add_common
from training.planner.gan import Songs
from training.planner.measures import apart, drawn, shares, sides
from training.report_rows import OTHER_SONGS, SHUFFLED_BARS


def shuffled(plans: Plans, seed: int) -> Plans:
    """Plans with each player's bars in an order of their own."""
    random = torch.Generator().manual_seed(seed)
    n, bars, count, kinds = plans.relations.shape
    order = torch.rand(n, bars, count, generator=random).argsort(1)[..., None].expand(-1, -1, -1, kinds)
    return plans._replace(relations=plans.relations.gather(1, order))


def run(args: argparse.Namespace) -> None:
    """Print the figures, and write them into config.json and the card."""
    model = load(args.checkpoint)
    real, others, plans, genre, place = sides(Songs(args.prepared, "test"), args.plans, args.seed)
    far = {
        "drawn": apart(real, shares(drawn(model.network, genre, place, args.seed), genre)),
        OTHER_SONGS: apart(real, others),
        SHUFFLED_BARS: apart(real, shares(shuffled(plans, args.seed), genre)),
    }
    print(table(["", *far], [[name, *(f"{figures[name]:.3f}" for figures in far.values())] for name in real]))
    checkpoint.update(args.checkpoint, metrics=rounded({"apart": far}))
    cards.write(args.checkpoint)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, prepared=Path("prepared/planner"), checkpoint=CHECKPOINTS / "planner", threads=1, seed=0)
    parser.add_argument("--plans", type=int, default=4_000, help="plans of 32 bars of test songs")
