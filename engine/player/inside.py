"""Inside the player: how likely each of its tokens was to it, the chords that it planned, and how each bar came.

    look = inside.written(model, brief)            the first eight bars of a piece, once more, with a look at each step
    look = inside.written(model, brief, first=8)   the next eight

The surprise of a token is -log2 of the probability that the network gave it, before grammar, temperature and
corrections; a note's is that of its pitch, together with that of when it begins and how long it lasts, which notes that
begin and end together share. What comes again has none: one token says that it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import engine.player.vocabulary as v
from engine.core.chords import name_of
from engine.player.brief import Brief
from engine.player.lanes import Note as Row
from engine.player.model import Model
from engine.player.playing import Section, as_played
from engine.player.song import lanes_by_bar


@dataclass(frozen=True)
class Note:
    """One note of a lane. bits: its surprise, None where it was not written but comes again or was given."""

    bar: int
    lane: int
    row: Row  # step, length, pitch
    bits: float | None


@dataclass(frozen=True)
class Chord:
    """A planned chord. probability: what the network gave it, None where it was given."""

    half: int  # of the piece, from 0
    number: int  # engine.core.chords, -1 for none
    probability: float | None

    @property
    def name(self) -> str:
        """In C."""
        return name_of(self.number)


@dataclass(frozen=True)
class Look:
    """Eight bars of a piece at most, as they were written."""

    bars: range
    grids: tuple[int, ...]  # of each bar
    notes: tuple[Note, ...]
    chords: tuple[Chord, ...]
    origin: dict[tuple[int, int], int]  # (bar, lane) → its relation (vocabulary.RELATIONS), of lanes that were written
    tokens: np.ndarray  # int [T], all of the section's window
    drawn: np.ndarray  # bool [T], which of them the network said
    bits: np.ndarray  # float [T], the surprise of those; 0 of the others
    scores: tuple[tuple[float, ...], ...] = ()  # the ranker's at each of its choices; the highest was taken

    @property
    def per_token(self) -> float:
        """Mean surprise of what the network said, in bits."""
        return float(self.bits[self.drawn].mean()) if self.drawn.any() else 0.0


def written(model: Model, brief: Brief, first: int = 0) -> Look:
    """The section of a brief's piece that begins at bar `first` (a multiple of eight). Of a piece that was played
    lately no more than this, and of that only what was taken, is written once more."""
    *earlier, taken = as_played(model, brief, first + v.SECTION)[: first // v.SECTION + 1]
    before = [bar for each in earlier for bar in each.bars]
    opening = Section(model, [brief], before, first).opening()
    section = Section(model, [brief], before, first, [taken.path])
    [played] = section.chosen()
    if not any(brief.wanted(bar) for bar in section.bars):  # all of it is given
        empty = np.zeros(0)
        return Look(section.bars, tuple(bar.grid for bar in played), _given(section), (), {}, empty.astype(int),
                    empty.astype(bool), empty)  # fmt: skip
    tokens = section.desk.tokens[0, : section.desk.time[0]].astype(np.int64)
    drawn = np.ones(len(tokens), bool)
    drawn[: len(opening)] = np.array(opening) < 0
    drawn[(tokens >= v.GO) & (tokens < v.TRACK)] = False
    for places in section.formed[0]:
        drawn[places.start : places.stop] = False
    bits = _surprises(model, section.desk.states[0], tokens, drawn)
    notes, origin = _notes(section, tokens, drawn, bits, model.combos)
    return Look(section.bars, tuple(bar.grid for bar in played), notes, _chords(section, tokens, drawn, bits), origin,
                tokens, drawn, bits, taken.scores)  # fmt: skip


def _surprises(model: Model, states: np.ndarray, tokens: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """-log2 of the probability that the network gave each token that it said, float [T]; 0 for the others."""
    at = np.flatnonzero(drawn)
    logits = states[at - 1] @ model.weights.head.T
    top = logits.max(1)
    sums = np.log2(np.exp(logits - top[:, None], dtype=np.float64).sum(1))
    bits = np.zeros(len(tokens))
    bits[at] = sums - (logits[np.arange(len(at)), tokens[at]] - top) / np.log(2)
    return bits


def _chords(section: Section, tokens: np.ndarray, drawn: np.ndarray, bits: np.ndarray) -> tuple[Chord, ...]:
    """The chords of the section's bars, in the order in which they were planned."""
    at = np.flatnonzero((tokens >= v.CHORD) & (tokens < v.GO))
    halves = [2 * bar + half for bar in range(section.start, section.start + len(at) // 2) for half in (0, 1)]
    return tuple(
        Chord(half, int(token - v.CHORD) if token < v.CHORD + v.CHORDS else -1,
              float(2.0 ** -bits[i]) if drawn[i] else None)
        for half, i, token in zip(halves, at, tokens[at]) if half // 2 in section.bars
    )  # fmt: skip


def _notes(
    section: Section, tokens: np.ndarray, drawn: np.ndarray, bits: np.ndarray, combos: tuple[tuple[int, ...], ...]
) -> tuple[tuple[Note, ...], dict[tuple[int, int], int]]:
    """The notes of the section's bars, and how each lane's bar came."""
    surprise: dict[tuple[int, int, int, int], float] = {}  # (bar, lane, step, pitch)
    origin: dict[tuple[int, int], int] = {}
    bar = lane = step = 0
    began = 0.0
    for i, token in enumerate(tokens.tolist()):
        if v.GO <= token < v.TRACK:
            bar = token - v.GO + section.start
        elif v.TRACK <= token < v.EVENT:
            lane, relation = divmod(token - v.TRACK, len(v.RELATIONS))
            if drawn[i] or relation:
                origin[bar, lane] = relation
        elif v.EVENT <= token < v.LONG:
            step, began = (token - v.EVENT) // v.LENGTHS, float(bits[i])
        elif v.LONG <= token < v.PITCH:
            began += float(bits[i])
        elif token >= v.PITCH and drawn[i]:
            pitches = (token - v.PITCH,) if token < v.COMBO else combos[token - v.COMBO]
            surprise |= {(bar, lane, step, pitch): began + float(bits[i]) for pitch in pitches}
    lanes = {n + section.start: rows for n, (_, rows) in enumerate(lanes_by_bar(tokens.tolist(), combos))}
    notes = tuple(
        Note(bar, lane, row, surprise.get((bar, lane, row[0], row[2])))
        for bar in section.bars for lane, rows in sorted(lanes.get(bar, {}).items()) for row in rows
    )  # fmt: skip
    return notes, {place: relation for place, relation in origin.items() if place[0] in section.bars}


def _given(section: Section) -> tuple[Note, ...]:
    """What is given of the section's bars."""
    return tuple(Note(bar, lane, row, None) for bar in section.bars
                 for lane, rows in section.known[bar].lanes.items() for row in rows)  # fmt: skip
