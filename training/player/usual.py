"""What is usual in a genre and no network's to say: its tempo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from training.band.genres import GENRES, genre_of
from training.core.data import SongNotes


def usual(songs: Iterable[SongNotes]) -> dict[str, Any]:
    """Of songs in 4/4, by genre: `tempo_by_genre`, the median tempo."""
    tempi: list[list[float]] = [[] for _ in GENRES]
    for song in songs:
        genre = int(genre_of([song.label])[0])
        if genre >= 0:
            tempi[genre].append(song.tempo)
    return {"tempo_by_genre": {g: float(np.rint(np.median(t))) if t else 120.0 for g, t in zip(GENRES, tempi)}}
