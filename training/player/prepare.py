"""Songs as the player's tokens: every lane of every bar encoded once, so that training only puts them together.

    tokens.npy    uint16 [T]             the tokens of all lanes, one after the other, TRACK not among them
    offsets.npy   int64 [bars × 7 + 1]   where each lane of a bar begins: the five tracks, the lead, and what the track
                                         that has the lead plays without it
    bars.npy      uint8 [bars, 4]        grid, chord of each half (84 for none), the track that has the lead (255: none,
                                         254: a part of its own)
    songs.npz     first bar of each song (int64 [songs + 1]), genre (-1: none), split, meter (numbers), key shift
    combos.json   the drums often struck together, in the order of their tokens
    facts.json    counts, and what is usual in each genre (usual.py)

Songs are moved to C major or A minor as a whole. The *lead* is the top line of the piano, guitar or strings, in eights
of bars: of the track whose top line lies highest, moves most and is most alone; where none plays half of the bars there
is no lead. The songs of POP909 have a melody of their own; their bridge counts to the strings.

    python -m training prepare player --data data --prepared prepared/player
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from engine.core.key import key_shift
from engine.player import vocabulary as v
from engine.player.bars import OnBars, lay
from engine.player.brief import METERS
from engine.player.lanes import Combos, encode, numbered
from training.band.genres import GENRES, genre_of
from training.core.data import SongNotes, songs_npz
from training.core.options import add_common
from training.player.usual import usual
from training.variation.prepare import SPLITS

LISTED = 7  # lanes of a bar: five tracks, lead, and the track of the lead without it
SECTION = 8  # bars over which the lead stays with one track
OWN_LEAD, NO_LEAD = 254, 255
PIANO, GUITAR, _, STRINGS = range(1, 5)


def on_bars(song: SongNotes, meter: tuple[int, int], shift: int) -> OnBars:
    """Lay a song on bars of its meter, its pitched notes `shift` semitones higher."""
    pitch = np.clip(song.pitch.astype(int) + np.where(song.track > 0, shift, 0), 0, 127)
    return lay(song.track.astype(int), song.onset, song.duration, pitch, meter)


def lead_of(notes: OnBars, first: int, bars: int) -> int:
    """The track that has the lead in some bars, or `NO_LEAD`: the highest, liveliest and least chordal of the three."""
    best, lead = 0.0, NO_LEAD
    for lane in (PIANO, GUITAR, STRINGS):
        mine = (notes.lane == lane) & (notes.bar >= first) & (notes.bar < first + bars)
        if len(np.unique(notes.bar[mine])) * 2 < bars:
            continue
        at = notes.bar[mine] * v.MAX_STEPS + notes.step[mine]
        moments = np.unique(at)
        top = np.array([notes.pitch[mine][at == moment].max() for moment in moments])
        alone = len(moments) / mine.sum()
        moves = np.mean(np.diff(top) != 0) if len(top) > 1 else 0.0
        busy = min(len(moments) / bars / 4, 1.0)
        score = alone * moves * busy * np.clip((top.mean() - 48) / 24, 0.1, 1.5)
        if score > best:
            best, lead = score, lane
    return lead


def _without_lead(notes: list[tuple[int, int, int]]) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """A lane's bar as its top line, and the rest."""
    top = {}
    for note in notes:
        top[note[0]] = max(top.get(note[0], note), note, key=lambda n: n[2])
    line = list(top.values())
    return line, [note for note in notes if note not in line]


def lanes_of(notes: OnBars, combos: Combos) -> Iterator[tuple[list[list[int]], int]]:
    """For each bar the tokens of its seven lists, and the track that has the lead."""
    order = np.argsort(notes.bar, kind="stable")
    ends = np.searchsorted(notes.bar[order], np.arange(len(notes.grid) + 1))
    lead, own = NO_LEAD, bool((notes.lane == v.LEAD).any())
    for bar in range(len(notes.grid)):
        if bar % SECTION == 0:
            lead = OWN_LEAD if own else lead_of(notes, bar, SECTION)
        mine = order[ends[bar] : ends[bar + 1]]
        rows = list(zip(notes.step[mine].tolist(), notes.length[mine].tolist(), notes.pitch[mine].tolist()))
        lanes = notes.lane[mine].tolist()
        written = [[row for row, lane in zip(rows, lanes) if lane == t] for t in range(len(v.LANES))]
        lists = [encode(t, written[t], combos) for t in range(5)]
        line, rest = _without_lead(written[lead]) if lead < OWN_LEAD else (written[v.LEAD], [])
        yield [*lists, encode(v.LEAD, line, combos), encode(v.LEAD, rest, combos)], lead


