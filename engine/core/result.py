"""What one command or one press of a button made: music, its texts, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.core.audio import Audio
from engine.core.song import Song


@dataclass(frozen=True)
class Result:
    song: Song | None = None
    audio: Audio | None = None  # None for a song: its sound is rendered when it is wanted
    texts: dict[str, bytes] = field(default_factory=dict)  # file ending → content, {"abc": b"X:1…"}
    settings: dict[str, Any] = field(default_factory=dict)  # all that makes it again, with the seed
    report: dict[str, Any] = field(default_factory=dict)  # what was measured or has to be said
