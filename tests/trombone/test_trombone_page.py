"""The trombone's page: notes, scales and melodies, what is said of them, and what stays when something is refused."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.audio import Audio
from engine.core.midi import write_midi
from engine.takes.library import Library
from engine.takes.replay import replay
from engine.trombone.pitch import RATE, measured_cents
from tests.studio import app, kept_as, refusals, settled, tune
from ui import jobs

PAGE = "pages/trombone.py"


def opened(**query: str) -> AppTest:
    test = app(PAGE)
    for name, value in query.items():
        test.query_params[name] = value
    return settled(test.run(), "trombone")


def made(test: AppTest) -> jobs.JobResult:
    return test.session_state["_made trombone"]


def test_another_note_is_another_pitch_and_the_page_says_what_it_measured():
    test = opened(trombone_seconds_0="0.5")
    assert not refusals(test)
    first = made(test)
    assert abs(measured_cents(first.value.audio.resampled(RATE).samples, 58)) < 25
    assert any("measured" in c.value and "cents" in c.value for c in test.caption)
    test.select_slider(key="trombone_note").set_value(51).run()
    settled(test, "trombone")
    second = made(test)
    assert abs(measured_cents(second.value.audio.resampled(RATE).samples, 51)) < 25 and second.number != first.number


def test_a_note_is_called_as_musicians_do_and_older_addresses_are_still_understood():
    test = opened(trombone_note="D3 · 50", trombone_seconds_0="0.3")
    slider = test.select_slider(key="trombone_note")
    assert slider.value == made(test).value.request.note == 50
    assert "Bb3" in slider.options and not any("·" in name for name in slider.options)
    slider.set_value(51).run()
    assert settled(test, "trombone").select_slider(key="trombone_note").value == 51, "the address holds it no longer"


def test_a_scale_rises_and_stops_at_the_top():
    test = opened(trombone_seconds_0="0.3", trombone_seconds_1="0.3")
    test.session_state["trombone_note"] = 72
    test.segmented_control(key="trombone_kind").set_value("A scale").run()
    settled(test, "trombone")
    assert not refusals(test)
    audio, song = made(test).value.audio, made(test).value.song
    assert [n.pitch for n in song.tracks[0].notes] == [72, 74, 76] and 0.85 < audio.seconds < 2


def test_a_melody_waits_for_a_piece_and_plays_a_take_that_was_sent():
    library = Library()
    take = library.keep(kept_as(song=tune(3).only(["piano"])), name="A take")
    test = app(PAGE)
    test.session_state["sent trombone"] = take.id
    test = settled(test.run(), "trombone")
    assert not refusals(test)
    result = made(test).value
    assert len(result.song.tracks[0].notes) == 16 and not result.audio.silent
    assert result.request.input.content.startswith(b"MThd") and made(test).settings.parents == (take.id,)


def test_a_melody_is_heard_from_its_first_notes_while_the_rest_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, seen, report = [], threading.Event(), jobs.report_partial

    def held_up(audio: Audio) -> None:
        heard.append(audio)
        report(audio)
        assert seen.wait(60)

    monkeypatch.setattr(jobs, "report_partial", held_up)
    take = Library().keep(kept_as(song=tune(3).only(["piano"])), name="A take")
    test = app(PAGE)
    test.session_state["sent trombone"] = take.id
    until = time.monotonic() + 60
    while not any("still being played" in caption.value for caption in test.run().caption):
        assert time.monotonic() < until
    assert "_made trombone" not in test.session_state and not refusals(test)
    seen.set()
    settled(test, "trombone")
    assert not any("still being played" in caption.value for caption in test.caption)
    (opening,), whole = heard, made(test).value.audio
    before_the_next = int(3.9 * whole.rate)
    assert 3.9 < opening.seconds < 6 < whole.seconds
    np.testing.assert_array_equal(opening.samples[:before_the_next], whole.samples[:before_the_next])


def test_a_file_that_is_no_music_is_one_sentence_and_loses_nothing():
    test = opened(trombone_seconds_0="0.3")
    before = made(test)
    test.segmented_control(key="trombone_kind").set_value("A melody").run()
    test.file_uploader(key="trombone_file").upload("x.mid", b"MThd and nothing", "audio/midi").run()
    assert len(refusals(test)) == 1 and made(test).number == before.number
    test.file_uploader(key="trombone_file").upload("y.mid", write_midi(tune(2)), "audio/midi").run()
    settled(test, "trombone")
    assert not refusals(test) and made(test).number != before.number


def test_a_tune_of_a_book_is_chosen():
    test = opened(trombone_seconds_0="0.3")
    test.segmented_control(key="trombone_kind").set_value("A melody").run()
    book = b"X:1\nT:One\nL:1/4\nK:C\nC|]\n\nX:2\nT:Two\nL:1/4\nK:C\nD|]\n"
    test.file_uploader(key="trombone_file").upload("book.abc", book, "text/plain").run()
    settled(test, "trombone")
    [choice] = [box for box in test.selectbox if box.label == "Tune of the book"]
    assert choice.options == ["1 · One", "2 · Two"]
    choice.select(2).run()
    settled(test, "trombone")
    assert not refusals(test) and made(test).value.request.tune_number == 2
    assert [note.pitch % 12 for note in made(test).value.song.tracks[0].notes] == [2]


def test_a_takes_recipe_makes_the_same_sound_again():
    test = opened(trombone_seconds_0="0.4", trombone_dynamic="ff, very loud", trombone_seed="11")
    assert made(test).settings.request.dynamic == "ff"
    test.button(key="save trombone").click().run()
    library = Library()
    (take,) = library.takes()
    again = replay(library, take).result
    np.testing.assert_array_equal(again.audio.samples, made(test).value.audio.samples)
