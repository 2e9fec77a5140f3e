"""Recorded notes → compact arrays: what the trombone's training reads.

    manifest.csv or folders of WAV with one MIDI file each  →  prepared/trombone/{notes.npz, *.npy}

Sample-level arrays are flat, note i is `offsets[i]:offsets[i+1]`; every recording is there several times: once moved to
A4 = 440 Hz exactly, then moved by random cents (same file, same split). Beside every sample stand its note, its
countdown (offsets give both), its phase and two harmonic priors: from the note itself, and from the other notes
of its pitch and dynamic, as when playing.

    python -m training prepare trombone --data data/audio      (a manifest.csv, or folders of WAV with a MIDI file each)
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine import RequestError
from engine.trombone.conditions import DYNAMICS, HARMONICS, HIGHEST, HOP, LOWEST, harmonic_prior
from engine.trombone.notes import TOP_DB
from engine.trombone.pitch import RATE
from training.core.options import add_common
from training.trombone.batches import Notes
from training.trombone.notes import Analysis, analyse
from training.trombone.takes import fit

NAMES = {"pianissimo": 0, "piano": 1, "mezzo-forte": 2, "forte": 3, "fortissimo": 4} | {
    name: i for i, name in enumerate(DYNAMICS)
}
# TOP_DB: the loudness of each note as modelled; recordings are far quieter than 8 bits like
LENGTHS = (0.45, 0.75, 1.0, 1.6)  # seconds, borders of the five length classes


@dataclass(frozen=True)
class Recording:
    path: Path
    midi: int
    dynamic: int  # index in DYNAMICS
    room: int  # 1 for the anechoic recordings


def from_manifest(folder: Path, instrument: str = "trombone") -> Iterator[Recording]:
    """Single notes of a manifest with columns file, midi and dynamic (and instrument, kind, articulation, source)."""
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row.get("instrument", instrument) != instrument or row.get("kind", "note") != "note":
                continue
            if row["dynamic"] in NAMES and row.get("articulation", "normal") == "normal" and row["midi"]:
                yield Recording(
                    folder / row["file"], round(float(row["midi"])), NAMES[row["dynamic"]], row.get("source") == "iowa"
                )


def from_midi_folders(folder: Path) -> Iterator[Recording]:
    """The thesis's layout: each folder holds WAV files of one note and one MIDI file that says which.

    The dynamic is read from the MIDI velocity, in five equal steps.
    """
    import pretty_midi

    for midi_file in sorted(folder.rglob("*.mid")):
        notes = [n for track in pretty_midi.PrettyMIDI(str(midi_file)).instruments for n in track.notes]
        if notes:
            for wav in sorted(p for p in midi_file.parent.iterdir() if p.suffix.lower() in (".wav", ".flac")):
                yield Recording(wav, notes[0].pitch, min(4, notes[0].velocity * 5 // 128), 0)


def recordings(folder: Path) -> list[Recording]:
    """All notes of a folder of either kind, within the range that the trombone plays."""
    recorded = list(from_manifest(folder) if (folder / "manifest.csv").exists() else from_midi_folders(folder))
    return [r for r in recorded if LOWEST <= r.midi <= HIGHEST]


def length_class(seconds: float) -> int:
    return int(np.searchsorted(LENGTHS, seconds))


def split_of(midi: int, dynamic: int, length: int) -> int:
    """0 train, 1 validation, 2 test: whole cells of pitch × dynamic × length class, spread evenly."""
    return {0: 2, 8: 1}.get((midi * 7 + dynamic * 3 + length * 5) % 16, 0)


def load(path: Path) -> np.ndarray:
    """Mono float64 at 16 kHz."""
    samples, rate = soundfile.read(path, always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE)


def aligned(harmonics: np.ndarray, reference: np.ndarray) -> float:
    """The shift in cycles that brings a note's harmonics nearest to the reference's."""
    shifts = np.arange(256) / 256
    orders = np.arange(1, HARMONICS + 1)
    match = np.exp(2j * np.pi * np.outer(shifts, orders)) @ (harmonics * np.conj(reference))
    return float(shifts[np.argmax(match.real)])


def mean_harmonics(rows: np.ndarray) -> np.ndarray:
    """Geometric mean of the amplitudes, circular mean of the phases; complex64 [HARMONICS] from [n, HARMONICS]."""
    size = np.exp(np.log(np.abs(rows) + 1e-5).mean(axis=0)) - 1e-5
    turn = rows.sum(axis=0)
    return (size * turn / np.maximum(np.abs(turn), 1e-12)).astype(np.complex64)


def turned(harmonics: np.ndarray, shift: float) -> np.ndarray:
    return harmonics * np.exp(2j * np.pi * shift * np.arange(1, HARMONICS + 1))


def align_cells(notes: list[Analysis], cells: np.ndarray) -> tuple[list[Analysis], np.ndarray]:
    """Shift each note's phase so that the harmonics of a cell agree; returns the notes and harmonics [n, HARMONICS]."""
    bank = np.stack([n.harmonics for n in notes])
    shifts = np.zeros(len(notes))
    for cell in np.unique(cells):
        members = np.flatnonzero(cells == cell)
        reference = bank[members[np.argmax([len(notes[m].samples) for m in members])]]
        for _ in range(3):
            moved = [aligned(bank[m], reference) for m in members]
            shifts[members] = moved
            reference = mean_harmonics(np.stack([turned(bank[m], s) for m, s in zip(members, moved)]))
    bank = np.stack([turned(h, s) for h, s in zip(bank, shifts)]).astype(np.complex64)
    # x = Re Σ c_h e^{2πi h φ}: turning c_h by e^{2πi h s} means φ → φ − s
    moved_notes = [
        Analysis(n.samples, n.phase - s, n.loudness_db, h, n.f0_hz, n.cents) for n, s, h in zip(notes, shifts, bank)
    ]
    return moved_notes, bank


