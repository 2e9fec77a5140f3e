"""Where training data comes from: the loaders that more than one system uses.

Songs, each as :class:`SongNotes` in the five tracks of LPD-5, 24 ticks a beat:

    songs_npz(path)               one array file of many songs, with genre and split
    lpd5(folder, ids, lists)      the Lakh Pianoroll Dataset, LPD-5-cleansed (Dong et al. 2018), pypianoroll .npz files
                                  named by md5, its cleansed_ids.txt and a folder of genre lists
                                  (id_lists_lastfm, id_lists_amg or id_lists_tagtraum)
    midi_folder(folder)           any folder of MIDI files, a subfolder a genre
    chosen_songs(args, skipped)   whichever of the three a command line names (`add_song_arguments`)

LPD-5-cleansed, its id file and the genre lists are published at https://hermandong.com/lakh-pianoroll-dataset/dataset.html
(CC BY 4.0). A file that cannot be read is skipped and listed in `skipped`, one sentence each.

MIDI is read in bulk by symusic (https://github.com/Yikai-Liao/symusic), into the songs that the studio's own reader
gives, but for this: a note without an end is left out where the studio holds it to the end of its track; the last tempo
and meter count to the last note, not to the end of the track; a file of type 2 is refused; foreign chunks, impossible
key signatures and meters that are not kept are passed over.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import symusic

from engine import RequestError
from engine.core.midi import MAX_BEATS, MAX_BYTES, MAX_NOTES, longest
from engine.core.npz import read_npz
from engine.core.pianoroll import TRACKS, five_of, merge_to_five
from engine.core.song import TEMPI
from engine.core.upload import content_of
from training.core.options import add_common

TICKS = 24  # a beat
SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}


@dataclass(frozen=True)
class SongNotes:
    """One song's notes in ticks (24 a beat), sorted by onset, with what is known of it."""

    track: np.ndarray  # uint8 [notes], index into TRACKS
    onset: np.ndarray  # int64 [notes], ticks
    duration: np.ndarray  # int64 [notes], ticks, 1 or more
    pitch: np.ndarray  # uint8 [notes]
    velocity: np.ndarray  # uint8 [notes]
    label: str  # genre, "" where none is known
    split: str  # train, val or test
    tempo: float  # quarter notes a minute


def songs_npz(path: Path | str) -> Iterator[SongNotes]:
    """The songs of a songs.npz (arrays offsets, track, onset, dur, pitch, vel; genre or folder, split, qpm a song)."""
    with np.load(path, allow_pickle=False) as data:
        label = "genre" if "genre" in data.files else "folder"
        names = ("offsets", "track", "onset", "dur", "pitch", "vel", label, "split", "qpm")
        missing = [name for name in names if name not in data.files]
        if missing:
            raise RequestError(f"{path} is not a songs.npz: it lacks {', '.join(missing)}.")
        offsets, track, onset, duration, pitch, velocity, genre, split, qpm = (data[name] for name in names)
    for song in range(len(genre)):
        part = slice(offsets[song], offsets[song + 1])
        order = np.argsort(onset[part], kind="stable")
        yield SongNotes(
            track[part][order],
            onset[part][order].astype(np.int64),
            duration[part][order].astype(np.int64),
            pitch[part][order],
            velocity[part][order],
            str(genre[song]),
            str(split[song]),
            float(qpm[song]),
        )


def lpd5(
    folder: Path | str, ids: Path | str, lists: Path | str, skipped: list[str] | None = None
) -> Iterator[SongNotes]:
    """The songs of LPD-5-cleansed that exactly one genre list names, in the order of their md5.

    ids: cleansed_ids.txt, a line an md5 and its Million Song Dataset track id. lists: a folder of id_list_GENRE.txt, a
    line a track id. A song of several genres says nothing about any of them and is left out.
    """
    track_of = dict(line.split()[:2] for line in Path(ids).read_text("utf-8").splitlines() if len(line.split()) >= 2)
    genres: dict[str, set[str]] = {}
    for file in sorted(Path(lists).rglob("*.txt")):
        genre = file.stem.removeprefix("id_list_").lower()
        for line in file.read_text("utf-8").split():
            genres.setdefault(line, set()).add(genre)
    if not genres:
        raise RequestError(f"{lists} holds no genre lists (id_list_GENRE.txt with a track id a line).")
    for path in sorted(Path(folder).rglob("*.npz"), key=lambda path: path.stem):
        labels = genres.get(track_of.get(path.stem, ""), set())
        if len(labels) == 1:
            yield from _read(path, npz_notes, next(iter(labels)), skipped)


