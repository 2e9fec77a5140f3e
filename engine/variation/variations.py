"""Variations of a song: every bar of every track moved through its instrument's latent space, and back.

Each bar of each lane goes through the VAE of its family (vae.py) to a latent distribution N(mu, sigma), is moved there
and comes back as notes. The noise n (0 to 2) is a standard deviation, in the directions in which the bars of one
song differ from one another (L, measured over the training songs), and the moved latent is drawn back towards the mean
m of all music, so that it stays where the decoder knows music:

    z = m + (mu - m + scale n L e) / sqrt(1 + (scale n)^2 / 2)          e: standard normal

and besides as far as the request leans to higher notes or to more of them (leaning.py).

Bars that are the same get the same e, and lose the same (below), so what repeats still repeats, and half of e's
variance is shared by all bars of a track, so that a variation leans one way through the song. Each track's noise knows
nothing of the others', so pitch classes outside the scale of the bars around lose likelihood; and the more a lane is
moved, those that the song did not have in this half bar, and those that the others do not play: the bass is varied
first, and every lane is drawn to what the lanes beside it play by then. A pitched bar keeps about as many notes as it
had, as far as the request does not lean, and chords end together where the song's do: a threshold on each cell alone
would thin them out and fray them. What happens to a bar is codec.py.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine import Progress, RequestError
from engine.core.pianoroll import TRACKS
from engine.core.song import Song, quarters
from engine.variation.bars import BarGrid, family_of, read
from engine.variation.codec import (
    decoded,
    encoded,
    ends_together,
    for_all_alike,
    likely_notes,
    out_of_chord_penalty,
    out_of_scale_penalty,
    same_pitches,
    same_rhythm,
    scale_membership,
    to_notes,
    without_specks,
)
from engine.variation.layout import SIXTEENTHS, Bar
from engine.variation.leaning import directions
from engine.variation.model import Model
from engine.variation.request import Request

FOREIGN, ALONE = 12.0, 4.5  # logits that a pitch class loses at noise 1 that the song or the other lanes do not have
SHARED = 0.5  # share of the noise's variance that all bars of a track have in common


def vary(model: Model, song: Song, request: Request, progress: Progress | None = None) -> Song:
    """A variation of a song, as the request wants it. Refused when its bars are not among the song's."""
    grid = read(song)
    levels, changed = asked_of(grid, request)
    rolls = varied(model, grid, changed, levels, request, progress)
    return replace(grid.song(rolls, kept=~changed), remarks=remarks_of(song, grid))


def asked_of(grid: BarGrid, request: Request) -> tuple[dict[str, float | None], np.ndarray]:
    """The noise of every track, and which windows vary, bool [L, W]. Refused when its bars are not among the song's."""
    levels = levels_of(request)
    changed = np.zeros(grid.filled.shape, bool)
    changed[:] = grid.windows_of(chosen_bars(request.bars, grid))
    changed &= grid.filled & np.array([levels[family] is not None for family in grid.families])[:, None]
    return levels, changed


def levels_of(request: Request) -> dict[str, float | None]:
    """The noise of every track; None where it stays as it is."""
    noise = request.noise
    levels = {t: noise.get(t) if isinstance(noise, Mapping) else noise for t in TRACKS}
    return {t: None if t in request.frozen_tracks else levels[t] for t in TRACKS}


def chosen_bars(bars: tuple[int, ...] | None, grid: BarGrid) -> np.ndarray:
    """Bars from..to (from 1; an upbeat is bar 0) as bool [bars]."""
    number = np.arange(len(grid.layout.bars)) + (not grid.layout.upbeat)
    first, last = bars or (0, grid.bars)
    if last > grid.bars:
        raise RequestError(f"The song has bars 1 to {grid.bars}; {first}-{last} are not among them.")
    return np.asarray((number >= first) & (number <= last))


