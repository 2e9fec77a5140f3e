"""What comes again in bars that are written anew: where a song's bars return, these go on returning.

How often a player's bars return is counted in the bars around, before and behind, and leans to what the planner has
in the style. Who rests in a bar goes on resting there, unless the player was to be heard at all. In each bar somebody
plays something else than before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.core.pianoroll import TRACKS

if TYPE_CHECKING:
    from engine import planner, player

APART = (1, 2, 4, 8, -1, -2, -4, -8)
"""How many bars before it that may lie which comes again."""
ALIKE = 0.75  # share of two bars' notes that they have in common where one counts as the other come again
LEAN, HABITS = 2.0, 32  # bars that the style's habits count as, and bars of the plan that they are counted in
DRUMS = TRACKS.index("drums")
TOGETHER = 0.7  # how often a player's bar returns, or does not, with the others'


def usual(plans: planner.Model | None, genre: Mapping[str, float], seed: int) -> np.ndarray:
    """How often a player's bar comes again from so many bars `APART` in a style, float [apart, tracks]."""
    from engine import planner  # here, because it brings PyTorch

    if plans is None:
        return np.zeros((len(APART), len(TRACKS)))
    form = planner.draw(plans, genre, HABITS, seed, ends=False).form
    sounding = np.maximum((form != planner.REST).sum(0), 1)
    return np.stack([(form == abs(apart)).sum(0) / sounding for apart in APART])


def sources(
    bars: Sequence[player.Bar], marked: range, lanes: Mapping[int, bool], habits: np.ndarray, rng: np.random.Generator
) -> dict[tuple[int, int], int | None]:
    """What the lanes that are written anew have of what there is: (bar, lane) → the number of the bar that it plays
    again, which is not marked or marked and before it, or None where it rests; nothing of what is new.

    bars: as they were, empty where there is no music; lanes: those written anew, and whether they shall be heard though
    they rest in all marked bars; habits: see `usual`.
    """
    found: dict[tuple[int, int], int | None] = {}
    heard = {lane for lane, wanted in lanes.items() if wanted and not any(bars[bar].lanes.get(lane) for bar in marked)}
    chances = {lane: _chances(bars, marked, lane, habits[:, lane]) for lane in lanes}
    for bar in marked:
        alike, own = rng.random(), rng.random((len(lanes), 2))
        kept: dict[int, float] = {}  # players who would play what they played, and how likely that was
        for (lane, chance), (with_others, alone) in zip(chances.items(), own):
            if lane in heard:
                continue
            if not bars[bar].lanes.get(lane):
                found[bar, lane] = None
                continue
            known = _known(bars, marked, found, bar, lane)
            likely, source = max(((chance[apart], source) for apart, source in known), default=(0.0, bar))
            if (alike if with_others < TOGETHER else alone) < likely:
                found[bar, lane] = source
                if source not in marked and _shared(bars[bar], bars[source], lane) == 1:
                    kept[lane] = likely
        playing = [lane for lane in lanes if found.get((bar, lane), bar) is not None]
        if playing and len(kept) == len(playing):
            del found[bar, min(kept, key=kept.__getitem__)]
    return found


def returning(
    brief: player.Brief, bars: Sequence[player.Bar], marked: range, found: Mapping[tuple[int, int], int | None]
) -> player.Brief:
    """A brief for marked bars with what comes again in them (`sources`), and its chords where none are asked for; over
    chords that are asked for only those play again who play no chords, or in bars of the same; and nobody off the grid
    of those who stay."""
    from engine import planner  # here, because it brings PyTorch

    form = [[0] * (len(TRACKS) + 1) for _ in bars]
    given = {n: dict(lanes) for n, lanes in brief.given.items()}
    grids, chords = dict(brief.grids), dict(brief.chords)
    for (bar, lane), source in found.items():
        if source is None:
            form[bar][lane] = planner.REST
        elif source in marked:
            form[bar][lane] = bar - source
        elif grids.get(bar, grid := bars[source].grid) == grid and (
            lane == DRUMS or _over(chords, bar, bars[source].chords)
        ):
            given[bar][lane], grids[bar] = bars[source].lanes[lane], grid
            if lane != DRUMS:
                chords |= {2 * bar + half: chord for half, chord in enumerate(bars[source].chords)}
    return replace(brief, form=form, given=given, grids=grids, chords=chords)


def _over(chords: Mapping[int, int], bar: int, played: Sequence[int]) -> bool:
    """Whether what was played over two chords suits what is planned for a bar."""
    return all(chords.get(2 * bar + half, chord) == chord for half, chord in enumerate(played))


def _known(
    bars: Sequence[player.Bar], marked: range, found: Mapping[tuple[int, int], int | None], bar: int, lane: int
) -> Iterator[tuple[int, int]]:
    """(how far apart, number) of the bars that a lane could play again."""
    for apart in APART:
        there = bar - apart
        if not 0 <= there < len(bars) or bars[there].grid != bars[bar].grid or not bars[there].lanes.get(lane):
            continue
        if there not in marked or (there < bar and found.get((there, lane), there) is not None):
            yield apart, there


def _chances(bars: Sequence[player.Bar], marked: Collection[int], lane: int, habits: np.ndarray) -> dict[int, float]:
    """How likely a lane's bar is the one so far apart come again, by the bars that stay."""
    out = {}
    for apart, habit in zip(APART, habits.tolist()):
        pairs = [(bars[n], bars[n - apart]) for n in range(len(bars)) if n not in marked and n - apart not in marked
                 and 0 <= n - apart < len(bars) and bars[n].lanes.get(lane)]  # fmt: skip
        returned = sum(_shared(one, other, lane) >= ALIKE for one, other in pairs)
        out[apart] = (returned + LEAN * habit) / (len(pairs) + LEAN)
    return out


def _shared(one: player.Bar, other: player.Bar, lane: int) -> float:
    """The share of two bars' notes that both have in a lane."""
    if one.grid != other.grid:
        return 0.0
    begun, there = ({(step, pitch) for step, _, pitch in bar.lanes.get(lane, ())} for bar in (one, other))
    return len(begun & there) / max(len(begun | there), 1)
