"""For tests of the pages: waiting for jobs in AppTest, and a real studio in a real browser.

The browser is Chromium, a requirement of `make test`; every page it opens fails its test on a console error, on an
exception in a script, and on any request to anything but 127.0.0.1.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Download, Error, Locator, Page, sync_playwright
from streamlit.testing.v1 import AppTest

from engine.band import Request
from engine.core.result import Result
from engine.core.song import Note, Song, Track

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 120  # a fresh clone compiles its samplers when a page first opens
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]

BARS = 4


def tune(seed: int, tempo: float = 120.0) -> Song:
    """Four bars: a drum on every beat, a bass and a piano that differ with the seed. Eight seconds at 120."""
    beats = range(4 * BARS)
    return Song(
        (
            Track("drums", 0, True, tuple(Note(beat, 0.5, 36 if beat % 2 else 42, 100) for beat in beats)),
            Track("bass", 33, False, tuple(Note(beat, 1.0, 36 + (beat * seed) % 7, 90) for beat in beats)),
            Track("piano", 0, False, tuple(Note(beat + 0.5, 0.5, 60 + (beat * seed) % 12, 90) for beat in beats)),
        ),
        tempo,
    )


def kept_as(seed: int = 1, weights: str = "", genre: str = "jazz", **music: Any) -> Result:
    """A result that can be kept, as if Band had made it."""
    return Result(request=Request(genre={genre: 1.0}, bars=4, seed=seed), weights=weights, **music)


def app(page: str | None = None, seconds: float = PATIENCE_SECONDS) -> AppTest:
    """AppTest at a page of the studio ("pages/band.py"; None for the home page), not yet run."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=seconds)
    return test.switch_page(page) if page else test


def settled(test: AppTest, key: str, seconds: float = PATIENCE_SECONDS) -> AppTest:
    """Run the page until the job of this key has ended and its result or its failure is on the page."""
    until = time.monotonic() + seconds
    while f"_job {key}" in test.session_state:
        assert time.monotonic() < until, f"the job {key} has not ended after {seconds} s"
        test.session_state[f"_job {key}"].ended.wait(0.5)
        test.run()
    return test


def refusals(test: AppTest) -> list[str]:
    """What the page shows as errors; a traceback on a page is a failure of the test that sees it."""
    assert not test.exception, [e.value for e in test.exception]
    return [error.value for error in test.error]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


SERVERS: dict[str, subprocess.Popen] = {}  # by address


@contextmanager
def served(home: Path, script: Path = ROOT / "app.py", log: Path | None = None) -> Iterator[str]:
    """The studio on a port of its own, with a data folder of its own; yields its address."""
    port = free_port()
    env = {**os.environ, "HOME": str(home), "BANDSTAND_HOME": str(home / "takes"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    with open(log or home / "server.log", "wb") as sink:
        server = subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=ROOT, env=env, stdout=sink, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    SERVERS[address] = server
    try:
        wait_for(lambda: healthy(address), 60, "the studio did not start")
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_for(condition: Callable[[], object], seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path, "the browser tests need Chromium: sudo apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=[*FLAGS, *flags])
        yield browser
        browser.close()


class Visit:
    """One tab with nothing in it yet, and everything that went wrong in it."""

    def __init__(self, browser: Browser, address: str, *, dark: bool = False, phone: bool = False) -> None:
        self.address = address
        self.wrong: list[str] = []
        self.context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
            color_scheme="dark" if dark else "light",
            has_touch=phone,
            accept_downloads=True,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("console", self._console)
        self.page.on("request", lambda request: self._outside(request.url))
        self.page.on("websocket", lambda socket: self._outside(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        # On a cold deep link Streamlit asks for its health below the page's path first, and is told 404.
        probing = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probing:
            self.wrong.append(f"console: {message.text} {message.location.get('url', '')}")

    def _outside(self, url: str) -> None:
        if not url.startswith((f"{self.address}/", self.address.replace("http", "ws") + "/", "data:", "blob:")):
            self.wrong.append(f"request to {url}")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: type | None, *rest: object) -> None:
        try:
            if kind is None:
                assert not self.wrong, self.wrong
                assert not self.page.locator("[data-testid=stException]").count(), "a traceback on the page"
        finally:
            self.context.close()

    def open(self, path: str = "", ready: str = "h1") -> Visit:
        """Go straight to a page by its address, cold, and wait for `ready`."""
        self.page.goto(f"{self.address}/{path}")
        self.page.locator(ready).first.wait_for()
        return self

    def player(self, key: str) -> dict:
        """What a player says of itself: playing, seconds, level (RMS of what is heard), sound (its name), length."""
        return self.page.evaluate(
            """key => { const p = window.__bandstand?.players.get(key); return p ? {playing: p.deck.playing,
               seconds: p.deck.position, level: p.deck.level, sound: p.data.sound, length: p.axis,
               loop: p.deck.loop, gains: p.gains()} : {} }""",
            key,
        )

    def players(self) -> list[str]:
        return self.page.evaluate("[...(window.__bandstand?.players.keys() ?? [])]")

    def download(self, key: str, label: str) -> Download:
        """A file of a page's result, from its menu."""
        self.page.locator(f".st-key-takes-{key}").get_by_role("button", name="Download").click()
        button = self.page.locator(f".st-key-downloads-{key}").get_by_role("button", name=label, exact=True)
        file = self.saved(button)
        self.page.keyboard.press("Escape")
        button.wait_for(state="detached")
        return file

    def saved(self, button: Locator) -> Download:
        """The file that a click on a button gives."""
        with self.page.expect_download() as download:
            button.click()
        return download.value

    def send(self, key: str, to: str) -> None:
        """Send a page's result to another page, from its menu, and be there."""
        self.page.locator(f".st-key-takes-{key}").get_by_role("button", name="Send to").click()
        self.page.locator(f".st-key-send-{key}-{to}").get_by_role("button").click()
        self.page.get_by_role("heading", name=to, exact=True).wait_for()

    def heard(self, key: str) -> None:
        """The sound of this player goes on and can be heard."""
        wait_for(lambda: self.player(key).get("playing"), PATIENCE_SECONDS, f"{key} does not play")
        before = self.player(key)["seconds"]
        loudest = moved = 0.0
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and (loudest < 1e-3 or moved < 0.2):
            self.page.wait_for_timeout(40)
            now = self.player(key)
            loudest, moved = max(loudest, now["level"]), max(moved, abs(now["seconds"] - before))
        assert loudest >= 1e-3, f"{key} plays, but nothing is heard"
        assert moved >= 0.2, f"the playhead of {key} stands still"

    def at_rest(self) -> None:
        """All that the page runs has run."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def box(self, place: Locator, rest_seconds: float = 0.1) -> dict[str, float]:
        """Where something lies in the window, scrolled to, once it has not moved for a while.

        What is drawn anew meanwhile leaves the page and stands in it again, and is looked for again.
        """
        before, until = None, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                place.scroll_into_view_if_needed()
                now = place.bounding_box()
            except Error as error:
                if "not attached" not in str(error):
                    raise
                now = None
            if now and now == before:
                return dict(now)
            before = now
            self.page.wait_for_timeout(1000 * rest_seconds)
        raise AssertionError(f"{place} does not come to rest")

    def fits(self) -> None:
        """Nothing reaches beyond the width of the screen."""
        wide = self.page.evaluate(
            """[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth,
                innerWidth]"""
        )
        assert wide[0] <= wide[2] and wide[1] <= wide[2], f"{wide[:2]} pixels of content on a screen of {wide[2]}"
