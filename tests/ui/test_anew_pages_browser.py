"""Bars written anew on the pages, in a real browser: nothing is lost over pages, the browser's Back and a reload."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.studio import PATIENCE_SECONDS, Visit, chromium, served, wait_for
from tests.ui.test_anew_browser import changed, notes

pytestmark = pytest.mark.browser


def marked_by_keys(tab: Visit, key: str, first: int) -> None:
    """Two bars from bar `first` on, by the keyboard alone; then they are written anew."""
    tab.page.locator(f".bs[data-player='{key}'] .ruler").focus()
    for press in ("Home", *["Shift+ArrowRight"] * (first - 1), "l"):
        tab.page.keyboard.press(press)
    tab.page.get_by_role("button", name=f"Write bars {first}–{first + 1} anew").focus()
    tab.page.keyboard.press("Enter")


def test_a_tune_its_text_and_its_ways_outlive_pages_back_and_a_reload(tmp_path: Path) -> None:
    with chromium() as browser, served(tmp_path) as address:
        with Visit(browser, address).open("melody?melody_bars=8&melody_count=1", ready=".bs .play") as tab:
            page = tab.page
            text = page.get_by_role("textbox", name="ABC", exact=True)
            text.fill("X:1\nT:Mine\nM:4/4\nL:1/4\nK:D\nDEFG|ABcd|edcB|A2D2|\n")
            text.press("Control+Enter")
            page.locator(".bs .title", has_text="Mine").wait_for()
            mine = tab.player("melody")["sound"]
            marked_by_keys(tab, "melody", 2)
            changed(tab, mine, "melody")
            new, lines = tab.player("melody")["sound"], re.compile(r"DEFG\|(?!ABcd\|edcB).*\|A2D2\|")
            expect(text).to_have_value(lines, timeout=PATIENCE_SECONDS * 1000)
            page.get_by_role("link", name="Takes").click()
            page.wait_for_url("**/takes")  # and no longer: Back comes before the page is drawn
            page.go_back()
            assert "melody_bars=8" in page.url, "the address has forgotten what the page's controls said"
            wait_for(lambda: tab.player("melody").get("sound") == new, PATIENCE_SECONDS, "another tune")
            page.reload()
            wait_for(lambda: tab.player("melody").get("sound") == new, PATIENCE_SECONDS, "another tune")
            expect(text).to_have_value(lines, timeout=PATIENCE_SECONDS * 1000)
            page.get_by_role("button", name="As it was").click()
            expect(text).to_have_value(re.compile("^X:1\nT:Mine\n"), timeout=PATIENCE_SECONDS * 1000)


def test_after_a_cancel_the_controls_are_those_of_what_is_shown(tmp_path: Path) -> None:
    with chromium() as browser, served(tmp_path) as address:
        with Visit(browser, address).open("band?band_bars=4+bars", ready=".bs .play") as tab:
            page, length = tab.page, tab.page.get_by_role("slider", name="Length")
            wait_for(lambda: "band" in tab.players(), PATIENCE_SECONDS, "no band")
            sound = tab.player("band")["sound"]
            length.press("End")
            page.get_by_role("button", name="Cancel", exact=True).click()
            again = page.get_by_role("button", name="Try again")
            again.wait_for()
            assert "band_bars=4" in page.url and tab.player("band")["sound"] == sound
            again.click()
            page.get_by_role("button", name="Cancel", exact=True).wait_for()
            wait_for(lambda: "band_bars=128" in page.url, PATIENCE_SECONDS, "the controls are others")


class Mouse:
    """Whoever does all with the mouse."""

    def __init__(self, tab: Visit) -> None:
        self.tab, self.page = tab, tab.page

    def press(self, locator: Locator) -> None:
        locator.click()

    def mark(self, first: int, last: int, bars: int) -> None:
        """Bars, over the ruler."""
        box = self.tab.box(self.page.locator(".bs[data-player='band'] .ruler"))
        begin, end = ((bar * box["width"] / bars, box["y"] + 8) for bar in (first - 0.9, last - 0.1))
        self.page.mouse.move(box["x"] + begin[0], begin[1])
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + end[0], end[1], steps=4)
        self.page.mouse.up()

    def move(self, player: str, second: float) -> None:
        """The first note of a player from a second on, onto a key that nothing else is played on."""
        self.tab.box(self.page.get_by_role("application", name=f"Notes of {player}"))
        x, y, tall, pitch = self.page.evaluate(PLACE, [player.lower(), second])
        steps = self.free(player, pitch, (2, -2, 1, -1))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x, y - steps * tall, steps=5)
        self.page.mouse.up()

    def free(self, player: str, pitch: int, steps: tuple[int, ...]) -> int:
        """By how many keys to move, so that no other note is on that key (two at once would be one)."""
        played = [note[2] for note in notes(self.tab, "band")[player.lower()]]
        return min(steps, key=lambda step: played.count(pitch + step))


class Keys(Mouse):
    """Whoever has the keyboard alone."""

    def reach(self, locator: Locator) -> None:
        """Press Tab until something has the focus."""
        for _ in range(400):
            if locator.evaluate(FOCUSED):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {locator}")

    def press(self, locator: Locator) -> None:
        self.reach(locator)
        self.page.keyboard.press("Enter")

    def mark(self, first: int, last: int, bars: int) -> None:
        self.reach(self.page.locator(".bs[data-player='band'] .ruler"))
        for key in ("Home", *["Shift+ArrowRight"] * (first - 1), "l"):
            self.page.keyboard.press(key)

    def move(self, player: str, second: float) -> None:
        self.reach(self.page.get_by_role("application", name=f"Notes of {player}"))
        self.page.keyboard.press("ArrowRight")
        pitch = self.page.evaluate(f"{PLAYER}.hand.chosen.note[2]")
        self.page.keyboard.press("Shift+ArrowUp" if self.free(player, pitch, (1, -1)) > 0 else "Shift+ArrowDown")


FOCUSED = """element => { let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at === element; }"""
PLAYER = "window.__bandstand.players.get('band')"
PLACE = f"""([name, second]) => {{
  const player = {PLAYER};
  const lane = player.lanes.find((each) => each.tracks[0].name === name);
  const note = lane.tracks[0].notes.find((each) => each[0] >= second - 1e-3), box = lane.over.getBoundingClientRect();
  const tall = box.height / lane.rows.count, span = player.view.to - player.view.from;
  return [box.x + ((note[0] + 0.2 * note[1] - player.view.from) / span) * box.width,
          box.bottom - (lane.rows.row(note[2]) + 0.5) * tall, tall, note[2]];
}}"""


@pytest.mark.parametrize("who", [Mouse, Keys])
def test_two_bars_of_the_guitar_anew_and_nothing_of_a_long_walk_is_lost(tmp_path: Path, who: type[Mouse]) -> None:
    with chromium() as browser, served(tmp_path) as address:
        with Visit(browser, address).open("band?band_bars=4+bars&band_genre=Rock", ready=".bs .play") as tab:
            wait_for(lambda: "band" in tab.players(), PATIENCE_SECONDS, "no band")
            walk = Walk(tab, who(tab))
            walk.writes_two_bars_anew()
            walk.steps_through_the_ways()
            walk.moves_a_note_and_undoes_it()
            walk.locks_the_guitar_and_rolls()
            walk.finds_everything_after_three_pages_and_a_reload()


class Walk:
    """From a piece of four bars to a reload, by one who has hands."""

    def __init__(self, tab: Visit, who: Mouse) -> None:
        self.tab, self.page, self.who = tab, tab.page, who
        self.first = self.sound
        self.half = float(tab.player("band")["length"]) / 2  # where the third of four bars begins, in seconds

    @property
    def sound(self) -> str:
        return str(self.tab.player("band")["sound"])

    def struck(self, player: str) -> set[tuple[float, float]]:
        """When a player's notes begin, in seconds, and their pitches."""
        return {(round(note[0], 2), note[2]) for note in notes(self.tab, "band")[player]}

    def press(self, name: str) -> None:
        self.who.press(self.page.get_by_role("button", name=name, exact=True))

    def makes(self, name: str) -> str:
        """Press a button, and wait for other music."""
        before = self.sound
        self.press(name)
        changed(self.tab, before, "band")
        return self.sound

    def shows(self, sound: str) -> None:
        wait_for(lambda: self.tab.player("band").get("sound") == sound, PATIENCE_SECONDS, "other music")

    def writes_two_bars_anew(self) -> None:
        old = notes(self.tab, "band")
        self.who.mark(3, 4, 4)
        self.press("Guitar is written anew")
        self.makes("Write bars 3–4 anew")
        new = notes(self.tab, "band")
        assert {name for name in old if new[name] != old[name]} <= {"guitar"}
        before = [[note for note in each["guitar"] if note[0] < self.half - 0.25] for each in (old, new)]
        assert before[0] == before[1]

    def steps_through_the_ways(self) -> None:
        self.makes("Later")
        self.way = self.makes("Later")
        self.makes("As it was")
        self.shows(self.first)
        self.press("As it is now")
        self.shows(self.way)
        self.press("Mute Guitar")

    def moves_a_note_and_undoes_it(self) -> None:
        before = self.struck("guitar")
        self.press("Notes by hand")
        self.press("Enlarge Guitar")
        self.who.move("Guitar", self.half)
        changed(self.tab, self.way, "band")
        assert len(self.struck("guitar") ^ before) == 2, "one note is another"
        self.by_hand = self.sound
        self.press("Undo")
        self.shows(self.way)
        assert self.struck("guitar") == before
        self.press("Redo")
        self.shows(self.by_hand)

    def locks_the_guitar_and_rolls(self) -> None:
        guitar = self.struck("guitar")
        self.press("Lock Guitar")
        self.page.get_by_role("button", name="Unlock Guitar").wait_for()
        self.last = self.makes("Everything else anew")
        assert self.struck("guitar") == guitar, "who is locked stays"
        self.press("Mute Guitar")  # it is heard again

    def finds_everything_after_three_pages_and_a_reload(self) -> None:
        for title in ("Melody", "Takes"):
            self.who.press(self.page.get_by_role("link", name=title, exact=True))
            self.page.get_by_role("heading", name=title, exact=True).wait_for()
        self.page.go_back()
        self.page.get_by_role("heading", name="Melody", exact=True).wait_for()
        self.page.go_back()
        self.shows(self.last)
        self.page.go_forward()
        self.page.get_by_role("heading", name="Melody", exact=True).wait_for()
        self.page.go_back()
        self.shows(self.last)
        self.page.reload()
        self.shows(self.last)
        self.page.get_by_role("button", name="Unlock Guitar").wait_for()
        gains = self.tab.player("band")["gains"]
        self.makes("Earlier")
        self.shows(self.by_hand)
        assert [gain for gain, now in zip(gains, self.tab.player("band")["gains"]) if gain and not now] == [1]
        for _ in range(4):
            self.makes("Earlier")
        self.shows(self.first)
