"""What makes one take of a note unlike the next, drawn from what training recordings do around their mean.

    tables (fitted by training/trombone/takes.py, kept with the weights), a note, a generator  →  Take

A take has harmonics a little stronger or weaker and turned, another loudness curve, harmonics that go their own slow
ways while the note is held, and a pitch that wanders. It is told to the network as the harmonic prior, the phase and
the loudness curve; what is heard is what the network makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

STEP = 256  # samples between two points of what moves slowly, 16 ms
ATTACK, MIDDLE, RELEASE = 32, 8, 128  # points of a loudness template; attack and release are 4 ms apart
LINGER = 25  # points of a release
SPREAD = 0.6  # of recordings' deviations in the levels of harmonics: with it two seeds are as unlike as two takes
NEIGHBOURS = 6  # semitones: takes of so near a pitch are drawn from


@dataclass(frozen=True)
class TakeTables:
    """Float32 all; n recordings, H harmonics."""

    notes: np.ndarray  # [n, 3] MIDI, dynamic and length class
    levels: np.ndarray  # [n, H] dB around the mean of the pitch and dynamic
    phases: np.ndarray  # [n, H] radians around it
    loudness: np.ndarray  # [n, points] dB, its loudness template
    falls: np.ndarray  # [5, H] dB that a harmonic falls more than the note does, for each dB that it falls
    movement: np.ndarray  # [5, H] standard deviation of a harmonic's slow movement, dB
    cents: np.ndarray  # [5] standard deviation of the pitch
    pace: (
        np.ndarray
    )  # [3] seconds until movement of harmonics, and of pitch, has forgotten itself to 1/e; correlation of
    # neighbouring harmonics
    tuning: np.ndarray  # [1] standard deviation of a whole take's pitch, cents

    @cached_property
    def unclear(self) -> np.ndarray:
        """Recordings whose loudness lingers about 12 dB below its sustain, bool [n]: where such a note ends is anyone's
        guess, so that its length cannot be played."""
        top = self.loudness.max(axis=1, keepdims=True)
        sustain = np.nanmedian(np.where(self.loudness >= top - 12, self.loudness, np.nan), axis=1, keepdims=True)
        lingers = np.abs(self.loudness - (sustain - 12)) < 3
        out: np.ndarray = (lingers[:, ATTACK:].sum(axis=1) > LINGER) | lingers[:, ATTACK : ATTACK + MIDDLE].any(axis=1)
        return out & (not out.all())


@dataclass(frozen=True)
class Take:
    """One draw."""

    levels: np.ndarray  # [H] dB
    phases: np.ndarray  # [H] radians
    loudness: np.ndarray  # [points] dB

    def harmonics(self, mean: np.ndarray) -> np.ndarray:
        """This take's harmonics of the mean ones, complex64 [H]."""
        out: np.ndarray = (mean * 10 ** (self.levels / 20) * np.exp(1j * self.phases)).astype(np.complex64)
        return out


def draw(tables: TakeTables, midi: float, dynamic: float, length: float, generator: np.random.Generator) -> Take:
    """A take: the harmonics of two recordings of about this pitch and dynamic, mixed so that the spread stays that of
    one (of phases; SPREAD of levels), under the loudness of one of about this length class as well."""
    near = np.abs(tables.notes - np.array([midi, dynamic, length], np.float32))
    cost = near[:, 0] / NEIGHBOURS + near[:, 1]
    first, second = generator.choice(_nearest(cost), 2)
    angle = generator.uniform(0, 2 * np.pi)
    a, b = np.cos(angle), np.sin(angle)
    shape = int(generator.choice(_nearest(cost + near[:, 2] + 100 * tables.unclear)))
    levels, phases = (a * table[first] + b * table[second] for table in (tables.levels, tables.phases))
    return Take(np.float32(SPREAD) * levels, phases, tables.loudness[shape])


def _nearest(cost: np.ndarray) -> np.ndarray:
    """The recordings that cost at most 1.2, at least eight where there are so many."""
    return np.flatnonzero(cost <= max(1.2, float(np.sort(cost)[min(7, len(cost) - 1)])))


def wandering(steps: int, width: int, seconds: float, coupling: float, generator: np.random.Generator) -> np.ndarray:
    """`width` neighbours that move slowly, each of variance 1, float64 [steps, width]: Ornstein-Uhlenbeck in time,
    autoregressive from neighbour to neighbour."""
    chance = generator.standard_normal((steps, width))
    for h in range(1, width):
        chance[:, h] = coupling * chance[:, h - 1] + np.sqrt(1 - coupling**2) * chance[:, h]
    keep = float(np.exp(-STEP / 16_000 / seconds))
    for t in range(1, steps):
        chance[t] = keep * chance[t - 1] + np.sqrt(1 - keep**2) * chance[t]
    return chance


def between_dynamics(table: np.ndarray, dynamic: float) -> np.ndarray:
    """A row of a table by dynamic, linear between two."""
    low = int(np.clip(dynamic, 0, len(table) - 2))
    part = float(np.clip(dynamic - low, 0, 1))
    out: np.ndarray = (1 - part) * table[low] + part * table[low + 1]
    return out


def gains(tables: TakeTables, dynamic: float, below_db: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How each harmonic goes through a note, factors float32 [points, H], a point every STEP samples.

    below_db [points]: how far the note is below its top.
    """
    points = len(below_db)
    moved = wandering(points, tables.movement.shape[1], float(tables.pace[0]), float(tables.pace[2]), generator)
    db = moved * between_dynamics(tables.movement, dynamic)
    db[np.argmin(below_db) :] -= np.outer(below_db, between_dynamics(tables.falls, dynamic))[np.argmin(below_db) :]
    out: np.ndarray = (10 ** (db / 20)).astype(np.float32)
    return out


def cents(tables: TakeTables, dynamic: float, frames: int, generator: np.random.Generator) -> np.ndarray:
    """How the pitch wanders around the note's, and how far the whole take is off it, cents float64 [frames]."""
    points = wandering(frames // STEP + 3, 1, float(tables.pace[1]), 0.0, generator)[:, 0]
    curve = np.interp(np.arange(frames), np.arange(len(points)) * STEP, points - points.mean())
    off = float(tables.tuning[0]) * generator.standard_normal()
    return np.asarray(curve * float(between_dynamics(tables.cents, dynamic)) + off)
