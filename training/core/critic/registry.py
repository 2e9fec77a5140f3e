"""The features of the critic: each a function of a phrase, under its own name, in a family; nan where a phrase has
nothing to measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from training.core.critic.phrase import Phrase

Feature = Callable[..., float]
FEATURES: dict[str, tuple[str, Callable[[Phrase], float]]] = {}
"""name → (family, function), in the order of the columns."""


def feature(family: str, tracks: dict[str, int] | None = None) -> Callable[[Feature], Feature]:
    """Register a function of a phrase, or, with `tracks`, of a phrase and a track: once for each, "steps, piano"."""

    def register(function: Feature) -> Feature:
        name = function.__name__.replace("_", " ")
        for track, number in (tracks or {}).items():
            FEATURES[f"{name}, {track}"] = family, lambda phrase, t=number: function(phrase, t)
        if tracks is None:
            FEATURES[name] = family, function
        return function

    return register


def share(found: Iterable[bool] | np.ndarray) -> float:
    """The share of what is true; nan of nothing."""
    return mean([float(one) for one in found])


def mean(values: Sequence[float] | np.ndarray) -> float:
    """The mean; nan of nothing."""
    return float(np.mean(values)) if len(values) else float("nan")


def spread(values: Sequence[float] | np.ndarray) -> float:
    """The standard deviation; nan of fewer than two."""
    return float(np.std(values)) if len(values) > 1 else float("nan")


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """What two bool arrays share, of all that either has, 0..1; nan where both are empty."""
    either = int((a | b).sum())
    return float((a & b).sum()) / either if either else float("nan")


def overlaps(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The mean of `overlap` over pairs."""
    return mean([value for a, b in pairs if not np.isnan(value := overlap(a, b))])
