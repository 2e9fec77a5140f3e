"""How well the player follows what it is given, and whether it copies: over bars as it writes and reads them.

Every figure stands beside the same of real songs, and beside what no player would be proud of: another song's chords,
another song's part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

import engine.player.vocabulary as v
from engine.core.chords import TEMPLATES
from engine.player import Bar, Brief, Model, perform
from training.core.metrics import tonal_centroid
from training.player.windows import Windows
from training.report_rows import OTHER_CHORDS, OTHER_PART

BARS = v.SECTION  # of a phrase
SLOTS = 48  # of a bar of 4/4, two ticks each
LEAST = 6  # notes in two bars of a part that are worth calling a copy
PITCHED = range(1, 5)  # piano, guitar, bass, strings


def sounding(bars: Sequence[Bar], lanes: Iterable[int]) -> np.ndarray:
    """How many notes of each pitch class sound in some lanes, int [bars × SLOTS, 12]; bars of 4/4."""
    out = np.zeros((len(bars) * SLOTS, 12), int)
    for number, bar in enumerate(bars):
        unit = v.UNITS[bar.grid] // 2
        for lane in lanes:
            for step, length, pitch in bar.lanes.get(lane, ()):
                first = number * SLOTS + step * unit
                out[first : first + length * unit, pitch % 12] += 1
    return out


def chord_share(bars: Sequence[Bar], chords: Sequence[tuple[int, int]]) -> float:
    """The share of the pitched tracks' sounding time in which they play notes of these chords (two a bar; those that
    are none do not count); nan where nothing sounds."""
    heard = sounding(bars, PITCHED).reshape(len(bars) * 2, SLOTS // 2, 12).sum(1)
    numbers = np.array(chords).reshape(-1)
    heard, numbers = heard[numbers >= 0], numbers[numbers >= 0]
    return float((heard * TEMPLATES[numbers]).sum() / heard.sum()) if heard.sum() else float("nan")


def distance(bars: Sequence[Bar], lane: int) -> float:
    """The tonal distance (Harte et al. 2006) of a lane and the pitched lanes beside it, mean over the beats in which
    both sound; nan where none is."""
    alone, others = (
        sounding(bars, lanes).reshape(-1, SLOTS // 4, 12).sum(1).astype(float)
        for lanes in ((lane,), [other for other in PITCHED if other != lane])
    )
    both = (alone.sum(1) > 0) & (others.sum(1) > 0)
    if not both.any():
        return float("nan")
    a, b = (tonal_centroid(x[both] / x[both].sum(1, keepdims=True)) for x in (alone, others))
    return float(np.linalg.norm(a - b, axis=-1).mean())


def two_bars(bars: Sequence[Bar], lane: int) -> list[bytes]:
    """Every two bars of a lane in which it plays `LEAST` notes, as bytes that are the same for the same notes, of
    pitched lanes wherever they lie."""
    found = []
    for one, two in pairwise(bars):
        notes = [(n, *note) for n, bar in enumerate((one, two)) for note in bar.lanes.get(lane, ())]
        if len(notes) < LEAST or not (one.lanes.get(lane) and two.lanes.get(lane)):
            continue
        rows = np.array(sorted(notes))
        if lane != v.DRUMS:
            rows[:, 3] -= rows[:, 3].min()
        found.append(np.array([one.grid, two.grid, *rows.reshape(-1)], np.int16).tobytes())
    return found


def copied(pieces: Iterable[Sequence[Bar]], known: dict[int, set[bytes]]) -> float:
    """The share of two bars of a part that are among the known ones of that part, mean over the parts that play."""
    found: dict[int, list[bool]] = {lane: [] for lane in known}
    for piece in pieces:
        for lane, keys in known.items():
            found[lane] += [key in keys for key in two_bars(piece, lane)]
    shares = [np.mean(is_known) for is_known in found.values() if is_known]
    return float(np.mean(shares)) if shares else float("nan")


def phrases_of(windows: Windows, combos: Sequence[Sequence[int]], count: int, seed: int) -> list[list[Bar]]:
    """So many phrases of eight bars of 4/4 songs, each of another song where there are enough."""
    rng = np.random.default_rng(seed)
    songs = [song for song in windows.songs if windows.meter[song] == 0 and np.diff(windows.first)[song] >= BARS]
    out = []
    for song in rng.permutation(songs)[:count]:
        first, end = windows.first[song : song + 2]
        start = int(first + rng.integers(end - first - BARS + 1))
        out.append(windows.bars_of(range(start, start + BARS), combos))
    return out


def known_two_bars(windows: Windows, combos: Sequence[Sequence[int]], lanes: Iterable[int]) -> dict[int, set[bytes]]:
    """All `two_bars` of some lanes of the windows' songs."""
    known: dict[int, set[bytes]] = {lane: set() for lane in lanes}
    for song in windows.songs:
        bars = windows.bars_of(range(*windows.first[song : song + 2].tolist()), combos)
        for lane, keys in known.items():
            keys.update(two_bars(bars, lane))
    return known


def chords_followed(model: Model, phrases: Sequence[Sequence[Bar]], seed: int = 0) -> dict[str, float]:
    """`chord_share` of what is played over the chords of real phrases; of those phrases themselves; and of those
    phrases against the chords of others."""
    rows = []
    for number, bars in enumerate(phrases):
        chords = [bar.chords for bar in bars]
        planned = {2 * n + half: chord for n, pair in enumerate(chords) for half, chord in enumerate(pair)}
        made = list(perform(model, Brief(len(bars), chords=planned, seed=seed + number)))
        other = [bar.chords for bar in phrases[number - 1]]
        rows.append([chord_share(made, chords), chord_share(bars, chords), chord_share(bars, other)])
    made_share, real, others = np.nanmean(rows, 0)
    return {"made": float(made_share), "real": float(real), OTHER_CHORDS: float(others)}


def parts_filled_in(model: Model, phrases: Sequence[Sequence[Bar]], seed: int = 0) -> dict[str, float]:
    """`distance` of a part and its band where the part is written anew to the others; of the real part; and of
    another song's. Parts take turns."""
    rows = []
    for number, bars in enumerate(phrases):
        lane = PITCHED[number % len(PITCHED)]
        others = [other for other in range(5) if other != lane]
        asked = Brief(len(bars), lanes=(lane,), seed=seed + number).keeping(bars, others)
        made = list(perform(model, asked))
        foreign = [bar.with_lane(lane, strange.lanes.get(lane, ())) for bar, strange in zip(bars, phrases[number - 1])]
        rows.append([distance(made, lane), distance(bars, lane), distance(foreign, lane)])
    whole = np.array(rows)[~np.isnan(rows).any(1)]
    made_distance, real, others = whole.mean(0)
    return {"made": float(made_distance), "real": float(real), OTHER_PART: float(others)}
