"""Phrases for Band: windows of two phrases in five tracks, moved to one key, each different bar kept once.

`prepare` cuts songs into windows of `BARS` bars and writes plain numpy arrays:

    <track>.npy     uint8 [N, 288]        the different non-empty bars of a track, packed:
                                          [2, 16, 72] onset and sounding cells, MIDI pitch 24 upwards
    windows.npy     int32 [W, BARS, 5]    rows of <track>.npy, -1 where the track is silent
    song.npy        int32 [W]             which song a window is of;  split.npy uint8 [W] 0 train, 1 val, 2 test
    label.npy       uint8 [W]             index into labels.json, the genres as the collection names them
    shift.npy       int8 [W]              semitones by which the window was moved to C major or A minor
    loud.npy        float32 [labels, 5, 16]  mean velocity of a label's notes by track and step
    tempo.npy       float32 [labels]      median tempo of a label's songs
    facts.json      counts, and what was skipped with the reason

    python -m training prepare band --data data --prepared prepared/band
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.band.config import BARS as PHRASE
from engine.core.key import key_shift
from engine.core.pianoroll import BEATS, PITCHES, STEPS, TRACKS
from training.band.genres import GENRES, genre_of
from training.core.data import SongNotes, add_song_arguments, chosen_songs
from training.core.options import add_common
from training.variation.prepare import PACKED, SPLITS, song_bars, unpack

BARS = 2 * PHRASE  # a window: two phrases
BAR_TICKS = 96  # 24 ticks a beat, 4/4


def windows_of(song: SongNotes, most: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, int]]:
    """(packed bars uint8 [5, BARS, 288], shift) of at most `most` windows of a song that have something to say.

    Both halves of a window need two sounding tracks and eight notes of pitch, and no half may be half empty.
    """
    span = BARS * BAR_TICKS
    if not len(song.onset):
        return
    start = int(song.onset.min()) // BAR_TICKS * BAR_TICKS
    starts = np.arange(start, int(song.onset.max()) - span // 2, span)
    weight = np.where(song.track > 0, np.minimum(song.duration, BAR_TICKS), 0)
    whole = np.bincount(song.pitch % 12, weights=weight, minlength=12)
    count = 0
    for begin in rng.permutation(starts):
        a, b = np.searchsorted(song.onset, [begin - 2, begin + span - 2])  # an early note belongs to its beat
        part = slice(a, b)
        if b - a < 16:
            continue
        local = np.bincount(song.pitch[part] % 12, weights=weight[part], minlength=12)
        if not local.sum():
            continue
        shift = key_shift(local / local.sum() + 0.3 * whole / whole.sum())
        onset = np.maximum(song.onset[part].astype(np.int64) - begin, 0)
        duration = np.minimum(song.duration[part], span - onset)
        pitch = song.pitch[part].astype(np.int64) + np.where(song.track[part] > 0, shift, 0)
        keep = onset < span - 3  # the last step rounds to the next window
        packed = song_bars(song.track[part][keep], onset[keep], duration[keep], pitch[keep])[:, :BARS]
        if packed.shape[1] < BARS:
            continue
        sounding = packed.any(-1)  # [5, BARS]
        first = song.onset[part][song.track[part] > 0] - begin < span // 2
        if min(first.sum(), (~first).sum()) < 8:
            continue
        halves = sounding.reshape(5, 2, BARS // 2)
        if (halves.any(-1).sum(0) < 2).any() or (halves.any(0).sum(-1) < 3).any():
            continue
        yield packed, shift
        count += 1
        if count == most:
            return


def prepare(
    songs: Iterable[SongNotes],
    out: Path,
    per_label: int = 6000,
    most: tuple[int, int] = (2, 14),
    seed: int = 0,
    skipped: list[str] | None = None,
    counts: dict[str, int] | None = None,
) -> dict:
    """Write the arrays of this file's head. A label's songs share about `per_label` windows, `most` bounds each song.

    `counts` are songs by label where they are known beforehand; otherwise every song gives most[1] windows at most.
    """
    rng = np.random.default_rng(seed)
    bars: list[np.ndarray] = []
    meta: list[tuple[int, int, int, int]] = []
    labels: dict[str, int] = {}
    loud: list[np.ndarray] = []
    tempi: list[list[float]] = []
    total = 0
    for number, song in enumerate(songs):
        total = number + 1
        label = labels.setdefault(song.label, len(labels))
        if label == len(loud):
            loud.append(np.zeros((2, 5, STEPS)))
            tempi.append([])
        share = most[1] if not counts else int(np.clip(round(per_label / counts[song.label]), *most))
        for packed, shift in windows_of(song, share, rng):
            bars.append(packed)
            meta.append((number, SPLITS.index(song.split), label, shift))
        if song.split == "train":
            step = (song.onset + 3) // 6 % STEPS
            np.add.at(loud[label], (0, song.track, step), song.velocity)
            np.add.at(loud[label], (1, song.track, step), 1)
            if 40 <= song.tempo <= 240:
                tempi[label].append(song.tempo)
        if number % 1000 == 0:
            print(f"{number} songs, {len(bars)} windows", flush=True)
    if not bars:
        raise RequestError(f"No song gave a window of {BARS} bars with two tracks: nothing was written.")
    out.mkdir(parents=True, exist_ok=True)
    cut = np.stack(bars)  # [W, 5, BARS, 288]
    index = np.full((len(cut), BARS, 5), -1, np.int32)
    for t, name in enumerate(TRACKS):
        rows = np.ascontiguousarray(cut[:, t].reshape(-1, PACKED))
        filled = np.flatnonzero(rows.any(-1))
        different, inverse = np.unique(rows[filled].view(f"V{PACKED}").reshape(-1), return_inverse=True)
        np.save(out / f"{name}.npy", different.view(np.uint8).reshape(-1, PACKED))
        column = np.full(len(rows), -1, np.int32)
        column[filled] = inverse
        index[:, :, t] = column.reshape(-1, BARS)
    np.save(out / "windows.npy", index)
    dtypes = {"song": np.int32, "split": np.uint8, "label": np.uint8, "shift": np.int8}
    for (name, dtype), column in zip(dtypes.items(), zip(*meta)):
        np.save(out / f"{name}.npy", np.array(column, dtype))
    sums = np.stack(loud)
    np.save(out / "loud.npy", (sums[:, 0] / np.maximum(sums[:, 1], 1)).astype(np.float32))
    np.save(out / "tempo.npy", np.array([np.median(t) if t else 120 for t in tempi], np.float32))
    facts = {
        "songs": total,
        "windows": len(cut),
        "labels": list(labels),
        "skipped": skipped or [],
        "windows_by_label": {n: int(sum(m[2] == i for m in meta)) for n, i in labels.items()},
    }
    (out / "labels.json").write_text(json.dumps(list(labels)))
    (out / "facts.json").write_text(json.dumps(facts, indent=1))
    return facts


def songs_by_label(path: Path) -> dict[str, int]:
    """How many training songs of each label a songs.npz holds (1 where there are none)."""
    with np.load(path, allow_pickle=False) as data:
        genre, split = data["genre"], data["split"]
    return {str(g): max(1, int(((genre == g) & (split == "train")).sum())) for g in np.unique(genre)}


@dataclass(frozen=True)
class Windows:
    """The prepared arrays, opened."""

    bars: dict[str, np.ndarray]  # track -> uint8 [N, 288]
    index: np.ndarray  # int32 [W, BARS, 5]
    song: np.ndarray  # int32 [W]
    split: np.ndarray  # uint8 [W]
    label: np.ndarray  # uint8 [W]
    labels: list[str]
    loud: np.ndarray  # float32 [labels, 5, 16]
    tempo: np.ndarray  # float32 [labels]

    @classmethod
    def open(cls, folder: Path) -> Windows:
        def read(name: str) -> np.ndarray:
            return np.load(folder / f"{name}.npy")

        return cls(
            {t: np.load(folder / f"{t}.npy", mmap_mode="r") for t in TRACKS},
            read("windows"),
            read("song"),
            read("split"),
            read("label"),
            json.loads((folder / "labels.json").read_text()),
            read("loud"),
            read("tempo"),
        )

    def rolls(self, rows: np.ndarray) -> np.ndarray:
        """index rows int [..., 5] -> uint8 0/1 [..., 5, 2, 16, 72]."""
        out = np.zeros((*rows.shape, PACKED), np.uint8)
        for t, name in enumerate(TRACKS):
            filled = rows[..., t] >= 0
            out[..., t, :][filled] = self.bars[name][rows[..., t][filled]]
        return unpack(out)


def bar_chroma(bars: np.ndarray) -> np.ndarray:
    """uint8 0/1 [..., 2, 16, 72] -> how long each pitch class sounds in each beat, steps, float32 [..., 4, 12]."""
    held = bars[..., 1, :, :].reshape(*bars.shape[:-3], BEATS, STEPS // BEATS, PITCHES // 12, 12)
    return held.sum((-3, -2), dtype=np.float32)  # MIDI 24 is a C


def real_phrases(windows: Windows, splits: tuple[int, ...], each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `each` windows of every genre from these splits: rolls uint8 [n, BARS, 5, 2, 16, 72], genres int [n]."""
    rng = np.random.default_rng(seed)
    genre = genre_of(windows.labels)[windows.label]
    rows = [
        rng.permutation(np.flatnonzero((genre == g) & np.isin(windows.split, splits)))[:each]
        for g in range(len(GENRES))
    ]
    chosen = np.concatenate(rows)
    return windows.rolls(windows.index[chosen]), genre[chosen]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the songs are, and where the arrays go."""
    add_song_arguments(parser)
    add_common(parser, prepared=Path("prepared/band"))


def run(args: argparse.Namespace) -> None:
    """Cut songs into windows of `BARS` bars."""
    skipped: list[str] = []
    counts = None if args.lpd5 or args.midi else songs_by_label(args.data / "songs.npz")
    facts = prepare(chosen_songs(args, skipped), args.prepared, counts=counts, skipped=skipped)
    for line in facts["skipped"]:
        print(f"skipped: {line}")
    print(f"{facts['songs']} songs, {facts['windows']} windows of {BARS} bars, {len(facts['skipped'])} files skipped")
