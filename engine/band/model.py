"""Band's weights, loaded: the player's, with the planner, the ranker and the hand beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import device as choose_device
from engine.band.request import PATH
from engine.core import checkpoint

if TYPE_CHECKING:
    from engine import player


def load(path: Path | str = PATH, device: str | None = None) -> player.Model:
    """The player of a checkpoint folder, with the shipped planner, ranker and hand. They play on the processor whatever
    `device` is named; one that is not there is refused.

    Refused when a checkpoint is missing, damaged, of another system or of a newer format.
    """
    choose_device(device)
    return _load(path, None)


def writers(model: player.Model) -> str:
    """The version of what writes the notes: of all weights but those of the hand that strikes them, and of the rates by
    which the player's chances are moved."""
    parts = (model.facts, model.planner and model.planner.facts, model.ranker and model.ranker.facts)
    return _digest(*(part["sha256"] for part in parts if part), json.dumps(dict(model.rates), sort_keys=True))


def _digest(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> player.Model:
    from engine import planner, player, ranker, touch  # here, because they bring PyTorch

    model = replace(player.load(path), planner=planner.load(), ranker=ranker.load(), hand=(hand := touch.load()))
    return replace(model, sha256=_digest(writers(model), hand.sha256))
