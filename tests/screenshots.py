"""Takes the README's pictures anew: every page in light, two in the dark, one on a phone.

python -m tests.screenshots
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, served, wait_for
from ui import frame

FOLDER = ROOT / "assets" / "screenshots"
MAX_BYTES = 200_000
DARK = ("Melody", "Translation")
HEIGHTS = {"Band": 1180, "Melody": 1180, "Translation": 1180, "Variation": 1180}


def picture(browser: Browser, address: str, page: frame.Page, name: str, *, dark: bool = False, phone: bool = False):
    """One page with its first player in the middle of its music."""
    with Visit(browser, address, dark=dark, phone=phone) as visit:
        playing = page.title != "Takes"
        visit.open("" if page is frame.HOME else Path(page.path).stem, ".bs .play" if playing else "h1")
        if not phone:
            visit.page.set_viewport_size({"width": 1280, "height": HEIGHTS.get(page.title, 900)})
        if playing:
            wait_for(visit.players, PATIENCE_SECONDS, "no player")
            key = visit.players()[0]
            visit.page.locator(f".bs[data-player='{key}'] .play").click()
            wait_for(lambda: visit.player(key).get("playing"), PATIENCE_SECONDS, "no sound")
            visit.page.wait_for_timeout(900)
            visit.page.mouse.move(5, 5)
            visit.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        if page is frame.HOME:
            visit.page.get_by_text("Sounds through").wait_for()
        visit.page.wait_for_timeout(500)
        path = FOLDER / f"{name}.png"
        visit.page.screenshot(path=path)
        Image.open(path).convert("RGB").save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            Image.open(path).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < MAX_BYTES, f"{path} holds {path.stat().st_size} bytes"
        print(path.relative_to(ROOT), path.stat().st_size)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, chromium() as browser, served(Path(home)) as address:
        for page in [frame.HOME, *frame.pages()]:
            if page.title != "Takes":
                picture(browser, address, page, page.title.lower(), dark=page.title in DARK)
        picture(browser, address, frame.PAGES[0], "phone", dark=True, phone=True)


if __name__ == "__main__":
    main()
