"""Ten sessions at once on one server: each has its own music, and none waits for ever."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sessions import Session
from tests.studio import served

pytestmark = pytest.mark.browser

SESSIONS = 10


def test_ten_sessions_at_once_each_have_their_own_music(tmp_path):
    def visit(seed: int) -> str:
        with Session(address, "band", f"band_seed={seed}&band_bars=4+bars") as session:
            return session.sound("band")

    with served(tmp_path) as address, ThreadPoolExecutor(SESSIONS) as pool:
        sounds = list(pool.map(visit, range(SESSIONS)))
        assert len(set(sounds)) == SESSIONS, "two sessions share their music"
        assert visit(3) == sounds[3], "the same settings are the same music, whoever else was there"
    log = (tmp_path / "server.log").read_text()
    assert "Uncaught app execution" not in log and "A job failed" not in log, log[-3000:]