def common_combos(songs: Iterable[OnBars]) -> list[list[int]]:
    """The sets of two drums or more that are struck together most often."""
    counts: Counter[tuple[int, ...]] = Counter()
    for song in songs:
        drums = song.lane == v.DRUMS
        hits = np.unique(np.stack([song.bar[drums] * v.MAX_STEPS + song.step[drums], song.pitch[drums]], 1), axis=0)
        for together in np.split(hits[:, 1], np.flatnonzero(np.diff(hits[:, 0])) + 1):
            if len(together) > 1:
                counts[tuple(together.tolist())] += 1
    return [list(drums) for drums, _ in counts.most_common(v.COMBOS)]


def song_shift(song: SongNotes) -> int:
    """Semitones that move the whole song to C major or A minor."""
    weight = np.where(song.track > 0, np.minimum(song.duration, 96), 0)
    chroma = np.bincount(song.pitch % 12, weights=weight, minlength=12)
    return key_shift(chroma / chroma.sum()) if chroma.sum() else 0


def with_meters(data: Path) -> Iterator[tuple[SongNotes, tuple[int, int]]]:
    """The songs of songs.npz, all in 4/4, and where they are there those of other meters that the player knows, and
    POP909."""
    for song in songs_npz(data / "songs.npz"):
        yield song, (4, 4)
    path = data / "songs_other_meters.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            meters = [tuple(map(int, str(meter).split("/"))) for meter in file["meter"]]
        for song, meter in zip(songs_npz(path), meters):
            if meter in v.METERS:
                yield song, (meter[0], meter[1])
    if (data / "pop909.npz").exists():
        yield from pop909(data / "pop909.npz")


def pop909(path: Path) -> Iterator[tuple[SongNotes, tuple[int, int]]]:
    """The songs of POP909 whose bars have four beats or three: melody, bridge (as strings) and piano. One song in ten
    is for validation and one for testing, by number."""
    with np.load(path, allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    for i, (number, beats) in enumerate(zip(data["song"], data["meter"])):
        if beats not in (3, 4):
            continue
        part = slice(data["offsets"][i], data["offsets"][i + 1])
        order = np.argsort(data["onset"][part], kind="stable")
        notes = {name: data[name][part][order] for name in ("track", "onset", "dur", "pitch", "vel")}
        lane = np.array([v.LEAD, STRINGS, PIANO], np.uint8)[notes["track"]]
        split = {0: "val", 1: "test"}.get(int(number) % 10, "train")
        yield (
            SongNotes(lane, notes["onset"].astype(np.int64), notes["dur"].astype(np.int64), notes["pitch"],
                      notes["vel"], "", split, float(data["qpm"][i])),
            (int(beats), 4),
        )  # fmt: skip


def prepare(songs: list[tuple[SongNotes, tuple[int, int]]], out: Path) -> dict:
    """Write the arrays of this file's head; returns the counts."""
    shifts = [song_shift(song) for song, _ in songs]
    laid = [on_bars(song, meter, shift) for (song, meter), shift in zip(songs, shifts)]
    combos = common_combos(one for one, (song, _) in zip(laid, songs) if song.split == "train")
    known = numbered(combos)
    tokens: list[np.ndarray] = []
    sizes: list[int] = []
    bars: list[np.ndarray] = []
    for number, one in enumerate(laid):
        lists, leads = zip(*lanes_of(one, known))
        tokens.append(np.fromiter(chain.from_iterable(chain.from_iterable(lists)), np.uint16))
        sizes += [len(lane) for bar in lists for lane in bar]
        chords = np.where(one.chords < 0, v.CHORDS, one.chords)
        bars.append(np.concatenate([one.grid[:, None], chords, np.array(leads)[:, None]], 1).astype(np.uint8))
        if number % 1000 == 0:
            print(f"{number} songs", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "tokens.npy", np.concatenate(tokens))
    np.save(out / "offsets.npy", np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))
    np.save(out / "bars.npy", np.concatenate(bars))
    np.savez(
        out / "songs.npz",
        first=np.concatenate([[0], np.cumsum([len(b) for b in bars])]).astype(np.int64),
        genre=genre_of([song.label for song, _ in songs]).astype(np.int8),
        split=np.array([SPLITS.index(song.split) for song, _ in songs], np.uint8),
        meter=np.array([METERS.index(meter) for _, meter in songs], np.uint8),
        shift=np.array(shifts, np.int8),
    )
    (out / "combos.json").write_text(json.dumps(combos))
    facts = {"songs": len(songs), "bars": int(sum(map(len, bars))), "tokens": int(sum(sizes)), "genres": list(GENRES),
             "usual": usual(song for song, meter in songs if meter == (4, 4) and song.split == "train")}  # fmt: skip
    (out / "facts.json").write_text(json.dumps(facts, indent=1))
    return facts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the songs are, and where the arrays go."""
    add_common(parser, data=Path("data"), prepared=Path("prepared/player"))
    parser.add_argument("--limit", type=int, help="only so many songs")


def run(args: argparse.Namespace) -> None:
    """Turn songs into tokens."""
    songs = [pair for pair in with_meters(args.data) if len(pair[0].onset)]
    print(json.dumps(prepare(songs[: args.limit], args.prepared)))
