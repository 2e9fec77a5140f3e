"""The hand measured: nats of held-out notes, and how often the critic tells real songs struck by it from real songs as
they were struck.

python -m training evaluate touch --data data --prepared prepared/touch --checkpoint checkpoints/touch
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.pianoroll import STEPS_PER_BEAT, TRACKS
from engine.core.song import Note, Song, Track
from engine.touch import load, touched
from engine.touch.network import OFFSETS, VELOCITIES
from training.band.critic import phrases_of
from training.band.genres import GENRES, genre_of
from training.core import cards
from training.core.cards import rounded, table
from training.core.critic import FEATURES, Phrase, Sample, extract, told_by
from training.core.data import songs_npz
from training.core.options import add_common
from training.touch.train import Parts, loss_of

BARS = 8  # of a phrase
UNIFORM = {"velocity": float(np.log(VELOCITIES - 1)), "offset": float(np.log(OFFSETS))}  # nats, were all as likely
SPREAD = 5  # standard deviation of velocities, of the baseline
Strike = Callable[[Song, str, int], Song]
"""(a song on the grid, its genre, a seed) → the same, struck."""


def on_grid(phrase: Phrase, tempo: float) -> Song:
    """The notes of a phrase on its grid of sixteenths, all as hard as the others."""
    tracks = []
    for t, (name, line) in enumerate(zip(TRACKS, phrase.lines)):
        notes = [Note(step / STEPS_PER_BEAT, (end - step) / STEPS_PER_BEAT, pitch)
                 for step, end, pitch in zip(line.step.tolist(), line.end.tolist(), line.pitch.tolist())]  # fmt: skip
        tracks.append(Track(name, 0, t == 0).with_notes(notes))
    return Song(tuple(tracks), tempo)


def at_random(song: Song, genre: str, seed: int) -> Song:
    """The baseline: velocities that stray around one, on the grid."""
    del genre
    rng = np.random.default_rng(seed)
    tracks = [Track(t.name, 0, t.is_drum).with_notes(
        Note(n.onset, n.duration, n.pitch, int(np.clip(np.rint(rng.normal(90, SPREAD)), 1, 127))) for n in t.notes
    ) for t in song.tracks]  # fmt: skip
    return Song(tuple(tracks), song.tempo)


def samples(data: Path, split: str, phrases: int, seed: int, strikes: dict[str, Strike]) -> dict[str, Sample]:
    """Phrases of a split's songs as they were struck (real), and of the other half of its songs struck anew."""
    rng = np.random.default_rng(seed)
    names = list(GENRES)
    pool = [(song, int(genre_of([song.label])[0])) for song in songs_npz(data / "songs.npz") if song.split == split]
    pool = [pair for pair in pool if pair[1] >= 0]
    order = [pool[i] for i in rng.permutation(len(pool))[: 2 * phrases]]
    kept: dict[str, list[tuple[Phrase, int, str]]] = {"real": [], **{name: [] for name in strikes}}
    for number, (song, genre) in enumerate(order):
        for phrase in phrases_of(song, BARS, 1, rng):
            if number % 2 == 0:
                kept["real"].append((phrase, number, names[genre]))
                continue
            for name, strike in strikes.items():
                again = strike(on_grid(phrase, song.tempo), names[genre], seed + number)
                kept[name].append((Phrase.of(again, 0, BARS), number, names[genre]))
    return {name: Sample(extract(p for p, _, _ in rows), np.array([n for _, n, _ in rows]),
                         np.array([g for _, _, g in rows])) for name, rows in kept.items()}  # fmt: skip


def rates(sample: Sample) -> Iterator[tuple[str, float]]:
    """The means of the features of touch."""
    for i, (name, (family, _)) in enumerate(FEATURES.items()):
        if family == "touch":
            yield name, float(np.nanmean(sample.features[:, i]))


def run(args: argparse.Namespace) -> None:
    """Print the figures, and write them into config.json and the card."""
    model = load(args.checkpoint)
    held, rng = Parts(args.prepared, "test"), np.random.default_rng(args.seed)
    with torch.no_grad():
        losses = [[x.item() for x in loss_of(model.network, held.draw(rng, 32, all_said=True))]
                  for _ in range(-(-args.held_out // 32))]  # fmt: skip
    velocity, offset = np.mean(losses, 0).tolist()
    print(f"nats a note: velocity {velocity:.3f}, offset {offset:.3f}", flush=True)

    def hand(song: Song, genre: str, seed: int) -> Song:
        return touched(model, song, genre={genre: 1.0}, seeds=dict.fromkeys(TRACKS, seed))

    strikes: dict[str, Strike] = {"hand": hand, "at random": at_random}
    fit = samples(args.data, "val", args.phrases, args.seed, strikes)
    test = samples(args.data, "test", args.phrases, args.seed + 1_000_000, strikes)
    told = {name: told_by("touch", fit["real"], fit[name], test["real"], test[name]) for name in strikes}
    means = {name: dict(rates(sample)) for name, sample in test.items()}
    rows = [[name, *(f"{means[side][name]:.3f}" for side in means)] for name in means["real"]]
    print(table(["", *means], rows))
    print("told from real by touch: " + ", ".join(f"{name} {value:.3f}" for name, value in told.items()), flush=True)
    figures: dict[str, Any] = {"velocity": velocity, "offset": offset, "uniform": UNIFORM, "told": told, "rates": means}
    checkpoint.update(args.checkpoint, metrics=rounded(figures))
    cards.write(args.checkpoint)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, data=Path("data"), prepared=Path("prepared/touch"), checkpoint=CHECKPOINTS / "touch", threads=1,
               seed=0)  # fmt: skip
    parser.add_argument("--phrases", type=int, default=1500, help="phrases a side that the critic is fitted to")
    parser.add_argument("--held-out", type=int, default=960, help="parts of test songs")
