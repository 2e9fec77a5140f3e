"""A recording by the browser's microphone: a real browser whose microphone hears a file."""

import wave

import numpy as np
import pytest

from tests.studio import PATIENCE_SECONDS, Visit, chromium, served, wait_for

pytestmark = pytest.mark.browser


def whistle(path, seconds=12.0):
    """A tune of three pitches as 16-bit WAV at 48 kHz, with the harmonics of a plain reed."""
    at = np.arange(int(seconds * 48_000)) / 48_000
    hz = 440 * 2 ** (np.array([0, 4, 7])[(at * 2).astype(int) % 3] / 12)
    phase = 2 * np.pi * np.cumsum(hz) / 48_000
    sound = sum(np.sin(k * phase) / k for k in range(1, 8)) * 0.2
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def test_a_recording_by_microphone_is_translated(tmp_path):
    whistle(tmp_path / "tune.wav")
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
             f"--use-file-for-fake-audio-capture={tmp_path / 'tune.wav'}")  # fmt: skip
    with chromium(*flags) as browser, served(tmp_path) as address, Visit(browser, address) as visit:
        visit.context.grant_permissions(["microphone"])
        visit.open("translation?translation_way=Record&translation_from=Clarinet&translation_to=Trombone")
        visit.page.get_by_role("button", name="Record", exact=True).click()
        visit.page.wait_for_timeout(3_000)
        visit.page.get_by_role("button", name="Stop recording", exact=True).click()
        visit.page.get_by_text("After: trombone").wait_for()
        wait_for(lambda: "translation-after" in visit.players(), PATIENCE_SECONDS, "no player")
        before, after = visit.player("translation-before"), visit.player("translation-after")
        assert before["length"] > 1.5 and abs(before["length"] - after["length"]) < 0.1
        visit.page.get_by_text("Details", exact=True).first.click()
        visit.page.get_by_text("of the pitch within 50 cents").wait_for()
    assert "Traceback" not in (tmp_path / "server.log").read_text()
