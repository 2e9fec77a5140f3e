"""What the judge hears with: a small network that was taught on recordings alone to tell instruments and dynamics.

    a note, 44.1 kHz  →  log-mel [64, frames] of its first second  →  12 numbers  →  instrument, dynamic, pitch

The Fréchet distance between two sets of notes is taken over the 12 numbers. It never saw a note that a network or a
soundfont played, nor a held-out trombone; its weights are committed beside this file, so that figures of different
days can be compared.

    python -m training train trombone --judge        (some minutes; only to make another judge)
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from training.trombone.prepare import NAMES

WEIGHTS = Path(__file__).with_name("embedding.safetensors")
RATE, SECONDS = 44_100, 1.0
MELS, WINDOW, HOP, HIGHEST_HZ = 64, 2048, 512, 12_000
FLOOR_DB = -70.0
INSTRUMENTS = (
    "trombone", "trumpet", "horn", "flute", "oboe", "clarinet", "bassoon", "saxophone", "violin", "viola", "cello",
)  # fmt: skip


def heard(samples: np.ndarray) -> np.ndarray:
    """A note's first second at 44.1 kHz from its onset, log-mel in dB below its loudest cell over 35, float32
    [64, 86]."""
    import librosa

    first = int(np.argmax(np.abs(samples) > 0.03 * np.abs(samples).max(initial=1e-9)))
    count = int(RATE * SECONDS)
    part = np.asarray(samples[first : first + count], np.float32)
    part = np.pad(part, (0, count - len(part)))
    power = librosa.feature.melspectrogram(
        y=part, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS, fmin=50, fmax=HIGHEST_HZ
    )
    level = 10 * np.log10(power / max(float(power.max()), 1e-20) + 1e-12)
    return (np.maximum(level, FLOOR_DB) / 35 + 1).astype(np.float32)[:, : count // HOP]


class Embedding(nn.Module):
    """Two convolutions over time, mean and deviation, 12 numbers."""

    def __init__(self, size: int = 12, width: int = 48) -> None:
        super().__init__()
        self.first = nn.Conv1d(MELS, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, stride=2, padding=2)
        self.out = nn.Linear(2 * width, size)
        self.labels = nn.Linear(size, len(INSTRUMENTS) + 2)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """[n, 64, frames] → [n, 12]"""
        x = F.relu(self.second(F.relu(self.first(mels))))
        return self.out(torch.cat([x.mean(dim=2), x.std(dim=2)], dim=1))


def load() -> Embedding:
    """The committed one."""
    network = Embedding()
    network.load_state_dict(load_file(WEIGHTS))
    return network.eval().requires_grad_(False)


def embed(network: Embedding, notes: Sequence[np.ndarray]) -> np.ndarray:
    """Notes at 44.1 kHz → float64 [n, 12]."""
    with torch.no_grad():
        return network(torch.from_numpy(np.stack([heard(x) for x in notes]))).double().numpy()


def examples(folder: Path, without: Collection[str], each: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mels [n, 64, frames] and labels [n, 3] (instrument, dynamic or -1, MIDI) of at most `each` notes an
    instrument; none of the files named in `without`."""
    import soundfile
    import soxr

    rows: dict[str, list[dict[str, str]]] = {name: [] for name in INSTRUMENTS}
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            known = row["kind"] == "note" and row["midi"] and row["instrument"] in rows
            if known and Path(row["file"]).name not in without:
                rows[row["instrument"]].append(row)
    rng = np.random.default_rng(seed)
    mels, labels = [], []
    for number, name in enumerate(INSTRUMENTS):
        for i in rng.permutation(len(rows[name]))[:each]:
            row = rows[name][i]
            samples, rate = soundfile.read(folder / row["file"], always_2d=True)
            mono = samples.mean(axis=1)[int(float(row["begin"]) * rate) : int(float(row["end"]) * rate)]
            if len(mono) < rate // 10:
                continue
            mels.append(heard(mono if rate == RATE else soxr.resample(mono, rate, RATE)))
            labels.append((number, NAMES.get(row["dynamic"], -1), float(row["midi"])))
    return torch.from_numpy(np.stack(mels)), torch.tensor(labels)


def fit(mels: torch.Tensor, labels: torch.Tensor, steps: int = 1500, seed: int = 0) -> Embedding:
    """Learn the labels; notes are turned a little louder or softer in parts of their spectrum while it learns."""
    torch.manual_seed(seed)
    network = Embedding()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        which = torch.randint(len(mels), (64,))
        tilt = torch.randn(64, 1, 1) * torch.linspace(-1, 1, MELS)[None, :, None] * 0.03
        out = network.labels(network(mels[which] + tilt))
        instrument, dynamic, midi = labels[which].T
        known = dynamic >= 0
        loss = F.cross_entropy(out[:, : len(INSTRUMENTS)], instrument.long())
        loss = loss + F.mse_loss(out[known, -2], dynamic[known] / 2 - 1) + F.mse_loss(out[:, -1], (midi - 60) / 20)
        loss = loss + 1e-3 * network(mels[which]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def train(folder: Path, without: Collection[str], each: int = 250, seed: int = 0) -> dict[str, float]:
    """Make the judge and write its weights; what it gets right of the notes that it learned from."""
    mels, labels = examples(folder, without, each, seed)
    network = fit(mels, labels, seed=seed)
    save_file({name: w.contiguous() for name, w in network.state_dict().items()}, WEIGHTS)
    with torch.no_grad():
        out = network.labels(network(mels))
    right = (out[:, : len(INSTRUMENTS)].argmax(dim=1) == labels[:, 0]).float().mean()
    return {"notes": len(mels), "instrument_right": round(float(right), 4)}
