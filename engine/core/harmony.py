"""Which chords a song has, half bar by half bar: those that sound, and those that would go under a tune.

    chords_of(song)                      the names of those that are heard
    harmonised(load(), song, key)        the numbers of those that a tune alone asks for

Two small networks of one shape look at each of the twelve roots in turn: what sounds in a half bar and those beside it,
counted from that root, through two layers, to the seven qualities. One hears all that sounds; the other hears a tune
and knows the key, and the way from chord to chord is that of songs (Viterbi). Shapes: n half bars, F features.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.core.chords import QUALITIES, TEMPLATES, name_of, recognise
from engine.core.key import key_shift
from engine.core.song import Note, Song

PATH = CHECKPOINTS / "chords"
SLOTS = 12  # of a beat
HIGHEST = 128  # above every pitch
WHOLE = 0.9  # of a half bar: what sounds so long sounds in all of it
CHORDAL = 1.15  # notes that sound at a time, from which on a song has chords
PARTS = 2  # of a half bar, in which it is looked at
CONTEXT = {"heard": 2, "tune": 4}  # half bars on either side that count
LAYERS = ("fc1", "fc2", "fc3")
MOVES = 0.2  # how much the way from chord to chord counts beside what a tune asks for


def halves(song: Song, parts: int = 1) -> np.ndarray:
    """Where the half bars of a song, each in so many parts, begin and the last ends, in beats, ascending, float
    [2 × bars × parts + 1]; an upbeat is a bar."""
    lines = np.array(song.bar_lines())
    steps = np.arange(2 * parts) / (2 * parts)
    return np.append((lines[:-1, None] + np.diff(lines)[:, None] * steps).ravel(), lines[-1])


def sounding(notes: Iterable[Note], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How long each pitch class sounds between edges (beats, ascending), and how long it is the lowest note: float
    [spans, 12] each, in beats."""
    slots = np.rint(edges * SLOTS).astype(int)
    count = np.zeros((slots[-1] + 1, 12))
    lowest = np.full(slots[-1], HIGHEST)
    for note in notes:
        begin = min(round(note.onset * SLOTS), slots[-1])
        end = min(max(round(note.end * SLOTS), begin + 1), slots[-1])
        count[begin, note.pitch % 12] += 1
        count[end, note.pitch % 12] -= 1
        np.minimum(lowest[begin:end], note.pitch, out=lowest[begin:end])
    heard = np.cumsum(count, 0)[:-1]
    bass = np.eye(13)[np.where(lowest < HIGHEST, lowest % 12, 12)][:, :12]
    heard, bass = (np.array([each[a:b].sum(0) for a, b in pairwise(slots)]).reshape(-1, 12) / SLOTS
                   for each in (heard, bass))  # fmt: skip
    return heard, bass


