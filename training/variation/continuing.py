"""What comes next in held-out songs: by the player, by MelodyNN and HarmonyNN, and by copying, beside what came.

    python -m training evaluate variation --only continuation --data data --continued 60

Eight bars are written after the first sixteen of a stretch of a song that no network had. *Pitched F1*: notes of the
pitched tracks, the same pitch at the same sixteenth. *Same chord*: half bars with the chord that came. *Rhythm*: F1 of
the sixteenths at which a track begins notes. *Notes*: of those that came. *Again*: bars of pitched tracks that are an
earlier bar of theirs, note for note. *Judge*: how often boosted trees over the features of training/core/critic, fitted
to the continuations of other songs and what came in them, call it real; they are fitted anew to each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import variation
from engine.core.chords import recognise
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.variation.continuation import extend
from engine.variation.request import NETWORKS, PLAYER, Request
from training.core.critic import Phrase, extract
from training.core.critic.judge import real_by_folds
from training.core.data import TICKS, songs_npz

GIVEN, MORE = 16, 8  # bars of 4/4
BAR = 4 * TICKS
STEPS, PITCHES = 16, 128
EARLY = 3  # ticks by which a note may be played before its bar
COPIES = {"copying the last eight bars": 8, "copying the last four bars": 4}
MEASURES = ("f1", "chord", "rhythm", "notes", "again", "real")


def stretches(songs: Path, split: str, count: int, seed: int = 0) -> Iterator[Song]:
    """So many stretches of `GIVEN` + `MORE` bars, each of another song of a split: two tracks play at least, one of
    them pitched, and hardly a bar is empty."""
    rng = np.random.default_rng(seed)
    pool = [song for song in songs_npz(songs) if song.split == split and len(song.onset)]
    for number in rng.permutation(len(pool)):
        song = pool[number]
        start = 4 * int(rng.integers(0, max(int(song.onset.max()) // BAR - GIVEN - MORE, 0) // 4 + 1)) * BAR
        tracks: list[list[Note]] = [[] for _ in TRACKS]
        chosen = (song.onset >= start - EARLY) & (song.onset < start + (GIVEN + MORE) * BAR - EARLY)
        for track, *values in zip(*(each[chosen].tolist() for each in (
                song.track, song.onset, song.duration, song.pitch, song.velocity))):  # fmt: skip
            onset = max(0, values[0] - start)
            length = min(values[1], (GIVEN + MORE) * BAR - onset)
            tracks[track].append(Note(onset / TICKS, length / TICKS, values[2], values[3]))
        named = (Track(name, PROGRAMS[name], name == "drums").with_notes(n) for name, n in zip(TRACKS, tracks))
        whole = Song(tuple(named), tempo=song.tempo)
        played = onsets(whole).any((2, 3))
        given, more = played[:, :GIVEN], played[:, GIVEN:]
        full = given.any(0).sum() >= GIVEN - 2 and more.any(0).sum() >= MORE - 1
        if full and given.any(1).sum() >= 2 and given[1:].any():
            yield whole
            count -= 1
            if not count:
                return


def onsets(song: Song) -> np.ndarray:
    """bool [5, bars, 16, 128]."""
    out = np.zeros((len(TRACKS), (GIVEN + MORE) * STEPS, PITCHES), bool)
    for roll, track in zip(out, song.tracks):
        for note in track.notes:
            step = int(note.onset * STEPS / 4 + 0.5)
            if step < len(roll):
                roll[step, note.pitch] = True
    return out.reshape(len(TRACKS), GIVEN + MORE, STEPS, PITCHES)


def chords(song: Song) -> np.ndarray:
    """The chord of each half bar to come, int [2 × MORE], -1 for none."""
    slots = 12  # a beat
    sounding = np.zeros((2, (GIVEN + MORE) * 4 * slots, 12))
    for track in song.tracks[1:]:
        for note in track.notes:
            first, end = round(note.onset * slots), max(round(note.end * slots), round(note.onset * slots) + 1)
            sounding[0, first:end, note.pitch % 12] += 1
            sounding[1, first:end, note.pitch % 12] += track.name == "bass"
    return np.asarray(recognise(*sounding.reshape(2, -1, 2 * slots, 12).sum(2))[2 * GIVEN :])


def past(song: Song) -> Song:
    """The bars that are given; what rings on stops at their end."""
    end, tracks = GIVEN * 4.0, []
    for track in song.tracks:
        given = (note for note in track.notes if note.onset < end - EARLY / TICKS)
        tracks.append(track.with_notes([replace(n, duration=min(n.duration, end - n.onset)) for n in given]))
    return replace(song, tracks=tuple(tracks))


def copied(song: Song, back: int) -> Song:
    """The given bars, and the last `back` of them again and again."""
    tracks = []
    for track in past(song).tracks:
        last = [note for note in track.notes if note.onset >= (GIVEN - back) * 4 - EARLY / TICKS]
        turns = range(1, MORE // back + 1)
        tracks.append(track.with_notes([*track.notes, *(
            replace(note, onset=note.onset + 4 * back * turn) for turn in turns for note in last)]))  # fmt: skip
    return replace(song, tracks=tuple(tracks))


def continued(model: variation.Model, song: Song, by: str, seed: int) -> Song:
    """The given bars and what a network writes, in five tracks."""
    asked = Request(input=File("a held-out song", b""), continue_bars=MORE, by=by, seed=seed)
    notes = {track.name: track.notes for track in extend(model, past(song), asked)[0].tracks}
    return replace(song, tracks=tuple(track.with_notes(notes.get(track.name, ())) for track in song.tracks))


def again(played: np.ndarray) -> list[bool]:
    """Of each bar to come in which a pitched track plays, whether it is an earlier bar of its own."""
    out = []
    for track in played[1:]:
        known: set[bytes] = set()
        for number, bar in enumerate(track):
            if bar.any():
                if number >= GIVEN:
                    out.append(bar.tobytes() in known)
                known.add(bar.tobytes())
    return out


def f1(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * int((one & other).sum()) / max(int(one.sum()) + int(other.sum()), 1)


def measured(real: list[Song], made: list[Song]) -> dict[str, float]:
    """See the head of this file."""
    a, b = (np.stack([onsets(song) for song in side]) for side in (real, made))
    came, ours = a[:, :, GIVEN:], b[:, :, GIVEN:]
    same = []
    for song, new in zip(real, made):
        wanted, got = chords(song), chords(new)
        same += (wanted == got)[wanted >= 0].tolist()
    return {
        "f1": f1(came[:, 1:], ours[:, 1:]),
        "chord": float(np.mean(same)),
        "rhythm": f1(came.any(-1), ours.any(-1)),
        "notes": int(ours.sum()) / int(came.sum()),
        "again": float(np.mean([each for song in b for each in again(song)])),
    }


def features(songs: list[Song]) -> np.ndarray:
    """What the judge knows of the bars to come, [songs, features]."""
    return extract(Phrase.of(song, GIVEN, MORE) for song in songs)


def continuation(model: variation.Model, songs: Path, count: int, seed: int = 0) -> dict[str, Any]:
    """The figures of each way to go on."""
    real = list(stretches(songs, "test", count, seed))
    ways: dict[str, Callable[[int, Song], Song]] = {
        PLAYER: lambda n, song: continued(model, song, PLAYER, n),
        NETWORKS: lambda n, song: continued(model, song, NETWORKS, n),
        **{name: lambda n, song, back=back: copied(song, back) for name, back in COPIES.items()},
    }  # fmt: skip
    known = features(real)
    out: dict[str, Any] = {"songs": len(real), "given": GIVEN, "bars": MORE, "ways": {}}
    for name, way in ways.items():
        made = [way(number, song) for number, song in enumerate(real)]
        out["ways"][name] = measured(real, made) | {"real": real_by_folds(known, features(made))}
        print(name, {key: round(value, 3) for key, value in out["ways"][name].items()}, flush=True)
    out["ways"]["what came"] = measured(real, real)
    return out
