"""`python -m engine translation --input flute.wav --from flute --to trombone --out trombone.wav`"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import read_audio
from engine.core.instruments import INSTRUMENTS
from engine.core.midi import write_midi
from engine.core.old import Result
from engine.translation.config import ROOT

if TYPE_CHECKING:
    from engine.translation.analysis import Frames
    from engine.translation.generate import Model, Translation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m engine translation`."""
    parser.add_argument("--input", type=Path, required=True, metavar="SOUND", help="WAV, FLAC, OGG or MP3, one melody")
    parser.add_argument("--from", dest="source", default="auto", help=f"auto, or {', '.join(INSTRUMENTS)}")
    parser.add_argument("--to", dest="target", required=True, help="the instrument that is to play")
    parser.add_argument("--amount", type=float, default=1.0, help="0 the recording's own timbre, 1 the target's")
    parser.add_argument("--transpose", type=float, default=0.0, metavar="SEMITONES", help="-24 to 24")
    parser.add_argument("--midi", type=Path, metavar="FILE", help="also write the tracked melody there")


@dataclass(frozen=True)
class Ready:
    """A model, and the recording it is for."""

    model: Model
    source: str
    guessed: list[tuple[str, float]]


def route(source: str, target: str, root: Path = ROOT) -> Path:
    """The folder of the weights that translate source to target: the pair's own, or those for all directions."""
    for name in (f"{source}-{target}", f"{target}-{source}", "any"):
        if (root / name / "config.json").is_file():
            return root / name
    raise RequestError(f"There are no weights that translate {source} to {target}.")


def chosen(model: Model, frames: Frames, target: str) -> list[tuple[str, float]]:
    """The instruments that frames may be of, likeliest first, the target left out: what is to become one is not one."""
    if model.ear is None:
        raise RequestError(f"The weights {model.name} cannot tell instruments apart; say which one it is.")
    return [pair for pair in model.ear.guess(frames) if pair[0] != target]


def known(name: str) -> str:
    """An instrument's name, checked."""
    if name not in INSTRUMENTS:
        raise RequestError(f"'{name}' is not an instrument that is known; choose {', '.join(INSTRUMENTS)}.")
    return name


def load(args: argparse.Namespace) -> Ready:
    """The weights of the way that is asked for; the source is guessed where it is `auto`."""
    from engine.translation import generate as translation

    target = args.target if args.checkpoint else known(args.target)
    source, guessed = args.source, []
    if source == "auto":
        everyone = translation.load(ROOT / "any" if not args.checkpoint else args.checkpoint, "cpu")
        guessed = chosen(everyone, translation.hear(read_audio(args.input)), target)
        source = guessed[0][0]
    elif not args.checkpoint:
        known(source)
    if source == target:
        raise RequestError(f"--from and --to are both {source}; two instruments are wanted.")
    return Ready(translation.load(args.checkpoint or route(source, target), args.device), source, guessed)


def make(args: argparse.Namespace, ready: Ready, seed: int, progress: Progress) -> Result:
    """Translate the recording; the report holds the measured agreement."""
    from engine.translation import generate as translation
    from engine.translation.transcription import melody

    if args.midi and not args.midi.parent.is_dir():
        raise RequestError(f"--midi {args.midi}: the folder {args.midi.parent} does not exist.")
    audio = read_audio(args.input)
    result = translation.generate(
        ready.model, audio, ready.source, args.target,
        seed=seed, amount=args.amount, transpose=args.transpose, progress=progress,
    )  # fmt: skip
    tune = melody(result.after, args.target)
    if args.midi:
        from engine.core.checkpoint import write_whole

        try:
            write_whole(args.midi, write_midi(tune))
        except OSError as error:
            raise RequestError(f"{args.midi} cannot be written: {error.strerror}.") from None
    settings: dict[str, Any] = {
        "input": str(args.input), "from": ready.source, "to": args.target, "amount": args.amount,
        "transpose": args.transpose, "weights": ready.model.name,
    }  # fmt: skip
    said = list(result.remarks)
    if ready.guessed:
        said.insert(0, f"The instrument was taken for a {ready.source}; say --from if it is another.")
    found = len(tune.tracks[0].notes)
    report = {"octaves": result.octaves, "notes": found, "agreement": agreement(result), "remarks": said}
    if ready.guessed:
        report["guess"] = {name: round(belief, 3) for name, belief in ready.guessed[:3]}
    midi = write_midi(tune)
    return Result(audio=result.audio, texts={"mid": midi, "midi": midi}, settings=settings, report=report)


def agreement(result: Translation) -> dict[str, float]:
    """What was asked of the synthesis beside what is heard: f0 within 50 cents (share), loudness (correlation)."""
    from engine.translation.analysis import loudness, track_f0

    samples = result.audio.samples
    f0_hz, level = track_f0(samples), loudness(samples)
    n = min(len(f0_hz), len(result.after))
    heard = result.after.loudness_db[:n] > result.after.loudness_db.max() - 40
    both = heard & (f0_hz[:n] > 0) & (result.after.f0_hz[:n] > 0)
    if both.sum() < 2 or level[:n][heard].std() < 1e-6 or result.after.loudness_db[:n][heard].std() < 1e-6:
        return {}
    cents = 1200 * np.log2(f0_hz[:n][both] / result.after.f0_hz[:n][both])
    together = np.corrcoef(level[:n][heard], result.after.loudness_db[:n][heard])[0, 1]
    return {"f0": round(float((np.abs(cents) < 50).mean()), 4), "loudness": round(float(together), 4)}


def options(folder: Path) -> dict[str, Any]:
    """The pairs with weights of their own, and the instruments between which there is a way."""
    pairs = sorted(path.parent.name for path in folder.glob("*-*/config.json"))
    every = list(INSTRUMENTS) if (folder / "any" / "config.json").is_file() else []
    return {"pairs, both ways": pairs, "instruments": every}
