"""The key that notes lie in, as a signature: (sharps or, below 0, flats; whether minor)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.key import MAJOR, MINOR
from engine.core.song import Note, Song

NAMES = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
"""Tonics from seven flats of a major key on: a minor key's lies three further."""
Signature = tuple[int, bool]


def key_of(notes: Sequence[Note]) -> Signature:
    """The key of notes by Krumhansl's correlation; C major for none."""
    chroma = np.bincount([note.pitch % 12 for note in notes], [note.duration for note in notes], 12)
    if not chroma.any() or np.ptp(chroma) == 0:
        return 0, False
    fits = [[np.corrcoef(np.roll(chroma, -tonic), profile)[0, 1] for tonic in range(12)] for profile in (MAJOR, MINOR)]
    minor, tonic = divmod(int(np.argmax(fits)), 12)
    return (7 * (tonic + 3 * minor) + 5) % 12 - 5, bool(minor)


def named(signature: Signature) -> str:
    """A key in words: "E minor"."""
    sharps, minor = signature
    return f"{NAMES[sharps + 7 + 3 * minor]} {'minor' if minor else 'major'}"


def signed(song: Song) -> int:
    """The major key (0 is C) of a song, or whose relative minor it lies in: as it is written where it is not C, which
    many files say for want of another; else as it is heard."""
    notes = [note for track in song.tracks if not track.is_drum for note in track.notes]
    sharps = song.keys[0][1][0] if song.keys and song.keys[0][1][0] else key_of(notes)[0]
    return sharps * 7 % 12
