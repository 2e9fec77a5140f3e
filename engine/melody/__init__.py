"""Melody: folk tunes in ABC by a character-level LSTM (see generate.py).

Its door has `read_any` too, for all who are brought notes, ABC among them; and `--score` of its command line.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.melody.abc.canonical import read_tunes
from engine.melody.abc.notes import read_abc, read_any
from engine.melody.generate import generate
from engine.melody.model import Model, load
from engine.melody.opening import beginning
from engine.melody.over import chords_in, chords_of_notes, named
from engine.melody.request import PATH, Request

__all__ = [
    "Model", "Request", "add_arguments", "answer", "beginning", "chords_in", "chords_of_notes", "generate", "load",
    "named", "read_abc", "read_any",
]  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line has beside the request."""
    parser.add_argument("--score", metavar="FILE.abc", type=Path, help="bits a character and accuracy on its tunes")


def answer(args: argparse.Namespace) -> dict[str, Any] | None:
    """--score: how well the model expects the tunes of a file."""
    if args.score is None:
        return None
    from engine.melody.scoring import score  # here, because it brings PyTorch

    return dict(score(load(args.checkpoint or PATH, args.device), read_tunes(args.score)))
