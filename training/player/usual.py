"""What is usual in a genre and no network's to say: its tempo, and how loud each sixteenth of a bar is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.core.pianoroll import STEPS, STEPS_PER_BEAT, TRACKS
from training.band.genres import GENRES, genre_of
from training.core.data import TICKS, SongNotes


def usual(songs: Iterable[SongNotes]) -> dict[str, Any]:
    """Of songs in 4/4, by genre: `tempo_by_genre` the median tempo, `velocity_by_genre` the mean velocity of each track
    at each sixteenth of a bar, [5, 16]."""
    tempi: list[list[float]] = [[] for _ in GENRES]
    loud, notes = (np.zeros((len(GENRES), len(TRACKS), STEPS)) for _ in range(2))
    for song in songs:
        genre = int(genre_of([song.label])[0])
        if genre < 0:
            continue
        tempi[genre].append(song.tempo)
        step = (song.onset + TICKS // STEPS_PER_BEAT // 2) // (TICKS // STEPS_PER_BEAT)
        at = genre, song.track, step % STEPS
        np.add.at(loud, at, song.velocity)
        np.add.at(notes, at, 1)
    mean = loud / np.maximum(notes, 1)
    level = loud.sum(2, keepdims=True) / np.maximum(notes.sum(2, keepdims=True), 1)
    mean = np.where(notes > 0, mean, np.where(level > 0, level, 80))
    return {
        "tempo_by_genre": {g: float(np.rint(np.median(t))) if t else 120.0 for g, t in zip(GENRES, tempi)},
        "velocity_by_genre": {g: np.rint(rows).astype(int).tolist() for g, rows in zip(GENRES, mean)},
    }
