"""How it was made, in a browser: every plot is drawn, a cousin that is clicked is played, and dragged elsewhere."""

import re
from math import dist
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.studio import Visit, chromium, served, wait_for
from ui.inside.variation import COUSINS

pytestmark = pytest.mark.browser


def opened(visit, page, plots):
    """The plots of a page's latest result, once all of them are drawn: one that plotly cannot draw has no height."""
    visit.open(page, ready=".bs .play")
    visit.page.get_by_text("How it was made").click()
    drawn = visit.page.locator(".js-plotly-plot")
    wait_for(lambda: drawn.count() == plots, 120, f"{page} does not have {plots} plots")
    wait_for(lambda: all(drawn.nth(i).bounding_box()["height"] > 100 for i in range(plots)), 60, "a plot is not drawn")
    return drawn


def in_address(visit, name):
    """A control in the page's address; "" while it is as the page begins."""
    return parse_qs(urlsplit(visit.page.evaluate("location.href")).query).get(f"variation_{name}", [""])[0]


def seed_of(visit):
    return in_address(visit, "seed")


def asked(visit, name):
    return float(in_address(visit, name) or 0)


def test_every_plot_is_drawn_a_cousin_that_is_clicked_is_played_and_one_drags_on_from_there(tmp_path):
    with served(tmp_path) as address, chromium() as browser:
        for page, plots in (("trombone?trombone_seconds_0=0.5", 3), ("translation", 5)):
            with Visit(browser, address) as visit:
                opened(visit, page, plots)
                visit.fits()
        with Visit(browser, address) as visit:
            drawn = opened(visit, "variation", 2)
            page, pad = visit.page, visit.page.locator(".pad")
            points = pad.locator(".cousin")
            assert points.count() == COUSINS
            visit.box(points.first)
            middles = [(box["x"], box["y"]) for box in (points.nth(i).bounding_box() for i in range(COUSINS))]
            free = [min(dist(one, each) for each in middles if each != one) for one in middles]
            taken = max((i for i in range(COUSINS) if i != 7), key=free.__getitem__)  # 7 is heard already
            points.nth(taken).click(force=True)
            wait_for(lambda: seed_of(visit) == str(taken), 60, "the seed stays")
            page.get_by_text(f"Another version, seed {taken}").first.wait_for()

            # ---- the handle is dragged: the song follows, and of the drag one version stays
            page.get_by_text("Version 2 of 2").wait_for()
            knob, seen = pad.locator(".knob"), {visit.player("variation")["sound"]}
            box = visit.box(knob)
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            for step in range(1, 4):
                page.mouse.move(x + 40 * step, y - 20 * step)
                wait_for(lambda: visit.player("variation")["sound"] not in seen, 60, "the song stays")
                seen.add(visit.player("variation")["sound"])
            page.mouse.up()
            said = pad.get_by_role("slider").get_attribute("aria-valuetext")
            higher, busier = (int(part) for part in re.fullmatch(r"Leans (\d+)% higher, (\d+)% busier", said).groups())
            wait_for(lambda: (asked(visit, "higher"), asked(visit, "busier")) == (higher / 100, busier / 100), 60, said)
            page.get_by_text("Version 3 of 3").wait_for()
            wait_for(lambda: not visit.player("variation")["sound"].startswith("unheard"), 60, "it is silent")
            pad.get_by_role("slider").press("Home")
            wait_for(lambda: asked(visit, "higher") == asked(visit, "busier") == 0, 60, "it leans yet")
            wait_for(lambda: pad.locator(".hint").inner_text().startswith("Leans neither way"), 60, "it is said")
            with page.expect_download() as picture:
                pad.get_by_role("button", name="Save the map as PNG").click()
            assert Path(picture.value.path()).read_bytes()[1:4] == b"PNG"

            # ---- light turns to dark: what is drawn is in its colours then
            page.emulate_media(color_scheme="dark")
            bar = "plots.at(-1)?.querySelector('.bars path')"  # gone for a moment
            fill = f"plots => {bar} && getComputedStyle({bar}).fill"
            wait_for(lambda: drawn.evaluate_all(fill) == "rgb(111, 183, 214)", 60, "plots stay light")
