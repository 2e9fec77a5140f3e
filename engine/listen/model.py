"""The ear's weights, loaded, and what it says of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.listen.network import Ear
from engine.listen.spectrum import features

PATH = CHECKPOINTS / "listen"
CHUNK, AROUND = 1_024, 32  # frames at once, and those beside them that are seen too


@dataclass(frozen=True)
class Model:
    """A loaded ear: frozen, safe to use from many threads at once."""

    ear: Ear
    sha256: str = ""

    @torch.no_grad()
    def chances(self, samples: np.ndarray, cents: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Of a mono recording at 16 kHz, tuned up by `cents`: the chance of each pitch in each frame [t, 77] (the last:
        none), and that a note begins [t]."""
        seen = torch.from_numpy(features(samples, cents))[None]
        pitches, onsets = [], []
        for first in range(0, seen.shape[2], CHUNK):
            begin = max(0, first - AROUND)
            pitch, onset = self.ear(seen[:, :, begin : first + CHUNK + AROUND])
            kept = slice(first - begin, first - begin + CHUNK)
            pitches.append(pitch[0, kept].softmax(-1).numpy())
            onsets.append(onset[0, kept].sigmoid().numpy())
        return np.concatenate(pitches), np.concatenate(onsets)


@lru_cache(maxsize=2)
def load(path: Path | str = PATH) -> Model:
    """The ear of a checkpoint folder; it hears on the processor.

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    stored = checkpoint.load(path, "listen")
    try:
        ear = Ear(int(stored.model["width"]))
    except (TypeError, KeyError, ValueError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe an ear: {error}.") from None
    checkpoint.fill(ear, stored.weights, path)
    return Model(ear, stored.sha256)
