"""Train Translation: recordings → frames → a CycleGAN of LSTMs a pair → checkpoints/translation/<a>-<b>.

    python -m training.translation prepare --audio data/audio
    python -m training.translation prepare --a my/oboe --b my/viola          (any two folders of recordings)
    python -m training.translation train --pair flute-trombone --steps 600
    python -m training.translation train --any --steps 1500               (one generator for all directions)
    python -m training.translation evaluate

`train` reads only what `prepare` wrote, resumes by default, and writes the checkpoint when it ends. It starts from the
untrained swap of profiles, or from the generator for all directions (--start any), whose told words become biases.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from engine import RequestError
from engine.core import shell
from engine.translation import model as models
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.network import Config, Generator
from engine.translation.profile import Profile, fit, relative
from engine.translation.request import PATH
from training.core.precision import add_precision
from training.translation import prepare as data
from training.translation.train import Training

PAIRS = ("flute-trombone", "violin-trumpet", "clarinet-cello", "saxophone-violin")
PREPARED, RUNS = Path("prepared/translation"), Path("runs/translation")
CREDIT = {
    "data": "single notes and phrases of seven instruments: Philharmonia Orchestra samples, University of Iowa MIS",
    "licence": "Philharmonia: free to use, not to be sold or handed on as samples; Iowa: free, no restrictions",
}


def profile_of(recordings: list[data.Recording]) -> Profile:
    """The profile of an instrument's training recordings."""
    columns = [
        (r.frames.timbre, r.frames.midi, relative(r.frames.loudness_db), r.frames.voiced)
        for r in recordings
        if r.split == "train"
    ]
    return fit(*(np.concatenate(column) for column in zip(*columns)))


def voices(prepared: Path, names: tuple[str, ...]) -> dict[str, data.Voice]:
    """The training voices of these instruments."""
    out = {}
    for name in names:
        path = prepared / f"{name}.npz"
        if not path.is_file():
            raise RequestError(f"{path} is missing: run `python -m training.translation prepare` first.")
        recordings = data.load(path)
        out[name] = data.voice(recordings, profile_of(recordings))
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


def prepare(args: argparse.Namespace) -> None:
    if bool(args.a) != bool(args.b):
        raise RequestError("--a and --b are wanted together: two folders of recordings.")
    folders = [args.a, args.b] if args.a else [args.audio / name for name in args.instrument or data.INSTRUMENTS]
    for folder in folders:
        skipped = data.prepare(folder, args.prepared / f"{folder.resolve().name}.npz")
        print(f"{folder.resolve().name}: done; {len(skipped)} skipped", *skipped, sep="\n  ", flush=True)


def told_as_bias(source: dict, instruments: tuple[str, ...], one: str, other: str | None) -> dict:
    """Weights that were told instruments by one-hot words, for a module of one part only: the words join the bias."""
    weights = {key: value.clone() for key, value in source.items()}
    n = len(instruments)
    words = n if other is None else 2 * n
    enter = weights["enter.weight"]
    weights["enter.weight"] = enter[:, :-words].contiguous()
    told = enter[:, -words:]
    weights["enter.bias"] = weights["enter.bias"] + told[:, instruments.index(one)]
    if other is not None:
        weights["enter.bias"] += told[:, n + instruments.index(other)]
    return weights


