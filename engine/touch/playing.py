"""Songs touched: each track's notes struck one after the other by its own hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track
from engine.touch.manner import SIZES, manner, tempo_class
from engine.touch.model import Model
from engine.touch.network import BESIDE, HEARD, HEARD_FIRST, VELOCITIES
from engine.touch.strikes import BACK, TICKS, features, sources

MANNER = len(SIZES)  # numbers of a track
PAST = ("place", "length", "pitch", "velocity", "offset")  # of a note that was struck
OWN = len(BACK)
ENOUGH = 8  # notes that show a manner


def touched(model: Model, song: Song, *, genre: Mapping[str, float], seeds: Mapping[str, int]) -> Song:
    """The song with velocities and notes beside the grid. Same model, song, genre, seeds and machine, same touch.

    seeds: track name → seed of its hand; tracks that are not named stay as they are. Hands of one seed are of one band.
    """
    bar = round(song.beats_per_bar * TICKS)
    return replace(song, tracks=tuple(
        Hand(model, track.name, bar, seeds[track.name]).strike(track, genre, song.tempo)
        if track.name in seeds and track.notes else track for track in song.tracks))  # fmt: skip


class Hand:
    """One track's hand. It may strike a track all at once or part by part, as its notes come: what it struck stays as
    it is, and hears nothing of what comes.

    name: one of `TRACKS`; bar: ticks of a bar.
    """

    def __init__(self, model: Model, name: str, bar: int, seed: int) -> None:
        self.model, self.name, self.bar, self.seed = model, name, bar, seed
        self.random = np.random.default_rng([seed, 19, TRACKS.index(name)])
        self._state = np.zeros(model.network.config.hidden, np.float32)
        self._past = np.zeros((0, len(PAST)), int)  # of the notes that may be struck alike
        self._ends: dict[int, int] = {}  # pitch → where its last note ends, ticks

    def copy(self) -> Hand:
        """A hand that has struck the same, and goes its own way from here."""
        other = copy(self)
        other.random = deepcopy(self.random)
        return other

    def strike(
        self, track: Track, genre: Mapping[str, float], tempo: float, begin: int = 0, *, like: Track | None = None,
        until: int = 0,
    ) -> Track:  # fmt: skip
        """The track so struck, whose notes come after those of the parts before; none begins before `begin` (ticks).
        Notes that it shares with the track `like`, and that begin before `until`, are struck as they would be there."""
        if not track.notes:
            return track
        rng = np.random.default_rng([self.seed, 17])
        controls = [tempo_class(tempo), TRACKS.index(self.name), *_manner(self.model, genre, self.name, rng)]
        whole, known = self.model.whole(genre, controls), dict[int, tuple[int, int]]()
        if like is not None and like.notes:
            velocity, offset = self.copy().play(like, whole)
            there = dict(zip(map(_place_of, like.notes), zip(velocity.tolist(), offset.tolist())))
            places = enumerate(map(_place_of, track.notes))
            known = {n: there[place] for n, place in places if place[0] < until and place in there}
        return self._struck(track, *self.play(track, whole, known), begin)

    def play(
        self, track: Track, whole: np.ndarray, known: Mapping[int, tuple[int, int]] = MappingProxyType({})
    ) -> tuple[np.ndarray, np.ndarray]:
        """Velocities (1..127) and offsets (ticks) of a track's notes, int [N] each; `whole` is what genre, tempo and
        manner add to each note (Model.whole). Of some notes, by their number, both may be `known`."""
        rows = [(round(n.onset * TICKS), max(1, round(n.duration * TICKS)), n.pitch, 0, 0) for n in track.notes]
        past, begun = np.concatenate([self._past, rows]), len(self._past)
        place, length, pitch, velocity, offset = past.T
        weights, hidden = self.model.weights, self.model.network.config.hidden
        notes = features(place, length, pitch, track.is_drum, self.bar)[begun:]
        count = notes.shape[1]
        base = whole + weights.table[notes + HEARD_FIRST[:count]].sum(1)
        struck = np.array(HEARD_FIRST[count : count + OWN])
        beside = np.array(HEARD_FIRST[count + OWN :]) + BESIDE + 1
        back = sources(place, pitch, self.bar)[begun:]
        velocity, offset = np.append(velocity, 0), np.append(offset, -BESIDE - 1)  # the last stands for none
        uniform = self.random.random((len(notes), 3))
        temperature, more = self.model.habits.get(self.name, (1.0, 0.0))
        for i, before in enumerate(back):
            heard = np.append(struck + velocity[before], beside + offset[before[list(HEARD)]])
            said = base[i] + weights.table[heard].sum(0)
            gates = self._state @ weights.state + weights.bias
            reset, update = 1 / (1 + np.exp(-(said[: 2 * hidden] + gates[: 2 * hidden]))).reshape(2, hidden)
            new = np.tanh(said[2 * hidden : 3 * hidden] + reset * gates[2 * hidden :])
            self._state = new + update * (self._state - new)
            if i in known:
                velocity[begun + i], offset[begun + i] = known[i]
                continue
            logits = said[3 * hidden :] + self._state @ weights.head
            logits[: OWN + 1] = logits[: OWN + 1] / temperature + more
            velocity[begun + i] = _velocity(logits, velocity[before], uniform[i])
            offset[begun + i] = _draw(logits[OWN + 1 + VELOCITIES :], uniform[i, 2]) - BESIDE
        past[:, 3], past[:, 4] = velocity[:-1], offset[:-1]
        near = place >= place[-1] - 2 * self.bar
        self._past = past[near | (np.arange(len(past)) == _last_of(pitch))]
        return velocity[begun:-1], offset[begun:-1]

    def _struck(self, track: Track, velocity: np.ndarray, offset: np.ndarray, first: int) -> Track:
        """Ends stay where they are, but drums as long as they were, to the end of the last; and a note ends before its
        pitch is struck again, or begins when its pitch has ended where that was struck in a part before."""
        last = max(round(note.end * TICKS) for note in track.notes)
        again: dict[int, int] = {}
        ends: dict[int, int] = {}
        notes: list[Note] = []
        for note, hard, beside in zip(reversed(track.notes), velocity[::-1].tolist(), offset[::-1].tolist()):
            place, end = round(note.onset * TICKS), round(note.end * TICKS)
            free = max(first, self._ends.get(note.pitch, 0))
            begin = max(free, min(place + beside, again.get(note.pitch, last + 1) - 1))
            end = min(end + (begin - place) * track.is_drum, again.get(note.pitch, last), last)
            again[note.pitch] = begin
            notes.append(Note(begin / TICKS, max(1, end - begin) / TICKS, note.pitch, hard))
            ends[note.pitch] = max(ends.get(note.pitch, 0), begin + max(1, end - begin))
        self._ends = self._ends | ends
        return track.with_notes(notes)


def _place_of(note: Note) -> tuple[int, int]:
    """Where a note begins, in ticks, and its pitch."""
    return round(note.onset * TICKS), note.pitch


def among(
    model: Model,
    song: Song,
    notes: Sequence[Note],
    known: Mapping[int, tuple[int, int]],
    *,
    name: str,
    genre: Mapping[str, float],
    seed: int,
) -> list[Note]:
    """Notes of one of the five tracks, the hand's own among those that were struck before it came: all of them, sorted
    by onset and pitch, each at its place on the grid, and so they come back, but those of the hand struck by it.

    known: number of a note → its velocity and how many ticks it lies beside its place; where there are `ENOUGH` the
    hand plays in their manner. `song` says tempo and meter; beat 0 is a bar line.
    """  # fmt: skip
    rng = np.random.default_rng([seed, 17])
    struck = np.array([(_place_of(notes[number])[0], *how) for number, how in known.items()]).reshape(-1, 3)
    own = manner(*struck.T) if len(struck) >= ENOUGH else _manner(model, genre, name, rng)
    controls = [tempo_class(song.tempo), TRACKS.index(name), *own]
    track = Track(name, is_drum=name == "drums", notes=tuple(notes))
    hand = Hand(model, name, round(song.beats_per_bar * TICKS), seed)
    velocity, offset = hand.play(track, model.whole(genre, controls), known)
    out = []
    for number, note in enumerate(notes):
        if number not in known:
            beside = int(offset[number]) / TICKS
            length = note.duration if track.is_drum else max(note.duration - beside, 1 / TICKS)
            note = Note(note.onset + beside, length, note.pitch, int(velocity[number]))
        out.append(note)
    return out


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


def _last_of(pitch: np.ndarray) -> np.ndarray:
    """For each note the index of the last of its pitch, int [notes]."""
    last = np.zeros(128, int)
    last[pitch] = np.arange(len(pitch))  # of several the last stands
    return np.asarray(last[pitch])


def _velocity(logits: np.ndarray, struck: np.ndarray, uniform: np.ndarray) -> int:
    """One of the sources' velocities (0 where there is none), or another."""
    which = np.where(np.append(struck, 1) > 0, logits[: OWN + 1], -np.inf)
    source = _draw(which, uniform[0])
    return int(struck[source]) if source < OWN else max(1, _draw(logits[OWN + 1 : OWN + 1 + VELOCITIES], uniform[1]))


def _draw(logits: np.ndarray, uniform: float) -> int:
    """The value of a categorical distribution on which a number in [0, 1) falls."""
    whole = np.cumsum(np.exp(logits - logits.max()))
    return int(np.searchsorted(whole, uniform * whole[-1], "right"))
