"""Pianorolls: the five tracks of a band, steps, rows of pitches, and a song's way into such an array and back.

A pianoroll keeps onsets apart from sustain, both bool arrays of shape [tracks, steps, 128], so that repeated notes
survive: `onsets` marks the step where a note begins and `sustain` every later step through which it still sounds.
The networks see sixteenths and the 72 pitches from C1 up, one bar of 4/4 in `STEPS` steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from engine.core.instruments import PROGRAMS
from engine.core.song import Note, Song, Track

TRACKS = ("drums", "piano", "guitar", "bass", "strings")
"""The five tracks of LPD-5 (Dong et al. 2018), in the order of every five-track array here."""

STEPS_PER_BEAT = 4  # the networks' grid: sixteenths
BEATS = 4  # of a bar of 4/4
STEPS = BEATS * STEPS_PER_BEAT  # of a bar of 4/4
LOWEST, PITCHES = 24, 72  # the networks' lowest pitch as a MIDI number, and how many rows there are from it up


def _rows() -> np.ndarray:
    rows = np.arange(128) - LOWEST
    return np.where(rows < 0, rows % 12, np.where(rows < PITCHES, rows, PITCHES - 12 + rows % 12))


_ROWS = _rows()


@overload
def fold(pitch: int) -> int: ...
@overload
def fold(pitch: np.ndarray) -> np.ndarray: ...
def fold(pitch: int | np.ndarray) -> int | np.ndarray:
    """MIDI pitch (0..127) -> row 0..71 of the networks' rolls; what lies outside moves by octaves."""
    return _ROWS[pitch] if isinstance(pitch, np.ndarray) else int(_ROWS[pitch])


def note_ends(onsets: np.ndarray, sounding: np.ndarray) -> np.ndarray:
    """The step at which a note that begins there stops: bool [steps, pitches] each -> int [steps, pitches].

    `sounding` marks sustain; whether it marks onsets too makes no difference.
    """
    steps = len(onsets)
    ends = np.empty(onsets.shape, np.int64)
    stop = np.full(onsets.shape[1], steps)
    for step in range(steps - 1, -1, -1):
        ends[step] = stop
        stop = np.where(sounding[step] & ~onsets[step], stop, step)
    return ends


def five_of(program: int, is_drum: bool) -> str:
    """Which of the five tracks a General MIDI program belongs to, by LPD-5's rule: pianos 0-7, guitars 24-31, basses
    32-39, drums by channel, and everything else that sounds with strings but percussion and effects (96 on)."""
    if is_drum:
        return "drums"
    if program < 8:
        return "piano"
    if 24 <= program < 32:
        return "guitar"
    if 32 <= program < 40:
        return "bass"
    return "strings" if program < 96 or 104 <= program < 112 else ""


def merge_to_five(song: Song) -> Song:
    """The song's notes on the five tracks of LPD-5, always all five and in the order of `TRACKS`.

    Effects and percussion that LPD-5 leaves out are left out. Where two merged tracks play the same pitch at the same
    moment the longer, louder note stands.
    """
    merged: dict[str, dict[tuple[float, int], Note]] = {name: {} for name in TRACKS}
    for track in song.tracks:
        name = five_of(track.program, track.is_drum)
        if not name:
            continue
        for note in track.notes:
            key = (note.onset, note.pitch)
            before = merged[name].get(key, note)
            merged[name][key] = replace(
                note, duration=max(note.duration, before.duration), velocity=max(note.velocity, before.velocity)
            )
    return replace(
        song,
        tracks=tuple(Track(name, PROGRAMS[name], name == "drums").with_notes(merged[name].values()) for name in TRACKS),
    )


def to_roll(song: Song, steps_per_beat: int = 4, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(onsets, sustain), bool [tracks, steps, 128]; `steps` defaults to the song's length rounded up to whole bars.

    An onset goes to the nearest step; a note lasts at least one step, and ends where the next of its pitch begins.
    Notes from `steps` on are left out.
    """
    if steps is None:
        steps = round(song.bar_lines()[-1] * steps_per_beat)
    onsets = np.zeros((len(song.tracks), steps, 128), bool)
    sustain = np.zeros_like(onsets)
    for t, track in enumerate(song.tracks):
        for note in track.notes:
            start = int(np.floor(note.onset * steps_per_beat + 0.5))
            end = max(start + 1, int(np.floor(note.end * steps_per_beat + 0.5)))
            if 0 <= start < steps:
                onsets[t, start, note.pitch] = True
                sustain[t, start + 1 : end, note.pitch] = True
    sustain &= ~onsets
    return onsets, sustain


def from_roll(
    onsets: np.ndarray,
    sustain: np.ndarray,
    steps_per_beat: int = 4,
    *,
    like: Sequence[Track] | None = None,
    velocity: int | np.ndarray = 80,
    tempo: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    title: str = "",
) -> Song:
    """The song of a pianoroll, bool [tracks, steps, 128]: a note begins at an onset and lasts while sustain goes on.

    `like` names the tracks (the five of LPD-5 by default); `velocity` is one number or an array of the roll's shape.
    Sustain without an onset before it is silent.
    """
    if onsets.shape != sustain.shape or onsets.ndim != 3 or onsets.shape[2] != 128:
        raise ValueError(f"onsets {onsets.shape} and sustain {sustain.shape} must both be [tracks, steps, 128]")
    like = like or [Track(name, PROGRAMS[name], name == "drums") for name in TRACKS]
    tracks = []
    for t, track in enumerate(like):
        notes = []
        ends = note_ends(onsets[t], sustain[t])
        for step, pitch in zip(*np.nonzero(onsets[t])):
            end = int(ends[step, pitch])
            loud = int(velocity[t, step, pitch]) if isinstance(velocity, np.ndarray) else velocity
            notes.append(Note(int(step) / steps_per_beat, (end - int(step)) / steps_per_beat, int(pitch), loud))
        tracks.append(track.with_notes(notes))
    return Song(tuple(tracks), tempo, meter, title)
