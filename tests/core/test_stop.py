"""Ctrl-C: the studio stops at once whatever it is doing, and a command leaves no half of anything behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.sessions import Session
from tests.studio import PATIENCE_SECONDS, ROOT, SERVERS, served, wait_for

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
    """Whether a page shows a job that has come so far, or what is offered when it is done."""
    element = ForwardMsg.FromString(message).delta.new_element
    return b"Keep it as a take" in message or (element.HasField("progress") and element.progress.value >= percent)


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


COMMAND = """
import os, signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background hands down an ignored one
from engine.core import stop
stop.listen()
from engine import __main__ as cli
from engine.core.request import Request
from engine.core.result import Result
from engine.core.song import Note, Song, Track

moment = sys.argv[1]

def interrupted(at, then=None):
    if at == moment:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    return then

def swallowed():
    try:
        interrupted("importing")
    except BaseException:
        raise ImportError("It seems that numpy is not installed.")

def made(model, asked, progress):
    swallowed()
    interrupted("making")
    return Result(request=asked, song=Song((Track("piano", 0, False, (Note(0, 1, 60),)),)))

fsync = os.fsync
os.fsync = lambda handle: interrupted("writing", fsync(handle))
from engine.core import render
stem = render._stem
render._stem = lambda *words: interrupted("rendering", stem(*words))
Request.checkpoint = lambda asked: "none"
load = lambda path, device: interrupted("loading")
cli.SYSTEMS = {"click": ""}
cli.system = lambda _: types.SimpleNamespace(Request=Request, load=load, generate=made)
sys.argv[1:] = ["click", "--out", sys.argv[2]]
cli.main()
"""


@pytest.mark.parametrize("moment", ["loading", "importing", "making", "rendering", "writing"])
def test_a_command_stopped_while(moment, tmp_path):
    kept = tmp_path / "kept.wav"
    kept.write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", COMMAND, moment, kept], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")
    assert kept.read_bytes() == b"before" and list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_a_real_command_is_stopped_or_done(seconds, tmp_path):
    words = ["band", "--genre", "jazz", "--bars", "64", "--out", str(tmp_path / "jazz.wav")]
    command = subprocess.Popen([sys.executable, "-m", "engine", *words], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    time.sleep(seconds)
    command.send_signal(signal.SIGINT)
    said = command.communicate(timeout=PATIENCE_SECONDS)[1]
    if command.returncode:
        assert (command.returncode, said, list(tmp_path.iterdir())) == (130, "Stopped.\n", [])
