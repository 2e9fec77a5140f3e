"""Translation: a CycleGAN of LSTMs over harmonic and noise envelopes (see generate.py)."""

from __future__ import annotations

import argparse

from engine.translation.generate import generate, identify
from engine.translation.model import Model, load
from engine.translation.request import Request

__all__ = ["Model", "Request", "add_arguments", "generate", "identify", "load"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line has beside the request."""
    parser.add_argument(
        "--midi", dest="out", action="append", type=midi_file, metavar="FILE.mid", help="the tracked melody, as --out"
    )


def midi_file(name: str) -> str:
    """A name that --midi takes. Refused when it ends in another way."""
    if not name.lower().endswith((".mid", ".midi")):
        raise argparse.ArgumentTypeError(f"{name} does not end in .mid")
    return name
