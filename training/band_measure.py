"""Band measured: what is read from training data to play a generator, and the table of real beside generated.

Everything here looks at phrases as rolls, uint8 0/1 [N, 4 bars, 5 tracks, 2, 16, 72], onset and sounding cells, real
ones cut from songs and generated ones decoded, on the same grid of sixteenths.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from engine.band_model import BARS, LOWEST, PITCHES, STEPS, TRACKS, Band
from training import metrics
from training.band_train import noise
from training.variation_data import TRACKS as NAMES


@torch.no_grad()
def sample(band: Band, genre: np.ndarray, seed: int, batch: int = 250, reach: float = 1.0) -> np.ndarray:
    """Logits of pairs of phrases for genres int [n], float16 [n, 8, 5, 2, 16, 72]."""
    random = torch.Generator().manual_seed(seed)
    hot = torch.eye(len(band.config.genres))
    out = []
    for i in range(0, len(genre), batch):
        mine = hot[torch.from_numpy(genre[i : i + batch])]
        shared, private = noise(band.config, len(mine), random)
        phrase = band.phrase(shared * reach, private * reach, mine.repeat_interleave(2, 0))
        logits = band.decode(phrase)
        out.append(logits.reshape(len(mine), 2 * BARS, *logits.shape[2:]).half().numpy())
    return np.concatenate(out)


def binary(band: Band, logits: np.ndarray, genre: np.ndarray) -> np.ndarray:
    """Logits [n, bars, 5, 2, 16, 72] -> rolls, by the band's thresholds; notes are held only from an onset on."""
    out = np.empty(logits.shape, np.uint8)
    onset_at, held_at = band.onset_at.numpy()[genre], band.held_at.numpy()[genre]  # [n, 5]
    for i in range(0, len(logits), 200):
        part = slice(i, i + 200)
        onset = logits[part, :, :, 0] > onset_at[part, None, :, None, None]
        held = logits[part, :, :, 1] > held_at[part, None, :, None, None]
        out[part] = np.stack([onset, sounding(onset, held)], 3)
    return out


def sounding(onset: np.ndarray, held: np.ndarray) -> np.ndarray:
    """bool [n, bars, 5, 16, 72] twice -> the cells that sound: from an onset while held; a drum's one step alone."""
    n, bars = onset.shape[:2]
    steps = (n, bars * STEPS, TRACKS, PITCHES)
    a, b = (x.transpose(0, 1, 3, 2, 4).reshape(steps) for x in (onset, held))
    out = a.copy()
    for s in range(1, steps[1]):
        out[:, s, 1:] |= out[:, s - 1, 1:] & b[:, s, 1:]
    return out.reshape(n, bars, STEPS, TRACKS, PITCHES).transpose(0, 1, 3, 2, 4)


def per_track(rolls: np.ndarray) -> dict[str, dict[str, float]]:
    """Track -> the measures of its bars, of phrases [N, 4 or 8, 5, 2, 16, 72]; see `training.metrics`."""
    out = {}
    for t, name in enumerate(NAMES):
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
    held = rolls[:, :, 1:, 1].transpose(0, 2, 1, 3, 4).reshape(len(rolls), TRACKS - 1, -1, PITCHES) > 0
    return metrics.tonal_distance(held, 4)