def midi_folder(folder: Path | str, skipped: list[str] | None = None) -> Iterator[SongNotes]:
    """The songs of a folder of MIDI files; the first subfolder's name is the genre ("" for files at the top)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder.")
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi")):
        inside = path.relative_to(folder).parts
        yield from _read(path, midi_notes, inside[0] if len(inside) > 1 else "", skipped)


def add_song_arguments(parser: argparse.ArgumentParser) -> None:
    """Where a `prepare` takes its songs from."""
    add_common(parser, data=Path("data"))
    parser.add_argument("--lpd5", type=Path, help="folder of LPD-5-cleansed .npz files instead")
    parser.add_argument("--ids", type=Path, help="cleansed_ids.txt; by default inside --lpd5")
    parser.add_argument("--lists", type=Path, help="folder of genre lists (id_list_*.txt); by default lists/ in --lpd5")
    parser.add_argument("--midi", type=Path, help="folder of MIDI files instead, a subfolder a genre")


def chosen_songs(args: argparse.Namespace, skipped: list[str]) -> Iterator[SongNotes]:
    """The songs that a command line names; files that cannot be read are listed in `skipped`."""
    if args.lpd5:
        return lpd5(args.lpd5, args.ids or args.lpd5 / "cleansed_ids.txt", args.lists or args.lpd5 / "lists", skipped)
    return midi_folder(args.midi, skipped) if args.midi else songs_npz(args.data / "songs.npz")


def _read(
    path: Path, reader: Callable[[Path, str], SongNotes], label: str, skipped: list[str] | None
) -> Iterator[SongNotes]:
    """The song of one file, or nothing and a line in `skipped`."""
    try:
        notes = reader(path, label)
        if not len(notes.onset):
            raise RequestError(f"{path.name} has no notes on the five tracks.")
    except RequestError as refusal:
        if skipped is not None:
            skipped.append(str(refusal))
        return
    yield notes


def npz_notes(path: Path, label: str = "") -> SongNotes:
    """The song of a pypianoroll .npz file, merged to the five tracks."""
    song = read_npz(path)
    _refuse_other_meters(path.name, song.meter)
    notes = [
        (round(n.onset * TICKS), t, max(1, round(n.duration * TICKS)), n.pitch, n.velocity)
        for t, track in enumerate(merge_to_five(song).tracks)
        for n in track.notes
    ]
    return _song_notes(np.array(notes, np.int64).reshape(-1, 5).T, path, label, song.tempo)


def midi_notes(path: Path, label: str = "") -> SongNotes:
    """The song of a MIDI file, merged to the five tracks as `merge_to_five` does: where two tracks strike one pitch
    together, the longer, louder note stands. The tempo and the meter are those that last longest."""
    content, name = content_of(path, path.name, MAX_BYTES)
    if content[8:10] == b"\0\2":
        raise RequestError(f"{name} is a MIDI file of type 2, whose tracks are songs of their own.")
    try:
        score = symusic.Score.from_midi(content, sanitize_data=True)
    except Exception as error:  # a parser met by damaged bytes may raise anything
        raise RequestError(f"{name} is not a MIDI file that can be read ({error}).") from None
    beat, end = score.ticks_per_quarter, score.end()
    if beat <= 0 or score.note_num() > MAX_NOTES or end > MAX_BEATS * beat:
        raise RequestError(f"{name} has more than {MAX_NOTES:,} notes or {MAX_BEATS:,.0f} beats, the most taken.")
    tempi = [(change.time, round(change.qpm, 3)) for change in score.tempos]
    if not all(TEMPI[0] <= tempo <= TEMPI[1] for _, tempo in tempi):
        raise RequestError(f"{name} has an impossible tempo.")
    meters = [(change.time, (change.numerator, change.denominator)) for change in score.time_signatures]
    _refuse_other_meters(name, longest([(0, (4, 4)), *meters], end)[0])
    parts = [np.zeros((5, 0), np.int64)]
    for track in score.tracks:
        five = five_of(track.program, track.is_drum)
        if five:
            notes = track.notes.numpy()
            part = notes["time"], np.full(len(notes["time"]), TRACKS.index(five)), notes["duration"]
            parts.append(np.stack([*part, notes["pitch"], notes["velocity"]]).astype(np.int64))
    onset, five, duration, pitch, velocity = np.concatenate(parts, 1)
    struck, same = np.unique((onset * len(TRACKS) + five) * 128 + pitch, return_inverse=True)
    longer, louder = np.ones_like(struck), np.zeros_like(struck)
    np.maximum.at(longer, same, duration)
    np.maximum.at(louder, same, velocity)
    onset, five, pitch = struck // (128 * len(TRACKS)), struck // 128 % len(TRACKS), struck % 128
    onset, longer = (np.rint(ticks / beat * TICKS).astype(np.int64) for ticks in (onset, longer))
    columns = np.stack([onset, five, np.maximum(longer, 1), pitch, louder])
    return _song_notes(columns, path, label, longest([(0, 120.0), *tempi], end)[0])


def _refuse_other_meters(name: str, meter: tuple[int, int]) -> None:
    """Only 4/4 is kept, as in LPD-cleansed."""
    if meter != (4, 4):
        raise RequestError(f"{name} is in {meter[0]}/{meter[1]}, not in 4/4.")


def _song_notes(columns: np.ndarray, path: Path, label: str, tempo: float) -> SongNotes:
    """Notes int64 [5, notes] (onset, track, duration, pitch, velocity) in any order, on the grid of 24 ticks a beat."""
    onset, track, duration, pitch, velocity = columns[:, np.lexsort(columns[::-1])]
    small = (column.astype(np.uint8) for column in (pitch, velocity))
    return SongNotes(track.astype(np.uint8), onset, duration, *small, label, split_of(path.stem), tempo)


def split_of(name: str) -> str:
    """train, val or test, decided by a name alone: the same on every machine and whatever else is in the folder."""
    place = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    for split, share in SPLITS.items():
        if place < share:
            return split
        place -= share
    return "train"
