"""ABC as it is heard, beside abc2midi: every tune of music21's corpus and of abcMIDI's samples, by collection.

    python -m benchmarks.abc_corpus [--list] [--collection NAME ...] [--abc2midi PROGRAM] [--samples FOLDER]

Both play each tune without chords, ornaments and swing, and their notes are compared in pitch, onset and length. "As
written" plays without repeats, endings and parts: a tune that is equal there and not as played is one whose repeats are
read in two ways (abc2midi goes astray where |: is left out; the ABC standard, section 4.8, goes back to the latest
double bar). What is different as written too was gone through by hand: abc2midi takes 3/4 for compound in tuplets of
five and more, +E3A3+ and what lies between two ! for decorations, and retunes where a temperament is asked for; broken
rhythm inside of a chord, or between notes of unequal length, no standard defines.

Debian's package `abcmidi` has abc2midi and the samples. It is no part of `make bench`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mido

from engine import RequestError
from engine.melody.abc.notes import parse, reading_of, song
from engine.melody.abc.reading import book, text_of

COLLECTIONS = ("airdsAirs", "essenFolksong", "josquin", "miscFolk", "nottingham-dataset", "oneills1850", "ryansMammoth")
SAMPLES = Path("/usr/share/doc/abcmidi/examples")
FLAGS = ("-NGUI", "-NGRA", "-NFNP", "-NFER", "-silent")
TOLERANCE = 0.07  # quarter notes: abc2midi ends notes early, and the notes of a chord one after the other
Notes = set[tuple[float, float, int]]  # onset and length in quarter notes, MIDI pitch


def plain(tune: str, *, repeats: bool = True) -> str:
    """A tune without chord symbols, ornaments, its type and its words; and without repeats, where these are not asked
    for."""
    lines = []
    for line in tune.split("\n"):
        if re.match(r"%%|[wWQNH]:|P:" if not repeats else r"%%|[wWQNH]:", line):
            continue
        if re.match(r"[A-Za-z]:[^|:]|%", line):
            lines.append("R:" if line.startswith("R:") else line)
            continue
        line = re.sub(r'"[^"]*"|![A-Za-z0-9><+.:()]+!|\{[^}]*\}', "", line)
        parts = re.split(r"(\[[A-Za-z]:[^\]]*\])", line)
        line = "".join(part if i % 2 else re.sub(r"[H-Wh-w~.]", "", part) for i, part in enumerate(parts))
        if not repeats:
            line = re.sub(r"(?<=[|\]])\s*\[?\d[\d,-]*(?![/\d])|\[\d[\d,-]*|:(?=[|:])|(?<=[|:]):", "|", line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def theirs(program: str, tune: str) -> Notes | None:
    """What abc2midi plays; None where it plays nothing."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        source.write_text(tune, "latin-1", errors="replace")
        subprocess.run([program, source, "-o", out, *FLAGS], capture_output=True, timeout=60)
        if not out.exists():
            return None
        try:
            midi = mido.MidiFile(out)
        except (OSError, EOFError, ValueError):
            return None
    notes: Notes = set()
    for track in midi.tracks:
        now, open_notes = 0, {}
        for event in track:
            now += event.time
            if event.type == "note_on" and event.velocity:
                open_notes.setdefault((event.channel, event.note), now)
            elif event.type in ("note_on", "note_off") and (event.channel, event.note) in open_notes:
                onset = open_notes.pop((event.channel, event.note))
                notes.add((onset / midi.ticks_per_beat, (now - onset) / midi.ticks_per_beat, event.note))
    return notes or None


def ours(tune: str) -> Notes:
    """What Melody plays."""
    made = song(parse(tune)[0], ornaments=False)
    return {(note.onset, note.duration, note.pitch) for track in made.tracks for note in track.notes}


