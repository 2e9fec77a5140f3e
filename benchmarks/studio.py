"""What the studio costs a person: opening it, the button to a sound, memory, rendering.

    python -m benchmarks.studio [--minutes 10]     (of the walk through all pages that memory is watched on)

Times are seconds on the clock in a real Chromium beside a real server, both on this machine; the limits are the
project's own. Rendering is counted in seconds of the processor, and stands beside pretty_midi's way with the same
library and soundfont, in the same run.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import secrets
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pretty_midi

from benchmarks.table import busy
from engine import band
from engine.core import render
from engine.core.midi import write_midi
from tests.sessions import Session
from tests.studio import SERVERS, Visit, chromium, served, wait_for
from ui import frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

PRESSES = 5
PAINTS = 3
SESSIONS = 10
WALK = (  # page, settings of a long piece, player
    ("band", "band_bars=64+bars", "band"),
    ("variation", "variation_mode=continue", "variation"),
    ("melody", "melody_bars=32&melody_count=6", "melody"),
    ("trombone", "trombone_kind=A+scale", "trombone"),
    ("translation", "translation_example=cello", "translation-after"),
)
FORGOTTEN_SECONDS = 130  # Streamlit keeps a session for two minutes, for a tab that comes back


def row(what: str, value: str, limit: str) -> None:
    print(f"| {what} | {value} | {limit} |", flush=True)


def memory(address: str) -> float:
    """Resident megabytes of the server that listens there."""
    found = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(SERVERS[address].pid)], capture_output=True, text=True, check=True
    )
    return int(found.stdout) / 1024


def studio() -> None:
    """Cold start, the button to a playable sound, memory."""
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        began = time.perf_counter()
        with served(Path(home)) as address:
            with Visit(browser, address).open(ready=".st-key-menu") as visit:
                visit.page.get_by_text("How it goes").wait_for()
                row("cold start: command to interactive home page", f"{time.perf_counter() - began:.1f} s", "5 s")
            began = time.perf_counter()
            with Visit(browser, address).open("band", ready=".bs .play") as visit:
                row("Band opened cold: address to music that can be played", f"{time.perf_counter() - began:.1f} s", "")
                wait_for(visit.players, 20, "no player")
                row("8 bars: button to playable sound (median)", f"{pressed(visit):.2f} s", "1.5 s")
                with busy(1):
                    row("the same with one core busy", f"{pressed(visit):.2f} s", "1.5 s")
            first_paint(browser, address)
            row("memory of the server with Band loaded", f"{memory(address):.0f} MB", "1200 MB")
            sessions(address)


def first_paint(browser: Browser, address: str) -> None:
    """Each page opened by its address, once it was open before: to its heading, and to what it makes, in a browser that
    holds nothing yet; and to its heading in a new tab of one that has Streamlit's scripts already."""
    for page in (frame.HOME, *frame.pages()):
        path = "" if page is frame.HOME else Path(page.path).stem
        heading, music, again = [], [], []
        for _ in range(PAINTS + 1):
            began = time.perf_counter()
            with Visit(browser, address).open(path) as visit:
                heading.append(time.perf_counter() - began)
                if page.makes and page.title != "Jam":
                    visit.page.locator(".bs .play").first.wait_for()
                    music.append(time.perf_counter() - began)
                tab, began = visit.context.new_page(), time.perf_counter()
                tab.goto(f"{address}/{path}")
                tab.locator("h1").wait_for()
                again.append(time.perf_counter() - began)
        row(f"{page.title} opened warm: address to its heading", f"{statistics.median(heading[1:]):.2f} s", "1.5 s")
        row(f"{page.title} in a new tab: address to its heading", f"{statistics.median(again[1:]):.2f} s", "1.5 s")
        if music:
            row(f"{page.title} opened warm: address to play", f"{statistics.median(music[1:]):.2f} s", "")


