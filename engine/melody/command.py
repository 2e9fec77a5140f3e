"""The command line of Melody: python -m engine melody --help"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from engine import Progress, RequestError
from engine.core import checkpoint
from engine.core.old import Result
from engine.melody.abc.canonical import MAX_BYTES, read_tunes
from engine.melody.abc.notes import parse, song
from engine.melody.generate import Request, Written, candidates
from engine.melody.model import PATH, Melody, score
from engine.melody.model import load as load_model

KEYS = "A tonic with # or b, and a mode: G, Em, Bb, F#m, Ador, Dmix, Glyd, Ephr"
METERS = ("4/4", "2/4", "3/4", "6/8", "9/8", "12/8", "3/8", "3/2", "6/4", "C", "C|", "2/2")
MAX_CANDIDATES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Melody's own options."""
    parser.add_argument("--key", default="", help=f"{KEYS}; left out: drawn from the tunes learned from")
    parser.add_argument("--meter", default="", help="6/8, 4/4, 3/4, C|, …")
    parser.add_argument("--type", default="", dest="kind", help="jig, reel, hornpipe, slip jig, strathspey, …")
    parser.add_argument("--unit", default="", help="note length of the text: 1/4, 1/8 or 1/16")
    chords = parser.add_mutually_exclusive_group()
    chords.add_argument("--chords", action="store_true", default=None, help="with chord symbols")
    chords.add_argument("--no-chords", action="store_false", dest="chords", help="without chord symbols")
    parser.add_argument("--bars", type=int, default=0, help="bars in all, as written (repeats counted once)")
    parser.add_argument("--form", default="", help="sections: AABB (A and B repeated), AAB, ABC; or bars of each: 8+8")
    parser.add_argument("--start", default="", help="a beginning in ABC, which the model continues")
    parser.add_argument("--input", type=Path, metavar="FILE.abc", help="make nothing: play and engrave this tune")
    parser.add_argument("--temperature", type=float, default=0.9, help="0 (always the likeliest) to 2")
    parser.add_argument("--top-p", type=float, default=0.95, help="draw from the likeliest that make up this much")
    parser.add_argument("--candidates", type=int, default=1, help="write so many and keep the likeliest")
    parser.add_argument("--tempo", type=float, default=0.0, help="quarter notes a minute; 0: the type's usual one")
    parser.add_argument("--program", type=int, default=73, help="General MIDI instrument, 0-127 (73: flute)")
    parser.add_argument("--transpose", type=int, default=0, help="semitones, for sound and score; the ABC stays")
    parser.add_argument("--score", metavar="FILE.abc", type=Path, help="bits a character and accuracy on its tunes")


def request_of(args: argparse.Namespace) -> Request:
    """The request that the options make."""
    form, repeats = read_form(args.form)
    return Request(
        key=args.key, meter=args.meter, kind=args.kind, unit=args.unit, chords=args.chords, form=form, repeats=repeats,
        bars=args.bars, start=args.start, temperature=args.temperature, top_p=args.top_p,
    )  # fmt: skip


