"""Band's first stage: an autoencoder for each track's bars, whose decoder sees the chord of the whole band.

The encoder sees one track's bar [2, 16, 72] (onset and sounding cells), the decoder its latent and the chord code of
all pitched tracks; the loss is the summed cross-entropy of the cells and β times the divergence from a unit Gaussian
(Kingma & Welling 2014; Higgins et al. 2017). Only the decoders are shipped.

    python -m training.band train --stage decoders --minutes 10
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.band_model import CHORD, Config, Decoder, Residual
from training.band_data import Windows, bar_chroma
from training.variation_data import PITCHES, STEPS, TRACKS, unpack


class Encoder(nn.Module):
    """The decoder turned round: convolutions of kernel and stride 4 over time, as matrix products."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        bar, beat, step = 2 * config.decoder_bar, 2 * config.decoder_beat, 96
        self.enter = nn.Linear(2 * PITCHES, step)
        self.to_beats = nn.Linear(4 * step, beat)
        self.beat = Residual(beat)
        self.to_bar = nn.Linear(4 * beat, bar)
        self.bar = Residual(bar)
        self.leave = nn.Linear(bar, 2 * config.latent)

    def forward(self, roll: Tensor) -> tuple[Tensor, Tensor]:
        """roll [M, 2, 16, 72] -> mean and log variance, each [M, K]."""
        x = F.gelu(self.enter(roll.transpose(1, 2).reshape(-1, STEPS, 2 * PITCHES)))
        x = self.beat(F.gelu(self.to_beats(x.reshape(len(x), 4, -1))))
        mean, spread = self.leave(self.bar(F.gelu(self.to_bar(x.reshape(len(x), -1))))).chunk(2, -1)
        return mean, spread.clamp(-10, 4)


def chord_code(chroma: np.ndarray) -> np.ndarray:
    """Steps each pitch class sounds in half bars [..., 2, 12] -> chord code [..., 24]: square roots of the shares."""
    share = chroma / np.maximum(chroma.sum(-1, keepdims=True), 1e-6)
    return np.sqrt(share).reshape(*chroma.shape[:-2], CHORD).astype(np.float32)


def window_chords(windows: Windows, batch: int = 20_000) -> np.ndarray:
    """The chord codes of all windows, float16 [W, 8, 24], from all pitched tracks together."""
    total = np.zeros((*windows.index.shape[:2], 2, 12), np.float32)
    for t, name in enumerate(TRACKS[1:], 1):
        bars = windows.bars[name]
        chroma = np.concatenate([bar_chroma(unpack(bars[i : i + batch])) for i in range(0, len(bars), batch)])
        column = windows.index[:, :, t]
        total += np.where((column >= 0)[..., None, None], chroma[column], 0)
    return chord_code(total).astype(np.float16)


def reconstruction_f1(encoder: Encoder, decoder: Decoder, roll: Tensor, chord: Tensor, at: float) -> float:
    """Note F1 of onsets decoded from the latents' means, cells above probability `at`."""
    with torch.no_grad():
        found = torch.sigmoid(decoder(encoder(roll)[0], chord)[:, 0]) > at
    real = roll[:, 0] > 0
    return float(2 * (found & real).sum() / max(1, (found.sum() + real.sum()).item()))


def train_track(
    windows: Windows,
    chords: np.ndarray,
    track: str,
    folder: Path,
    config: Config,
    minutes: float,
    beta: float = 0.1,
    blind: bool = False,
    batch: int = 512,
    seed: int = 0,
    rate: float = 0.02,
) -> dict:
    """Train one track's autoencoder for `minutes` of processor time; writes <track>.pt, returns what was measured.

    blind: the decoder sees no chord (zeros), to measure what the chord is worth.
    """
    t = TRACKS.index(track)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder, decoder = Encoder(config), Decoder(config)
    column = windows.index[:, :, t]
    places = {s: np.argwhere((column >= 0) & (windows.split == k)[:, None]) for s, k in (("train", 0), ("val", 1))}
    packed = np.array(windows.bars[track])

    def draw(split: str, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        w, b = places[split][rng.integers(0, len(places[split]), n)].T
        chord = torch.from_numpy(chords[w, b].astype(np.float32))
        return torch.from_numpy(unpack(packed[column[w, b]])).float(), chord * 0 if blind else chord

    modules = nn.ModuleList([encoder, decoder])
    matrices = [p for n, p in modules.named_parameters() if p.ndim == 2 and "leave" not in n and ".enter" not in n]
    chosen = {id(p) for p in matrices}
    others = [p for p in modules.parameters() if id(p) not in chosen]
    optimizers = [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.0, momentum=0.95),
        torch.optim.AdamW(others, lr=rate / 8, betas=(0.9, 0.98), weight_decay=1e-4),
    ]
    average = {k: v.clone() for k, v in modules.state_dict().items()}
    began, step = time.process_time(), 0
    while (done := (time.process_time() - began) / (60 * minutes)) < 1:
        for optimizer, top in zip(optimizers, (rate, rate / 8)):
            for group in optimizer.param_groups:
                group["lr"] = top * min(1, (step + 1) / 50) * min(1, 1.6 * (1 - done) + 0.02)
        roll, chord = draw("train", batch, rng)
        with torch.autocast("cpu", torch.bfloat16):
            mean, spread = encoder(roll)
            mean, spread = mean.float(), spread.float()
            z = mean + torch.randn_like(mean) * (spread / 2).exp()
            logits = decoder(z, chord + 0.05 * torch.randn_like(chord) * (chord.sum(-1, keepdim=True) > 0))
        cells = F.binary_cross_entropy_with_logits(logits.float(), roll, reduction="none").sum((2, 3)).mean(0)
        divergence = 0.5 * (mean**2 + spread.exp() - 1 - spread).sum(-1).mean()
        loss = cells[0] + 0.5 * cells[1] + beta * min(1, step / 300) * divergence
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(others, 20.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        with torch.no_grad():
            for k, v in modules.state_dict().items():
                average[k].lerp_(v, 1 - min(0.995, (1 + step) / (10 + step)))
    modules.load_state_dict(average)
    modules.eval()
    roll, chord = draw("train", 4000, np.random.default_rng(1))
    scores = {at: reconstruction_f1(encoder, decoder, roll, chord, at) for at in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45)}
    at = max(scores, key=lambda a: scores[a])
    roll, chord = draw("val", 4000, np.random.default_rng(2))
    facts = {
        "track": track,
        "steps": step,
        "f1": round(reconstruction_f1(encoder, decoder, roll, chord, at), 4),
        "at": at,
        "divergence": round(divergence.item(), 1),
        "onset_loss": round(cells[0].item(), 2),
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"encoder": encoder.state_dict(), "decoder": decoder.state_dict(), "facts": facts}, folder / f"{track}.pt"
    )
    print(json.dumps(facts), flush=True)
    return facts
