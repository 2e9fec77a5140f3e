"""How the notes of a line are tongued, joined and cut: what each asks of the network, and how their sounds are laid.

    notes (start, seconds, midi, dynamic), an articulation  →  NoteSpec of each, and where its sound ends

A tongued note lasts as it is written and rings on until the next one begins. A slurred one has no attack: within reach
of the slide it glides from the pitch before, otherwise the lips jump, and the sound dips by about 10 dB on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.trombone.notes import DYNAMIC_POINTS, RING, NoteSpec
from engine.trombone.request import MAX_SECONDS, SHORTEST

CUT = 0.025  # seconds in which a sound is gone when the next note begins
LEGATO_GAP = 0.12  # seconds: a longer rest than this is a breath, and the next note is tongued
HELD = 0.25  # seconds that a note is held beyond the next onset before that cuts it
TRANSITION = 0.006, 0.038  # seconds that a slide or the lips take, for a semitone and for six or more
DIP = 0.045  # seconds around the onset in which slurred notes give way to one another
PARTIALS = (46, 53, 58, 62, 65, 68, 70, 72, 74, 76)  # MIDI: what the B flat trombone sounds in first position
POSITIONS = 6  # semitones that the slide reaches below


@dataclass(frozen=True)
class Articulation:
    """How much of its written length a note sounds, and how much louder it is struck."""

    share: float = 1.0
    accent: float = 0.0  # of a dynamic


ARTICULATIONS = {
    "legato": Articulation(), "tenuto": Articulation(),
    "staccato": Articulation(0.5), "marcato": Articulation(0.75, 0.7),
}  # fmt: skip


@dataclass(frozen=True)
class Played:
    """A note of a line, and what a part's controllers do while it sounds."""

    start: float  # seconds
    seconds: float
    midi: int
    dynamic: float  # 0 (pp) … 4 (ff), and a little beyond either
    bend: tuple[tuple[float, float], ...] = ()  # (seconds from its onset, semitones)
    swell: tuple[tuple[float, float], ...] = ()  # (seconds from its onset, dB)


@dataclass(frozen=True)
class Laid:
    """What is asked for a note, and how its sound goes into the line; seconds."""

    spec: NoteSpec
    until: float | None  # from its onset, where it has to be gone; None where it may ring
    rise: float = 0.0  # in which a slurred note comes up
    fall: float = CUT  # in which it goes before `until`


def partial_of(midi: int) -> int:
    """Which partial a note is usually played on: the lowest that reaches it with the slide."""
    return next((i for i, first in enumerate(PARTIALS) if first - POSITIONS <= midi <= first), len(PARTIALS))


def laid(notes: Sequence[Played], articulation: str) -> list[Laid]:
    """Every note of a line under an articulation."""
    how, slurs = ARTICULATIONS[articulation], articulation == "legato"
    out: list[Laid] = []
    joined = False
    for i, note in enumerate(notes):
        before, joined_before = (notes[i - 1] if i else note), joined
        following = notes[i + 1].start - note.start if i + 1 < len(notes) else None
        joined = slurs and following is not None and following - note.seconds < LEGATO_GAP
        seconds = note.seconds * how.share
        glide = (0.0, 0.0)
        if joined_before:
            interval = before.midi - note.midi
            size = float(np.interp(abs(interval), (1, POSITIONS), TRANSITION))
            glide = (float(interval) if partial_of(before.midi) == partial_of(note.midi) else 0.0, size)
        if joined and following is not None:
            seconds, ring = following + HELD, DIP - HELD
        else:
            ring = RING if following is None else min(RING, following + CUT - seconds)
        dynamic = float(np.clip(note.dynamic + how.accent, DYNAMIC_POINTS[0], DYNAMIC_POINTS[-1]))
        spec = NoteSpec(
            note.midi, float(np.clip(seconds, SHORTEST, MAX_SECONDS)), dynamic, ring, joined_before, glide, note.bend
        )
        until = None if following is None else following + (DIP / 2 if joined else CUT)
        out.append(Laid(spec, until, DIP * joined_before, DIP if joined else CUT))
    return out


def swelled(sound: np.ndarray, swell: Sequence[tuple[float, float]], rate: int) -> np.ndarray:
    """A sound with its level moved, dB by seconds, as expression asks."""
    if not swell:
        return sound
    times, db = zip(*swell)
    curve = np.interp(np.arange(len(sound)) / rate, times, db)
    return np.asarray(sound * 10 ** (curve / 20), np.float32)


def joined_up(notes: Sequence[Played], plan: Sequence[Laid], sounds: Sequence[np.ndarray], rate: int) -> np.ndarray:
    """All sounds where they belong, each gone where the next needs it to be, float32."""
    ends = [note.start + len(sound) / rate for note, sound in zip(notes, sounds)]
    total = np.zeros(round(max(ends, default=0.0) * rate) + rate // 10, np.float32)
    end = 0
    for note, each, whole in zip(notes, plan, sounds):
        sound = swelled(whole, note.swell, rate)
        if each.until is not None:
            sound = sound[: round(each.until * rate)].copy()
            fall = min(round(each.fall * rate), len(sound))
            sound[len(sound) - fall :] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32)) ** 2
        if each.rise:
            sound = sound.copy()
            rise = min(round(each.rise * rate), len(sound))
            sound[:rise] *= np.sin(np.linspace(0.1, np.pi / 2, rise, dtype=np.float32)) ** 2
        at = round(note.start * rate)
        total[at : at + len(sound)] += sound
        end = max(end, at + len(sound))
    return total[:end]
