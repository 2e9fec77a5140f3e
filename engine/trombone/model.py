"""Trombone's weights, loaded, with the tables and the small network that lie beside them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import RequestError
from engine import device as chosen_device
from engine.core import checkpoint
from engine.trombone.config import Config
from engine.trombone.extension import Extension
from engine.trombone.notes import Tables
from engine.trombone.request import PATH
from engine.trombone.takes import TakeTables

if TYPE_CHECKING:
    from engine.trombone.network import SampleRNN
    from engine.trombone.sampler import Sampler


@dataclass(frozen=True)
class Model:
    """Frozen: weights and tables, read only. Any number of threads may play at once."""

    sampler: Sampler
    weights: dict[str, np.ndarray]
    tables: Tables  # what notes are made of
    extension: Extension  # what is made of their sound
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
    beside = {
        name: weights.pop(name) for name in list(weights) if name.split(".")[0] in ("tables", "takes", "extension")
    }
    try:
        tables, extension = _tables(beside), _extension(beside)
    except KeyError as error:
        raise RequestError(f"{Path(path) / 'model.safetensors'} has no {error.args[0]}.") from None
    try:
        config = Config(**stored.model)
    except TypeError as error:
        raise RequestError(f"{Path(path) / 'config.json'} describes another model: {error}.") from None
    checkpoint.fit(config.shapes(), weights, Path(path) / "model.safetensors")
    return Model(Sampler(config, weights), weights, tables, extension, stored.config, stored.sha256)


def _tables(arrays: dict[str, np.ndarray]) -> Tables:
    harmonics = arrays["tables.harmonics"]
    takes = TakeTables(**{field.name: arrays[f"takes.{field.name}"] for field in fields(TakeTables)})
    return Tables((harmonics[..., 0] + 1j * harmonics[..., 1]).astype(np.complex64), takes)


def _extension(arrays: dict[str, np.ndarray]) -> Extension:
    layers = [(arrays[f"extension.{n}.weights"], arrays[f"extension.{n}.bias"]) for n in range(3)]
    names = [field.name for field in fields(Extension) if field.name != "layers"]
    return Extension(tuple(layers), **{name: arrays[f"extension.{name}"] for name in names})


def stored_beside(tables: Tables, extension: Extension) -> dict[str, np.ndarray]:
    """The tables and the small network as a checkpoint holds them, by name."""
    harmonics = np.stack([tables.harmonics.real, tables.harmonics.imag], axis=-1)
    out = {"tables.harmonics": harmonics}
    out |= {f"takes.{field.name}": getattr(tables.takes, field.name) for field in fields(TakeTables)}
    for number, (weights, bias) in enumerate(extension.layers):
        out |= {f"extension.{number}.weights": weights, f"extension.{number}.bias": bias}
    for field in fields(Extension):
        if field.name != "layers":
            out[f"extension.{field.name}"] = getattr(extension, field.name)
    return out
