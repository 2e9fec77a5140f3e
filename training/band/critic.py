"""The critic's two sides: phrases of real held-out songs, and what Band plays when asked for their genres."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from engine import RequestError, player
from engine.band import Request
from engine.band.played import brief_of, song_from
from engine.core.song import Song
from engine.player.vocabulary import SECTION
from training.band.genres import GENRES, genre_of
from training.core.critic import Phrase, Sample, Verdict, compare, extract
from training.core.critic.phrase import BAR_TICKS, PITCHED
from training.core.data import SongNotes, songs_npz

Play = Callable[[Sequence[str], int, Sequence[int]], Iterable[Song]]
"""(a genre each, bars, a seed each) → songs of so many bars in five tracks."""
Briefed = Callable[[player.Model, Request], player.Brief]
SIDE_BY_SIDE = 8  # pieces


@dataclass(frozen=True)
class Side:
    """Phrases, real or made."""

    phrases: list[Phrase]
    song: np.ndarray  # int [N]: which song or seed each is of
    genre: np.ndarray  # str [N]

    def sample(self) -> Sample:
        """What the critic reads off them."""
        fresh = map(replace, self.phrases)  # what a phrase has worked out goes with it
        return Sample(extract(fresh), self.song, self.genre)


def worth_judging(phrase: Phrase) -> bool:
    """Whether there is enough to judge: two tracks, sixteen pitched notes, and sound in three bars of each four."""
    sounding = phrase.sounding
    enough = int(phrase.onsets[list(PITCHED)].sum()) >= 16
    fours = sounding.any(0).reshape(-1, 4).sum(1) if phrase.bars % 4 == 0 else sounding.any(0)
    return enough and int(sounding.any(1).sum()) >= 2 and bool((fours >= 3).all())


def whole(song: SongNotes) -> Phrase:
    """All of a song."""
    bars = int(song.onset.max()) // BAR_TICKS + 1 if len(song.onset) else 0
    return Phrase(bars, song.track, song.onset, song.duration, song.pitch.astype(int), song.velocity.astype(int))


def phrases_of(song: SongNotes, bars: int, most: int, rng: np.random.Generator) -> Iterator[Phrase]:
    """At most `most` phrases of a song that do not overlap and are worth judging, from multiples of four bars."""
    if not len(song.onset):
        return
    every = whole(song)
    first = int(song.onset.min()) // BAR_TICKS
    starts = np.arange(first + int(rng.integers(2)) * 4, every.bars - bars + 1, bars)
    count = 0
    for start in rng.permutation(starts):
        phrase = every.cut(int(start), bars)
        if worth_judging(replace(phrase)):
            yield phrase
            count += 1
            if count == most:
                return


def real_side(songs: Path, split: str, bars: int, phrases: int, seed: int) -> Side:
    """Phrases of the songs of one split, genres as evenly as they come, no more of a song than that needs."""
    rng = np.random.default_rng(seed)
    names = list(GENRES)
    pool = [song for song in songs_npz(songs) if song.split == split and genre_of([song.label])[0] >= 0]
    by_genre = [[(i, s) for i, s in enumerate(pool) if genre_of([s.label])[0] == g] for g in range(len(names))]
    share = -(-phrases // len(names))
    chosen: list[tuple[Phrase, int, str]] = []
    for genre, mine in zip(names, by_genre):
        mine = mine[:: max(1, len(mine) // (2 * share))]  # of thousands of songs, twice as many as are wanted
        most = max(1, -(-2 * share // max(1, len(mine))))
        cut = [(p, i, genre) for i, song in mine for p in phrases_of(song, bars, most, rng)]
        chosen += [cut[i] for i in rng.permutation(len(cut))[:share]]
    if not chosen:
        raise RequestError(f"{songs} holds no {split} song of {', '.join(names)} that can be judged.")
    cuts, song_of, genres = zip(*chosen)
    return Side(list(cuts), np.array(song_of), np.array(genres))


def made_side(play: Play, like: Side, bars: int, seed: int) -> Side:
    """As many phrases of each genre as `like` has, each of a seed of its own from `seed` up."""
    songs = play(like.genre.tolist(), bars, range(seed, seed + len(like.genre)))
    phrases = (Phrase.of(song, 0, bars) for song in songs)
    kept = [(phrase, i) for i, phrase in enumerate(phrases) if worth_judging(replace(phrase))]
    if not kept:
        raise RequestError(f"Of {len(like.genre)} songs that were played not one has enough in it to be judged.")
    which = np.array([i for _, i in kept])
    return Side([phrase for phrase, _ in kept], seed + which, like.genre[which])


@dataclass(frozen=True)
class Trial:
    """What the critic is fitted to (validation songs) and tried on (test songs), real and made."""

    real: Side
    made: Side
    tested_real: Side
    tested_made: Side

    @classmethod
    def of(cls, play: Play, songs: Path, bars: int, phrases: int, seed: int) -> Trial:
        """`phrases` phrases a side to fit to, half as many to try on."""
        real = real_side(songs, "val", bars, phrases, seed)
        tested = real_side(songs, "test", bars, phrases // 2, seed)
        return cls(real, made_side(play, real, bars, 1_000_000 + seed),
                   tested, made_side(play, tested, bars, 2_000_000 + seed))  # fmt: skip

    def verdict(self, seed: int) -> Verdict:
        """How often the critic is right."""
        sides = self.real, self.made, self.tested_real, self.tested_made
        return compare(*(side.sample() for side in sides), seed=seed)


def judge(play: Play, songs: Path, bars: int = 8, phrases: int = 2400, seed: int = 0) -> Verdict:
    """The critic fitted to `phrases` phrases a side (validation songs), tried on half as many (test songs)."""
    return Trial.of(play, songs, bars, phrases, seed).verdict(seed)


def band(model: player.Model, brief: Briefed = brief_of) -> Play:
    """What Band plays of nothing but a genre, for each seed; `brief` says what a request asks of the player."""
    return partial(_played, model, brief)


def _played(
    model: player.Model, brief: Briefed, genres: Sequence[str], bars: int, seeds: Sequence[int]
) -> Iterator[Song]:
    for first in range(0, len(seeds), SIDE_BY_SIDE):
        part = slice(first, first + SIDE_BY_SIDE)
        asked = [Request(genre={genre: 1.0}, bars=bars, seed=seed) for genre, seed in zip(genres[part], seeds[part])]
        briefs = [brief(model, one) for one in asked]
        short = bars <= SECTION
        pieces = player.phrases(model, briefs) if short else (list(player.perform(model, one)) for one in briefs)
        for one, piece in zip(asked, pieces):
            yield song_from(model, one, piece)
