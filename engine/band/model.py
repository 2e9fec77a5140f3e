"""Band's weights, loaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import RequestError
from engine import device as choose_device
from engine.band.config import Config
from engine.band.request import PATHS
from engine.core import checkpoint
from engine.core.fallback import placed
from engine.core.instruments import PROGRAMS

if TYPE_CHECKING:
    import torch

    from engine import player
    from engine.band.network import Band


@dataclass(frozen=True)
class Model:
    """A loaded band: frozen, safe to use from many threads at once."""

    network: Band
    config: Config
    facts: dict[str, Any]  # config.json
    sha256: str
    device: torch.device

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that can be asked for."""
        return self.config.genres

    @property
    def programs(self) -> dict[str, dict[str, int]]:
        """genre → track → the General MIDI program it is played with unless another is asked for."""
        return {g: PROGRAMS | self.facts.get("programs", {}).get(g, {}) for g in self.genres}


def load(path: Path | str = PATHS["player"], device: str | None = None) -> Model | player.Model:
    """The network of a checkpoint folder: the player, and the shipped hand beside it; or the GAN on `device`
    (cuda, mps or cpu; by default the best).

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model | player.Model:
    from engine import player, touch  # here, because they bring PyTorch
    from engine.band.network import STORED, Band

    if checkpoint.read_config(path).get("system") == "player":
        model, hand = player.load(path), touch.load()
        both = hashlib.sha256((model.sha256 + hand.sha256).encode()).hexdigest()
        return replace(model, hand=hand, sha256=both)
    where = choose_device(device)
    stored = checkpoint.load(path, "band")
    known = {f.name for f in fields(Config)}
    try:
        described: dict[str, Any] = {k: v for k, v in stored.config["model"].items() if k in known}
        config = Config(**described | {"genres": tuple(described["genres"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a band: {error}.") from None
    network = Band(config)
    checkpoint.fill(network, checkpoint.renamed(stored.weights, STORED), path)
    return Model(network, config, stored.config, stored.sha256, placed(network, where))
