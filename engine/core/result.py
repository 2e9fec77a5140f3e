"""What one request made: music, its texts, what has to be said of it, and the request that makes it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from engine.core.audio import Audio
from engine.core.byhand import REMARK
from engine.core.request import Contents, Request
from engine.core.song import Song

Text = bytes | Callable[[], bytes]
AnyResult = TypeVar("AnyResult", bound="Result")


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
    by_hand: bool = False  # whether a hand changed the notes: the request alone no longer makes them

    def with_notes(self: AnyResult, song: Song) -> AnyResult:
        """The same with notes by hand: what was made from the old ones goes."""
        remarks = (*(said for said in self.remarks if said != REMARK), REMARK)
        return replace(self, song=song, audio=None, texts={}, remarks=remarks, by_hand=True)
