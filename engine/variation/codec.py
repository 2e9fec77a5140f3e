"""Bars through Variation's networks and back to notes, and what a variation may be held to.

mu, logvar = encoded(model, track, rolls)            bool [n, 2, 16, 72] -> latents [n, K]
to_notes(model, track, decoded(model, track, z))     latents -> onsets and sounding cells
scale_membership, out_of_scale_penalty               pitch classes outside the scale of the bars around lose
for_all_alike                                        what repeats loses the same, and so still repeats
ends_together, without_specks                        chords end as the song's do, no short note stands alone
same_rhythm, same_pitches                            one of the two stays as it was
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.core.pianoroll import PITCHES, STEPS, note_ends
from engine.variation.bars import BarGrid, extent

if TYPE_CHECKING:
    from engine.variation.model import Model

OUT_OF_SCALE = 5.0  # logits that a pitch class outside the scale of the bars around loses at strength 1
NEAR = 0.25  # of the time of the pitch class that sounds longest, from which on another is at home
LEAST = 0.05  # the lowest chance at which a note may sound
TOGETHER = 0.5  # share of a lane's chords that end together, from which on all do
NEIGHBOURS = 3  # steps on either side within which the lane has another note, or a short one stands alone
AROUND = 4  # bars on either side that say which pitch classes are at home


@torch.inference_mode()
def encoded(model: Model, track: str, rolls: np.ndarray) -> tuple[Tensor, Tensor]:
    """bool [n, 2, 16, 72] -> mu, logvar [n, K]."""
    return model.bank[track].encode(torch.from_numpy(rolls.astype(np.float32)).to(model.device))


@torch.inference_mode()
def decoded(model: Model, track: str, z: Tensor) -> Tensor:
    """[n, K] -> logits [n, 2, 16, 72]."""
    return model.bank[track].decode(z)


def likely_notes(logits: Tensor) -> np.ndarray:
    """logits [n, 2, 16, 72] -> how many notes a window's chances add up to, float [n]."""
    return np.asarray(torch.sigmoid(logits[:, 0]).sum((1, 2)).cpu())


def to_notes(model: Model, track: str, logits: Tensor, count: np.ndarray | None = None) -> np.ndarray:
    """logits [n, 2, 16, 72] -> bool cells: onsets and sounding (onsets included).

    count: where a window's chances are spread thin, the threshold falls (to no less than LEAST) until it has about so
    many notes, float [n], one at least; a fixed one would leave noisy bars too empty.
    """
    chance = torch.sigmoid(logits).cpu().numpy()
    least = np.full(len(chance), model.bank.thresholds[track])
    if count is not None:
        ranked = -np.sort(-chance[:, 0].reshape(len(chance), -1), axis=1)
        last = np.clip(np.round(count).astype(int), 1, ranked.shape[1]) - 1
        least = np.minimum(least, np.maximum(LEAST, ranked[np.arange(len(ranked)), last]))
    onsets = chance[:, 0] >= least[:, None, None]
    sounding = onsets if track == "drums" else onsets | (chance[:, 1] >= 0.5)
    return np.stack([onsets, sounding], 1)


def scale_membership(grid: BarGrid) -> np.ndarray:
    """How much at home each pitch class is in each window, float [W, 12] of 0..1, from the bars around."""
    cells = extent(grid.rolls[[family != "drums" for family in grid.families], :, 1]).sum(0)  # [W, 12]
    total = np.concatenate([np.zeros((1, 12), int), np.cumsum(cells, 0)])
    reach = AROUND * grid.layout.usual_parts
    low = np.maximum(np.arange(len(cells)) - reach, 0)
    high = np.minimum(np.arange(len(cells)) + reach + 1, len(cells))
    near = total[high] - total[low]
    share = near / np.maximum(near.max(1, keepdims=True), 1)
    return np.where(cells > 0, 1.0, np.minimum(1.0, share / NEAR))


