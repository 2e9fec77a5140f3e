"""What a phrase is like, in numbers, and which genre a judge would call it.

`features` turns phrases into musical statistics of notes alone (no tempo, no velocity, no programs); `GenreClassifier`
is boosted trees over them, fitted to real phrases with genres equally likely. It is used to choose the genres and to
measure what is played, never to train it.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import confusion_matrix

from engine.core.pianoroll import LOWEST
from training.core.metrics import TONNETZ

# General MIDI drum keys: kick, snare, closed hat, open hat, crash, ride, low and high tom, hand percussion, rest
DRUMS = {
    0: (35, 36),
    1: (37, 38, 39, 40),
    2: (42, 44),
    3: (46,),
    4: (49, 52, 55, 57),
    5: (51, 53, 59),
    6: (41, 43, 45),
    7: (47, 48, 50),
    8: tuple(range(60, 82)),
}
# What the genres of the collection are heard as; the rest could not be told apart (see the model card).
GENRES = {
    "classical": ("classical",),
    "jazz": ("jazz",),
    "country": ("country", "folk"),
    "electronic": ("electronic",),
    "game": ("game",),
    "punk": ("punk",),
    "rock": ("rock", "metal"),
    "soul": ("rnb_soul", "hiphop"),
}
# The General MIDI programs with which a genre's tracks are played unless a person chooses others.
PROGRAMS = {
    "classical": {"guitar": 24, "bass": 43, "strings": 48},
    "jazz": {"guitar": 26, "bass": 32, "strings": 66},
    "country": {"guitar": 25, "bass": 33, "strings": 40},
    "electronic": {"piano": 5, "guitar": 27, "bass": 38, "strings": 81},
    "game": {"piano": 6, "guitar": 28, "bass": 38, "strings": 80},
    "punk": {"guitar": 30, "bass": 34, "strings": 30},
    "rock": {"guitar": 29, "bass": 34, "strings": 18},
    "soul": {"piano": 4, "guitar": 27, "bass": 33, "strings": 61},
}


def genre_of(labels: list[str], genres: dict[str, tuple[str, ...]] | None = None) -> np.ndarray:
    """The genre's number for each label of the collection, -1 where it has none, int [labels]."""
    table = {label: i for i, names in enumerate((genres or GENRES).values()) for label in names}
    return np.array([table.get(label, -1) for label in labels])


def _drum_groups() -> np.ndarray:
    """bool [72, 10]: which group a drum key is of."""
    groups = np.zeros((72, 10), bool)
    for group, keys in DRUMS.items():
        groups[[k - LOWEST for k in keys], group] = True
    groups[~groups.any(1), 9] = True
    return groups


def _chunk(rolls: np.ndarray) -> np.ndarray:
    n = len(rolls)
    onset, held = rolls[:, :, :, 0] > 0, rolls[:, :, :, 1] > 0  # [n, bars, 5, 16, 72]
    counts = onset.sum((-2, -1))  # [n, bars, 5]
    notes = np.maximum(counts.sum(1), 1)  # [n, 5]
    filled = held.any((-2, -1))
    bars = np.maximum(filled.sum(1), 1)
    out = [counts.sum(1) / bars, 1 - filled.mean(1)]
    classes = held.reshape(*held.shape[:-1], 6, 12)
    out.append(classes.any((-3, -2)).sum(-1).sum(1) / bars)  # pitch classes a bar
    voices = held.sum(-1)
    out.append(voices.sum((1, 3)) / np.maximum((voices > 0).sum((1, 3)), 1))  # polyphony
    by_pitch = onset.sum((1, 3)).astype(np.float32)  # [n, 5, 72]
    pitches = np.arange(72)
    centre = (by_pitch * pitches).sum(-1) / notes
    out += [
        centre,
        np.sqrt(np.maximum((by_pitch * pitches**2).sum(-1) / notes - centre**2, 0)),
        np.where(by_pitch.any(-1), (by_pitch > 0).argmax(-1), 0),
        np.where(by_pitch.any(-1), 71 - (by_pitch[..., ::-1] > 0).argmax(-1), 0),
    ]
    out.append((held & ~onset).sum((1, 3, 4)) / notes)  # how long notes last beyond their first step
    by_step = onset.any(-1).mean(1)  # [n, 5, 16]
    out.append(by_step.reshape(n, -1))
    either = (onset[:, 1:] | onset[:, :-1]).sum((-2, -1))
    out.append(((onset[:, 1:] & onset[:, :-1]).sum((-2, -1)) / np.maximum(either, 1)).mean(1))  # bar to bar
    either = (onset[:, 2:] | onset[:, :-2]).sum((-2, -1))
    out.append(((onset[:, 2:] & onset[:, :-2]).sum((-2, -1)) / np.maximum(either, 1)).mean(1))
    pitch_class = by_pitch[:, 1:].reshape(n, 4, 6, 12).sum(2)
    out.append((pitch_class / notes[:, 1:, None]).reshape(n, -1))
    chroma = classes[:, :, 1:].sum(-2).reshape(n, held.shape[1], 4, 4, 4, 12).sum(-2)  # [n, bars, tracks, beats, 12]
    total = chroma.sum(-1, keepdims=True)
    centroid = chroma / np.maximum(total, 1) @ TONNETZ
    sounds = total[..., 0] > 0
    for i in range(4):
        for j in range(i):
            both = sounds[:, :, i] & sounds[:, :, j]
            apart = np.linalg.norm(centroid[:, :, i] - centroid[:, :, j], axis=-1)
            out.append(((apart * both).sum((1, 2)) / np.maximum(both.sum((1, 2)), 1))[:, None])
    kit = np.einsum("nbsp,pg->nbsg", onset[:, :, 0].astype(np.float32), _drum_groups().astype(np.float32))
    out.append(kit.mean((1, 2)) * 16)
    out.append(np.minimum(kit[..., :3], 1).mean(1).reshape(n, -1))  # kick, snare and hat by step
    return np.concatenate([o.reshape(n, -1) for o in out], 1).astype(np.float32)


def features(rolls: np.ndarray, at_once: int = 256) -> np.ndarray:
    """Phrases uint8 0/1 [N, B, 5, 2, 16, 72] (bars, tracks, onset and held, steps, pitches) -> float32 [N, F]."""
    return np.concatenate([_chunk(rolls[i : i + at_once]) for i in range(0, len(rolls), at_once)])


class GenreClassifier:
    """Tells genres apart; fitted on features [N, F] and genres int [N] with every genre given the same weight."""

    def __init__(self, genres: list[str], seed: int = 0, iterations: int = 120) -> None:
        self.genres = genres
        self.model = HistGradientBoostingClassifier(
            max_iter=iterations,
            learning_rate=0.1,
            max_leaf_nodes=15,
            l2_regularization=5.0,
            max_features=0.3,
            early_stopping=False,
            class_weight="balanced",
            random_state=seed,
        )

    def fit(self, x: np.ndarray, genre: np.ndarray) -> GenreClassifier:
        self.model.fit(x, genre)
        return self

    def confusion(self, x: np.ndarray, genre: np.ndarray) -> np.ndarray:
        """Share of each genre's phrases (rows) that are called each genre (columns), float [G, G]."""
        counts = confusion_matrix(genre, self.model.predict(x), labels=range(len(self.genres)))
        return counts / np.maximum(counts.sum(1, keepdims=True), 1)

    def accuracy(self, x: np.ndarray, genre: np.ndarray) -> float:
        """Share that is called right, genres counting equally."""
        return float(np.diag(self.confusion(x, genre)).mean())
