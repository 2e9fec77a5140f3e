"""The sizes of Band's networks and of the music they make, without PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.core.pianoroll import BEATS

BARS = 4  # a phrase
CHORD = 12 * BEATS  # twelve pitch classes for each beat of a bar
FAINT = 0.002  # shares of a beat below this are as good as none


@dataclass(frozen=True)
class Config:
    genres: tuple[str, ...]
    latent: int = 32  # K, numbers a bar and track
    style: int = 64  # shared noise that a whole song keeps
    phrase: int = 32  # shared noise of one phrase
    track_style: int = 16  # a track's noise that a whole song keeps
    track_phrase: int = 8  # a track's noise of one phrase
    width: int = 384  # generator
    depth: int = 4  # residual blocks before the bars part
    bar_width: int = 192
    track_width: int = 224
    decoder_bar: int = 192  # channels at 1, 4 and 16 positions in a bar
    decoder_beat: int = 192
    decoder_step: int = 96

    def asdict(self) -> dict[str, Any]:
        return asdict(self)
