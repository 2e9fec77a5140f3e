"""Variation: a song's cousins, what might come next, and the walk from one song to another.

    model = load(latent=32)
    vary(model, song, noise=0.7, seed=7)                    the same song, some other way
    variation_extend.extend(model, song, bars=8, seed=7)    what might come next
    walk(model, song, other, steps=5)                       from one song to another
    grid(model, song, noises=(0.5, 1.0), seeds=(1, 2, 3))   many small variations at once

Each bar of each track goes through the VAE of its instrument (engine/variation/vae.py) to a latent distribution
N(mu, sigma), is moved there and comes back as notes. The noise n (0 to 2) is a standard deviation, in the directions in
which the bars of one song differ from one another (L, measured over the training songs), and the moved latent is drawn
back towards the mean m of all music, so that it stays where the decoder knows music:

    z = m + (mu - m + scale n L e) / sqrt(1 + (scale n)^2 / 2)          e: standard normal

Bars that are the same get the same e, so what repeats still repeats, and half of e's variance is shared by all bars of
a track, so that a variation leans one way through the song. Pitch classes foreign to the bars around lose likelihood
(`stay`), as each track's noise knows nothing of the others'. What happens to a bar is engine/variation/cells.py,
continuing is engine/variation/continuation.py.

Trained by `python -m training.variation`; `python -m engine variation --help` plays it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import engine
from engine import Progress, RequestError
from engine.core import checkpoint
from engine.core.fallback import or_on_cpu, placed
from engine.core.pianoroll import STEPS, TRACKS
from engine.core.song import Song
from engine.variation.bars import Sheet, read
from engine.variation.cells import at_home, cells, decoded, encoded, foreign, same_pitches, same_rhythm
from engine.variation.config import DEFAULT_LATENT, KEEPS, LATENTS, MAX_NOISE, PATH
from engine.variation.predictors import NextBar, NextConfig
from engine.variation.vae import Bank

SWEET = (0.5, 1.0)  # the noise at which a variation is another bar of the same song; the cards have the measures
SHARED = 0.5  # share of the noise's variance that all bars of a track have in common
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class VariationModel:
    """Weights of one latent size, frozen; share it between threads freely."""

    bank: Bank
    mean: Mapping[str, Tensor]  # of the training songs' latents, [K]
    spread: Mapping[str, Tensor]  # L: within-song covariance = L L^T, [K, K]
    deviation: Mapping[str, Tensor]  # of the training songs' latents, [K]
    followers: Mapping[str, NextBar]  # "piano" is MelodyNN, the others HarmonyNN
    scale: float  # of the noise
    device: torch.device
    sha256: str

    @property
    def latent(self) -> int:
        """K."""
        return self.bank.latent


class Network(nn.Module):
    """All that a checkpoint holds, under one state dict."""

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self.bank = bank
        k = bank.latent
        self.followers = nn.ModuleDict({t: NextBar(NextConfig(k, led=t != "piano")) for t in TRACKS})
        for track in TRACKS:
            self.register_buffer(f"mean_{track}", torch.zeros(k))
            self.register_buffer(f"spread_{track}", torch.eye(k))
            self.register_buffer(f"deviation_{track}", torch.ones(k))


def load(path: Path | str | None = None, device: str | None = None, *, latent: int = DEFAULT_LATENT) -> VariationModel:
    """The model of a latent size (8, 16, 32 or 64), or of a folder. Refused when it is not there or damaged."""
    if path is None:
        if latent not in LATENTS:
            raise RequestError(f"There is no latent size {latent}; choose 8, 16, 32 or 64.")
        path = PATH / f"k{latent}"
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> VariationModel:
    found = checkpoint.load(path, "variation")
    try:
        network = Network(Bank.from_description(found.model))
        scale = float(found.model["scale"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RequestError(f"{Path(path) / 'config.json'} does not describe five bar VAEs.") from None
    checkpoint.fill(network, found.weights, path)
    return of_network(network, scale, found.sha256, device)


def of_network(network: Network, scale: float, sha256: str = "", device: str | None = None) -> VariationModel:
    """A network (trained a moment ago, or loaded) as a frozen model."""
    on = placed(network, engine.device(device))
    network.eval().requires_grad_(False)
    held = dict(network.named_buffers())
    return VariationModel(
        network.bank,
        {t: held[f"mean_{t}"] for t in TRACKS},
        {t: held[f"spread_{t}"] for t in TRACKS},
        {t: held[f"deviation_{t}"] for t in TRACKS},
        {t: network.followers[t] for t in TRACKS},  # type: ignore[misc]
        scale,
        on,
        sha256,
    )


@or_on_cpu
def vary(
    model: VariationModel,
    song: Song,
    *,
    noise: float | Mapping[str, float] = 0.7,
    seed: int = 0,
    hold: Collection[str] = (),
    bars: tuple[int, int] | None = None,
    keep: str | None = None,
    stay: float = 0.5,
    progress: Progress | None = None,
) -> Song:
    """A variation of a song.

    noise: 0..2 for the band, or by track (those not named stay as they are). hold: tracks that stay as they are. bars:
    the first and last bar (from 1) that vary; the others stay. keep: "rhythm" (pitches vary) or "pitches" (rhythm
    varies). stay: 0..1, how strictly pitches stay in the harmony around. Refused: any of these out of range.
    """
    sheet = read(song)
    levels = _levels(noise, hold)
    changed = np.zeros(sheet.filled.shape, bool)
    changed[:] = sheet.windows_of(_chosen(bars, sheet.bars))
    changed &= sheet.filled & np.array([levels[t] is not None for t in TRACKS])[:, None]
    rolls = varied(model, sheet, changed, levels, seed, keep, stay, progress)
    return replace(sheet.song(rolls, kept=~changed), remarks=remarks_of(song, sheet))


@or_on_cpu
def grid(
    model: VariationModel,
    song: Song,
    *,
    noises: Sequence[float] = (0.5, 1.0, 1.5),
    seeds: Sequence[int] = (0, 1, 2),
    progress: Progress | None = None,
    **settings: object,
) -> list[list[Song]]:
    """Variations for every noise (rows) and seed (columns); `settings` as in `vary`."""
    out, total = [], len(noises) * len(seeds)
    for row, noise in enumerate(noises):
        songs = []
        for column, seed in enumerate(seeds):
            if progress:
                progress(row * len(seeds) + column, total)
            songs.append(vary(model, song, noise=noise, seed=seed, **settings))  # type: ignore[arg-type]
        out.append(songs)
    if progress:
        progress(total, total)
    return out


@or_on_cpu
def walk(
    model: VariationModel,
    song: Song,
    other: Song,
    *,
    steps: int = 5,
    bars: int = 4,
    seed: int = 0,
    stay: float = 0.0,
    progress: Progress | None = None,
) -> list[Song]:
    """`steps` songs of `bars` bars: the first is the song's beginning, the last the other's, evenly spaced in between.

    Latents and tempo go in straight lines; a track that only one of the two plays enters or leaves half way. Both need
    the same meter. The seed changes nothing yet is taken, as by every maker here.
    """
    if not 2 <= steps <= 32:
        raise RequestError(f"A walk takes 2 to 32 steps, not {steps}.")
    if not 1 <= bars <= 64:
        raise RequestError(f"A walk shows 1 to 64 bars a step, not {bars}.")
    if song.meter != other.meter:
        raise RequestError(
            f"The songs differ in meter ({song.meter[0]}/{song.meter[1]} and {other.meter[0]}/{other.meter[1]}); "
            "a walk needs one meter for both."
        )
    ends = [_looped(read(s, what=w), bars) for s, w in ((song, "The song"), (other, "The second song"))]
    at = [[encoded(model, t, sheet.rolls[i])[0] for i, t in enumerate(TRACKS)] for sheet in ends]
    made = []
    for number in range(steps):
        if progress:
            progress(number, steps)
        share = number / (steps - 1)
        near = ends[0] if share < 0.5 else ends[1]
        rolls = np.zeros_like(near.rolls)
        for i, track in enumerate(TRACKS):
            a, b = (torch.from_numpy(sheet.filled[i]).to(model.device)[:, None] for sheet in ends)
            z = torch.lerp(torch.where(a, at[0][i], at[1][i]), torch.where(b, at[1][i], at[0][i]), share)
            sounds = near.filled[i]
            rolls[i, sounds] = cells(model, track, decoded(model, track, z))[sounds]
        tempo = song.tempo * (other.tempo / song.tempo) ** share
        kept = np.full(near.filled.shape, number in (0, steps - 1))
        made.append(near.song(rolls & near.mask, kept=kept).with_tempo(round(tempo, 3)))
    if progress:
        progress(steps, steps)
    return made


def _looped(sheet: Sheet, bars: int) -> Sheet:
    """The first `bars` bars of a sheet, which begins again where it is shorter."""
    beats = sheet.bar_steps / 4
    song, own = sheet.five.excerpt(0, min(bars, sheet.bars) * beats), min(bars, sheet.bars)
    whole = song
    for start in range(own, bars, own):
        whole = whole.followed_by(song.excerpt(0, min(own, bars - start) * beats), at=start * beats)
    rolls = np.concatenate([sheet.rolls] * -(-bars // sheet.bars), 1)[:, : bars * sheet.parts]
    return Sheet(whole, rolls, sheet.bar_steps, sheet.parts)


def _levels(noise: float | Mapping[str, float], hold: Collection[str]) -> dict[str, float | None]:
    """The noise of every track; None where it stays as it is."""
    for name in [*hold, *(noise if isinstance(noise, Mapping) else ())]:
        if name not in TRACKS:
            raise RequestError(f"There is no track '{name}'; choose among {', '.join(TRACKS)}.")
    levels = {t: noise.get(t) if isinstance(noise, Mapping) else noise for t in TRACKS}
    for level in levels.values():
        if level is not None and not 0 <= level <= MAX_NOISE:
            raise RequestError(f"The noise goes from 0 to {MAX_NOISE:g}, not {level:g}.")
    return {t: None if t in hold else levels[t] for t in TRACKS}


def _chosen(bars: tuple[int, int] | None, count: int) -> np.ndarray:
    """Bars from..to (from 1) as bool [count]."""
    if bars is None:
        return np.ones(count, bool)
    first, last = bars
    if not 1 <= first <= last <= count:
        raise RequestError(f"The song has bars 1 to {count}; {first}-{last} are not among them.")
    return (np.arange(count) >= first - 1) & (np.arange(count) < last)


def varied(
    model: VariationModel,
    sheet: Sheet,
    changed: np.ndarray,
    levels: Mapping[str, float | None],
    seed: int,
    keep: str | None,
    stay: float,
    progress: Progress | None,
) -> np.ndarray:
    """The sheet's rolls with the `changed` windows (bool [5, W]) varied."""
    if keep not in (None, *KEEPS):
        raise RequestError(f"What can be kept is the rhythm or the pitches, not '{keep}'.")
    if not 0 <= stay <= 1:
        raise RequestError(f"How strictly pitches stay in the harmony goes from 0 to 1, not {stay:g}.")
    check_seed(seed)
    rolls, home = sheet.rolls.copy(), at_home(sheet)
    for i, track in enumerate(TRACKS):
        if progress:
            progress(i, len(TRACKS))
        windows = np.flatnonzero(changed[i])
        level = levels[track]
        if not len(windows) or level is None:
            continue
        mine = sheet.rolls[i, windows]
        logits = decoded(model, track, _moved(model, track, mine, level, seed))
        if track != "drums":
            logits = logits - foreign(home[windows], stay).to(model.device)
        if keep == "rhythm":
            rolls[i, windows] = same_rhythm(mine, logits[:, 0].cpu().numpy())
        else:
            new = cells(model, track, logits, expected=level > 0)
            rolls[i, windows] = same_pitches(mine, new, track == "drums") if keep == "pitches" else new
    if progress:
        progress(len(TRACKS), len(TRACKS))
    return rolls & sheet.mask


