"""What each part of Band adds: the player alone, with the ranker, with the planner, and with both.

Each plays phrases of the same genres and seeds, and critics of the score, in folds over all phrases, tell them from as
many of real songs.

python -m training evaluate band --only-ablation
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine import player
from engine.band import Request
from engine.band.played import song_from
from engine.core.song import Song
from training.band import critic
from training.core.cards import table
from training.core.critic.judge import told_by_folds

BARS, SEED = 8, 3_000_000
PARTS = {
    "the player alone": (False, False),
    "the player, the ranker's choice": (False, True),
    "planned by the GAN": (True, False),
    "planned by the GAN, the ranker's choice": (True, True),
}
"""Whether the planner plans, and whether the ranker chooses."""


def measure(model: player.Model, songs: Path, phrases: int, seed: int) -> dict[str, dict[str, float]]:
    """How often each is told from real songs, and by what area under the curve; printed."""
    real = critic.real_side(songs, "test", BARS, phrases, seed)
    known, figures = real.sample(), {}
    for name, (planned, chosen) in PARTS.items():
        playing = model if chosen else replace(model, ranker=None)
        play = critic.band(playing) if planned else alone(playing)
        made = critic.made_side(play, real, BARS, SEED + seed)
        right, area = told_by_folds(known, made.sample(), seed=seed)
        figures[name] = {"right": right, "area": area, "phrases": len(made.phrases)}
    print(table(["", "right", "area"], [[name, f"{one['right']:.3f}", f"{one['area']:.3f}"]
                                        for name, one in figures.items()]), flush=True)  # fmt: skip
    return figures


def alone(model: player.Model) -> critic.Play:
    """The player without a plan: who rests and what comes again is its own."""
    return partial(_played, model)


def _played(model: player.Model, genres: Sequence[str], bars: int, seeds: Sequence[int]) -> Iterator[Song]:
    for first in range(0, len(seeds), critic.SIDE_BY_SIDE):
        part = slice(first, first + critic.SIDE_BY_SIDE)
        asked = [Request(genre={genre: 1.0}, bars=bars, seed=seed) for genre, seed in zip(genres[part], seeds[part])]
        briefs = [player.Brief(bars, dict(one.genre), seed=one.seed) for one in asked]
        for one, piece in zip(asked, player.phrases(model, briefs)):
            yield song_from(model, one, piece)
