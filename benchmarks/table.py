"""The cost table's rows, as every benchmark prints them, and how they are measured.

    row("4 bars", f"{1000 * median(work):.1f} ms", "bar by bar: 30 ms", "50 ms")

A row says what was measured, ours, what one would use instead (in the same run) and the project's own limit.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEAD = ("what", "ours", "instead", "limit")


def head(first: tuple[str, ...] = ()) -> None:
    """The table's head, as Markdown."""
    names = (*first, *HEAD)
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|", flush=True)


def row(what: str, ours: str, instead: str = "", limit: str = "") -> None:
    print(f"| {what} | {ours} | {instead} | {limit} |", flush=True)


def rows(printed: str) -> list[tuple[str, str, str, str]]:
    """The rows in what a benchmark printed; one of three cells compares with nothing."""
    found = []
    for line in printed.splitlines():
        if line.startswith("| ") and not line.startswith(f"| {HEAD[0]} |"):
            what, ours, *rest = (cell.strip() for cell in line.split("|")[1:-1])
            found.append((what, ours, "".join(rest[:-1]), rest[-1]))
    return found


def median(work: Callable[[], object], times: int = 5) -> float:
    """Median seconds of `times` runs, after one that is not counted."""
    work()
    return statistics.median(seconds(work) for _ in range(times))


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def busy(cores: int) -> Iterator[None]:
    """So many cores that work on something else meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def gpus() -> list[str]:
    """["cuda"] where there is one, so that a row about it comes beside the processor's; [] where there is none."""
    import torch

    return ["cuda"] if torch.cuda.is_available() else []


def peak_mb() -> float:
    """The most memory that this process has held, in megabytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)