def check_seed(seed: int) -> None:
    """Refused unless it is a whole number from 0 to 2^63 - 1."""
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"A seed is a whole number from 0 to 2^63 - 1, not {seed}.")


def normal(seed: int, *key: object, size: int) -> np.ndarray:
    """Standard normal numbers [size] that depend on the seed and the key alone."""
    digest = hashlib.blake2b(repr((seed, *key)).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(size)


def _moved(model: VariationModel, track: str, rolls: np.ndarray, noise: float, seed: int) -> Tensor:
    """Latents of windows bool [n, 2, 16, 72], moved by the noise: [n, K]."""
    mu = encoded(model, track, rolls)[0]
    if noise == 0:
        return mu
    k = model.latent
    common = normal(seed, track, size=k)
    own = np.stack([normal(seed, track, np.packbits(roll).tobytes(), size=k) for roll in rolls])
    e = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
    push = torch.from_numpy(e.astype(np.float32)).to(model.device) @ model.spread[track].T
    amount, mean = model.scale * noise, model.mean[track]
    return mean + (mu - mean + amount * push) / (1 + amount**2 / 2) ** 0.5


def remarks_of(song: Song, sheet: Sheet) -> tuple[str, ...]:
    said = list(song.remarks)
    if (sheet.bar_steps, sheet.parts) != (STEPS, 1):
        said.append(
            f"The networks learned from bars of 4/4; a bar of {song.meter[0]}/{song.meter[1]} is "
            + ("heard as the beginning of one." if sheet.parts == 1 else f"cut into {sheet.parts} windows.")
        )
    return tuple(said)
