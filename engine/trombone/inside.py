"""Inside Trombone: what some milliseconds of a note were drawn from, and the recording that is nearest to it.

    inside.notes_of(request)                      its notes, in order, each with when it begins
    inside.moment(model, request, 0, at=0.1)      32 ms of the first: what each sample was drawn from
    inside.nearest(model, note)                   the recording nearest to it, as the weights keep it

A moment is played once more, by the same chance, up to where it ends; then the network in PyTorch reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.core.pitch import midi_hz
from engine.trombone.articulation import laid
from engine.trombone.conditions import Conditions, harmonic_prior
from engine.trombone.generate import line_of, spec_of
from engine.trombone.model import Model
from engine.trombone.network import from_level
from engine.trombone.notes import LENGTH_SECONDS, NoteSpec, conditions_of, harmonics_of, whole_curve
from engine.trombone.pitch import RATE
from engine.trombone.request import Request
from engine.trombone.sampler import prepared
from engine.trombone.takes import Take

SAMPLES = 512  # of a moment: eight frames of the upper tier


@dataclass(frozen=True)
class Begun:
    """A note, and when it begins in the whole, in seconds."""

    spec: NoteSpec
    start: float


def notes_of(request: Request) -> list[Begun]:
    """The notes that a request plays."""
    line = line_of(request)
    if line is None:
        return [Begun(spec_of(request), 0.0)]
    return [Begun(each.spec, note.start) for each, note in zip(laid(line.notes, request.articulated), line.notes)]


def told(model: Model, request: Request, number: int) -> tuple[Conditions, np.random.Generator]:
    """What the network is told of note `number`, and the chance with which it is then played."""
    generator = np.random.default_rng((request.seed % 2**63, number))
    return conditions_of(model.tables, notes_of(request)[number].spec, generator), generator


@dataclass(frozen=True)
class Moment:
    """Some samples of a note; n samples, levels 0 … 255 of which 128 is silence."""

    start: int  # of the first, in samples at 16 kHz since the note began
    levels: np.ndarray  # int [n], what was played
    probabilities: np.ndarray  # float32 [n, 256], what each was drawn from
    prior: np.ndarray  # float32 [n], the level that the harmonics alone ask for
    centre: np.ndarray  # float32 [n], the prior and the network's residual: the middle of the bell
    width: np.ndarray  # float32 [n], the bell's standard deviation
    changes: tuple[np.ndarray, np.ndarray]  # how far the state of the upper and lower tier moved, a number a frame

    @property
    def bits(self) -> float:
        """Mean surprise of what was played, in bits a sample."""
        return float(-np.log2(self.probabilities[np.arange(len(self.levels)), self.levels]).mean())


@torch.no_grad()
def moment(model: Model, request: Request, number: int, at: float) -> Moment:
    """The samples of a note from `at` seconds on, or its last ones."""
    whole, generator = told(model, request, number)
    network = model.network
    frame, ratio = network.config.frame, network.config.ratio
    big = frame * ratio
    start = max(0, min(round(at * RATE), whole.frames - SAMPLES)) // big * big
    stop = min(start + SAMPLES, whole.frames // big * big)
    played = min(stop + big, whole.frames)  # a sample's conditions look a little ahead
    part = replace(whole, phase=whole.phase[:played], prior=whole.prior[:played],
                   after=whole.after + whole.frames - played)  # fmt: skip
    levels = np.floor(model.sampler.play([part], [generator], request.temperature)[0] + 0.5).astype(np.int64)
    features, sample_features, prior = (torch.from_numpy(x)[None] for x in prepared(part, network.config, big))
    heard = torch.from_numpy(np.concatenate([np.full(big, 128), levels[:stop]]))[None]
    below, changes = _tiers(model, from_level(heard), features, start, stop)
    around = prior[:, start : stop + frame]
    out, errors = network.samples(heard[:, start + big - frame : -1], sample_features[:, start:stop], around, below)
    middle, precision = network.bell(out, errors, around[:, frame:])
    probabilities = network.distribution(out, errors, around[:, frame:]).softmax(-1)
    asked, centre = (128 + 127.5 * x[0].numpy() for x in (around[:, frame:], middle))
    return Moment(start, levels[start:stop], probabilities[0].numpy(), asked, centre, precision[0].rsqrt().numpy(),
                  changes)  # fmt: skip


def _tiers(
    model: Model, heard: torch.Tensor, features: torch.Tensor, start: int, stop: int
) -> tuple[torch.Tensor, tuple[np.ndarray, np.ndarray]]:
    """What the tiers say of the samples start … stop [1, n, dim], and how far their states moved in each frame.

    heard [1, 64 + stop] companded, 64 samples of silence before the note.
    """
    network = model.network
    frame, ratio = network.config.frame, network.config.ratio
    big = frame * ratio
    upper, lower = network.begin(1)
    if start:
        above, upper = network.upper(heard[:, :start].reshape(1, -1, big), features[:, : start // frame : ratio], upper,
                                     None)  # fmt: skip
        lately = heard[:, big - frame : big - frame + start].reshape(1, -1, frame)
        lower = network.lower(lately, features[:, : start // frame], lower, above)[1]
    below: list[torch.Tensor] = []
    changes: tuple[list[float], list[float]] = ([], [])
    for first in range(start, stop, big):
        before, row = upper, first // frame
        above, upper = network.upper(heard[:, None, first : first + big], features[:, row : row + 1], upper, None)
        changes[0].append(float((upper - before).norm()))
        for step in range(ratio):
            before, end = lower, first + big + step * frame
            said, lower = network.lower(heard[:, None, end - frame : end], features[:, row + step : row + step + 1],
                                        lower, above[:, step : step + 1])  # fmt: skip
            changes[1].append(float((lower - before).norm()))
            below.append(said)
    return torch.cat(below, 1), (np.array(changes[0]), np.array(changes[1]))


@dataclass(frozen=True)
class Recorded:
    """A recording that the network learned from, as the weights keep it: its harmonics and how loud it was."""

    midi: float
    dynamic: float
    seconds: float
    sound: np.ndarray  # float32 [n] at 16 kHz: those harmonics, so loud, and nothing else


def nearest(model: Model, note: NoteSpec) -> Recorded:
    """The recording nearest in pitch, then in dynamic and length, played by its harmonics."""
    takes = model.tables.takes
    length = np.interp(np.log(note.seconds), np.log(LENGTH_SECONDS), np.arange(len(LENGTH_SECONDS)))
    away = np.abs(takes.notes - np.array([note.midi, note.timbre, length], np.float32)) @ [1.0, 1.0, 0.5]
    row = int(np.argmin(away))
    midi, dynamic, size = (float(x) for x in takes.notes[row])
    seconds = float(np.exp(np.interp(size, np.arange(len(LENGTH_SECONDS)), np.log(LENGTH_SECONDS))))
    curve = whole_curve(takes.loudness[row], seconds)
    mean = harmonics_of(model.tables.harmonics, NoteSpec(midi, seconds, dynamic))
    harmonics = Take(takes.levels[row], takes.phases[row], takes.loudness[row]).harmonics(mean)
    phase = np.arange(round(seconds * RATE)) * float(midi_hz(midi)) / RATE
    return Recorded(midi, dynamic, seconds, harmonic_prior(phase, curve, harmonics))
