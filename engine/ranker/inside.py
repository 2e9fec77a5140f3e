"""Inside the ranker: what each bar of a phrase does to its score, and where a phrase lies among the styles of songs.

    by_bar(model, bars, {"jazz": 1.0})      how much lower the score is with the phrase's other bars in a bar's place
    styles = Styles.of(model)               the map of styles beside the weights, None where it was not measured
    styles.place(model, [bars, …])          where phrases lie on it

The map's directions, its regions of songs and its phrases to hear come from `python -m training evaluate ranker`
(training/ranker/styles.py), which writes them into config.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.player.bars import Bar
from engine.ranker.model import Model
from engine.ranker.rolls import BARS


def by_bar(model: Model, bars: Sequence[Bar], genre: Mapping[str, float]) -> np.ndarray:
    """What each of two to eight bars in 4/4 does to their score, float32 [bars]: the score, less its mean with each of
    the others in that bar's place. Above nothing, the bar makes the phrase more like a song than the others would."""
    count = len(bars)
    variants = [[*bars[:at], other, *bars[at + 1 :]] for at in range(count)
                for n, other in enumerate(bars) if n != at]  # fmt: skip
    scores = model.scores([bars, *variants], genre)
    return np.asarray(scores[0] - scores[1:].reshape(count, count - 1).mean(1))


@dataclass(frozen=True)
class Region:
    """Where half of a genre's songs lie: an ellipse."""

    centre: np.ndarray  # [2]
    axes: np.ndarray  # [2, 2], its half axes as columns

    def outline(self, points: int = 48) -> np.ndarray:
        """Points around it, [points + 1, 2]; the last is the first."""
        angle = np.linspace(0, 2 * np.pi, points + 1)
        return np.asarray(self.centre + np.stack([np.cos(angle), np.sin(angle)], 1) @ self.axes.T)


@dataclass(frozen=True)
class Phrase:
    """Eight bars that Band plays of nothing but a genre and a seed, and where they lie."""

    genre: str
    seed: int
    place: tuple[float, float]


@dataclass(frozen=True)
class Styles:
    """Two directions in what the ranker hears, along which the genres of songs lie apart the most."""

    directions: np.ndarray  # [2, width]
    middle: np.ndarray  # [width]
    names: Mapping[str, float]  # what grows along each of them, and its correlation
    right: float  # share of held-out songs' phrases that lie nearest to the middle of their own genre
    regions: Mapping[str, Region]
    phrases: tuple[Phrase, ...]
    weights: str  # of what wrote the phrases (engine.band.writers)

    @classmethod
    def of(cls, model: Model) -> Styles | None:
        """The map that was measured for these weights."""
        facts = model.facts.get("styles")
        if not facts:
            return None
        regions = {genre: Region(np.array(one["centre"]), np.array(one["axes"]))
                   for genre, one in facts["regions"].items()}  # fmt: skip
        phrases = tuple(Phrase(genre, seed, (x, y)) for genre, seed, x, y in facts["phrases"])
        return cls(np.array(facts["directions"]), np.array(facts["middle"]), facts["names"], facts["right"],
                   regions, phrases, facts["weights"])  # fmt: skip

    def place(self, model: Model, phrases: Sequence[Sequence[Bar]]) -> np.ndarray:
        """Where phrases of one to eight bars in 4/4 lie, float [phrases, 2]."""
        return np.asarray((model.heard(phrases) - self.middle) @ self.directions.T)


def phrases_of(bars: Sequence[Bar]) -> list[Sequence[Bar]]:
    """The eights of a piece's bars, the last of them maybe shorter; those in which nobody plays are left out."""
    cut = [bars[first : first + BARS] for first in range(0, len(bars), BARS)]
    return [phrase for phrase in cut if any(any(bar.lanes.values()) for bar in phrase)]
