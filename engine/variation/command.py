"""Variation on the command line.

python -m engine variation --input song.mid --noise 0.7 --latent 16 --seed 7 --out varied.mid
python -m engine variation --input song.mid --noise piano=1,bass=0.5 --bars 9-16 --keep rhythm --out infilled.mid
python -m engine variation --input song.mid --continue 8 --out longer.mid
python -m engine variation --input song.mid --towards other.mid --steps 5 --out walk.mid
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import Progress, RequestError
from engine.core.midi import read_midi
from engine.core.old import Result
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.variation.config import DEFAULT_LATENT, KEEPS, LATENTS, MAX_BARS, MAX_NOISE

if TYPE_CHECKING:
    from engine.variation.generate import VariationModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Variation's own options."""
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help="the song, a MIDI file")
    parser.add_argument(
        "--noise",
        default="0.7",
        metavar="0..2 or TRACK=0..2,…",
        help="how far it drifts; 0.5 to 1 stays the same song. Tracks that a list does not name stay as they are",
    )
    parser.add_argument("--latent", type=int, choices=LATENTS, default=DEFAULT_LATENT)
    parser.add_argument("--hold", default="", metavar="TRACK,…", help="tracks that stay as they are")
    parser.add_argument("--bars", metavar="9-16", help="vary only these bars (of a walk: how many a step, such as 4)")
    parser.add_argument("--keep", choices=KEEPS, help="keep the rhythm and vary the pitches, or the reverse")
    parser.add_argument("--stay", type=float, metavar="0..1", help="how strictly pitches stay in the harmony around")
    parser.add_argument("--continue", dest="more", type=int, metavar="BARS", help=f"write 1 to {MAX_BARS} bars more")
    parser.add_argument("--temperature", type=float, default=1.0, metavar="0..2", help="of --continue")
    parser.add_argument("--towards", type=Path, metavar="FILE", help="walk from the song to this one")
    parser.add_argument("--steps", type=int, default=5, help="of --towards, both ends among them")


def load(args: argparse.Namespace) -> VariationModel:
    """The model of the latent size asked for."""
    from engine.variation import generate as variation

    return variation.load(args.checkpoint, args.device, latent=args.latent)


def make(args: argparse.Namespace, model: VariationModel, seed: int, progress: Progress) -> Result:
    """A variation, a continuation or a walk."""
    from engine.variation import generate as variation
    from engine.variation.continuation import extend, lead_of

    if args.more is not None and args.towards is not None:
        raise RequestError("--continue and --towards ask for two different things; give one of them.")
    song = read_midi(args.input)
    settings: dict[str, Any] = {"latent": model.latent, "seed": seed}
    stay = {} if args.stay is None else {"stay": args.stay}
    if args.more is not None:
        settings |= {"bars": args.more, "temperature": args.temperature} | stay
        made = extend(model, song, bars=args.more, seed=seed, temperature=args.temperature, **stay, progress=progress)
        lead = lead_of(variation.read(song))
        return _made(made, settings | {"input": args.input.name}, {"lead": lead or "none"})
    if args.towards is not None:
        bars = _number(args.bars, "--bars", 4)
        settings |= {"steps": args.steps, "bars": bars} | stay
        songs = variation.walk(
            model, song, read_midi(args.towards), steps=args.steps, bars=bars, seed=seed, **stay, progress=progress
        )
        return _made(joined(songs, bars), settings | {"input": args.input.name, "towards": args.towards.name}, {})
    settings |= {
        "noise": noise_of(args.noise),
        "hold": [name.strip() for name in args.hold.split(",") if name.strip()],
        "bars": _range(args.bars),
        "keep": args.keep,
    } | stay
    asked = {key: value for key, value in settings.items() if key != "latent"}
    return _made(variation.vary(model, song, **asked, progress=progress), settings | {"input": args.input.name}, {})


def options(folder: Path) -> dict[str, Any]:
    """Latent sizes that are there, tracks and ranges, for `list`."""
    return {
        "latent": [k for k in LATENTS if (folder / f"k{k}" / "config.json").exists()],
        "tracks": list(TRACKS),
        "noise": [0.0, MAX_NOISE],
        "continue": [1, MAX_BARS],
    }


def joined(songs: list[Song], bars: int) -> Song:
    """The steps of a walk one after the other, at the first one's tempo."""
    whole = songs[0]
    for number, song in enumerate(songs[1:], 1):
        whole = whole.followed_by(song, at=number * bars * whole.beats_per_bar)
    return whole


def noise_of(text: str) -> float | dict[str, float]:
    """ "0.7" -> 0.7; "piano=1,bass=0.5" -> {"piano": 1.0, "bass": 0.5}."""
    try:
        if "=" not in text:
            return float(text)
        return {name.strip(): float(level) for name, _, level in (part.partition("=") for part in text.split(","))}
    except ValueError:
        raise RequestError(f"--noise {text}: write a number from 0 to 2, or tracks such as piano=1,bass=0.5.") from None


def _number(text: str | None, option: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit():
        raise RequestError(f"{option} {text}: a whole number is wanted here.")
    return int(text)


def _range(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not first.strip().isdigit() or (dash and not last.strip().isdigit()):
        raise RequestError(f"--bars {text}: write a bar or a range of bars, such as 9-16.")
    return int(first), int(last) if dash else int(first)


def _made(song: Song, settings: dict[str, Any], report: dict[str, Any]) -> Result:
    said = {"remarks": list(song.remarks)} if song.remarks else {}
    return Result(song=song, settings=settings, report=report | said | {"bars": song.bars, "notes": song.notes})
