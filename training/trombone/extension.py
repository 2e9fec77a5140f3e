"""Teaches the small network above SampleRNN, and measures how SampleRNN's colour differs from recordings.

training recordings at 44.1 kHz  →  inputs and levels of their frames  →  the layers of engine/trombone/extension.py
training notes as SampleRNN plays them  →  its tables `voicing` and `noise`
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.signal import stft
from torch import nn

from engine.core.pitch import midi_hz
from engine.trombone.conditions import DYNAMICS
from engine.trombone.extension import (
    COURSE_EDGES,
    COURSE_SECONDS,
    CROSSING,
    FULL_RATE,
    INPUTS,
    LOW_EDGES,
    LOWER_EDGES,
    NOISE_EDGES,
    OUTPUTS,
    REGISTERS,
    UPPER_EDGES,
    VOICED_EDGES,
    Extension,
    band_powers,
    features_of,
    finished,
    since_onset,
    spectra,
)
from training.trombone.judge import Heard
from training.trombone.measures import noise_db

WIDTH = 48
FEWEST = 5  # notes of which a median says something
HEARD_DB = -40.0  # frames below this say nothing
SILENT_DB = -90.0
MOST_DB = 18.0  # of a table
AIR_HZ = 3500.0  # from here on noise is compared
ROOM_DB = 1.5  # of the own noise that is taken out beyond what is too much, for breath
STRIDE = 0.7  # of a difference that a round takes away
STEADY_DB = -65.0  # below a frame's whole: what a band has less of is not compared
HELD_DB = -20.0  # frames this far below the loudest are release
REACH = 6  # semitones around a register


def breath_db(samples: np.ndarray, rate: int, f0_hz: float) -> np.ndarray:
    """What lies between the harmonics of a note in each noise band, dB of what is below the crossing, float64."""
    power = (np.abs(spectra(samples, rate)) ** 2).sum(axis=0, keepdims=True)
    below = float(band_powers(power, rate, np.array([0, CROSSING]))[0, 0] / power.sum())
    bands = np.full(len(NOISE_EDGES) - 1, SILENT_DB)
    for band, (low, high) in enumerate(itertools.pairwise(NOISE_EDGES)):
        if low < rate * 0.45:
            bands[band] = noise_db(samples, rate, f0_hz, low, high) - 10 * np.log10(below)
    return bands


def low_breath_db(samples: np.ndarray, rate: int, f0_hz: float) -> np.ndarray:
    """What lies between the harmonics of a note's middle half, and below the lowest, in each of the low bands, dB of
    the whole, float64; nan where a band has no room between them."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    size = int(min(12 * rate / f0_hz, len(middle)))
    hz, _, spectrum = stft(middle, rate, window="blackmanharris", nperseg=size, boundary=None)
    power = (np.abs(spectrum) ** 2).mean(axis=1)
    between = (np.abs(hz / f0_hz - np.round(hz / f0_hz)) > 0.4) | (hz < 0.6 * f0_hz)
    bands = np.full(len(LOW_EDGES) - 1, np.nan)
    for band, (low, high) in enumerate(itertools.pairwise(LOW_EDGES)):
        inside = (hz >= low) & (hz < high)
        if (inside & between).any():
            bands[band] = 10 * np.log10(power[inside & between].mean() * inside.sum() / max(power.sum(), 1e-20) + 1e-12)
    return bands


