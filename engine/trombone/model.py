"""Trombone's weights, loaded, with the two tables that lie beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import RequestError
from engine import device as chosen_device
from engine.core import checkpoint
from engine.trombone.config import Config
from engine.trombone.request import PATH

if TYPE_CHECKING:
    from engine.trombone.network import SampleRNN
    from engine.trombone.sampler import Sampler


@dataclass(frozen=True)
class Model:
    """Frozen: weights and tables, read only. Any number of threads may play at once."""

    sampler: Sampler
    weights: dict[str, np.ndarray]
    harmonics: np.ndarray  # complex64 [37, 5, 64], mean harmonics by pitch from LOWEST and dynamic
    loudness: np.ndarray  # float32 [5, 4, 5, 168], dB below the top, by dynamic, pitch band and length class
    config: dict[str, Any]
    sha256: str

    @cached_property
    def network(self) -> SampleRNN:
        """The network in PyTorch, for evaluation; playing does not need it."""
        from engine.trombone.network import SampleRNN

        network = SampleRNN(self.sampler.config)
        checkpoint.fill(network, self.weights, "the model")
        return network


def load(path: Path | str = PATH, device: str | None = None) -> Model:
    """The trombone of a checkpoint folder. Refused when the checkpoint is missing, damaged or foreign.

    The notes are played by the compiled loop, on the CPU, whatever the device; it is refused all the same where it is
    not there.
    """
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    from engine.trombone.sampler import Sampler  # here, because it brings numba

    if device:
        chosen_device(device)
    stored = checkpoint.load(path, "trombone")
    weights = dict(stored.weights)
    harmonics = weights.pop("tables.harmonics", None)
    loudness = weights.pop("tables.loudness", None)
    if harmonics is None or loudness is None:
        raise RequestError(f"{Path(path) / 'model.safetensors'} has no tables of harmonics and loudness.")
    try:
        config = Config(**stored.model)
    except TypeError as error:
        raise RequestError(f"{Path(path) / 'config.json'} describes another model: {error}.") from None
    checkpoint.fit(config.shapes(), weights, Path(path) / "model.safetensors")
    harmonics = (harmonics[..., 0] + 1j * harmonics[..., 1]).astype(np.complex64)
    return Model(Sampler(config, weights), weights, harmonics, loudness, stored.config, stored.sha256)
