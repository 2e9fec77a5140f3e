"""Train Translation: a CycleGAN of LSTMs, one generator for all directions between the instruments.

    python -m training train translation --steps 1500
    python -m training train translation --instrument oboe --instrument viola     (between these alone)

Reads only what `prepare` wrote, resumes by default, and writes the checkpoint when it ends. It starts from the
untrained swap of profiles.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from engine import RequestError
from engine.translation import model as models
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.network import Config, Generator
from engine.translation.profile import Profile
from engine.translation.request import PATH, VOICE
from training.core import cards
from training.core.data import SPLITS
from training.core.options import add_common
from training.core.runs import curves
from training.translation import prepare as data
from training.translation.cyclegan import LOSSES, REPLAY, Training

CURVES = {"cycle": "there and back", "identity": "left as it is", "sliced": "distance of distributions",
          "near": "distance to real frames, dB", "fool": "the generator's share against the critic",
          "judge": "the critic's error", "judge_right": "the critic is right, share"}  # fmt: skip
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


def ear_of(prepared: Path, names: tuple[str, ...]) -> InstrumentClassifier:
    """The ear: trained on the training notes, and on pieces of two seconds of the training phrases."""
    everyone = (*names, VOICE) if (prepared / f"{VOICE}.npz").is_file() else names
    described, labels = [], []
    for name in everyone:
        for recording in data.load(prepared / f"{name}.npz"):
            if recording.split != "train":
                continue
            step = 60 if recording.kind == "phrase" else len(recording.frames)
            for start in range(0, max(1, len(recording.frames) - 30), step):
                part = recording.frames[start : start + max(120, step)]
                if part.voiced.sum() > 8:
                    described.append(describe(part))
                    labels.append(everyone.index(name))
    rows = np.stack(described)
    mean, scale = rows.mean(0), rows.std(0) + 1e-3
    model = LogisticRegression(max_iter=300, C=0.3).fit((rows - mean) / scale, labels)
    arrays = (mean, scale, model.coef_, model.intercept_)
    return InstrumentClassifier(everyone, *(np.ascontiguousarray(array, np.float32) for array in arrays))


def keep(folder: Path, config: Config, generator: Generator, profiles: dict[str, Profile], steps: int,
         args: argparse.Namespace) -> None:  # fmt: skip
    """Write a checkpoint of the averaged generator."""
    models.save(
        folder, config, generator, profiles, ear_of(args.prepared, config.instruments), steps=steps, seed=args.seed,
        curves=curves(args.run, CURVES, steps),
        batch=args.batch, parameters=sum(p.numel() for p in generator.parameters()), losses=LOSSES, replay=REPLAY,
        split=[round(100 * share) for share in SPLITS.values()], **CREDIT, **cards.kept(folder),
    )  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training; a batch is sequences."""
    parser.add_argument("--instrument", action="append", help="only between these that were prepared; to be repeated")
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
    parser.add_argument("--width", type=int, default=96)


def run(args: argparse.Namespace) -> None:
    """Train between the instruments, and write the checkpoint."""
    players = tuple(args.instrument or data.INSTRUMENTS)
    if len(players) < 2 or len(set(players)) < len(players):
        raise RequestError("Two instruments or more are wanted, each once.")
    known = voices(args.prepared, players)
    config = Config(players, width=args.width)
    training = Training(
        args.run, config, known, batch=args.batch, seed=args.seed, lr=args.lr, steps=args.steps,
        precision=args.precision, resume=args.resume,
    )  # fmt: skip
    training.loop.run(training.step, steps=args.steps, minutes=args.minutes, log_every=10, save_every=50)
    if training.loop.main:
        profiles = {player: known[player].profile for player in players}
        keep(args.checkpoint, config, training.averaged(), profiles, training.loop.step, args)
        print(f"{args.checkpoint}: {training.loop.step} steps", flush=True)
