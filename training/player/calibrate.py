"""How often a player rests, plays a bar or a note again, meets the others and keeps to chords that are given, and how
much it plays: as in songs.

What is drawn from a network repeats itself more than what it learned from, as every repetition invites the next. So a
chance is moved between END and relations, and between notes (habits.py), until sections that are played have the rates
of real ones. It plays more than it is asked to, too, so it is asked for less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

import engine.player.vocabulary as v
from engine.band.played import brief_of
from engine.band.request import Request
from engine.player import Bar, Brief, Model, phrases
from engine.player.desk import busy
from engine.player.lanes import encode
from engine.player.levels import LEVELS, PLAYS, levels_of, onsets_of
from engine.player.writing import Writer
from training.player import measures
from training.player.habits import HABITS, habits_of
from training.player.windows import Windows

ROUNDS, SECTIONS, TOGETHER = 3, 240, 8
PHRASES, WEIGHTS, NEAR = 120, np.arange(0, 2.01, 0.2), 0.01
LESS = 0.7  # of a difference that a round makes up for
WAYS = ("rests", "new", "again", "rhythm")
SLOWLY, TRUST, FAR = 0.8, 6, 2.5
"""The share of a difference in busyness that a round makes up for where many sections show it, how many are few, and by
how many levels one is moved at most."""


def ways(bars: Sequence[Bar], lanes: Sequence[int], combos: Mapping[tuple[int, ...], int]) -> np.ndarray:
    """How many bars of some lanes of a section are of each of `WAYS`, int [4]; its first bar left out."""
    tokens = [[np.array(encode(lane, bar.lanes.get(lane, ()), combos), np.int64) for lane in range(len(v.LANES))]
              for bar in bars]  # fmt: skip
    writer = Writer(np.array([[bar.grid, v.CHORDS, v.CHORDS] for bar in bars]), tokens)
    writer.plan(range(len(bars)))
    writer.play(range(len(bars)), lanes)
    later = np.array(writer.tokens[writer.tokens.index(v.GO + 1) :])
    relations = (later[(later >= v.TRACK) & (later < v.EVENT)] - v.TRACK) % len(v.RELATIONS)
    new, rhythm = (relations == 0).sum(), (relations >= v.RHYTHM).sum()
    return np.array([len(lanes) * (len(bars) - 1) - len(relations), new, len(relations) - new - rhythm, rhythm])


def shares(
    sections: Iterable[tuple[Sequence[Bar], Sequence[int]]], combos: Mapping[tuple[int, ...], int]
) -> np.ndarray:
    """The share of each of `WAYS` in sections and the lanes that are to play in them, float [4]."""
    counts = np.sum([ways(bars, lanes, combos) for bars, lanes in sections], 0)
    return np.asarray(counts / counts.sum())


def asked(model: Model, count: int) -> list[Brief]:
    """The briefs of so many sections in the planner's form, genres in turn."""
    genres = model.genres
    return [brief_of(model, Request(genre={genres[i % len(genres)]: 1.0}, seed=5_000_000 + i)) for i in range(count)]


def played(model: Model, briefs: Sequence[Brief]) -> list[tuple[list[Bar], tuple[int, ...]]]:
    """The sections of briefs; and who is to play."""
    pieces = [piece for first in range(0, len(briefs), TOGETHER)
              for piece in phrases(model, briefs[first : first + TOGETHER])]  # fmt: skip
    return [(piece, brief.lanes) for piece, brief in zip(pieces, briefs)]


def real(windows: Windows, model: Model, count: int, seed: int) -> list[tuple[list[Bar], tuple[int, ...]]]:
    """So many sections of songs, genres in turn, and who plays in the windows that begin there."""
    rng = np.random.default_rng(seed)
    out: list[tuple[list[Bar], tuple[int, ...]]] = []
    while len(out) < count:
        songs = windows.songs[(windows.genre[windows.songs] == len(out) % len(model.genres))
                              & (windows.meter[windows.songs] == 0)]  # fmt: skip
        first, end = windows.first[(song := rng.choice(songs)) : song + 2]
        if end - first >= v.WINDOW:
            start = int(first + rng.integers(end - first - v.WINDOW + 1))
            bars = windows.bars_of(range(start, start + v.WINDOW), model.combos)
            out.append((bars[: v.SECTION], tuple({lane for bar in bars for lane in bar.lanes})))
    return out


def calibrate(model: Model, windows: Windows, *, seed: int = 0, sections: int = SECTIONS) -> dict[str, float]:
    """The corrections (engine.player.desk.bias_of) by which the shares of `WAYS` become those of songs."""
    aim = shares(real(windows, model, sections, seed), model.numbered)
    print("songs: " + ", ".join(f"{way} {share:.3f}" for way, share in zip(WAYS, aim)), flush=True)
    rates, briefs = {"end": 0.0, "again": 0.0, "rhythm": 0.0}, [replace(b, form=()) for b in asked(model, sections)]
    for number in range(ROUNDS + 1):
        got = shares(played(replace(model, rates=rates), briefs), model.numbered)
        print(f"{rates}: " + ", ".join(f"{way} {share:.3f}" for way, share in zip(WAYS, got)), flush=True)
        if number < ROUNDS:
            rest, new, again, rhythm = np.log(aim) - np.log(got)
            step = {"end": rest - np.log((1 - aim[0]) / (1 - got[0])), "again": again - new, "rhythm": rhythm - new}
            rates = {name: round(rates[name] + LESS * float(step[name]), 3) for name in rates}
    return rates


