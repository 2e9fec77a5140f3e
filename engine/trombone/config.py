"""The sizes of the trombone's network, and so the shapes of its weights; and sound in 256 levels. Without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.trombone.conditions import FRAME_FEATURES, PHASES

LEVELS = 256  # 8 bits a sample
MU = 255.0
BEFORE, AFTER = 1, 6  # samples of the prior that the MLP sees around its own
SAMPLE_FEATURES = BEFORE + AFTER + 1 + 2 * PHASES


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    dim: int = 192  # width of every tier
    embedding: int = 16  # numbers that stand for one of the 256 levels
    frame: int = 16  # samples of the lower tier's frame, and of history that the MLP sees
    ratio: int = 4  # lower frames in an upper frame
    companding: str = "mu"  # "mu" or "linear": how 256 levels cover -1 … 1
    features: int = FRAME_FEATURES  # conditions of a frame
    sample_features: int = SAMPLE_FEATURES  # conditions of a sample
    emphasis: float = 0.0  # this share of each sample is taken from the next before companding
    prior: bool = True  # False: the thesis's conditioning (note and counters), kept as the baseline

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each of the network's weights, by its name in SampleRNN."""
        d, w = self.dim, self.frame
        out: dict[str, tuple[int, ...]] = {}
        for tier, size, up in (("upper", w * self.ratio, self.ratio), ("lower", w, w)):
            out |= {
                f"{tier}.samples.weight": (d, size), f"{tier}.samples.bias": (d,),
                f"{tier}.conditions.weight": (d, self.features),
                f"{tier}.gru.weight_ih_l0": (3 * d, d), f"{tier}.gru.weight_hh_l0": (3 * d, d),
                f"{tier}.gru.bias_ih_l0": (3 * d,), f"{tier}.gru.bias_hh_l0": (3 * d,),
                f"{tier}.upsample.weight": (up * d, d), f"{tier}.upsample.bias": (up * d,), f"{tier}.start": (d,),
            }  # fmt: skip
        return out | {
            "embedding.weight": (LEVELS, self.embedding), "history.weight": (d, w * self.embedding),
            "errors.weight": (d, w), "conditions.weight": (d, self.sample_features), "conditions.bias": (d,),
            "hidden.weight": (d, d), "hidden.bias": (d,), "output.weight": (LEVELS + 2, d),
            "output.bias": (LEVELS + 2,), "linear": (w,),
        }  # fmt: skip


def emphasised(x: np.ndarray, emphasis: float) -> np.ndarray:
    """Amplitudes [..., n + 1] → pre-emphasised ones [..., n] (x[t] - emphasis · x[t - 1]).

    Eight bits hiss alike at all frequencies, while a trombone fades towards the high ones: emphasised before and
    de-emphasised after, as in LPCNet (Valin & Skoglund 2019), the hiss fades with it.
    """
    out: np.ndarray = x[..., 1:] - np.float32(emphasis) * x[..., :-1]
    return out


def compand(x: np.ndarray, companding: str) -> np.ndarray:
    """Amplitudes -1 … 1 to companded values -1 … 1, float32 (μ-law: sign(x) ln(1 + μ|x|) / ln(1 + μ)).

    The logarithm is taken in double precision, because those of single precision differ from library to library.
    """
    x = np.clip(x, -1, 1)
    if companding == "linear":
        return x
    loud = np.log1p(np.float32(MU) * np.abs(x), dtype=np.float64).astype(np.float32)
    out: np.ndarray = np.sign(x) * loud / np.float32(np.log1p(MU))
    return out


def expand(y: np.ndarray, companding: str) -> np.ndarray:
    """The inverse of `compand`."""
    return y if companding == "linear" else np.sign(y) * np.expm1(np.abs(y) * np.log1p(MU)) / MU
