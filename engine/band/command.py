"""Band on the command line.

python -m engine band --genre jazz --seed 7 --bars 8 --tempo 120 --out jazz.mid --out jazz.wav
python -m engine band --genre jazz:2 --genre soul:1 --reroll piano=3 --key Eb --out mix.mid
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine import Progress, RequestError
from engine.band import generate as band
from engine.core.result import Result
from engine.core.song import TRACKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Band's own options."""
    parser.add_argument(
        "--genre",
        action="append",
        metavar="NAME[:WEIGHT]",
        required=True,
        help="may be repeated to mix genres; `python -m engine list` names them",
    )
    parser.add_argument("--bars", type=int, default=8, help=f"{band.MIN_BARS} to {band.MAX_BARS}")
    parser.add_argument("--adventurousness", type=float, default=1.0, metavar="0..2", help="how far the noise reaches")
    parser.add_argument("--density", type=float, default=0.5, metavar="0..1", help="how readily notes sound")
    parser.add_argument("--reroll", action="append", default=[], metavar="TRACK=SEED", help="make one track anew")
    parser.add_argument("--without", action="append", default=[], metavar="TRACK", help="leave a track silent")
    parser.add_argument("--key", choices=band.KEYS, help="of the major scale; by default the seed chooses")
    parser.add_argument("--lock-key", action="store_true", help="move notes outside the key into it")
    parser.add_argument("--tempo", type=float, help="quarter notes a minute; by default the genre's own")
    parser.add_argument("--program", action="append", default=[], metavar="TRACK=NUMBER", help="General MIDI, 0 to 127")


def load(args: argparse.Namespace) -> band.BandModel:
    """The model of the command line."""
    return band.load(args.checkpoint or band.PATH, args.device)


def make(args: argparse.Namespace, model: band.BandModel, seed: int, progress: Progress) -> Result:
    """One song."""
    mix: dict[str, float] = {}
    for text in args.genre:
        name, colon, weight = text.partition(":")
        try:
            mix[name] = float(weight) if colon else 1.0
        except ValueError:
            raise RequestError(f"--genre {text}: the weight after the colon is not a number.") from None
    for name in args.without:
        if name not in TRACKS:
            raise RequestError(f"--without {name}: choose among {', '.join(TRACKS)}.")
    settings: dict[str, Any] = {
        "genre": mix if len(mix) > 1 or next(iter(mix.values())) != 1 else next(iter(mix)),
        "seed": seed,
        "bars": args.bars,
        "adventurousness": args.adventurousness,
        "density": args.density,
        "track_seeds": _pairs(args.reroll, "--reroll"),
        "tracks": [name for name in TRACKS if name not in args.without],
        "key": args.key,
        "lock_key": args.lock_key,
        "tempo": args.tempo,
        "programs": _pairs(args.program, "--program"),
    }
    song = band.generate(model, **settings, progress=progress)
    report: dict[str, Any] = {"tempo": song.tempo, "notes": {t.name: len(t.notes) for t in song.tracks}}
    if song.remarks:
        report["remarks"] = list(song.remarks)
    return Result(song=song, settings=settings, report=report)


def options(folder: Path) -> dict[str, Any]:
    """Genres, keys and ranges of a checkpoint, for `list`."""
    return band.options(folder)


def _pairs(texts: list[str], option: str) -> dict[str, int]:
    """["piano=3"] -> {"piano": 3}."""
    pairs = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not number.strip().lstrip("-").isdigit():
            raise RequestError(f"{option} {text}: write a track, an equals sign and a whole number, such as piano=3.")
        pairs[name] = int(number)
    return pairs
