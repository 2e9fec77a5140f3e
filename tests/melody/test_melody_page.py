"""The Melody page: what it makes, the editor and its faults, candidates; and the score in a real browser."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.audio import Audio, write_wav
from engine.core.byhand import REMARK, changed
from engine.core.midi import write_midi
from engine.melody.abc.notes import parse
from engine.melody.names import name_of
from engine.melody.request import MAX_ATTEMPTS
from engine.takes.library import SONG, Library
from engine.takes.replay import replay
from tests.studio import PATIENCE_SECONDS, Visit, app, chromium, refusals, served, settled, wait_for
from training.melody.judge import CHOICES
from ui.frame import plain


@pytest.fixture(scope="module")
def opened():
    test = app("pages/melody.py").run()
    return settled(test, "melody")


def editor(test):
    return next(area for area in test.text_area if area.label == "ABC")


def made(test):
    return test.session_state["_made melody"]


def test_a_tune_as_asked_is_there_at_once_and_its_text_is_whole(opened):
    assert not refusals(opened)
    tune, remarks = parse(editor(opened).value)
    assert not remarks
    seed = opened.number_input(key="melody_seed").value
    assert len(made(opened).value.candidates) == max(CHOICES), "as many as were judged"
    first = made(opened).value.candidates[0]
    assert tune.title == first.tune.title == name_of(seed, first.attempt, MAX_ATTEMPTS, tune.kind)


def test_key_and_meter_are_obeyed_and_another_seed_writes_another_tune(opened):
    before = editor(opened).value
    opened.selectbox(key="melody_meter").select("6/8")
    opened.selectbox(key="melody_key").select("Em")
    test = settled(opened.run(), "melody")
    assert "M:6/8\n" in editor(test).value and "K:Em\n" in editor(test).value
    test = settled(test.button(key="melody_seed again").click().run(), "melody")
    assert editor(test).value != before and not refusals(test)


def test_an_instrument_that_is_left_open_says_so_and_one_that_was_chosen_can_be_left_open_again(opened):
    box = opened.selectbox(key="melody_program")
    assert box.value is None and box.placeholder.startswith("Flute") and not any("Flute," in o for o in box.options)
    test = box.select("Violin").run()
    assert made(test).settings.program is None and test.selectbox(key="melody_program").value == 40
    test.selectbox(key="melody_program").set_value(None).run()


def test_notes_by_hand_are_heard_instead_and_kept(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))
    written = made(opened)
    song = changed(written.value.song, {0: [(0.0, 2.0, 72, 101)]})
    opened.session_state["_made melody"] = replace(written, value=written.value.with_notes(song))
    test = opened.run()
    assert not refusals(test) and plain(REMARK) in [caption.value for caption in test.caption]
    assert "melody_program" not in [box.key for box in test.selectbox], "an instrument would change nothing"
    test.button(key="save melody").click().run()
    library = Library(tmp_path)
    [take] = library.takes()
    assert take.recipe.by_hand and [note.pitch for note in library.notes(take).tracks[0].notes] == [72]
    test.session_state["_made melody"] = written
    assert not refusals(test.run())


def test_a_fault_in_the_editor_is_placed_and_the_last_good_score_stays(opened):
    test = opened
    original = editor(test).value
    lines = original.split("\n")
    title = lines.index(next(line for line in lines if line.startswith("T:")))
    lines[title] = "T:Mine <b>&"
    good = "\n".join(lines)
    editor(test).set_value(good)
    test.run()
    assert not refusals(test)
    line = good.count("\n", 0, good.index("\nK:Em\n")) + 2
    editor(test).set_value(good.replace("\nK:Em\n", "\nK:Em\n@"))
    test.run()
    assert not refusals(test)
    assert any(f"line {line + 1}, column 1" in warning.value.replace("\\", "") for warning in test.warning)
    editor(test).set_value(good.replace("\nK:Em\n", "\nK:H\n"))
    test.run()
    assert any(f"line {line}, column 3" in error.replace("\\", "") for error in refusals(test))
    assert test.code[0].value.endswith("\n  ^")
    kept = [key for key in test.session_state if key.startswith("melody good")]
    assert [test.session_state[key].title for key in kept] == ["Mine <b>&"]
    editor(test).set_value(original)
    test.run()
    assert not refusals(test)


def test_of_a_book_in_the_editor_a_tune_is_chosen_and_all_its_voices_are_there(opened):
    test, original = opened, editor(opened).value
    one = "X:1\nT:One\nM:4/4\nL:1/4\nK:C\nC4|]\n"
    two = "X:2\nT:Two\nM:4/4\nL:1/4\nQ:1/4=60\nK:C\nV:1\nE4|]\nV:2\nC4|]\n"
    editor(test).set_value(f"{one}\n{two}")
    test.run()
    (book,) = [box for box in test.selectbox if box.label == "Tune of the book"]
    assert book.options == ["1 · One", "2 · Two"] and not refusals(test)
    book.select(2)
    test.run().button(key="save melody").click().run()
    assert not refusals(test)
    song = replay(Library(), Library().takes()[0]).result.song
    assert (song.title, song.tempo, [t.notes[0].pitch for t in song.tracks]) == ("Two", 60, [64, 60])
    editor(test).set_value(original)
    test.run()


def test_a_book_that_is_brought_as_a_file_goes_into_the_editor(opened):
    test, original = opened, editor(opened).value
    (uploader,) = [each for each in test.file_uploader if each.label == "A tune or a book of mine"]
    book = "X:1\nT:Für Zwei\nL:1/4\nQ:1/4=90\nK:C\nC4|[Q:1/4=60]D4|\n\nX:2\nT:Two\nK:D\nD2|\n"
    uploader.upload("book.abc", book.encode("cp1252"), "text/plain").run()
    assert editor(test).value == book and not refusals(test)
    assert any("letters are read as those of Windows" in each.value for each in test.caption)
    assert [box.options for box in test.selectbox if box.label == "Tune of the book"] == [["1 · Für Zwei", "2 · Two"]]
    editor(test).set_value(original)
    test.run()


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.zeros(22_050, np.float32), "hum.wav is silent"),
        (np.random.default_rng(0).uniform(-0.3, 0.3, 22_050).astype(np.float32), "No notes are heard in hum.wav"),
        (np.full(8_000 * 601, 0.1, np.float32), "hum.wav is longer than 10 minutes"),
    ],
    ids=["silence", "noise", "too long"],
)
def test_a_hum_that_is_none_is_a_sentence_and_nothing_is_lost(opened, sound, said):
    test, before = opened, editor(opened).value
    test.segmented_control(key="melody_hum_way").set_value("file").run()
    (uploader,) = [each for each in test.file_uploader if each.label == "A recording of one voice"]
    rate = 8_000 if len(sound) > 100_000 else 22_050
    uploader.upload("hum.wav", write_wav(Audio(sound, rate), "PCM_U8"), "audio/wav").run()
    settled(test, "melody hum")
    assert [words for words in refusals(test) if words.startswith(plain(said))] and editor(test).value == before
    test.segmented_control(key="melody_hum_way").set_value("microphone").run()
    assert not refusals(test)


def test_a_take_is_made_again_to_the_byte_as_written_and_as_changed_by_hand(opened):
    test = opened
    written = editor(test).value
    untitled = "\n".join(line for line in written.split("\n") if not line.startswith("T:"))
    for text, kept in (
        (written, written),
        (written.replace("T:", "T:By hand, "), written.replace("T:", "T:By hand, ")),
        (untitled, untitled),
    ):
        editor(test).set_value(text)
        test.run().button(key="save melody").click().run()
        assert not refusals(test)
        take = Library().takes()[0]
        result = replay(Library(), take).result
        assert write_midi(result.song) == Library().read(take, SONG)
        assert result.text("abc") == Library().read(take, "text.abc") == kept.encode()
    editor(test).set_value(written)
    test.run()


def test_a_beginning_that_is_no_music_is_refused_and_the_tune_stays(opened):
    before = made(opened).number
    opened.text_area(key="melody_start").set_value("abc @")
    test = settled(opened.run(), "melody")
    assert any("column 5" in error.replace("\\", "") for error in refusals(test))
    assert made(test).number == before
    test.text_area(key="melody_start").set_value("")
    settled(test.run(), "melody")


@pytest.mark.browser
def test_the_playing_note_is_lit_and_a_click_moves_the_playhead(tmp_path):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address) as visit:
        visit.open("melody?melody_seed=11&melody_count=1", ready=".sheet svg .note")
        page = visit.page
        page.locator("button.play").wait_for()
        wait_for(lambda: visit.player("melody").get("length"), 60, "there is no player")
        page.locator("button.play").click()
        visit.heard("melody")
        wait_for(lambda: page.locator(".sheet .note.now").count() == 1, PATIENCE_SECONDS, "no note is lit")
        page.locator("button.play").click()
        wait_for(lambda: not visit.player("melody")["playing"], PATIENCE_SECONDS, "it plays on")
        before = visit.player("melody")["seconds"]
        page.locator(".sheet .note").nth(30).click(force=True)
        wait_for(lambda: abs(visit.player("melody")["seconds"] - before) > 0.3, PATIENCE_SECONDS, "the playhead stays")
        lit = page.locator(".sheet .note.now")
        wait_for(lambda: lit.count() >= 1, PATIENCE_SECONDS, "the note that was clicked is not lit")
        assert lit.first.get_attribute("id") == page.locator(".sheet .note").nth(30).get_attribute("id")
        page.get_by_role("button", name="Download").click()
        picture = visit.saved(page.get_by_role("button", name="SVG"))
        assert picture.path().read_bytes().startswith(b"<svg")
        visit.fits()
