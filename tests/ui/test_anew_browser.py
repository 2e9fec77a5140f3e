"""Bars written anew in a real browser: marked with the mouse and by the keyboard alone, stepped through, compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, served, wait_for

pytestmark = pytest.mark.browser
CUT = "all => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
NOTES = """key => Object.fromEntries(window.__bandstand.players.get(key).data.tracks.map((t) => [t.name, t.notes]))"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with chromium() as browser, served(tmp_path_factory.mktemp("lab"), ROOT / "tests" / "player_page.py") as address:
        with Visit(browser, address).open(ready=".bs .play") as visit:
            wait_for(lambda: "lab" in visit.players(), PATIENCE_SECONDS, "no player")
            yield visit


def notes(visit: Visit, key: str = "lab") -> dict[str, list[list[float]]]:
    return dict(visit.page.evaluate(NOTES, key))


def changed(visit: Visit, before: str, key: str = "lab") -> None:
    wait_for(lambda: visit.player(key).get("sound", before) != before, PATIENCE_SECONDS, "no other music")


def drag(visit: Visit, begin: float, end: float) -> None:
    """Over the ruler, from one share of its width to another."""
    box = visit.box(visit.page.locator(".bs[data-player='lab'] .ruler"))
    visit.page.mouse.move(box["x"] + box["width"] * begin, box["y"] + 8)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] * end, box["y"] + 8, steps=4)
    visit.page.mouse.up()


def test_bars_are_marked_by_the_mouse_and_written_by_the_marked_tracks_alone(visit: Visit) -> None:
    page, old, sound = visit.page, notes(visit), visit.player("lab")["sound"]
    length = visit.player("lab")["length"]
    assert not page.get_by_role("button", name="Write bars").count(), "nothing is marked yet"
    drag(visit, 4.1 / length, 7.6 / length)  # bars 3 and 4 of 8 seconds
    write = page.get_by_role("button", name="Write bars 3–4 anew")
    assert page.locator(".bs[data-player='lab'] .name span").evaluate_all(CUT) == [], "a name is cut beside its pencil"
    page.set_viewport_size({"width": 760, "height": 900})
    write.click()
    page.get_by_text("Mark who plays them anew").wait_for()
    for words in (".note", ".title"):
        assert page.locator(f".bs[data-player='lab'] {words}").evaluate_all(CUT) == [], "words are cut"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Bass is written anew").click()
    assert visit.player("lab")["loop"] == {"start": 4, "end": 8}, "what is marked is what will be written"
    write.click()
    changed(visit, sound)
    new = notes(visit)
    assert new["drums"] == old["drums"] and new["piano"] == old["piano"]
    assert [a == b for a, b in zip(new["bass"], old["bass"])] == [True] * 8 + [False] * 8
    ghosts = page.evaluate("window.__bandstand.players.get('lab').data.tracks.map((t) => t.ghosts.length)")
    assert ghosts == [0, 8, 0], "what was there before stands faintly behind"


def test_ways_are_stepped_through_and_each_is_held_against_what_was(visit: Visit) -> None:
    page, first = visit.page, visit.player("lab")["sound"]
    page.get_by_role("button", name="Later").click()
    changed(visit, first)
    second = visit.player("lab")["sound"]
    page.get_by_role("button", name="As it was").click()
    changed(visit, second)
    page.get_by_role("button", name="As it is now").click()
    wait_for(lambda: visit.player("lab").get("sound") == second, PATIENCE_SECONDS, "not the way it was made")
    page.get_by_role("button", name="As it was").wait_for()


def mark_by_keys(visit: Visit) -> None:
    """The second bar and the third, whatever was marked before."""
    visit.page.locator(".bs[data-player='lab'] .ruler").focus()
    if visit.player("lab")["loop"]:
        visit.page.keyboard.press("l")
    for key in ("Home", "Shift+ArrowRight", "l"):
        visit.page.keyboard.press(key)
    assert visit.player("lab")["loop"] == {"start": 2, "end": 6}


def test_bars_are_marked_and_written_by_the_keyboard_alone(visit: Visit) -> None:
    page, old, sound = visit.page, notes(visit), visit.player("lab")["sound"]
    mark_by_keys(visit)
    mark = page.get_by_role("button", name="Piano is written anew")
    bass = page.get_by_role("button", name="Bass is written anew")
    for each, wanted in ((mark, "true"), (bass, "false")):
        if each.get_attribute("aria-pressed") != wanted:
            each.focus()
            page.keyboard.press("Space")
    page.get_by_role("button", name="Write bars 2–3 anew").focus()
    page.keyboard.press("Enter")
    changed(visit, sound)
    new = notes(visit)
    assert new["bass"] == old["bass"] and [a == b for a, b in zip(new["piano"], old["piano"])].count(False) == 8


def test_space_plays_from_anywhere_and_begins_where_the_loop_does(visit: Visit) -> None:
    page = visit.page
    mark_by_keys(visit)
    page.get_by_role("heading").first.click()
    page.keyboard.press("Space")
    visit.heard("lab")
    loop = visit.player("lab")["loop"]
    assert loop and loop["start"] <= visit.player("lab")["seconds"] <= loop["end"], "it began in the loop"
    page.get_by_role("heading").first.click()
    page.keyboard.press("Space")
    wait_for(lambda: not visit.player("lab")["playing"], PATIENCE_SECONDS, "it plays on")
    shares = "window.__bandstand.players.get('lab').lanes.map((lane) => Number(lane.under.style.opacity))"
    page.get_by_role("button", name="Solo Piano").click()
    assert page.evaluate(shares) == [0.3, 0.3, 1], "who is not heard is dim"
    page.get_by_role("button", name="Solo Piano").click()
