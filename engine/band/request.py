"""What Band can be asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, request, rewriting
from engine.core.chords import Progression, read
from engine.core.pianoroll import TRACKS
from engine.core.request import File, field_of, option, pair

if TYPE_CHECKING:
    from engine.band.brought import Lead
    from engine.band.words import Said

PATH = CHECKPOINTS / "player"
"""The weights that it is played with."""
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
METERS = ("4/4", "3/4", "6/8", "2/4", "12/8")
MAX_BARS = 128  # as many as the player keeps
REPLACED = "The network that drew four bars at once is gone: the player plays this instead."
"""Said of what was made when two networks could be chosen."""


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
    RETIRED = ("network",)

    genre: Mapping[str, float] = option(
        dataclasses.MISSING, "What the players have learned to play, from songs of this style; several are mixed.",
        low=0, high=1e6, called="The weight of a genre", metavar="NAME[:WEIGHT]", read=read_genre, repeated=True,
        label="Style", said_by=("words", "input"),
    )  # fmt: skip
    words: str = option(
        "", "The settings in words of a small vocabulary; other options go before them.", called="The line of words",
        metavar='"slow sad jazz waltz, no drums"', excludes=("input",),
    )  # fmt: skip
    bars: int = option(
        8, "A longer piece begins as the shorter one and has sections that return.", low=4, high=MAX_BARS,
        called="The number of bars", label="Length", excludes=("tune", "input"),
    )  # fmt: skip
    adventurousness: float = option(
        1.0, "0 is the style at its most ordinary, 1 as varied as real music, 2 wild.", low=0, high=2,
        called="Adventurousness", label="How adventurous",
    )  # fmt: skip
    chords: str = option(
        "", "Bars divided by |, in each the chords that share it, or a chord a bar: Dm7 | G7 | Cmaj7 %. As they sound, "
        "or roman numerals in the key; N.C. names no chord. Fewer bars than the piece come again.", called="The chords",
        metavar='"Dm7 | G7 | C %"', excludes=("chords_from",),
    )  # fmt: skip
    chords_from: File | None = option(
        None, "The chords of a song, MIDI, MusicXML or ABC.", called="The song of the chords",
        excludes=("chords", "input"), ending="mid",
    )  # fmt: skip
    tune: File | None = option(
        None, "A melody, MIDI, MusicXML or ABC, that the band plays for: it is kept note for note, with its length, "
        f"key, tempo and meter. At most {MAX_BARS} bars, in one meter.", called="The tune", ending="mid",
        excludes=("input",),
    )  # fmt: skip
    tune_number: int | None = option(
        None,
        "Which tune of a book in ABC: 1 is its first.",
        low=1,
        high=100_000,
        requires=("tune", "chords_from", "input"),
    )
    track: str | None = option(
        None, "Of the tune's file: a track's name or number; the one that is most like a tune unless it is given.",
        metavar="NAME", requires=("tune",),
    )  # fmt: skip
    meter: str | None = option(None, "4/4 unless it is chosen.", choices=METERS, excludes=("tune", "input"))
    density: float = option(
        0.5, "How many notes are played; 0.5 is as many as in real music.", low=0, high=1, called="Density",
        label="How busy", excludes=("input",),
    )  # fmt: skip
    tempo: float | None = option(
        None,
        "The style's own unless it is chosen.",
        low=40,
        high=240,
        unit="quarter notes a minute",
        excludes=("input",),
    )
    key: str | None = option(
        None, "A major key, or its relative minor: C is also A minor.", choices=KEYS, excludes=("tune", "input")
    )
    busy: Mapping[str, float] = option(
        {}, "How busy one player is, from 0 to 1; who rested plays then.", low=0, high=1, called="How busy a player is",
        metavar="TRACK=NUMBER", read=pair("--busy", float, "drums=.2"), repeated=True, label="Busy",
    )  # fmt: skip
    register: Mapping[str, int] = option(
        {}, "Octaves by which one player plays higher, or below 0 lower, than is usual.", low=-3, high=3,
        called="The register of a player", metavar="TRACK=OCTAVES", read=pair("--register", int, "piano=-1"),
        repeated=True, label="Register",
    )  # fmt: skip
    lock_key: bool = option(
        False, "Move stray notes into the scale of the key, the chosen one or the one that comes.",
        label="Only notes of the key",
    )  # fmt: skip
    track_seeds: Mapping[str, int] = option(
        {}, "Number of one player's part alone: everyone else plays on as before.", low=0, high=request.MAX_SEED,
        called="The seed of a track", flag="--reroll", metavar="TRACK=SEED", read=pair("--reroll", int, "piano=3"),
        repeated=True, label="Own seed", excludes=("input",),
    )  # fmt: skip
    programs: Mapping[str, int] = option(
        {}, "The same notes on another instrument, by its General MIDI number.", low=0, high=127,
        called="The program of a track", flag="--program", metavar="TRACK=NUMBER",
        read=pair("--program", int, "bass=38"), repeated=True, label="Instrument", excludes=("input",),
    )  # fmt: skip
    without: tuple[str, ...] = option(
        (), "A player who rests.", choices=TRACKS, called="A track to leave out", metavar="TRACK", read=str,
        repeated=True, label="Rests", excludes=("input",),
    )  # fmt: skip
    input: File | None = option(
        None, "A song, MIDI, MusicXML or ABC, of which some bars are played anew.", called="The song", ending="mid",
        requires=("rewrite",),
    )  # fmt: skip
    rewrite: tuple[int, ...] | None = rewriting.bars_option()
    players: tuple[str, ...] = rewriting.players_option()

    def validate(self) -> None:
        """Refuse tracks that are not there, a mix of nothing, and chords that are none or too many."""
        for name in (*self.track_seeds, *self.programs, *self.busy, *self.register):
            if name not in TRACKS:
                raise RequestError(f"'{name}' is not a track; choose among {', '.join(TRACKS)}.")
        rewriting.check(self.rewrite)
        if (self.rewrite is None) != (self.input is None):
            raise RequestError("A song and its bars to write anew go together; give both.")
        if not sum(self.genre.values()) > 0 and (self.genre or not self.input):
            raise RequestError("The mix names no genre with a weight above 0.")
        if "drums" in self.register:
            raise RequestError("The drums have no register; the others have.")
        if not self.input and (given := self.progression) and len(given.bars) > self.length:
            raise RequestError(f"The chords have {len(given.bars)} bars, and the piece {self.length}: leave some out "
                               "or make it longer.")  # fmt: skip

    @classmethod
    def together(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The words' settings where nothing else says them."""
        if values.get("input") is not None:
            return {"genre": {}} | values
        if not values.get("words"):
            return values
        said = cls.understood(values["words"], values)
        beside = {name for name in said.fields for other in values if other in field_of(cls, name).option.excludes}
        return {name: value for name, value in said.fields.items() if name not in beside} | values

    @classmethod
    def understood(cls, text: str, values: Mapping[str, Any]) -> Said:
        """What a line of words asks for, beside what is asked for already."""
        from engine.band.words import understood  # here, because few need it

        known = cls.learned()
        tempi = {genre: known["tempo_by_genre"].get(genre, 120.0) for genre in known["genre"]}
        return understood(text, tempi, next(iter(values.get("genre", {})), ""))

    @classmethod
    def lost(cls, recipe: Mapping[str, Any]) -> tuple[str, ...]:
        first = "chords" not in recipe  # from before there were two networks
        return (REPLACED,) if recipe.get("network", "gan" if first else "player") == "gan" else ()

    def checkpoint(self) -> Path:
        return PATH

    @cached_property
    def lead(self) -> Lead | None:
        """The tune to play for. Refused where there is none in its file."""
        from engine.band.brought import lead_of  # here, because few need it

        return lead_of(self.tune, self.tune_number, self.track) if self.tune else None

    @cached_property
    def progression(self) -> Progression | None:
        """The chords that are given, typed, in a file, or with the tune."""
        if self.chords_from:
            from engine.melody import chords_in  # here, because few need it

            return read(chords_in(self.chords_from, None if self.tune else self.tune_number))
        text = self.chords or (self.lead.chords if self.lead else "")
        return read(text) if text.strip() else None

    @property
    def length(self) -> int:
        """How many bars the piece has."""
        return self.lead.bars if self.lead else self.bars

    @property
    def style(self) -> str:
        """The genres by name, "jazz & soul"."""
        return " & ".join(name for name, weight in self.genre.items() if weight > 0)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is asked for in vain."""
        chosen = {*self.track_seeds, *self.programs, *self.busy, *self.register}
        idle = [name for name in self.without if name in chosen]
        said = self.lead.remarks if self.lead else ()
        if self.progression and (self.chords or self.chords_from):
            said += self.progression.remarks()
        if self.words and (unknown := self.understood(self.words, {"genre": self.genre}).unknown):
            said += (f"Not understood: {', '.join(unknown)}.",)
        if idle:
            said += (f"Not heard: what is chosen for {' and '.join(idle)}, as nobody plays there.",)
        return said

    @property
    def title(self) -> str:
        if self.input and self.rewrite:
            return f"{self.input.title}, {rewriting.spelled(self.rewrite)} anew, seed {self.seed}"
        return f"{self.style.title()}, seed {self.seed}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """Genres, with the tempo that is typical of each."""
        config = checkpoint.read_config(PATH)
        return {"genre": list(config["model"]["genres"]), "tempo_by_genre": config.get("tempo_by_genre", {})}