def equal(mine: Notes, other: Notes) -> bool:
    """Whether two play the same, within `TOLERANCE`."""
    onsets = sorted({onset for onset, _, _ in mine})
    lengths: dict[tuple[float, int], list[float]] = {}
    for onset, length, pitch in other:
        near = onsets[max(bisect_right(onsets, onset + 0.01) - 1, 0)] if onsets else onset
        late = onset - near if -TOLERANCE < onset - near < TOLERANCE else 0.0
        lengths.setdefault((onset - late, pitch), []).append(length + late)
    if set(lengths) != {(onset, pitch) for onset, _, pitch in mine}:
        return False
    return all(any(abs(length - each) < TOLERANCE for each in lengths[onset, pitch]) for onset, length, pitch in mine)


def verdict(program: str, tune: str) -> str:
    """ "equal", "repeats" (equal as written), "other", "refused", or "unplayed" where abc2midi plays nothing."""
    there = theirs(program, plain(tune))
    if there is None:
        return "unplayed"
    try:
        if equal(ours(plain(tune)), there):
            return "equal"
        bare = plain(tune, repeats=False)
        written = theirs(program, bare)
        return "repeats" if written and equal(ours(bare), written) else "other"
    except RequestError:
        return "refused"


REASONS = {
    r"1[^S]*1": "endings of a section without |: behind another's",
    r"^[^S]*D[^S]*E|1[^S]*D[^S]*E": "a :| that goes back to a double bar",
    r"2E": "a :| that closes the last ending",
    r"(?:^|[SE])2": "a second ending without a first",
    r"S[^E]*S": "a |: without its :|",
    r"^SD.*E": "a ||: behind an upbeat",
}
"""What abc2midi takes otherwise than the standard: S is |:, E :|, D a double bar, 1 a first ending, 2 another."""
SECTIONS = "sections without |: of a part, or of one of several voices"


def reason(tune: str) -> str:
    """What in a tune's repeats abc2midi is known to take otherwise than the standard; "" where nothing is."""
    reading = reading_of(parse(plain(tune))[0])
    letters = {"start": "S", "end": "E", "double": "D"}
    spelled = "".join(
        ("1" if 1 in mark.numbers else "2") if mark.name == "ending" else letters.get(mark.name, "")
        for mark in reading.voices[0].marks
    )
    if (reading.order or len(reading.voices) > 1) and re.search("E[^S]*E", spelled):
        return SECTIONS
    return next((words for pattern, words in REASONS.items() if re.search(pattern, spelled)), "")


def tunes(folder: Path) -> Iterator[tuple[str, str]]:
    """The tunes of a folder's files, each with a name to find it by."""
    for path in sorted(folder.glob("*.abc")):
        for line, tune in book(text_of(path.read_bytes(), path.name)):
            yield f"{path.name}, line {line}", tune


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.abc_corpus", description=__doc__.splitlines()[0])
    parser.add_argument("--collection", nargs="*", help="only these; all by default")
    parser.add_argument("--abc2midi", default="abc2midi", help="the program (Debian's package abcmidi)")
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="the folder of abcMIDI's samples")
    parser.add_argument("--list", action="store_true", help="name each tune that is not equal, and what may be why")
    args = parser.parse_args(arguments)
    if not shutil.which(args.abc2midi):
        print("abc2midi is not here; it comes with Debian's package abcmidi.", file=sys.stderr)
        return 2
    import music21

    corpus = Path(music21.__file__).parent / "corpus"
    folders = {name: corpus / name for name in COLLECTIONS} | {"abcMIDI": args.samples}
    print(
        "| collection | tunes | played by abc2midi | equal as played | equal as written | refused |\n"
        + "|---" * 6
        + "|"
    )
    for name in args.collection or folders:
        counts: Counter[str] = Counter()
        for place, tune in tunes(folders[name]):
            counts[found := verdict(args.abc2midi, tune)] += 1
            if args.list and found not in ("equal", "unplayed"):
                because = reason(tune) if found == "repeats" else ""
                print(f"{name}: {place}: {found}{because and f', {because}'}", file=sys.stderr)
        played = counts.total() - counts["unplayed"]
        share = [
            100 * n / max(played, 1) for n in (counts["equal"], counts["equal"] + counts["repeats"], counts["refused"])
        ]
        print(
            f"| {name} | {counts.total()} | {played} | " + " | ".join(f"{each:.1f}%" for each in share) + " |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
