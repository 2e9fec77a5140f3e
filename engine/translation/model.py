"""Translation's weights, loaded: the generators of a pair or of all directions, and the instruments' profiles.

One checkpoint holds both generators of a pair and both profiles; `checkpoints/translation/any` holds one generator that
is conditioned on source and target, for the pairs that have no weights of their own, and the classifier.
"""

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
from engine.translation.request import PATH

if TYPE_CHECKING:
    import numpy as np
    import torch

    from engine.translation.network import Config, Generator

CLASSIFIER = ("mean", "scale", "weight", "bias")


@dataclass(frozen=True, eq=False)
class Model:
    """Generators by (source, target), the instruments' profiles, and what they were trained as."""

    config: Config
    generators: dict[str, Generator]  # "flute-trombone", …; "any" for all directions
    profiles: dict[str, Profile]
    device: torch.device
    folder: Path
    sha256: str
    classifier: InstrumentClassifier | None = None  # tells instruments apart; in `any`

    def reaches(self, source: str, target: str) -> bool:
        """Whether this model has a way from source to target."""
        return source != target and {source, target} <= set(self.config.instruments)

    def generator(self, source: str, target: str) -> tuple[Generator, torch.Tensor]:
        """The generator of a direction and what it is conditioned on, [0] or [2 instruments]."""
        if not self.reaches(source, target):
            raise RequestError(f"The model {self.folder.name} does not translate {source} to {target}.")
        import torch  # here, because it takes a second to import

        if self.config.conditioned:
            from engine.translation.network import instrument_onehot

            names = self.config.instruments
            return self.generators["any"], instrument_onehot(names.index(source), names.index(target), len(names))
        return self.generators[f"{source}-{target}"], torch.zeros(0)


def names(config: Config) -> list[str]:
    """The names of a model's generators."""
    if config.conditioned:
        return ["any"]
    a, b = config.instruments
    return [f"{a}-{b}", f"{b}-{a}"]


def save(folder: Path, config: Config, generators: dict[str, Generator], profiles: dict[str, Profile],
         classifier: InstrumentClassifier | None = None, **facts: Any) -> str:  # fmt: skip
    """Write a checkpoint (float16); returns the weights' sha256."""
    import torch

    weights = {f"{name}/{key}": w for name, g in generators.items() for key, w in g.state_dict().items()}
    for name, profile in profiles.items():
        weights |= {f"profile {name}/{key}": torch.from_numpy(array) for key, array in profile.tensors().items()}
    if classifier:
        weights |= {f"ear/{key}": torch.from_numpy(getattr(classifier, key)) for key in CLASSIFIER}
    return checkpoint.save(folder, system="translation", weights=weights, model=asdict(config), half=True, **facts)


def load(path: Path | str = PATH / "flute-trombone", device: str | None = None) -> Model:
    """A frozen model from a checkpoint's folder; Refused when it is missing, damaged or another system's."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    from torch import nn  # here, because it takes a second to import

    from engine.translation.network import STORED, Config, Generator

    loaded = checkpoint.load(path, "translation")
    try:
        config = Config(**{**loaded.model, "instruments": tuple(loaded.model["instruments"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a translation model: {error}.") from None
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, weight in loaded.weights.items():
        part, _, key = key.partition("/")
        parts.setdefault(part, {})[key] = weight
    generators = {}
    for name in names(config):
        generator = Generator(config)
        checkpoint.fill(generator, checkpoint.renamed(parts.get(name, {}), STORED), path)
        generators[name] = generator
    try:
        profiles = {name: Profile.of(parts[f"profile {name}"]) for name in config.instruments}
        stored = parts.get("ear")
        classifier = InstrumentClassifier(config.instruments, *(stored[key] for key in CLASSIFIER)) if stored else None
    except KeyError as error:
        raise RequestError(f"The weights of {path} lack {error}.") from None
    where = placed(nn.ModuleDict(generators), choose_device(device))
    return Model(config, generators, profiles, where, Path(path), loaded.sha256, classifier)
