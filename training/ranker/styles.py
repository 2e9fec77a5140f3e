"""The map of styles: two directions in what the ranker hears, where songs of each genre lie on it, and phrases to hear.

Discriminants of the genres (Fisher 1936) of training songs' phrases; a direction is named after the trait that goes
with it most. A region holds half of the phrases of held-out songs; none of them can be got back from it. The phrases to
hear are Band's own, of a genre and a seed, so that a page can play them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from engine import player, ranker
from engine.band.played import brief_of
from engine.band.request import Request
from engine.player.bars import Bar
from engine.player.vocabulary import DRUMS, LEAD
from engine.ranker.inside import by_bar
from training.ranker.prepare import TOGETHER

Labelled = Sequence[tuple[list[Bar], int]]  # phrases, and the number of their genre
SEEDS = 5  # phrases of a genre to hear


def _notes(bars: Sequence[Bar], drums: bool) -> list[tuple[int, int, int, int]]:
    """Grid, step, length and pitch of the band's notes, of its drums or of the others."""
    return [(bar.grid, *note) for bar in bars for lane, notes in bar.lanes.items()
            if lane != LEAD and (lane == DRUMS) == drums for note in notes]  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


TRAITS: dict[str, Callable[[Sequence[Bar]], float]] = {
    "more notes": lambda bars: len(_notes(bars, False)) / len(bars),
    "more drums": lambda bars: len(_notes(bars, True)) / len(bars),
    "higher": lambda bars: _mean([pitch for *_, pitch in _notes(bars, False)]),
    "longer notes": lambda bars: _mean([length for _, _, length, _ in _notes(bars, False)]),
    "more between the eighths": lambda bars: _mean([step % (2, 3)[grid] > 0 for grid, step, *_ in _notes(bars, False)]),
    "more triplets": lambda bars: _mean([bar.grid for bar in bars]),
    "more players": lambda bars: _mean([len(set(bar.lanes) - {LEAD}) for bar in bars]),
    "more pitches": lambda bars: _mean([len({note[2] % 12 for lane, notes in bar.lanes.items()
                                             if lane not in (DRUMS, LEAD) for note in notes}) for bar in bars]),
}  # fmt: skip


def named(traits: np.ndarray, along: np.ndarray) -> tuple[int, float]:
    """The trait (a column of `traits`, [N, T]) that goes with a direction the most, and its correlation with it."""
    spread = traits.std(0) > 0
    r = np.zeros(traits.shape[1])
    r[spread] = [np.corrcoef(column, along)[0, 1] for column in traits[:, spread].T]
    best = int(np.abs(r).argmax())
    return best, float(r[best])


def measure(model: ranker.Model, genres: Sequence[str], learned: Labelled, held: Labelled) -> dict[str, Any]:
    """Directions, names, regions, and how often a held-out phrase lies nearest to its own genre's middle."""
    heard = [np.concatenate([model.heard([bars for bars, _ in side[n : n + 64]]) for n in range(0, len(side), 64)])
             for side in (learned, held)]  # fmt: skip
    of = [np.array([genre for _, genre in side]) for side in (learned, held)]
    fitted = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(heard[0], of[0])
    directions, middle = fitted.scalings_[:, :2].T, heard[0].mean(0)
    traits = np.array([[trait(bars) for trait in TRAITS.values()] for bars, _ in learned])
    names: dict[str, float] = {}
    for number, direction in enumerate(directions):
        left = [n for n, name in enumerate(TRAITS) if name not in names]
        best, r = named(traits[:, left], (heard[0] - middle) @ direction)
        directions[number] *= np.sign(r) or 1
        names[list(TRAITS)[left[best]]] = round(abs(r), 3)
    at = [(each - middle) @ directions.T for each in heard]
    present = sorted(set(of[0].tolist()))
    centres = np.array([at[0][of[0] == genre].mean(0) for genre in present])
    nearest = np.array(present)[((at[1][:, None] - centres) ** 2).sum(-1).argmin(1)]
    regions = {genres[genre]: _region(at[1][of[1] == genre]) for genre in present if (of[1] == genre).sum() > 2}
    return {"directions": directions.round(5).tolist(), "middle": middle.astype(float).round(5).tolist(),
            "names": names, "right": float((nearest == of[1]).mean()), "regions": regions}  # fmt: skip


def _region(points: np.ndarray) -> dict[str, list[Any]]:
    """The ellipse of the points' covariance that holds half of them."""
    centre = points.mean(0)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    away = (((points - centre) @ vectors) ** 2 / values).sum(1)
    axes = vectors * np.sqrt(values * np.median(away))
    return {"centre": centre.astype(float).round(4).tolist(), "axes": axes.round(4).tolist()}


def phrases(band: player.Model, judge: ranker.Model, directions: np.ndarray, middle: np.ndarray) -> list[list[Any]]:
    """Genre, seed and place of what Band plays with this judge, `SEEDS` seeds of each genre."""
    asked = [(genre, seed) for genre in band.genres for seed in range(1, SEEDS + 1)]
    band, played = replace(band, ranker=judge), list[list[Bar]]()
    for first in range(0, len(asked), TOGETHER):
        requests = [Request(genre={genre: 1.0}, seed=seed) for genre, seed in asked[first : first + TOGETHER]]
        played += player.phrases(band, [brief_of(band, request) for request in requests])
    places = (judge.heard(played) - middle) @ directions.T
    return [[genre, seed, *place] for (genre, seed), place in zip(asked, places.astype(float).round(3).tolist())]


def blamed(model: ranker.Model, genres: Sequence[str], songs: Labelled, others: Labelled, seed: int) -> float:
    """How often the bar that `by_bar` likes least is the one that was put into a song's phrase from what was played in
    the same genre; chance is one in so many bars."""
    rng, right = np.random.default_rng(seed), []
    for bars, genre in songs:
        theirs = [each for each, of in others if of == genre]
        if not theirs:
            continue
        at = int(rng.integers(len(bars)))
        spoiled = [*bars[:at], theirs[int(rng.integers(len(theirs)))][at], *bars[at + 1 :]]
        right.append(int(by_bar(model, spoiled, {genres[genre]: 1.0}).argmin()) == at)
    return _mean(right)
