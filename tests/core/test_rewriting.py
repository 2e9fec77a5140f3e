"""Bars written anew, by time: what is theirs, what rings over their edges, what is refused."""

from __future__ import annotations

import pytest

from engine import RequestError
from engine.core import rewriting
from engine.core.rewriting import EARLY, Stretch, kept, spliced
from engine.core.song import Note, Song, Track

BAR = Stretch(4.0, 8.0)


def song(**known: object) -> Song:
    return Song((Track("piano").with_notes([Note(0, 1, 60), Note(11, 1, 60)]),), **known)  # type: ignore[arg-type]


def test_bars_count_from_one_and_an_upbeat_is_none() -> None:
    assert rewriting.stretch(song(), (2, 3)) == Stretch(4.0, 12.0)
    assert rewriting.stretch(song(upbeat=1.0), (1, 1)) == Stretch(1.0, 5.0)
    assert rewriting.stretch(song(meter_changes=((4.0, (3, 4)),)), (2, 2)) == Stretch(4.0, 7.0)


@pytest.mark.parametrize("bars, words", [((3, 4), "bars 1 to 3: bars 3-4"), ((4, 4), "bar 4 is not among them")])
def test_bars_beyond_the_song_are_refused(bars: tuple[int, int], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        rewriting.stretch(song(), bars)


@pytest.mark.parametrize("bars", [(3, 2), (0, 1), (1,), (1, 65)])
def test_what_is_no_range_of_bars_is_refused(bars: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="bars"):
        rewriting.check(bars)
    rewriting.check((1, 64))


def test_what_rings_over_an_edge_ends_where_the_next_note_begins() -> None:
    old, new = [Note(2, 4, 50), Note(3, 3, 60), Note(10, 2, 62)], [Note(5, 9, 70), Note(7.5, 1, 71)]
    assert spliced(old, new, BAR) == [
        Note(2, 3, 50), Note(3, 2, 60), Note(10, 2, 62), Note(5, 5, 70), Note(7.5, 1, 71)]  # fmt: skip
    assert spliced(old, [], BAR) == old


def test_what_begins_outside_is_never_taken_from_what_is_new() -> None:
    new = [Note(3.9, 1, 70), Note(4.0, 1, 71), Note(8.0, 1, 72)]
    assert spliced([], new, BAR) == new[1:2]


def test_a_beat_that_was_played_early_is_kept_and_not_struck_twice() -> None:
    early, next_bar = Note(4 - EARLY / 2, 1, 60), Note(8 - EARLY / 2, 1, 60)
    stay = kept([early, Note(4.5, 1, 61), next_bar], BAR)
    assert stay == [early, next_bar]
    assert [note.onset for note in spliced(stay, [Note(4.0, 1, 70), Note(4.5, 1, 71)], BAR)][2:] == [4.5]


def test_a_new_note_ends_where_its_key_is_struck_again() -> None:
    chord = [Note(4.0, 2, 60), Note(4.0, 2, 64), Note(5.0, 1, 60)]
    assert sorted(spliced([], chord, BAR), key=lambda note: (note.onset, note.pitch)) == [
        Note(4.0, 1, 60), Note(4.0, 2, 64), Note(5.0, 1, 60)]  # fmt: skip
