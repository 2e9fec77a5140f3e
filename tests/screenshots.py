"""Takes the README's pictures anew: every page in light and in dark.

python -m tests.screenshots [--to FOLDER] [--page Band …]
python -m tests.screenshots --survey FOLDER        every page whole, at three widths, in light and in dark, to look at
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, served, wait_for
from ui import frame

FOLDER = ROOT / "assets" / "screenshots"
MAX_BYTES = 250_000
WIDTHS = (1440, 820, 390)
TALLEST = 3600  # pixels of a page in a survey
HEIGHTS = {"Band": 1180, "Melody": 1180, "Translation": 1180, "Variation": 1180}
READY = {"Jam": ".jam .play", "Inside": ".js-plotly-plot .main-svg"}  # where that is no player
FLAG = "--autoplay-policy=no-user-gesture-required"


def playing(visit: Visit, page: frame.Page) -> None:
    """The page in the middle of its music, where it has some, and the mouse out of the way."""
    if page.title == "Jam":
        visit.page.locator(READY["Jam"]).click()
        wait_for(lambda: int(visit.page.locator(".jam").get_attribute("data-bar") or 0) >= 3, PATIENCE_SECONDS, "mute")
    elif page.title not in READY:
        wait_for(visit.players, PATIENCE_SECONDS, "no player")
        key = visit.players()[0]
        visit.page.locator(f".bs[data-player='{key}'] .play").click()
        wait_for(lambda: visit.player(key).get("playing"), PATIENCE_SECONDS, "no sound")
    visit.page.wait_for_timeout(900)
    visit.page.mouse.move(5, 5)
    visit.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")


def keep_something(browser: Browser, address: str) -> None:
    """A jig and a band's piece in the library, so that the Takes page has something to show."""
    for page in ("band", "melody?melody_type=Jig"):
        with Visit(browser, address).open(page, ".bs .play") as visit:
            visit.page.get_by_role("button", name="Save", exact=True).click()
            visit.page.get_by_text("Kept as").wait_for()


def picture(browser: Browser, address: str, page: frame.Page, path: Path, *, dark: bool) -> None:
    """One page, as it opens."""
    with Visit(browser, address, dark=dark) as visit:
        visit.open("" if page is frame.HOME else Path(page.path).stem, READY.get(page.title, ".bs .play"))
        visit.page.set_viewport_size({"width": 1280, "height": HEIGHTS.get(page.title, 900)})
        playing(visit, page)
        if page is frame.HOME:
            visit.page.get_by_text("Sounds through").wait_for()
        visit.page.wait_for_timeout(500)
        visit.page.screenshot(path=path)
    image = Image.open(path).convert("RGB")
    image.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < MAX_BYTES, f"{path} holds {path.stat().st_size} bytes"
    print(path.name, path.stat().st_size)


def survey(browser: Browser, address: str, page: frame.Page, folder: Path) -> None:
    """One page, whole, at every width in light and in dark."""
    with Visit(browser, address) as visit:
        visit.open("" if page is frame.HOME else Path(page.path).stem, READY.get(page.title, ".bs .play"))
        visit.page.locator("[data-testid=stStatusWidget], [data-testid=stProgress]").first.wait_for(state="detached")
        for width, dark in itertools.product(WIDTHS, (False, True)):
            visit.page.emulate_media(color_scheme="dark" if dark else "light")
            visit.page.set_viewport_size({"width": width, "height": 900})
            visit.page.wait_for_timeout(900)
            whole = visit.page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
            visit.page.set_viewport_size({"width": width, "height": min(max(900, whole + 20), TALLEST)})
            visit.page.wait_for_timeout(500)
            visit.page.screenshot(path=folder / f"{page.title.lower()}-{width}{'-dark' if dark else ''}.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--page", action="append", help="only this one; may be repeated")
    parser.add_argument("--survey", type=Path, help="every page whole, at three widths, into this folder instead")
    args = parser.parse_args()
    chosen = [page for page in (frame.HOME, *frame.pages()) if not args.page or page.title in args.page]
    folder = args.survey or args.to
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        chromium(FLAG) as browser,
        served(Path(home), ROOT / "serve.py") as address,
    ):
        keep_something(browser, address)
        for page, dark in itertools.product(chosen, (False, True)):
            if not args.survey:
                name = page.title.lower() + ("-dark" if dark else "")
                picture(browser, address, page, folder / f"{name}.png", dark=dark)
            elif not dark:
                survey(browser, address, page, folder)


if __name__ == "__main__":
    main()
