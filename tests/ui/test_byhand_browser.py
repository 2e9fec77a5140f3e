"""Notes changed by hand in a real browser: dragged, drawn and removed, undone and redone, by the mouse and by keys
alone; what is downloaded and what is kept have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.core.midi import read_midi
from engine.core.song import Note, Song
from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, served, wait_for

pytestmark = pytest.mark.browser
PLAYER = "window.__bandstand.players.get('lab')"
AT = f"""([track, onset, pitch, share]) => {{
  const player = {PLAYER}, lane = player.lanes.find((each) => each.tracks[0].name === track);
  const box = lane.over.getBoundingClientRect(), beats = player.hand.end, tall = box.height / lane.rows.count;
  const y = box.bottom - (lane.rows.row(pitch) + 0.5) * tall;
  return [box.x + (onset + share) / beats * box.width, y, tall, box.width / beats];
}}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def opens(home: Path) -> Iterator[Callable[[bool], AbstractContextManager[Visit]]]:
    """The page with its notes in hand, in a window or on a phone."""
    with chromium() as browser, served(home, ROOT / "tests" / "player_page.py") as address:

        @contextmanager
        def opened(phone: bool) -> Iterator[Visit]:
            with Visit(browser, address, phone=phone).open(ready=".bs .play") as visit:
                wait_for(lambda: "lab" in visit.players(), PATIENCE_SECONDS, "no player")
                visit.page.set_default_timeout(30_000)
                visit.page.get_by_role("button", name="Notes by hand").click()
                visit.page.get_by_role("button", name="Enlarge Piano").click()
                yield visit

        yield opened


@pytest.fixture(scope="module")
def visit(opens: Callable[[bool], AbstractContextManager[Visit]]) -> Iterator[Visit]:
    with opens(False) as visit:
        yield visit


def notes(visit: Visit, track: str = "piano") -> list[tuple[float, float, int, int]]:
    """Onset, length, pitch and velocity of a track's notes, as they are drawn."""
    drawn = visit.page.evaluate(f"{PLAYER}.data.tracks.find((t) => t.name === '{track}').notes")
    return sorted((n[4], n[5], n[2], n[3]) for n in drawn)


def settled(visit: Visit) -> None:
    """Python has answered with a song that has all that was done."""
    done = f"{PLAYER}.hand.touched.size === 0 && {PLAYER}.given.edited === {PLAYER}.hand.serial"
    wait_for(lambda: visit.page.evaluate(done), PATIENCE_SECONDS, "what was done did not arrive")


def drag(visit: Visit, note: Note, beats: float = 0, rows: int = 0, share: float = 0.1) -> None:
    """A note of the piano, taken hold of at a place within it."""
    visit.box(visit.page.locator(".bs[data-player='lab'] .lane .over").nth(2))
    x, y, tall, wide = visit.page.evaluate(AT, ["piano", note.onset, note.pitch, share])
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + beats * wide, y - rows * tall, steps=5)
    visit.page.mouse.up()


def downloaded(visit: Visit) -> Song:
    return read_midi(Path(visit.download("lab", "MIDI").path()).read_bytes())


def piano(song: Song) -> list[tuple[float, float, int, int]]:
    track = next(track for track in song.tracks if track.name == "piano")
    return sorted((n.onset, n.duration, n.pitch, n.velocity) for n in track.notes)


def test_a_note_is_dragged_undone_and_redone(visit: Visit) -> None:
    before = notes(visit)
    onset, length, pitch, velocity = before[3]
    drag(visit, Note(onset, length, pitch), beats=0.25, rows=2)
    after = notes(visit)
    assert list(set(after) - set(before)) == [(onset + 0.25, length, pitch + 2, velocity)], "drawn at once"
    settled(visit)
    visit.page.get_by_role("button", name="Undo").click()
    assert notes(visit) == before
    visit.page.get_by_role("button", name="Redo").click()
    assert notes(visit) == after
    settled(visit)
    assert notes(visit) == after
    ghosts = visit.page.evaluate(f"{PLAYER}.data.tracks.map((t) => [t.ghosts.length, t.fresh.size])")
    assert ghosts == [[0, 0], [0, 0], [1, 1]], "what was before stands behind, what is new is marked"


def test_notes_are_drawn_made_longer_and_held_on_the_piano(visit: Visit) -> None:
    before = notes(visit)
    visit.box(visit.page.locator(".bs[data-player='lab'] .lane .over").nth(2))
    x, y, _, wide = visit.page.evaluate(AT, ["piano", 2.0, 60 - 4, 0.02])
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + wide * 0.98, y, steps=4)
    visit.page.mouse.up()
    assert [note[:3] for note in set(notes(visit)) - set(before)] == [(2.0, 1.0, 56)]
    drag(visit, Note(2.0, 1.0, 56), beats=-3, rows=-60)
    visit.page.get_by_text("the song begins here").wait_for()
    assert [note[:3] for note in set(notes(visit)) - set(before)] == [(0.0, 1.0, 21)]
    visit.page.get_by_role("button", name="Longer").click()
    visit.page.get_by_role("button", name="Louder").click()
    assert list(set(notes(visit)) - set(before)) == [(0.0, 1.25, 21, 100)]
    settled(visit)


