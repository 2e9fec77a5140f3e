"""Bars written anew on a page: several ways, made by one job beside what the page asks for by its controls.

    anew.begin("band", lambda seed: Asked(Request(…, rewrite=(5, 8), seed=seed)), play, label="Writing bars 5-8 anew")

The ways are results like any other: steps lead through them, and back to what they were made from.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from engine import Progress, RequestError
from ui import controls, jobs

WAYS = 3
Settings = TypeVar("Settings")


def begin(key: str, ask: Callable[[int], Settings], make: Callable[[Settings, Progress], Any], *, label: str) -> None:
    """Begin `make(ask(seed), progress)` for as many seeds as there are `WAYS`. What cannot be asked for is said where
    the job would be. For callbacks."""
    seed = secrets.randbelow(controls.SEEDS)
    try:
        asked = [ask(seed + way) for way in range(WAYS)]
    except RequestError as refused:
        jobs.refuse(key, str(refused))
        return

    def work(progress: Progress) -> jobs.Several:
        results = []
        for way, settings in enumerate(asked):

            def part(done: int, total: int, way: int = way) -> None:
                progress(100 * way + 100 * done // max(total, 1), 100 * WAYS)

            results.append((make(settings, part), settings))
        return jobs.Several(results)

    jobs.start(key, work, settings=asked, label=label, beside=True)
