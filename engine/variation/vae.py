"""The bar VAE: one variational autoencoder an instrument, between a bar of pianoroll and a latent vector of K numbers.

    rolls  float [B, 2, 16, 72]   plane 0 onsets, plane 1 sounding cells (onsets included, also what is held over from
                                  the bar before); 16 sixteenths of a 4/4 bar; MIDI pitches 24..95
    encode(rolls) -> mu, logvar   float [B, K] each: the latent distribution, a Gaussian a dimension
    decode(z)     -> logits       float [B, 2, 16, 72]; a cell is set where sigmoid(logit) reaches the threshold

Kingma & Welling 2013 (arXiv:1312.6114). Encoder and decoder are convolutions in time over all pitches at once, with
stride equal to kernel: steps (1 x 1), beats (4 steps), the bar (4 beats), each a matrix product on reshaped rolls, with
pre-norm residual blocks (LayerNorm, GELU) between. `VAEBank` is the five of them as one checkpoint holds them.

Train it with `python -m training train variation --latent 32`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.core.layers import Residual
from engine.core.pianoroll import BEATS, PITCHES, STEPS, TRACKS


@dataclass(frozen=True)
class VaeConfig:
    latent: int = 64  # K
    step: int = 96  # width of a sixteenth's features
    beat: int = 192  # of a beat's
    bar: int = 256  # of the bar's


class BarVae(nn.Module):
    """A bar of one instrument to its latent distribution, and back."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = c = config
        self.step_in = nn.Linear(2 * PITCHES, c.step)
        self.beat_in = nn.Linear(STEPS // BEATS * c.step, c.beat)
        self.beat_mix_in = Residual(c.beat)
        self.bar_in = nn.Linear(BEATS * c.beat, c.bar)
        self.bar_mix_in = Residual(c.bar)
        self.to_latent = nn.Linear(c.bar, 2 * c.latent)
        self.from_latent = nn.Linear(c.latent, c.bar)
        self.bar_mix_out = Residual(c.bar)
        self.bar_out = nn.Linear(c.bar, BEATS * c.beat)
        self.beat_mix_out = Residual(c.beat)
        self.beat_out = nn.Linear(c.beat, STEPS // BEATS * c.step)
        self.step_out = nn.Linear(c.step, 2 * PITCHES)
        nn.init.constant_(self.step_out.bias, -4.0)  # most cells are silent

    def encode(self, rolls: Tensor) -> tuple[Tensor, Tensor]:
        """rolls [B, 2, 16, 72] -> mu, logvar [B, K]; logvar within -10..4."""
        count, c = len(rolls), self.config
        x = F.gelu(self.step_in(rolls.transpose(1, 2).reshape(count, STEPS, 2 * PITCHES)))  # [B, 16, step]
        x = self.beat_mix_in(F.gelu(self.beat_in(x.reshape(count, BEATS, -1))))  # [B, 4, beat]
        x = self.bar_mix_in(F.gelu(self.bar_in(x.reshape(count, BEATS * c.beat))))  # [B, bar]
        mu, logvar = self.to_latent(x).float().chunk(2, dim=-1)
        return mu, logvar.clamp(-10.0, 4.0)

    def decode(self, z: Tensor) -> Tensor:
        """z [B, K] -> logits [B, 2, 16, 72]."""
        count, c = len(z), self.config
        x = self.bar_mix_out(F.gelu(self.from_latent(z)))  # [B, bar]
        x = self.beat_mix_out(F.gelu(self.bar_out(x)).reshape(count, BEATS, c.beat))  # [B, 4, beat]
        x = F.gelu(self.beat_out(x)).reshape(count, STEPS, c.step)  # [B, 16, step]
        logits: Tensor = self.step_out(x)
        return logits.float().reshape(count, STEPS, 2, PITCHES).transpose(1, 2)

    def forward(self, rolls: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """rolls [B, 2, 16, 72], standard normal noise [B, K] -> logits, mu, logvar."""
        mu, logvar = self.encode(rolls)
        return self.decode(mu + noise * torch.exp(0.5 * logvar)), mu, logvar


class VAEBank(nn.Module):
    """The five VAEs of one latent size, and the threshold at which each one's cells count as set."""

    def __init__(self, configs: Mapping[str, VaeConfig], thresholds: Mapping[str, float]) -> None:
        super().__init__()
        self.vaes = nn.ModuleDict({track: BarVae(configs[track]) for track in TRACKS})
        self.thresholds = {track: float(thresholds[track]) for track in TRACKS}

    def __getitem__(self, track: str) -> BarVae:
        vae = self.vaes[track]
        assert isinstance(vae, BarVae)
        return vae

    @property
    def latent(self) -> int:
        """K."""
        return self["piano"].config.latent

    def described(self) -> dict:
        """What rebuilds this bank from a checkpoint's config."""
        return {
            "latent": self.latent,
            "vaes": {track: asdict(self[track].config) for track in TRACKS},
            "thresholds": self.thresholds,
        }

    @classmethod
    def from_description(cls, model: Mapping) -> VAEBank:
        """An untrained bank of the shape that `described` gave."""
        return cls({track: VaeConfig(**model["vaes"][track]) for track in TRACKS}, model["thresholds"])
