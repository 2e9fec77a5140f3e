"""Measures of pianorolls: MuseGAN's (Dong et al. 2018) and a few of what is heard between bars.

A pianoroll here is two bool arrays with time before pitch: `onset` [..., steps, pitches] marks where notes begin,
`held` every sounding cell, the onsets among them. Leading axes are bars, tracks, phrases: whatever the caller has.
Means over nothing are nan. The functions know neither files nor models.
"""

from __future__ import annotations

import numpy as np

# Harte, Sandler & Gasser 2006: circles of fifths, minor thirds and major thirds, of radius 1, 1 and 1/2.
_ANGLES = np.arange(12)[:, None] * np.pi * np.array([7 / 6, 3 / 2, 2 / 3])
TONNETZ = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], -1).reshape(12, 6) * np.repeat([1.0, 1.0, 0.5], 2)


def mean(values: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean of the values (where a mask holds); nan of none."""
    chosen = values if where is None else values[where]
    return float(chosen.mean()) if chosen.size else float("nan")


def empty_bars(held: np.ndarray) -> float:
    """EB: share of bars [..., steps, pitches] in which nothing sounds, 0..1."""
    return mean(~held.any((-2, -1)))


def pitch_classes(held: np.ndarray, lowest: int = 24) -> np.ndarray:
    """bool [..., pitches], the first being MIDI `lowest`, -> bool [..., 12]: which pitch classes are there, C first."""
    out = np.zeros((*held.shape[:-1], 12), bool)
    for c in range(12):
        out[..., c] = held[..., (c - lowest) % 12 :: 12].any(-1)
    return out


def used_pitch_classes(held: np.ndarray, lowest: int = 24) -> float:
    """UPC: pitch classes in a bar [..., steps, pitches], mean over the bars that are not empty, 1..12."""
    used = pitch_classes(held.any(-2), lowest).sum(-1)
    return mean(used, used > 0)


def note_lengths(onset: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Steps that each note lasts, [notes]: from its onset while its pitch is held, up to the next onset or the end.

    Both [..., steps, pitches]; pass whole phrases, as a note ends where its array does. Orphan holds are no notes.
    """
    onset, held = np.moveaxis(onset.astype(bool), -2, 0), np.moveaxis(held.astype(bool), -2, 0)
    after = np.zeros(onset.shape[1:], np.int32)  # steps for which the cell after this one goes on sounding
    lengths = []
    for step in range(len(onset) - 1, -1, -1):
        lengths.append(1 + after[onset[step]])
        after = np.where(held[step] & ~onset[step], after + 1, 0)
    return np.concatenate(lengths) if lengths else np.zeros(0, np.int32)


def qualified_notes(lengths: np.ndarray, least: float) -> float:
    """QN: share of notes that last at least `least` steps. MuseGAN: 3 steps of 24 a beat, a 32nd note; on a grid of
    sixteenths every note passes that, so there the question is asked of longer ones (say which)."""
    return mean(np.asarray(lengths) >= least)


def drum_pattern(step: np.ndarray, steps_per_beat: int, pattern: int = 8) -> float:
    """DP: share of drum onsets that lie on the beats of an 8-beat or 16-beat rock pattern (eighths or sixteenths).

    step: position of each onset, in steps [onsets]. A grid of sixteenths always keeps to a 16-beat pattern.
    """
    if pattern not in (8, 16):
        raise ValueError(f"a pattern of 8 or 16 beats, not {pattern}")
    return mean(np.asarray(step) * (pattern // 4) % steps_per_beat == 0)


def chroma(held: np.ndarray, lowest: int = 24) -> np.ndarray:
    """Sounding cells [..., steps, pitches] -> how many steps each pitch class sounds, float32 [..., 12]."""
    out = np.zeros((*held.shape[:-2], 12), np.float32)
    for c in range(12):
        out[..., c] = held[..., (c - lowest) % 12 :: 12].sum((-2, -1))
    return out


def tonal_centroid(chroma: np.ndarray) -> np.ndarray:
    """[..., 12] -> [..., 6]: where a chroma vector, scaled to sum 1, lies in Harte's tonal space; nan for silence."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (chroma / chroma.sum(-1, keepdims=True)) @ TONNETZ


def tonal_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance of two tracks' chroma [..., 12] moment by moment, [moments]: only those in which both sound."""
    apart = np.linalg.norm(tonal_centroid(a) - tonal_centroid(b), axis=-1)
    return apart[~np.isnan(apart)]


def tonal_distance(held: np.ndarray, steps: int = 4) -> float:
    """TD: mean distance over all pairs of tracks and all beats (`steps` each) in which both sound.

    held: bool [..., tracks, time, pitches] of the pitched tracks alone.
    """
    beats = held.reshape(*held.shape[:-2], -1, steps, held.shape[-1])
    by_track = np.moveaxis(chroma(beats), -3, 0)  # [tracks, ..., beats, 12]
    pairs = [tonal_distances(by_track[i], by_track[j]) for i in range(len(by_track)) for j in range(i)]
    return mean(np.concatenate(pairs)) if pairs else float("nan")


def polyphony(held: np.ndarray) -> float:
    """Pitches that sound at once, mean over the steps [..., pitches] in which any does."""
    voices = held.sum(-1)
    return mean(voices, voices > 0)


def note_density(onset: np.ndarray) -> float:
    """Onsets in a bar [..., steps, pitches], mean over the bars that have any."""
    notes = onset.sum((-2, -1))
    return mean(notes, notes > 0)


def onset_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Onsets two bars [..., steps, pitches] share, of all that either has, 0..1 [...]; nan where both are empty."""
    both, either = (a & b).sum((-2, -1)), (a | b).sum((-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return both / either


def feature_distance(a: np.ndarray, b: np.ndarray, reference: np.ndarray, dimensions: int = 40) -> float:
    """Fréchet distance of two sets of features [n, F], `reference` [N, F] whitened to `dimensions` principal axes.

    0 for the same Gaussians; two samples of the same music are above 0 by what chance makes of their size.
    """
    centre, scale = reference.mean(0), reference.std(0) + 1e-6
    _, spread, axes = np.linalg.svd((reference - centre) / scale, full_matrices=False)
    axes = axes[:dimensions].T / (spread[:dimensions] / np.sqrt(len(reference)) + 1e-9)
    x, y = ((s - centre) / scale @ axes for s in (a, b))
    cx, cy = np.cov(x.T), np.cov(y.T)
    values, vectors = np.linalg.eigh(cx)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cy @ root), 0)).sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cx) + np.trace(cy) - 2 * shared)
