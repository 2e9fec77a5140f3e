"""What changes in the course of a jam, as a file of lines tells it.

    {"bar": 9, "genre": "jazz", "chords": "Dm7 | G7", "tempo": 140, "busy": {"drums": 0.8}, "end": false}

Each line is a JSON object: `bar`, counted from 1, from which it acts, and any of Band's settings; what a line leaves
out stays as it was. Settings of single players (busy, register, programs) add to those of before, null takes one
back to what is usual; a genre may be a name, or names with weights; chords "" are the band's own again. With `end`
the section that is playing is the last, and `end` false takes that back. `loudness` is how hard all strike, 1 as
usual; with `trade` the band, you and an answer take turns (trading.py).

A chord that is `held` comes at once: {"bar": 9.5, "held": "Dm7"} moves what was written of bar 9 into it from the
middle of the bar on, and what comes after is composed over it; "" lets it go. So does a tempo, anywhere in a bar:
{"bar": 9.25, "tempo": 140} has the last three quarters of bar 9 go by faster, and changes nothing else in it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from engine import RequestError, band
from engine.core.chords import FLATS
from engine.core.request import File, as_float
from engine.jam.trading import turn_of

SETTINGS = ("genre", "chords", "tempo", "key", "busy", "register", "without", "density", "adventurousness", "lock_key",
            "programs")  # fmt: skip
"""What may change of Band's."""
OWN = ("end", "loudness", "trade", "held")
"""What may change beside them."""
MAX_BYTES, MAX_BAR = 2**20, 100_000
LOUDNESS = 0.5, 1.4  # the least and the most


@dataclass(frozen=True)
class Step:
    """What holds from a bar on (from 1; with a half from its middle, or for a tempo from any part of it)."""

    bar: float
    settings: band.Request
    end: bool = False  # whether the section there is the last
    loudness: float = 1.0
    held: str = ""  # the chord that a hand holds, if any
    trade: int = 0  # the bar from which turns are taken, 0 for never


@dataclass(frozen=True)
class Cue:
    """All that is known of a bar before it is written."""

    settings: band.Request  # a chord that is held since an earlier bar is its chords
    end: bool
    loudness: float
    holds: tuple[tuple[int, int], ...]  # (half, chord): what is held from a half of the bar on; a chord as in chords.py
    turn: str  # "band", "you" or "answer"; "" where no turns are taken
    since: int  # the bar from which they are
    tempi: tuple[tuple[float, band.Request], ...] = ()  # (share of the bar, settings) from where a tempo is another


def cue_of(steps: Sequence[Step], bar: int) -> Cue:
    """What holds in a bar, from 1, by the steps, ascending, of which one comes before it or with it."""
    step = next(step for step in reversed(steps) if step.bar <= bar)
    held = next((each.held for each in reversed(steps) if each.bar < bar), "") if step.held else ""
    holds = []
    for each, now in pairwise((Step(0, step.settings, held=held), *(s for s in steps if bar <= s.bar < bar + 1))):
        if now.held and now.held != each.held:
            holds.append((int(now.bar > bar), _chord(now.held, now.settings)))
    key = FLATS[band.key_of(step.settings)]  # a chord that is held moves none
    settings = replace(step.settings, chords=held, key=key) if held else step.settings
    within = [step, *(each for each in steps if bar < each.bar < bar + 1)]
    tempi = tuple((each.bar - bar, each.settings) for before, each in pairwise(within)
                  if each.settings.tempo != before.settings.tempo)  # fmt: skip
    return Cue(settings, step.end, step.loudness, tuple(holds), turn_of(bar, step.trade), step.trade, tempi)


def _chord(text: str, settings: band.Request) -> int:
    """The one chord of a text, in C. Refused where it is none."""
    progression = replace(settings, chords=text).progression
    halves = {*progression.halves(band.key_of(settings), len(progression.bars)).values()} if progression else set()
    if len(halves) != 1 or min(halves) < 0:
        raise RequestError(f"'{text[:40]}' is not one chord that can be held; expected one such as Dm7.")
    return halves.pop()


def read(file: File, first: Step, genres: Sequence[str]) -> tuple[Step, ...]:
    """The steps of a file of changes after the first one, by bar; those of one bar are one step. Refused with the
    number of the line that is none."""
    if len(file.content) > MAX_BYTES:
        raise RequestError(f"{file.name} is larger than {MAX_BYTES >> 20} MiB, the most that is taken.")
    lines = []
    for number, raw in enumerate(file.content.split(b"\n"), 1):
        if raw.strip():
            try:
                lines.append((*_parsed(raw), number))
            except RequestError as refusal:
                raise RequestError(f"Line {number} of {file.name}: {refusal}") from None
    steps = [first]
    for bar, change, number in sorted(lines, key=lambda line: (line[0], line[2])):
        try:
            step = changed(replace(steps[-1], bar=bar), change, genres)
        except RequestError as refusal:
            raise RequestError(f"Line {number} of {file.name}: {refusal}") from None
        steps = [*steps[: -1 if steps[-1].bar == bar else None], step]
    return tuple(steps)


