"""Band plays bars of a song anew: what is outside stays, what is new is the players', what cannot be is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError, band
from engine.band.rewrite import SECTION, Part, _parts, _Rewriting, cast_of, window
from engine.core import rewriting
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Note, Song, Track
from tests.band.test_band import player
from tests.rewritten import check_outside_stays, file_of, songs

__all__ = ["player"]
FAMILIES = {"Rhythm": "guitar", "Lead": "guitar"}


def line(name: str, program: int = 0, *, pitches: Sequence[int] = (60, 64, 67), bars: int = 8, **known: Any) -> Track:
    notes = (Note(n / 2, 0.5, pitches[n % len(pitches)], 70 + n % 7) for n in range(8 * bars))
    return Track(name, program, **known).with_notes(notes)


TRIO = Song(
    (line("drums", is_drum=True, pitches=(36, 42)), line("guitar", 27), line("bass", 33, pitches=(36, 43))), 93.0
)


def rewritten(player: Any, song: Song = TRIO, bars: tuple[int, int] = (3, 4), **fields: Any) -> Any:
    request = band.Request(genre=fields.pop("genre", {"one": 1.0}), input=file_of(song), rewrite=bars, **fields)
    return band.generate(player, request)


def test_what_is_outside_stays(player: Any) -> None:
    @settings(max_examples=12, deadline=None)
    @given(song=songs(), data=st.data())
    def stays(song: Song, data: Any) -> None:
        last = len(rewriting.lines_of(song)) - 1
        first = data.draw(st.integers(1, last))
        bars = first, data.draw(st.integers(first, min(last, first + 1)))
        names = [FAMILIES.get(track.name, track.name) for track in song.tracks if track.name not in ("lead", "Goblins")]
        players = tuple(data.draw(st.sets(st.sampled_from([*names, "strings"]))))
        try:
            result = rewritten(player, song, bars, players=players)
        except RequestError as refusal:
            assert "know whole bars of" in str(refusal) if names else "nobody can play" in str(refusal)
            return
        check_outside_stays(song, result.song, bars, set(result.report["rewritten"]["tracks"]))

    stays()


def test_the_marked_bars_are_new_and_of_the_players_alone(player: Any) -> None:
    made = rewritten(player, players=("guitar",)).song
    marked = rewriting.stretch(TRIO, (3, 4))
    assert [track.notes == old.notes for track, old in zip(made.tracks, TRIO.tracks)] == [True, False, True]
    assert [track.name for track in made.tracks] == ["drums", "guitar", "bass", "piano", "strings"], "two of them rest"
    new = [note for note in made.tracks[1].notes if marked.holds(note.onset)]
    assert new and new != [note for note in TRIO.tracks[1].notes if marked.holds(note.onset)]
    everyone = rewritten(player)
    assert everyone.report["rewritten"]["tracks"] == ["drums", "guitar", "bass"]


def test_marked_bars_are_played_over_the_chords_that_are_given(player: Any) -> None:
    request = band.Request(genre={"one": 1.0}, input=file_of(TRIO), rewrite=(2, 3), chords="F | G")
    [part], _ = _parts(TRIO, (2, 3))
    writing = _Rewriting(player, request, cast_of(TRIO, (), rewriting.stretch(TRIO, (2, 3))), part)
    asked = [writing.brief().chords[2 * n + half] for n in writing.bars for half in (0, 1)]
    assert [(chord - writing.shift) % 12 for chord in asked] == [7, 7, 5, 5], "those of bars 2 and 3 of the song"
    with pytest.raises(RequestError, match="9 bars, and the song 8"):
        rewritten(player, chords=" | ".join("C" * 9))


def test_the_last_bars_anew_do_not_make_the_piece_longer(player: Any) -> None:
    for seed in range(4):
        song = rewritten(player, bars=(7, 8), seed=seed).song
        assert song.bars == TRIO.bars and max(note.end for track in song.tracks for note in track.notes) <= 32


def test_the_same_seed_gives_the_same_bytes_and_another_another(player: Any) -> None:
    one, same, other = (write_midi(rewritten(player, players=("bass",), seed=seed).song) for seed in (1, 1, 2))
    assert one == same != other
    result = rewritten(player, players=("bass",), genre={})
    again = band.Request.from_json(result.request.to_json(), result.request.files)
    assert write_midi(band.generate(player, again).song) == write_midi(result.song)


def test_what_comes_behind_changes_what_is_played(player: Any) -> None:
    other = Song((*TRIO.tracks[:2], line("bass", 33, pitches=(45, 40))), 93.0)
    behind = Song((*TRIO.tracks[:2], TRIO.tracks[2].with_notes(
        [note for note in TRIO.tracks[2].notes if note.onset < 16] + [n for n in other.tracks[2].notes if n.onset >= 16]
    )), 93.0)  # fmt: skip
    marked = rewriting.stretch(TRIO, (3, 4))
    one, two = ([(n.onset, n.pitch) for n in rewritten(player, song, players=("guitar",)).song.tracks[1].notes
                 if marked.holds(n.onset)] for song in (TRIO, behind))  # fmt: skip
    assert one != two


def test_the_style_is_guessed_where_it_is_left_open_and_said(player: Any) -> None:
    result = rewritten(player, genre={})
    assert set(result.request.genre) < {"one", "two"} and "left open" in result.remarks[-1]


def test_bars_beside_the_grid_are_kept_and_it_is_said(player: Any) -> None:
    """But not of what the band's own hand strikes, whole ticks beside it."""

    def beside(beats: float) -> Song:
        late = [tuple(replace(note, onset=note.onset + beats) for note in track.notes) for track in TRIO.tracks]
        return replace(TRIO, tracks=tuple(track.with_notes(notes) for track, notes in zip(TRIO.tracks, late)))

    for song, said in ((beside(0.11), True), (beside(1 / 24), False), (TRIO, False)):
        result = rewritten(player, song, players=("guitar",))
        assert ("notes lie beside the grid" in " ".join(result.remarks)) == said
        assert [note.onset for note in result.song.tracks[2].notes] == pytest.approx(
            [note.onset for note in song.tracks[2].notes], abs=0.002)  # fmt: skip


