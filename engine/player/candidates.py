"""The candidates for a section of a piece: as often as it is written at once, for the ranker to choose from every few
bars; all go on from the one that it took, each in a way of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import engine.player.vocabulary as v

if TYPE_CHECKING:
    from engine.player.bars import Bar
    from engine.player.brief import Brief
    from engine.player.model import Model

CANDIDATES, LATER = 8, 3
"""How often the first section is written for the ranker to choose from, and how often the others: they take longer, as
they hear what came before."""
CHOICE = 2
"""After each so many bars of a section the ranker chooses: among far more ways than are written."""
CHOICES = v.SECTION // CHOICE
Path = tuple[int, ...]
"""The number of a candidate from the beginning and after each choice: what it draws there."""
ALONE: tuple[Path] = ((0,) * CHOICES,)
RANKED = (4, 4)
"""The meter that the ranker knows."""


def candidates_of(model: Model, brief: Brief, first: int) -> list[Path]:
    """The candidates for the section that begins at a bar."""
    bars = range(first, min(first + v.SECTION, brief.bars))
    ranked = model.ranker is not None and brief.meter == RANKED and any(brief.wanted(bar) for bar in bars)
    return [(number,) * CHOICES for number in range((LATER if first else CANDIDATES) if ranked else 1)]


class Ranked(NamedTuple):
    """What was taken."""

    bars: list[Bar]
    path: Path
    scores: tuple[tuple[float, ...], ...] = ()
    """The ranker's of all candidates at each choice, in their order; none where there was one alone."""
