"""For as long as not every system has its Request: the result of before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.core.audio import Audio
from engine.core.song import Song


@dataclass(frozen=True)
class Result:
    song: Song | None = None
    audio: Audio | None = None
    texts: dict[str, bytes] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    def text(self, ending: str) -> bytes:
        return self.texts[ending]
