"""The compiled loop computes the same in the process that compiles it and in those that find it compiled."""

import os
import subprocess
import sys

import pytest

STATES = """
import hashlib
from engine import band
from engine.band.played import brief_of
from engine.player.playing import Section

model = band.load()
section = Section(model, [brief_of(model, band.Request(genre={"jazz": 1}, seed=1))], [], 0)
list(section.play())
print(hashlib.sha256(section.desk.states[0, : section.desk.time[0] - 1].tobytes()).hexdigest())
"""


@pytest.mark.process
def test_who_compiles_the_loop_computes_what_those_do_who_find_it_compiled(tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    first, second = (subprocess.run([sys.executable, "-c", STATES], env=env, check=True, capture_output=True).stdout
                     for _ in range(2))  # fmt: skip
    assert first == second != b""
