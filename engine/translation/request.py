"""What Translation can be asked for: a recording of one instrument, or of a voice, performed on another."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, request
from engine.core.instruments import INSTRUMENTS
from engine.core.request import File, names, option

PATH = CHECKPOINTS / "translation"
AUTO = "auto"
VOICE = "voice"


@cache
def known() -> tuple[str, ...]:
    """The instruments that the shipped weights know; all of them where no weights can be read, which loading says."""
    try:
        learned = checkpoint.read_config(PATH)["model"].get("instruments", ())
    except RequestError:
        return tuple(INSTRUMENTS)
    return tuple(name for name in INSTRUMENTS if name in learned)


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """The same performance on another instrument."""

    SYSTEM = "translation"
    CONTENTS = request.Contents(sound=True, texts=("stems.zip",))

    input: File = option(
        dataclasses.MISSING, "One melody, played or sung, up to ten minutes; WAV, FLAC, OGG or MP3.",
        called="The recording", metavar="SOUND", ending="flac",
    )  # fmt: skip
    source: str = option(
        AUTO, "Auto: it listens. Voice: somebody sings or hums.", called="The instrument", flag="--from", label="From"
    )
    target: str = option(
        dataclasses.MISSING, "The instrument to hear it on.", called="The instrument to play it", flag="--to",
        label="To",
    )  # fmt: skip
    second: str | None = option(
        None, "Another instrument to blend with the first.", called="The second instrument", flag="--blend-with",
        label="Blend with",
    )  # fmt: skip
    blend: float = option(
        0.5, "0 is the first instrument, 1 the second.", low=0, high=1, called="The blend", requires=("second",),
        label="Blend",
    )  # fmt: skip
    also: tuple[str, ...] = option(
        (), "More instruments that play along, each also a file of its own.", read=names, metavar="NAME,NAME",
        called="The instruments that play along", label="Together with",
    )  # fmt: skip
    amount: float = option(
        1.0, "0 keeps the recording's own timbre, 1 is all the other instrument.", low=0, high=1, called="The amount",
        label="How much",
    )  # fmt: skip
    dynamics: float = option(
        1.0, "0 plays every note about as loud, 1 as it was recorded, 2 with twice the contrast.", low=0, high=2,
        called="The dynamics", label="Dynamics",
    )  # fmt: skip
    transpose: float = option(
        0.0, "Semitones. Afterwards the melody moves by octaves to where the instrument is usually played.", low=-24,
        high=24, called="The transposition",
    )  # fmt: skip
    keep_octave: bool = option(
        False, "Move by octaves only where the instrument cannot reach the melody.", label="Keep the octave"
    )

    @property
    def targets(self) -> tuple[str, ...]:
        """All that are to be heard, the first of them `target`."""
        return (self.target, *self.also)

    def validate(self) -> None:
        """Refuse an instrument that is to become itself, or that is named twice."""
        wanted = (*self.targets, *([self.second] if self.second else []))
        if self.source in wanted:
            raise RequestError(f"--from and --to are both {self.source}; two instruments are wanted.")
        if len(set(wanted)) < len(wanted):
            raise RequestError(f"An instrument is named twice among {', '.join(wanted)}.")

    def checkpoint(self) -> Path:
        for name in (self.source, *self.targets, self.second):
            if name not in (None, *known()) and not (name in (AUTO, VOICE) and name == self.source):
                raise RequestError(f"No weights know the instrument '{name}'; choose {', '.join(known())}.")
        return PATH

    @property
    def title(self) -> str:
        return f"{self.input.title}, {self.source} to {' and '.join(self.targets)}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """The instruments between which there is a way."""
        return {"from": [AUTO, VOICE, *known()], "to": list(known())}
