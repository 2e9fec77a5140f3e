"""How the tracks of a result are heard: level, mute, solo; part of the result, as the browser and a take write it.

    channels = read(take.recipe.mix)            {"drums": Channel(0.8, mute=True)}; what is none is left out
    gains(channels, {"drums": 1.0, "bass": 1.0})        {"drums": 0.0, "bass": 1.0}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

LOUDEST = 1.5  # of a fader


class Channel(NamedTuple):
    """One track: its level (1 as rendered), whether it is muted, and whether only it and others like it are heard."""

    volume: float = 1.0
    mute: bool = False
    solo: bool = False


Channels = Mapping[str, Channel]  # by track


def read(written: Any) -> dict[str, Channel]:
    """The channels of JSON from anywhere, {track: [volume, mute, solo]}."""
    known = {}
    for name, values in written.items() if isinstance(written, Mapping) else ():
        try:
            volume, mute, solo = values
            known[str(name)] = Channel(min(max(0.0, float(volume)), LOUDEST), bool(mute), bool(solo))
        except (TypeError, ValueError):
            continue
    return known


def gains(channels: Channels, volumes: Mapping[str, float]) -> dict[str, float]:
    """How loud each track is heard, 0 where it is not; `volumes` are the levels where nobody chose."""
    known = {name: channels.get(name, Channel(volume)) for name, volume in volumes.items()}
    alone = any(channel.solo for channel in known.values())
    return {name: 0.0 if channel.mute or (alone and not channel.solo) else channel.volume
            for name, channel in known.items()}  # fmt: skip
