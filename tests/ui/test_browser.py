"""The studio in a real browser: cold deep links, making, playing, mixing, downloading; the dark; a phone's width."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.core.audio import read_audio
from engine.core.midi import read_midi
from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, ROOT, SERVERS, Visit, chromium, kept_as, served, tune, wait_for
from ui import frame

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder of the person who uses the studio."""
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def studio(home):
    with served(home) as address:
        yield address
    log = (home / "server.log").read_text()
    assert "Uncaught app execution" not in log and "A job failed" not in log, log[-3000:]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with served(tmp_path_factory.mktemp("lab"), ROOT / "tests" / "player_page.py") as address:
        yield address


@pytest.fixture(scope="module")
def played(browser, lab):
    """The tab that most tests of the player share, with the sound on."""
    with Visit(browser, lab).open(ready=".bs .play") as visit:
        wait_for(lambda: "lab" in visit.players(), PATIENCE_SECONDS, "no player")
        yield visit


def press(visit: Visit, key: str) -> None:
    visit.page.locator(f".bs[data-player='{key}'] .play").click()


# ---- the player ------------------------------------------------------------------------------------------------------


def test_sound_goes_on_through_reruns(played):
    press(played, "lab")
    played.heard("lab")
    before = played.player("lab")
    played.page.get_by_role("slider", name="Idle").press("ArrowRight")
    played.page.wait_for_timeout(700)
    after = played.player("lab")
    assert after["playing"] and after["sound"] == before["sound"]
    assert (after["seconds"] - before["seconds"]) % before["length"] > 0.5, "a slider's move restarted the sound"


def test_one_player_stops_the_other_and_a_pair_hands_over_the_position(played):
    assert played.player("A")["sound"].startswith("unheard"), "it was rendered before anyone asked"
    press(played, "A")
    played.heard("A")
    assert not played.player("lab")["playing"]
    where = played.player("A")["seconds"]
    press(played, "B")
    played.heard("B")
    assert not played.player("A")["playing"]
    assert played.player("B")["seconds"] > where, "B goes on where A was"
    press(played, "B")
    assert not played.player("B")["playing"]


def test_mute_and_solo_change_what_is_heard_without_a_new_sound(played):
    sound = played.player("lab")["sound"]
    played.page.get_by_role("button", name="Solo Bass").click()
    assert played.player("lab")["gains"] == [0, 1, 0]
    played.page.get_by_text("drums=0.00 bass=1.00 piano=0.00").wait_for()
    played.page.get_by_role("button", name="Solo Bass").click()
    played.page.get_by_role("button", name="Mute Drums").click()
    assert played.player("lab")["gains"] == [0, 1, 1]
    played.page.get_by_text("drums=0.00 bass=1.00 piano=1.00").wait_for()
    assert played.player("lab")["sound"] == sound


def test_downloads_hold_what_is_heard(played):
    midi = played.download("lab", "MIDI")
    assert midi.suggested_filename == "lab-3.mid"
    song = read_midi(Path(midi.path()).read_bytes())
    assert [len(t.notes) for t in song.tracks] == [len(t.notes) for t in tune(3).tracks]
    for name, drums_sound in (("Stems", True), ("As mixed", False)):  # the drums are muted in the player
        with zipfile.ZipFile(played.download("lab", name).path()) as archive:
            assert archive.namelist() == ["01 drums.wav", "02 bass.wav", "03 piano.wav"]
            loudness = [np.abs(np.frombuffer(archive.read(name)[44:], "<i2")).max() for name in archive.namelist()]
        assert (loudness[0] > 0) == drums_sound and min(loudness[1:]) > 300
    assert read_audio(Path(played.download("lab", "WAV").path()).read_bytes()).seconds > 8
    played.page.get_by_role("button", name="Mute Drums").click()


def test_drag_over_the_ruler_loops_whole_beats_and_keys_work(played):
    ruler = played.page.get_by_role("slider", name="Position").first
    box = played.box(ruler)
    mouse, y = played.page.mouse, box["y"] + box["height"] / 2
    length = played.player("lab")["length"]
    mouse.move(box["x"] + box["width"] * 1.1 / length, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 2.1 / length, y, steps=4)
    mouse.up()
    assert played.player("lab")["loop"] == {"start": 1.0, "end": 2.0}
    ruler.press(" ")
    played.heard("lab")
    played.page.wait_for_timeout(1300)
    assert 0.9 <= played.player("lab")["seconds"] <= 2.0, "the loop holds the playhead"
    ruler.press("l")
    assert played.player("lab")["loop"] is None
    ruler.press(" ")
    assert not played.player("lab")["playing"]
    ruler.press("Home")
    ruler.press("ArrowRight")
    assert played.player("lab")["seconds"] == pytest.approx(0.5), "an arrow moves by a beat"
    assert "bar 1, beat 2" in ruler.get_attribute("aria-valuetext")


