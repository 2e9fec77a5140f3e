"""Variation varies some bars of some players, and everything else stays as it was, in the song's own tracks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core import rewriting
from engine.core.reading import song_of
from engine.core.song import Song
from engine.variation import Request, generate
from engine.variation.bars import family_of
from tests.rewritten import check_outside_stays, file_of, songs
from tests.variation.test_variation import small, tune

__all__ = ["small"]


def test_what_is_outside_stays(small: Any) -> None:
    @settings(max_examples=40, deadline=None)
    @given(song=songs(), data=st.data())
    def stays(song: Song, data: Any) -> None:
        last = len(rewriting.lines_of(song)) - 1
        first = data.draw(st.integers(1, last))
        bars = first, data.draw(st.integers(first, last))
        families = {track.name: family_of(track) for track in song.tracks}
        families = {name: family for name, family in families.items() if family}
        players = data.draw(st.sets(st.sampled_from(sorted({*families, *families.values()} or {"piano"}))))
        varied = {name for name, family in families.items() if not players or {name, family} & players}
        try:
            made = generate(small, Request(input=file_of(song), rewrite=bars, players=tuple(players), noise=1.0)).song
        except RequestError as refusal:
            assert "to vary" in str(refusal)
            return
        check_outside_stays(song, made, bars, varied)  # type: ignore[arg-type]

    stays()


def test_the_marked_bars_of_the_players_are_others(small: Any) -> None:
    song = song_of(file_of(tune()))
    made = generate(small, Request(input=file_of(song), rewrite=(2, 3), players=("bass", "piano"), noise=1.0)).song
    assert made and [a.notes == b.notes for a, b in zip(song.tracks, made.tracks)] == [True, False, False]


def test_a_name_that_two_tracks_share_but_for_its_case_is_the_one_written_so(small: Any) -> None:
    guitar = tune().tracks[-1]
    song = Song((replace(guitar, name="Lead"), replace(guitar, name="lead", program=73)), 97.0)
    made = generate(small, Request(input=file_of(song), rewrite=(1, 2), players=("lead",), noise=1.0)).song
    assert made and [a.notes == b.notes for a, b in zip(song_of(file_of(song)).tracks, made.tracks)] == [True, False]


@pytest.mark.parametrize("fields, words", [
    ({"rewrite": (4, 9)}, "bars 1 to"), ({"rewrite": (3, 1)}, "first and a last"),
    ({"rewrite": (1, 2), "players": ("kazoo",)}, "kazoo"),
    ({"rewrite": (1, 2), "players": ("bass",), "frozen_tracks": ("bass",)}, "bass: there are no notes"),
])  # fmt: skip
def test_what_cannot_be_varied_is_one_sentence(small: Any, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        generate(small, Request(input=file_of(tune()), **fields))
