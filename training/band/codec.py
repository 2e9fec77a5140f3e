"""What Band's generator learns to make: the latents of real bars, and the chord codes of the whole band.

The autoencoders are Variation's, one an instrument (K = 32), trained before; only their encoders
are used here, and their decoders are copied into Band's checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import RequestError
from engine.band.network import BEATS, CHORD
from engine.core.pianoroll import TRACKS
from engine.variation.vae import BarVae, VaeConfig
from training.band.prepare import Windows, bar_chroma
from training.core.precision import autocast
from training.core.runs import BEST, best_weights, was_evaluated
from training.variation.prepare import PACKED, unpack


def autoencoder(folder: Path, track: str) -> BarVae:
    """A track's trained autoencoder: the best weights of the run that Variation's training leaves."""
    if not was_evaluated(folder / track):
        raise RequestError(
            f"{folder / track / BEST} is missing: train it with `python -m training train variation --latent 32`."
        )
    weights = best_weights(folder / track, "vae")
    shape = {"latent": "to_latent.bias", "step": "step_in.bias", "beat": "beat_in.bias", "bar": "bar_in.bias"}
    sizes = {name: len(weights[key]) // (2 if name == "latent" else 1) for name, key in shape.items()}
    vae = BarVae(VaeConfig(**sizes))
    vae.load_state_dict(weights)
    return vae.eval().requires_grad_(False)


def decoder_weights(vae: BarVae) -> dict[str, Tensor]:
    """The weights of its playing half, as `engine.band.network.Decoder` names them."""
    parts = ("from_latent", "bar_mix_out", "bar_out", "beat_mix_out", "beat_out", "step_out")
    return {key: w for key, w in vae.state_dict().items() if key.partition(".")[0] in parts}


@torch.no_grad()
def encode(windows: Windows, folder: Path, batch: int = 4096) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """track -> the latents of its different bars [N, K] scaled to unit size; the centre and scale [K]."""
    out = {}
    for t, name in enumerate(TRACKS):
        vae = autoencoder(folder, name)
        bars = windows.bars[name]
        parts = []
        for i in range(0, len(bars), batch):
            with autocast():
                parts.append(vae.encode(torch.from_numpy(unpack(np.array(bars[i : i + batch]))).float())[0].float())
        latent = torch.cat(parts) if parts else torch.zeros(1, vae.config.latent)
        column = windows.index[windows.split == 0][:, :, t]
        used = latent[torch.from_numpy(column[column >= 0])]
        if len(used) < 2:  # the track never plays
            used = torch.randn(100, vae.config.latent)
        centre, scale = used.mean(0), used.std(0) + 1e-3
        out[name] = ((latent - centre) / scale, centre, scale)
    return out


class ChordProbes(nn.Module):
    """For each pitched track, from a bar's (scaled) latent to the chord code of that track alone: how the critic hears
    which pitches a latent stands for, at a hundredth of the decoder's cost. [..., 4, K] -> [..., 4, 48]."""

    def __init__(self, latent: int, width: int = 64) -> None:
        super().__init__()
        tracks = len(TRACKS) - 1
        self.a = nn.Parameter(torch.randn(tracks, latent, width) / latent**0.5)
        self.bias = nn.Parameter(torch.zeros(tracks, width))
        self.b = nn.Parameter(torch.randn(tracks, width, CHORD) / width**0.5)

    def forward(self, latent: Tensor) -> Tensor:
        x = F.gelu(torch.einsum("...tk,tkw->...tw", latent, self.a) + self.bias)
        code = F.softplus(torch.einsum("...tw,twc->...tc", x, self.b))
        return F.normalize(code.unflatten(-1, (BEATS, 12)), dim=-1).flatten(-2)


def train_probes(windows: Windows, latents: list[Tensor], steps: int = 600, seed: int = 0) -> tuple[ChordProbes, float]:
    """Probes fitted to the bars of `windows`, and the mean cosine they reach (1 would be perfect)."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    probes = ChordProbes(latents[0].shape[1])
    optimizer = torch.optim.Adam(probes.parameters(), 4e-3)
    cosine = 0.0
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 4e-3 * (1 - step / steps) + 1e-5
        z, codes = [], []
        for latent, name in zip(latents[1:], TRACKS[1:]):
            bars = windows.bars[name]
            rows = rng.integers(0, max(1, len(bars)), 256)
            packed = np.array(bars[rows]) if len(bars) else np.zeros((256, PACKED), np.uint8)
            z.append(latent[torch.from_numpy(rows)])
            codes.append(torch.from_numpy(chord_code(bar_chroma(unpack(packed)))))
        target = torch.stack(codes, 1).unflatten(-1, (BEATS, 12))
        near = (probes(torch.stack(z, 1)).unflatten(-1, (BEATS, 12)) * target).sum(-1)[target.sum(-1) > 0].mean()
        optimizer.zero_grad(set_to_none=True)
        (1 - near).backward()
        optimizer.step()
        cosine = 0.98 * cosine + 0.02 * near.item()
    return probes.eval().requires_grad_(False), cosine


def chord_code(chroma: np.ndarray) -> np.ndarray:
    """Steps each pitch class sounds in beats [..., 4, 12] -> chord code [..., 48]: square roots of the shares."""
    share = chroma / np.maximum(chroma.sum(-1, keepdims=True), 1e-6)
    return np.sqrt(share).reshape(*chroma.shape[:-2], CHORD).astype(np.float32)


def window_chords(windows: Windows, batch: int = 20_000) -> np.ndarray:
    """The chord codes of all windows, float16 [W, 2 BARS, 48], from all pitched tracks together."""
    total = np.zeros((*windows.index.shape[:2], BEATS, 12), np.float32)
    for t, name in enumerate(TRACKS[1:], 1):
        bars = windows.bars[name]
        if not len(bars):
            continue
        chroma = np.concatenate([bar_chroma(unpack(bars[i : i + batch])) for i in range(0, len(bars), batch)])
        column = windows.index[:, :, t]
        total += np.where((column >= 0)[..., None, None], chroma[column], 0)
    return chord_code(total).astype(np.float16)
