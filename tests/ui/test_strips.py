"""One strip a player: what is locked stays note for note in all that is made; where everyone is locked, it is said."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from tests.studio import app, refusals, settled


@pytest.fixture
def opened() -> AppTest:
    test = app("pages/band.py")
    test.query_params["band_bars"] = "4 bars"
    return settled(test.run(), "band")


def heard(test: AppTest) -> Song:
    assert not refusals(test)
    song: Song = test.session_state["_made band"].value.song
    return song


def pressed(test: AppTest, button: str) -> AppTest:
    return settled(test.button(key=button).click().run(), "band")


def others(before: Song, after: Song) -> set[str]:
    """The tracks whose notes differ."""
    notes = [{track.name: {(round(note.onset, 3), note.pitch) for note in track.notes}
              for track in song.tracks} for song in (before, after)]  # fmt: skip
    return {name for name in {**notes[0], **notes[1]} if notes[0].get(name, set()) != notes[1].get(name, set())}


def test_who_is_locked_stays_while_everyone_else_plays_something_new(opened: AppTest) -> None:
    before = heard(opened)
    assert heard(pressed(pressed(opened, "band lock bass"), "band lock drums")) is before, "a lock makes nothing new"
    after = heard(pressed(opened, "band_seed again"))
    assert others(before, after) and not others(before, after) & {"bass", "drums"}
    opened.selectbox(key="band_genre").set_value("rock").run()
    assert not others(before, heard(settled(opened, "band"))) & {"bass", "drums"}, "in another style too"
    for _ in range(2):
        pressed(opened, "earlier band")
    assert heard(opened) == before and opened.session_state["band_locks"] == ("drums", "bass")
    assert heard(pressed(pressed(opened, "band lock bass"), "band lock drums")) == before, "nor does it to unlock"


def test_a_lock_while_another_is_made_keeps_what_is_heard(opened: AppTest) -> None:
    before = heard(opened)
    opened.select_slider(key="band_bars").set_value(64).run()
    assert "_job band" in opened.session_state, "long work goes on"
    assert heard(pressed(opened, "band lock bass")) is before and opened.session_state["band_bars"] == 4


def test_another_part_for_one_player_leaves_what_was_written_anew(opened: AppTest) -> None:
    pressed(opened, "band lock bass")
    before = heard(pressed(opened, "band_seed again"))
    assert opened.button(key="band_bass_roll").disabled
    assert others(before, heard(pressed(opened, "band_piano_roll"))) == {"piano"}


def test_where_everyone_is_locked_it_is_said_and_nothing_is_lost(opened: AppTest) -> None:
    before = heard(opened)
    for player in ("drums", "piano", "guitar", "bass", "strings"):
        pressed(opened, f"band lock {player}")
    opened.button(key="band_seed again").click().run()
    assert any("unlock a player" in error for error in refusals(opened))
    assert opened.session_state["_made band"].value.song == before
    assert others(before, heard(pressed(opened, "band lock guitar"))) == set()
    assert others(before, heard(pressed(opened, "band_seed again"))) <= {"guitar"}


def test_a_jam_in_which_everyone_rests_says_so() -> None:
    test = app("pages/jam.py")
    for track in TRACKS:
        test.session_state[f"jam_{track}"] = False
    assert any("Everyone rests" in caption.value for caption in test.run().caption)
    test.toggle(key="jam_bass").set_value(True).run()
    assert not any("Everyone rests" in caption.value for caption in test.caption)