def harmonic_table(bank: np.ndarray, midi: np.ndarray, dynamic: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Harmonics of each pitch and dynamic, complex64 [37, 5, HARMONICS], from the notes marked in `use`;
    a cell without any takes the nearest pitch's of the same dynamic."""
    table = np.zeros((HIGHEST - LOWEST + 1, len(DYNAMICS), HARMONICS), np.complex64)
    for d in range(len(DYNAMICS)):
        have = sorted(set(midi[use & (dynamic == d)]))
        for m in range(LOWEST, HIGHEST + 1) if have else ():
            near = min(have, key=lambda p: (abs(p - m), p))
            table[m - LOWEST, d] = mean_harmonics(bank[use & (dynamic == d) & (midi == near)])
    return table


@dataclass(frozen=True)
class Take:
    """A recording in tune (copy 0) or moved by some cents, cut and measured."""

    recording: Recording
    note: Analysis
    length: int  # its class
    split: int
    copy: int


@dataclass(frozen=True)
class Labels:
    """What each note is of, arrays [notes]."""

    midi: np.ndarray
    dynamic: np.ndarray
    room: np.ndarray
    length: np.ndarray
    split: np.ndarray
    copy: np.ndarray
    cents: np.ndarray  # off its midi, as measured
    name: np.ndarray  # of the file

    @property
    def trained(self) -> np.ndarray:
        """Training recordings, each once."""
        return (self.split == 0) & (self.copy == 0)

    @property
    def shared(self) -> np.ndarray:
        """Those whose harmonics stand for others: in the room with reverberation, unless all are anechoic."""
        reverberant = self.trained & (self.room == 0)
        return reverberant if reverberant.any() else self.trained


def takes_of(recording: Recording, copies: int, rng: np.random.Generator) -> list[Take]:
    """A recording in tune, and of the training split also moved by random cents; none if it is not the note it says."""
    samples = load(recording.path)
    first = analyse(samples, recording.midi)
    if first is None:
        return []
    length = length_class(len(first.samples) / RATE)
    split = split_of(recording.midi, recording.dynamic, length)
    takes = []
    for copy in range(copies if split == 0 else 1):
        cents = -first.cents if copy == 0 else rng.uniform(-60, 60) - first.cents
        moved = soxr.resample(samples, RATE, RATE * 2 ** (-cents / 1200), quality="VHQ")
        note = analyse(moved, recording.midi) or (None if copy else first)
        if note is not None:
            takes.append(Take(recording, note, length, split, copy))
    return takes


def all_takes(
    recorded: list[Recording], copies: int, rng: np.random.Generator, progress: bool
) -> tuple[list[Take], list[str]]:
    """The takes of all recordings, and the files of those without any."""
    takes, dropped = [], []
    for number, recording in enumerate(recorded):
        own = takes_of(recording, copies, rng)
        if not own:
            dropped.append(recording.path.name)
            continue
        takes += own
        if progress and number % 50 == 0:
            print(f"{number}/{len(recorded)} notes", flush=True)
    return takes, dropped


def labels_of(takes: list[Take]) -> Labels:
    """The labels of takes as arrays."""
    rows = [(t.recording.midi, t.recording.dynamic, t.recording.room, t.length, t.split, t.copy) for t in takes]
    cents, names = np.array([t.note.cents for t in takes]), np.array([t.recording.path.name for t in takes])
    return Labels(*np.array(rows).T, cents, names)


def harmonics_played(labels: Labels, note: int, bank: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The harmonics of a note's prior as when playing: its own recording must not be in them."""
    if labels.room[note]:
        return bank[note]  # another room: its own harmonics alone
    if labels.split[note] != 0:
        return table[labels.midi[note] - LOWEST, labels.dynamic[note]]
    same = labels.shared & (labels.dynamic == labels.dynamic[note]) & (labels.name != labels.name[note])
    for semitones in (0, 1):
        others = same & (np.abs(labels.midi - labels.midi[note]) <= semitones)
        if others.any():
            return mean_harmonics(bank[others])
    return bank[note]


def as_modelled(note: Analysis, own: np.ndarray, played: np.ndarray) -> dict[str, np.ndarray]:
    """A note's arrays, as loud as notes are modelled: samples, phase, the priors of both harmonics, loudness."""
    gain_db = TOP_DB - float(note.loudness_db.max())
    gain_db = min(gain_db, 20 * np.log10(0.89 / np.abs(note.samples).max()))
    loudness = np.maximum(note.loudness_db + gain_db, -100).astype(np.float32)
    own_prior, played_prior = (harmonic_prior(note.phase, loudness, harmonics) for harmonics in (own, played))
    return {
        "samples": np.round(note.samples * 10 ** (gain_db / 20) * 32767).astype(np.int16),
        "phase": (note.phase % 1.0).astype(np.float32),
        "own": np.round(np.clip(own_prior, -1, 1) * 32767).astype(np.int16),
        "table": np.round(np.clip(played_prior, -1, 1) * 32767).astype(np.int16),
        "loudness": loudness,
    }


def prepare(data: Path, out: Path, copies: int = 3, seed: int = 0, progress: bool = True) -> dict:
    """Read, cut, measure and write all arrays; returns a summary."""
    rng = np.random.default_rng(seed)
    recorded = recordings(data)
    if not recorded:
        raise RequestError(
            f"{data} holds no notes of MIDI {LOWEST} to {HIGHEST} (a manifest.csv, or WAV beside a .mid); README.md "
            "says where the data comes from."
        )
    out.mkdir(parents=True, exist_ok=True)
    takes, dropped = all_takes(recorded, copies, rng, progress)
    labels = labels_of(takes)
    notes, bank = align_cells([t.note for t in takes], (labels.midi * 8 + labels.dynamic) * 2 + labels.room)
    table = harmonic_table(bank, labels.midi, labels.dynamic, labels.shared)
    modelled = [as_modelled(note, bank[i], harmonics_played(labels, i, bank, table)) for i, note in enumerate(notes)]
    flat = {name: [arrays[name] for arrays in modelled] for name in modelled[0]}
    for name, parts in flat.items():
        np.save(out / f"{name}.npy", np.concatenate(parts))
    np.savez(
        out / "notes.npz",
        offsets=np.concatenate([[0], np.cumsum([len(p) for p in flat["samples"]])]),
        loudness_offsets=np.concatenate([[0], np.cumsum([len(p) for p in flat["loudness"]])]),
        **vars(labels), harmonics=bank, harmonic_table=table,
    )  # fmt: skip
    summary = {
        "recordings": len(recorded), "dropped": dropped, "notes": len(notes), "hop": HOP,
        "train": int(labels.trained.sum()),
        "validation": int((labels.split == 1).sum()), "test": int((labels.split == 2).sum()),
        "minutes": round(sum(len(p) for p in flat["samples"]) / RATE / 60, 1),
        "peak_max": float(max(np.abs(p).max() for p in flat["samples"]) / 32767),
    }  # fmt: skip
    np.savez(out / "takes.npz", **vars(fit(Notes.open(out))))
    (out / "summary.json").write_text(json.dumps(summary, indent=1))
    return summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the recorded notes are, and where the arrays go."""
    add_common(parser, data=Path("data/audio"), prepared=Path("prepared/trombone"), seed=0)
    parser.add_argument("--copies", type=int, default=3, help="of a training note: in tune, then moved by random cents")


def run(args: argparse.Namespace) -> None:
    """Cut and measure the notes."""
    print(json.dumps(prepare(args.data, args.prepared, args.copies, args.seed), indent=1))
