"""What might come next: by the band's player (played.py), or MelodyNN writes the lead's next bar and HarmonyNN the
others' to it, bar after bar.

    extend(model, song, request) -> the song with `continue_bars` bars more

The pointers of predictors.py are read as chances: at a temperature above 0 each new bar draws the bar that
it goes back to, with the same draw for all tracks, so that the band goes back together; its latent is that bar's, plus
the difference that the network gives, plus a little noise. The VAE hears each new bar before the next is written.
Where a song has no piano, the lane that carries the melody leads in its place, through the piano's networks; of several
pianos the busiest leads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine import Progress
from engine.core.pianoroll import PITCHES, STEPS
from engine.core.song import Song, quarters
from engine.variation.bars import BarGrid, read
from engine.variation.codec import decoded, encoded, out_of_scale_penalty, scale_membership, to_notes
from engine.variation.model import Model
from engine.variation.played import METERS, history, meter_of, play_on
from engine.variation.predictors import HISTORY
from engine.variation.request import NETWORKS, PLAYER, Request
from engine.variation.variations import normal, remarks_of

NAMES = ", ".join(f"{beats}/{unit}" for beats, unit in METERS)
RESTLESS = 0.25  # noise of a new bar at temperature 1, in the units of `vary`


def lead_of(grid: BarGrid) -> int | None:
    """The lane that leads: a piano where one plays; else the highest of those that play often; None of drums alone."""
    often = grid.filled.mean(1)
    pianos = [i for i, family in enumerate(grid.families) if family == "piano" and often[i]]
    if pianos:
        return max(pianos, key=lambda i: float(often[i]))
    pitched = [i for i, family in enumerate(grid.families) if family != "drums"]
    playing = [i for i in pitched if often[i] >= 0.5 * max(often[pitched]) and often[i]]

    def height(lane: int) -> float:
        onsets = grid.rolls[lane, :, 0]
        tops = onsets.shape[-1] - 1 - onsets[..., ::-1].argmax(-1)
        return float(tops[onsets.any(-1)].mean()) if onsets.any() else -1.0

    return max(playing, key=height, default=None)


@dataclass
class Memory:
    """The last eight windows of a track as a NextBar reads them: [1, 8, 2K + 1], oldest first."""

    rows: Tensor
    known: Tensor  # bool [1, 8], which of them exist: a song begins somewhere

    def add(self, row: Tensor) -> None:
        """Take in a new window's features [2K + 1] and forget the oldest."""
        self.rows = torch.cat([self.rows[:, 1:], row[None, None]], 1)
        self.known = torch.cat([self.known[:, 1:], torch.ones_like(self.known[:, :1])], 1)


def features(model: Model, track: str, rolls: np.ndarray) -> Tensor:
    """Windows bool [n, 2, 16, 72] -> [n, 2K + 1]: mu and logvar in units of the training songs', and "is silent"."""
    mu, logvar = encoded(model, track, rolls)
    deviation = model.deviation[track]
    silent = torch.from_numpy(~rolls.any((1, 2, 3))).to(model.device)[:, None]
    known = torch.cat([(mu - model.mean[track]) / deviation, logvar - 2 * torch.log(deviation)], -1)
    return torch.cat([known.masked_fill(silent, 0.0), silent.float()], -1)


def remember(model: Model, track: str, rolls: np.ndarray) -> Memory:
    """The memory after these windows."""
    last = features(model, track, rolls[-HISTORY:])
    rows = torch.zeros(1, HISTORY, 2 * model.latent + 1, device=model.device)
    rows[0, HISTORY - len(last) :] = last
    known = torch.zeros(1, HISTORY, dtype=torch.bool, device=model.device)
    known[0, HISTORY - len(last) :] = True
    return Memory(rows, known)


