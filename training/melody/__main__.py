"""Prepare, train and evaluate the melody model.

    python -m training.melody prepare  --data data/abc
    python -m training.melody train    --minutes 40
    python -m training.melody evaluate

The data is any folder of .abc files (`--data`), and with `--music21` the three dance collections in music21's corpus.
`prepare` splits the tunes by content, finds the plain versions with their forms, and writes arrays; `train` reads only
these; `evaluate` prints the table, writes the metrics into config.json and the model card beside it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, shell
from engine.melody.abc.canonical import without_kind
from engine.melody.alphabet import Alphabet
from engine.melody.network import Config
from training.core.precision import add_precision

DATA, PREPARED, RUNS = Path("data/abc"), Path("prepared/melody"), Path("runs/melody")
SEED_WIDTH = 128  # units of the seed's two layers


def prepare(args: argparse.Namespace) -> None:
    """Arrays of every side for the shipped model, and those of the 2 × 128 comparisons."""
    from training.melody.prepare import (
        SPLITS,
        abc_files,
        alphabet_of,
        load_tunes,
        music21_files,
        pack,
        priors_of,
        split,
        transposed,
        variants,
    )

    folders = args.data or ([DATA] if DATA.is_dir() else [])
    if not folders and not args.music21:
        raise RequestError(f"There is no {DATA}: name folders of .abc files with --data, or add --music21.")
    paths = [path for folder in folders for path in (abc_files(folder) if folder.is_dir() else [folder])]
    tunes = load_tunes(paths + (music21_files() if args.music21 else []))
    sides = split(tunes)
    args.prepared.mkdir(parents=True, exist_ok=True)
    by_side = {s: [t for t, side in zip(tunes, sides) if side == s] for s in SPLITS}
    alphabet = alphabet_of(by_side["train"])
    (args.prepared / "alphabet.json").write_text(json.dumps(alphabet.characters))
    (args.prepared / "priors.json").write_text(json.dumps(priors_of(by_side["train"])))
    for side, own in by_side.items():
        text = "\n\n".join(f"X:{i}\nT:{t.title}\n{t.header}{t.body}" for i, t in enumerate(own, 1))
        (args.prepared / f"{side}.abc").write_text(text + "\n", encoding="utf-8")
        plain = [(i, version) for i, t in enumerate(own) for version in variants(t)]
        for relative in (True, False):
            arrays = {f"raw_{k}": v for k, v in pack(alphabet, [(t, None, 0) for t in own], relative).items()}
            bare = [(without_kind(t), None, 0) for t in own]
            arrays |= {f"bare_{k}": v for k, v in pack(alphabet, bare, relative).items()}
            if relative:
                arrays |= {f"plain_{k}": v for k, v in pack(alphabet, [v for _, v in plain], relative).items()}
            arrays["plain_parent"] = np.array([i for i, _ in plain] if relative else [], np.int64)
            np.savez(args.prepared / f"{side}{'' if relative else '_absolute'}.npz", **arrays)
            if not relative and side == "train":
                moved = [(m, None, 0) for t in own for key in "GDA" if (m := transposed(t, key))]
                arrays |= {f"extra_{k}": v for k, v in pack(alphabet, moved, False).items()}
                np.savez(args.prepared / "train_moved.npz", **arrays)
        print(f"{side}: {len(own)} tunes, {sum(len(t.body) for t in own)} characters, {len(plain)} plain versions")


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


def train(args: argparse.Namespace) -> None:
    """The shipped model, or with --experiment a 2 × 128 one: seed (one-hot characters), moved (the same with
    transposed tunes), relative (letters as steps above the tonic), told (with the features too)."""
    import torch

    from training.melody import train as melody_train

    if args.threads:
        torch.set_num_threads(args.threads)
    folder = args.runs / (args.experiment or args.name)
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
    loop = melody_train.train(
        prepared, folder, config, steps=args.steps, minutes=args.minutes, size=args.batch, rate=args.rate,
        plain=0.0 if args.experiment else 0.4, precision=args.precision, seed=args.seed,
        evaluate_every=args.evaluate_every,
    )  # fmt: skip
    if loop.main and not args.experiment:
        ship(args, folder)


def ship(args: argparse.Namespace, folder: Path) -> None:
    """Write the best weights of a run as a checkpoint."""
    from training.core.loop import best_weights, run_log

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
        seed=args.seed,
        steps=best["step"],
        metrics={"validation": {name: best[name] for name in ("bits_per_char", "accuracy", "chars")}},
        priors=json.loads((args.prepared / "priors.json").read_text()),
    )
    print(f"{args.checkpoint}: {best['bits_per_char']:.4f} bits a character, accuracy {best['accuracy']:.4f}")


def evaluate(args: argparse.Namespace) -> None:
    """Print the table; write the metrics into config.json and the model card beside it."""
    from engine.melody.abc.canonical import read_tunes
    from engine.melody.model import load
    from training.melody import card as melody_card
    from training.melody import evaluate as melody_evaluate

    if not (args.prepared / "test.abc").exists():
        prepare(args)
    model = load(args.checkpoint)
    train_side, test_side = (read_tunes(args.prepared / f"{side}.abc") for side in ("train", "test"))
    before = checkpoint.read_config(args.checkpoint)["metrics"]
    # Comparisons whose runs are not here keep the figures that were measured when they were.
    rows = before.get("test", {}) | melody_evaluate.held_out(model, args.runs, train_side, test_side)
    found = melody_evaluate.five_hundred(model, train_side, test_side, args.tunes)
    tried = melody_evaluate.trials(args.runs) or before.get("tried", [])
    metrics = {"validation": before["validation"], "test": rows, "composed": found, "tried": tried}
    checkpoint.update(args.checkpoint, metrics=metrics)
    text = melody_card.card(checkpoint.read_config(args.checkpoint))
    (args.checkpoint / "README.md").write_text(text, encoding="utf-8")
    print(melody_card.tables(metrics))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    common = shell.Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--prepared", type=Path, help="folder of the arrays")
    common.add_argument("--runs", type=Path, help="folder of states, logs and best weights")
    common.add_argument("--checkpoint", type=Path, help="folder to ship to")
    common.add_argument("--seed", type=int)
    parser = shell.Parser(prog="python -m training.melody", description=__doc__.split("\n")[0], parents=[common])
    commands = parser.add_subparsers(dest="command", required=True)
    files = shell.Parser(add_help=False, parents=[common])
    files.add_argument("--data", nargs="*", type=Path, help=f"folders of .abc files, or files; {DATA} by default")
    files.add_argument("--music21", action="store_true", help="add the three collections of music21's corpus")
    command = commands.add_parser("prepare", help="arrays from .abc files", parents=[files])
    command.set_defaults(call=prepare)
    command = commands.add_parser(
        "train", help="train, resuming by default, and ship the best weights", parents=[common]
    )
    command.add_argument("--steps", type=int, default=3000, help="optimiser steps; the learning rate falls until then")
    command.add_argument("--minutes", type=float, help="stop in time")
    command.add_argument("--name", default="shipped", help="name of the run")
    command.add_argument("--experiment", default="", choices=["", "seed", "moved", "relative", "told"])
    command.add_argument("--width", type=int, default=448)
    command.add_argument("--embed", type=int, default=192)
    command.add_argument("--layers", type=int, default=2)
    command.add_argument("--dropout", type=float, default=0.3)
    command.add_argument("--batch", type=int, default=48, help="tunes side by side")
    command.add_argument("--rate", type=float, default=2e-3)
    add_precision(command)
    command.add_argument("--threads", type=int, default=0)
    command.add_argument("--evaluate-every", type=int, default=400)
    command.set_defaults(call=train)
    says = "print the table, write the metrics and the model card; prepares first where that was not done"
    command = commands.add_parser("evaluate", help=says, parents=[files])
    command.add_argument("--tunes", type=int, default=500, help="tunes to compose")
    command.set_defaults(call=evaluate)
    usual = {"prepared": PREPARED, "runs": RUNS, "checkpoint": CHECKPOINTS / "melody", "seed": 0}
    args = parser.parse_args(arguments, argparse.Namespace(**usual))
    args.call(args)


if __name__ == "__main__":
    shell.run(main)
