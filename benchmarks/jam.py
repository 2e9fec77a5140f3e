"""What a jam costs on one core: its bars, whether they come in time, and how soon a key sounds in the browser.

    python -m benchmarks.jam

The aim is 100 ms a bar; at 200 beats a minute one lasts 1.2 s. What one would do without a musician that goes on: ask
Band for as many bars as there are and one more, and keep the last. Whether bars come in time is reckoned from what
each cost: it is begun once the one `AHEAD` before it sounds and the last is written, and is late where it is not
there when it is its turn. An hour's memory is that of the process. A key's time is from the event in the page to the
sample that leaves the browser.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.table import busy, head, peak_mb, row, seconds
from engine import band, jam, player
from engine.jam.musician import Musician
from ui import jam as page
from ui.jam.session import AHEAD, Session

BEFORE, BARS = 32, 32
STYLES = ("rock", "jazz", "soul", "electronic")
FAST, MINUTES = 200, 10
HOUR, BEGUN = 1800, 300  # bars at 120 bpm, and of its first ten minutes
SESSIONS = 4
STRIKES = 40
KEYS = """async (count) => {
    const jam = window.__bandstandJam, own = jam.own, times = [];
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    const note = own.note.bind(own);
    own.note = (said, ...rest) => {
        if (said.on) times.push(1000 * (said.at - said.asked));
        note(said, ...rest);
    };
    for (let n = 0; n < count; n++) {
        jam.touch(72, 90, true);
        await pause(30);
        jam.touch(72, 0, false);
        await pause(37);
    }
    return times.slice(4); // the first few find out how late they are
}"""


def main() -> None:
    torch.set_num_threads(1)
    model = jam.load()
    Musician(model, 0).next(jam.Request(genre={"rock": 1}).settings)  # numba compiles, or reads what it compiled before
    head()
    memory(model)  # first, while the process has held no more than this
    bars(model)
    in_time(model)
    if page.built():
        keys()


def memory(model: player.Model) -> None:
    """What an hour holds."""
    musician, settings = Musician(model, 1), jam.Request(genre={"rock": 1}).settings
    held = []
    for number in range(HOUR):
        musician.next(settings)
        held += [peak_mb()] if number + 1 in (BEGUN, HOUR) else []
    row("memory after an hour", f"{held[1]:.0f} MB", f"after ten minutes: {held[0]:.0f} MB")


def bars(model: player.Model) -> None:
    """What a bar costs."""
    spent: list[float] = []
    changed: list[float] = []
    held: list[float] = []
    for seed, style in enumerate(STYLES):
        settings = jam.Request(genre={style: 1}).settings
        other = replace(settings, busy={"drums": 0.9})
        musician = Musician(model, seed)
        for number in range(BEFORE + BARS):
            bar = seconds(partial(musician.next, settings))
            spent += [bar] * (number >= BEFORE)
        for asked in (other, settings) * 4:
            changed.append(seconds(partial(musician.next, asked)))
            musician.next(asked)
            musician.back_to(musician.number)
            held.append(seconds(partial(musician.next, asked, holds=((1, 7),))))
    anew = seconds(lambda: band.generate(model, band.Request(genre={"rock": 1}, bars=BEFORE + 1)))
    usual, changing, holding = (1000 * statistics.median(each) for each in (spent, changed, held))
    row("a bar after 32", f"{usual:.0f} ms", f"all of them anew: {1000 * anew:.0f} ms", "100 ms")
    row("the slowest of 128 such bars", f"{1000 * max(spent):.0f} ms")
    row("a bar whose settings changed", f"{changing:.0f} ms", "", "150 ms")
    row("a bar that sounds, moved into a chord that is held", f"{holding:.0f} ms", "", "150 ms")


def in_time(model: player.Model) -> None:
    """How many bars of ten fast minutes are late."""
    what = f"bars that are late in {MINUTES} minutes at {FAST} bpm"
    row(what, str(late(spent_by(model, 1)[0])), "", "0")
    with busy(2):
        row(f"{what}, two cores busy", str(late(spent_by(model, 1)[0])), "", "1")
    spent = spent_by(model, SESSIONS, minutes=MINUTES / SESSIONS)
    what = f"the same of {SESSIONS} jams at once, {MINUTES / SESSIONS:g} minutes each"
    row(what, str(sum(map(late, spent))), "", "0")


def spent_by(model: player.Model, sessions: int, minutes: float = MINUTES) -> list[list[float]]:
    """Seconds that each bar of so many sessions at once took to write, each in a thread of its own."""
    out: list[list[float]] = [[] for _ in range(sessions)]

    def play(number: int) -> None:
        style = STYLES[number % len(STYLES)]
        session = Session(model, jam.Request(genre={style: 1.0}, seed=number, tempo=FAST))
        for bar in range(1, int(minutes * FAST / 4) + 1):
            out[number].append(seconds(session.write))
            session.sounds(bar)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def late(spent: Sequence[float]) -> int:
    """How many bars are not there when it is their turn, where each took so long to write."""
    length, done, count = 4 * 60 / FAST, 0.0, 0
    line = sum(spent[:2])  # the first sounds as soon as two are there
    begins: list[float] = []
    for number, cost in enumerate(spent):
        done = max(done, begins[number - AHEAD] if number >= AHEAD else 0.0) + cost
        while done > line:  # the one before is played again meanwhile
            line += length
            count += 1
        begins.append(line)
        line += length
    return count


def keys() -> None:
    """From a key to its sound, in a browser."""
    from tests.studio import ROOT, Visit, chromium, served, wait_for

    flags = ("--autoplay-policy=no-user-gesture-required",)
    with (
        tempfile.TemporaryDirectory() as home,
        served(Path(home), ROOT / "serve.py") as address,
        chromium(*flags) as browser,
        Visit(browser, address).open("jam", ready=".jam .play") as visit,
    ):
        visit.page.locator(".jam .play").click()
        place = visit.page.locator(".jam")
        wait_for(lambda: int(place.get_attribute("data-bar") or 0) > 1, 120, "the jam does not begin")
        times = visit.page.evaluate(KEYS, STRIKES)
    if not times:
        sys.exit("The browser says nothing of its keys.")
    row("key to sound (median)", f"{statistics.median(times):.1f} ms", "", "15 ms")
    row("its jitter (standard deviation)", f"{statistics.stdev(times):.2f} ms", "", "0.5 ms")


if __name__ == "__main__":
    main()
