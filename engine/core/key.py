"""The key that pitches lie in, as a shift to C, and as a signature: (sharps or, below 0, flats; whether minor)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.core.song import Note, Song

MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])  # Krumhansl & Kessler 1982
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
NAMES = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
"""Tonics from seven flats of a major key on: a minor key's lies three further."""
Signature = tuple[int, bool]


def key_shift(chroma: np.ndarray) -> int:
    """Semitones (-6..5) that move a chroma histogram [12] to C major or A minor, by Krumhansl's correlation."""
    rotated = np.stack([np.roll(chroma, -k) for k in range(12)])  # [tonic, 12]
    fit = [np.array([np.corrcoef(r, p)[0, 1] for r in rotated]) for p in (MAJOR, np.roll(MINOR, 9))]
    tonic = int(np.argmax(np.nan_to_num(np.maximum(*fit))))  # the C of the window's own key
    return (-tonic + 6) % 12 - 6


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


def keyed(song: Song) -> Song:
    """The song with the key that it is heard in, where it names none."""
    notes = [note for track in song.tracks if not track.is_drum for note in track.notes]
    return song if song.keys or not notes else replace(song, keys=((0.0, key_of(notes)),))