class _Band:
    """The tracks that play on: who leads, which network writes each, and what each remembers."""

    def __init__(self, model: Model, grid: BarGrid) -> None:
        self.model = model
        self.lead = lead_of(grid)
        self.network = ["piano" if i == self.lead else family for i, family in enumerate(grid.families)]
        self.keys = grid.keys
        sounding = np.flatnonzero(grid.filled.any(1)).tolist()
        self.order = [*([] if self.lead is None else [self.lead]), *(i for i in sounding if i != self.lead)]
        self.memory = {i: remember(model, self.network[i], grid.rolls[i]) for i in self.order}
        self.silence = Memory(
            torch.zeros(1, HISTORY, 2 * model.latent + 1, device=model.device), torch.ones(1, HISTORY).bool()
        )
        self.silence.rows[..., -1] = 1.0

    def lead_rows(self) -> Tensor:
        """mu and "is silent" of the lead's last eight windows [1, 8, K + 1]; of drums alone: silence."""
        rows = (self.silence if self.lead is None else self.memory[self.lead]).rows
        return torch.cat([rows[..., : self.model.latent], rows[..., -1:]], -1)

    def latent(self, lane: int, lead: Tensor | None, number: int, request: Request, draw: np.ndarray) -> Tensor | None:
        """The latent of a lane's next window [1, K], `lead` [1, 9, K + 1] given; None where it is silent.

        draw: Gumbel noise [8], the same for the band, so that it goes back together.
        """
        model, network, own = self.model, self.network[lane], self.memory[lane]
        with torch.inference_mode():
            mean, sounds, pointer = model.predictors[network](own.rows, own.known, lead)
        if float(sounds[0]) <= 0:
            return None
        z: Tensor = mean
        k, temperature = model.latent, request.temperature
        if temperature > 0:
            chances = torch.log(pointer[0].clamp_min(1e-9)).cpu().numpy() / temperature + draw
            chosen = int(chances.argmax())
            z = mean - (pointer[..., None] * own.rows[..., :k]).sum(1) + own.rows[:, chosen, :k]
        z = z * model.deviation[network] + model.mean[network]
        if temperature > 0:
            e = normal(request.seed, self.keys[lane], "next", number, size=k).astype(np.float32)
            push = torch.from_numpy(e).to(model.device) @ model.spread[network].T
            z = z + RESTLESS * temperature * model.scale * push
        return z


def extend(
    model: Model, song: Song, request: Request, progress: Progress | None = None
) -> tuple[Song, str, dict[str, str]]:
    """The song and `request.continue_bars` bars more, the sha256 of the weights that wrote them, and who led."""
    grid = read(song)
    said = remarks_of(song, grid)
    if request.by == PLAYER:
        count = history(grid, meter_of(song))
        if count:
            from engine import player  # here, because it brings numba

            band = player.load()
            made, more = play_on(model, band, grid, count, request, progress)
            whole = hashlib.sha256((model.sha256 + band.sha256).encode()).hexdigest()
            return replace(made, remarks=(*said, *more)), whole, {"by": PLAYER}
        said = (*said, f"The player knows whole bars of {NAMES}: MelodyNN and HarmonyNN go on in its place.")
    made, lead = predicted(model, grid, request, progress)
    name = "none" if lead is None else grid.lanes.tracks[lead].name
    return replace(made, remarks=(*said, *_remarks(grid, lead))), model.sha256, {"by": NETWORKS, "lead": name}


def predicted(
    model: Model, grid: BarGrid, request: Request, progress: Progress | None = None
) -> tuple[Song, int | None]:
    """The grid's song and `request.continue_bars` bars more by MelodyNN and HarmonyNN, and the lane that leads.
    temperature 0 gives the networks' mean, more wanders further."""
    assert request.continue_bars is not None
    band = _Band(model, grid)
    changes = grid.lanes.meter_changes
    layout = grid.layout.more(request.continue_bars, quarters(changes[-1][1] if changes else grid.lanes.meter))
    known, more = grid.layout.windows, layout.windows - grid.layout.windows
    rolls = np.concatenate([grid.rolls, np.zeros((len(grid.families), more, 2, STEPS, PITCHES), bool)], 1)
    mask = (layout.at >= 0)[:, None, :, None]
    membership = scale_membership(replace(grid, rolls=grid.rolls[:, -HISTORY:]))[-1:]
    for number in range(more):
        if progress:
            progress(number, more)
        draw = -np.log(-np.log(np.random.default_rng([request.seed, number]).random(HISTORY)))
        lead_rows = band.lead_rows()
        lead_new = lead_rows[:, -1:]
        written: dict[int, Tensor] = {}
        for lane in band.order:
            lead = None if lane == band.lead else torch.cat([lead_rows, lead_new], 1)
            z = band.latent(lane, lead, number, request, draw)
            roll = np.zeros((1, 2, STEPS, PITCHES), bool)
            network = band.network[lane]
            if z is not None:
                logits = decoded(model, network, z)
                if network != "drums":
                    logits = logits - out_of_scale_penalty(membership, request.strength).to(model.device)
                roll = to_notes(model, network, logits) & mask[known + number]
            rolls[lane, known + number] = roll[0]
            written[lane] = features(model, network, roll)[0]
            if lane == band.lead:
                lead_new = torch.cat([written[lane][: model.latent], written[lane][-1:]])[None, None]
        for lane, row in written.items():
            band.memory[lane].add(row)
    if progress:
        progress(more, more)
    return grid.song(rolls, kept=np.ones(grid.filled.shape, bool), layout=layout), band.lead


def _remarks(grid: BarGrid, lead: int | None) -> list[str]:
    """What has to be said of who leads."""
    if lead is None:
        return ["There are only drums: they go on without a melody to follow."] if grid.sounds("drums") else []
    if grid.families[lead] == "piano":
        return []
    name = grid.lanes.tracks[lead].name
    return [f"There is no piano: {name if name != grid.families[lead] else f'the {name}'} leads in its place."]
