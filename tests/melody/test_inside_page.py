"""How a tune was made, on Melody's page: closed it computes nothing, a click goes on from a character in a browser."""

import csv
import io
import re
from dataclasses import replace

import pytest
from playwright.sync_api import TimeoutError as NotShown

from engine import melody as engine
from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, ROOT, Visit, app, chromium, refusals, served, settled, wait_for
from ui import plots
from ui.plots import melody


def shown(place, seconds):
    try:
        place.wait_for(timeout=1000 * seconds)
    except NotShown:
        return False
    return True


def click(visit, point, says):
    """A click where a mark of a plot stands, as a mouse does it: plotly asks first what it hovers over.

    Whether the page then says so; plotly hears nothing while it draws itself.
    """
    page, place = visit.page, visit.box(point, rest_seconds=0.5)
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x - 2, y)
    page.wait_for_timeout(200)
    page.mouse.move(x, y)
    page.wait_for_timeout(200)
    page.mouse.click(x, y)
    return shown(page.get_by_text(says), 10)


def body(abc):
    """The lines below the key; none while the page draws the text anew."""
    return abc.partition("\nK:")[2].partition("\n")[2].rstrip("\n")


def test_closed_it_computes_nothing_and_open_it_shows_the_tune_of_the_page():
    test = settled(app("pages/melody.py").run(), "melody")
    assert not test.get("plotly_chart")
    test.session_state["melody_inside"] = True
    test.run()
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    best = test.session_state["_made melody"].value.candidates[0]
    assert any(f"{-best.likelihood:.2f} bits a character on average" in caption.value for caption in test.caption)


def opened(kept):
    """The page with a take of this result opened on it, and how it was made."""
    test = app("pages/melody.py")
    test.session_state["opened melody"] = Library().keep(kept).id
    test.session_state["melody_inside"] = True
    test = settled(test.run(), "melody")
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    return test


def test_a_take_opens_with_how_it_was_made_and_of_other_weights_with_what_these_expect_of_it():
    model = engine.load()
    kept = engine.generate(model, engine.Request(seed=5, candidates=1, bars=8))
    bits = f"{-kept.candidates[0].likelihood:.2f} bits a character on average"
    test = opened(kept)
    assert not test.info and any(bits in caption.value for caption in test.caption)

    test = opened(replace(kept, request=replace(kept.request, seed=6), weights="0" * 64))
    assert any("written by other weights" in info.value for info in test.info)
    assert any("bits a character on average" in caption.value for caption in test.caption)


def test_rows_of_a_tune_fit_a_phone_and_break_where_the_text_does():
    text = 'e|"Am"AB c|"E7"BA G|"Am"AB c/B/|"Am"A2:|\n|:' + "a" * 40 + "|]"
    places = melody.rows_of(text)
    assert len(places) == len(text) + 1 == len(set(places))
    assert places == sorted(places) and max(column for _, column in places) <= melody.ROW
    assert places[text.index("\n") + 1] == (places[text.index("\n")][0] + 1, 0)
    assert places[text.index('"Am"AB c/')] == (1, 0)


def test_the_numbers_of_a_plot_are_a_table_that_any_program_reads():
    table = {"character": ["A", ",", '"'], "bits": [0.5, 1, 2]}
    read = list(csv.reader(io.StringIO(plots.as_csv(table).decode())))
    assert read == [["character", "bits"], ["A", "0.5"], [",", "1"], ['"', "2"]]


def test_the_code_that_a_plot_names_is_there():
    named = {path for page in [*(ROOT / "ui" / "inside").glob("*.py"), ROOT / "pages" / "inside.py"]
             for path in re.findall(r'"((?:engine|training)/[\w/]+\.py)"', page.read_text("utf-8"))}  # fmt: skip
    assert len(named) >= 10 and all((ROOT / path).is_file() for path in named), named


def test_a_column_of_numbers_stays_one_where_some_are_missing_and_is_words_where_some_are():
    assert plots.of_one_type([1, "", 2.5]) == [1, None, 2.5] and plots.of_one_type(["given", 0.1, ""]) == [
        "given", "0.1", None
    ]  # fmt: skip


@pytest.mark.browser
def test_a_click_on_a_character_offers_another_and_the_tune_goes_on_from_it(tmp_path):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address) as visit:
        visit.open("melody?melody_seed=11&melody_count=1", ready=".sheet svg .note")
        page = visit.page
        assert not page.locator(".js-plotly-plot").count()
        page.get_by_text("How it was made").click()
        points = page.locator(".js-plotly-plot").first.locator(".scatterlayer .point")
        points.first.wait_for()
        page.get_by_role("button", name="The code").first.click()
        page.get_by_role("dialog").get_by_text("Inside Melody: what the network expected").wait_for()
        page.get_by_role("button", name="Close").click()
        page.get_by_role("dialog").wait_for(state="detached")
        before = body(page.get_by_role("textbox", name="ABC", exact=True).input_value())
        wait_for(lambda: points.count() == len(before) + 1, PATIENCE_SECONDS,
                 "there is not a point for each character and the end")  # fmt: skip
        button = page.get_by_role("button", name="Go on from here")
        for at in range(5, 40):
            says = f"Character {at + 1}:"
            wait_for(lambda at=at, says=says: click(visit, points.nth(at), says), PATIENCE_SECONDS, "nothing is chosen")
            if shown(button, 4):  # not within a chord symbol, and something else may stand there
                break
        button.click()
        typed = page.get_by_role("textbox", name="Begin with")
        page.get_by_text("A beginning, chords and more").click()
        wait_for(lambda: len(typed.input_value()) == at + 1, 60, "the beginning is not the tune so far")
        start = typed.input_value()
        assert start[:-1] == before[:at] and start[-1] != before[at]
        after = page.get_by_role("textbox", name="ABC", exact=True).last  # the one before may still be leaving
        wait_for(lambda: body(after.input_value()).startswith(start), 60, "the tune does not go on from there")
        visit.fits()
