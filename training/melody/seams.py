"""Bars of held-out tunes written anew: how likely the network finds the text behind them, beside that of the tune as it
was, of the first way that was written, and of another tune's bars in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine import RequestError
from engine.core.request import File
from engine.melody.abc.canonical import Tune
from engine.melody.abc.notes import parse
from engine.melody.model import Model
from engine.melody.request import Request
from engine.melody.rewrite import Place, Rewriter, places_of, ways_of

BARS = slice(4, 6)  # the fifth and sixth whole bar
LEAST = 8  # whole bars of a tune that is measured


def seams(model: Model, tunes: Sequence[Tune], count: int = 24) -> dict[str, Any]:
    """Mean bits a character of the text behind two bars, in `count` tunes: real, written, first, other."""
    out: dict[str, list[float]] = {"real": [], "written": [], "first": [], "other": []}
    strangers: dict[str, list[str]] = {}  # by meter: two bars of the tune measured before
    for number, each in enumerate(tunes):
        if len(out["real"]) == count:
            break
        try:
            tune = parse(each.abc)[0]
        except RequestError:
            continue
        body = each.body
        places = places_of(each, body)
        marked = [place for place in places if place.bar.number][BARS]
        if len(places) < LEAST or len(marked) < 2 or any(place.bar.ticks != place.bar.full for place in marked):
            continue
        texts = [body[place.begin : place.end] for place in marked]
        other = strangers.get(each.meter)
        strangers[each.meter] = texts
        if other is None:
            continue
        request = Request(input=File("tune.abc", each.abc.encode()), rewrite=(5, 6), seed=number)
        begun = Rewriter(model, request, tune, body, [place.bar for place in places])
        for char in body[: marked[0].begin]:
            begun.write(char)
        written = [follows for _, follows, _ in ways_of(begun, body, marked, None)]
        if written:
            out["written"].append(-max(written))
            out["first"].append(-written[0])
            out["real"].append(-_behind(begun, body, marked, texts))
            out["other"].append(-_behind(begun, body, marked, other))
    return {"tunes": len(out["real"])} | {name: float(np.mean(bits)) for name, bits in out.items()}


def _behind(begun: Rewriter, body: str, marked: Sequence[Place], texts: Sequence[str]) -> float:
    """Bits, below 0, of what is behind the marked bars where these texts stand in them."""
    reader = begun.twin(0)
    between = body[marked[0].end : marked[1].begin]
    for char in texts[0] + between + texts[1]:
        reader.write(char)
    return reader.following(body[marked[1].end :])
