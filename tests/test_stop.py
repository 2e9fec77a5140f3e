"""Ctrl-C: the studio stops at once whatever it is doing, and a command leaves no half of anything behind."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.sessions import Session
from tests.studio import PATIENCE_SECONDS, SERVERS, served, wait_for

pytestmark = pytest.mark.browser

STOP_SECONDS = 2.0
LONG = {  # the longest work of each page: its settings, and from which percent on it is stopped
    "band": ("band_bars=64+bars", 30),  # the notes are written by then, and FluidSynth's threads play them
    "variation": ("variation_mode=continue&variation_more=32", 1),
    "melody": ("melody_bars=48&melody_count=6", 1),
    "trombone": ("trombone_kind=A+scale&trombone_seconds_1=2.0", 1),
    "translation": ("translation_from=trumpet", 1),
}
TICKS = os.sysconf("SC_CLK_TCK")


def worked(message: bytes, percent: int) -> bool:
    """Whether a page shows a job that has come so far, or its music already."""
    element = ForwardMsg.FromString(message).delta.new_element
    return b'"audible": true' in message or (element.HasField("progress") and element.progress.value >= percent)


def processor_seconds(process: subprocess.Popen) -> float:
    """What a process has computed so far, in all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def stops(address: str, number: signal.Signals, opened: float, log: Path) -> None:
    """A busy machine, one on which the studio takes longer to open, may take longer to stop it too."""
    server = SERVERS[address]
    began = time.monotonic()
    server.send_signal(number)
    assert server.wait(PATIENCE_SECONDS) == 0, log.read_text()
    assert time.monotonic() - began < max(STOP_SECONDS, opened)
    said = log.read_text()
    assert "Traceback" not in said and "terminate called" not in said, said


@pytest.mark.parametrize("page", LONG)
def test_the_studio_stops_within_two_seconds_from_the_longest_work_of(page, tmp_path):
    query, percent = LONG[page]
    began = time.monotonic()
    with served(tmp_path) as address, Session(address, page, query) as session:
        opened = time.monotonic() - began
        session.until(lambda message: worked(message, percent))
        number = signal.SIGTERM if page in ("melody", "translation") else signal.SIGINT
        stops(address, number, opened, tmp_path / "server.log")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for processor time")
@pytest.mark.parametrize("seconds", [1.2, 3.0], ids=["imports", "compiles"])
def test_the_studio_stops_within_two_seconds_while_it(seconds, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    began = time.monotonic()
    with served(tmp_path) as address, Session(address, "trombone") as session:
        opened = time.monotonic() - began
        before = processor_seconds(SERVERS[address])
        session.run()
        wait_for(lambda: processor_seconds(SERVERS[address]) > before + seconds, PATIENCE_SECONDS, "it rests")
        stops(address, signal.SIGINT, opened, tmp_path / "server.log")
