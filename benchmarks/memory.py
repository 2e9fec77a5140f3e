"""What results cost in memory: a session of Band with fifty of them in its history.

    python -m benchmarks.memory [--results 50] [--bars 8]

Resident megabytes of the server, after the first result and after the last; the limit is the project's own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.studio import memory, row
from tests.studio import Visit, chromium, served, wait_for


def walk(results: int, bars: int) -> None:
    """Press the big button until there are so many results."""
    path = f"band?band_bars={bars}+bars"
    with tempfile.TemporaryDirectory() as home, chromium() as browser, served(Path(home)) as address, \
            Visit(browser, address).open(path, ready=".bs .play") as visit:  # fmt: skip
        wait_for(lambda: visit.player("band").get("sound"), 120, "no player")
        row(f"1 result of {bars} bars", f"{memory(address):.0f} MB", "1200 MB")
        for number in range(2, results + 1):
            visit.page.get_by_role("button", name="Play something new").click()
            visit.page.get_by_text(f"Version {number} of {number}", exact=True).wait_for()
        row(f"{results} results of {bars} bars", f"{memory(address):.0f} MB", "1200 MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=int, default=50)
    parser.add_argument("--bars", type=int, default=8, choices=(4, 8, 12, 16, 24, 32, 48, 64))
    asked = parser.parse_args()
    walk(asked.results, asked.bars)
