"""What a take was asked for, as a musician would say it: "jazz · 16 bars · no drums".

    recipe.in_words(take, song)

What is as usual is not said. A field without words of its own here has its page's label before its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine import RequestError
from engine.core.commandline import spelled
from engine.core.instruments import program_names
from engine.core.pitch import note_name
from engine.core.request import NAMES, fields
from engine.core.song import Song
from engine.systems import SYSTEMS, system
from engine.takes.library import BESIDE, Take
from ui.controls import paced

UNSAID = ("format", "seed", "chosen_by", "rate", "eight_bit", "tune_number", NAMES, *BESIDE)  # or said elsewhere


def _styles(genre: Mapping[str, float]) -> str:
    """ "jazz", or "jazz 70%, rock 30%"."""
    whole = sum(genre.values())
    if len(genre) < 2 or not whole:
        return ", ".join(genre)
    return ", ".join(f"{name} {share / whole:.0%}" for name, share in genre.items())


def _each(words: Callable[[Any], str]) -> Callable[[Mapping[str, Any]], str]:
    """Of each player: "piano busy 20%"."""
    return lambda known: ", ".join(f"{name} {words(value)}" for name, value in known.items())


def _octaves(number: float) -> str:
    return f"{abs(number):g} octave{'s' * (abs(number) != 1)} {'higher' if number > 0 else 'lower'}"


def _bars(first: int, last: int) -> str:
    return f"bar {first}" if first == last else f"bars {first}–{last}"


WORDS: dict[str, Callable[[Any], str]] = {
    "genre": _styles,
    "bars": lambda bars: f"{bars} bars" if isinstance(bars, int) else f"only {_bars(*bars)}",
    "keep": lambda bars: f"the last {bars} of them",
    "continue_bars": lambda bars: f"{bars} bars more",
    "rewrite": lambda bars: f"{_bars(*bars)} anew",
    "players": ", ".join,
    "frozen_tracks": lambda names: f"holds {', '.join(names)}",
    "also": lambda names: f"with {', '.join(names)}",
    "without": lambda names: f"no {', '.join(names)}",
    "busy": _each(lambda share: f"busy {share:.0%}"),
    "register": _each(_octaves),
    "programs": _each(lambda program: f"as {program_names().get(int(program), 'another')}"),
    "track_seeds": _each(lambda seed: f"of seed {seed}"),
    "noise": lambda far: f"drifts {spelled(far)}",
    "higher": lambda far: f"leans {abs(far):.0%} {'lower' if far < 0 else 'higher'}",
    "busier": lambda far: f"leans {abs(far):.0%} {'sparser' if far < 0 else 'busier'}",
    "note": note_name,
    "seconds": lambda seconds: f"{seconds:g} s",
    "minutes": lambda minutes: f"{minutes:g} min",
    "tempo": lambda tempo: f"tempo {tempo:g}",
    "transpose": lambda semitones: f"{semitones:+g} semitones",
    "program": lambda program: f"on {program_names().get(int(program), 'another instrument')}",
    "kind": str, "meter": str, "dynamic": str, "articulation": str, "form": str,
    "key": lambda key: f"in {key}",
    "candidates": lambda number: f"chosen from {number}" if number != 1 else "",
    "attempt": lambda number: f"tune {number} of its seed",
}  # fmt: skip


def in_words(take: Take, song: Song | None = None) -> list[str]:
    """What a take was asked for, beyond the usual: "jazz", "8 bars", "notes by hand". A tempo is told in the beats of
    its `song`."""
    recipe, labels, usual = take.recipe, {}, {}
    own = {"tempo": lambda tempo: paced(song.with_tempo(float(tempo)))} if song else {}
    names: dict[str, str] = {}
    if recipe.system in SYSTEMS:
        for field in fields(system(recipe.system).Request):
            names |= dict.fromkeys((field.name, field.flag[2:].replace("-", "_")), field.name)
            labels[field.name], usual[field.name] = field.label, field.default
    said = []
    for given, value in recipe.settings.items():
        name = names.get(given, given)
        as_usual = value in (None, False, "", [], {}) or (value == usual.get(name) and name != "bars")
        if name in UNSAID or as_usual or (isinstance(value, str) and value in take.files):
            continue
        said.append(_said(own.get(name) or WORDS.get(name), labels.get(name, name.replace("_", " ")).lower(), value))
    beside = {"notes by hand": recipe.by_hand, "a mix of its own": recipe.mix,
              f"locked {', '.join(recipe.locks)}": recipe.locks}  # fmt: skip
    return [*filter(None, said), *(words for words, so in beside.items() if so)]


def when(made: str, now: datetime) -> str:
    """When a take was made, as one says it `now`, in that clock's zone: "today, 14:05", "yesterday, 9:30",
    "28 November", "28 November 2025". The first ten characters of what is no time."""
    try:
        then = datetime.fromisoformat(made).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        return made[:10]
    for day, name in ((now, "today"), (now - timedelta(days=1), "yesterday")):
        if then.date() == day.date():
            return f"{name}, {then.hour}:{then:%M}"
    return f"{then.day} {then:%B}" + (f" {then.year}" if then.year != now.year else "")


def _said(words: Callable[[Any], str] | None, label: str, value: Any) -> str:
    if value is True:
        return label
    try:
        return words(value) if words else f"{label} {spelled(value)}"
    except (KeyError, TypeError, ValueError, AttributeError, RequestError):  # an older recipe had another kind of it
        return f"{label} {spelled(value)}"
