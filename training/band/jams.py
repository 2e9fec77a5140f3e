"""A jam beside Band's own pieces: how often the critic tells eight bars of either from real ones, and how long it
loops.

Both are told from the same real phrases, by a critic fitted to each in the same way, once to one half and tried on the
other, and once the other way about; pieces are of 32 bars, and as many bars of each style as the jams have. A loop is a
stretch in which every bar of the whole band is, on a grid of sixteenths, the bar so many bars before.

python -m training evaluate band --only-jam
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import band, jam, player
from engine.core.song import Song
from engine.jam.musician import song_of
from training.band.critic import Side, real_side, whole, worth_judging
from training.band.genres import GENRES, genre_of
from training.core.critic import Phrase, Sample, compare
from training.core.data import songs_npz

STYLES = ("rock", "jazz", "soul", "electronic")
WINDOW, PIECE = 8, 32  # bars
LONG = 64  # bars of a real song whose loops are counted
SEEDS = 1_000_000, 2_000_000  # of the halves


def measure(model: player.Model, songs: Path, minutes: float, seed: int) -> dict[str, Any]:
    """How often the critic is right of either, and the longest loops; printed."""
    played = [jams(model, minutes, first + seed) for first in SEEDS]
    sides = {"jam": [side_of(half).sample() for half in played],
             "pieces": [side_of(pieces(model, half, first + seed)).sample() for half, first in zip(played, SEEDS)]}
    known = [real(songs, split, len(half.song)).sample() for split, half in zip(("val", "test"), sides["jam"])]
    theirs, ours = loops_of(songs), [loop(Phrase.of(song)) for half in played for _, song in half]
    figures = {name: told(known, made, seed) for name, made in sides.items()} | {
        "minutes": minutes, "styles": list(STYLES),
        "loops": {"jams": max(ours), "songs": max(theirs), "half of the songs": float(np.median(theirs))},
    }  # fmt: skip
    print(f"jams beside pieces: {figures}", flush=True)
    return figures


def told(real: Sequence[Sample], made: Sequence[Sample], seed: int) -> dict[str, float]:
    """How often the critic is right, both ways about, and of how many windows a side."""
    verdicts = [compare(real[a], made[a], real[b], made[b], seed) for a, b in ((0, 1), (1, 0))]
    return {"score": float(np.mean([verdict.score for verdict in verdicts])),
            "with touch": float(np.mean([verdict.with_touch for verdict in verdicts])),
            "windows": sum(verdict.phrases["test"] for verdict in verdicts)}  # fmt: skip


def jams(model: player.Model, minutes: float, seed: int) -> list[tuple[str, Song]]:
    """A jam of each style, without the bar that ends it."""
    asked = {style: jam.Request(genre={style: 1.0}, minutes=minutes, seed=seed) for style in STYLES}
    return [(style, song_of(list(jam.jam(model, request))[:-1])) for style, request in asked.items()]


def pieces(model: player.Model, like: Iterable[tuple[str, Song]], seed: int) -> list[tuple[str, Song]]:
    """As many bars of each style in pieces of Band's, each of a seed of its own."""
    made = []
    for style, song in like:
        for number in range(max(1, round(song.bars / PIECE))):
            asked = band.Request(genre={style: 1.0}, bars=PIECE, seed=seed + number)
            made.append((style, band.generate(model, asked).song or Song()))
    return made


def side_of(songs: Sequence[tuple[str, Song]]) -> Side:
    """All windows that do not overlap and are worth judging."""
    rows = [(phrase, number, style) for number, (style, song) in enumerate(songs)
            for phrase in (Phrase.of(song, at, WINDOW) for at in range(0, song.bars - WINDOW + 1, WINDOW))
            if worth_judging(replace(phrase))]  # fmt: skip
    phrases, number, style = zip(*rows)
    return Side(list(phrases), np.array(number), np.array(style))


def real(songs: Path, split: str, phrases: int) -> Side:
    """Real phrases of these styles."""
    every = real_side(songs, split, WINDOW, phrases * len(GENRES) // len(STYLES), 0)
    kept = np.flatnonzero(np.isin(every.genre, STYLES))
    return Side([every.phrases[at] for at in kept], every.song[kept], every.genre[kept])


def loop(phrase: Phrase) -> int:
    """Bars of the longest loop."""
    bars = [np.packbits(phrase.onsets[:, 16 * n : 16 * n + 16]).tobytes() for n in range(phrase.bars)]
    silent = bytes(len(bars[0])) if bars else b""
    longest = 0
    for apart in range(1, len(bars)):
        run = 0
        for now, then in zip(bars[apart:], bars):
            run = run + 1 if now == then != silent else 0
            longest = max(longest, run)
    return longest


def loops_of(songs: Path) -> list[int]:
    """The longest loop of each long real test song of these styles, 0 beside them."""
    styles = [list(GENRES).index(style) for style in STYLES]
    real_songs = (whole(song) for song in songs_npz(songs)
                  if song.split == "test" and genre_of([song.label])[0] in styles)  # fmt: skip
    return [0, *(loop(song) for song in real_songs if song.bars >= LONG)]
