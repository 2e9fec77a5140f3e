"""Memory: one person who stays for long and goes from page to page does not fill the machine."""

import numpy as np
import pytest

from benchmarks.studio import walk
from tests.studio import chromium, served
from ui import player

MINUTES = 12
LIMIT_MB = 1200
STEADY_MB = 60  # what a curve that has levelled off may still differ by between its thirds


def test_only_the_sounds_heard_last_are_held(monkeypatch):
    monkeypatch.setattr(player, "HELD_BYTES", 1000)
    shelf = player._Shelf()
    for number in range(8):
        shelf.fetch(number, lambda: player.Sound((b"-" * 300,), "audio/wav", 1.0, "a sound"))
    assert [number for number in range(8) if shelf.get(number)] == [5, 6, 7] and not shelf.making


@pytest.mark.long
def test_memory_levels_off_under_its_limit(tmp_path):
    with chromium() as browser, served(tmp_path) as address:
        curve = walk(browser, address, MINUTES)
    third = MINUTES // 3
    assert max(curve) < LIMIT_MB, curve
    assert np.mean(curve[-third:]) - np.mean(curve[-2 * third : -third]) < STEADY_MB, curve
