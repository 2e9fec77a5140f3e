"""What a tune is to be: what was asked for, and what is drawn for the rest from the tunes learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from engine import RequestError
from engine.core.chords import Progression
from engine.melody.abc.canonical import Tune, canonical_kind, check_key, check_meter, check_unit, default_unit
from engine.melody.abc.reader import WHOLE, Reader
from engine.melody.features import CHORDS, PLAIN
from engine.melody.model import Model
from engine.melody.over import key_for, progression_of
from engine.melody.request import BY_METER, MAX_SECTIONS, Request

SAME_METER = {"C": "4/4", "C|": "2/2"}


@dataclass(frozen=True)
class Chosen:
    """What a tune is to be, nothing left open."""

    tune: Tune  # the header as the model knows it
    meter: str  # as it was asked for
    form: tuple[int, ...]
    style: int
    progression: Progression | None = None  # that the tune goes over


def fill_in(model: Model, request: Request, random: np.random.Generator) -> Chosen:
    """Fill in what a request leaves open from the tunes learned from, the most exact match first."""
    over = progression_of(request)
    key = check_key(request.key) if request.key else key_for(over) if over else ""
    dance, meter = _dance(model, request)
    unit = check_unit(request.unit) if request.unit else ""
    style = PLAIN if over else 0 if request.chord_symbols is None else CHORDS if request.chord_symbols else PLAIN
    form, bars = request.sections, request.bars
    wanted: list[tuple[str, Any]] = [
        ("style", style), ("meter", SAME_METER.get(meter, meter)), ("kind", dance), ("unit", unit),
        ("bars", sum(form) or bars), ("sections", len(request.repeats) if not form else 0), ("key", key),
    ]  # fmt: skip
    pool = model.priors
    for name, value in wanted:
        if value:
            kept = [prior for prior in pool if _has(prior, name, value)]
            pool = kept or pool
    if not pool:
        raise RequestError("This checkpoint knows no tunes to draw key, meter and form from.")
    drawn = _drawn(pool, request.start, meter, unit, random)
    if not meter or SAME_METER.get(meter, meter) == SAME_METER.get(drawn["meter"], drawn["meter"]):
        learned = drawn["meter"] or "4/4"
    else:
        learned = meter
    if not form:
        form = tuple(drawn["form"])
        if (bars and sum(form) != bars) or (request.repeats and len(form) != len(request.repeats)):
            form = _divide(bars or 8 * len(request.repeats), len(request.repeats))
    unit_length, dance = unit or drawn["unit"], dance or drawn["kind"]
    tune = Tune(body="", key=key or drawn["key"], meter=learned, unit=unit_length, kind=dance)
    if meter and learned == meter and drawn["meter"] != meter and not unit:
        tune = replace(tune, unit=default_unit(meter))
    if over and len(over.bars) > sum(form):
        raise RequestError(f"The chords have {len(over.bars)} bars, and the tune {sum(form)}: leave some out or make "
                           "it longer.")  # fmt: skip
    return Chosen(tune, meter or learned, form, style or drawn["style"], over)


def _dance(model: Model, request: Request) -> tuple[str, str]:
    """The type and the meter that are asked for, "" for what is left open; a type that is known by its meter is that
    meter."""
    dance = canonical_kind(request.kind or "")
    if dance in BY_METER:
        return "", BY_METER[dance]
    if dance and dance not in model.kinds:
        known = ", ".join([*model.kinds, *BY_METER])
        raise RequestError(f"'{request.kind}' is not a type of tune that was learned; choose {known}.")
    return dance, check_meter(request.meter) if request.meter else ""


def _drawn(
    pool: list[dict[str, Any]], start: str, meter: str, unit: str, random: np.random.Generator
) -> dict[str, Any]:
    """One of the priors, as often as its tunes; where the bars of a beginning are not full in it, one in which they
    are."""

    def one(of: list[dict[str, Any]]) -> dict[str, Any]:
        weights = np.array([prior["count"] for prior in of], float)
        return of[int(random.choice(len(of), p=weights / weights.sum()))]

    def fit(prior: dict[str, Any]) -> int:
        return _fit(start, meter or prior["meter"] or "4/4", unit or prior["unit"])

    drawn = one(pool)
    if not start or fit(drawn):
        return drawn
    fits = [fit(prior) for prior in pool]
    return one([prior for prior, own in zip(pool, fits) if own == max(fits)]) if any(fits) else drawn


@lru_cache(256)
def _fit(start: str, meter: str, unit: str) -> int:
    """How the bars of a beginning go into a meter, where a letter is a unit long: 2 full, 1 after a pickup of half a
    bar or more, 0 not."""
    reader = Reader(meter, unit)
    for char in start:
        reader.feed(char)
    try:
        check_bars(reader, start)
    except RequestError:
        return 0
    first = reader.bars[0] if reader.bars else None
    long = first is not None and first.full / 2 <= first.ticks < first.full
    return 0 if reader.bar_time > reader.full else 1 if long else 2


def check_bars(reader: Reader, text: str) -> None:
    """Refused, naming the place, where a closed bar of a typed beginning is not full (a pickup may be short)."""
    for i, bar in enumerate(reader.bars):
        short = i == 0 or bar.number == 0 or reader.bars[i - 1].section < bar.section or (
            i + 1 < len(reader.bars) and reader.bars[i + 1].section > bar.section
        ) or (i + 1 == len(reader.bars) and reader.section > bar.section)  # fmt: skip
        if bar.ticks > bar.full or (bar.ticks < bar.full and not short):
            line = text.count("\n", 0, bar.end) + 1
            column = bar.end - text.rfind("\n", 0, bar.end)
            raise RequestError(
                f"The bar that ends in line {line}, column {column} of the beginning lasts {_fraction(bar.ticks)} of a "
                f"whole note; its meter asks for {_fraction(bar.full)}."
            )


def _fraction(ticks: int) -> str:
    common = math.gcd(ticks, WHOLE)
    return f"{ticks // common}/{WHOLE // common}"


def contradictions(model: Model, request: Request, tune: Tune, form: tuple[int, ...]) -> tuple[str, ...]:
    """What was asked for and did not go together, and which of it counted, a sentence each."""
    said = []
    dance, meter = tune.kind, request.meter and SAME_METER.get(tune.meter, tune.meter)
    if meter and not any(_has(p, "meter", meter) for p in model.priors):
        said.append(f"None of the tunes learned from is in {request.meter}: it is a guess how one goes.")
    elif request.kind and meter and not any(_has(p, "kind", dance) and _has(p, "meter", meter) for p in model.priors):
        said.append(
            f"No {dance} among the tunes learned from is in {request.meter}: the meter counts, and only the name is a "
            f"{dance}'s."
        )
    if request.bars and sum(form) > request.bars:
        said.append(f"The beginning takes more room: the tune has {sum(form)} bars, not {request.bars}.")
    return tuple(said)


def _has(prior: dict[str, Any], name: str, value: Any) -> bool:
    if name == "bars":
        return bool(sum(prior["form"]) == value)
    if name == "sections":
        out: bool = len(prior["form"]) == value
        return out
    if name == "meter":
        return bool(SAME_METER.get(prior["meter"], prior["meter"]) == value)
    return bool(prior[name] == value)


def _divide(bars: int, sections: int) -> tuple[int, ...]:
    """So many bars in sections: of eight where that goes, a first one of four for what is over, else equal ones."""
    if not sections:
        if bars % 8 == 0 and bars <= 8 * MAX_SECTIONS:
            return (8,) * (bars // 8)
        if bars % 8 == 4 and 4 < bars <= 8 * MAX_SECTIONS - 4:
            return (4,) + (8,) * (bars // 8)
        sections = max(1, math.ceil(bars / 16)) if bars > 10 else 1
    if bars < sections:
        raise RequestError(f"{bars} bars cannot be divided into {sections} sections.")
    return tuple(bars // sections + (i < bars % sections) for i in range(sections))