def read_form(form: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """(bars of each section, whether each is repeated) of "8+8" or "AABB"; empty where that is open."""
    if not form:
        return (), ()
    if re.fullmatch(r"\d{1,2}(\+\d{1,2}){0,5}", form):
        return tuple(int(n) for n in form.split("+")), ()
    sections = re.findall(r"([A-F])(\1?)", form)
    letters = [letter for letter, _ in sections]
    if not sections or "".join(a + b for a, b in sections) != form or letters != sorted(set(letters)):
        raise RequestError(f"'{form}' is not a form; write AABB, AAB, AB, … or the bars of each section as 8+8.")
    return (), tuple(bool(again) for _, again in sections)


def answer(args: argparse.Namespace) -> dict[str, Any] | None:
    """--score: held-out figures of the tunes of a file."""
    if args.score is None:
        return None
    tunes = read_tunes(args.score)
    return dict(score(load(args), tunes))


def load(args: argparse.Namespace) -> Melody:
    """The model, shipped or from --checkpoint."""
    return load_model(args.checkpoint or PATH, args.device)


def make(args: argparse.Namespace, model: Melody, seed: int, progress: Progress) -> Result:
    """One tune."""
    if not 1 <= args.candidates <= MAX_CANDIDATES:
        raise RequestError(f"{args.candidates} candidates are not between 1 and {MAX_CANDIDATES}.")
    if args.tempo and not 20 <= args.tempo <= 400:
        raise RequestError(f"A tempo of {args.tempo:g} is not between 20 and 400 quarter notes a minute.")
    if not 0 <= args.program <= 127:
        raise RequestError(f"{args.program} is not a General MIDI program, 0 to 127.")
    if not -24 <= args.transpose <= 24:
        raise RequestError(f"A transposition by {args.transpose} semitones is not between -24 and 24.")
    if args.input is not None:
        return of_file(args)
    request = request_of(args)
    best = candidates(model, request, seed=seed, count=args.candidates, progress=progress)[0]
    return made(best, request, tempo=args.tempo, program=args.program, transpose=args.transpose)


def made(written: Written, request: Request, *, tempo: float = 0.0, program: int = 73, transpose: int = 0) -> Result:
    """What a written tune is as a result: its song, and its texts made when they are asked for."""
    tune = written.tune
    settings = {
        "key": tune.key, "meter": tune.meter, "type": tune.kind, "unit": tune.unit, "chords": written.chords,
        "form": "+".join(map(str, written.form)), "start": request.start, "temperature": request.temperature,
        "top_p": request.top_p, "tempo": tempo, "program": program, "transpose": transpose,
    }  # fmt: skip
    report = {
        "bars": sum(written.form), "characters": len(tune.body), "bits_per_char": round(-written.likelihood, 4),
        "masked": round(written.masked, 5), "corrected": written.corrected,
    }  # fmt: skip
    return Result(
        song=song(tune, tempo=tempo, program=program, transpose=transpose),
        texts=Texts(tune, transpose),
        settings=settings,
        report=report,
    )


def of_file(args: argparse.Namespace) -> Result:
    """The first tune of a file, as sound and score."""
    try:
        content = args.input.read_bytes() if args.input.stat().st_size <= MAX_BYTES else bytes(MAX_BYTES + 1)
    except OSError as error:
        raise RequestError(f"{args.input} cannot be read: {error.strerror}.") from None
    tune, remarks = parse(content)
    return Result(
        song=song(tune, tempo=args.tempo, program=args.program, transpose=args.transpose),
        texts=Texts(tune, args.transpose),
        settings={"tempo": args.tempo, "program": args.program, "transpose": args.transpose},
        report={"title": tune.title, "remarks": remarks},
    )


class Texts(dict[str, bytes]):
    """ABC at once; MusicXML and SVG engraved only when they are asked for."""

    def __init__(self, tune: Any, transpose: int) -> None:
        super().__init__({"abc": tune.abc.encode(), "musicxml": b"", "svg": b""})
        self.tune, self.transpose = tune, transpose

    def __getitem__(self, ending: str) -> bytes:
        content = super().__getitem__(ending)
        if not content:
            from engine.melody.score import engrave, musicxml

            xml = super().__getitem__("musicxml") or musicxml(self.tune, self.transpose)
            self["musicxml"] = xml
            content = xml if ending == "musicxml" else engrave(self.tune, xml=xml).svg.encode()
            self[ending] = content
        return content

    def items(self) -> Any:
        """Every ending with its content, engraved."""
        return [(ending, self[ending]) for ending in self]

    def values(self) -> Any:
        """Every content, engraved."""
        return [self[ending] for ending in self]


def options(folder: Path) -> dict[str, Any]:
    """What can be asked for, for `list`."""
    priors = checkpoint.read_config(folder).get("priors", [])
    counts: dict[str, int] = {}
    for prior in priors:
        if prior["kind"]:
            counts[prior["kind"]] = counts.get(prior["kind"], 0) + prior["count"]
    kinds = [kind for kind, n in sorted(counts.items(), key=lambda item: -item[1]) if n >= 10]
    return {"key": KEYS, "meter": list(METERS), "type": kinds, "unit": ["1/4", "1/8", "1/16"]}