def begin_from_any(training: Training, run: Path) -> None:
    """Put the weights of the run for all directions into a pair's generators and discriminators."""
    state = torch.load(run / "state.pt", map_location="cpu", weights_only=True)
    everyone = data.INSTRUMENTS
    a, b = training.config.instruments
    for one, other in ((a, b), (b, a)):
        name = f"generator {one}-{other}"
        weights = told_as_bias(state["averages"]["generator any"], everyone, one, other)
        training.core.loop.plain(name).load_state_dict(weights)
        training.core.loop.averages[name].load_state_dict(weights)
        weights = told_as_bias(state["modules"]["judge any"], everyone, one, None)
        training.core.loop.plain(f"judge {one}").load_state_dict(weights)


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    jobs = [("any", data.INSTRUMENTS)] if args.any else [(pair, tuple(pair.split("-"))) for pair in args.pair]
    for name, players in jobs:
        if len(players) < 2 or len(set(players)) < len(players):
            raise RequestError(f"--pair {name} is not two instruments, such as flute-trombone.")
    known = voices(args.prepared, tuple(dict.fromkeys(player for _, players in jobs for player in players)))
    for name, players in jobs:
        config = Config(players, width=args.width, keep=args.keep, conditioned=args.any)
        run = args.runs / f"{name}-{args.seed}"
        training = Training(
            run, config, known, batch=args.batch, seed=args.seed, rate=args.rate, steps=args.steps,
            precision=args.precision, resume=not args.afresh,
        )  # fmt: skip
        if args.start and training.core.loop.step == 0:
            begin_from_any(training, args.runs / f"any-{args.seed}")
        training.core.loop.run(training.step, steps=args.steps, minutes=args.minutes, log_every=10, save_every=100)
        folder = args.checkpoints / name if args.seed == 0 else run / "checkpoint"
        profiles = {player: known[player].profile for player in players}
        if training.core.loop.main:
            keep(folder, config, training.averaged(), profiles, training.core.loop.step, args)
            print(f"{folder}: {training.core.loop.step} steps", flush=True)


def keep(folder: Path, config: Config, generators: dict[str, Generator], profiles: dict[str, Profile], steps: int,
         args: argparse.Namespace) -> None:  # fmt: skip
    """Write a checkpoint of the averaged generators."""
    ear = ear_of(args.prepared) if config.conditioned else None
    models.save(
        folder, config, generators, profiles, ear, steps=steps, seed=args.seed, batch=args.batch,
        start=args.start or "swap",
        parameters=sum(p.numel() for g in generators.values() for p in g.parameters()), **CREDIT,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    top = shell.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = top.add_subparsers(dest="command", required=True)

    def command(name: str, says: str, run) -> argparse.ArgumentParser:
        sub = kinds.add_parser(name, help=says, description=says)
        sub.set_defaults(run=run)
        sub.add_argument("--prepared", type=Path, default=PREPARED, help="folder of prepared arrays")
        return sub

    sub = command("prepare", "analyse recordings into arrays of frames", prepare)
    sub.add_argument("--audio", type=Path, default=Path("data/audio"), help="folder with a subfolder an instrument")
    sub.add_argument("--instrument", action="append", help="only this subfolder; may be repeated")
    sub.add_argument("--a", type=Path, help="a folder of recordings of one instrument, instead of --audio")
    sub.add_argument("--b", type=Path, help="a folder of recordings of the other")

    sub = command("train", "train a pair's generators, or the one for all directions", train)
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--pair", action="append", help="two prepared instruments: flute-trombone; may be repeated")
    which.add_argument("--any", action="store_true", help="one generator for all directions among the seven")
    sub.add_argument("--runs", type=Path, default=RUNS, help="folder of training states and logs")
    sub.add_argument("--checkpoints", type=Path, default=PATH, help="where seed 0's checkpoint is written")
    sub.add_argument("--steps", type=int, default=1000)
    sub.add_argument("--minutes", type=float, help="stop in time; the same command goes on from there")
    sub.add_argument("--batch", type=int, default=16)
    sub.add_argument("--width", type=int, default=64)
    sub.add_argument("--keep", type=float, default=0.0, help="how much of the slow part the start carries over")
    sub.add_argument("--rate", type=float, default=2e-3, help="of the generators' Adam")
    sub.add_argument("--start", choices=["any"], help="begin from the run for all directions with the same seed")
    add_precision(sub)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--afresh", action="store_true", help="do not resume")

    from training.translation.evaluate import add_arguments, evaluate

    sub = command("evaluate", "measure on held-out recordings, beside baselines, and write the model cards", evaluate)
    add_arguments(sub)

    args = top.parse_args(arguments)
    args.run(args)


if __name__ == "__main__":
    shell.run(main)