def test_a_click_on_a_lane_goes_there_and_keys_mute_zoom_and_end(played):
    lane = played.page.locator(".bs[data-player='lab'] .lane .over").nth(1)
    length = played.player("lab")["length"]
    lane.click(position={"x": played.box(lane)["width"] / 4, "y": 20})
    assert played.player("lab")["seconds"] == pytest.approx(length / 4, abs=0.05)
    ruler = played.page.get_by_role("slider", name="Position").first
    ruler.press("+")
    shown = played.page.evaluate("window.__bandstand.players.get('lab').view")
    assert shown["to"] - shown["from"] == pytest.approx(length / 2), "half as much is shown, twice as large"
    ruler.press("-")
    ruler.press("2")
    assert played.player("lab")["gains"] == [1, 0, 1]
    assert played.page.get_by_role("button", name="Mute Bass", pressed=True).count() == 1
    ruler.press("2")
    assert played.player("lab")["gains"] == [1, 1, 1]
    ruler.press("End")
    assert played.player("lab")["seconds"] == pytest.approx(length)
    ruler.press("Home")


def test_the_volume_of_a_track_and_of_all(played):
    fader = played.page.get_by_role("slider", name="Volume of Piano")
    fader.fill("0.5")
    assert played.player("lab")["gains"] == [1, 1, 0.5]
    played.page.get_by_text("drums=1.00 bass=1.00 piano=0.50").wait_for()
    fader.dblclick()
    assert played.player("lab")["gains"] == [1, 1, 1], "a double click is 100%"
    played.page.get_by_text("drums=1.00 bass=1.00 piano=1.00").wait_for()
    press(played, "lab")
    played.heard("lab")
    whole = played.page.locator(".bs[data-player='lab'] input[aria-label='Volume']")
    whole.fill("0")
    wait_for(lambda: played.player("lab")["level"] < 1e-4, PATIENCE_SECONDS, "it is still heard")
    whole.fill("0.9")
    played.heard("lab")
    press(played, "lab")


def test_every_part_of_a_player_has_a_name(played):
    parts = ".bs button, .bs input, .bs canvas:not([aria-hidden]), .bs[role=group]"
    names = played.page.locator(parts).evaluate_all("parts => parts.map((part) => part.getAttribute('aria-label'))")
    assert len(names) > 20 and all(names), names


def test_new_music_of_the_same_length_takes_over_while_it_plays(played):
    press(played, "lab")
    played.heard("lab")
    before = played.player("lab")
    played.page.get_by_role("button", name="Another").click()
    wait_for(lambda: played.player("lab")["sound"] != before["sound"], PATIENCE_SECONDS, "no new music")
    played.heard("lab")
    assert re.search(r"lab_seed=\d+", played.page.url), "the address holds the seed"


def test_a_waveform_plays_and_is_named_for_a_screen_reader(played):
    press(played, "note")
    played.heard("note")
    assert played.page.get_by_role("img", name="Spectrogram of Sound: asked").count() == 1
    assert played.page.get_by_role("img", name=re.compile("Pianoroll of Bass: 16 notes, from C2")).count() == 1


def test_words_are_shown_and_never_run(played):
    assert played.page.get_by_text("A <i>tune</i>", exact=True).count() == 1
    assert played.page.get_by_text("<b>*plain*</b>", exact=True).count() == 1


def test_a_job_shows_progress_stops_when_asked_and_loses_nothing(played):
    sound = played.player("lab")["sound"]
    played.page.get_by_role("button", name="Work slowly").click()
    played.page.get_by_role("progressbar").first.wait_for()
    played.page.get_by_role("button", name="Cancel").click()
    played.page.get_by_text("Stopped: working slowly.").wait_for()
    played.page.get_by_role("button", name="Refuse").click()
    played.page.get_by_text("There is no <b>such</b> *thing*.").wait_for()
    played.page.get_by_role("button", name="Break").click()
    played.page.get_by_text("what you had is still here").wait_for()
    assert not played.page.get_by_text("a secret of the machine").count()
    assert played.player("lab")["sound"] == sound


