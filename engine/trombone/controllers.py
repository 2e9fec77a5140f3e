"""A part's controllers as a trombone plays them: bends, vibrato, breath and expression of each note.

    notes, controls of the track (beat, which, value)  →  the same notes with bend (semitones) and swell (dB) over time

Pitch bend moves the slide; modulation (CC 1) is vibrato, up to half a semitone either way; breath (CC 2) and
expression (CC 11) are loudness, 40 dB a factor of ten as General MIDI has it, no softer than 40 dB below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from engine.trombone.articulation import CUT, Played
from engine.trombone.conditions import HIGHEST, LOWEST
from engine.trombone.notes import RING

Curves = dict[str, tuple[np.ndarray, np.ndarray]]  # a controller's seconds and values
SOFTEST = 0.1  # of expression and breath, -40 dB
VIBRATO_HZ, VIBRATO_SEMITONES = 5.5, 0.5
GRID = 0.02  # seconds between the points of a bend that vibrates
STEP = 0.01  # seconds in which a controller's new value is reached


def followed(
    notes: Sequence[Played], controls: Sequence[tuple[float, str, float]], clock: Callable[[float], float]
) -> tuple[list[Played], int]:
    """The notes with what the controllers do while each sounds, and how many of them would have left the range."""
    curves: Curves = {}
    for name in {name for _, name, _ in controls}:
        points = np.array([(clock(beat), value) for beat, which, value in controls if which == name])
        curves[name] = points[:, 0], points[:, 1]
    out, held = [], 0
    for i, note in enumerate(notes):
        following = notes[i + 1].start - note.start + CUT if i + 1 < len(notes) else np.inf
        until = min(note.seconds + RING, following)  # where it is heard no more
        bend = _bend(note, curves, until)
        semitones = np.array([value for _, value in bend] or [0.0])
        kept = np.clip(semitones, LOWEST - note.midi, HIGHEST - note.midi)
        held += bool((np.abs(kept - semitones) > 1e-9).any())
        bend = tuple((at, float(value)) for (at, _), value in zip(bend, kept))
        out.append(replace(note, bend=bend, swell=_swell(note, curves, until)))
    return out, held


def _steps(
    note: Played, curve: tuple[np.ndarray, np.ndarray] | None, before: float, until: float
) -> tuple[np.ndarray, np.ndarray]:
    """A controller's values over a note as points (seconds from its onset, value), up to `until`: it stays until it
    changes."""
    if curve is None:
        return np.zeros(1), np.full(1, before)
    times, values = curve
    first = np.searchsorted(times, note.start, side="right")
    last = np.searchsorted(times, note.start + until)
    at, inside = times[first:last] - note.start, values[first:last]
    begin = values[first - 1] if first else before
    sources = np.concatenate([[begin], inside])
    points = np.concatenate([[0.0], np.column_stack([at, at + STEP]).ravel()])
    held = np.concatenate([[begin], np.column_stack([sources[:-1], inside]).ravel()])
    order = np.argsort(points, kind="stable")
    return points[order], held[order]


def _bend(note: Played, curves: Curves, until: float) -> tuple[tuple[float, float], ...]:
    times, semitones = _steps(note, curves.get("bend"), 0.0, until)
    depth_times, depth = _steps(note, curves.get("modulation"), 0.0, until)
    if not depth.any():
        return tuple(zip(times.tolist(), semitones.tolist())) if semitones.any() else ()
    grid = np.arange(0, until, GRID)
    wave = np.sin(2 * np.pi * VIBRATO_HZ * grid) * VIBRATO_SEMITONES * np.interp(grid, depth_times, depth)
    return tuple(zip(grid.tolist(), (np.interp(grid, times, semitones) + wave).tolist()))


def _swell(note: Played, curves: Curves, until: float) -> tuple[tuple[float, float], ...]:
    parts = [_steps(note, curves.get(name), 1.0, until) for name in ("breath", "expression")]
    if all((values == 1.0).all() for _, values in parts):
        return ()
    times = np.unique(np.concatenate([at for at, _ in parts]))
    db = sum(40 * np.log10(np.maximum(np.interp(times, at, values), SOFTEST)) for at, values in parts)
    return tuple(zip(times.tolist(), np.asarray(db).tolist()))
