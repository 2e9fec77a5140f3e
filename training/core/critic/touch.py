"""Touch: how hard notes are struck, and how far from the grid."""

from __future__ import annotations

import numpy as np

from training.core.critic.phrase import Phrase
from training.core.critic.registry import feature, mean, share, spread
from training.core.critic.rhythm import ALL


@feature("touch", ALL)
def struck_as_before(phrase: Phrase, track: int) -> float:
    """Share of notes with the velocity of the note before."""
    return share(np.diff(phrase.lines[track].velocity) == 0)


@feature("touch", ALL)
def velocity(phrase: Phrase, track: int) -> float:
    """Mean velocity."""
    return mean(phrase.lines[track].velocity)


@feature("touch", ALL)
def velocities_vary(phrase: Phrase, track: int) -> float:
    """Standard deviation of the velocities."""
    return spread(phrase.lines[track].velocity)


@feature("touch", ALL)
def different_velocities(phrase: Phrase, track: int) -> float:
    """Different velocities, of all notes."""
    found = phrase.lines[track].velocity
    return len(set(found.tolist())) / len(found) if len(found) else float("nan")


@feature("touch", ALL)
def accent(phrase: Phrase, track: int) -> float:
    """How much harder notes on the beat are struck than the others."""
    line = phrase.lines[track]
    return mean(line.velocity[line.step % 4 == 0]) - mean(line.velocity[line.step % 4 != 0])


@feature("touch", ALL)
def off_the_grid(phrase: Phrase, track: int) -> float:
    """Share of notes that do not begin exactly on a sixteenth."""
    return share(phrase.lines[track].offset != 0)


@feature("touch", ALL)
def late(phrase: Phrase, track: int) -> float:
    """Ticks (24 a beat) by which notes follow the grid, mean."""
    return mean(phrase.lines[track].offset)


@feature("touch", ALL)
def same_touch_in_the_next_bar(phrase: Phrase, track: int) -> float:
    """Difference of the mean velocities of neighbouring bars."""
    line = phrase.lines[track]
    bars = [line.velocity[line.step // 16 == b] for b in range(phrase.bars)]
    means = [bar.mean() for bar in bars if len(bar)]
    return mean(np.abs(np.diff(means)))
