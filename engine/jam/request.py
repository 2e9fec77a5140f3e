"""What a jam can be asked for: what Band can where it goes for bars without end, and what changes on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from engine import RequestError, band
from engine.core import request
from engine.core.request import File, option
from engine.jam.changes import LOUDNESS, Step, read
from engine.jam.trading import Own

LONGEST = 60  # bars of chords that come again and again; Band's longest piece


def _as_in_band(name: str) -> Any:
    """A field as Band has it, without a word of fields that are Band's alone."""
    known = band.Request.__dataclass_fields__[name]
    alone = replace(known.metadata["option"], excludes=(), requires=(), said_by=())
    return dataclasses.field(default=known.default, default_factory=known.default_factory, metadata={"option": alone})


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """A jam, from its first bar."""

    SYSTEM = "jam"

    genre: Mapping[str, float] = _as_in_band("genre")
    minutes: float = option(
        2.0, "How long it plays; it ends with a bar of its own, sooner where the changes say so.", low=0.05, high=60
    )
    bars: int | None = option(
        None, "How many bars it plays instead, broken off after the last.", low=1, high=20_000,
        called="The number of bars", excludes=("minutes",),
    )  # fmt: skip
    keep: int | None = option(
        None, "Only so many of its last bars.", low=1, high=20_000, called="The number of bars to keep",
    )  # fmt: skip
    changes: File | None = option(
        None, "What changes on the way, a line of JSON for each bar from which something does: "
        '{"bar": 9, "genre": "jazz", "chords": "Dm7 | G7", "tempo": 140, "busy": {"drums": 0.8}, "end": false}.',
        called="The changes", ending="jsonl",
    )  # fmt: skip
    own: File | None = option(
        None, "What you play along, MIDI or MusicXML from the first bar line on: a lane of its own, and what is "
        "answered where turns are taken.", called="What you play", ending="mid",
    )  # fmt: skip
    loudness: float = option(
        1.0, "How hard all strike; 1 is as in real music.", low=LOUDNESS[0], high=LOUDNESS[1], called="The loudness",
        label="How loud",
    )  # fmt: skip
    adventurousness: float = _as_in_band("adventurousness")
    chords: str = _as_in_band("chords")
    meter: str | None = _as_in_band("meter")
    density: float = _as_in_band("density")
    tempo: float | None = _as_in_band("tempo")
    key: str | None = _as_in_band("key")
    busy: Mapping[str, float] = _as_in_band("busy")
    register: Mapping[str, int] = _as_in_band("register")
    lock_key: bool = _as_in_band("lock_key")
    programs: Mapping[str, int] = _as_in_band("programs")
    without: tuple[str, ...] = _as_in_band("without")

    def validate(self) -> None:
        """Refuse what Band would, and changes that are none."""
        _ = self.steps, self.settings.progression, self.yours

    def checkpoint(self) -> Path:
        return band.PATH

    @cached_property
    def settings(self) -> band.Request:
        """What the first bar is played with."""
        shared = {field.name for field in dataclasses.fields(band.Request)}
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in shared - {"bars"}}
        return band.Request(**own, bars=LONGEST)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What is played with which settings from which bar on, the first bar first."""
        first = Step(1, self.settings, loudness=self.loudness)
        unknown = [name for name in self.genre if name not in self.learned()["genre"]]
        if unknown:
            raise RequestError(f"'{unknown[0]}' is not a genre of this band; choose one of "
                               f"{', '.join(self.learned()['genre'])}.")  # fmt: skip
        return read(self.changes, first, self.learned()["genre"]) if self.changes else (first,)

    @cached_property
    def yours(self) -> Own:
        """What is played along."""
        return Own.read(self.own)

    @property
    def title(self) -> str:
        return f"{self.settings.style.title()} jam, seed {self.seed}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """Genres, with the tempo that is typical of each."""
        return band.Request.learned()
