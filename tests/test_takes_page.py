"""The Takes page: what was kept is shown, found, starred, renamed, deleted with undo; and takes sent between pages."""

import pytest

from engine.made import Made
from engine.takes import HOME_VARIABLE, Library, Recipe
from tests.studio import app, tune


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return Library()


def keep(library, name, seed=1, **more):
    return library.keep(Made(song=tune(seed)), Recipe("band", {"genre": "jazz"}, seed), name=name, **more)


def page():
    test = app("pages/takes.py").run()
    assert not test.exception
    return test


def text(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.info, *test.error])


def button(test, label, nth=0):
    return [b for b in test.button if b.label == label][nth]


def test_an_empty_library_says_what_to_do(library):
    assert "Save as take" in text(page())


def test_takes_are_shown_with_recipe_and_parents_and_names_stay_text(library):
    parent = keep(library, "Mother *tune* <script>")
    keep(library, "Child", 2, parents=[parent.id])
    shown = text(page())
    assert r"Mother \*tune\* \<script\>" in shown and "<script" not in shown.replace("\\<", "")
    assert "seed 2" in shown and "from Mother" in shown


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
    button(test, "Star").click().run()
    assert library.get(take.id).starred and "★ One" in text(test)
    button(test, "Delete").click().run()
    assert library.takes() == [] and "deleted" in text(test)
    button(test, "Undo").click().run()
    assert [found.id for found in library.takes()] == [take.id] and not test.exception


def test_rename_and_tag(library):
    take = keep(library, "One")
    test = page()
    test.text_input(key=f"name {take.id}").set_value("Two")
    test.text_input(key=f"tags {take.id}").set_value("slow, for Ana,")
    button(test, "Save").click().run()
    assert library.get(take.id).name == "Two" and library.get(take.id).tags == ("slow", "for Ana")


def test_a_full_page_goes_on_to_the_next(library):
    for n in range(11):
        keep(library, f"take number {n}")
    shown = text(page())
    assert "take number 10" in shown and "take number 2" not in shown