def test_notes_are_chosen_moved_and_removed_by_keys_alone(visit: Visit) -> None:
    page, before = visit.page, notes(visit)
    page.get_by_role("application", name="Notes of Piano").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "Control+ArrowRight", "Control+ArrowDown"):
        page.keyboard.press(key)
    onset, length, pitch, velocity = before[1]
    assert set(notes(visit)) - set(before) == {(onset, length + 0.25, pitch + 1, velocity - 10)}
    page.keyboard.press("Delete")
    assert set(before) - set(notes(visit)) == {before[1]} and len(notes(visit)) == len(before) - 1
    for _ in range(4):
        page.keyboard.press("Control+z")
    assert notes(visit) == before
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Enter")
    settled(visit)
    assert len(notes(visit)) == len(before) + 1


def test_what_is_downloaded_and_kept_has_the_notes_and_as_it_was_has_not(visit: Visit, home: Path) -> None:
    page, by_hand = visit.page, notes(visit)
    assert piano(downloaded(visit)) == by_hand
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Kept as").wait_for()
    library = Library(home / "takes")
    [take] = library.takes()
    assert take.recipe.by_hand and piano(library.notes(take)) == by_hand
    assert page.get_by_text("Version 2 of 2").count() == 1, "all that the hand did is one result"
    page.get_by_role("button", name="As it was", exact=True).click()
    wait_for(lambda: notes(visit) != by_hand, PATIENCE_SECONDS, "nothing else is shown")
    page.get_by_role("button", name="As it is now", exact=True).click()
    wait_for(lambda: notes(visit) == by_hand, PATIENCE_SECONDS, "not what the hand did")


def test_what_was_is_heard_in_the_same_player_from_the_same_place(visit: Visit) -> None:
    page, by_hand = visit.page, notes(visit)
    page.get_by_role("button", name="Play", exact=True).first.click()
    visit.heard("lab")
    where = visit.player("lab")["seconds"]
    page.get_by_role("button", name="A: what was before").click()
    assert notes(visit) != by_hand
    visit.heard("lab")
    assert visit.player("lab")["seconds"] >= where, "it goes on from the same place"
    page.get_by_role("button", name="B: what is now").click()
    assert notes(visit) == by_hand
    page.get_by_role("button", name="Pause", exact=True).first.click()


def test_one_lane_is_enlarged_and_its_rows_grow(visit: Visit) -> None:
    page = visit.page
    heights = f"{PLAYER}.lanes.map((lane) => lane.box.clientHeight)"
    before = page.evaluate(heights)
    page.get_by_role("button", name="Enlarge Bass").click()
    drums, bass, piano = page.evaluate(heights)
    assert bass > 2 * piano and piano < before[2] and drums == before[0], "one at a time"
    page.get_by_role("button", name="Taller rows for Bass").click()
    assert page.evaluate(heights)[1] == pytest.approx(1.4 * bass, rel=0.05)
    page.get_by_role("slider", name="Position").first.press("[")
    assert page.evaluate(heights)[1] == pytest.approx(bass, rel=0.05)
    page.get_by_role("button", name="Enlarge Bass").click()
    assert page.evaluate(heights)[1] == piano


def test_music_of_another_length_goes_on_from_the_same_place(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("slider", name="Position").first.press("Home")
    page.get_by_role("button", name="Play", exact=True).first.click()
    visit.heard("lab")
    before = visit.player("lab")
    page.get_by_role("button", name="Another").click()
    wait_for(lambda: visit.player("lab")["sound"] != before["sound"], PATIENCE_SECONDS, "no new music")
    visit.heard("lab")
    assert visit.player("lab")["seconds"] > before["seconds"], "it began again"
    assert not page.get_by_role("button", name="Redo", disabled=False).count(), "what a hand did was of another song"
    page.get_by_role("button", name="Pause", exact=True).first.click()


def test_a_finger_draws_moves_and_removes(opens: Callable[[bool], AbstractContextManager[Visit]]) -> None:
    with opens(True) as visit:
        page, finger = visit.page, visit.context.new_cdp_session(visit.page)
        before = notes(visit)

        def touch(kind: str, *points: dict[str, float]) -> None:
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

        def stroke(onset: float, pitch: int, beats: float = 0, rows: int = 0) -> None:
            visit.box(page.locator(".bs[data-player='lab'] .lane .over").nth(2))
            x, y, tall, wide = page.evaluate(AT, ["piano", onset, pitch, 0])
            touch("touchStart", {"x": x, "y": y})
            for step in range(1, 6):
                touch("touchMove", {"x": x + wide * beats * step / 5, "y": y - tall * rows * step / 5})
            touch("touchEnd")

        stroke(6.02, 58, beats=0.98)
        assert [note[:3] for note in set(notes(visit)) - set(before)] == [(6.0, 1.0, 58)], "drawn"
        stroke(6.1, 58, beats=0.5, rows=-1)
        assert [note[:3] for note in set(notes(visit)) - set(before)] == [(6.5, 1.0, 57)], "moved"
        page.get_by_role("button", name="Remove").tap()
        assert notes(visit) == before
        settled(visit)
