"""Nothing is lost: results step back and forth with their controls, what was stopped can be tried again, and a tab that
is reloaded goes on with what it had."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.audio import Audio, write_wav
from engine.core.result import Music
from tests.studio import settled
from ui import history
from ui.history import LARGE, NEAR, History
from ui.jobs import JobResult

SLOW = 5  # a number with which the page works until it is stopped


def page() -> None:
    """A page that makes its seed, or waits to be stopped."""
    import time

    import streamlit as st

    from ui import anew, history, jobs
    from ui.controls import PERSISTED

    history.open_memory("Lab")
    seed = st.number_input("Seed", 0, 99, 1, key="lab_seed", **PERSISTED)
    st.text_area("Text", "", key="melody abc 1 0")

    def work(progress, seed=seed):  # type: ignore[no-untyped-def]
        while seed == 5:
            progress(1, 2)
            time.sleep(0.01)
        return f"made {seed}"

    jobs.run_when_changed("lab", work, settings=seed, label="Making")
    made = jobs.show("lab")
    if made:
        st.text(made.value)
    st.button("Anew", key="anew", on_click=lambda: anew.begin(
        "lab", lambda number: f"way {number}", lambda settings, progress: settings, label="Writing"))  # fmt: skip


@pytest.fixture
def opened() -> AppTest:
    return settled(AppTest.from_function(page).run(), "lab")


def shown(test: AppTest) -> str:
    assert not test.exception, [each.value for each in test.exception]
    return str(test.text[0].value)


def made(test: AppTest, seed: int) -> AppTest:
    return settled(test.number_input(key="lab_seed").set_value(seed).run(), "lab")


def pressed(test: AppTest, button: str) -> AppTest:
    return settled(test.button(key=button).click().run(), "lab")


def test_results_step_back_and_forth_and_their_controls_with_them(opened: AppTest) -> None:
    made(made(opened, 2), 3)
    assert shown(pressed(opened, "earlier lab")) == "made 2" and opened.number_input(key="lab_seed").value == 2
    assert shown(pressed(opened, "earlier lab")) == "made 1" and opened.button(key="earlier lab").disabled
    pressed(pressed(opened, "later lab"), "later lab")
    assert shown(opened) == "made 3" and opened.number_input(key="lab_seed").value == 3
    assert shown(made(pressed(opened, "earlier lab"), 7)) == "made 7", "what is made next stands at the end"
    assert len(opened.session_state["_histories"]["lab"].entries) == 4


def test_what_was_asked_for_before_is_shown_as_it_was_left_and_not_made_again(opened: AppTest) -> None:
    way = shown(pressed(pressed(opened, "anew"), "later lab"))
    assert shown(made(opened, 2)) == "made 2"
    assert shown(made(opened, 1)) == way, "the way that was shown last, not the first result of these settings"
    assert len(opened.session_state["_histories"]["lab"].entries) == 5


def test_of_what_one_hand_drags_through_the_last_is_kept() -> None:
    past = History()
    for number, hand in enumerate(("", "a", "a", "a", "b", ""), start=1):
        past.add([JobResult(f"made {number}", number, 0.1, number, hand=hand)], {"piano": [0.5, False, False]})
    assert [entry.number for entry in past.entries] == [1, 4, 5, 6] and past.at == 3
    assert set(past.mixes) == {1, 4, 5, 6}
    past.go(1)
    past.add([JobResult("made 7", 7, 0.1, 7, hand="c")])
    assert [entry.number for entry in past.entries] == [1, 4, 5, 6, 7], "what another hand made stays"


def test_ways_of_writing_anew_are_stepped_through_each_against_what_was(opened: AppTest) -> None:
    first = shown(pressed(opened, "anew"))
    assert first.startswith("way ") and opened.number_input(key="lab_seed").value == 1
    assert shown(pressed(opened, "before lab")) == "made 1"
    assert shown(pressed(opened, "after lab")) == first
    second = shown(pressed(opened, "later lab"))
    third = shown(pressed(opened, "later lab"))
    assert len({first, second, third}) == 3 and opened.button(key="later lab").disabled
    assert shown(pressed(opened, "before lab")) == "made 1"
    assert shown(made(opened, 2)) == "made 2", "the page's own goes on"


def test_after_a_cancel_controls_and_music_agree_and_it_can_be_tried_again(opened: AppTest) -> None:
    made(opened, 2)
    opened.number_input(key="lab_seed").set_value(SLOW).run()
    assert shown(opened) == "made 2", "what there was stays while it works"
    pressed(opened, "cancel lab")
    assert opened.number_input(key="lab_seed").value == 2 and shown(opened) == "made 2"
    assert "Stopped" in opened.info[0].value
    opened.button(key="try lab").click().run()
    assert opened.number_input(key="lab_seed").value == SLOW and "_job lab" in opened.session_state
    pressed(opened, "cancel lab")


def test_a_tab_that_is_reloaded_goes_on_with_what_it_had_and_a_new_one_begins_anew(
    opened: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(made(opened, 2), 3)
    opened.text_area(key="melody abc 1 0").set_value("X:1").run()
    tab = opened.run().session_state["_tab"]
    monkeypatch.setattr("ui.history._cookie", lambda: tab)
    again = settled(AppTest.from_function(page).run(), "lab")
    assert shown(again) == "made 3" and again.number_input(key="lab_seed").value == 3
    assert again.text_area(key="melody abc 1 0").value == "X:1"
    assert shown(pressed(again, "earlier lab")) == "made 2"
    assert again.session_state["_tab"] != tab
    monkeypatch.setattr("ui.history._cookie", lambda: "")
    assert shown(settled(AppTest.from_function(page).run(), "lab")) == "made 1"


def test_arrays_of_results_far_back_lie_in_files_and_come_back() -> None:
    past = History()
    for number in range(3 * NEAR):
        sound = Audio(np.full(LARGE, number / 100, np.float32), 8_000)
        later = {"wav": partial(write_wav, sound)}  # what is written when it is asked for holds the sound too
        past.add([JobResult([Music(audio=sound, texts=later)], None, 0.0, number)])
    for sounds in (lambda music: music.audio, lambda music: music.texts["wav"].args[0]):
        held = [isinstance(sounds(entry.value[0]).samples, np.ndarray) for entry in past.entries]
        assert held == [False] * (2 * NEAR - 1) + [True] * (NEAR + 1)
    [music] = past.go(0).value
    assert music.audio.rate == 8_000 and np.array_equal(music.audio.samples, np.zeros(LARGE, np.float32))
    assert music.texts["wav"].args[0].samples is music.audio.samples, "one array is one file"
    assert music.text("wav") == write_wav(music.audio)
    assert past.find(3) == 3 and past.find(None) is None


def test_the_oldest_results_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 3)
    past = History()
    for number in range(5):
        past.add([JobResult(number, None, 0.0, number)])
    assert [entry.number for entry in past.entries] == [2, 3, 4] and past.shown.number == 4  # type: ignore[union-attr]


def bringing() -> None:
    """A page with an upload."""
    import streamlit as st

    from ui import controls, history

    history.open_memory("Lab")
    if not st.session_state.get("elsewhere"):
        file = controls.upload("A file", ["mid"], key="lab_file", help="A file.")
        st.text("none" if file is None else f"{file.name} {file.content!r}")


def test_an_upload_outlives_a_change_of_page_until_it_is_let_go() -> None:
    test = AppTest.from_function(bringing).run()
    assert shown(test) == "none"
    test.file_uploader(key="lab_file").upload("a.mid", b"notes", "audio/midi").run()
    assert shown(test) == "a.mid b'notes'" and not test.caption
    test.session_state["elsewhere"] = True
    test.run()
    test.session_state["elsewhere"] = False
    assert shown(test.run()) == "a.mid b'notes'" and "still here" in test.caption[0].value
    assert shown(test.button(key="lab_file away").click().run()) == "none"
