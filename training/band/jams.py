"""A jam of ten minutes beside Band's own pieces, as the critic hears eight bars of either, and how long either loops.

    python -m training.band.jams --songs data/songs.npz

Both are told from the same real phrases, by a critic fitted to each in the same way; pieces are of 32 bars, as many
windows as the jams have. A loop is a stretch in which every bar of the whole band is, on a grid of sixteenths, the bar
so many bars before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine import band, jam
from engine.core.song import Song
from engine.jam.musician import song_of
from training.band.critic import real_sample, worth_judging
from training.band.genres import GENRES, genre_of
from training.core.cards import table
from training.core.critic import Phrase, Sample, compare, extract
from training.core.data import SongNotes, songs_npz

WINDOW, PIECE = 8, 32  # bars
LONG = 64  # bars of a real song whose loops are counted
FIT, TEST = (1_000_000, 10.0), (2_000_000, 5.0)  # a seed, and the minutes of a jam


def jams(genres: Sequence[str], seed: int, minutes: float) -> Iterator[tuple[str, Song]]:
    """A jam of each genre, without the bar that ends it."""
    model = jam.load()
    for genre in genres:
        bars = list(jam.jam(model, jam.Request(genre={genre: 1.0}, minutes=minutes, seed=seed)))
        yield genre, song_of(bars[:-1])


def pieces(genres: Sequence[str], seed: int, counts: Sequence[int]) -> Iterator[tuple[str, Song]]:
    """As many pieces of each genre, each of a seed of its own."""
    model = band.load()
    for genre, count in zip(genres, counts):
        for number in range(count):
            song = band.generate(model, band.Request(genre={genre: 1.0}, bars=PIECE, seed=seed + number)).song
            assert song
            yield genre, song


def sample_of(songs: Sequence[tuple[str, Song]]) -> Sample:
    """All windows that do not overlap and are worth judging."""
    rows = [(phrase, number, genre) for number, (genre, song) in enumerate(songs)
            for phrase in (Phrase.of(song, at, WINDOW) for at in range(0, song.bars - WINDOW + 1, WINDOW))
            if worth_judging(phrase)]  # fmt: skip
    phrases, number, genre = zip(*rows)
    return Sample(extract(phrases), np.array(number), np.array(genre))


def real(songs: Path, split: str, genres: Sequence[str], phrases: int) -> Sample:
    """Real phrases of these genres."""
    every = real_sample(songs, split, WINDOW, phrases * len(GENRES) // len(genres), 0)
    return every.part(np.isin(every.genre, genres))


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


def loops_of(songs: Path, genres: Sequence[str]) -> list[int]:
    """The longest loop of each long real test song of these genres."""
    names = list(GENRES)
    return [loop(whole) for song in songs_npz(songs) if song.split == "test" and len(song.onset)
            and genre_of([song.label])[0] in [names.index(genre) for genre in genres]
            and (whole := _whole(song)).bars >= LONG]  # fmt: skip


def _whole(song: SongNotes) -> Phrase:
    bars = int(song.onset.max()) // 96 + 1
    return Phrase(bars, song.track, song.onset, song.duration, song.pitch.astype(int), song.velocity.astype(int))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=Path, default=Path("data/songs.npz"))
    parser.add_argument("--genres", default="rock,jazz,soul,electronic")
    args = parser.parse_args()
    genres = args.genres.split(",")
    sides: dict[str, list[Sample]] = {"jam": [], "pieces": []}
    loops = []
    for seed, minutes in (FIT, TEST):
        played = list(jams(genres, seed, minutes))
        loops += [loop(Phrase.of(song)) for _, song in played] if minutes == FIT[1] else []
        sides["jam"].append(sample_of(played))
        counts = [max(1, round(song.bars / PIECE)) for _, song in played]
        sides["pieces"].append(sample_of(list(pieces(genres, seed, counts))))
    known = [real(args.songs, split, genres, len(sides["jam"][0].song)) for split in ("val", "test")]
    rows = []
    for name, (fit, test) in sides.items():
        verdict = compare(known[0], fit, known[1], test, 0)
        counts = [str(len(side.song)) for side in (fit, test)]
        rows.append([name, f"{verdict.score:.3f}", f"{verdict.with_touch:.3f}", *counts])
    print(table(["critic", "score", "with touch", "windows to fit", "to test"], rows))
    theirs = np.array(loops_of(args.songs, genres))
    print(f"\nLongest loop, bars: jams of {FIT[1]:g} minutes {sorted(loops)}; {len(theirs)} real songs: median "
          f"{np.median(theirs):g}, nine of ten at most {np.quantile(theirs, 0.9):g}, the longest {max(theirs)}.")


if __name__ == "__main__":
    main()
