"""What a song's pitched notes sound like half bar by half bar: the features by which chords are heard."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np

from engine.core.chords import name_of, recognise
from engine.core.key import key_shift
from engine.core.song import Note, Song

SLOTS = 12  # of a beat
HIGHEST = 128  # above every pitch
CHORDAL = 1.15  # notes that sound at a time, from which on a song has chords


def halves(song: Song) -> np.ndarray:
    """Where the half bars of a song begin and the last ends, in beats, float [2 × bars + 1]; an upbeat is a bar."""
    lines = np.array(song.bar_lines())
    return np.sort(np.concatenate([lines, (lines[1:] + lines[:-1]) / 2]))


def sounding(notes: Iterable[Note], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How long each pitch class sounds between edges (beats, ascending), and how long it is the lowest note: float
    [spans, 12] each, in beats."""
    slots = np.rint(edges * SLOTS).astype(int)
    count = np.zeros((slots[-1] + 1, 12))
    lowest = np.full(slots[-1], HIGHEST)
    for note in notes:
        begin = min(round(note.onset * SLOTS), slots[-1])
        end = min(max(round(note.end * SLOTS), begin + 1), slots[-1])
        count[begin, note.pitch % 12] += 1
        count[end, note.pitch % 12] -= 1
        np.minimum(lowest[begin:end], note.pitch, out=lowest[begin:end])
    heard = np.cumsum(count, 0)[:-1]
    bass = np.eye(13)[np.where(lowest < HIGHEST, lowest % 12, 12)][:, :12]
    heard, bass = (np.array([each[a:b].sum(0) for a, b in pairwise(slots)]).reshape(-1, 12) / SLOTS
                   for each in (heard, bass))  # fmt: skip
    return heard, bass


@lru_cache(maxsize=32)
def chords_of(song: Song) -> tuple[str, ...]:
    """The name of the chord that sounds in each half bar (see `halves`), "" where there is none, as in all of a song of
    a single line."""
    heard, bass = sounding((note for track in song.tracks if not track.is_drum for note in track.notes), halves(song))
    if heard.sum() < CHORDAL * bass.sum():
        return ()
    key = -key_shift(heard.sum(0)) % 12
    return tuple(name_of(number, key) if number >= 0 else "" for number in recognise(heard, bass).tolist())