def lacking(real: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What has to be added to bands [n] of our own for them to be real ones, dB; where a band says nothing, what its
    neighbours do."""
    missing = 10 * np.log10(np.maximum(10 ** (real / 10) - 10 ** (own / 10), 10 ** (SILENT_DB / 10)))
    known = np.flatnonzero(np.isfinite(missing))
    if not len(known):
        return np.full(len(missing), SILENT_DB)
    return np.interp(np.arange(len(missing)), known, missing[known])


def low_breath(notes: Sequence[Played], sounds: Sequence[np.ndarray]) -> np.ndarray:
    """The table of that name, float32 [5, 4, low bands], for notes that sound so: the medians around each register are
    brought to those of recordings; where a dynamic has none in a register, those of all dynamics there."""
    real = np.array([low_breath_db(n.heard.samples, FULL_RATE, n.heard.f0_hz) for n in notes])
    own = np.array([low_breath_db(x, FULL_RATE, float(midi_hz(n.midi))) for n, x in zip(notes, sounds)])
    midi, dynamics = np.array([n.midi for n in notes]), np.array([n.heard.dynamic for n in notes])
    table = np.full((len(DYNAMICS), len(REGISTERS), len(LOW_EDGES) - 1), SILENT_DB, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a band without room between harmonics in all notes
        for register, centre in enumerate(REGISTERS):
            near = np.abs(midi - centre) <= REACH
            for dynamic in range(len(DYNAMICS)):
                which = near & (dynamics == dynamic)
                which = which if which.any() else near
                if which.any():
                    medians = (np.nanmedian(values[which], axis=0) for values in (real, own))
                    table[dynamic, register] = lacking(*medians)
    return table


def course_db(samples: np.ndarray) -> np.ndarray:
    """How a note's colour goes on: levels of the course's bands, dB of a frame's whole, in the frames nearest to each
    of its times, float64 [times, bands]; nan where it has ended."""
    power = np.abs(spectra(samples, FULL_RATE)) ** 2
    since, whole = since_onset(power, FULL_RATE), power.sum(axis=1)
    bands = np.maximum(10 * np.log10(band_powers(power, FULL_RATE, COURSE_EDGES) / (whole[:, None] + 1e-12)
                                     + 1e-12), STEADY_DB)  # fmt: skip
    last = np.flatnonzero(whole > whole.max() * 10 ** (HELD_DB / 10))[-1]
    first = max(int(np.argmax(since > 0)) - 1, 0)
    borders = np.append((COURSE_SECONDS[1:] + COURSE_SECONDS[:-1]) / 2, 2 * COURSE_SECONDS[-1])
    out, begin = np.full((len(COURSE_SECONDS), len(COURSE_EDGES) - 1), np.nan), first
    for row, border in enumerate(borders):
        end = first + max(int(np.searchsorted(since[first:], border)), 1)
        if begin < min(end, last + 1):
            out[row] = bands[begin : min(end, last + 1)].mean(axis=0)
        begin = end
    return out


def course(real: np.ndarray, own: np.ndarray, dynamics: Sequence[float]) -> np.ndarray:
    """What the courses [n, times, bands] of recordings are above our own, medians by dynamic, float32 [5, times,
    bands]; where too few notes are so long, as at the time before."""
    labels = np.array(dynamics)
    out = np.zeros((len(DYNAMICS), *real.shape[1:]), np.float32)
    for dynamic in range(len(DYNAMICS)):
        which = labels == dynamic if (labels == dynamic).any() else np.ones(len(labels), bool)
        for time in range(real.shape[1]):
            apart = (real - own)[which, time]
            known = apart[np.isfinite(apart).all(axis=1)]
            if len(known) >= FEWEST:
                out[dynamic, time] = np.median(known, axis=0)
            elif time:
                out[dynamic, time] = out[dynamic, time - 1]
    return out


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

    First how much of SampleRNN's own noise has to go, and how much is missing below 1500 Hz; then, in rounds, how the
    colour goes on, and what is still different in each band as a whole.
    """
    dynamics = [note.heard.dynamic for note in notes]
    silent = replace(extension, breath=np.full_like(extension.breath, SILENT_DB))
    real = [breath_db(note.heard.samples, FULL_RATE, note.heard.f0_hz) for note in notes]
    own = [breath_db(note.finished(silent), FULL_RATE, float(midi_hz(note.midi))) for note in notes]
    air = slice(*np.searchsorted(NOISE_EDGES, (AIR_HZ, CROSSING)))
    excess = by_dynamic([(o - r)[air].mean(keepdims=True) for o, r in zip(own, real)], dynamics)[:, 0]
    extension = replace(extension, smoothing=np.clip(1 - 10 ** (-(excess + ROOM_DB) / 20), 0, 1).astype(np.float32))
    extension = replace(extension, low_breath=low_breath(notes, [note.finished(extension) for note in notes]))
    goes = np.array([course_db(note.heard.samples) for note in notes])
    for _ in range(rounds // 2):
        own = np.array([course_db(note.finished(extension)) for note in notes])
        moved_course = np.clip(extension.course + STRIDE * course(goes, own, dynamics), -MOST_DB, MOST_DB)
        extension = replace(extension, course=moved_course)
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

    silent = np.full((len(DYNAMICS), len(REGISTERS), len(LOW_EDGES) - 1), SILENT_DB, np.float32)
    still = np.zeros((len(DYNAMICS), len(COURSE_SECONDS), len(COURSE_EDGES) - 1), np.float32)
    return Extension(
        layers, zeros(VOICED_EDGES), zeros(UPPER_EDGES), zeros(NOISE_EDGES), silent, still,
        np.zeros(len(DYNAMICS), np.float32),
    )  # fmt: skip
