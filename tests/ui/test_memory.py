"""Memory: one person who stays for long and goes from page to page does not fill the machine."""

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from benchmarks.studio import walk
from tests.studio import chromium, served
from ui import stems

MINUTES = 12
LIMIT_MB = 1200
STEADY_MB = 60  # what a curve that has levelled off may still differ by between its thirds


def test_only_the_sounds_heard_last_are_held(monkeypatch):
    monkeypatch.setattr(stems, "HELD_BYTES", 1000)
    shelf = stems.Shelf()
    for number in range(8):
        shelf.fetch(number, lambda: stems.Sound((b"-" * 300,), "audio/wav", 1.0, "a sound"))
    assert [number for number in range(8) if shelf.get(number)] == [5, 6, 7] and not shelf.making


def test_what_a_session_shows_is_served_beyond_the_shelf_and_a_stopped_run(monkeypatch):
    monkeypatch.setattr(stems, "HELD_BYTES", 0)
    monkeypatch.setattr(stems, "SHOWN_BYTES", 650)
    monkeypatch.setattr(stems.st, "session_state", {})
    browser = TestClient(Starlette(routes=[stems.route()]), base_url="http://127.0.0.1")
    shelf, shown = stems.Shelf(), []
    for name in "abcd":
        sound = shelf.fetch(name, lambda name=name: stems.Sound((name.encode() * 300, None), "audio/wav", 1.0, name))
        shown.append(stems.publish(sound, f"player of {name}"))
        del sound
    assert shown == [[f"/sounds/{name}/0", None] for name in "abcd"]
    assert [browser.get(first).status_code for first, _ in shown] == [404, 404, 200, 200]
    assert shelf.get("c") and not shelf.get("a"), "what is shown is never made again"
    assert browser.get("/sounds/d/0").content == b"d" * 300 and browser.get("/sounds/d/1").status_code == 404
    assert browser.get("/sounds/d/0", headers={"Origin": "http://elsewhere.example"}).status_code == 403


@pytest.mark.long
def test_memory_levels_off_under_its_limit(tmp_path):
    with chromium() as browser, served(tmp_path) as address:
        curve = walk(browser, address, MINUTES)
    third = MINUTES // 3
    assert max(curve) < LIMIT_MB, curve
    assert np.mean(curve[-third:]) - np.mean(curve[-2 * third : -third]) < STEADY_MB, curve