def accustom(model: Model, windows: Windows, *, seed: int = 0, sections: int = SECTIONS) -> dict[str, float]:
    """The weights of `HABITS` (engine.player.desk.Weights) by which the player has them as often as songs."""
    aim = habits_of(real(windows, model, sections, seed))
    rates, briefs = dict.fromkeys(HABITS, 0.0), asked(model, sections)
    for number in range(ROUNDS + 1):
        got = habits_of(played(replace(model, rates={**model.rates, **rates}), briefs))
        print(
            "; ".join(f"{name} {rates[name]:.2f}: {got[name]:.3f}, songs {aim[name]:.3f}" for name in HABITS),
            flush=True,
        )
        if number < ROUNDS:
            rates = {name: round(rates[name] + LESS * (logit(aim[name]) - logit(got[name])), 3) for name in HABITS}
    return rates


def logit(share: float) -> float:
    """The logarithm of a share's odds; none and all are as rare as what is seldom counted."""
    share = min(max(share, 1e-4), 1 - 1e-4)
    return float(np.log(share / (1 - share)))


def activity(sections: Sequence[tuple[Sequence[Bar], Mapping[int, int]]]) -> tuple[np.ndarray, np.ndarray]:
    """The onsets of each lane in a bar in which it plays, the mean over the sections in which it is asked for a level:
    float64 [lanes, LEVELS], NaN where none asks for it; and how many do, int64 of the same shape."""
    total, count = np.zeros((len(v.LANES), LEVELS)), np.zeros((len(v.LANES), LEVELS), np.int64)
    for bars, levels in sections:
        for lane, level in levels.items():
            onsets, playing = onsets_of([bar.lanes.get(lane, ()) for bar in bars])
            if playing:
                total[lane, level] += onsets / playing
                count[lane, level] += 1
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0), count


def levels_in(bars: Sequence[Bar]) -> dict[int, int]:
    """The busyness of each lane that plays."""
    found = {lane: levels_of([bar.lanes.get(lane, ()) for bar in bars]) for lane in range(len(v.LANES))}
    return {lane: levels[0] for lane, levels in found.items() if levels}


def keep_to_levels(model: Model, windows: Windows, *, seed: int = 0, sections: int = SECTIONS) -> dict[str, float]:
    """The rates (engine.player.desk.busy) by which lanes play as much as those of songs do at the same level."""
    songs, _ = activity([(bars, levels_in(bars)) for bars, _ in real(windows, model, sections * TOGETHER, seed)])
    level = np.arange(LEVELS)
    low, high = np.clip(level - 1, PLAYS, None), np.clip(level + 1, None, LEVELS - 1)
    a_level = (songs[:, high] - songs[:, low]) / np.maximum(high - low, 1)  # onsets between two levels
    said, briefs = np.zeros(songs.shape), asked(model, sections)
    for number in range(ROUNDS + 1):
        rates = {busy(name, at): round(float(said[lane, at]), 2)
                 for lane, name in enumerate(v.LANES) for at in level[PLAYS:] if said[lane, at]}  # fmt: skip
        pieces = played(replace(model, rates={**model.rates, **rates}), briefs)
        got, count = activity([(bars, brief.busy) for (bars, _), brief in zip(pieces, briefs)])
        for lane, name in enumerate(v.LANES):
            print(f"{name}: " + "; ".join(f"level {at} said as {at + said[lane, at]:.2f}, {got[lane, at]:.1f} onsets, "
                                          f"songs {songs[lane, at]:.1f}"
                                          for at in level[PLAYS:] if count[lane, at]), flush=True)  # fmt: skip
        if number < ROUNDS:
            step = SLOWLY * count / (count + TRUST) * (songs - got) / a_level
            said = np.clip(said + np.where(np.isfinite(step), step, 0), -FAR, FAR)
    return rates


def lean(model: Model, windows: Windows, *, seed: int = 0, phrases: int = PHRASES) -> float:
    """The least of `WEIGHTS` by which chords that are given are leaned to (engine.player.desk.Weights.chord) so that
    they sound as much as in songs, less `NEAR`: for the chords of a song are those that fit it best."""
    songs = measures.phrases_of(windows, model.combos, phrases, seed)
    for weight in WEIGHTS.tolist():
        share = measures.chords_followed(replace(model, rates={**model.rates, "chord": weight}), songs, seed)
        print(
            f"chords leaned to by {weight:.1f}: {share['made']:.3f} of the time, songs {share['real']:.3f}", flush=True
        )
        if share["made"] >= share["real"] - NEAR:
            break
    return round(float(weight), 1)
