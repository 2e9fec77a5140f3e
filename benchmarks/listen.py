"""How well lines of known notes are heard, beside Translation's tracker, and what listening costs.

    python -m benchmarks.listen

Lines are joined from single notes that nothing learned from (`data/audio`, prepared once), and sung by a synthetic
voice; F1 by mir_eval: 50 ms, 50 cents, no octave forgiven.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.table import head, median, row
from engine import ROOT
from engine.core.audio import Audio
from engine.listen.listening import listen
from engine.listen.spectrum import RATE
from training.listen.evaluate import SECONDS, TEMPI, f1, heard_by_ear, heard_by_tracker, lines, tempo_right
from training.listen.lines import Line, Notes, noisy, roomed
from training.listen.prepare import prepare
from training.listen.voice import SOUNDS, sung

DATA, PREPARED = ROOT / "data" / "audio", ROOT / "prepared" / "listen"
TEST = 2  # the part of the data that is held out
LIMITS = {"legato": 0.95, "staccato": 0.95, "under white noise at 20 dB": 0.9, "in a room": 0.9}


def compare(what: str, known: Sequence[Line], limit: float | None = None) -> None:
    """A row: the mean F1 of ours, and of the tracker."""
    ours = np.mean([f1(line, heard_by_ear(line)) for line in known])
    others = np.mean([f1(line, heard_by_tracker(line)) for line in known])
    row(f"notes heard, {what}", f"F1 {ours:.3f}", f"Translation's tracker: {others:.3f}", f"≥ {limit}" if limit else "")


def recorded() -> None:
    """The rows of lines joined from recordings; none where the data is not there."""
    if not (PREPARED / "notes.npz").is_file():
        if not (DATA / "manifest.csv").is_file():
            return
        prepare(DATA, PREPARED)
    by: dict[str, list[Line]] = defaultdict(list)
    for _, style, line in lines(Notes(PREPARED, TEST)):
        by[style].append(line)
    random = np.random.default_rng(0)
    plain = [line for each in by.values() for line in each]
    by["under white noise at 20 dB"] = [noisy(line, random) for line in plain]
    by["in a room"] = [roomed(line, random) for line in plain]
    for what, known in by.items():
        compare(what, known, LIMITS[what])
    right = np.mean([tempo_right(line, heard_by_ear(line)) for line in plain])
    row("tempo within 4%, or double or half", f"{right:.2f}", "", "≥ 0.8")


def main() -> None:
    torch.set_num_threads(1)
    head()
    recorded()
    random = np.random.default_rng(0)
    for sound in SOUNDS:
        compare(f"a synthetic {sound}", [sung(sound, random.uniform(*TEMPI), SECONDS, random) for _ in range(4)])
    half = Audio(np.tile(sung("voice", 100, SECONDS, random).samples, 3)[: 30 * RATE], RATE)
    cost = median(lambda: listen(half), 3)
    row("30 s of sound", f"{half.seconds / cost:.0f} × real time")


if __name__ == "__main__":
    main()
