"""What Translation can be asked for: a recording of one instrument, performed on another."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, request
from engine.core.instruments import INSTRUMENTS
from engine.core.request import File, option

PATH = CHECKPOINTS / "translation"
EVERYONE = PATH / "any"  # the weights for all directions, which tell instruments apart too
AUTO = "auto"


def learned_by(folder: Path) -> tuple[str, ...]:
    """The instruments that a checkpoint was trained on. Refused when there is none, or it is damaged."""
    return tuple(checkpoint.read_config(folder)["model"].get("instruments", ()))


def known() -> tuple[str, ...]:
    """The instruments that the shipped weights know; all of them where no weights can be read, which loading says."""
    names: set[str] = set()
    for config in PATH.glob("*/config.json"):
        with suppress(RequestError):
            names.update(learned_by(config.parent))
    return tuple(name for name in INSTRUMENTS if name in names) or tuple(INSTRUMENTS)


NAMES = ", ".join(known())


def route(source: str, target: str) -> Path:
    """The folder of the weights that translate source to target: the pair's own, or those for all directions."""
    for name in (f"{source}-{target}", f"{target}-{source}"):
        if (PATH / name / "config.json").is_file():
            return PATH / name
    if {source, target} <= set(learned_by(EVERYONE)):
        return EVERYONE
    raise RequestError(f"There are no weights that translate {source} to {target}.")


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """The same performance on another instrument."""

    SYSTEM = "translation"
    CONTENTS = request.Contents(sound=True)

    input: File = option(
        dataclasses.MISSING, "One melody instrument, up to ten minutes; WAV, FLAC, OGG or MP3.",
        called="The recording", metavar="SOUND", ending="flac",
    )  # fmt: skip
    source: str = option(AUTO, "Auto: it listens.", called="The instrument", flag="--from", label="From")
    target: str = option(
        dataclasses.MISSING, "The instrument to hear it on.", called="The instrument to play it", flag="--to",
        label="To",
    )  # fmt: skip
    amount: float = option(
        1.0, "0 keeps the recording's own timbre, 1 is all the other instrument.", low=0, high=1, called="The amount",
        label="How much",
    )  # fmt: skip
    transpose: float = option(
        0.0, "Semitones. Afterwards the melody moves by octaves where the instrument cannot reach it.", low=-24,
        high=24, called="The transposition",
    )  # fmt: skip

    def validate(self) -> None:
        """Refuse an instrument that is to become itself."""
        if self.source == self.target:
            raise RequestError(f"--from and --to are both {self.source}; two instruments are wanted.")

    def checkpoint(self) -> Path:
        for name in (self.source, self.target):
            if name not in (AUTO, *known()):
                raise RequestError(f"No weights know the instrument '{name}'; choose {NAMES}.")
        return EVERYONE if self.source == AUTO else route(self.source, self.target)

    @property
    def title(self) -> str:
        return f"{self.input.name}, {self.source} to {self.target}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """The pairs with weights of their own, and the instruments between which there is a way."""
        pairs = sorted(path.parent.name for path in PATH.glob("*-*/config.json"))
        return {"from": [AUTO, *known()], "to": list(known()), "pairs, both ways": pairs}
