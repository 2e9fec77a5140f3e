"""Variation: a song's cousins, what might come next, and the walk from one song to another.

    model = load(request.checkpoint())
    generate(model, Request(input=file, noise=0.7, seed=7))           the same song, some other way: variations.py
    generate(model, Request(input=file, continue_bars=8, seed=7))     what might come next: continuation.py
    generate(model, Request(input=file, towards=other, steps=5))      from one song to another: walk.py

Trained by `python -m training train variation`; `python -m engine variation --help` plays it.
"""

from __future__ import annotations

from typing import Any

from engine import Progress
from engine.core.fallback import or_on_cpu
from engine.core.reading import song_of
from engine.core.result import Result
from engine.variation.bars import read
from engine.variation.model import Model
from engine.variation.request import Request


@or_on_cpu
def generate(model: Model, request: Request, *, progress: Progress | None = None) -> Result:
    """A variation, a continuation or a walk. Refused when a file is no song that can be varied."""
    from engine.variation.continuation import extend, lead_of  # here, because they bring PyTorch
    from engine.variation.variations import vary
    from engine.variation.walk import joined, walk

    song = song_of(request.input)
    report: dict[str, Any] = {}
    if request.mode == "continue":
        made = extend(model, song, request, progress)
        grid = read(song)
        lead = lead_of(grid)
        report["lead"] = "none" if lead is None else grid.lanes.tracks[lead].name
    elif request.towards is not None:
        made = joined(walk(model, song, song_of(request.towards), request, progress), request.step_bars)
    else:
        made = vary(model, song, request, progress)
    report |= {"bars": made.bars, "notes": made.notes}
    return Result(request=request, song=made, weights=model.sha256, remarks=made.remarks, report=report)
