"""The player's weights, loaded."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from engine import RequestError
from engine.core import checkpoint
from engine.player.network import Config, Player


def network_of(stored: checkpoint.Checkpoint, path: Path | str) -> Player:
    """The network of a checkpoint that was read from `path`, in eval mode. Refused where it describes another."""
    known = {field.name for field in fields(Config)}
    try:
        described = {name: value for name, value in stored.model.items() if name in known}
        config = Config(**described | {"genres": tuple(described["genres"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a player: {error}.") from None
    network = Player(config)
    checkpoint.fill(network, stored.weights, path)
    return network.eval()
