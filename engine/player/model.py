"""The player's weights, loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.player.desk import Weights, rounded, weights_of
from engine.player.grammar import drum_classes
from engine.player.lanes import numbered
from engine.player.network import Config, Player

if TYPE_CHECKING:
    import numpy as np

    from engine import planner, ranker, touch
    from engine.player.candidates import Ranked

PATH = CHECKPOINTS / "player"


@dataclass(frozen=True)
class Model:
    """A loaded player: frozen, safe to use from many threads at once."""

    network: Player
    combos: tuple[tuple[int, ...], ...]  # the drums of each COMBO
    facts: Mapping[str, Any] = field(default_factory=dict)  # config.json
    rates: Mapping[str, float] = field(default_factory=dict)  # how chances are moved (desk.py), from config.json
    sha256: str = ""
    hand: touch.Model | None = None  # that strikes the notes, where it was loaded beside
    planner: planner.Model | None = None  # that draws the form of pieces, where it was loaded beside
    ranker: ranker.Model | None = None  # that chooses among candidates, where it was loaded beside

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that can be asked for."""
        return self.network.config.genres

    def check(self, genre: Iterable[str]) -> None:
        """Refuse genres that the network does not know."""
        for name in genre:
            if name not in self.genres:
                known = ", ".join(self.genres)
                raise RequestError(f"'{name}' is not a genre of this band; choose one of {known}.")

    @cached_property
    def weights(self) -> Weights:
        """As the compiled loop reads them."""
        return weights_of(self.network, self.rates)

    @cached_property
    def lately(self) -> dict[str, list[Ranked]]:
        """The sections of pieces that were played lately, by their briefs (playing.perform)."""
        return {}

    @cached_property
    def numbered(self) -> Mapping[tuple[int, ...], int]:
        """The combos' numbers."""
        return numbered(self.combos)

    @cached_property
    def classes(self) -> np.ndarray:
        """The drum classes of each drum and combo (grammar.drum_classes)."""
        return drum_classes(self.combos)


def load(path: Path | str = PATH) -> Model:
    """The player of a checkpoint folder. It plays on the processor: a compiled loop is faster there than any GPU.

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    stored = checkpoint.load(path, "player")
    combos = stored.model.get("combos", ())
    return Model(rounded(network_of(stored, path)), tuple(tuple(drums) for drums in combos), stored.config,
                 stored.config.get("rates", {}), stored.sha256)  # fmt: skip


def network_of(stored: checkpoint.Checkpoint, path: Path | str) -> Player:
    """The network of a checkpoint that was read from `path`, in eval mode. Refused where it describes another."""
    known = {each.name for each in fields(Config)}
    try:
        described = {name: value for name, value in stored.model.items() if name in known}
        config = Config(**described | {"genres": tuple(described["genres"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a player: {error}.") from None
    network = Player(config)
    checkpoint.fill(network, stored.weights, path)
    return network.eval()