def test_what_is_shown_stays_bright_while_the_page_works(played):
    played.page.get_by_role("button", name="Dawdle").click()
    played.page.wait_for_timeout(2000)
    assert played.page.locator(".st-key-player-lab").evaluate("player => getComputedStyle(player).opacity") == "1"


# ---- the pages -------------------------------------------------------------------------------------------------------


def test_home_leads_to_every_page(browser, studio):
    with Visit(browser, studio).open() as visit:
        visit.page.get_by_text("Sounds through").wait_for()
        for key in ("piece melody", "piece trombone"):
            press(visit, key)
            visit.heard(key)
        for page in frame.pages():
            assert visit.page.locator(f".st-key-menu a[href='{Path(page.path).stem}']").count() == 1
        visit.page.locator(f".st-key-menu a[href='{Path(frame.pages()[0].path).stem}']").click()
        visit.page.get_by_role("heading", name=frame.pages()[0].title, exact=True).wait_for()
        visit.page.go_back()
        visit.page.get_by_role("link", name="A recording").click()
        visit.page.wait_for_url("**/translation?translation_way=Upload")  # not what it leads to
        visit.page.go_back()
        visit.page.get_by_text("Sounds through").wait_for()


MAKERS = [page for page in frame.makers() if page.title != "Jam"]  # a jam: tests/jam


SENDS = {"Band": "Variation", "Variation": "Translation", "Melody": "Trombone", "Trombone": "Translation",
         "Translation": "Variation"}  # fmt: skip
SHORT = {"Band": "band_bars=4+bars", "Melody": "melody_bars=8&melody_count=1", "Trombone": "trombone_seconds_0=1.0"}


def result(page_title: str) -> str:
    """The key of a page's player."""
    return {"Translation": "translation-after"}.get(page_title, page_title.lower())


@pytest.mark.parametrize("page", MAKERS, ids=lambda page: page.title)
def test_a_page_opened_cold_makes_plays_gives_away_and_sends_on(browser, studio, page):
    name, key = page.title.lower(), result(page.title)
    with Visit(browser, studio).open(f"{name}?{SHORT.get(page.title, '')}", ready=".bs .play") as visit:
        wait_for(lambda: visit.player(key).get("sound"), PATIENCE_SECONDS, "nothing to hear")
        before = visit.player(key)["sound"]
        visit.page.locator(f".st-key-new-{name}_seed").get_by_role("button", name="Seed").click()
        seed = visit.page.locator(f".st-key-{name}_seed input").first
        seed.fill("11")
        seed.press("Enter")
        wait_for(lambda: visit.player(key).get("sound") != before, PATIENCE_SECONDS, "nothing new was made")
        visit.page.locator(f".bs[data-player='{key}'] .loop").click()
        press(visit, key)
        visit.heard(key)
        for kind, read in (("MIDI", read_midi), ("WAV", read_audio)):
            assert read(Path(visit.download(name, kind).path()).read_bytes())
        assert visit.player(key)["playing"], "a download stops nothing"
        to = SENDS[page.title]
        visit.send(name, to)
        visit.page.get_by_text("Made from").wait_for()
        press(visit, result(to))
        visit.heard(result(to))


def more(page, what):
    """A choice from the menu under a take."""
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("menuitem", name=what).click()


