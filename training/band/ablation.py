"""What each part of Band adds: the player alone, with the ranker, with the planner, and with both.

Each plays phrases of the same genres and seeds, and critics of the score, in folds over all phrases, tell them from as
many of real songs.

python -m training evaluate band --only-ablation
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine import player
from engine.band import Request
from engine.band.played import brief_of
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
        play = critic.band(playing, brief_of if planned else alone)
        made = critic.made_side(play, real, BARS, SEED + seed)
        right, area = told_by_folds(known, made.sample(), seed=seed)
        figures[name] = {"right": right, "area": area, "phrases": len(made.phrases)}
    print(table(["", "right", "area"], [[name, f"{one['right']:.3f}", f"{one['area']:.3f}"]
                                        for name, one in figures.items()]), flush=True)  # fmt: skip
    return figures


def alone(_: player.Model, request: Request) -> player.Brief:
    """What is asked of the player without a plan: who rests and what comes again is its own."""
    return player.Brief(request.length, dict(request.genre), seed=request.seed)
