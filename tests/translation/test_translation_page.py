"""Translation's page: what a person does there, in AppTest and in a real browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import streamlit as st

from engine.core.audio import MAX_BYTES, MAX_SECONDS
from engine.core.instruments import INSTRUMENTS, Instrument
from tests.studio import Visit, app, chromium, refusals, served, settled

PAGE = "pages/translation.py"


def wav(hz: float = 440.0) -> bytes:
    """A second of a tone with some harmonics."""
    t = np.arange(16_000) / 16_000
    file = io.BytesIO()
    soundfile.write(
        file, sum(0.3 * 0.4**k * np.sin(2 * np.pi * hz * (k + 1) * t) for k in range(5)), 16_000, format="WAV"
    )
    return file.getvalue()


def test_it_opens_with_something_translated_and_follows_the_controls():
    page = settled(app(PAGE).run(), "translation")
    assert not page.exception and not refusals(page)
    first = page.session_state["_made translation"]
    assert first.value.request.source == "flute" and first.value.request.target == "trombone"
    page.selectbox(key="translation_to").set_value("cello").run()
    second = settled(page, "translation").session_state["_made translation"]
    assert second.value.request.target == "cello" and second.number > first.number
    assert not np.array_equal(first.value.audio.samples, second.value.audio.samples)
    assert any("Heard again" in caption.value for caption in page.caption)


def test_it_offers_only_what_the_weights_know(monkeypatch):
    monkeypatch.setitem(INSTRUMENTS, "kazoo", Instrument(78, example=70))
    page = settled(app(PAGE).run(), "translation")
    for key in ("translation_from", "translation_to", "translation_example"):
        options = page.selectbox(key=key).options
        assert "Flute" in options and "Kazoo" not in options


def test_an_uploaded_recording_is_guessed_and_translated():
    page = settled(app(PAGE).run(), "translation")
    page.segmented_control(key="translation_way").set_value("file").run()
    page.file_uploader(key="translation_file").upload("tone.wav", wav(), "audio/wav").run()
    page = settled(page, "translation")
    made = page.session_state["_made translation"]
    assert not refusals(page) and made.settings.request.input.name == "tone.wav"
    assert made.value.guesses and len(made.value.song.tracks[0].notes) == 1
    (name, belief), said = made.value.guesses[0], " ".join(caption.value for caption in page.caption)
    assert name in said and ("hard to say" in said) == (belief < 0.5), "a guess is said as one"


def test_ten_minutes_can_be_brought_as_a_recorder_writes_them():
    """The page says ten minutes and WAV: in two channels of 24 bits at 48 kHz these are 173 MB."""
    assert MAX_SECONDS * 48_000 * 2 * 3 < MAX_BYTES <= st.get_option("server.maxUploadSize") * 2**20


def test_a_bad_file_is_refused_and_what_was_there_stays():
    page = settled(app(PAGE).run(), "translation")
    before = page.session_state["_made translation"]
    page.segmented_control(key="translation_way").set_value("file").run()
    page.file_uploader(key="translation_file").upload(
        "<b>photo</b>.wav", b"\xff\xd8\xff" + bytes(400), "audio/wav"
    ).run()
    page = settled(page, "translation")
    assert len(refusals(page)) == 1 and "not audio" in refusals(page)[0]
    assert page.session_state["_made translation"].number == before.number and not page.exception
    assert page.selectbox(key="translation_to").value == before.settings.request.target, "the controls stay"


def test_the_same_instrument_twice_is_refused():
    page = settled(app(PAGE).run(), "translation")
    page.selectbox(key="translation_from").set_value("trombone").run()
    assert any("already" in said for said in refusals(settled(page, "translation")))


def test_several_instruments_play_and_none_is_named_twice():
    page = settled(app(PAGE).run(), "translation")
    page.multiselect(key="translation_also").set_value(["cello"]).run()
    page = settled(page, "translation")
    made = page.session_state["_made translation"].value
    assert [track.name for track in made.song.tracks] == ["trombone", "cello"] and not refusals(page)
    page.multiselect(key="translation_also").set_value(["trombone"]).run()
    assert any("named twice" in said for said in refusals(settled(page, "translation")))


@pytest.mark.browser
def test_in_a_browser_before_and_after_are_heard(tmp_path):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address, phone=True) as visit:
        visit.open("translation", ".bs[data-player='translation-after']")
        visit.fits()
        visit.page.wait_for_function("window.__bandstand?.players.has('translation-after')")
        assert {"translation-before", "translation-after"} <= set(visit.players())
        visit.page.locator(".bs[data-player='translation-after'] .play").click()
        visit.heard("translation-after")
