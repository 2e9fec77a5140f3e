"""Translation's weights, loaded: one generator for all directions, the instruments' profiles, and the classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import RequestError
from engine import device as choose_device
from engine.core import checkpoint
from engine.core.fallback import placed
from engine.translation.classifier import InstrumentClassifier
from engine.translation.profile import Profile
from engine.translation.request import PATH, VOICE

if TYPE_CHECKING:
    import numpy as np
    import torch

    from engine.translation.network import Config, Generator

CLASSIFIER = ("mean", "scale", "weight", "bias")


@dataclass(frozen=True, eq=False)
class Model:
    """A generator, the profiles of the instruments between which it translates, and what it was trained as."""

    config: Config
    generator: Generator
    profiles: dict[str, Profile]
    device: torch.device
    folder: Path
    sha256: str
    classifier: InstrumentClassifier | None = None  # tells instruments apart

    def condition(self, source: str | None, target: str) -> torch.Tensor:
        """What the generator is told of a direction, [2 instruments]; None: a source that is no instrument it knows.

        Refused where there is no such way.
        """
        names = self.config.instruments
        if source == target or not {source, target} <= {None, *names}:
            raise RequestError(f"The model {self.folder.name} does not translate {source} to {target}.")
        from engine.translation.network import instrument_onehot  # here, because PyTorch takes a second to import

        return instrument_onehot(None if source is None else names.index(source), names.index(target), len(names))


def save(folder: Path, config: Config, generator: Generator, profiles: dict[str, Profile],
         classifier: InstrumentClassifier | None = None, **facts: Any) -> str:  # fmt: skip
    """Write a checkpoint (float16); returns the weights' sha256."""
    import torch

    weights = {f"generator/{key}": w for key, w in generator.state_dict().items()}
    for name, profile in profiles.items():
        weights |= {f"profile {name}/{key}": torch.from_numpy(array) for key, array in profile.tensors().items()}
    if classifier:
        weights |= {f"ear/{key}": torch.from_numpy(getattr(classifier, key)) for key in CLASSIFIER}
    return checkpoint.save(folder, system="translation", weights=weights, model=asdict(config), half=True, **facts)


def load(path: Path | str = PATH, device: str | None = None) -> Model:
    """A frozen model from a checkpoint's folder; Refused when it is missing, damaged or another system's."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    from engine.translation.network import Config, Generator  # here, because PyTorch takes a second to import

    loaded = checkpoint.load(path, "translation")
    try:
        config = Config(**{**loaded.model, "instruments": tuple(loaded.model["instruments"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a translation model: {error}.") from None
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, weight in loaded.weights.items():
        part, _, key = key.partition("/")
        parts.setdefault(part, {})[key] = weight
    generator = Generator(config)
    checkpoint.fill(generator, parts.get("generator", {}), path)
    try:
        profiles = {name: Profile.of(parts[f"profile {name}"]) for name in config.instruments}
        stored = parts.get("ear")
        heard = (*config.instruments, VOICE)[: len(stored["bias"])] if stored else ()
        classifier = InstrumentClassifier(heard, *(stored[key] for key in CLASSIFIER)) if stored else None
    except KeyError as error:
        raise RequestError(f"The weights of {path} lack {error}.") from None
    where = placed(generator, choose_device(device))
    return Model(config, generator, profiles, where, Path(path), loaded.sha256, classifier)
