"""Variation: a song's cousins, what might come next, and the walk from one song to another.

    model = load(request.checkpoint())
    generate(model, Request(input=file, noise=0.7, seed=7))           the same song, some other way: variations.py
    generate(model, Request(input=file, rewrite=(5, 8), seed=7))      some of its bars, the rest as it was: rewrite.py
    generate(model, Request(input=file, continue_bars=8, seed=7))     what might come next: continuation.py
                                                                       or, by the band's player, played.py
    generate(model, Request(input=file, towards=other, steps=5))      from one song to another: walk.py

Trained by `python -m training train variation`; `python -m engine variation --help` plays it.
"""

from __future__ import annotations

from typing import Any

from engine import Progress
from engine.core.fallback import or_on_cpu
from engine.core.reading import song_of
from engine.core.result import Result
from engine.variation.model import Model
from engine.variation.request import Request


@or_on_cpu
def generate(model: Model, request: Request, *, progress: Progress | None = None) -> Result:
    """A variation, a continuation or a walk. Refused when a file is no song that can be varied."""
    from engine.variation.bars import read  # here, because they bring PyTorch
    from engine.variation.continuation import extend
    from engine.variation.rewrite import rewrite
    from engine.variation.variations import vary
    from engine.variation.walk import joined, walk

    song = song_of(request.input)
    report, weights = dict[str, Any](), model.sha256
    if request.mode == "continue":
        made, weights, known = extend(model, song, request, progress)
        last = read(song).layout.bars[-1]
        report |= known | {"parts": [[0.0, "As it was"], [last.begin + last.length, "What comes next"]]}
    elif request.towards is not None:
        made = joined(walk(model, song, song_of(request.towards), request, progress), request.step_bars)
        names = [request.input.name, *(f"{number / (request.steps - 1):.0%} of the way"
                                       for number in range(1, request.steps - 1)), request.towards.name]  # fmt: skip
        bars = request.step_bars * made.beats_per_bar
        report["parts"] = [[number * bars, name] for number, name in enumerate(names)]
    else:
        made = (rewrite if request.rewrite else vary)(model, song, request, progress)
    report |= {"bars": made.bars, "notes": made.notes}
    return Result(request=request, song=made, weights=weights, remarks=made.remarks, report=report)