def test_of_two_guitars_the_one_that_is_named_or_plays_more_there_is_written(player: Any) -> None:
    song = Song((line("Lead", 29, bars=2), line("Rhythm", 27), TRIO.tracks[2]))
    result = rewritten(player, song, players=("guitar",))
    assert result.report["rewritten"]["tracks"] == ["Rhythm"] and "Lead stays" in " ".join(result.remarks)


def test_bars_of_a_meter_that_nobody_knows_stay_and_it_is_said(player: Any) -> None:
    song = Song(TRIO.tracks, 93.0, meter_changes=((12.0, (5, 4)),))
    result = rewritten(player, song, (3, 4))
    assert "4 stays" in " ".join(result.remarks)
    check_outside_stays(song, result.song, (3, 3), {"drums", "guitar", "bass"})


@pytest.mark.parametrize("fields, words", [
    ({"bars": (8, 9)}, "bars 1 to 8"), ({"bars": (4, 3)}, "first and a last"), ({"players": ("kazoo",)}, "kazoo"),
    ({"song": Song((line("Goblins", 101),))}, "Nobody|nobody"),
    ({"song": Song(TRIO.tracks, meter=(5, 4))}, "whole bars of"), ({"genre": {"polka": 1.0}}, "polka"),
    ({"song": Song((*TRIO.tracks, line("lead", 73))), "players": ("lead",)}, "the tune"),
    ({"song": Song((line("a", 27), line("b", 29))), "players": ("a", "b")}, "both guitar"),
])  # fmt: skip
def test_what_cannot_be_written_anew_is_one_sentence(player: Any, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        rewritten(player, **fields)
    assert "\n" not in str(refused.value)


def test_bars_and_a_song_go_together() -> None:
    for fields in ({"rewrite": (1, 2)}, {"input": File("a.mid", b"")}):
        with pytest.raises(RequestError, match="together"):
            band.Request(genre={"one": 1.0}, **fields)  # type: ignore[arg-type]


@given(before=st.integers(0, 40), count=st.integers(1, 24), after=st.integers(0, 40), start=st.integers(0, 5))
def test_a_brief_holds_the_marked_bars_and_hears_those_around(before: int, count: int, after: int, start: int) -> None:
    first = start + before
    part = Part((4, 4), (), range(first, first + count), range(start, first + count + after))
    begin, end = window(part)
    assert begin <= part.marked.start and part.marked.stop <= end <= part.around.stop
    assert end >= min(part.around.stop, part.marked.stop + 4)
    section = (part.marked.start - begin) // SECTION * SECTION + begin  # the first that has marked bars
    if count <= SECTION:
        assert part.marked.stop <= section + SECTION
        assert part.marked.start - max(part.around.start, begin) >= min(before, SECTION - count, 4)
        seen = section - (4 if after else SECTION)
        assert begin >= part.around.start or seen >= part.around.start or section == begin
