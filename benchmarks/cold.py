"""What the command line costs from nothing: a fresh process, imports, weights, music, files. Seconds and most memory.

python -m benchmarks.cold

Nothing heavy is imported here: a process's most memory counts what its parent held when it was started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import table
from engine import ROOT

EXAMPLE = min((ROOT / "assets" / "examples").glob("*.mid"))
COMMANDS = {
    "the options": "--help",
    "systems and options": "list",
    "band, 8 bars as MIDI": "band --genre jazz --bars 8 --out {out}.mid",
    "variation of an example as MIDI": "variation --input {example} --out {out}.mid",
    "melody, 16 bars as ABC": "melody --bars 16 --out {out}.abc",
    "trombone, a note of 2 seconds": "trombone --note 58 --seconds 2 --out {out}.wav",
    "translation of 5 seconds": "translation --input {sound} --from trombone --to cello --out {out}.wav",
}


def cold(words: list[str]) -> tuple[float, float]:
    """Seconds and megabytes of `python -m engine …` in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "engine", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.perf_counter() - began, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    table.head()
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "trombone.wav"
        cold(["trombone", "--note", "58", "--seconds", "5", "--out", str(sound)])
        for what, command in COMMANDS.items():
            words = [word.format(example=EXAMPLE, sound=sound, out=f"{folder}/made") for word in command.split()]
            cold(words)  # compiles what is compiled once, and fills the disk's cache
            seconds, megabytes = cold(words)
            table.row(what, f"{seconds:.1f} s, {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
