"""The ranker's weights, loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.player.bars import Bar
from engine.ranker.network import Config, Ranker
from engine.ranker.rolls import roll

PATH = CHECKPOINTS / "ranker"


@dataclass(frozen=True)
class Model:
    """A loaded ranker: frozen, safe to use from many threads at once."""

    network: Ranker
    facts: Mapping[str, Any] = field(default_factory=dict)  # config.json
    sha256: str = ""

    @torch.no_grad()
    def scores(self, candidates: Sequence[Sequence[Bar]], genre: Mapping[str, float]) -> np.ndarray:
        """How much like a song each candidate is in a genre or a mix of genres, float32 [candidates]; of bars in 4/4,
        eight at most."""
        return np.asarray(self.network(*self._inputs(candidates, genre)))

    @torch.no_grad()
    def heard(self, candidates: Sequence[Sequence[Bar]]) -> np.ndarray:
        """What the network hears in each of them on average, whatever their genre, float32 [candidates, width]."""
        return np.asarray(self.network.hear(*self._inputs(candidates, {})).mean(-1))

    def _inputs(self, candidates: Sequence[Sequence[Bar]], genre: Mapping[str, float]) -> tuple[Tensor, Tensor]:
        """Rolls, and the genre's shares; of no genre that it knows: of all."""
        shares = torch.tensor([float(genre.get(name, 0)) for name in self.network.config.genres])
        shares = shares if shares.any() else torch.ones_like(shares)
        rolls = torch.from_numpy(np.stack([roll(bars) for bars in candidates]))
        return rolls, (shares / shares.sum()).expand(len(rolls), -1)


def load(path: Path | str = PATH) -> Model:
    """The ranker of a checkpoint folder. It computes on the processor.

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    stored = checkpoint.load(path, "ranker")
    try:
        network = Ranker(Config(**stored.model | {"genres": tuple(stored.model["genres"])}))
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a ranker: {error}.") from None
    checkpoint.fill(network, stored.weights, path)
    return Model(network.eval(), stored.config, stored.sha256)
