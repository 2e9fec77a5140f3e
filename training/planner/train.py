"""Trains the planner: a GAN over the plans of songs (gan.py).

    python -m training train planner --prepared prepared/planner --run runs/planner --minutes 60    goes on where it was

The rate falls to nothing over `--steps`; the averaged weights that are nearest to held-out songs become the checkpoint
when they are reached.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.planner.network import Config, Generator
from training.core import cards
from training.core.options import add_common
from training.core.runs import best_step, best_weights, curves
from training.planner.calibrate import calibrate
from training.planner.gan import Game, Songs
from training.planner.measures import apart, drawn, shares, sides

DATA = (
    "13,841 multitrack songs with genres and 1,235 in other meters: which bars of a track rest, come again or are new; "
    "the training split, by artist and title"
)
LICENCE = "the songs are user-made sequences of mostly commercial songs, used for research training only"
CURVES = {"nats": "nats a decision", "gap": "the critic's gap", "held out score": "shares apart from songs, held out"}


def export(run: Path, folder: Path, config: Config, songs: Songs, seed: int) -> None:
    """The best weights of a run, calibrated to songs, as a checkpoint in half precision."""
    generator = Generator(config)
    generator.load_state_dict(best_weights(run, "generator"))
    calibrate(generator.eval(), songs, seed)
    steps = best_step(run)
    checkpoint.save(folder, system="planner", weights=generator.state_dict(), model=config.asdict(), half=True,
                    seed=seed, steps=steps, curves=curves(run, CURVES, steps), data=DATA, licence=LICENCE,
                    **cards.kept(folder))  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, its rate and length."""
    add_common(
        parser, prepared=Path("prepared/planner"), run=Path("runs/planner"), checkpoint=CHECKPOINTS / "planner",
        minutes=None, steps=12_000, batch=64, lr=5e-4, seed=0, threads=0, precision="no", evaluate_every=500,
        resume=True,
    )  # fmt: skip
    parser.add_argument("--held-out", type=int, default=2_000, help="validation plans")


def run(args: argparse.Namespace) -> None:
    """Train; at the last step write the checkpoint."""
    config = Config(tuple(json.loads((args.prepared / "facts.json").read_text())["genres"]))
    real, _, _, genre, place = sides(Songs(args.prepared, "val"), args.held_out, args.seed)

    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        generator = loop.averaged("generator")
        assert isinstance(generator, Generator)
        far = apart(real, shares(drawn(generator, genre, place, args.seed), genre))
        return sum(far.values()), far

    game = Game(Songs(args.prepared, "train"), config, args.run, steps=args.steps, batch=args.batch, lr=args.lr,
                seed=args.seed, precision=args.precision, resume=args.resume)  # fmt: skip
    loop = game.loop
    loop.run(game.step, steps=args.steps, minutes=args.minutes, log_every=50, save_every=args.evaluate_every,
             evaluate=evaluate, evaluate_every=args.evaluate_every)  # fmt: skip
    if loop.main and loop.step >= args.steps:
        export(args.run, args.checkpoint, config, game.songs, args.seed)
