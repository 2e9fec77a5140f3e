"""Single notes of all instruments as one array, with where each begins to sound.

samples.npy     int16 [n], 16 kHz, note i is `offsets[i]:offsets[i+1]`
notes.npz       offsets [notes + 1], midi, instrument (an index of `names`), split (0 train, 1 val, 2 test), and starts
                [notes, 4]: the sample at which it has come within 35, 25, 18 and 12 dB of its loudest

Held out is what Translation or the trombone hold out: neither network nor ear has heard it.

    python -m training prepare listen --data data/audio
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core.audio import read_audio
from engine.core.pitch import loudness_db
from engine.listen.spectrum import RATE
from training.core.data import split_of
from training.core.options import add_common
from training.trombone.prepare import NAMES, length_class
from training.trombone.prepare import split_of as trombone_split

SPLITS = {"train": 0, "val": 1, "test": 2}
WITHIN = (35, 25, 18, 12)  # dB of the loudest
STEP = 32  # samples between two measures of loudness
LONGEST = 4 * RATE  # samples kept of a note


def split(row: dict[str, str]) -> int:
    """Which part of the data a note of the manifest is in."""
    part = SPLITS[split_of(Path(row["file"]).stem)]
    if part or row["instrument"] != "trombone" or row["dynamic"] not in NAMES:
        return part
    return trombone_split(int(row["midi"]), NAMES[row["dynamic"]], length_class(float(row["seconds"])))


def starts(samples: np.ndarray) -> list[int]:
    """The samples at which a note has come within `WITHIN` of its loudest."""
    level = loudness_db(samples, np.hanning(160), STEP)
    return [int(np.argmax(level > level.max() - each)) * STEP for each in WITHIN]


def prepare(data: Path, out: Path) -> None:
    """Write the arrays of all single notes."""
    manifest = data / "manifest.csv"
    if not manifest.is_file():
        raise RequestError(f"{manifest} is missing; README.md says where the data comes from.")
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "note"]
    names = sorted({row["instrument"] for row in rows})
    parts, known = [], []
    for row in rows:
        samples = read_audio(data / row["file"]).mono().resampled(RATE).samples[:LONGEST]
        samples = samples / np.abs(samples).max()
        parts.append((samples * 32767).astype(np.int16))
        known.append((int(row["midi"]), names.index(row["instrument"]), split(row), *starts(samples)))
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "samples.npy", np.concatenate(parts))
    midi, instrument, part, *begins = np.array(known).T
    np.savez(out / "notes.npz", offsets=np.cumsum([0, *map(len, parts)]), midi=midi, instrument=instrument, split=part,
             starts=np.stack(begins, 1), names=np.array(names))  # fmt: skip
    print(f"{len(rows)} notes of {len(names)} instruments")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the recordings are and where the arrays go."""
    add_common(parser, data=Path("data/audio"), prepared=Path("prepared/listen"))


def run(args: argparse.Namespace) -> None:
    """Write the arrays."""
    prepare(args.data, args.prepared)
