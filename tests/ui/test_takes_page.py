"""The Takes page: what was kept is shown, found, starred, renamed, deleted with undo; and takes sent between pages."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import streamlit as st

from engine.core.home import HOME_VARIABLE
from engine.core.midi import write_midi
from engine.takes.archive import export
from engine.takes.library import SONG, Library, Recipe, Take
from tests.studio import app, kept_as, refusals, settled, tune
from ui import frame
from ui.recipe import in_words, when
from ui.takes import labels


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return Library()


def keep(library, name, seed=1, **more):
    return library.keep(kept_as(seed, song=tune(seed)), name=name, **more)


def page():
    test = app("pages/takes.py").run()
    assert not test.exception
    return test


def text(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.info, *test.error])


def button(test, label, nth=0):
    return [b for b in test.button if b.label == label][nth]


def test_an_empty_library_says_what_to_do(library):
    assert "press *Save*" in text(page())


def test_takes_are_shown_with_recipe_and_parents_and_names_stay_text(library):
    parent = keep(library, "Mother *tune* <script>")
    keep(library, "Child", 2, parents=[parent.id])
    shown = text(page())
    assert r"Mother \*tune\* \<script\>" in shown and "<script" not in shown.replace("\\<", "")
    assert "seed 2" in shown and "Made from Mother" in shown


def test_a_take_says_when_it_was_made_as_one_says_it_here(library):
    zone = timezone(timedelta(hours=2))
    now = datetime(2026, 11, 30, 9, 0, tzinfo=zone)
    for made, said in (
        ("2026-11-29T22:05:00.000+00:00", "today, 0:05"),  # it is tomorrow already where the clock says so
        ("2026-11-29T07:30:00.000+00:00", "yesterday, 9:30"), ("2026-11-28T21:59:00.000+00:00", "28 November"),
        ("2025-11-30T08:00:00.000+00:00", "30 November 2025"), ("long ago, it is said", "long ago, "),
    ):  # fmt: skip
        assert when(made, now) == said
    keep(library, "Lark")
    assert "today, " in text(page())


def test_a_tempo_is_told_in_the_beats_that_are_felt():
    take = Take("0" * 32, "A jig", Recipe("melody", {"tempo": 180.0}, 1), (), "2026-11-30")
    for meter, said in (((6, 8), "♩. = 120"), ((4, 4), "180 bpm")):
        assert in_words(take, replace(tune(1), meter=meter)) == [said]


def test_a_recipe_is_told_in_the_words_of_its_page(library):
    recipes = [
        Recipe("melody", {"format": 2, "kind": "jig", "transpose": 0, "top_p": 0.9, "chord_symbols": True}, 3),
        Recipe("melody", {"type": "reel"}, 4),  # of format 1, by options
        Recipe("variation", {"input": "input.mid", "frozen_tracks": ["bass", "drums"], "noise": {"piano": 1.0}}, 5),
        Recipe("tuba", {"deep_breath": 2}, 6),  # a system that is not here
        Recipe("melody", {"chosen_by": "critic", "attempt": 2, "candidates": 3, "tempo": "fast"}, 7),
        Recipe("melody", {"attempt": 3, "candidates": 1}, 1),  # as the page keeps it
        Recipe("trombone", {"note": 58, "seconds": 2.5, "rate": 44100, "dynamic": "mf", "articulation": "tenuto"}, 8),
        Recipe("band", {"genre": {"jazz": 3, "rock": 1}, "bars": 8, "density": 0.5, "without": ["drums"],
                        "register": {"piano": -1}, "busy": {"bass": 0.8}}, 9),
    ]  # fmt: skip
    midi = write_midi(tune(1))
    for number, recipe in enumerate(recipes):
        library.add(f"{number}" * 32, "One", recipe, (), dict.fromkeys((SONG, "input.mid"), midi))
    shown = text(page()).replace("\\", "")
    for words in (
        "Melody · jig · surprises 0.9 · chord symbols · seed 3",
        "Melody · reel · seed 4",
        "holds bass, drums · drifts piano 1 · seed 5",
        "Tuba · deep breath 2 · seed 6",
        "Melody · tune 2 of its seed · chosen from 3 · tempo fast · seed 7",
        "Melody · tune 3 of its seed · seed 1",
        "Trombone · Bb3 · 2.5 s · mf · seed 8",
        "jazz 75%, rock 25% · 8 bars · no drums · piano 1 octave lower · bass busy 80% · seed 9",
    ):
        assert words in shown, shown


def test_search_finds_by_every_word(library):
    keep(library, "Night bus")
    keep(library, "Morning dew")
    test = page()
    test.text_input(key="takes search").set_value("dew MORNING").run()
    assert "Morning dew" in text(test) and "Night bus" not in text(test)
    test.text_input(key="takes search").set_value("nothing").run()
    assert "No take has all of these words" in text(test)


def test_star_and_delete_with_undo(library):
    take = keep(library, "One")
    test = page()
    test.menu_button(key=f"more {take.id}").click("Star").run()
    assert library.get(take.id).starred and "★ One" in text(test)
    test.menu_button(key=f"more {take.id}").click("Delete").run()
    assert library.takes() == [] and "deleted" in text(test)
    button(test, "Undo").click().run()
    assert [found.id for found in library.takes()] == [take.id] and not test.exception


def test_a_full_page_goes_on_to_the_next(library):
    for n in range(11):
        keep(library, f"take number {n}")
    shown = text(page())
    assert "take number 10" in shown and "take number 2" not in shown


def test_takes_of_one_name_are_told_apart_wherever_one_is_chosen(library):
    old, new = keep(library, "Jig", 1), keep(library, "Jig", 2)
    assert labels(library.takes()) == {new.id: "Jig (2)", old.id: "Jig"}
    test = app("pages/variation.py")
    test.session_state["sent variation"] = new.id
    settled(test.run(), "variation")
    assert test.session_state["_made variation"].settings.parents == (new.id,)
    test.session_state["take for variation"] = old.id
    settled(test.run(), "variation")
    assert test.session_state["_made variation"].settings.parents == (old.id,)


def test_the_chain_of_parents_stands_under_what_was_made_of_a_take_and_is_kept(library):
    mother = keep(library, "Mother")
    child = keep(library, "Child *one*", 2, parents=[mother.id])
    test = app("pages/variation.py")
    test.session_state["sent variation"] = child.id
    settled(test.run(), "variation")
    assert r"Made from Child \*one\* ← Mother" in text(test)
    test.selectbox(key="variation_source").select_index(0).run()  # another song is chosen, and not yet varied
    test.button(key="save variation").click().run()
    take = library.takes()[0]
    of_child = library.read(take, "input.mid") == library.read(child, "song.mid")
    assert not refusals(test) and (take.parents == (child.id,)) == of_child


def test_a_result_is_sent_on_whatever_settings_stand_in_the_address(library):
    test = app("pages/band.py")
    test.query_params["band_seed"] = "99"
    test.query_params["band_bars"] = "4 bars"
    settled(test.run(), "band")
    test.button(key="send band Variation").click().run()
    assert not refusals(test) and [title.value for title in test.title] == ["Variation"]
    [take] = library.takes()
    test.switch_page("pages/variation.py").run()  # AppTest itself goes back to where it was
    made = settled(test, "variation").session_state["_made variation"]
    assert take.recipe.seed == 99 and made.settings.parents == (take.id,)


def test_what_is_deleted_stands_on_a_shelf_of_its_own_until_it_is_restored(library):
    take = keep(library, "One")
    library.delete(take.id)
    test = page()
    assert "One" not in text(test)
    test.segmented_control(key="takes shelf").set_value("Deleted").run()
    assert "One" in text(test)
    button(test, "Restore").click().run()
    assert library.takes() == [take] and "No take is deleted" in text(test)


def test_a_damaged_take_says_so_hides_no_other_and_can_be_deleted(library):
    keep(library, "Sound one")
    bad = keep(library, "Bad one")
    (library.files / bad.id / "song.mid").write_bytes(b"MThd")
    test = page()
    assert refusals(test) == ["Bad one is a damaged MIDI file\\: it ends too early\\."]
    assert "Sound one" in text(test)
    test.menu_button(key=f"more {bad.id}").click("Delete").run()
    assert not refusals(test) and [take.name for take in library.takes()] == ["Sound one"]


def test_two_tabs_disturb_nothing(library):
    keep(library, "Mine")
    yours = keep(library, "Yours")
    one, other = page(), page()
    one.menu_button(key=f"more {yours.id}").click("Delete").run()
    other.menu_button(key=f"more {yours.id}").click("Star").run()  # it was still shown there
    assert not refusals(other) and "Mine" in text(other) and "Yours" not in text(other)
    one.button(key="undo").click().run()
    assert "Yours" in text(one) and "Yours" in text(other.run())


def test_a_zip_brings_takes_in_once(library, tmp_path):
    away = Library(tmp_path / "away")
    keep(away, "Brought")
    test = page()
    test.file_uploader(key="takes import").upload("takes.zip", export(away, away.takes()), "application/zip").run()
    assert not refusals(test) and library.takes() == away.takes() and "Brought" in text(test)
    library.delete(library.takes()[0].id)
    assert "Brought" not in text(test.run()), "the same upload is not read again at every move"


def test_what_one_zip_could_not_bring_in_again_is_not_exported(library, monkeypatch):
    keep(library, "One")
    assert any(each.label == "Export this one" for each in page().get("download_button"))
    monkeypatch.setattr("engine.takes.archive.MAX_ENTRY", st.get_option("server.maxUploadSize") * 10**6)
    test = page()
    assert not test.get("download_button") or all("Export" not in each.label for each in test.get("download_button"))
    assert "one zip brings in again" in text(test)


@pytest.mark.parametrize("path", ["pages/takes.py", "pages/trombone.py"])
def test_a_library_that_cannot_be_opened_is_a_sentence(tmp_path, monkeypatch, path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file"))
    test = app(path)
    test.session_state["trombone_kind"] = "A melody"
    assert ["cannot be opened" in said for said in refusals(test.run())] == [True]


def test_every_page_that_can_take_a_take_is_offered_and_only_those(library):
    take = keep(library, "One")
    test = page()
    sent = {b.label for b in test.button if b.key and b.key.startswith(f"send {take.id}")}
    assert sent == {"Band", "Variation", "Trombone", "Translation"} <= {page.title for page in frame.pages()}
