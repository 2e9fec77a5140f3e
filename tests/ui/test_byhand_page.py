"""What a hand does on a page goes into its results, and what it cannot do is said and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.byhand import REMARK
from engine.core.song import Song
from tests.studio import PATIENCE_SECONDS, settled


def page() -> None:
    """A page with a result, and a hand that raises its piano by what the page is told."""
    import types
    from functools import partial

    import streamlit as st

    from tests.studio import kept_as, tune
    from ui import byhand, jobs, player, takes

    if jobs.empty("lab"):
        jobs.start("lab", lambda progress: kept_as(3, song=tune(3)), settings={"seed": 3})
    made = jobs.show("lab")
    if made is None:
        return
    song = made.value.song
    st.number_input("Semitones", 1, 99, 1, key="by")
    st.number_input("Serial", 1, 99, 1, key="serial")

    def touch() -> None:
        by, serial = st.session_state["by"], st.session_state["serial"]
        notes = [(n.onset, n.duration, n.pitch + by, n.velocity) for n in song.tracks[2].notes]
        st.session_state["sent"] = types.SimpleNamespace(edit={"serial": serial, "tracks": {"2": notes}})
        player._Hand("sent", song, partial(byhand.keep, "lab", made.value))()

    st.button("Touch", key="touch", on_click=touch)
    hand = player._Hand("sent", song, partial(byhand.keep, "lab", made.value))
    st.text(f"{hand.serial} {hand.refusal}")
    takes.actions("lab", made.value, "lab")


@pytest.fixture
def opened() -> AppTest:
    return settled(AppTest.from_function(page, default_timeout=PATIENCE_SECONDS).run(), "lab")


def touched(test: AppTest, by: int, serial: int) -> AppTest:
    test.number_input(key="by").set_value(by)
    test.number_input(key="serial").set_value(serial)
    test.button(key="touch").click().run()
    assert not test.exception, [each.value for each in test.exception]
    return test


def entries(test: AppTest) -> list[Any]:
    return list(test.session_state["_histories"]["lab"].entries)


def lowest(song: Song) -> int:
    return min(note.pitch for note in song.tracks[2].notes)


def test_all_that_a_hand_does_is_one_result_beside_what_it_was_made_from(opened: AppTest) -> None:
    touched(touched(opened, 2, 1), 3, 2)
    first, second = entries(opened)
    assert not first.value.by_hand and second.value.by_hand and second.before == first.number
    assert lowest(second.value.song) == lowest(first.value.song) + 5
    assert second.value.remarks == (REMARK,) and second.value.request == first.value.request
    assert second.settings == first.settings
    assert [caption.value for caption in opened.caption] == [
        "The address of this page holds its settings, not these notes: Save keeps them."
    ]
    assert opened.text[0].value.split() == ["2"], "the page hears which change it shows"
    opened.button(key="before lab").click().run()
    assert not opened.caption, "the address leads to what no hand has changed"
    assert opened.text[0].value.split() == ["None"], "another song is none of the hand's"
    touched(opened, 1, 3)
    assert len(entries(opened)) == 3, "what was made from the first before stays"


def test_what_something_was_made_from_is_not_written_over(opened: AppTest) -> None:
    touched(opened, 2, 1)
    [_, by_hand] = entries(opened)
    opened.session_state["_histories"]["lab"].entries.append(
        type(by_hand)(by_hand.value, None, 0.0, 99_999, before=by_hand.number)
    )
    touched(opened, 1, 2)
    assert entries(opened)[1] == by_hand and entries(opened)[-1].before == by_hand.number


def test_a_note_off_the_piano_is_said_and_nothing_changes(opened: AppTest) -> None:
    touched(opened, 60, 1)
    assert len(entries(opened)) == 1
    assert opened.text[0].value.startswith("1 A note of piano would lie off the piano")
    assert touched(opened, 1, 2).text[0].value.split() == ["2"]


def test_what_was_stopped_before_is_no_news_after_a_hand_was_there(opened: AppTest) -> None:
    opened.session_state["_says lab"] = ("info", "Stopped: playing 128 bars.")
    assert opened.run().info
    assert not touched(opened, 2, 1).info
