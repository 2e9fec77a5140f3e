"""Melody: folk tunes in ABC by a character-level LSTM that knows its bars.

    model = load()
    generate(model, Request(key="D", meter="6/8", seed=7))        composing.py writes it, under grammar.py
    generate(model, Request(input=file, rewrite=(5, 8)))          some bars of a tune anew: rewrite.py
    generate(model, Request(input=file))                          a tune that is there already, played and engraved

abc/ reads ABC as people write it (reading.py) and as the network does (canonical.py, reader.py), and plays it;
alphabet.py is what the network reads and writes, features.py what it is told beside that, network.py the network,
sampler.py its compiled step, score.py the engraving, staff.py the notation in it.

    python -m engine melody --key D --meter 6/8 --seed 7 --out tune.abc --out tune.mid
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from engine import Progress, RequestError
from engine.core.result import Result, Text
from engine.melody.abc.canonical import MAX_BYTES, Tune
from engine.melody.abc.notes import parse, song
from engine.melody.asked import contradictions
from engine.melody.composing import Written, candidates
from engine.melody.model import Model
from engine.melody.request import Request
from engine.melody.tablature import guitar_tab, whistle_tab


@dataclass(frozen=True, kw_only=True)
class TuneResult(Result):
    """A tune, and all that were written with it, the best first."""

    tune: Tune
    candidates: tuple[Written, ...] = ()


def _musicxml(tune: Tune, transpose: int) -> bytes:
    from engine.melody.score import musicxml  # here, because it brings music21

    return musicxml(tune, transpose)


def _svg(tune: Tune, transpose: int) -> bytes:
    from engine.melody.score import engrave  # here, because it brings verovio

    return engrave(tune, transpose).svg.encode()


def _pdf(tune: Tune, transpose: int) -> bytes:
    from engine.core.printing import write_pdf

    return write_pdf(_musicxml(tune, transpose))


def generate(model: Model, request: Request, *, progress: Progress | None = None) -> TuneResult:
    """The best of the tunes that were written, or a tune of a file. Refused when there can be none."""
    if request.input is not None:
        if len(request.input.content) > MAX_BYTES:
            raise RequestError(f"{request.input.name} is larger than {MAX_BYTES >> 20} MiB, the most that is taken.")
        if request.rewrite:
            from engine.melody.rewrite import rewritten  # here, because few need it

            tune, remarks, report = rewritten(model, request, progress)
            return result_of(tune, request, model, remarks=tuple(remarks), report=report)
        tune, remarks = parse(request.input.content, request.tune_number)
        return result_of(tune, request, model, remarks=tuple(remarks), report={"title": tune.title})
    written = candidates(model, request, progress=progress)
    best = written[0]
    report = {
        "key": best.tune.key, "meter": best.tune.meter, "type": best.tune.kind, "unit": best.tune.unit,
        "chord_symbols": best.chords, "form": "+".join(map(str, best.form)), "bars": sum(best.form),
        "characters": len(best.tune.body), "bits_per_char": round(-best.likelihood, 4),
        "masked": round(best.masked, 5), "corrected": best.corrected,
    }  # fmt: skip
    said = contradictions(model, request, best.tune, best.form)
    return result_of(best.tune, request, model, candidates=tuple(written), remarks=said, report=report)


def result_of(tune: Tune, request: Request, model: Model, **more: Any) -> TuneResult:
    """A tune as a result: its song in the request's tempo, program and transposition, and its texts."""
    texts: dict[str, Text] = {
        "abc": tune.abc.encode(),
        "score.musicxml": partial(_musicxml, tune, request.transpose),
        "svg": partial(_svg, tune, request.transpose),
        "pdf": partial(_pdf, tune, request.transpose),
        "guitar.txt": lambda: guitar_tab(music).encode(),
        "whistle.txt": lambda: whistle_tab(music).encode(),
    }
    music = song(tune, tempo=request.tempo or 0.0, program=request.program, transpose=request.transpose)
    return TuneResult(request=request, song=music, texts=texts, weights=model.sha256, tune=tune, **more)