def features(planes: np.ndarray, context: int, key: int | None = None) -> np.ndarray:
    """What the network sees of each half bar from each root, float32 [n, 12, F].

    planes: how long pitch classes sound in each part of a half bar, [n × PARTS, planes, 12]; each is seen as a share of
    its sum. Where the `key` is known, the root's place in it is seen too.
    """
    share = planes / np.maximum(planes.sum(2, keepdims=True), 1e-6)
    each = share.reshape(len(planes) // PARTS, -1, 12)
    padded = np.pad(each, ((context, context), (0, 0), (0, 0)))
    around = np.stack([padded[i : i + len(each)] for i in range(2 * context + 1)], 1).reshape(len(each), -1, 12)
    seen = np.stack([np.roll(around, -root, 2) for root in range(12)], 1).reshape(len(each), 12, -1)
    if key is not None:
        place = np.roll(np.eye(12), key, 0)  # [root, its degree]
        seen = np.concatenate([seen, np.broadcast_to(place, (len(each), 12, 12))], 2)
    return np.asarray(seen, np.float32)


@dataclass(frozen=True)
class Model:
    """The networks' weights, float32."""

    layers: dict[str, list[tuple[np.ndarray, np.ndarray]]]  # network → (weight [out, in], bias [out]) of each layer
    moves: np.ndarray  # [7, 12, 7], logarithm of how often a quality is followed by one so much higher

    def fit(self, name: str, seen: np.ndarray) -> np.ndarray:
        """The logarithm of each chord's share, float [n, 84]."""
        x = seen
        for number, (weight, bias) in enumerate(self.layers[name]):
            x = x @ weight.T + bias
            if number + 1 < len(LAYERS):
                x = np.maximum(x, 0)
        logits = x.transpose(0, 2, 1).reshape(len(x), len(TEMPLATES))
        top = logits - logits.max(1, keepdims=True)
        return np.asarray(top - np.log(np.exp(top).sum(1, keepdims=True)))


@lru_cache(maxsize=2)
def load(path: Path | str = PATH) -> Model:
    """The weights of a checkpoint folder. Refused when it is missing, damaged, of another system or a newer format."""
    stored = checkpoint.load(path, "chords")
    shapes: dict[str, tuple[int, ...]] = {"moves": (len(QUALITIES), 12, len(QUALITIES))}
    hidden = int(stored.model["hidden"])
    for name, planes, more in (("heard", 2, 0), ("tune", 1, 12)):
        seen = (2 * CONTEXT[name] + 1) * PARTS * planes * 12 + more
        for layer, size in zip(LAYERS, ((hidden, seen), (hidden, hidden), (len(QUALITIES), hidden))):
            shapes |= {f"{name}.{layer}.weight": size, f"{name}.{layer}.bias": size[:1]}
    checkpoint.fit(shapes, stored.weights, path)
    weights = stored.weights
    layers = {name: [(weights[f"{name}.{layer}.weight"], weights[f"{name}.{layer}.bias"]) for layer in LAYERS]
              for name in CONTEXT}  # fmt: skip
    return Model(layers, weights["moves"])


def heard(model: Model, song: Song) -> np.ndarray:
    """The chord that sounds in each half bar, int [n]; -1 where fewer than two pitch classes do."""
    notes = [note for track in song.tracks if not track.is_drum for note in track.notes]
    planes = np.stack(sounding(notes, halves(song, PARTS)), 1)
    classes = (planes[:, 0].reshape(-1, PARTS, 12).sum(1) > 0).sum(1)
    return np.where(classes > 1, model.fit("heard", features(planes, CONTEXT["heard"])).argmax(1), -1)


def harmonised(model: Model, song: Song, key: int) -> np.ndarray:
    """The chords that go under a tune in a major key (0 is C), or its relative minor, int [n]."""
    notes = [note for track in song.tracks if not track.is_drum for note in track.notes]
    planes = sounding(notes, halves(song, PARTS))[0][:, None]
    return likeliest(model, model.fit("tune", features(planes, CONTEXT["tune"], key)))


def likeliest(model: Model, fit: np.ndarray) -> np.ndarray:
    """The likeliest way through chords that fit so well, float [n, 84] → int [n]."""
    quality, root = np.divmod(np.arange(len(TEMPLATES)), 12)
    moves = MOVES * model.moves[quality[:, None], (root - root[:, None]) % 12, quality]
    best, came = fit[0], []
    for each in fit[1:]:
        ways = best[:, None] + moves
        came.append(ways.argmax(0))
        best = ways.max(0) + each
    path = [int(best.argmax())]
    for before in reversed(came):
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])


def certain(sounds: np.ndarray, lengths: np.ndarray, bass: np.ndarray | None = None) -> np.ndarray:
    """The chord of each half bar in all of which its notes sound and no others, int [n], -1 elsewhere. Where the bass
    is given, its root has to be there: C E G A is Am7 above A and may be another chord above C."""
    there = sounds > 0
    match = (there[:, None] == TEMPLATES).all(2) & (there == (sounds > WHOLE * lengths[:, None])).all(1)[:, None]
    if bass is not None:
        match &= (bass > WHOLE * lengths[:, None])[:, np.arange(len(TEMPLATES)) % 12]
    return np.where(match.any(1), match.argmax(1), -1)


@lru_cache(maxsize=32)
def chords_of(song: Song) -> tuple[str, ...]:
    """The name of the chord that sounds in each half bar (see `halves`), "" where there is none, as in all of a song of
    a single line."""
    pitched = [note for track in song.tracks if not track.is_drum for note in track.notes]
    edges = halves(song)
    sounds, bass = sounding(pitched, edges)
    if sounds.sum() < CHORDAL * bass.sum() or not pitched:
        return ()
    try:
        numbers = heard(load(), song)
    except RequestError:
        numbers = recognise(sounds, bass)  # without weights: whose notes sound longest
    sure = certain(sounds, np.diff(edges), bass)
    numbers = np.where(sure >= 0, sure, numbers)
    key = -key_shift(sounds.sum(0)) % 12
    return tuple(name_of(number, key) if number >= 0 else "" for number in numbers.tolist())
