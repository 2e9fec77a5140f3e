"""Trains four systems for two steps on the small arrays of tests/tiny_data.py, and prints a line of JSON for each.

    python tests/train_all.py PREPARED OUT [OPTION ...]      options: of every command

A line: the run, this process and how many there are, device and precision, the first step's losses, a hash of the
weights.
"""

from __future__ import annotations

import hashlib
import json
import sys

from engine.core.stop import leave
from training import __main__ as training
from training.core.loop import Loop

COMMANDS = (
    "melody --prepared {0}/melody --run {1}/run/melody --checkpoint {1}/made/melody --steps 2"
    " --width 16 --embed 8 --batch 2 --evaluate-every 2",
    "variation --prepared {0}/variation --run {1}/run/variation --latent 8 --track bass --steps 2"
    " --batch 8 --minutes 1",
    "trombone --prepared {0}/trombone --run {1}/run/trombone/a --dim 16 --batch 2 --chunk 256 --steps 2 --every 99",
    "translation --prepared {0}/prepared --run {1}/run/translation/a --instrument dull --instrument bright --steps 2"
    " --batch 2 --width 16 --checkpoint {1}/made/translation",
)


def watched(loop: Loop, step, **how) -> None:
    """`Loop.run`, and what it did."""
    seen = []

    def told(number: int) -> dict[str, float]:
        seen.append(step(number))
        return seen[-1]

    run(loop, told, **how)
    parameters = [w.detach().cpu().numpy() for name in loop.modules for w in loop.plain(name).parameters()]
    weights = hashlib.sha256(b"".join(w.tobytes() for w in parameters)).hexdigest()
    found = {"run": loop.folder.parent.name, "rank": loop.rank, "processes": loop.accelerator.num_processes,
             "device": loop.device.type, "precision": loop.precision, "first": seen[0], "weights": weights}  # fmt: skip
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run = Loop.run
    Loop.run = watched  # type: ignore[method-assign]
    for words in COMMANDS:
        training.main(["train", *words.format(*sys.argv[1:]).split(), *sys.argv[3:]])
    leave(0)
