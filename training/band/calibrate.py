"""What is read from training data to play a generator: thresholds, silences, repeats, harmony and variety.

Everything here looks at phrases as rolls, uint8 0/1 [N, BARS, 5 tracks, 2, 16, 72], onset and sounding cells, real
ones cut from songs and generated ones decoded, on the same grid of sixteenths.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.band.config import BARS
from engine.band.network import TRACKS, Band
from engine.core.pianoroll import PITCHES, STEPS
from engine.core.pianoroll import TRACKS as NAMES
from training.band.gan import noise
from training.band.measures import harmony, per_track
from training.core import metrics


@torch.no_grad()
def sample(band: Band, genre: np.ndarray, seed: int, batch: int = 250, reach: float = 1.0) -> np.ndarray:
    """Logits of pairs of phrases for genres int [n], float16 [n, 2 BARS, 5, 2, 16, 72]."""
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


def _mean_length(onset: np.ndarray, held: np.ndarray) -> float:
    long = (len(onset), -1, PITCHES)
    lengths = metrics.note_lengths(onset.reshape(long), held.reshape(long))
    return float(np.minimum(lengths, 16).mean()) if len(lengths) else 0.0


HALVINGS = 7  # of a range in which a measure is met
REPEAT = (0.0, 1.5)  # exact repeats for each onset that real neighbouring bars share; real ones also change a little
CLEAR = (0.0, 3.0)
VARIETY = (-2.0, 6.0)  # drums with less would lose beats, not only colours


@torch.no_grad()
def calibrate(band: Band, real: np.ndarray, real_genre: np.ndarray, seed: int = 1, pairs: int = 150) -> None:
    """Set the band's biases and thresholds so that silences, notes a bar and note lengths are those of real phrases of
    each genre and track (training data); then how often each track's bars repeat, `clear` and `variety`, so that bars
    share as many onsets with the next, tracks agree as well, and bars use as many pitch classes as real ones."""
    genre = np.repeat(np.arange(len(band.config.genres)), pairs)
    wanted, seen = per_track(real), set_silences(band, real, real_genre, seed)
    band.chord_weight.zero_()
    band.pitch_class_boost.zero_()
    repeat = torch.zeros(TRACKS)

    def play() -> np.ndarray:
        _thresholds(band, real, real_genre, genre, seed)
        return binary(band, sample(band, genre, seed), genre).reshape(-1, BARS, *real.shape[2:])

    def of(figures: dict[str, dict[str, float]], measure: str) -> Tensor:
        return torch.tensor([figures[name][measure] for name in NAMES])

    def repeating() -> Tensor:
        set_repeats(band, real, real_genre, seen, repeat)
        return of(per_track(play()), "same")

    bisect_to_target(repeat, REPEAT, repeating, of(wanted, "same"))
    bisect_to_target(band.chord_weight, CLEAR, lambda: torch.tensor(-harmony(play())), torch.tensor(-harmony(real)))
    bisect_to_target(band.pitch_class_boost, VARIETY, lambda: of(per_track(play()), "UPC"), of(wanted, "UPC"))


def bisect_to_target(setting: Tensor, span: tuple[float, float], measure: Callable[[], Tensor], wanted: Tensor) -> None:
    """Halve the span until `measure()`, which rises with `setting` element by element, is as wanted. The last call of
    `measure` is with the setting that stays."""
    low, high = (torch.full_like(setting, end) for end in span)
    for _ in range(HALVINGS):
        setting.copy_((low + high) / 2)
        few = measure() < wanted
        low, high = torch.where(few, setting, low), torch.where(few, high, setting)


@torch.no_grad()
def set_thresholds(band: Band, real: np.ndarray, real_genre: np.ndarray, genre: np.ndarray, seed: int) -> None:
    """Silences, repeats, notes a bar and note lengths from real phrases, measured on phrases for genres int [n]."""
    seen = set_silences(band, real, real_genre, seed)
    set_repeats(band, real, real_genre, seen, torch.full((TRACKS,), sum(REPEAT) / 2))
    _thresholds(band, real, real_genre, genre, seed)


def set_silences(band: Band, real: np.ndarray, real_genre: np.ndarray, seed: int) -> list[list[list[np.ndarray]]]:
    """Set the rates of silent bars. Returns what the neurons for repeating see by genre, track and way back, in bars
    that sound and follow one that does: in others nobody hears what they choose."""
    random = torch.Generator().manual_seed(seed)
    band.generator.sound_bias.zero_()
    filled = real[:, :, :, 1].any((-2, -1))  # [N, bars, 5]
    seen = []
    for g, hot in enumerate(torch.eye(len(band.config.genres))):
        shared, private = noise(band.config, 4000, random)
        _, _, sounds, again = band.generator.material(shared, private, hot.expand(len(shared), -1))
        seen.append([])
        for t in range(TRACKS):
            empty = 1 - filled[real_genre == g][:, :, t].mean()
            bias = -float(np.quantile(sounds[..., t].numpy(), np.clip(empty, 0.001, 0.999)))
            band.generator.sound_bias[g, t] = bias
            on = sounds[..., t] + bias > 0
            seen[g].append([again[:, k:, t, k - 1][on[:, k:] & on[:, :-k]].numpy() for k in (1, 2)])
    return seen


def set_repeats(
    band: Band, real: np.ndarray, real_genre: np.ndarray, seen: list[list[list[np.ndarray]]], repeat: Tensor
) -> None:
    """Bars repeat the last one, or the one before it, `repeat` [5] times as often as real ones share onsets with it."""
    for k in (1, 2):
        alike = metrics.onset_iou(real[:, k:, :, 0] > 0, real[:, :-k, :, 0] > 0)  # [N, bars, 5]
        for g, t in np.ndindex(len(seen), TRACKS):
            both = alike[real_genre == g][:, :, t]
            rate = repeat[t].item() * metrics.mean(both, ~np.isnan(both))
            if len(values := seen[g][t][k - 1]) and rate == rate:  # where the track ever plays two bars
                band.repeat_bias[g, t, k - 1] = -float(np.quantile(values, np.clip(1 - rate, 0.02, 0.999)))


def _thresholds(band: Band, real: np.ndarray, real_genre: np.ndarray, genre: np.ndarray, seed: int) -> None:
    band.min_onset_logit.fill_(-30.0)
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

    band.min_onset_logit.copy_(band.onset_at.amax(0) + 0.7)
