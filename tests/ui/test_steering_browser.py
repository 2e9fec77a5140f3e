"""In a real browser: chords are typed and one is changed in the lane; a tune of Melody is sent to the band."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from engine.core.midi import read_midi
from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, Visit, chromium, served, wait_for

pytestmark = pytest.mark.browser


def download(visit: Visit) -> bytes:
    return Path(visit.download("band", "MIDI").path()).read_bytes()


def test_chords_are_played_one_is_changed_in_the_lane_and_a_tune_gets_its_band(tmp_path: Path) -> None:
    with chromium() as browser, served(tmp_path) as address:
        with Visit(browser, address).open("band", ready=".bs .chord") as visit:
            sound = visit.player("band")["sound"]
            line = visit.page.locator(".st-key-band_chords input")
            line.fill("C | F | G7 | C | Am | Dm | G7 | C")
            line.press("Enter")
            wait_for(lambda: visit.player("band").get("sound") not in (None, sound), PATIENCE_SECONDS, "no chords")
            sound = visit.player("band")["sound"]
            visit.page.locator(".bs .chord").nth(1).click()
            field = visit.page.locator(".bs input.asked")
            field.fill("Fm7")
            field.press("Enter")
            wait_for(lambda: visit.player("band").get("sound") not in (None, sound), PATIENCE_SECONDS, "no change")
            typed = ["C", "Fm7", "G7", "C", "Am", "Dm", "G7", "C"]
            assert line.input_value() == " | ".join(typed), "the others stay as they were typed"
            known = "window.__bandstand.players.get('band').data.chords.map((chord) => chord.name)"
            shown = [name for name, _ in groupby(visit.page.evaluate(known))]  # a half in which others sound is marked
            assert shown == typed, "the lane shows what was asked for"
            sound = visit.player("band")["sound"]
            visit.page.locator(".bs .chord", has_text="G7").first.click()
            field.fill("Hm7")
            field.press("Enter")
            visit.page.get_by_text("'Hm7' in bar 3").wait_for()
            line.fill("C | Hm7")
            line.press("Enter")
            visit.page.get_by_text("'Hm7' in bar 2").wait_for()
            assert visit.player("band")["sound"] == sound
            assert len(read_midi(download(visit)).tracks) >= 4
        with Visit(browser, address).open("melody?melody_bars=8&melody_count=1", ready=".bs .play") as visit:
            visit.send("melody", "Band")
            visit.page.get_by_text("Your tune", exact=True).wait_for()
            made = read_midi(download(visit))
    library = Library(tmp_path / "takes")
    [take] = [take for take in library.takes() if take.recipe.system == "melody"]
    tune = library.song(take)
    assert tune and made.tracks[-1].name == "lead"
    mine, theirs = made.tracks[-1].notes, tune.tracks[0].notes
    assert [note.pitch for note in mine] == [note.pitch for note in theirs]
    late = mine[0].onset - theirs[0].onset
    assert all(abs(a.onset - b.onset - late) < 1 / 24 for a, b in zip(mine, theirs))
    assert all(abs(a.duration - b.duration) < 1 / 24 for a, b in zip(mine, theirs))