def pressed(visit: Visit) -> float:
    """Median seconds from Band's button to a sound that can be played."""
    times = []
    for _ in range(PRESSES):
        before = visit.player("band")["sound"]
        began = time.perf_counter()
        visit.page.get_by_role("button", name="Play something new").click()
        wait_for(lambda: visit.player("band")["sound"] != before, 60, "nothing was made")  # noqa: B023
        visit.page.evaluate("window.__bandstand.players.get('band').load().then(() => 1)")
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def sessions(address: str) -> None:
    """Ten sessions that open Band at once, each with a seed of its own; and what they leave behind."""
    before = memory(address)
    for times in ("", " a second time"):
        began = time.perf_counter()
        with ExitStack() as stack, ThreadPoolExecutor(SESSIONS) as pool:
            seeds = [secrets.randbelow(10**6) for _ in range(SESSIONS)]
            tabs = [stack.enter_context(Session(address, "band", f"band_seed={seed}")) for seed in seeds]
            sounds = list(pool.map(lambda tab: tab.sound("band"), tabs))
            last, during = time.perf_counter() - began, memory(address)
        assert len(set(sounds)) == SESSIONS, "two sessions share their music"
        time.sleep(FORGOTTEN_SECONDS)
        with Session(address, "") as visitor:  # whose coming makes the server let go of who has left
            visitor.run()
            time.sleep(5)
        row(f"{SESSIONS} sessions open Band at once{times}: the last has music after", f"{last:.1f} s", "")
        row(f"memory before them, with them, two minutes after they left{times}",
            f"{before:.0f}, {during:.0f}, {memory(address):.0f} MB", "1200 MB")  # fmt: skip


def walk(browser: Browser, address: str, minutes: int) -> list[float]:
    """The server's megabytes after each minute in which one person goes from page to page in one tab, makes something
    new, plays it, downloads its sound, and keeps one of a round; by the menu, or to long pieces by their addresses."""
    curve: list[float] = []
    began = time.monotonic()
    with Visit(browser, address).open(ready=".st-key-menu") as visit:
        for step in itertools.count():
            page, query, player = WALK[step % len(WALK)]
            if step // len(WALK) % 2:
                visit.open(f"{page}?{query}", ".bs .play")
            else:
                visit.page.locator(f".st-key-menu a[href='{page}']").click()
            wait_for(lambda: visit.player(player).get("sound"), 120, f"{page} opens without music")  # noqa: B023
            for _ in range(PRESSES):
                before = visit.player(player)["sound"]
                visit.page.get_by_role("button", name="Roll", exact=True).click()
                wait_for(lambda: visit.player(player).get("sound") not in (None, before), 120, f"{page}: silent")  # noqa: B023
                visit.page.locator(f".bs[data-player='{player}'] .play").last.click()
                if time.monotonic() - began >= 60 * (len(curve) + 1):
                    curve.append(memory(address))
                    if len(curve) == minutes:
                        return curve
            visit.download(page, "WAV")
            if page == WALK[-1][0]:
                visit.page.get_by_role("button", name="Save", exact=True).last.click()
                visit.page.get_by_text("Kept as").last.wait_for()
                visit.page.locator(".st-key-menu a[href='takes']").click()
                visit.page.get_by_role("heading", name="Takes", exact=True).wait_for()
                visit.page.locator(".bs .play").last.click()
    raise AssertionError("nobody walks for ever")


def walking(minutes: int) -> None:
    """The memory curve of one person on all pages, on a server of its own."""
    with tempfile.TemporaryDirectory() as home, chromium() as browser, served(Path(home)) as address:
        for minute, megabytes in enumerate(walk(browser, address, minutes), 1):
            row(f"memory after {minute} min of one person on all pages", f"{megabytes:.0f} MB", "1200 MB")


def rendering() -> None:
    """Seconds of music a second, of 64 bars in five tracks, beside pretty_midi with the same soundfont."""
    model = band.load()
    song = band.generate(model, band.Request(genre={model.genres[0]: 1}, seed=7, bars=64)).song
    chosen = render.synthesiser()  # a soundfont is loaded once
    ours = song.seconds / min(_spent(partial(render.render, song)) for _ in range(3))
    row("rendering 64 bars: five stems and their mix, in seconds of the processor", f"{ours:.0f} × real time", "40 ×")
    if chosen.soundfont:
        midi = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(song)))
        plain = _spent(partial(midi.fluidsynth, fs=render.RATE, sf2_path=str(chosen.soundfont)))
        row("the same by pretty_midi", f"{song.seconds / plain:.0f} × real time", "")


def _spent(work: Callable[[], object]) -> float:
    """Seconds that the processor works, on all its cores together."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studio", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10, help="how long one person walks from page to page")
    args = parser.parse_args()
    print(f"{os.cpu_count()} CPU cores, {render.synthesiser()}\n\n| what | measured | limit |\n|---|---|---|")
    rendering()
    studio()
    walking(args.minutes)


if __name__ == "__main__":
    main()
