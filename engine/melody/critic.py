"""Which of some tunes is most like those that people play: a small network over what a tune is like (traits.py).

    plausible(critic, tunes) -> float [tunes], logits: above 0 rather a tune that people play

traits → in units of their spread over both sides, what is missing at 0 → a hidden layer → one number. It learned on
the training side alone, to tell its tunes from those that the model wrote when asked for the same (`python -m training
train melody --critic`); the judge of the evaluation has other tunes of both sides.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.melody.abc.canonical import Tune
from engine.melody.traits import TRAITS, traits

HIDDEN = 32
FAR = 4.0  # spreads: what lies further away is no more telling


@dataclass(frozen=True)
class Critic:
    """Its weights, float32, for F traits."""

    mean: np.ndarray  # [F] of the traits
    spread: np.ndarray  # [F]
    fc1: np.ndarray  # [HIDDEN, F]
    bias1: np.ndarray  # [HIDDEN]
    fc2: np.ndarray  # [HIDDEN]


def packed(array: np.ndarray) -> str:
    """An array as config.json keeps it: float16, base64."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def critic_of(config: Mapping[str, Any]) -> Critic | None:
    """The critic in a checkpoint's config.json; None where there is none, or one of other traits."""
    stored = config.get("critic")
    if not stored:
        return None
    arrays = {name: np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32) for name, text in stored.items()}
    arrays["fc1"] = arrays["fc1"].reshape(HIDDEN, -1)
    return Critic(**arrays) if arrays["fc1"].shape[1] == len(TRAITS) else None


def scaled(mean: np.ndarray, spread: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Traits [N, F] as the network reads them."""
    return np.asarray(np.clip(np.nan_to_num((rows - mean) / spread), -FAR, FAR))


def plausible(critic: Critic, tunes: Sequence[Tune]) -> np.ndarray:
    """See the head of this file."""
    from scipy.special import erf  # here, because few need it

    rows = scaled(critic.mean, critic.spread, np.stack([traits(tune) for tune in tunes]))
    hidden = rows @ critic.fc1.T + critic.bias1
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))  # GELU
    return np.asarray(hidden @ critic.fc2)
