"""The hand's weights, loaded, and as the loop of playing reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.touch.network import CONTROL_FIRST, Config, Hand

PATH = CHECKPOINTS / "touch"


@dataclass(frozen=True)
class Weights:
    """float32 arrays; H hidden. A row of the table is what a value adds to the unit's gates and, straight, to what is
    said."""

    table: np.ndarray  # [all that is heard, 3 H + OUT] (network.HEARD_FIRST)
    state: np.ndarray  # [H, 3 H], what the state adds to the gates
    bias: np.ndarray  # [3 H], which is the state's own
    head: np.ndarray  # [H, OUT]


@dataclass(frozen=True)
class Model:
    """A loaded hand: frozen, safe to use from many threads at once."""

    network: Hand
    manners: Mapping[str, list[list[int]]]  # genre → bands of its songs: the manner of each track (0: rests)
    habits: Mapping[str, tuple[float, np.ndarray]] = field(default_factory=dict)
    """Track → what the logits of its sources and of none of them (network.py) are divided by, and what is then added,
    float [OWN + 1]."""
    facts: Mapping[str, Any] = field(default_factory=dict)  # config.json
    sha256: str = ""

    @cached_property
    def weights(self) -> Weights:
        """As the loop reads them."""
        stored = {name: tensor.detach() for name, tensor in self.network.named_parameters()}
        return Weights(
            self._folded(stored["known.weight"]).detach().numpy(),
            stored["unit.weight_hh_l0"].t().contiguous().numpy(),
            stored["unit.bias_hh_l0"].numpy(),
            stored["head.weight"].t().contiguous().numpy(),
        )

    def _folded(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([F.linear(x, self.network.unit.get_parameter("weight_ih_l0")), self.network.past(x)], -1)

    @torch.no_grad()
    def whole(self, genre: Mapping[str, float], controls: Sequence[int]) -> np.ndarray:
        """What genre (a mix of them; none in particular where it knows none of it) and controls (tempo, lane and
        manner) add to each note, float32 [3 H + OUT]."""
        network = self.network
        shares = torch.zeros(len(network.config.genres) + 1)
        for number, name in enumerate(network.config.genres):
            shares[number] = genre.get(name, 0)
        shares[-1] = 0 if shares.any() else 1
        said = network.controls(torch.tensor(controls) + torch.tensor(CONTROL_FIRST)).sum(0)
        x = shares / shares.sum() @ network.genre.weight + said
        return np.asarray(
            (self._folded(x) + torch.cat([network.unit.get_parameter("bias_ih_l0"), network.head.bias])).numpy()
        )


def load(path: Path | str = PATH) -> Model:
    """The hand of a checkpoint folder. It plays on the processor.

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    stored = checkpoint.load(path, "touch")
    try:
        network = Hand(Config(**stored.model | {"genres": tuple(stored.model["genres"])}))
        habits = {name: (float(one["temperature"]), np.array(one["sources"], float))
                  for name, one in stored.config.get("habits", {}).items()}  # fmt: skip
        manners = {genre: [[int(digit, 16) for digit in band] for band in bands]
                   for genre, bands in stored.config["manners"].items()}  # fmt: skip
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a touch: {error}.") from None
    checkpoint.fill(network, stored.weights, path)
    return Model(network.eval(), manners, habits, stored.config, stored.sha256)