def _parsed(raw: bytes) -> tuple[float, dict[str, Any]]:
    """The bar of a line, and what changes there."""
    try:
        line = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise RequestError('that is no JSON; expected an object such as {"bar": 9, "tempo": 140}.') from None
    if not isinstance(line, dict) or "bar" not in line:
        raise RequestError('there is no bar in it; expected an object such as {"bar": 9, "tempo": 140}.')
    bar = line.pop("bar")
    if not _is_number(bar) or not 1 <= bar <= MAX_BAR:
        raise RequestError(f"the bar must be a whole number from 1 to {MAX_BAR}, not {json.dumps(bar)[:40]}.")
    if placed(bar, line) != bar:
        raise RequestError("only a chord that is held begins in the middle of a bar, and only a tempo elsewhere in it.")
    return bar, line


def placed(bar: float, change: Mapping[str, Any]) -> float:
    """The first place from a bar on at which a change can act: for a tempo alone that itself, for a chord that is held
    a half of a bar, for anything else a bar line."""
    if set(change) == {"tempo"}:
        return bar
    return math.ceil(2 * bar) / 2 if set(change) == {"held"} else math.ceil(bar)


def changed(step: Step, change: Mapping[str, Any], genres: Sequence[str]) -> Step:
    """A step with other settings. Refused where there is no such setting, or Band would refuse its value."""
    unknown = [name for name in change if name not in (*SETTINGS, *OWN)]
    if unknown:
        raise RequestError(f"'{str(unknown[0])[:40]}' is nothing that changes; choose among "
                           f"{', '.join(SETTINGS + OWN[:-1])} and {OWN[-1]}.")  # fmt: skip
    before = step.settings
    settings = replace(before, **{name: _value(name, value, getattr(before, name))
                                  for name, value in change.items() if name not in OWN})  # fmt: skip
    if strange := [name for name in settings.genre if name not in genres]:
        raise RequestError(f"'{strange[0]}' is not a genre of this band; choose one of {', '.join(genres)}.")
    _ = settings.progression  # read here, so that chords that are none are refused
    return replace(step, settings=settings, **_own(step, change, settings))


def _own(step: Step, change: Mapping[str, Any], settings: band.Request) -> dict[str, Any]:
    """What changes beside Band's settings."""
    out: dict[str, Any] = {}
    for name in {"end", "trade"} & set(change):
        if not isinstance(change[name], bool):
            raise RequestError(f"{name} is true or false, not {json.dumps(change[name])[:40]}.")
    if "end" in change:
        out["end"] = change["end"]
    if "trade" in change:
        out["trade"] = (step.trade or int(step.bar)) if change["trade"] else 0
    if "loudness" in change:
        out["loudness"] = loudness = change["loudness"]
        if not _is_number(loudness) or not LOUDNESS[0] <= loudness <= LOUDNESS[1]:
            raise RequestError(f"loudness is a number from {LOUDNESS[0]:g} to {LOUDNESS[1]:g}.")
    if "held" in change:
        out["held"] = held = change["held"]
        if not isinstance(held, str):
            raise RequestError(f"held is a chord such as Dm7, not {json.dumps(held)[:40]}.")
        if held:
            _chord(held, settings)
    return out


def _value(name: str, value: Any, before: Any) -> Any:
    """A setting's value from JSON's, where `before` was its value."""
    if name == "genre":
        value = {value: 1.0} if isinstance(value, str) else value
        if not isinstance(value, dict) or not all(_is_number(weight) for weight in value.values()):
            raise RequestError('a genre is a name, or names with weights such as {"jazz": 2, "soul": 1}.')
        return {style: as_float(weight) for style, weight in value.items()}
    if isinstance(before, Mapping):
        if not isinstance(value, dict):
            raise RequestError(f'{name} names players, such as {{"piano": 1}}.')
        return {player: each for player, each in {**before, **value}.items() if each is not None}
    if name == "without":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise RequestError('without is a list of players, such as ["strings"].')
        return tuple(value)
    if value is None:
        return next(each.default for each in dataclasses.fields(band.Request) if each.name == name)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
