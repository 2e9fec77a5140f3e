"""What one request made: music, its texts, what has to be said of it, and the request that makes it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.audio import Audio
from engine.core.request import Contents, Request
from engine.core.song import Song

Text = bytes | Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Music:
    """What can be heard, seen and taken away."""

    song: Song | None = None
    audio: Audio | None = None  # None for a song: its sound is rendered when it is wanted
    texts: Mapping[str, Text] = field(default_factory=dict)  # file ending → content, or what makes it when asked

    @property
    def contents(self) -> Contents:
        """What it comes as."""
        return Contents(self.song is not None, self.audio is not None, tuple(self.texts))

    def text(self, ending: str) -> bytes:
        """The content of a text."""
        content = self.texts[ending]
        return content if isinstance(content, bytes) else content()


@dataclass(frozen=True, kw_only=True)
class Result(Music):
    """Music and how it came to be. A system may add what its page shows."""

    request: Request  # all that makes it again: what was left open is filled in where it has to be
    weights: str = ""  # sha256 of those that made it
    remarks: tuple[str, ...] = ()  # what a person should know, one sentence each
    report: Mapping[str, Any] = field(default_factory=dict)  # what was measured; JSON can hold it
