"""How one take of a note differs from the next: what the trombone's seeds draw from, fitted on training recordings.

    prepared notes  →  the tables of engine/trombone/takes.py, float32, by name

A take's harmonics are compared with the mean of their cell (pitch and dynamic), and the deviations are kept as they
are; its loudness is kept as a template. Slow movement is what is left of a harmonic's level when loudness is
taken away: its variance is the covariance at a distance of 64 ms, so that noise, which forgets faster, does not count.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.pitch import midi_hz
from engine.trombone.conditions import DYNAMICS, HARMONICS, HOP
from engine.trombone.pitch import RATE
from engine.trombone.takes import STEP, TakeTables
from training.trombone.batches import Notes
from training.trombone.notes import loudness_template

MOST_DB = 12.0  # a larger deviation of a harmonic is no playing but a zero of the room
TUNED = 0.3  # of the spread of recordings' tuning that takes have
FOLLOWED = 0.75  # of a slow movement of the prior, as SampleRNN plays it
NEAR, FAR = 4, 16  # steps of 16 ms: distances of the two covariances
LONG = 100  # steps of a middle that says how fast things move
HELD_DB = 8.0  # below the top: the held part of a note


def harmonic_tracks(samples: np.ndarray, phase: np.ndarray, f0_hz: float) -> np.ndarray:
    """The level of each harmonic every STEP samples (over twice that), dB, float64 [n, HARMONICS]; nan above
    7.5 kHz."""
    count = len(samples) // STEP - 1
    out = np.full((max(count, 0), HARMONICS), np.nan)
    turn = np.exp(-2j * np.pi * np.asarray(phase, np.float64))
    power = np.array(samples, np.complex128)
    for h in range(min(HARMONICS, int(RATE * 0.47 / f0_hz)) if count > 0 else 0):
        power *= turn
        blocks = power[: (count + 1) * STEP].reshape(-1, STEP).sum(axis=1)
        out[:, h] = 20 * np.log10(np.abs(blocks[:-1] + blocks[1:]) / STEP + 1e-9)
    return out


def _covariance(x: np.ndarray, steps: int) -> np.ndarray:
    """Mean product of values so many steps apart, over the first axis."""
    out: np.ndarray = (x[steps:] * x[:-steps]).mean(axis=0)
    return out


def cell_deviations(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Each row less the mean of its cell, scaled so that its variance is that around the true mean; nan where a cell
    has one row."""
    out = np.full_like(values, np.nan)
    for cell in np.unique(cells):
        members = np.flatnonzero(cells == cell)
        if len(members) > 1:
            out[members] = (values[members] - values[members].mean(axis=0)) * np.sqrt(len(members) / (len(members) - 1))
    return out


def deviations(notes: Notes, which: np.ndarray) -> dict[str, np.ndarray]:
    """Levels dB and phases of harmonics around the means of their cells, and loudness templates dB."""
    index = notes.index
    midi, dynamic = index["midi"][which], index["dynamic"][which]
    bank = index["harmonics"][which]
    levels = cell_deviations(20 * np.log10(np.abs(bank) + 1e-5), midi * 8 + dynamic)
    means = cell_deviations(bank / np.maximum(np.abs(bank), 1e-9), midi * 8 + dynamic)
    around = bank / np.maximum(np.abs(bank), 1e-9)
    phases = np.angle(around * np.conj(around - means))
    curves = [notes.curve(n) for n in which]
    # A recording that is two notes, or a short one with a long echo, says nothing about how a long one is held.
    held = np.array([np.mean(c > c.max() - 15) > 0.6 for c in curves]) | (index["length"][which] < 2)
    kept = np.isfinite(levels[:, 0]) & held
    if not kept.any():  # no pitch was recorded twice: every take is the mean
        kept, levels, phases = np.ones(len(which), bool), np.zeros_like(levels), np.zeros_like(phases)
    return {
        "notes": np.stack([midi, dynamic, index["length"][which]], axis=1)[kept].astype(np.float32),
        "levels": np.clip(levels[kept], -MOST_DB, MOST_DB).astype(np.float32),
        "phases": phases[kept].astype(np.float32),
        "loudness": np.stack([loudness_template(c) for c in curves])[kept].astype(np.float32),
    }


