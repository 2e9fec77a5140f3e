"""How it was made, in a browser: every plot is drawn, and a cousin that is clicked is played."""

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


def seed_of(visit):
    """The seed in the page's address; "" while it is the one that the page begins with."""
    return parse_qs(urlsplit(visit.page.url).query).get("variation_seed", [""])[0]


def test_every_plot_is_drawn_and_a_cousin_that_is_clicked_is_played(tmp_path):
    with served(tmp_path) as address, chromium() as browser:
        for page, plots in (("trombone?trombone_seconds_0=0.5", 3), ("translation", 5)):
            with Visit(browser, address) as visit:
                opened(visit, page, plots)
                visit.fits()
        with Visit(browser, address) as visit:
            drawn = opened(visit, "variation", 3)
            before = seed_of(visit)
            points = drawn.first.locator(".scatterlayer .point")
            assert points.count() == COUSINS
            wanted = next(i for i in range(COUSINS) if str(i) != before)
            points.nth(wanted).scroll_into_view_if_needed()

            def clicked():
                """Click, again where plotly did not listen yet."""
                points.nth(wanted).hover(force=True)
                visit.page.wait_for_timeout(300)
                points.nth(wanted).click(force=True)
                visit.page.wait_for_timeout(3_000)
                return seed_of(visit) not in ("", before)

            wait_for(clicked, 60, "the seed stays")
            taken = seed_of(visit)
            assert int(taken) < COUSINS
            visit.page.get_by_text(f"Vary, seed {taken}").first.wait_for()
