"""What holds on any machine: an old Python is told so, and single pieces are played on one thread."""

import os
import subprocess
import sys

import pytest

from engine import ROOT

pytestmark = pytest.mark.process


def python(script: str, **env: str) -> subprocess.CompletedProcess:
    """A script in a Python of its own, without this one's number of threads."""
    ours = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=ours | env)


@pytest.mark.parametrize("module", ["engine", "training"])
def test_an_old_python_is_told_in_one_sentence(module):
    run = f"import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_module('{module}', run_name='__main__')"
    done = python(run)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "3.10" in done.stderr


SHOW = "print(__import__('torch').get_num_threads())"
STUDIO = f"import torch, ui.frame; {SHOW}"
COMMAND = f"import engine.__main__ as cli; cli.run = lambda words: {SHOW} or 0; cli.main()"


def test_single_pieces_are_played_on_one_thread_unless_the_environment_says_otherwise():
    assert [python(script).stdout.split() for script in (STUDIO, COMMAND)] == [["1"], ["1"]]
    assert python(COMMAND, OMP_NUM_THREADS="2").stdout.split() == ["2"]
