"""How often the chords that are heard, and those found for a tune, are the written ones, on held-out songs.

python -m training evaluate chords --prepared prepared/chords
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.chords import recognise
from engine.core.harmony import PARTS, likeliest, load
from training.chords.prepare import FAMILY_OF
from training.chords.train import Song, seen_of, songs_of
from training.core import cards
from training.core.cards import rounded
from training.core.options import add_common

SOURCES = ("POP909", "Nottingham")
Found = Callable[[Song], np.ndarray]


def agreement(songs: Sequence[Song], found: Found, *, whole: bool = False) -> float:
    """The share of half bars with a written major, minor or seventh chord in which root and family are found; where
    `whole`, of those in which one chord lasts throughout."""
    right = []
    for song in songs:
        numbers = found(song)
        counts = (song.family >= 0) & (song.whole if whole else True)
        family = np.where(numbers < 0, -1, np.array(FAMILY_OF)[numbers // 12])
        right.append(((numbers % 12 == song.label % 12) & (family == song.family))[counts])
    return float(np.concatenate(right).mean())


def by_template(song: Song) -> np.ndarray:
    """The chords whose notes sound longest."""
    heard, bass = song.planes["heard"].reshape(-1, PARTS, 2, 12).sum(1).transpose(1, 0, 2)
    return recognise(heard, bass)


def measure(path: Path, songs: Sequence[Song]) -> dict[str, dict[str, float]]:
    """Every figure of the card."""
    model = load(path)
    by_source = {name: [song for song in songs if song.source == n] for n, name in enumerate(SOURCES)}

    def heard(song: Song) -> np.ndarray:
        return model.fit("heard", seen_of(song, "heard")).argmax(1)

    def found(song: Song) -> np.ndarray:
        return likeliest(model, model.fit("tune", seen_of(song, "tune")))

    def tonic(song: Song) -> np.ndarray:
        return np.full(len(song.label), song.key)

    others = {id(song): other for each in by_source.values() for song, other in zip(each, [*each[1:], each[0]])}

    def another(song: Song) -> np.ndarray:
        other = others[id(song)]
        return np.asarray(np.resize((other.label - other.key) % 12 + song.key, len(song.label)) % 12
                          + 12 * np.resize(other.label // 12, len(song.label)))  # fmt: skip

    pop = by_source["POP909"]
    out = {"heard": {"ours": agreement(pop, heard), "template": agreement(pop, by_template),
                     "ours, one chord": agreement(pop, heard, whole=True),
                     "template, one chord": agreement(pop, by_template, whole=True)}}  # fmt: skip
    for name, each in by_source.items():
        out[f"found for a tune, {name}"] = {"ours": agreement(each, found), "tonic": agreement(each, tonic),
                                            "another song's": agreement(each, another)}  # fmt: skip
    return out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured."""
    add_common(parser, prepared=Path("prepared/chords"), checkpoint=CHECKPOINTS / "chords", threads=0)


def run(args: argparse.Namespace) -> None:
    """Print the figures, and write them into config.json and its card."""
    metrics = measure(args.checkpoint, list(songs_of(args.prepared, 2)))
    for name, figures in metrics.items():
        print(f"{name}: " + ", ".join(f"{who} {value:.3f}" for who, value in figures.items()))
    checkpoint.update(args.checkpoint, metrics=rounded(metrics))
    cards.write(args.checkpoint)