def out_of_scale_penalty(membership: np.ndarray, strength: float) -> Tensor:
    """What each pitch loses, float [n, 1, 1, 72] logits, from `scale_membership`'s [n, 12]."""
    loss = OUT_OF_SCALE * strength * (1 - np.tile(membership, (1, PITCHES // 12)))  # row 0 is a C
    return torch.from_numpy(loss.astype(np.float32))[:, None, None]


def out_of_chord_penalty(others: np.ndarray, most: float) -> Tensor:
    """What each pitch loses where these lanes play in the half window, bool [lanes, n, 2, 16, 72]: float32 [n, 1, 16,
    72] logits, at `most` where they do not play its class. Nothing where nobody does."""
    halves = others[:, :, 1].reshape(len(others), -1, 2, STEPS // 2, PITCHES // 12, 12).sum((0, 3, 4))  # [n, 2, 12]
    share = halves / np.maximum(halves.max(-1, keepdims=True), 1)
    membership = np.where(halves.any(-1, keepdims=True), np.minimum(1.0, share / NEAR), 1.0)
    loss = np.repeat(np.tile(most * (1 - membership), (1, 1, PITCHES // 12)), STEPS // 2, 1)
    return torch.from_numpy(loss.astype(np.float32))[:, None]


def for_all_alike(lost: Tensor, rolls: np.ndarray) -> Tensor:
    """What windows lose, [n, …], as the mean over those that are the same in the song, bool [n, 2, 16, 72]."""
    packed = np.packbits(rolls.reshape(len(rolls), -1), axis=1)
    _, group, count = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    index = torch.from_numpy(group.ravel())
    mean = torch.zeros(len(count), *lost.shape[1:]).index_add_(0, index, lost)
    return (mean / torch.from_numpy(count).view(-1, *[1] * (lost.ndim - 1)))[index]


def _ends(rolls: np.ndarray) -> np.ndarray:
    """The step at which a note that begins in a cell stops within its window: int [n, 16, 72]."""
    onsets, sounding = rolls.transpose(1, 2, 0, 3).reshape(2, STEPS, -1)
    return np.asarray(note_ends(onsets, sounding).reshape(STEPS, len(rolls), PITCHES).transpose(1, 0, 2))


def _share_together(rolls: np.ndarray) -> np.ndarray:
    """How many of a window's chords end together, of all that it has, int [n, 2]."""
    onsets, ends = rolls[:, 0], _ends(rolls)
    first = np.where(onsets, ends, STEPS).min(-1)
    last = np.where(onsets, ends, 0).max(-1)
    chord = onsets.sum(-1) > 1
    return np.stack([(chord & (first == last)).sum(1), chord.sum(1)], 1)


def ends_together(varied: np.ndarray, rolls: np.ndarray) -> np.ndarray:
    """The variation with notes that begin together ending together, at their median, where the window's chords in the
    song mostly do, or where it has none the lane's. Both bool [n, 2, 16, 72]."""
    own = _share_together(rolls)
    together, chords = np.where(own[:, 1:] > 0, own, own.sum(0)).T
    chosen = together > TOGETHER * chords
    onsets, ends = varied[:, 0], _ends(varied)
    size = onsets.sum(-1)
    middle = np.maximum(size - 1, 0) // 2
    median = np.take_along_axis(np.sort(np.where(onsets, ends, STEPS), -1), middle[..., None], -1)
    again = _ends(np.stack([onsets, np.ones_like(onsets)], 1))  # the next note of the pitch
    moved = chosen[:, None, None] & (size > 1)[..., None]
    ends = np.where(moved, np.minimum(median, again), ends)
    until, sounding = np.zeros(ends[:, 0].shape, int), varied[:, 1].copy()
    struck = np.logical_or.accumulate(onsets, 1)
    for step in range(STEPS):
        until = np.where(onsets[:, step], ends[:, step], until)
        sounding[:, step] = np.where(struck[:, step], until > step, sounding[:, step])
    return np.stack([onsets, sounding], 1)


def without_specks(varied: np.ndarray, rolls: np.ndarray) -> np.ndarray:
    """The variation without new notes of one step that stand alone beside what else the window has. Both bool
    [n, 2, 16, 72]."""
    onsets = varied[:, 0]
    struck = onsets.any(-1)
    padded = np.pad(struck, ((0, 0), (NEIGHBOURS, NEIGHBOURS)))
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1, 1).sum(-1) - struck
    alone = (onsets.sum(-1) == 1) & (near == 0) & (struck.sum(1, keepdims=True) > 1)
    short = _ends(varied) == np.arange(1, STEPS + 1)[:, None]
    specks = onsets & alone[..., None] & short & ~rolls[:, 0]
    return np.asarray(varied & ~specks[:, None])


def same_rhythm(rolls: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Every note at its time and with its length, at the likeliest pitches. [n, 2, 16, 72], logits [n, 16, 72]."""
    out = np.zeros_like(rolls)
    for new, old, score in zip(out, rolls, logits):
        ends = note_ends(old[0], old[1])
        for step in range(STEPS):
            pitches = np.flatnonzero(old[0, step])
            if len(pitches):
                chosen = np.sort(np.argsort(-score[step], kind="stable")[: len(pitches)])
                for was, row in zip(pitches, chosen):
                    new[0, step, row] = True
                    new[1, step : ends[step, was], row] = True
        free = ~old[0].any(0) & ~new[0].any(0)
        new[1, :, free] |= old[1, :, free]  # what is held over from the bar before goes on
    return out


def same_pitches(rolls: np.ndarray, varied: np.ndarray, drums: bool) -> np.ndarray:
    """The chords and notes of the bars in their order, at the onsets of the variation. Both bool [n, 2, 16, 72]."""
    out = np.zeros_like(rolls)
    for new, old, other in zip(out, rolls, varied):
        if drums:
            new[:] = other & old[0].any(0)  # the same drums, elsewhere
            continue
        chords = old[0][old[0].any(1)]
        times = np.flatnonzero(other[0].any(1))
        if not len(chords) or not len(times):
            new[:] = old
            continue
        for number, step in enumerate(times):
            chord = chords[number * len(chords) // len(times)]
            until = times[number + 1] if number + 1 < len(times) else STEPS
            length = 1
            while step + length < until and other[1, step + length].any():
                length += 1
            new[0, step, chord] = True
            new[1, step : step + length, chord] = True
    return out
