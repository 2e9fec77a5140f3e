"""The systems, by name. Each is a package that offers `Request`, `load` and `generate`, imported when wanted."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

from engine import Progress, RequestError
from engine.core.request import Request
from engine.core.result import Result

SYSTEMS = {
    "band": "bars of music for drums, piano, guitar, bass and strings, in a genre or a mix of genres",
    "variation": "variations of a song, what might come next in it, or a walk from it to another",
    "melody": "a folk tune in ABC notation, in the key, meter and form asked for",
    "trombone": "a trombone note of a pitch, a length and a dynamic; or a whole melody",
    "translation": "the same performance on another instrument",
    "jam": "the band plays on, bar by bar, and follows what changes on the way",
}
"""What each makes, in words."""
PLAYED_BY = {"band": "player", "jam": "player"}
"""Those without weights of their own, and whose they play with."""


class System(Protocol):
    """What a system's package offers."""

    Request: type[Request]

    def load(self, path: Path | str, device: str | None = None) -> Any:
        """The frozen model of a checkpoint's folder. Refused when it is missing, damaged or another system's."""

    def generate(self, model: Any, request: Any, *, progress: Progress | None = None) -> Result:
        """What is asked for. Same model, request and machine, same bytes."""


def system(name: str) -> System:
    """A system's package. Refused when there is none of this name."""
    if name not in SYSTEMS:
        raise RequestError(f"There is no system '{name}' here; there are {', '.join(SYSTEMS)}.")
    return cast("System", importlib.import_module(f"engine.{name}"))
