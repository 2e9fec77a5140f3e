"""Bars for Variation (and whoever else wants them): songs cut into pianorolls of a bar, each different one kept once.

`prepare` takes songs (see `training.core.data`) and writes plain numpy arrays:

    <track>.npy     uint8 [N, 288]    the different non-empty bars of a track; `unpack` gives [2, 16, 72] (onset, held)
    index.npy       int32 [bars, 5]   for every bar of every song its row in <track>.npy, -1 where the track is silent
    offsets.npy     int64 [songs+1]   bars of song i are index[offsets[i]:offsets[i+1]]
    split.npy       uint8 [songs]     0 train, 1 val, 2 test: the file's own split, by artist and title
    genre.npy       str   [songs]

A bar has 16 steps (sixteenths) and 72 pitches (MIDI 24 to 95; other notes are folded in by octaves). The sustain plane
holds every sounding cell, also those carried over from the bar before; drums have no length, so theirs equals the onset
plane.

    python -m training prepare variation --data data --prepared prepared/variation
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core.pianoroll import PITCHES, STEPS, TRACKS, fold
from training.core.data import SongNotes, add_song_arguments, chosen_songs
from training.core.options import add_common

PACKED = 2 * STEPS * PITCHES // 8  # bytes of a packed bar
SPLITS = ("train", "val", "test")


def song_bars(
    track: np.ndarray, onset: np.ndarray, duration: np.ndarray, pitch: np.ndarray, ticks_per_beat: int = 24
) -> np.ndarray:
    """Notes of one song (ticks) -> packed bars, uint8 [5, bars, 288]. A note lasts at least one step."""
    ticks = ticks_per_beat // 4  # ticks a step
    first = (onset.astype(np.int64) + ticks // 2) // ticks
    last = np.maximum((onset.astype(np.int64) + duration + ticks // 2) // ticks, first + 1)
    last = np.where(track == 0, first + 1, last)
    bars = int(first.max()) // STEPS + 1 if len(first) else 0
    steps, row = bars * STEPS, fold(pitch)
    on = np.zeros((5, steps, PITCHES), bool)
    on[track, first, row] = True
    edge = np.zeros((5, steps + 1, PITCHES), np.int16)
    np.add.at(edge, (track, first, row), 1)
    np.add.at(edge, (track, np.minimum(last, steps), row), -1)
    held = np.cumsum(edge, axis=1, dtype=np.int16)[:, :steps] > 0
    planes = np.stack([on, held], axis=1).reshape(5, 2, bars, STEPS, PITCHES).transpose(0, 2, 1, 3, 4)
    return np.packbits(planes.reshape(5, bars, -1), axis=-1)


def prepare(songs: Iterable[SongNotes], out: Path) -> dict:
    """Write the arrays of this file's head; returns what was written, as counts."""
    seen: list[dict[bytes, int]] = [{} for _ in TRACKS]
    kept: list[list[np.ndarray]] = [[] for _ in TRACKS]
    rows, starts, splits, genres = [], [0], [], []
    for number, song in enumerate(songs):
        packed = song_bars(song.track, song.onset, song.duration, song.pitch)
        index = np.full((packed.shape[1], 5), -1, np.int32)
        for t in range(5):
            filled = np.flatnonzero(packed[t].any(axis=1))
            if not len(filled):
                continue
            bars, inverse = np.unique(packed[t, filled], axis=0, return_inverse=True)
            ids = np.empty(len(bars), np.int32)
            for i, bar in enumerate(bars):
                key = hashlib.blake2b(bar.tobytes(), digest_size=12).digest()
                ids[i] = row = seen[t].setdefault(key, len(seen[t]))
                if row == len(kept[t]):
                    kept[t].append(bar)
            index[filled, t] = ids[inverse.reshape(-1)]
        rows.append(index)
        starts.append(starts[-1] + len(index))
        splits.append(SPLITS.index(song.split))
        genres.append(song.label)
        if number % 1000 == 0:
            print(f"{number} songs, {starts[-1]} bars, different: {[len(k) for k in kept]}", flush=True)
    if not rows:
        raise RequestError("There was no song to prepare: nothing was written.")
    out.mkdir(parents=True, exist_ok=True)
    for t, name in enumerate(TRACKS):
        np.save(out / f"{name}.npy", np.stack(kept[t]) if kept[t] else np.zeros((0, PACKED), np.uint8))
    np.save(out / "index.npy", np.concatenate(rows))
    np.save(out / "offsets.npy", np.array(starts, np.int64))
    np.save(out / "split.npy", np.array(splits, np.uint8))
    np.save(out / "genre.npy", np.array(genres))
    facts = {"songs": len(rows), "bars": starts[-1], "different": {n: len(kept[t]) for t, n in enumerate(TRACKS)}}
    (out / "facts.json").write_text(json.dumps(facts, indent=1))
    return facts


def unpack(packed: np.ndarray) -> np.ndarray:
    """uint8 [..., 288] -> uint8 0/1 [..., 2, 16, 72]."""
    return np.unpackbits(packed, axis=-1).reshape(*packed.shape[:-1], 2, STEPS, PITCHES)


@dataclass(frozen=True)
class Bars:
    """The prepared arrays, opened."""

    bars: dict[str, np.ndarray]  # track -> uint8 [N, 288]
    index: np.ndarray  # int32 [bars, 5]
    offsets: np.ndarray  # int64 [songs + 1]
    split: np.ndarray  # uint8 [songs]

    @classmethod
    def open(cls, folder: Path) -> Bars:
        return cls(
            {t: np.load(folder / f"{t}.npy", mmap_mode="r") for t in TRACKS},
            np.load(folder / "index.npy"),
            np.load(folder / "offsets.npy"),
            np.load(folder / "split.npy"),
        )

    def bar_split(self) -> np.ndarray:
        """The split of every bar of `index`, uint8 [bars]."""
        return np.repeat(self.split, np.diff(self.offsets))

    def rows(self, track: str, split: str) -> tuple[np.ndarray, np.ndarray]:
        """The different bars of a track that occur in a split: their row numbers, and how often each occurs there."""
        column = self.index[self.bar_split() == SPLITS.index(split), TRACKS.index(track)]
        return np.unique(column[column >= 0], return_counts=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the songs are, and where the arrays go."""
    add_song_arguments(parser)
    add_common(parser, prepared=Path("prepared/variation"))
    parser.add_argument("--limit", type=int, help="only so many songs")


def run(args: argparse.Namespace) -> None:
    """Cut songs into bars."""
    skipped: list[str] = []
    facts = prepare(islice(chosen_songs(args, skipped), args.limit), args.prepared)
    print(*(f"skipped: {line}" for line in skipped), facts, sep="\n")
