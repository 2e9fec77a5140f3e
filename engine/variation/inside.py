"""Inside Variation: how alike bars stay as the noise grows, where variations lie, what each of K numbers does to a bar.

    inside.likeness(model, song, request)           a share of notes for each noise and bar
    inside.numbers(model, song, lane=1, bar=0)      a row for each of the K numbers
    inside.places(model, song, requests)            how much higher, busier and how alike each variation is
    inside.leans(model, song, request)              the same along the two directions that a variation may lean to
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.core.song import Song
from engine.variation.bars import BarGrid, read
from engine.variation.codec import decoded, encoded, to_notes
from engine.variation.leaning import directions
from engine.variation.model import Model
from engine.variation.request import Request
from engine.variation.variations import asked_of, varied

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LEANS = (-1.0, -0.5, 0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Likeness:
    """How alike bars stay. shares: float [levels, bars], nan for a bar that has no notes before and after."""

    levels: tuple[float, ...]
    bars: tuple[int, ...]  # as they are counted: an upbeat is 0
    shares: np.ndarray


def bars_of(grid: BarGrid) -> tuple[int, ...]:
    """The numbers of a song's bars."""
    return tuple(range(0 if grid.layout.upbeat else 1, grid.bars + 1))


def likeness(model: Model, song: Song, request: Request, levels: tuple[float, ...] = LEVELS) -> Likeness:
    """How many notes of each bar the variation of the request's seed shares with the original, as F1 over onsets (of
    lane, step and pitch), were its noise another: held lanes and bars stay as the request says."""
    grid = read(song)
    before, ways = grid.rolls[:, :, 0], _ways(model, grid, [request])
    own = np.repeat(np.arange(len(grid.layout.bars)), grid.layout.parts)
    rows = []
    for level in levels:
        after = _onsets(model, grid, replace(request, noise=level), ways)
        counts = [np.bincount(own, each.sum((0, 2, 3)), len(grid.layout.bars)) for each in
                  (before & after, before, after)]  # fmt: skip
        both, total = counts[0], counts[1] + counts[2]
        rows.append(np.where(total > 0, 2 * both / np.maximum(total, 1), np.nan))
    return Likeness(levels, bars_of(grid), np.stack(rows))


def _onsets(model: Model, grid: BarGrid, request: Request, ways: Mapping[str, Tensor]) -> np.ndarray:
    """Where notes begin in the variation that is asked for, bool [L, W, 16, 72]."""
    wanted, changed = asked_of(grid, request)
    return varied(model, grid, changed, wanted, request, ways=ways)[:, :, 0]


def _ways(model: Model, grid: BarGrid, requests: Sequence[Request]) -> dict[str, Tensor]:
    """The directions, where any of the requests leans."""
    return directions(model, grid) if any(request.higher or request.busier for request in requests) else {}


@dataclass(frozen=True)
class Place:
    """Where a variation lies, seen from the original."""

    higher: float  # semitones by which the notes of each lane lie higher, drums left out: the mean over all notes
    busier: float  # share of notes more (below 0: less)
    alike: float  # share of notes that both have, as F1 over onsets


def places(model: Model, song: Song, requests: Sequence[Request]) -> list[Place]:
    """Where the variations that are asked for lie."""
    grid = read(song)
    before, pitched = grid.rolls[:, :, 0], [lane for lane, family in enumerate(grid.families) if family != "drums"]
    weights, ways = before[pitched].sum((1, 2, 3)), _ways(model, grid, requests)
    out = []
    for request in requests:
        after = _onsets(model, grid, request, ways)
        rises = [_rise(*(each[lane].reshape(-1, each.shape[-1]) for each in (before, after))) for lane in pitched]
        own, new, both = (int(each.sum()) for each in (before, after, before & after))
        out.append(Place(float(np.dot(weights, rises)) / max(int(weights.sum()), 1), new / max(own, 1) - 1,
                         2 * both / max(own + new, 1)))  # fmt: skip
    return out


def leans(model: Model, song: Song, request: Request) -> dict[str, tuple[Place, ...]]:
    """Where the request leads that leans by each of `LEANS`, "higher" or "busier" and without noise: a direction that
    it cannot take, because rhythm or pitches are kept, is left out."""
    still = 0.0 if isinstance(request.noise, float) else dict.fromkeys(request.noise, 0.0)
    plain = replace(request, noise=still, higher=0.0, busier=0.0)
    asked = {}
    if request.preserve != "pitches":
        asked["higher"] = [replace(plain, higher=lean) for lean in LEANS]
    if request.preserve != "rhythm":
        asked["busier"] = [replace(plain, busier=lean) for lean in LEANS]
    return {way: tuple(places(model, song, requests)) for way, requests in asked.items()}


@dataclass(frozen=True)
class Effect:
    """What one of the K numbers does to a bar, moved by one standard deviation of all music to either side."""

    number: int
    changed: float  # notes that come or go, mean of both sides
    higher: float  # semitones by which the mean pitch rises from the low side to the high; 0 where one is empty
    busier: int  # notes more on the high side than on the low


def numbers(model: Model, song: Song, lane: int, bar: int) -> list[Effect]:
    """What each number does to the first window of a lane's bar (an index of the song's bars), the strongest first."""
    grid = read(song)
    family, window = grid.families[lane], int(grid.layout.parts[:bar].sum())
    [mu] = encoded(model, family, grid.rolls[lane, window : window + 1])[0]
    steps = torch.diag(model.deviation[family])
    played = to_notes(model, family, decoded(model, family, torch.cat([mu[None], mu + steps, mu - steps])))[:, 0]
    plain, up, down = played[0], played[1 : len(mu) + 1], played[len(mu) + 1 :]
    changed = ((up ^ plain).sum((1, 2)) + (down ^ plain).sum((1, 2))) / 2
    busier = up.sum((1, 2)) - down.sum((1, 2))
    out = [Effect(k, float(changed[k]), _rise(down[k], up[k]), int(busier[k])) for k in range(len(mu))]
    return sorted(out, key=lambda effect: (-effect.changed, effect.number))


def _rise(low: np.ndarray, high: np.ndarray) -> float:
    """By how many semitones the notes that begin are higher on average, bool [n, 72] each."""
    below, above = (np.nonzero(onsets)[1] for onsets in (low, high))
    return float(above.mean() - below.mean()) if len(below) and len(above) else 0.0