def test_takes_are_found_compared_changed_and_sent_on(browser, studio, home):
    library = Library(home / "takes")
    first, second = (
        library.keep(kept_as(seed, song=tune(seed)), name=f"A <b>{kind}</b>")
        for seed, kind in ((3, "lark"), (4, "wren"))
    )
    child = library.keep(kept_as(5, song=tune(5)), name="Egg", parents=[first.id])
    with Visit(browser, studio).open("takes", ready=".bs .play") as visit:
        page = visit.page
        page.get_by_label("Search", exact=True).fill("A <b>")
        page.get_by_label("Search", exact=True).press("Enter")
        page.get_by_text("Egg", exact=True).wait_for(state="detached")
        page.get_by_text("Compare two takes").click()
        press(visit, "compare A")
        visit.heard("compare A")
        where = visit.player("compare A")["seconds"]
        press(visit, "compare B")
        visit.heard("compare B")
        assert not visit.player("compare A")["playing"] and visit.player("compare B")["seconds"] > where
        assert visit.player("compare A")["sound"] != visit.player("compare B")["sound"]
        page.get_by_text("Compare two takes").click()
        page.get_by_label("Search", exact=True).fill("egg")
        page.get_by_label("Search", exact=True).press("Enter")
        page.get_by_text("Made from A <b>lark</b>").wait_for()
        menu = page.get_by_role("button", name="More")
        wait_for(lambda: menu.count() == 1, PATIENCE_SECONDS, "the search leaves more than one take")
        more(page, "Star")
        page.get_by_text("★ Egg").wait_for()
        more(page, "Name and tags")
        page.get_by_label("Name", exact=True).fill("Nest")
        page.get_by_label("Tags", exact=True).fill("egg, spring,")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("★ Nest").wait_for()
        more(page, "Delete")
        page.get_by_text("“Nest” was deleted.").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("★ Nest").wait_for()
        found = library.get(child.id)
        assert (found.name, found.tags, found.starred) == ("Nest", ("egg", "spring"), True)
        page.get_by_text("Carry takes to another machine").click()
        exported = visit.saved(page.get_by_role("button", name="Export this one"))
        with zipfile.ZipFile(io.BytesIO(Path(exported.path()).read_bytes())) as archive:
            assert f"{child.id}/song.mid" in archive.namelist()
        page.get_by_role("button", name="Send to").click()
        page.get_by_role("button", name="Variation", exact=True).click()
        page.get_by_role("heading", name="Variation", exact=True).wait_for()
        page.get_by_text("Made from Nest ← A <b>lark</b>").wait_for()
    assert library.get(second.id).name == "A <b>wren</b>"


def test_a_killed_studio_loses_no_take_and_two_tabs_share_a_library(browser, tmp_path):
    library = Library(tmp_path / "takes")
    with served(tmp_path) as address:
        with Visit(browser, address) as one, Visit(browser, address) as other:
            one.open("trombone?trombone_seconds_0=2.0", ready=".bs .play")
            one.page.get_by_role("button", name="Save", exact=True).click()
            one.page.get_by_text("Kept as").wait_for()
            other.open("takes", ready=".bs .play")
            one.page.get_by_role("button", name="Save", exact=True).click()
            wait_for(lambda: len(library.takes()) == 2, PATIENCE_SECONDS, "the second was not kept")
            more(other.page, "Delete")
            other.page.get_by_text("was deleted").wait_for()
            kept = library.takes()
        SERVERS[address].kill()
    assert len(kept) == 1
    with served(tmp_path) as address, Visit(browser, address) as again:
        again.open("takes", ready=".bs .play")
        press(again, f"take {kept[0].id}")
        again.heard(f"take {kept[0].id}")
        again.page.get_by_text("Deleted", exact=True).click()
        again.page.get_by_role("button", name="Restore").click()
        again.page.get_by_text("No take is deleted.").wait_for()
    assert len(library.takes()) == 2


def test_settings_stand_in_the_address_and_outlive_a_change_of_page(browser, studio):
    with Visit(browser, studio).open("band?band_seed=99&band_bass=false", ready=".bs .play") as visit:
        wait_for(visit.players, PATIENCE_SECONDS, "no player")
        sound = visit.player("band")["sound"]
        visit.page.locator(".st-key-menu a[href='takes']").click()
        visit.page.get_by_role("heading", name="Takes", exact=True).wait_for()
        visit.page.locator(".st-key-menu a[href='band']").click()
        visit.page.locator(".bs[data-player='band']").wait_for()
        assert visit.player("band")["sound"] == sound
        visit.page.get_by_role("button", name="Seed").click()
        seed = visit.page.locator(".st-key-band_seed input")
        wait_for(lambda: seed.input_value() == "99", PATIENCE_SECONDS, "the seed is another")
        assert "band_seed=99" in visit.page.url and "band_bass=false" in visit.page.url
        # Saved, it stands among the takes; and nobody else has it.
        visit.page.get_by_role("button", name="Save", exact=True).click()
        visit.page.get_by_text("Kept as").wait_for()
        visit.page.locator(".st-key-menu a[href='takes']").click()
        visit.page.get_by_text("seed 99").first.wait_for()
