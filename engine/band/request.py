"""What Band can be asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, request
from engine.core.pianoroll import TRACKS
from engine.core.request import option, pair

PATHS = {"player": CHECKPOINTS / "player", "gan": CHECKPOINTS / "band"}
"""The networks that play, and their weights."""
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def read_genre(text: str) -> tuple[str, float]:
    """ "jazz:2" -> ("jazz", 2.0); a weight is 1 where none is given."""
    name, colon, weight = text.partition(":")
    try:
        return name, float(weight) if colon else 1.0
    except ValueError:
        raise RequestError(f"--genre {text}: the weight after the colon is not a number.") from None


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """Bars of music in five tracks."""

    SYSTEM = "band"

    genre: Mapping[str, float] = option(
        dataclasses.MISSING, "What the players have learned to play, from songs of this style; several are mixed.",
        low=0, high=1e6, called="The weight of a genre", metavar="NAME[:WEIGHT]", read=read_genre, repeated=True,
        label="Style",
    )  # fmt: skip
    network: str = option(
        "player", "The player writes note after note and hears what the others play; the GAN draws four bars at once.",
        choices=tuple(PATHS), called="The network", label="Played by", before="gan",
    )  # fmt: skip
    bars: int = option(
        8, "A longer piece begins as the shorter one and has sections that return.", low=4, high=64,
        called="The number of bars", label="Length",
    )  # fmt: skip
    adventurousness: float = option(
        1.0, "0 is the style at its most ordinary, 1 as varied as real music, 2 wild.", low=0, high=2,
        called="Adventurousness", label="How adventurous",
    )  # fmt: skip
    density: float = option(
        0.5, "How many notes are played; 0.5 is as many as in real music.", low=0, high=1, called="Density",
        label="How busy",
    )  # fmt: skip
    tempo: float | None = option(
        None, "The style's own unless it is chosen.", low=40, high=240, unit="quarter notes a minute"
    )
    key: str | None = option(None, "A major key, or its relative minor: C is also A minor.", choices=KEYS)
    lock_key: bool = option(
        False, "Move stray notes into the scale of the key, the chosen one or the one that comes.",
        label="Only notes of the key",
    )  # fmt: skip
    track_seeds: Mapping[str, int] = option(
        {}, "Number of one player's part alone: everyone else plays on as before.", low=0, high=request.MAX_SEED,
        called="The seed of a track", flag="--reroll", metavar="TRACK=SEED", read=pair("--reroll", int, "piano=3"),
        repeated=True, label="Own seed",
    )  # fmt: skip
    programs: Mapping[str, int] = option(
        {}, "The same notes on another instrument, by its General MIDI number.", low=0, high=127,
        called="The program of a track", flag="--program", metavar="TRACK=NUMBER",
        read=pair("--program", int, "bass=38"), repeated=True, label="Instrument",
    )  # fmt: skip
    without: tuple[str, ...] = option(
        (), "A player who rests.", choices=TRACKS, called="A track to leave out", metavar="TRACK", read=str,
        repeated=True, label="Rests",
    )  # fmt: skip

    def validate(self) -> None:
        """Refuse tracks that are not there, and a mix of nothing."""
        for name in (*self.track_seeds, *self.programs):
            if name not in TRACKS:
                raise RequestError(f"'{name}' is not a track; choose among {', '.join(TRACKS)}.")
        if not sum(self.genre.values()) > 0:
            raise RequestError("The mix names no genre with a weight above 0.")

    def checkpoint(self) -> Path:
        return PATHS[self.network]

    @property
    def style(self) -> str:
        """The genres by name, "jazz & soul"."""
        return " & ".join(name for name, weight in self.genre.items() if weight > 0)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is asked for in vain."""
        idle = [name for name in self.without if name in self.track_seeds or name in self.programs]
        if not idle:
            return ()
        return (f"Not heard: the seed or the instrument chosen for {' and '.join(idle)}, as nobody plays there.",)

    @property
    def title(self) -> str:
        return f"{self.style.title()}, seed {self.seed}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """Genres, with the tempo that is typical of each."""
        config = checkpoint.read_config(PATHS["player"])
        return {"genre": list(config["model"]["genres"]), "tempo_by_genre": config.get("tempo_by_genre", {})}