def shuffled(rolls: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same phrases with every track taken from another one: what harmony between tracks is measured against."""
    rng = np.random.default_rng(seed)
    return np.stack([rolls[rng.permutation(len(rolls)), :, t] for t in range(TRACKS)], 2)


def _mean_length(onset: np.ndarray, held: np.ndarray) -> float:
    long = (len(onset), -1, PITCHES)
    lengths = metrics.note_lengths(onset.reshape(long), held.reshape(long))
    return float(np.minimum(lengths, 16).mean()) if len(lengths) else 0.0


REPEAT = 2.0  # exact repeats beyond those of real bars, which also repeat with small changes


@torch.no_grad()
def calibrate(band: Band, real: np.ndarray, real_genre: np.ndarray, seed: int = 1, pairs: int = 150) -> None:
    """Set the band's biases and thresholds so that silences, notes a bar and note lengths are those of real phrases of
    each genre and track (training data), and `clear` so that the tracks agree as well as real ones do."""
    genre = np.repeat(np.arange(len(band.config.genres)), pairs)
    band.clear.zero_()
    set_thresholds(band, real, real_genre, genre, seed)
    # Clearing takes pitch classes away: a track that has too many bears more of it.
    wide, wanted = per_track(binary(band, sample(band, genre, seed), genre)), per_track(real)
    share = torch.tensor([0.0] + [np.nan_to_num(wide[n]["UPC"] / wanted[n]["UPC"], nan=1.0) ** 2 for n in NAMES[1:]])
    target = harmony(real) + 0.035  # clearing costs pitch classes: no more of it than the tracks need
    tried: list[tuple[float, float]] = []
    strength, step = 0.0, 1.0
    for _ in range(6):  # more clearing, nearer together: bisect once the target is passed
        band.clear.copy_(strength * share)
        _thresholds(band, real, real_genre, genre, seed)
        found = harmony(binary(band, sample(band, genre, seed), genre))
        tried.append((strength, found))
        if found <= target and strength == 0:
            break
        below = [s for s, td in tried if td <= target]
        above = [s for s, td in tried if td > target]
        strength = (max(above) + min(below)) / 2 if below else strength + step
        step *= 1.5
    band.clear.copy_(min(tried, key=lambda pair: abs(pair[1] - target))[0] * share)
    _thresholds(band, real, real_genre, genre, seed)


@torch.no_grad()
def set_thresholds(band: Band, real: np.ndarray, real_genre: np.ndarray, genre: np.ndarray, seed: int) -> None:
    """Silences, notes a bar and note lengths from real phrases, measured on phrases generated for genres int [n]."""
    genres = len(band.config.genres)
    random = torch.Generator().manual_seed(seed)
    band.generator.sound_bias.zero_()
    band.again.zero_()
    filled = real[:, :, :, 1].any((-2, -1))  # [N, bars, 5]
    for g in range(genres):
        shared, private = noise(band.config, 1000, random)
        hot = torch.eye(genres)[g].expand(len(shared), -1)
        _, _, sounds, again = band.generator.material(shared, private, hot)
        logits = sounds.reshape(-1, TRACKS).numpy()
        for t in range(TRACKS):
            empty = 1 - filled[real_genre == g][:, :, t].mean()
            band.generator.sound_bias[g, t] = -float(np.quantile(logits[:, t], np.clip(empty, 0.001, 0.999)))
            for k in (0, 1):  # bars that repeat the last one, or the one before it, cell for cell
                rate = REPEAT * repeats(real[real_genre == g][:, :, t], k + 1)
                seen = again[:, k + 1 :, t, k].reshape(-1).numpy()
                band.again[g, t, k] = -float(np.quantile(seen, np.clip(1 - rate, 0.02, 0.999)))
    _thresholds(band, real, real_genre, genre, seed)


def repeats(bars: np.ndarray, back: int) -> float:
    """Share of sounding bars [N, bars, 2, 16, 72] that are cell for cell the one `back` bars before."""
    now, before = bars[:, back:], bars[:, :-back]
    both = now.any((-3, -2, -1)) & before.any((-3, -2, -1))
    return float((now == before).all((-3, -2, -1))[both].mean()) if both.any() else 0.0


def _thresholds(band: Band, real: np.ndarray, real_genre: np.ndarray, genre: np.ndarray, seed: int) -> None:
    band.least.fill_(-30.0)
    logits = sample(band, genre, seed)
    for g in range(len(band.config.genres)):
        mine, theirs = logits[genre == g], real[real_genre == g]
        for t in range(TRACKS):
            onset = theirs[:, :, t, 0] > 0
            bars = max(1, (theirs[:, :, t, 1] > 0).any((-2, -1)).sum())
            cells = mine[:, :, t, 0].astype(np.float32)
            sounding_bars = (cells > -25).any((-2, -1)).sum()
            if not onset.any() or not sounding_bars:
                continue
            notes = int(onset.sum() / bars * sounding_bars)  # as many as real bars would have
            flat = cells.reshape(-1)
            at = float(np.partition(flat, len(flat) - notes)[len(flat) - notes])
            band.onset_at[g, t] = max(at, -12.0)
            if t == 0:
                continue
            made = cells > band.onset_at[g, t].item()
            wanted = _mean_length(onset, theirs[:, :, t, 1] > 0)
            holds = mine[:, :, t, 1].astype(np.float32)
            low, high = -12.0, 4.0
            for _ in range(8):
                middle = (low + high) / 2
                if _mean_length(made, holds > middle) > wanted:
                    low = middle
                else:
                    high = middle
            band.held_at[g, t] = (low + high) / 2

    band.least.copy_(band.onset_at.amax(0) + 0.7)


def copies(rolls: np.ndarray, known: set[bytes], least: int = 12) -> float:
    """Share of two-bar windows [N, bars, 5, 2, 16, 72] (with at least `least` pitched onsets) whose onsets of all five
    tracks are exactly those of two neighbouring bars in `known` (see `two_bars`)."""
    found = [key in known for key in two_bars(rolls, least)]
    return float(np.mean(found)) if found else float("nan")


def two_bars(rolls: np.ndarray, least: int = 12) -> list[bytes]:
    """A key for each two neighbouring bars' onsets in all five tracks, where they have `least` pitched onsets."""
    keys = []
    for b in range(rolls.shape[1] - 1):
        window = rolls[:, b : b + 2, :, 0]
        enough = window[:, :, 1:].sum((1, 2, 3, 4)) >= least
        keys += [hashlib.blake2b(np.packbits(w).tobytes(), digest_size=16).digest() for w in window[enough]]
    return keys
