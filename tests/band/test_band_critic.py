"""The critic beside Band: phrases worth judging, each song on one side alone, and a verdict that the card can hold."""

import numpy as np
import pytest

from engine import RequestError, band
from engine.core.song import Song
from tests import tiny_data
from training.band import critic
from training.band.critic import judge, made_side, phrases_of, real_side
from training.band.genres import GENRES
from training.core.critic import FEATURES


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """The songs of tiny_data.songs, in one file."""
    return tiny_data.as_npz(tiny_data.songs(), tmp_path_factory.mktemp("songs") / "songs.npz")


@pytest.fixture(scope="module")
def play():
    return critic.band(band.load())


def test_what_is_measured_is_what_band_plays(play):
    """Side by side or in one go, a piece is the one that is asked for."""
    model = band.load()
    for bars in (4, 12):
        for genre, seed, song in zip(("jazz", "punk"), (3, 5), play(["jazz", "punk"], bars, [3, 5])):
            assert song == band.generate(model, band.Request(genre={genre: 1.0}, bars=bars, seed=seed)).song


def test_phrases_of_a_song_do_not_overlap_and_begin_on_fours():
    song = tiny_data.song("jazz", "val", 1, bars=40)
    found = list(phrases_of(song, 8, 10, np.random.default_rng(0)))
    assert 3 <= len(found) <= 5 and all(phrase.bars == 8 for phrase in found)
    assert len({phrase.pitch.tobytes() + phrase.track.tobytes() for phrase in found}) == len(found)


def test_sides_are_of_one_split_and_of_the_genres_asked_for(songs, play):
    real, tested = real_side(songs, "val", 4, 16, 0), real_side(songs, "test", 4, 16, 0)
    assert set(real.genre) == set(tested.genre) == set(GENRES)
    assert real.sample().features.shape == (len(real.song), len(FEATURES))
    made = made_side(play, tested, 4, 7)
    assert set(made.song) <= set(range(7, 7 + len(tested.song))) and len(made.song) > 0.8 * len(tested.song)


def test_what_is_silent_cannot_be_judged(songs):
    real = real_side(songs, "val", 8, 8, 0)
    with pytest.raises(RequestError, match="enough in it"):
        made_side(lambda genres, bars, seeds: [Song()] * len(seeds), real, 8, 0)


def test_band_is_told_from_songs_of_three_chords(songs, play):
    verdict = judge(play, songs, bars=4, phrases=24)
    assert verdict.score > 0.9 and set(verdict.by_genre) <= set(GENRES) and len(verdict.tells) == 10
