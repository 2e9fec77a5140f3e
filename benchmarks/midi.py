"""What reading MIDI costs, and how much of what people bring is read: beside pretty_midi and symusic.

    python -m benchmarks.midi [FOLDER ...]

The files of a folder, or else those that come with the installed packages, are counted: read or refused, by ours and
by symusic, and of those that both read the notes, which have to be as many. The differences are named.
"""

from __future__ import annotations

import argparse
import io
import sysconfig
from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import symusic

from benchmarks.table import head, median, row
from engine import RequestError
from engine.core.midi import read_midi, write_midi
from engine.core.song import Note, Song, Track

NOTES = 50_000
LIMIT = 0.6  # of pretty_midi's time
ENDINGS = (".mid", ".midi", ".kar", ".rmi")


def busy(notes: int = NOTES, tracks: int = 10) -> bytes:
    """A file of this many notes on ten tracks, with a tempo that changes every bar."""
    rng = np.random.default_rng(0)
    each = notes // tracks
    song = Song(
        tuple(
            Track(f"track {t}", 8 * t).with_notes(
                Note(n / 4, 0.25, int(pitch), int(velocity))
                for n, pitch, velocity in zip(range(each), rng.integers(30, 90, each), rng.integers(1, 128, each))
            )
            for t in range(tracks)
        ),
        tempo_changes=tuple((4.0 * bar, 100.0 + bar % 40) for bar in range(1, each // 16)),
    )
    return write_midi(song)


def found(folders: list[Path]) -> list[Path]:
    """The MIDI files in folders."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


def notes_by_symusic(content: bytes) -> int | None:
    """How many notes symusic finds; None where it refuses the file."""
    try:
        return int(symusic.Score.from_midi(content, sanitize_data=True).note_num())
    except Exception:  # a parser met by damaged bytes may raise anything
        return None


def notes_by_ours(content: bytes, name: str) -> tuple[int | None, str]:
    """How many notes we find, and what is said; None where the file is refused."""
    try:
        song = read_midi(content, name=name)
    except RequestError as refusal:
        return None, str(refusal)
    return song.notes, " ".join(song.remarks)


def doubled(content: bytes) -> int:
    """How many notes of a file strike a key at the moment at which it was struck already: one note to a synthesiser."""
    try:
        midi = mido.MidiFile(file=io.BytesIO(content), clip=True)
    except Exception:
        return 0
    count = 0
    for track in midi.tracks:
        tick, struck = 0, {}
        for event in track:
            tick += event.time
            if event.type == "note_on" and event.velocity:
                count += struck.get((event.channel, event.note)) == tick
                struck[event.channel, event.note] = tick
            elif event.type in ("note_on", "note_off"):
                struck.pop((event.channel, event.note), None)
    return count


def counted(paths: list[Path]) -> tuple[Counter[str], list[str]]:
    """What became of the files, and a line for each that is not as symusic has it."""
    counts: Counter[str] = Counter()
    lines = []
    for path in paths:
        content = path.read_bytes()
        theirs, (ours, words) = notes_by_symusic(content), notes_by_ours(content, path.name)
        counts["read"] += ours is not None
        counts["read by symusic"] += bool(theirs)
        if ours is None or not theirs:
            counts["refused, with notes"] += ours is None and bool(theirs)
            lines += [f"{path.name}: {words} symusic: {theirs} notes."] if ours is None and theirs else []
        elif ours == theirs or ours == theirs - doubled(content):
            counts["alike"] += 1
        else:
            counts["fewer" if ours < theirs else "more"] += 1
            lines.append(f"{path.name}: {ours} notes, symusic {theirs}. {words}")
    return counts, lines


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.midi", description=__doc__)
    parser.add_argument("folder", nargs="*", type=Path, default=[Path(sysconfig.get_path("purelib"))])
    args = parser.parse_args(arguments)
    content = busy()
    ours = median(lambda: read_midi(content), 3)
    plain = median(lambda: pretty_midi.PrettyMIDI(io.BytesIO(content)), 3)
    head()
    row(f"{NOTES:,} notes read", f"{1000 * ours:.0f} ms", f"pretty_midi: {1000 * plain:.0f} ms",
        f"{LIMIT} of it; {ours / plain:.2f}")  # fmt: skip
    paths = found(args.folder)
    counts, lines = counted(paths)
    row(f"{len(paths)} MIDI files, read", f"{counts['read']}", f"symusic: {counts['read by symusic']}",
        f"{counts['refused, with notes']} refused that hold notes")  # fmt: skip
    row("of these with symusic's notes", f"{counts['alike']}", "",
        f"{counts['fewer']} fewer, {counts['more']} more")  # fmt: skip
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