def filled(rows: np.ndarray) -> np.ndarray:
    """Along the last axis, what is nan takes the nearest value below it."""
    out = np.array(rows)
    for h in range(1, out.shape[-1]):
        out[..., h] = np.where(np.isnan(out[..., h]), out[..., h - 1], out[..., h])
    return out


@dataclass(frozen=True)
class Movement:
    """One recording while it is held: covariances of its harmonics (mean over the first twelve) and of its pitch."""

    dynamic: int
    steps: int
    near: np.ndarray  # [HARMONICS] covariance of each harmonic's level 64 ms apart
    beside: float  # covariance with the neighbouring harmonic, first twelve
    far: float  # 256 ms apart, first twelve
    cents: tuple[float, float]  # of the pitch, 64 and 256 ms apart
    falls: np.ndarray  # [HARMONICS] dB that a harmonic falls more than the note does, a dB


def falling(tracks: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """How much faster than the note each harmonic falls in its release, dB a dB: least squares over its first 20 dB."""
    top = int(np.flatnonzero(curve > curve.max() - 3)[-1])
    down = curve[top] - curve[top:]
    last = int(np.argmax(down > 20)) or len(down)
    down, fallen = down[:last] - down[:last].mean(), tracks[top : top + last] - tracks[top : top + last].mean(axis=0)
    out: np.ndarray = -(down @ fallen) / max(float(down @ down), 1e-9)
    return out if last > 4 else np.full(tracks.shape[1], np.nan)


def recorded(notes: Notes, note: int) -> Movement | None:
    """What one recording says; None for one too short to say anything."""
    frames = notes.frames(note)
    samples = notes.part(notes.samples, note, 0, frames).astype(np.float64) / 32767
    phase = notes.part(notes.phase, note, 0, frames).astype(np.float64)
    return movement_of(samples, phase, notes.curve(note), notes.pitch(note), int(notes.index["dynamic"][note]))


def movement_of(
    samples: np.ndarray, phase: np.ndarray, loudness: np.ndarray, midi: float, dynamic: int
) -> Movement | None:
    """What a note at 16 kHz says of how it goes, given its phase in cycles [n] and its loudness curve; None for one too
    short to say anything."""
    frames = len(samples)
    tracks = harmonic_tracks(samples, phase, midi_hz(midi))
    curve = np.interp(np.arange(1, len(tracks) + 1) * STEP / HOP, np.arange(len(loudness)), loudness)
    tracks = tracks - curve[:, None]
    held = np.flatnonzero(curve > curve.max() - HELD_DB)
    inner = slice(held[0] + 8, held[-1] - 4)
    middle = tracks[inner]
    if len(middle) <= FAR + 4:
        return None
    moved = middle - middle.mean(axis=0)
    turning = np.diff(np.unwrap(phase, period=1.0))[: frames // STEP * STEP - 1]
    hz = np.add.reduceat(turning, np.arange(0, len(turning), STEP))[inner] * RATE / STEP
    cents = np.clip(1200 * np.log2(np.maximum(hz, 1.0) / np.median(hz)), -15, 15)[:, None]
    cents = cents - cents.mean()
    strong = moved[:, :12]
    return Movement(
        dynamic, len(middle), _covariance(moved, NEAR),
        float(np.nanmean(strong[NEAR:, 1:] * strong[:-NEAR, :-1])), float(np.nanmean(_covariance(strong, FAR))),
        (float(_covariance(cents, NEAR)[0]), float(_covariance(cents, FAR)[0])), falling(tracks, curve),
    )  # fmt: skip


def kept_share(steps: int, pace: float) -> float:
    """Of a slow movement's variance, what a covariance NEAR steps apart shows in a recording of so many `steps`, whose
    own mean was taken away: e^(-d/τ) less the variance of the mean, at least a fifth."""
    seconds = steps * STEP / RATE
    mean = 2 * pace / seconds - 2 * (pace / seconds) ** 2 * (1 - np.exp(-seconds / pace))
    return float(max(np.exp(-NEAR * STEP / RATE / pace) - mean, 0.2))


def pace_of(near: np.ndarray, far: np.ndarray) -> float:
    """Seconds until a movement has forgotten itself to 1/e, from its covariances NEAR and FAR steps apart."""
    ratio = float(np.clip(far.sum() / near.sum(), 0.2, 0.95))
    return (FAR - NEAR) * STEP / RATE / -np.log(ratio)


def tuning(cents: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The spread of whole takes' pitch around that of their cell, cents float32 [1]: TUNED of what recordings show,
    each of which was played alone, with nobody to be in tune with."""
    spread = cell_deviations(cents[:, None], cells)
    known = spread[np.isfinite(spread)]
    return np.full(1, TUNED * 1.48 * np.median(np.abs(known)) if len(known) else 0.0, np.float32)


def by_dynamic(rows: Sequence[Movement], values: Callable[[Movement], np.ndarray]) -> np.ndarray:
    """The median over the recordings of each dynamic, of one without recordings that of all, [5, …]."""
    out = []
    for dynamic in range(len(DYNAMICS)):
        own = [values(row) for row in rows if row.dynamic == dynamic] or [values(row) for row in rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # harmonics above the band of every note
            out.append(np.nan_to_num(filled(np.nanmedian(np.array(own), axis=0))))
    return np.stack(out)


def movements(notes: Notes, which: np.ndarray) -> dict[str, np.ndarray]:
    """How harmonics go in a release, and how they and the pitch move while held, by dynamic."""
    rows = [row for n in which if (row := recorded(notes, n)) is not None]
    if not rows:  # none is long enough to say how a held note moves: it does not
        still = np.zeros((len(DYNAMICS), HARMONICS), np.float32)
        return {
            "falls": still,
            "movement": still,
            "cents": still[:, 0],
            "pace": np.ones(3, np.float32),
        }
    steps = max(min(LONG, max(row.steps for row in rows)), FAR + 5)
    long = [row for row in rows if row.steps >= steps]
    near = np.array([np.nanmean(row.near[:12]) for row in long])
    pace = pace_of(near, np.array([row.far for row in long]))
    drift = pace_of(*np.array([row.cents for row in long]).T)
    coupling = float(
        np.clip(np.mean([row.beside for row in rows]) / np.mean([np.nanmean(r.near[:12]) for r in rows]), 0, 0.95)
    )

    variance = by_dynamic(rows, lambda row: row.near / kept_share(row.steps, pace))
    cents = by_dynamic(rows, lambda row: np.array(row.cents[:1]) / kept_share(row.steps, drift))[:, 0]
    return {
        "falls": by_dynamic(rows, lambda row: row.falls).astype(np.float32),
        "movement": (np.sqrt(np.maximum(variance, 0)) / FOLLOWED).astype(np.float32),
        "cents": np.sqrt(np.maximum(cents, 0)).astype(np.float32),
        "pace": np.array([pace, drift, coupling], np.float32),
    }


def fit(notes: Notes) -> TakeTables:
    """All tables, from training recordings in tune, each once."""
    index = notes.index
    trained = (index["split"] == 0) & (index["copy"] == 0)
    reverberant = trained & (index["room"] == 0)
    which = np.flatnonzero(reverberant if reverberant.any() else trained)
    return TakeTables(**deviations(notes, which), **movements(notes, which), tuning=np.zeros(1, np.float32))
