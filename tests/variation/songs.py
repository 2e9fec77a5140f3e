"""Variations of songs that are there already, without their files."""

from typing import Any

from engine.core.request import File
from engine.core.song import Song
from engine.variation import Model, Request, continuation, variations
from engine.variation import walk as walking


def asked(**fields: Any) -> Request:
    return Request(input=File("song.mid", b""), **fields)


def vary(model: Model, song: Song, **fields: Any) -> Song:
    return variations.vary(model, song, asked(**fields))


def extend(model: Model, song: Song, bars: int = 8, **fields: Any) -> Song:
    return continuation.extend(model, song, asked(**{"by": "networks"} | fields | {"continue_bars": bars}))[0]


def walk(model: Model, song: Song, other: Song, **fields: Any) -> list[Song]:
    return walking.walk(model, song, other, asked(towards=File("other.mid", b""), **fields))
