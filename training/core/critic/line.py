"""Lines: how the highest voice of each pitched track moves, and whether it says anything twice."""

from __future__ import annotations

import numpy as np

from training.core.critic.phrase import GUITAR, PIANO, STRINGS, Phrase
from training.core.critic.registry import feature, mean, share

LEADS = {"piano": PIANO, "guitar": GUITAR, "strings": STRINGS}
MOTIF = 4  # intervals


def _intervals(phrase: Phrase, track: int) -> np.ndarray:
    return np.diff(phrase.lines[track].top)


@feature("line", LEADS)
def line_repeats(phrase: Phrase, track: int) -> float:
    """Share of the top line's intervals that are none: the same pitch again."""
    return share(_intervals(phrase, track) == 0)


@feature("line", LEADS)
def line_steps(phrase: Phrase, track: int) -> float:
    """Share of the top line's intervals of a semitone or a tone."""
    return share(np.isin(np.abs(_intervals(phrase, track)), (1, 2)))


@feature("line", LEADS)
def line_leaps(phrase: Phrase, track: int) -> float:
    """Share of the top line's intervals over a fifth."""
    return share(np.abs(_intervals(phrase, track)) > 7)


@feature("line", LEADS)
def line_turns(phrase: Phrase, track: int) -> float:
    """Share of the top line's moves that go the other way than the move before."""
    moves = np.sign(_intervals(phrase, track))
    moves = moves[moves != 0]
    return share(moves[1:] != moves[:-1])


@feature("line", LEADS)
def leap_is_answered(phrase: Phrase, track: int) -> float:
    """Share of leaps over a fourth after which the line turns back."""
    moves = _intervals(phrase, track)
    leaps = np.flatnonzero(np.abs(moves[:-1]) > 5)
    return share(np.sign(moves[leaps]) == -np.sign(moves[leaps + 1]))


@feature("line", LEADS)
def line_range(phrase: Phrase, track: int) -> float:
    """Semitones from the lowest to the highest pitch of the top line."""
    top = phrase.lines[track].top
    return float(np.ptp(top)) if len(top) else float("nan")


@feature("line", LEADS)
def line_height(phrase: Phrase, track: int) -> float:
    """Mean pitch of the top line, MIDI number."""
    return mean(phrase.lines[track].top)


@feature("line", LEADS)
def motif_returns(phrase: Phrase, track: int) -> float:
    """Share of runs of four intervals (not all none) that were there before, at any pitch."""
    moves = _intervals(phrase, track)
    runs = [tuple(moves[i : i + MOTIF]) for i in range(len(moves) - MOTIF + 1)]
    known: set[tuple[int, ...]] = set()
    found = []
    for run in runs:
        if any(run):
            found.append(run in known)
        known.add(run)
    return share(found)


@feature("line", LEADS)
def motif_moved(phrase: Phrase, track: int) -> float:
    """Share of runs of four intervals (not all none) that were there before, but only at other pitches."""
    top = phrase.lines[track].top
    at: dict[tuple[int, ...], set[int]] = {}
    found = []
    for i in range(len(top) - MOTIF):
        run = tuple(np.diff(top[i : i + MOTIF + 1]).tolist())
        before = at.setdefault(run, set())
        if any(run):
            found.append(bool(before) and int(top[i]) not in before)
        before.add(int(top[i]))
    return share(found)
