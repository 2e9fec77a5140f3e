"""What Band's phrases are like, beside those of songs: MuseGAN's measures track by track, harmony between the tracks,
form, variety, copies.

Rolls are uint8 0/1 [N, bars, 5 tracks, 2, 16, 72], onset and sounding cells on a grid of sixteenths.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.spatial.distance import pdist

from engine.core.key import key_shift
from engine.core.pianoroll import LOWEST, PITCHES, STEPS, TRACKS, fold
from training.core import metrics
from training.core.critic import FEATURES, Phrase

LEAST = 12  # pitched onsets in two bars that are called a copy: fewer are found anywhere
FORM = (
    "bars that return", "whole bars that return", "alike, 16 bars apart", "rhythm alike, 16 bars apart", "seam",
    "changes at sections", "density varies",
)  # fmt: skip
"""The critic's features of form that are told of pieces of `FORM_BARS` bars."""
FORM_BARS = 32
ENDINGS = ("notes in the last bar", "ends at home")
"""Those of their endings."""


def rolls_of(phrases: Sequence[Phrase]) -> np.ndarray:
    """Phrases of one length as rolls, in C major or A minor; a drum's sound is its onset alone."""
    return np.stack([_roll(phrase) for phrase in phrases])


def _roll(phrase: Phrase) -> np.ndarray:
    heard = np.zeros(12)
    for line in phrase.lines[1:]:
        np.add.at(heard, line.pitch % 12, line.end - line.step)
    shift = key_shift(heard / max(heard.sum(), 1))
    out = np.zeros((len(TRACKS), 2, phrase.steps, PITCHES), np.uint8)
    for t, line in enumerate(phrase.lines):
        rows = fold((line.pitch + (shift if t else 0)).clip(0, 127))
        out[t, :, line.step, rows] = 1
        for step, end, row in zip(line.step, line.end, rows) if t else ():
            out[t, 1, step:end, row] = 1
    return out.reshape(len(TRACKS), 2, phrase.bars, STEPS, PITCHES).transpose(2, 0, 1, 3, 4)


def per_track(rolls: np.ndarray) -> dict[str, dict[str, float]]:
    """Track -> the measures of its bars; see `training.core.metrics`."""
    out = {}
    for t, name in enumerate(TRACKS):
        onset, held = rolls[:, :, t, 0] > 0, rolls[:, :, t, 1] > 0
        long = (len(rolls), -1, PITCHES)
        lengths = metrics.note_lengths(onset.reshape(long), held.reshape(long))
        out[name] = {
            "EB %": 100 * metrics.empty_bars(held),
            "UPC": metrics.used_pitch_classes(held, LOWEST),
            "QN2 %": 100 * metrics.qualified_notes(lengths, 2),
            "QN3 %": 100 * metrics.qualified_notes(lengths, 3),
            "polyphony": metrics.polyphony(held),
            "notes": metrics.note_density(onset),
            "same": metrics.mean(x := metrics.onset_iou(onset[:, 1:], onset[:, :-1]), ~np.isnan(x)),
        }
    drums = np.nonzero(rolls[:, :, 0, 0])[2]
    out["drums"]["DP8 %"] = 100 * metrics.drum_pattern(drums, 4, 8)
    return out


def harmony(rolls: np.ndarray) -> float:
    """TD of phrases: mean over pairs of pitched tracks and beats."""
    held = rolls[:, :, 1:, 1].transpose(0, 2, 1, 3, 4).reshape(len(rolls), len(TRACKS) - 1, -1, PITCHES) > 0
    return metrics.tonal_distance(held, 4)


def shuffled(rolls: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same phrases with every track taken from another one: what harmony between tracks is measured against."""
    rng = np.random.default_rng(seed)
    return np.stack([rolls[rng.permutation(len(rolls)), :, t] for t in range(len(TRACKS))], 2)


def copies(phrases: Iterable[Phrase], known: set[bytes]) -> float:
    """Share of two neighbouring bars whose onsets in all five tracks are among the `known` (see `two_bars`)."""
    copied = [key in known for phrase in phrases for key in two_bars(phrase)]
    return float(np.mean(copied)) if copied else float("nan")


def two_bars(phrase: Phrase, least: int = LEAST) -> list[bytes]:
    """A key for each two neighbouring bars with `least` pitched onsets: the same for the same onsets in all five
    tracks, in whatever key."""
    keys = []
    for first in range(0, phrase.steps - STEPS, STEPS):
        spans = [slice(*np.searchsorted(line.step, [first, first + 2 * STEPS])) for line in phrase.lines]
        pitches = [line.pitch[span] for line, span in zip(phrase.lines, spans)]
        pitched = np.concatenate(pitches[1:])
        if len(pitched) < least:
            continue
        whole = hashlib.blake2b(digest_size=16)
        for t, (line, span, pitch) in enumerate(zip(phrase.lines, spans, pitches)):
            onsets = np.stack([np.full(len(pitch), t), line.step[span] - first, pitch - (pitched.min() if t else 0)])
            whole.update(onsets.astype(np.int16).tobytes())
        keys.append(whole.digest())
    return keys


def form(phrases: Sequence[Phrase], names: Iterable[str]) -> dict[str, float]:
    """Features of the critic by name, mean over phrases."""
    rows = {name: [FEATURES[name][1](phrase) for phrase in phrases] for name in names}
    return {name: metrics.mean(x := np.array(values), ~np.isnan(x)) for name, values in rows.items()}


def variety(features: np.ndarray, genre: np.ndarray, scale: np.ndarray) -> float:
    """How far two phrases of one genre lie apart, mean over pairs and genres: features [N, F] in units of `scale`
    [F]."""
    apart = [pdist(features[genre == each] / scale).mean() for each in np.unique(genre) if (genre == each).sum() > 1]
    return float(np.mean(apart)) / features.shape[1] ** 0.5
