"""Songs touched: each track's notes struck one after the other by its own hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track
from engine.touch.manner import tempo_class
from engine.touch.model import Model
from engine.touch.network import BESIDE, HEARD, HEARD_FIRST, VELOCITIES
from engine.touch.strikes import BACK, TICKS, features, sources

MANNER = 3  # numbers of a track
OWN = len(BACK)


def touched(model: Model, song: Song, *, genre: Mapping[str, float], seeds: Mapping[str, int]) -> Song:
    """The song with velocities and notes beside the grid. Same model, song, genre, seeds and machine, same touch.

    seeds: track name → seed of its hand; tracks that are not named stay as they are. Hands of one seed are of one band.
    """
    tracks = []
    for track in song.tracks:
        if track.name not in seeds or not track.notes:
            tracks.append(track)
            continue
        rng = np.random.default_rng([seeds[track.name], 17])
        controls = [tempo_class(song.tempo), TRACKS.index(track.name), *_manner(model, genre, track.name, rng)]
        hand = np.random.default_rng([seeds[track.name], 19, TRACKS.index(track.name)])
        bar = round(song.beats_per_bar * TICKS)
        tracks.append(_struck(track, *play(model, track, bar, genre, controls, hand)))
    return replace(song, tracks=tuple(tracks))


def _manner(model: Model, genre: Mapping[str, float], name: str, rng: np.random.Generator) -> list[int]:
    """The manner of a track's hand in a real band of the genre that has such a track."""
    known = {name: weight for name, weight in genre.items() if model.manners.get(name)}
    if known:
        shares = np.array(list(known.values()))
        bands = model.manners[list(known)[rng.choice(len(known), p=shares / shares.sum())]]
        at = TRACKS.index(name) * MANNER
        for number in rng.permutation(len(bands)):
            if bands[number][at]:
                return bands[number][at : at + MANNER]
    return [0] * MANNER


def play(
    model: Model, track: Track, bar: int, genre: Mapping[str, float], controls: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities (1..127) and offsets (ticks) of a track's notes, int [N] each; `bar` has so many ticks."""
    place, length, pitch = (np.array(column) for column in zip(
        *[(round(n.onset * TICKS), max(1, round(n.duration * TICKS)), n.pitch) for n in track.notes]))  # fmt: skip
    weights, hidden = model.weights, model.network.config.hidden
    notes = features(place, length, pitch, track.is_drum, bar)
    count = notes.shape[1]
    known = model.whole(genre, controls) + weights.table[notes + HEARD_FIRST[:count]].sum(1)
    struck = np.array(HEARD_FIRST[count : count + OWN])
    beside = np.array(HEARD_FIRST[count + OWN :]) + BESIDE + 1
    back = sources(place, pitch, bar)
    velocity, offset = np.zeros(len(place) + 1, int), np.full(len(place) + 1, -BESIDE - 1)  # the last stands for none
    uniform = rng.random((len(place), 3))
    state = np.zeros(hidden, np.float32)
    for i, before in enumerate(back):
        heard = np.append(struck + velocity[before], beside + offset[before[list(HEARD)]])
        said = known[i] + weights.table[heard].sum(0)
        gates = state @ weights.state + weights.bias
        reset, update = 1 / (1 + np.exp(-(said[: 2 * hidden] + gates[: 2 * hidden]))).reshape(2, hidden)
        new = np.tanh(said[2 * hidden : 3 * hidden] + reset * gates[2 * hidden :])
        state = new + update * (state - new)
        logits = said[3 * hidden :] + state @ weights.head
        velocity[i] = _velocity(logits, velocity[before], uniform[i])
        offset[i] = _draw(logits[OWN + 1 + VELOCITIES :], uniform[i, 2]) - BESIDE
    return velocity[:-1], offset[:-1]


def _velocity(logits: np.ndarray, struck: np.ndarray, uniform: np.ndarray) -> int:
    """One of the sources' velocities (0 where there is none), or another."""
    which = np.where(np.append(struck, 1) > 0, logits[: OWN + 1], -np.inf)
    source = _draw(which, uniform[0])
    return int(struck[source]) if source < OWN else max(1, _draw(logits[OWN + 1 : OWN + 1 + VELOCITIES], uniform[1]))


def _draw(logits: np.ndarray, uniform: float) -> int:
    """The value of a categorical distribution on which a number in [0, 1) falls."""
    whole = np.cumsum(np.exp(logits - logits.max()))
    return int(np.searchsorted(whole, uniform * whole[-1], "right"))


def _struck(track: Track, velocity: np.ndarray, offset: np.ndarray) -> Track:
    """The track so struck. Ends stay where they are, but drums as long as they were, to the end of the last; and a note
    ends before its pitch is struck again."""
    last = max(round(note.end * TICKS) for note in track.notes)
    again: dict[int, int] = {}
    notes: list[Note] = []
    for note, hard, beside in zip(reversed(track.notes), velocity[::-1].tolist(), offset[::-1].tolist()):
        place, end = round(note.onset * TICKS), round(note.end * TICKS)
        begin = max(0, min(place + beside, again.get(note.pitch, last + 1) - 1))
        end = min(end + (begin - place) * track.is_drum, again.get(note.pitch, last), last)
        again[note.pitch] = begin
        notes.append(Note(begin / TICKS, max(1, end - begin) / TICKS, note.pitch, hard))
    return track.with_notes(notes)
