"""A piece's tokens as bars, and bars as a song."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

import engine.player.vocabulary as v
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track
from engine.player.bars import TICKS, Bar
from engine.player.lanes import Note as Row
from engine.player.lanes import decode


def lanes_by_bar(tokens: Sequence[int], combos: Sequence[Sequence[int]]) -> list[tuple[int, dict[int, list[Row]]]]:
    """For each bar to the last that was gone to its grid, and the notes of the lanes that sound: those that come again
    are filled in."""
    bars: list[tuple[int, dict[int, list[Row]]]] = []
    starts = [i for i, token in enumerate(tokens) if token < v.EVENT] + [len(tokens)]
    bar = last = -1
    for at, end in pairwise(starts):
        token = tokens[at]
        if v.BAR <= token < v.CHORD:
            bars.append((token - v.BAR, {}))
        elif v.GO <= token < v.TRACK:
            bar = token - v.GO
            last = max(last, bar)
        elif token >= v.TRACK:
            lane, relation = divmod(token - v.TRACK, len(v.RELATIONS))
            again = 0 < relation < v.RHYTHM
            before = bars[bar - v.RELATIONS[relation]][1].get(lane, [])
            bars[bar][1][lane] = before if again else decode(tokens[at + 1 : end], combos)
    return bars[: last + 1]


def lane_by_bar(tokens: np.ndarray, lane: int, combos: Sequence[Sequence[int]]) -> Callable[[int], list[Row] | None]:
    """What tells the notes of one lane in a bar, None where it rests, without reading all others; tokens: int [T]."""
    heads = np.flatnonzero(tokens < v.EVENT)
    said = tokens[heads]
    goes = heads[(said >= v.GO) & (said < v.TRACK)]
    mine = np.flatnonzero((said >= v.track(lane, 0)) & (said < v.track(lane + 1, 0)))
    bars = tokens[goes[np.searchsorted(goes, heads[mine]) - 1]] - v.GO
    ends = np.append(heads, len(tokens))
    stretch = {bar: (int(ends[n]), int(ends[n + 1])) for bar, n in zip(bars.tolist(), mine.tolist())}

    def notes(bar: int) -> list[Row] | None:
        if bar not in stretch:
            return None
        at, end = stretch[bar]
        relation = int(tokens[at] - v.TRACK) % len(v.RELATIONS)
        if 0 < relation < v.RHYTHM:
            return notes(bar - v.RELATIONS[relation]) or []
        return decode(tokens[at + 1 : end].tolist(), combos)

    return notes


def song_of(
    bars: Sequence[Bar], meter: tuple[int, int] = (4, 4), *, shift: int = 0, tempo: float = 120.0, velocity: int = 80
) -> Song:
    """The song of some bars, its pitched notes `shift` semitones higher; the lead is a sixth track where it sounds.

    Notes end where the song does, and those moved beyond MIDI's range move back by an octave.
    """
    ticks = v.METERS[meter]
    notes: list[list[Note]] = [[] for _ in v.LANES]
    for number, bar in enumerate(bars):
        unit = v.UNITS[bar.grid]
        for lane, rows in bar.lanes.items():
            for step, length, pitch in rows:
                onset = number * ticks + step * unit
                moved = pitch if lane == v.DRUMS else pitch + shift
                moved += 12 * ((moved < 0) - (moved > 127))
                duration = min(length * unit, len(bars) * ticks - onset)
                notes[lane].append(Note(onset / TICKS, duration / TICKS, moved, velocity))
    tracks = [Track(name, PROGRAMS[name], name == "drums").with_notes(notes[t]) for t, name in enumerate(TRACKS)]
    if notes[v.LEAD]:
        tracks.append(Track(v.LANES[v.LEAD], PROGRAMS["strings"]).with_notes(notes[v.LEAD]))
    return Song(tuple(tracks), tempo, meter)
