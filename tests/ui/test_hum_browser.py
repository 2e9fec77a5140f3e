"""A tune is hummed on Band's page: a real browser whose microphone hears a file, a note mended, and the band heard."""

import pytest

from engine.core.audio import write_wav
from engine.core.pitch import note_name
from tests.listen.sounds import TUNE, line
from tests.studio import PATIENCE_SECONDS, Visit, chromium, served, wait_for
from tests.ui.test_anew_browser import notes

pytestmark = pytest.mark.browser


def lead(visit: Visit) -> list[int]:
    """The pitches of the tune in the player; none while there is no tune."""
    return [int(note[2]) for note in notes(visit, "band").get("lead", [])]


def test_a_hum_is_heard_mended_and_played_by_the_band(tmp_path):
    hum = line(TUNE, [0.5] * len(TUNE), rate=48_000)
    (tmp_path / "hum.wav").write_bytes(write_wav(hum))
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
             f"--use-file-for-fake-audio-capture={tmp_path / 'hum.wav'}")  # fmt: skip
    with chromium(*flags) as browser, served(tmp_path) as address, Visit(browser, address) as visit:
        visit.context.grant_permissions(["microphone"])
        visit.open("band?band_bars=4")
        visit.page.get_by_text("A tune of yours").click()
        visit.page.get_by_role("button", name="Record", exact=True).click()
        visit.page.wait_for_timeout(5_500)
        visit.page.get_by_role("button", name="Stop recording", exact=True).click()
        grid = visit.page.locator("[data-testid=stDataFrame]")
        grid.wait_for()
        wait_for(lambda: "band" in visit.players() and lead(visit), PATIENCE_SECONDS, "no tune")
        before = lead(visit)
        assert len(before) >= 6 and set(before) <= set(TUNE)
        box = visit.box(grid, rest_seconds=1)
        visit.page.mouse.dblclick(box["x"] + 90, box["y"] + 52)  # where a person does: the name of the first note
        name = visit.page.locator("#portal").locator("input, textarea").first
        name.fill(note_name(before[0] + 12))
        name.press("Enter")
        wait_for(lambda: lead(visit) == [before[0] + 12, *before[1:]], PATIENCE_SECONDS, "the note is as it was")
        visit.page.get_by_role("link", name="Takes").click()
        visit.page.get_by_role("heading", name="Takes", exact=True).wait_for()
        visit.page.go_back()
        visit.page.get_by_text("is still here").wait_for(state="attached")
        wait_for(lambda: "band" in visit.players(), PATIENCE_SECONDS, "no player")
        assert lead(visit) == [before[0] + 12, *before[1:]], "what was hummed and mended outlives a change of page"
        visit.page.locator(".bs .play").last.click()
        visit.heard("band")
    assert "Traceback" not in (tmp_path / "server.log").read_text()
