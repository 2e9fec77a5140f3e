"""The ranker measured: how often it scores a song higher than what is played, by genre, and how much of that is left
after it chose; how often it finds a bar that does not belong; and the map of styles that the page Band shows.

python -m training evaluate ranker --prepared prepared/player --checkpoint checkpoints/ranker
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import CHECKPOINTS, band, planner, ranker
from engine.core import checkpoint
from engine.player import Bar, Model, load
from training.core import cards
from training.core.cards import rounded, table
from training.core.options import add_common
from training.player.windows import Windows
from training.ranker import styles
from training.ranker.prepare import of_player, of_songs
from training.ranker.train import told

FIRST_SEED = 7_000_000


def scored(model: ranker.Model, pairs: Sequence[tuple[list[Bar], int]], genres: Sequence[str]) -> np.ndarray:
    """The ranker's score of each of the bars in its genre, float [N]."""
    return np.array([model.scores([bars], {genres[genre]: 1.0})[0] for bars, genre in pairs])


def measure(model: Model, judge: ranker.Model, data: Path, count: int, seed: int) -> dict[str, dict[str, float]]:
    """How often songs score higher than pieces of one draw and than the chosen ones: `all`, and by genre."""
    songs = list(of_songs(Windows(data, "test"), model.combos, count, seed))
    out: dict[str, dict[str, float]] = {}
    for name, player in (("drawn once", replace(model, ranker=None)), ("chosen", replace(model, ranker=judge))):
        made = list(of_player(player, count, FIRST_SEED + seed))
        real, theirs = scored(judge, songs, model.genres), scored(judge, made, model.genres)
        of_real, of_made = (np.array([genre for _, genre in pairs]) for pairs in (songs, made))
        out[name] = {"all": told(real, theirs)} | {
            genre: told(real[of_real == n], theirs[of_made == n]) for n, genre in enumerate(model.genres)
        }
    return out


def looked_into(
    model: Model, judge: ranker.Model, data: Path, count: int, mapped: int, seed: int
) -> tuple[float, dict[str, Any]]:
    """How often a bar that was put into a song's phrase is the one that the judge likes least; the map of styles."""
    learned, held = (list(of_songs(Windows(data, split), model.combos, number, seed))
                     for split, number in (("train", mapped), ("test", mapped // 4)))  # fmt: skip
    found = styles.blamed(judge, model.genres, held[:count], list(of_player(model, count, FIRST_SEED + seed)), seed)
    facts = styles.measure(judge, model.genres, learned, held)
    places = np.array(facts["directions"]), np.array(facts["middle"])
    return found, facts | {"phrases": styles.phrases(model, judge, *places), "weights": band.writers(band.load())}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, prepared=Path("prepared/player"), checkpoint=CHECKPOINTS / "ranker", threads=1, seed=0)
    parser.add_argument("--phrases", type=int, default=400, help="a side")
    parser.add_argument("--mapped", type=int, default=4000, help="phrases of songs that the map of styles is made of")


def run(args: argparse.Namespace) -> None:
    """Print the figures, and write them into config.json and the card."""
    model, judge = replace(load(), planner=planner.load()), ranker.load(args.checkpoint)
    figures = measure(model, judge, args.prepared, args.phrases, args.seed)
    rows = [[genre, *(f"{one[genre]:.3f}" for one in figures.values())] for genre in figures["chosen"]]
    print(table(["", *figures], rows))
    found, map_of_styles = looked_into(model, judge, args.prepared, args.phrases, args.mapped, args.seed)
    print(f"a bar that does not belong is found in {found:.3f}; nearest to its own style {map_of_styles['right']:.3f}")
    checkpoint.update(args.checkpoint, metrics=rounded({"told": figures, "found": found}), styles=map_of_styles)
    cards.write(args.checkpoint)
