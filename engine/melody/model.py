"""Melody's weights, loaded, with its alphabet and what the tunes it learned from are like."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import RequestError
from engine import device as find_device
from engine.core import checkpoint
from engine.melody.alphabet import Alphabet
from engine.melody.config import Config
from engine.melody.critic import Critic, critic_of
from engine.melody.request import PATH, kinds_of

if TYPE_CHECKING:
    import numpy as np

    from engine.melody.network import MelodyNet


class Model:
    """A loaded model, frozen. Threads may share it."""

    def __init__(
        self, sizes: Config, weights: dict[str, np.ndarray], config: dict[str, Any], sha256: str, device: str | None
    ) -> None:
        from engine.melody.sampler import Sampler, rounded  # here, because they bring numba

        weights = rounded(sizes, weights)
        self.sizes, self.weights, self.config, self.sha256, self.device = sizes, weights, config, sha256, device
        self.alphabet = Alphabet(sizes.characters)
        self.sampler = Sampler(sizes, weights)

    @cached_property
    def net(self) -> MelodyNet:
        """The network in PyTorch, on its device: scoring needs it, composing does not."""
        from engine.melody.network import MelodyNet

        net = MelodyNet(self.sizes)
        checkpoint.fill(net, self.weights, "the model")
        return net.to(find_device(self.device))

    @cached_property
    def priors(self) -> list[dict[str, Any]]:
        """What the tunes learned from are like: key, meter, unit, kind, form, style, count."""
        return list(self.config.get("priors", []))

    @cached_property
    def critic(self) -> Critic | None:
        """Who chooses among candidates."""
        return critic_of(self.config)

    @cached_property
    def kinds(self) -> list[str]:
        """The types of tune that can be asked for."""
        return kinds_of(self.priors)


def load(path: Path | str = PATH, device: str | None = None) -> Model:
    """The model in a checkpoint's folder. Composing runs on the processor, scoring on `device`."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    stored = checkpoint.load(path, "melody")
    try:
        config = Config(**stored.model)
    except TypeError as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a melody model: {error}.") from None
    sizes = 1 <= config.width <= 2048 and 1 <= config.layers <= 8 and 0 <= config.embed <= 2048
    if not sizes or Alphabet(config.characters).size != config.symbols:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a melody model: its sizes do not agree.")
    checkpoint.fit(config.shapes(), stored.weights, path)
    if device:
        find_device(device)  # refused now where it is not there
    return Model(config, stored.weights, stored.config, stored.sha256, device)
