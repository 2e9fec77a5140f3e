"""Variation's weights, loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine import RequestError
from engine import device as choose_device
from engine.core import checkpoint
from engine.core.fallback import placed
from engine.core.pianoroll import TRACKS
from engine.variation.request import PATH

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engine.variation.network import Network
    from engine.variation.predictors import NextBar
    from engine.variation.vae import VAEBank


@dataclass(frozen=True)
class Model:
    """Weights of one latent size, frozen; share it between threads freely."""

    bank: VAEBank
    mean: Mapping[str, Tensor]  # of the training songs' latents, [K]
    spread: Mapping[str, Tensor]  # L: within-song covariance = L L^T, [K, K]
    deviation: Mapping[str, Tensor]  # of the training songs' latents, [K]
    predictors: Mapping[str, NextBar]  # "piano" is MelodyNN, the others HarmonyNN
    scale: float  # of the noise
    device: torch.device
    sha256: str

    @property
    def latent(self) -> int:
        """K."""
        return self.bank.latent


def load(path: Path | str = PATH / "k32", device: str | None = None) -> Model:
    """The model of a folder, in eval mode on `device`. Refused when it is missing, damaged or another system's."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    from engine.variation.network import STORED, Network  # here, because they bring PyTorch
    from engine.variation.vae import VAEBank

    stored = checkpoint.load(path, "variation")
    try:
        network = Network(VAEBank.from_description(stored.model))
        scale = float(stored.model["scale"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RequestError(f"{Path(path) / 'config.json'} does not describe five bar VAEs.") from None
    checkpoint.fill(network, checkpoint.renamed(stored.weights, STORED), path)
    return of_network(network, scale, stored.sha256, device)


def of_network(network: Network, scale: float, sha256: str = "", device: str | None = None) -> Model:
    """A network (trained a moment ago, or loaded) as a frozen model."""
    on = placed(network, choose_device(device))
    network.eval().requires_grad_(False)
    held = dict(network.named_buffers())
    return Model(
        network.bank,
        {t: held[f"mean_{t}"] for t in TRACKS},
        {t: held[f"spread_{t}"] for t in TRACKS},
        {t: held[f"deviation_{t}"] for t in TRACKS},
        {t: cast("NextBar", network.predictors[t]) for t in TRACKS},
        scale,
        on,
        sha256,
    )
