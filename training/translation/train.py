"""Train Translation: a CycleGAN of LSTMs a pair of instruments, or one for all directions.

    python -m training train translation --pair flute-trombone --steps 600
    python -m training train translation --any --steps 1500               (one generator for all directions)

Reads only what `prepare` wrote, resumes by default, and writes checkpoints/translation/<a>-<b> when it ends. It starts
from the untrained swap of profiles, or from the generator for all directions (--start any), whose told words become
biases.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from engine import RequestError
from engine.translation import model as models
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.network import Config, Generator
from engine.translation.profile import Profile
from engine.translation.request import PATH
from training.core import cards
from training.core.data import SPLITS
from training.core.options import add_common
from training.translation import prepare as data
from training.translation.cyclegan import LOSSES, REPLAY, Training

CREDIT = {
    "data": f"single notes and phrases of {len(data.INSTRUMENTS)} instruments: Philharmonia Orchestra samples, "
    "University of Iowa MIS",
    "licence": "Philharmonia: free to use, not to be sold or handed on as samples; Iowa: free, no restrictions",
}


def voices(prepared: Path, names: tuple[str, ...]) -> dict[str, data.Voice]:
    """The training voices of these instruments."""
    out = {}
    for name in names:
        recordings = data.load(prepared / f"{name}.npz")
        out[name] = data.voice(recordings, data.profile_of(recordings))
    return out


def ear_of(prepared: Path) -> InstrumentClassifier:
    """The ear: trained on the training notes, and on pieces of two seconds of the training phrases."""
    described, labels = [], []
    for name in data.INSTRUMENTS:
        for recording in data.load(prepared / f"{name}.npz"):
            if recording.split != "train":
                continue
            step = 60 if recording.kind == "phrase" else len(recording.frames)
            for start in range(0, max(1, len(recording.frames) - 30), step):
                part = recording.frames[start : start + max(120, step)]
                if part.voiced.sum() > 8:
                    described.append(describe(part))
                    labels.append(data.INSTRUMENTS.index(name))
    rows = np.stack(described)
    mean, scale = rows.mean(0), rows.std(0) + 1e-3
    model = LogisticRegression(max_iter=300, C=0.3).fit((rows - mean) / scale, labels)
    arrays = (mean, scale, model.coef_, model.intercept_)
    return InstrumentClassifier(data.INSTRUMENTS, *(np.ascontiguousarray(array, np.float32) for array in arrays))


def onehot_as_bias(
    source: dict[str, torch.Tensor], instruments: tuple[str, ...], one: str, other: str | None
) -> dict[str, torch.Tensor]:
    """Weights that were conditioned on instruments, for a module of one part only: their one-hots join the bias.

    other: the target of a generator; None for a discriminator, which is conditioned on one instrument.
    """
    weights = {key: value.clone() for key, value in source.items()}
    n = len(instruments)
    width = n if other is None else 2 * n
    projection = weights["in_proj.weight"]
    weights["in_proj.weight"] = projection[:, :-width].contiguous()
    columns = projection[:, -width:]
    weights["in_proj.bias"] = weights["in_proj.bias"] + columns[:, instruments.index(one)]
    if other is not None:
        weights["in_proj.bias"] += columns[:, n + instruments.index(other)]
    return weights


def begin_from_any(training: Training, run: Path) -> None:
    """Put the weights of the run for all directions into a pair's generators and discriminators."""
    state = torch.load(run / "state.pt", map_location="cpu", weights_only=True)
    everyone = data.INSTRUMENTS
    a, b = training.config.instruments
    for one, other in ((a, b), (b, a)):
        name = f"generator {one}-{other}"
        weights = onehot_as_bias(state["averages"]["generator any"], everyone, one, other)
        training.loop.plain(name).load_state_dict(weights)
        training.loop.averaged(name).load_state_dict(weights)
        weights = onehot_as_bias(state["modules"]["judge any"], everyone, one, None)
        training.loop.plain(f"judge {one}").load_state_dict(weights)


def keep(folder: Path, config: Config, generators: dict[str, Generator], profiles: dict[str, Profile], steps: int,
         args: argparse.Namespace) -> None:  # fmt: skip
    """Write a checkpoint of the averaged generators."""
    ear = ear_of(args.prepared) if config.conditioned else None
    models.save(
        folder, config, generators, profiles, ear, steps=steps, seed=args.seed, batch=args.batch,
        start=args.start or "swap",
        parameters=sum(p.numel() for g in generators.values() for p in g.parameters()), losses=LOSSES, replay=REPLAY,
        split=[round(100 * share) for share in SPLITS.values()], **CREDIT, **cards.kept(folder),
    )  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training; a run is a folder a pair and seed, a batch is sequences."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--pair", action="append", help="two prepared instruments: flute-trombone; may be repeated")
    which.add_argument("--any", action="store_true", help="one generator for all directions among the instruments")
    add_common(
        parser,
        prepared=Path("prepared/translation"),
        run=Path("runs/translation"),
        checkpoint=PATH,
        minutes=None,
        steps=1000,
        batch=16,
        lr=2e-3,
        precision="auto",
        resume=True,
        threads=0,
        seed=0,
    )
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--keep", type=float, default=0.0, help="how much of the slow part the start carries over")
    parser.add_argument("--start", choices=["any"], help="begin from the run for all directions with the same seed")


def run(args: argparse.Namespace) -> None:
    """Train each pair that is named; seed 0 writes the shipped checkpoint, another seed one inside its run."""
    jobs = [("any", data.INSTRUMENTS)] if args.any else [(pair, tuple(pair.split("-"))) for pair in args.pair]
    for name, players in jobs:
        if len(players) < 2 or len(set(players)) < len(players):
            raise RequestError(f"--pair {name} is not two instruments, such as flute-trombone.")
    known = voices(args.prepared, tuple(dict.fromkeys(player for _, players in jobs for player in players)))
    for name, players in jobs:
        config = Config(players, width=args.width, keep=args.keep, conditioned=args.any)
        folder = args.run / f"{name}-{args.seed}"
        training = Training(
            folder, config, known, batch=args.batch, seed=args.seed, lr=args.lr, steps=args.steps,
            precision=args.precision, resume=args.resume,
        )  # fmt: skip
        if args.start and training.loop.step == 0:
            begin_from_any(training, args.run / f"any-{args.seed}")
        training.loop.run(training.step, steps=args.steps, minutes=args.minutes, log_every=10, save_every=100)
        shipped = args.checkpoint / name if args.seed == 0 else folder / "checkpoint"
        profiles = {player: known[player].profile for player in players}
        if training.loop.main:
            keep(shipped, config, training.averaged(), profiles, training.loop.step, args)
            print(f"{shipped}: {training.loop.step} steps", flush=True)
