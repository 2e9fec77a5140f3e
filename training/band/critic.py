"""The critic's two sides: phrases of real held-out songs, and what is played when asked for their genres."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core.song import Song
from training.band.genres import GENRES, genre_of
from training.core.critic import Phrase, Sample, Verdict, compare, extract
from training.core.critic.phrase import BAR_TICKS, PITCHED
from training.core.data import SongNotes, songs_npz

Play = Callable[[Sequence[str], int, Sequence[int]], Iterable[Song]]
"""(a genre each, bars, a seed each) → songs of so many bars in five tracks."""


def worth_judging(phrase: Phrase) -> bool:
    """Whether there is enough to judge: two tracks, sixteen pitched notes, and sound in three bars of each four."""
    sounding = phrase.sounding
    enough = int(phrase.onsets[list(PITCHED)].sum()) >= 16
    fours = sounding.any(0).reshape(-1, 4).sum(1) if phrase.bars % 4 == 0 else sounding.any(0)
    return enough and int(sounding.any(1).sum()) >= 2 and bool((fours >= 3).all())


def phrases_of(song: SongNotes, bars: int, most: int, rng: np.random.Generator) -> Iterator[Phrase]:
    """At most `most` phrases of a song that do not overlap and are worth judging, from multiples of four bars."""
    if not len(song.onset):
        return
    whole = Phrase(0, song.track, song.onset, song.duration, song.pitch.astype(int), song.velocity.astype(int))
    last = int(song.onset.max()) // BAR_TICKS
    first = int(song.onset.min()) // BAR_TICKS
    starts = np.arange(first + int(rng.integers(2)) * 4, last - bars + 2, bars)
    count = 0
    for start in rng.permutation(starts):
        phrase = whole.cut(int(start), bars)
        if worth_judging(phrase):
            yield phrase
            count += 1
            if count == most:
                return


def real_sample(songs: Path, split: str, bars: int, phrases: int, seed: int) -> Sample:
    """Phrases of the songs of one split, genres as evenly as they come, no more of a song than that needs."""
    rng = np.random.default_rng(seed)
    names = list(GENRES)
    pool = [song for song in songs_npz(songs) if song.split == split and genre_of([song.label])[0] >= 0]
    by_genre = [[(i, s) for i, s in enumerate(pool) if genre_of([s.label])[0] == g] for g in range(len(names))]
    share = -(-phrases // len(names))
    chosen: list[tuple[Phrase, int, str]] = []
    for genre, mine in zip(names, by_genre):
        most = max(1, -(-2 * share // max(1, len(mine))))
        cut = [(p, i, genre) for i, song in mine for p in phrases_of(song, bars, most, rng)]
        chosen += [cut[i] for i in rng.permutation(len(cut))[:share]]
    if not chosen:
        raise RequestError(f"{songs} holds no {split} song of {', '.join(names)} that can be judged.")
    cuts, song_of, genres = zip(*chosen)
    return Sample(extract(cuts), np.array(song_of), np.array(genres))


def made_sample(play: Play, like: Sample, bars: int, seed: int) -> Sample:
    """As many phrases of each genre as `like` has, each of a seed of its own from `seed` up."""
    songs = play(like.genre.tolist(), bars, range(seed, seed + len(like.genre)))
    phrases = (Phrase.of(song, 0, bars) for song in songs)
    kept = [(phrase, i) for i, phrase in enumerate(phrases) if worth_judging(phrase)]
    if not kept:
        raise RequestError(f"Of {len(like.genre)} songs that were played not one has enough in it to be judged.")
    which = np.array([i for _, i in kept])
    return Sample(extract(phrase for phrase, _ in kept), seed + which, like.genre[which])


def judge(play: Play, songs: Path, bars: int = 8, phrases: int = 2400, seed: int = 0) -> Verdict:
    """The critic fitted to `phrases` phrases a side (validation songs), tried on half as many (test songs)."""
    real = real_sample(songs, "val", bars, phrases, seed)
    tested = real_sample(songs, "test", bars, phrases // 2, seed)
    made = made_sample(play, real, bars, 1_000_000 + seed)
    tested_made = made_sample(play, tested, bars, 2_000_000 + seed)
    return compare(real, made, tested, tested_made, seed)
