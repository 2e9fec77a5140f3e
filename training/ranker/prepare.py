"""What the ranker learns to tell apart: eight bars of songs, and eight bars that the planner and the player play.

real.npy       float16 [N, STEPS, CHANNELS]   rolls of songs (engine/ranker/rolls.py), from the player's prepared arrays
made.npy       the same of what is played, with the shipped weights and without a ranker
facts.npz      genres of both, and the splits of `real`; of what is made, the last `VALIDATED`th is for validation
facts.json     the genres' names

python -m training prepare ranker --data prepared/player --prepared prepared/ranker
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import planner
from engine.band.played import brief_of
from engine.band.request import Request
from engine.player import Bar, Model, load, phrases
from engine.player import vocabulary as v
from engine.ranker.rolls import BARS, CHANNELS, STEPS, roll
from training.core.options import add_common
from training.player.windows import STRIDE, Windows
from training.variation.prepare import SPLITS

FIRST_SEED = 4_000_000
TOGETHER = 8  # pieces
VALIDATED = 8
LEAST_BARS, LEAST_LANES = 6, 2
"""Of eight bars, how many must sound, and how many must play in them."""


def worth(bars: Sequence[Bar]) -> bool:
    """Whether there is enough in some bars to be told by."""
    sounding = [set(bar.lanes) - {v.LEAD} for bar in bars]
    return sum(map(bool, sounding)) >= LEAST_BARS and len(set().union(*sounding)) >= LEAST_LANES


def of_songs(
    windows: Windows, combos: Sequence[Sequence[int]], count: int, seed: int
) -> Iterator[tuple[list[Bar], int]]:
    """Eight bars of songs in 4/4 and their genre, genres in turn."""
    rng, genres = np.random.default_rng(seed), int(windows.genre.max()) + 1
    by_genre = [windows.songs[(windows.genre[windows.songs] == genre) & (windows.meter[windows.songs] == 0)]
                for genre in range(genres)]  # fmt: skip
    given = 0
    while given < count:
        first, end = windows.first[(song := rng.choice(by_genre[given % genres])) : song + 2]
        if end - first < BARS:
            continue
        start = int(first) + STRIDE * int(rng.integers((end - first - BARS) // STRIDE + 1))
        bars = windows.bars_of(range(start, start + BARS), combos)
        if worth(bars):
            yield bars, given % genres
            given += 1


def of_player(model: Model, count: int, seed: int) -> Iterator[tuple[list[Bar], int]]:
    """Eight bars that are played and their genre, genres in turn, each of a seed of its own."""
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        genres = [number % len(model.genres) for number in numbers]
        asked = [Request(genre={model.genres[genre]: 1.0}, seed=seed + n) for n, genre in zip(numbers, genres)]
        for bars, genre in zip(phrases(model, [brief_of(model, one) for one in asked]), genres):
            if worth(bars):
                yield bars, genre


def write(path: Path, pairs: Iterator[tuple[list[Bar], int]]) -> np.ndarray:
    """Rolls to a file; returns the genres, int8 [N]."""
    rolls, genres = [], []
    for bars, genre in pairs:
        rolls.append(roll(bars).astype(np.float16))
        genres.append(genre)
        if len(rolls) % 1000 == 0:
            print(f"{path.name}: {len(rolls)}", flush=True)
    np.save(path, np.stack(rolls) if rolls else np.zeros((0, STEPS, CHANNELS), np.float16))
    return np.array(genres, np.int8)


def prepare(model: Model, data: Path, out: Path, *, songs: int, played: int, seed: int) -> None:
    """Write the files of this file's head."""
    out.mkdir(parents=True, exist_ok=True)
    counts = {"train": songs, "val": songs // VALIDATED}
    sides = [(bars, genre) for split, count in counts.items()
             for bars, genre in of_songs(Windows(data, split), model.combos, count, seed)]  # fmt: skip
    split = np.repeat([SPLITS.index(name) for name in counts], list(counts.values()))
    real = write(out / "real.npy", iter(sides))
    made = write(out / "made.npy", of_player(model, played, FIRST_SEED + seed))
    np.savez(out / "facts.npz", real=real, made=made, split=split)
    (out / "facts.json").write_text(json.dumps({"genres": list(model.genres)}))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the player's arrays are, where these go, and how many there are."""
    add_common(parser, data=Path("prepared/player"), prepared=Path("prepared/ranker"), seed=0)
    parser.add_argument("--songs", type=int, default=40_000, help="phrases of songs to learn from")
    parser.add_argument("--played", type=int, default=16_000, help="phrases that are played")


def run(args: argparse.Namespace) -> None:
    """Cut songs, play, and write both."""
    model = replace(load(), planner=planner.load())
    prepare(model, args.data, args.prepared, songs=args.songs, played=args.played, seed=args.seed)
