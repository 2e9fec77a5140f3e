"""The planner's weights, loaded, and plans drawn with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from engine.planner.network import BACK, BEGUN, LEFT, LEVELS, PHASE, RELATIONS, Config, Generator, Noise

PATH = CHECKPOINTS / "planner"
REST, NEW = -1, 0
"""In a plan: the player rests in this bar; it has a bar of its own. Above: so many bars before lies the same."""
_MEANT = np.array([REST, NEW, *BACK])
ENTRIES = 0.1
"""The share of pieces that begin as songs do, one player after the other; the others are in full swing."""
TRIES = 16
LEAST, MOSTLY = 0.35, 0.8
"""Of the players' first bars and of the band's, the shares in which there is something to hear at least."""
TAIL = 1
"""Bars of a song behind the last in which somebody plays: there its notes ring off."""


@dataclass(frozen=True)
class Model:
    """A loaded planner: frozen, safe to use from many threads at once."""

    network: Generator
    facts: Mapping[str, Any] = field(default_factory=dict)  # config.json
    sha256: str = ""


@dataclass(frozen=True)
class Plan:
    """The form of a piece."""

    form: np.ndarray  # int [bars, 5]: REST, NEW, or how many bars before lies the same
    busy: np.ndarray  # int [5], 1..7 (engine.player.levels); 1: rests throughout
    register: np.ndarray  # int [5], 1..7


def load(path: Path | str = PATH) -> Model:
    """The planner of a checkpoint folder. It draws on the processor.

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    stored = checkpoint.load(path, "planner")
    try:
        network = Generator(Config(**stored.model | {"genres": tuple(stored.model["genres"])}))
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a planner: {error}.") from None
    checkpoint.fill(network, stored.weights, path)
    return Model(network.eval(), stored.config, stored.sha256)


def place_of(begun: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Bars since the song began, and to its end with the bar itself → what the network hears, int64 [..., 3]."""
    left = np.where(left < LEFT, left, 0)
    return np.stack([np.minimum(begun, BEGUN - 1), left, begun % PHASE], -1).astype(np.int64)


def draw(
    model: Model, genre: Mapping[str, float], bars: int, seed: int, *, seeds: Mapping[str, int] | None = None,
    reach: float = 1.0, ends: bool = True,
) -> Plan:  # fmt: skip
    """The plan of so many bars in a genre or a mix of genres: the first of some in which the band is there from the
    beginning (`_enough`), for noise draws as many that are nearly empty as there are in songs.

    seeds: tracks whose players have a seed of their own. reach: how far the noise goes, 0: the most ordinary plan.
    ends: whether the last bars end the piece. A longer plan begins as the shorter one, its end aside.
    """
    for further in range(TRIES):
        plan = _drawn(model, genre, bars, seed, seeds or {}, reach, ends, further)
        if _enough(plan):
            break
    return plan


def _enough(plan: Plan) -> bool:
    """Whether two players play in the first bars, and between them often enough."""
    playing = plan.form[:PHASE] != REST
    return bool(playing.any(0).sum() >= 2 and playing.mean() >= LEAST and playing.any(1).mean() >= MOSTLY)


@torch.no_grad()
def _drawn(
    model: Model, genre: Mapping[str, float], bars: int, seed: int, seeds: Mapping[str, int], reach: float, ends: bool,
    further: int,
) -> Plan:  # fmt: skip
    config, each = model.network.config, {**dict.fromkeys(TRACKS, seed), **seeds}
    rng = np.random.default_rng([seed, 17, further])
    offset = 0 if rng.random() < ENTRIES else -(-(BEGUN - 1) // PHASE) * PHASE
    own = [np.random.default_rng([each[name], 19, number, further]) for number, name in enumerate(TRACKS)]
    noise = Noise(*(torch.from_numpy(x * reach).float()[None] for x in (
        rng.standard_normal(config.style), rng.standard_normal((bars, config.bar)),
        np.stack([one.standard_normal(config.player) for one in own]),
        np.stack([one.gumbel(size=2 * LEVELS) for one in own]),
        np.stack([one.gumbel(size=(bars, RELATIONS)) for one in own], 1),
    )))  # fmt: skip
    shares = torch.tensor([[float(genre.get(name, 0)) for name in config.genres]])
    shares = shares if shares.any() else torch.ones_like(shares)  # of no genre that it knows: of all
    here = np.arange(bars)
    place = place_of(here + offset, bars + TAIL - here if ends else np.full(bars, LEFT))
    plans = model.network(noise, shares / shares.sum(), torch.from_numpy(place)[None])
    relations, busy, register = (x[0].argmax(-1).numpy() for x in plans)
    return Plan(_MEANT[relations], busy + 1, register + 1)
