"""The page Inside, and how a piece of Band was made, in a browser: in light, in the dark, on a phone, offline; what is
drawn can be read, taken away, and clicked."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.studio import Visit, chromium, served, wait_for
from ui import frame
from ui.plots import SERIES

pytestmark = pytest.mark.browser
REPORT = json.loads((frame.ROOT / "EVALUATION.json").read_text("utf-8"))
SCREENS = [{}, {"dark": True}, {"phone": True}, {"dark": True, "phone": True}]


def plots_of(visit, count):
    """The page's plots, once all are drawn: one that plotly cannot draw has no height."""
    drawn = visit.page.locator(".js-plotly-plot")
    wait_for(lambda: drawn.count() == count, 120, f"there are not {count} plots")
    wait_for(lambda: all(drawn.nth(n).bounding_box()["height"] > 100 for n in range(count)), 60, "one is not drawn")
    return drawn


def rgb(colour):
    return f"rgb({', '.join(str(int(colour[n : n + 2], 16)) for n in (1, 3, 5))})"


def said_of(visit, count):
    """Each plot has a heading, two sentences, words for a screen reader, and its axes have names."""
    page = visit.page
    headings, titles = page.locator("h2").all_inner_texts(), []
    assert page.get_by_role("button", name="Numbers and pictures").count() == count
    for n in range(count):
        plot = page.locator(".js-plotly-plot").nth(n)
        assert plot.locator(".xtitle, .ytitle, .annotation-text").count(), "an axis or a row without a name"
        said = plot.locator("xpath=ancestor::*[@aria-label][1]").get_attribute("aria-label")
        titles += [heading for heading in headings if said.startswith(f"{heading}. ")]
    assert len(set(titles)) == count, "a plot without its heading"
    visit.fits()


def taken_away(visit, ending):
    """What the camera of the page's first plot saves."""
    plot = visit.page.locator(".js-plotly-plot").first
    plot.hover()
    with visit.page.expect_download() as download:
        plot.locator(".modebar-btn[data-title^='Download plot']").click()
    assert download.value.suggested_filename.endswith(f".{ending}")
    with open(download.value.path(), "rb") as file:
        return file.read()


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: " ".join(screen) or "light")
def test_the_page_inside_is_read_on_every_screen(tmp_path, screen):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address, **screen) as visit:
        for name in ("Player", "Translation", "Variation"):
            visit.open(f"inside?inside_network={name}")
            count = 1 + len(REPORT[name.lower()]["curves"])
            drawn = plots_of(visit, count)
            said_of(visit, count)
        first = drawn.first.locator(".scatterlayer .point").first
        fill = first.evaluate("point => getComputedStyle(point).fill")
        assert fill == rgb(SERIES[screen.get("dark", False)][0]), "the plot does not follow the theme"


def test_pictures_and_numbers_are_taken_away_without_a_net(tmp_path):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address) as visit:
        visit.open("inside?inside_network=Ranker")
        plots_of(visit, 2)
        assert taken_away(visit, "png").startswith(b"\x89PNG")
        visit.page.get_by_role("button", name="Numbers and pictures").last.click()
        table = visit.page.locator("[data-testid=stDataFrame] table[role=grid]")  # within the canvas, for readers
        table.wait_for(state="attached")
        assert table.locator("[role=columnheader]").all_text_contents() == ["curve", "step", "value"]
        saved = visit.saved(visit.page.get_by_test_id("stBaseButton-secondary").filter(has_text="CSV"))
        with open(saved.path(), encoding="utf-8") as file:
            rows = list(csv.DictReader(io.StringIO(file.read())))
        known = REPORT["ranker"]["curves"]["ranker"]
        assert [float(row["value"]) for row in rows] == [value for one in known.values() for value in one["value"]]
        visit.page.keyboard.press("Escape")
        visit.page.get_by_role("button", name="Numbers and pictures").first.click()
        visit.page.get_by_text("SVG", exact=True).click()
        visit.page.keyboard.press("Escape")
        visit.page.wait_for_timeout(1_000)
        assert taken_away(visit, "svg").lstrip().startswith(b"<svg")


@pytest.mark.parametrize("screen", [{}, {"dark": True, "phone": True}], ids=["light", "dark phone"])
def test_under_a_piece_of_band_a_style_and_a_seed_are_clicked_and_played(tmp_path, screen):
    with served(tmp_path) as address, chromium() as browser, Visit(browser, address, **screen) as visit:
        visit.open("band", ready=".bs .play")
        visit.page.get_by_text("How it was made").click()
        drawn = plots_of(visit, 4)
        said_of(visit, 4)
        points = drawn.first.locator(".scatterlayer .trace.scatter").nth(-2).locator(".point")
        chosen = points.first
        visit.box(chosen)

        def seed():
            return parse_qs(urlsplit(visit.page.url).query).get("band_seed", [""])[0]

        def clicked():
            """Click, again where plotly did not listen yet."""
            chosen.hover(force=True)
            visit.page.wait_for_timeout(300)
            chosen.click(force=True)
            visit.page.wait_for_timeout(3_000)
            return seed() != ""

        wait_for(clicked, 90, "nothing else is played")
        visit.page.get_by_text("classical").first.wait_for()
        assert "band_genre" in visit.page.url
