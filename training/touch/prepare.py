"""Songs as what hands struck: sixteen bars of one track at a time, note by note.

notes.npy      int16 [N, 5]       place (ticks from the first bar line), length, pitch, velocity, offset, by place and
                                  then pitch; two notes of a pitch at one place are one, the longer
parts.npz      first note of each part (int64 [parts + 1]); of each part lane, ticks of a bar, genre (-1: none),
                                  tempo class, manner [parts, 5], split (numbers)
facts.json     counts, and the manners of bands by genre

python -m training prepare touch --data data --prepared prepared/touch
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.core.pianoroll import TRACKS
from engine.player import vocabulary as v
from engine.player.bars import lay
from engine.touch.manner import SIZES, manner, tempo_class
from engine.touch.network import BESIDE
from training.band.genres import GENRES, genre_of
from training.core.data import SongNotes
from training.core.options import add_common
from training.player.prepare import with_meters
from training.variation.prepare import SPLITS

BARS, STRIDE = 16, 4  # of a part, and between the bars where parts begin
PARTS = 2  # of a track of a song
FEWEST, MOST = 16, 500  # notes of a part
BANDS = 200  # of a genre, whose manners are kept
APART, SOFTEST = 4, 3  # levels: of the hands of such a band at most, and at least
SEED = 0


def struck(song: SongNotes, meter: tuple[int, int], lane: int) -> np.ndarray:
    """A track's notes as rows (place, length, pitch, velocity, offset), int [N, 5], by place and pitch."""
    mine = song.track == lane
    if not mine.any():
        return np.zeros((0, 5), int)
    onset, duration, pitch = song.onset[mine], song.duration[mine], song.pitch[mine].astype(int)
    laid = lay(np.full(len(onset), lane), onset, duration, pitch, meter)
    place = laid.bar * v.METERS[meter] + laid.step * np.array(v.UNITS)[laid.grid[laid.bar]]
    rows = np.stack([place, duration, pitch, song.velocity[mine], onset - place], 1).astype(int)
    rows = rows[np.lexsort((-duration, pitch, place))]
    rows = rows[np.unique(rows[:, [0, 2]], axis=0, return_index=True)[1]]
    rows[:, 4] = np.clip(rows[:, 4], -BESIDE, BESIDE)
    return rows[(rows[:, 3] > 0) & (rows[:, 2] < 128)]


def parts_of(rows: np.ndarray, bar: int, rng: np.random.Generator) -> list[np.ndarray]:
    """At most `PARTS` parts of a track's rows, each from its own first bar line."""
    if not len(rows):
        return []
    starts = np.arange(rows[0, 0] // bar // STRIDE * STRIDE, rows[-1, 0] // bar + 1, STRIDE) * bar
    out: list[np.ndarray] = []
    for start in rng.permutation(starts):
        first, end = np.searchsorted(rows[:, 0], [start, start + BARS * bar])
        if end - first >= FEWEST and len(out) < PARTS:
            out.append(rows[first : min(end, first + MOST)] - [start, 0, 0, 0, 0])
    return out


def balanced(band: np.ndarray) -> np.ndarray:
    """A band [tracks, manner] whose soft hands are lifted until all can be heard beside each other by their velocities
    alone: a song's volumes, which lift a soft one, are not known."""
    out, plays = band.copy(), band[:, 0] > 0
    out[plays, 0] = np.maximum(band[plays, 0], max(SOFTEST, int(band[:, 0].max()) - APART))
    return out


def prepare(songs: Iterable[tuple[SongNotes, tuple[int, int]]], out: Path) -> dict:
    """Write the arrays of this file's head; returns the counts."""
    rng = np.random.default_rng(SEED)
    notes: list[np.ndarray] = []
    known: list[list[int]] = []
    bands: dict[str, list[list[int]]] = {genre: [] for genre in GENRES}
    for number, (song, meter) in enumerate(songs):
        if meter not in v.METERS:
            continue
        genre, bar = int(genre_of([song.label])[0]), v.METERS[meter]
        band = np.zeros((len(TRACKS), len(SIZES)), int)
        for lane in range(len(TRACKS)):
            for part in parts_of(struck(song, meter, lane), bar, rng):
                band[lane] = manner(part[:, 0], part[:, 3], part[:, 4])
                notes.append(part.astype(np.int16))
                known.append([lane, bar, genre, tempo_class(song.tempo), *band[lane], SPLITS.index(song.split)])
        if genre >= 0 and song.split == "train" and meter == (4, 4) and band.any():
            bands[list(GENRES)[genre]].append(balanced(band).reshape(-1).tolist())
        if number % 1000 == 0:
            print(f"{number} songs", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "notes.npy", np.concatenate(notes))
    table = np.array(known, np.int16)
    np.savez(out / "parts.npz", first=np.cumsum([0, *map(len, notes)]), lane=table[:, 0], bar=table[:, 1],
             genre=table[:, 2], tempo=table[:, 3], manner=table[:, 4:-1], split=table[:, -1])  # fmt: skip
    chosen = {genre: [rows[i] for i in rng.permutation(len(rows))[:BANDS]] for genre, rows in bands.items()}
    written = {genre: ["".join(f"{number:x}" for number in row) for row in rows] for genre, rows in chosen.items()}
    facts = {"parts": len(notes), "notes": int(sum(map(len, notes))), "genres": list(GENRES), "manners": written}
    (out / "facts.json").write_text(json.dumps(facts))
    return facts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the songs are, and where the arrays go."""
    add_common(parser, data=Path("data"), prepared=Path("prepared/touch"))
    parser.add_argument("--limit", type=int, help="only so many songs")


def run(args: argparse.Namespace) -> None:
    """Turn songs into what hands struck."""
    songs = [pair for pair in with_meters(args.data) if len(pair[0].onset) and not (pair[0].track >= len(TRACKS)).any()]
    facts = prepare(songs[: args.limit], args.prepared)
    print(json.dumps({name: facts[name] for name in ("parts", "notes")}))
