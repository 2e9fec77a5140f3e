"""Teaches the small network above SampleRNN, and measures how SampleRNN's colour differs from recordings.

training recordings at 44.1 kHz  →  inputs and levels of their frames  →  the layers of engine/trombone/extension.py
training notes as SampleRNN plays them  →  its tables `voicing` and `noise`
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from engine.core.pitch import midi_hz
from engine.trombone.conditions import DYNAMICS
from engine.trombone.extension import (
    CROSSING,
    FULL_RATE,
    INPUTS,
    LOWER_EDGES,
    NOISE_EDGES,
    OUTPUTS,
    UPPER_EDGES,
    VOICED_EDGES,
    Extension,
    band_powers,
    features_of,
    finished,
    spectra,
)
from training.trombone.judge import Heard
from training.trombone.measures import noise_db

WIDTH = 48
HEARD_DB = -40.0  # frames below this say nothing
SILENT_DB = -90.0
MOST_DB = 18.0  # of a table
AIR_HZ = 3500.0  # from here on noise is compared
ROOM_DB = 1.5  # of the own noise that is taken out beyond what is too much, for breath
STRIDE = 0.7  # of a difference that a round takes away


def breath_db(samples: np.ndarray, rate: int, f0_hz: float) -> np.ndarray:
    """What lies between the harmonics of a note in each noise band, dB of what is below the crossing, float64."""
    power = (np.abs(spectra(samples, rate)) ** 2).sum(axis=0, keepdims=True)
    below = float(band_powers(power, rate, np.array([0, CROSSING]))[0, 0] / power.sum())
    bands = np.full(len(NOISE_EDGES) - 1, SILENT_DB)
    for band, (low, high) in enumerate(itertools.pairwise(NOISE_EDGES)):
        if low < rate * 0.45:
            bands[band] = noise_db(samples, rate, f0_hz, low, high) - 10 * np.log10(below)
    return bands


def examples(heard: Sequence[Heard]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs float32 [n, INPUTS] and levels in dB [n, OUTPUTS] of all frames of recordings that are loud enough."""
    inputs, targets = [], []
    for note in heard:
        power = np.abs(spectra(note.samples, FULL_RATE)) ** 2
        features = features_of(power, FULL_RATE, note.midi, note.dynamic)
        whole = band_powers(power, FULL_RATE, LOWER_EDGES).sum(axis=1, keepdims=True)
        upper = 10 * np.log10(band_powers(power, FULL_RATE, UPPER_EDGES) / (whole + 1e-12) + 1e-9)
        breath = np.broadcast_to(breath_db(note.samples, FULL_RATE, note.f0_hz), (len(power), len(NOISE_EDGES) - 1))
        loud = whole[:, 0] > whole.max() * 10 ** (HEARD_DB / 10)
        inputs.append(features[loud])
        targets.append(np.concatenate([upper, breath], axis=1)[loud])
    return np.concatenate(inputs), np.maximum(np.concatenate(targets), SILENT_DB).astype(np.float32)


def fit_layers(
    inputs: np.ndarray, targets: np.ndarray, steps: int = 3000, seed: int = 0
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Least squares in dB by AdamW over frames in random order; the layers as numpy applies them."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(INPUTS, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, OUTPUTS)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    x, y = torch.from_numpy(inputs), torch.from_numpy((targets + 40) / 20)
    for _ in range(steps):
        which = torch.randint(len(x), (512,))
        loss = (network(x[which] + 0.05 * torch.randn(512, INPUTS)) - y[which]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    return tuple((layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear)


def bands_db(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bands of a whole note at 44.1 kHz, dB of what is below the crossing, float64."""
    power = (np.abs(spectra(samples, FULL_RATE)) ** 2).sum(axis=0, keepdims=True)
    below = band_powers(power, FULL_RATE, np.array([0, CROSSING]))
    out: np.ndarray = 10 * np.log10(band_powers(power, FULL_RATE, edges) / below + 1e-9)[0]
    return out


def by_dynamic(rows: Sequence[np.ndarray], dynamics: Sequence[float]) -> np.ndarray:
    """The median row of each dynamic, float32 [5, n]; of one without notes that of all."""
    values, labels = np.array(rows), np.array(dynamics)
    return np.stack(
        [np.median(values[labels == d] if (labels == d).any() else values, axis=0) for d in range(len(DYNAMICS))]
    ).astype(np.float32)


@dataclass(frozen=True)
class Played:
    """A training note as SampleRNN plays it at 16 kHz, its phase, and the recording that it should sound like."""

    sound: np.ndarray
    phase: np.ndarray
    midi: float
    heard: Heard

    def finished(self, extension: Extension) -> np.ndarray:
        """What is heard of it."""
        rng = np.random.default_rng(0)
        return finished(self.sound, self.phase, self.midi, self.heard.dynamic, extension, rng)


def fit_tables(extension: Extension, notes: Sequence[Played], rounds: int = 4) -> Extension:
    """The same with tables by which what is heard of played notes has the bands and the breath of recordings.

    First how much of SampleRNN's own noise has to go; then, in rounds, what is still different in each band.
    """
    dynamics = [note.heard.dynamic for note in notes]
    silent = replace(extension, breath=np.full_like(extension.breath, SILENT_DB))
    real = [breath_db(note.heard.samples, FULL_RATE, note.heard.f0_hz) for note in notes]
    own = [breath_db(note.finished(silent), FULL_RATE, float(midi_hz(note.midi))) for note in notes]
    air = slice(*np.searchsorted(NOISE_EDGES, (AIR_HZ, CROSSING)))
    excess = by_dynamic([(o - r)[air].mean(keepdims=True) for o, r in zip(own, real)], dynamics)[:, 0]
    extension = replace(extension, smoothing=np.clip(1 - 10 ** (-(excess + ROOM_DB) / 20), 0, 1).astype(np.float32))
    for _ in range(rounds):
        rows: dict[str, list[np.ndarray]] = {"voicing": [], "upper": [], "breath": []}
        for note, breath in zip(notes, real):
            sound = note.finished(extension)
            for name, edges in (("voicing", VOICED_EDGES), ("upper", UPPER_EDGES)):
                rows[name].append(bands_db(note.heard.samples, edges) - bands_db(sound, edges))
            rows["breath"].append(breath - breath_db(sound, FULL_RATE, float(midi_hz(note.midi))))
        moved = {
            name: np.clip(getattr(extension, name) + STRIDE * by_dynamic(values, dynamics), -MOST_DB, MOST_DB)
            for name, values in rows.items()
        }
        extension = replace(extension, **moved)
    return extension


def untuned(layers: tuple[tuple[np.ndarray, np.ndarray], ...]) -> Extension:
    """With tables that change nothing."""

    def zeros(edges: np.ndarray) -> np.ndarray:
        return np.zeros((len(DYNAMICS), len(edges) - 1), np.float32)

    return Extension(
        layers, zeros(VOICED_EDGES), zeros(UPPER_EDGES), zeros(NOISE_EDGES), np.zeros(len(DYNAMICS), np.float32)
    )
