"""The options that the training commands share: one spelling, one type and one explanation each.

    add_common(parser, prepared=Path("prepared/band"), steps=40_000, lr=3e-4)     these three, with these defaults

A default that is a list makes an option that takes several values; a bool one with a --no-… beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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
