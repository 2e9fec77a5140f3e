"""Checkpoints: a folder of `model.safetensors` (no pickle, ever), `config.json` and a model card `README.md`.

`config.json` holds the system's name, the format's version, the model's configuration, what it was trained on and
under which licence, seed, steps, metrics, and the sha256 of the weights. Loading is strict: every refusal names the
file, what was expected and what was found. Both files are written whole or not at all.

Weights are read as arrays; PyTorch is imported only where a module is filled or saved.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from engine import RequestError
from engine.core.stop import tidying

if TYPE_CHECKING:
    import torch

Model = TypeVar("Model")

FORMAT = 1  # raised whenever an older engine could not read what a newer one writes
MAX_BYTES = 16 * 2**20  # a weights file; larger ones are refused before they are read


@dataclass(frozen=True)
class Checkpoint:
    weights: dict[str, np.ndarray]  # float32 whatever they are stored as; integers as they are
    config: dict[str, Any]  # the whole of config.json
    sha256: str  # of model.safetensors, in hex

    @property
    def model(self) -> dict[str, Any]:
        """The model's own configuration."""
        model: dict[str, Any] = self.config["model"]
        return model


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash or a full disk leaves either the old one or the new one, never half of one."""
    with tidying():
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def save(
    folder: Path | str,
    *,
    system: str,
    weights: dict[str, torch.Tensor],
    model: dict[str, Any],
    half: bool = False,
    **facts: Any,
) -> str:
    """Save weights (as float16 where `half`) and configuration; returns the weights' sha256.

    `facts` go into config.json beside the model: data, licence, seed, steps, metrics, … anything JSON can hold.
    """
    from safetensors.torch import save as save_safetensors

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = save_safetensors(
        {
            name: (w.detach().cpu().half() if half and w.is_floating_point() else w.detach().cpu()).contiguous()
            for name, w in weights.items()
        }
    )
    if len(content) > MAX_BYTES:
        raise ValueError(f"{len(content) / 2**20:.1f} MiB of weights; a checkpoint holds at most {MAX_BYTES >> 20}")
    sha256 = hashlib.sha256(content).hexdigest()
    config = {"system": system, "format": FORMAT, "model": model, "sha256": sha256, **facts}
    write_whole(folder / "model.safetensors", content)
    write_whole(folder / "config.json", json.dumps(config, indent=1, ensure_ascii=False).encode() + b"\n")
    return sha256


def update(folder: Path | str, **facts: Any) -> None:
    """Add or replace facts (metrics after an evaluation, say) in a checkpoint's config.json."""
    path = Path(folder) / "config.json"
    config = read_config(folder)
    config.update(facts)
    write_whole(path, json.dumps(config, indent=1, ensure_ascii=False).encode() + b"\n")


def read_config(folder: Path | str) -> dict[str, Any]:
    """config.json of a checkpoint, checked to be one; the weights are not looked at."""
    path = Path(folder) / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RequestError(
            f"There is no checkpoint at {folder}: config.json is missing; fetch it from the repository, or train anew."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RequestError(f"{path} is damaged: expected JSON, found {type(error).__name__}.") from None
    if not isinstance(config, dict) or not {"system", "format", "model", "sha256"} <= config.keys():
        raise RequestError(f"{path} is not a checkpoint's: expected the keys system, format, model and sha256.")
    return config


def load(folder: Path | str, system: str) -> Checkpoint:
    """Load and verify a checkpoint of `system`. Refused when it is missing, damaged, foreign or newer than this."""
    folder = Path(folder)
    config = read_config(folder)
    if config["system"] != system:
        raise RequestError(f"{folder / 'config.json'} is a checkpoint of '{config['system']}'; expected '{system}'.")
    if not isinstance(config["format"], int) or config["format"] > FORMAT:
        raise RequestError(
            f"{folder / 'config.json'} is of format {config['format']}; expected at most {FORMAT}: update Bandstand."
        )
    path = folder / "model.safetensors"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RequestError(f"{path} is {path.stat().st_size >> 20} MiB; expected at most {MAX_BYTES >> 20}.")
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != config["sha256"]:
        raise RequestError(f"{path} is damaged: expected sha256 {config['sha256'][:12]}…, found {sha256[:12]}….")
    try:
        weights = load_safetensors(content)
    except SafetensorError as error:
        raise RequestError(f"{path} is damaged: expected safetensors, found {error}.") from None
    except KeyError as error:
        raise RequestError(
            f"{path} cannot be read: expected float16, float32 or whole numbers, found {error}."
        ) from None
    weights = {k: np.array(w, np.float32 if w.dtype.kind == "f" else w.dtype) for k, w in weights.items()}
    return Checkpoint(weights, config, sha256)


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """The weights of a module, as `load` gives them."""
    return {name: w.detach().cpu().numpy() for name, w in module.state_dict().items()}


def fit(expected: Mapping[str, tuple[int, ...]], weights: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Refuse weights when a name or a shape differs from what is expected."""
    shapes = {name: w.shape for name, w in weights.items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise RequestError(
                f"The weights of {path} do not fit: '{name}' expected {expected.get(name, 'no such tensor')}, "
                f"found {shapes.get(name, 'none')}."
            )


def fill(module: torch.nn.Module, weights: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Put weights into a module and freeze it in eval mode. Refused when a name or a shape differs."""
    import torch

    fit({name: tuple(w.shape) for name, w in module.state_dict().items()}, weights, path)
    module.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    module.eval().requires_grad_(False)


def renamed(weights: Mapping[str, np.ndarray], names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Weights with what their names begin with replaced: older checkpoints call some of them by other names."""

    def now(name: str) -> str:
        return next((new + name[len(old) :] for old, new in names.items() if name.startswith(old)), name)

    return {now(name): weight for name, weight in weights.items()}


def shared(load: Callable[[Path | str, str | None], Model]) -> Callable[[Path | str, str | None], Model]:
    """A `load(path, device)` that gives a model which is in use already rather than a second one of the same weights.

    Models are frozen, so that pages, takes and threads may share one; it goes when nobody uses it any more.
    """
    models: WeakValueDictionary[tuple[Path, str | None, str], Model] = WeakValueDictionary()
    loading = threading.Lock()

    def once(path: Path | str, device: str | None) -> Model:
        name = Path(path).resolve(), device, str(read_config(path)["sha256"])
        with loading:
            model = models.get(name)
            if model is None:
                models[name] = model = load(path, device)
            return model

    return once