def varied(
    model: Model,
    grid: BarGrid,
    changed: np.ndarray,
    levels: Mapping[str, float | None],
    request: Request,
    progress: Progress | None = None,
    ways: Mapping[str, Tensor] | None = None,
) -> np.ndarray:
    """The grid's rolls with the `changed` windows (bool [L, W]) varied. ways: the grid's `directions`, if known."""
    rolls, membership = grid.rolls.copy(), scale_membership(grid)
    leaning = max(abs(request.higher), abs(request.busier))
    lean = torch.tensor([request.higher, request.busier], device=model.device)
    steps = {track: lean @ way for track, way in (ways or directions(model, grid)).items()} if leaning else {}
    pitched = np.array([family != "drums" for family in grid.families])
    foreign = None if request.apart else out_of_chord_penalty(grid.rolls[pitched], FOREIGN)
    for done, i in enumerate(sorted(range(len(grid.families)), key=lambda lane: grid.families[lane] != "bass")):
        track = grid.families[i]
        if progress:
            progress(done, len(grid.families))
        windows = np.flatnonzero(changed[i])
        level = levels[track]
        if not len(windows) or level is None:
            continue
        original = grid.rolls[i, windows]
        z = _moved(model, track, grid.keys[i], original, level, request.seed)
        logits, count = _decoded(model, track, z, steps.get(track), original)
        if track != "drums":
            lost = out_of_scale_penalty(membership[windows], request.strength)
            if foreign is not None:
                beside = rolls[pitched & (np.arange(len(rolls)) != i)][:, windows]
                moved = request.strength * max(level, leaning)
                lost = lost + moved * (foreign[windows] + out_of_chord_penalty(beside, ALONE))
            logits = logits - for_all_alike(lost, original).to(model.device)
        if request.preserve == "rhythm":
            rolls[i, windows] = same_rhythm(original, logits[:, 0].cpu().numpy())
        else:
            new = to_notes(model, track, logits, count)
            if track != "drums":
                new = ends_together(without_specks(new, original), original)
            if request.preserve == "pitches":
                new = same_pitches(original, new, track == "drums")
            rolls[i, windows] = new
    if progress:
        progress(len(grid.families), len(grid.families))
    return np.asarray(rolls & grid.mask)


def _decoded(
    model: Model, track: str, z: Tensor, step: Tensor | None, original: np.ndarray
) -> tuple[Tensor, np.ndarray]:
    """Logits of latents [n, K] that lean by a step, if any, and how many notes each is to have, float [n]: as many as
    the window had, but for what the leaning brings; of drums as many as are likely."""
    plain = decoded(model, track, z)
    logits = plain if step is None else decoded(model, track, z + step)
    count = likely_notes(logits)
    if track != "drums":
        count *= original[:, 0].sum((1, 2)) / likely_notes(plain)
    return logits, count


def normal(seed: int, *key: object, size: int) -> np.ndarray:
    """Standard normal numbers [size] that depend on the seed and the key alone."""
    digest = hashlib.blake2b(repr((seed, *key)).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(size)


def _moved(model: Model, track: str, key: str, rolls: np.ndarray, noise: float, seed: int) -> Tensor:
    """Latents of windows bool [n, 2, 16, 72], moved by the noise of this key: [n, K]."""
    mu = encoded(model, track, rolls)[0]
    if noise == 0:
        return mu
    k = model.latent
    common = normal(seed, key, size=k)
    own = np.stack([normal(seed, key, np.packbits(roll).tobytes(), size=k) for roll in rolls])
    e = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
    push = torch.from_numpy(e.astype(np.float32)).to(model.device) @ model.spread[track].T
    amount, mean = model.scale * noise, model.mean[track]
    z: Tensor = mean + (mu - mean + amount * push) / (1 + amount**2 / 2) ** 0.5
    return z


def remarks_of(song: Song, grid: BarGrid) -> tuple[str, ...]:
    """What had to be changed of a song to read it, and how its bars are heard."""
    said = list(song.remarks)
    for beats, unit in dict.fromkeys([song.meter, *(meter for _, meter in song.meter_changes)]):
        parts = len(Bar(0.0, quarters((beats, unit))).cells)
        if beats != unit or parts > 1:
            said.append(
                f"The networks learned from bars of 4/4; a bar of {beats}/{unit} is "
                + ("heard as the beginning of one." if parts == 1 else f"cut into {parts} windows.")
            )
    for division, count in Counter(bar.division for bar in grid.layout.bars if bar.division != SIXTEENTHS).items():
        said.append(f"{_counted(count, 'bar')} in {division.name}, as the notes there are, not in sixteenths.")
    if mixed := grid.layout.mixed(song):
        said.append(f"{_counted(mixed, 'bar')} in two divisions of the beat; new notes there are in one of them.")
    if grid.lost:
        said.append(f"{_counted(grid.lost, 'note')} too close to another for the grid, and not in the bars that vary.")
    effects = [track.name for track in grid.fixed if not family_of(track)]
    if effects:
        said.append(f"What no network plays, percussion and effects, stays as it is: {_listed(effects)}.")
    if more := [track.name for track in grid.fixed if family_of(track)]:
        said.append(f"{len(grid.families)} instruments are varied; these stay as they are: {_listed(more)}.")
    return tuple(said)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s are' if count > 1 else ' is'}"
