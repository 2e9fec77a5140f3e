"""The options that the training commands share: one spelling, one type and one explanation each.

    add_common(parser, prepared=Path("prepared/band"), steps=40_000, lr=3e-4)     these three, with these defaults

A default that is a list makes an option that takes several values; a bool one with a --no-… beside it. What a person
can get wrong with them is refused here for all commands: numbers that mean nothing (`check_numbers`), files that are
not there (`absent`), shipped weights that a training would replace (`protected`).
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine import device as check_device
from training.core.precision import PRECISIONS

COMMON: dict[str, tuple[type, str]] = {
    "data": (Path, "the data to learn from: a folder, or where several are taken also files"),
    "prepared": (Path, "folder of the prepared arrays"),
    "run": (Path, "folder of a run's state, log and best weights; of several runs, a folder each inside"),
    "checkpoint": (Path, "folder of the shipped weights that is read or written"),
    "minutes": (float, "stop, and save, after so many minutes; the same command goes on from there"),
    "steps": (int, "optimiser steps of the whole run"),
    "batch": (int, "examples a step"),
    "lr": (float, "learning rate at its highest"),
    "seed": (int, "of all that is drawn by chance"),
    "threads": (int, "threads that PyTorch computes on; 0: as many as it finds"),
    "precision": (str, "bf16, no (float32), or auto: bf16 where this machine has it"),
    "evaluate_every": (int, "steps from one evaluation to the next"),
    "resume": (bool, "go on with the run in its folder"),
}
DEVICES = ("auto", "cpu", "cuda", "mps")
MAY_BE_ZERO = ("seed", "threads")  # of the whole numbers, beside those that are 0 by default
ABOVE_ZERO = ("minutes", "lr")
SOURCES = {
    "data": "README.md says where the data comes from, and --data where it is",
    "prepared": "`python -m training prepare {system}` writes it",
    "run": "`python -m training train {system}` writes it",
}
"""Where the files below an option's folder come from."""


def add_common(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """Declare the options of `COMMON` that are named, each with its default."""
    for name, default in defaults.items():
        value_type, says = COMMON[name]
        description = says if default is None or default == [] else f"{says}; {default} by default"
        how: dict[str, Any] = {"default": default, "help": description.replace("%", "%%")}
        if value_type is bool:
            how["action"] = argparse.BooleanOptionalAction
        else:
            how |= {"type": value_type, "nargs": "*" if isinstance(default, list) else None}
        if name == "precision":
            how["choices"] = PRECISIONS
        parser.add_argument("--" + name.replace("_", "-"), **how)


def use_threads(args: argparse.Namespace) -> None:
    """Let PyTorch compute on as many threads as the command line asks for, if it does."""
    if getattr(args, "threads", 0):
        import torch

        torch.set_num_threads(args.threads)


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option of a command that trains, by which `use_device` goes."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: a GPU where there is one")


def use_device(args: argparse.Namespace) -> None:
    """Let Accelerate train on the device that the command line asks for; refused where this machine has none.

    A machine has one sort of GPU at most, and Accelerate takes it, each process its own, unless it is kept to the CPU.
    """
    if args.device == "auto":
        return
    check_device(args.device)
    os.environ["ACCELERATE_USE_CPU"] = str(args.device == "cpu")


def check_numbers(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuse numbers below zero or without end, and a zero where something is counted."""
    for name, value in vars(args).items():
        default = parser.get_default(name)
        zero = name in MAY_BE_ZERO or 0 in (default if isinstance(default, list) else [default])
        for number in value if isinstance(value, list) else [value]:
            if type(number) not in (int, float):
                continue
            above = name in ABOVE_ZERO or (isinstance(number, int) and not zero)
            if not math.isfinite(number) or number < 0 or (above and number == 0):
                wanted = "more than 0" if above else "0 or more"
                raise RequestError(f"--{name.replace('_', '-')} {number}: a number is wanted that is {wanted}.")


def absent(error: OSError, args: argparse.Namespace) -> RequestError | None:
    """What to say of a file that could not be read, where it is one that the options name; None of any other."""
    if error.filename is None:
        return None
    file = Path(str(error.filename))
    named = {name: path for name, path in vars(args).items() if isinstance(path, Path)}
    above = [name for name, path in named.items() if file == path or path in file.parents]
    if not above:
        return None
    name = max(above, key=lambda name: len(named[name].parts))
    source = SOURCES.get(name, f"it is wanted for --{name.replace('_', '-')}").format(system=args.system)
    missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
    return RequestError(f"{file} {'is missing' if missing else f'cannot be used ({error.strerror})'}: {source}.")


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """The option of a command that writes weights, by which `protected` goes."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace shipped weights; without it new ones go into a folder `checkpoint` of the run",
    )


@contextmanager
def protected(args: argparse.Namespace) -> Iterator[None]:
    """Turn new weights away from a shipped checkpoint into the run's folder, and say so, unless told to overwrite."""
    target = args.checkpoint
    shipped = target.resolve().is_relative_to(CHECKPOINTS.resolve()) and any(target.rglob("config.json"))
    if not shipped or args.overwrite:
        yield
        return
    args.checkpoint = args.run / "checkpoint"
    yield
    if any(args.checkpoint.rglob("config.json")) and os.environ.get("RANK", "0") == "0":  # one of all processes
        print(
            f"{target} holds shipped weights and stays as it is: the new ones are in {args.checkpoint}; the same "
            "command with --overwrite puts them in its place.",
            file=sys.stderr,
        )
