"""What Variation can be asked for: a variation, what might come next, or a walk to another song."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine.core import request, rewriting
from engine.core.pianoroll import TRACKS
from engine.core.request import File, names, option

PATH = CHECKPOINTS / "variation"
LATENTS = (8, 16, 32, 64)
MAX_NOISE = 2.0
MAX_BARS = 64  # of a continuation
PRESERVABLE = ("rhythm", "pitches")
PLAYER, NETWORKS = "player", "networks"  # who writes what comes next


def read_noise(text: str) -> float | dict[str, float]:
    """ "0.7" -> 0.7; "piano=1,bass=0.5" -> {"piano": 1.0, "bass": 0.5}."""
    try:
        if "=" not in text:
            return float(text)
        return {name.strip(): float(level) for name, _, level in (part.partition("=") for part in text.split(","))}
    except ValueError:
        raise RequestError(f"--noise {text}: write a number from 0 to 2, or tracks such as piano=1,bass=0.5.") from None


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """A variation of a song; with `continue_bars` what might come next; with `towards` a walk to another song."""

    SYSTEM = "variation"

    input: File = option(dataclasses.MISSING, "The song, MIDI or MusicXML.", called="The song", ending="mid")
    latent: int = option(
        32, "How closely the network looks: into how many numbers it puts a bar. Few keep only its gist.",
        choices=LATENTS, called="The latent size", label="Detail",
    )  # fmt: skip
    noise: float | Mapping[str, float] = option(
        0.7, "0.5 to 1 is the sweet spot: clearly another version, still the same song. "
        "Tracks that a list does not name stay as they are.",
        low=0, high=MAX_NOISE, metavar="0..2 or TRACK=0..2,…", read=read_noise,
        excludes=("continue_bars", "towards"), label="How far it drifts",
    )  # fmt: skip
    higher: float = option(
        0.0, "Leans to notes that lie higher, or below 0 lower, as far at 1 as it drifts at 1; the drums do not.",
        low=-1, high=1, excludes=("continue_bars", "towards"), called="How much higher", label="Lower or higher",
    )  # fmt: skip
    busier: float = option(
        0.0, "Leans to more notes, or below 0 to fewer, as far at 1 as it drifts at 1.",
        low=-1, high=1, excludes=("continue_bars", "towards"), called="How much busier", label="Sparser or busier",
    )  # fmt: skip
    frozen_tracks: tuple[str, ...] = option(
        (), "Tracks that stay as they are.", choices=TRACKS, called="A track to hold", flag="--hold",
        metavar="TRACK,…", read=names, excludes=("continue_bars", "towards"), label="Hold",
    )  # fmt: skip
    bars: tuple[int, ...] | None = option(
        None, "The bars that vary, from 1, both ends included; the others stay as they are.", metavar="9-16",
        read=rewriting.reader("--bars"), excludes=("continue_bars",), label="Bars that vary",
    )  # fmt: skip
    preserve: str | None = option(
        None, "Keep the rhythm and vary the pitches, or the reverse.", choices=PRESERVABLE, called="What is kept",
        flag="--keep", excludes=("continue_bars", "towards"), label="Keep",
    )  # fmt: skip
    harmony_strength: float | None = option(
        None, "How strictly new pitches keep to those that sound nearby; 0.5 where it is left open.", low=0, high=1,
        flag="--stay", excludes=("towards",), label="Stay in the harmony",
    )  # fmt: skip
    apart: bool = option(
        False, "Each track is varied for itself, and hears nothing of what the others play by then.",
        excludes=("continue_bars", "towards"), before=True, label="Each for itself",
    )  # fmt: skip
    continue_bars: int | None = option(
        None, "What might come next, in the song's own tracks.", low=1, high=MAX_BARS,
        called="The number of bars to write", flag="--continue", metavar="BARS", label="Bars to write",
    )  # fmt: skip
    by: str = option(
        PLAYER, "The band's player, who keeps the song's form, or a network for each instrument.",
        choices=(PLAYER, NETWORKS), called="Who goes on", requires=("continue_bars",), before=NETWORKS,
        label="Who goes on",
    )  # fmt: skip
    rewrite: tuple[int, ...] | None = rewriting.bars_option(excludes=("continue_bars", "towards", "bars"))
    players: tuple[str, ...] = rewriting.players_option()
    temperature: float = option(
        1.0, "0 goes on in the likeliest way; more strays from it (of --continue).", low=0, high=2,
        requires=("continue_bars",), label="Wandering",
    )  # fmt: skip
    towards: File | None = option(
        None, "The song to walk to, MIDI or MusicXML.", called="The second song", ending="mid"
    )
    steps: int = option(
        5, "Both ends among them (of --towards).", low=2, high=32, called="The number of steps", requires=("towards",)
    )
    step_bars: int = option(
        4, "From the beginning of each song (of --towards; --bars says the same).", low=1, high=64,
        called="The number of bars a step", requires=("towards",), label="Bars a step",
    )  # fmt: skip

    def validate(self) -> None:
        """Refuse two things at once, noise out of its range, and bars that are no range."""
        if self.continue_bars is not None and self.towards is not None:
            raise RequestError("--continue and --towards ask for two different things; give one of them.")
        levels = self.noise.values() if isinstance(self.noise, Mapping) else [self.noise]
        for level in levels:
            if isinstance(level, bool) or not isinstance(level, (int, float)):
                raise RequestError(f"The noise is a number from 0 to {MAX_NOISE:g}, for all tracks or for each.")
            if not 0 <= level <= MAX_NOISE:
                raise RequestError(f"The noise goes from 0 to {MAX_NOISE:g}, not {level:g}.")
        for name in self.noise if isinstance(self.noise, Mapping) else ():
            if name not in TRACKS:
                raise RequestError(f"There is no track '{name}'; choose among {', '.join(TRACKS)}.")
            if name in self.frozen_tracks:
                raise RequestError(f"--hold and --noise both name {name}, which cannot stay and vary at once.")
        self._check_lean()
        rewriting.check(self.rewrite)
        if self.bars is not None and (len(self.bars) != 2 or not 1 <= self.bars[0] <= self.bars[1]):
            asked = "-".join(map(str, self.bars))
            raise RequestError(f"The bars that vary are a first and a last one, from 1, not {asked}.")

    def _check_lean(self) -> None:
        if self.preserve == "rhythm" and self.busier:
            raise RequestError("--busier changes nothing where the rhythm is kept.")
        if self.preserve == "pitches" and self.higher:
            raise RequestError("--higher changes nothing where the pitches are kept.")

    @classmethod
    def together(cls, values: dict[str, Any]) -> dict[str, Any]:
        """In a walk `--bars 4` is how many a step."""
        if values.get("towards") is not None and (bars := values.pop("bars", None)):
            if "step_bars" in values:
                raise RequestError("--bars and --step-bars say the same in a walk; give one of them.")
            if bars[0] != bars[1]:
                raise RequestError(f"--bars {bars[0]}-{bars[1]}: a walk wants one number, how many bars a step.")
            values["step_bars"] = bars[0]
        return values

    @property
    def mode(self) -> str:
        """What is made: vary, continue or walk."""
        return "continue" if self.continue_bars is not None else "walk" if self.towards is not None else "vary"

    @property
    def strength(self) -> float:
        """How strictly pitches stay in the harmony around: as asked, or what is usual."""
        return 0.5 if self.harmony_strength is None else self.harmony_strength

    def checkpoint(self) -> Path:
        return PATH / f"k{self.latent}"

    @property
    def title(self) -> str:
        what = f"{rewriting.spelled(self.rewrite)} anew" if self.rewrite else self.mode
        return f"{self.input.title}, {what}, seed {self.seed}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """The latent sizes whose weights are there."""
        return {"latent": [k for k in LATENTS if (PATH / f"k{k}" / "config.json").exists()], "tracks": list(TRACKS)}
