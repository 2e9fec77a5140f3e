"""What might come next: MelodyNN writes the lead's next bar, HarmonyNN the others' to it, bar after bar.

    extend(model, song, bars=8, seed=7) -> Song     the song with bars more

The pointers of predictors.py are read as chances: at a temperature above 0 each new bar draws the bar that
it goes back to, with the same draw for all tracks, so that the band goes back together; its latent is that bar's, plus
the difference that the network gives, plus a little noise. The VAE hears each new bar before the next is written.
Where a song has no piano, the track that carries the melody leads in its place, through the piano's networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine import Progress, RequestError
from engine.core.fallback import or_on_cpu
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.variation.bars import Sheet, places, read
from engine.variation.cells import at_home, cells, decoded, encoded, foreign
from engine.variation.config import MAX_BARS
from engine.variation.generate import VariationModel, check_seed, normal, remarks_of
from engine.variation.predictors import HISTORY

PITCHED = TRACKS[1:]
RESTLESS = 0.25  # noise of a new bar at temperature 1, in the units of `vary`


def lead_of(sheet: Sheet) -> str | None:
    """Who leads: the piano where it plays; else the highest of those that play often; None of drums alone."""
    often = dict(zip(TRACKS, sheet.filled.mean(1)))
    if often["piano"]:
        return "piano"
    playing = [t for t in PITCHED if often[t] >= 0.5 * max(often[p] for p in PITCHED) and often[t]]

    def height(track: str) -> float:
        onsets = sheet.rolls[TRACKS.index(track), :, 0]
        tops = onsets.shape[-1] - 1 - onsets[..., ::-1].argmax(-1)
        return float(tops[onsets.any(-1)].mean()) if onsets.any() else -1.0

    return max(playing, key=height, default=None)


@dataclass
class Memory:
    """The last eight windows of a track as a NextBar reads them: [1, 8, 2K + 1], oldest first."""

    rows: Tensor
    there: Tensor  # bool [1, 8]

    def add(self, row: Tensor) -> None:
        """Take in a new window's features [2K + 1] and forget the oldest."""
        self.rows = torch.cat([self.rows[:, 1:], row[None, None]], 1)
        self.there = torch.cat([self.there[:, 1:], torch.ones_like(self.there[:, :1])], 1)


def features(model: VariationModel, track: str, rolls: np.ndarray) -> Tensor:
    """Windows bool [n, 2, 16, 72] -> [n, 2K + 1]: mu and logvar in units of the training songs', and "is silent"."""
    mu, logvar = encoded(model, track, rolls)
    deviation = model.deviation[track]
    silent = torch.from_numpy(~rolls.any((1, 2, 3))).to(model.device)[:, None]
    known = torch.cat([(mu - model.mean[track]) / deviation, logvar - 2 * torch.log(deviation)], -1)
    return torch.cat([known.masked_fill(silent, 0.0), silent.float()], -1)


def remember(model: VariationModel, track: str, rolls: np.ndarray) -> Memory:
    """The memory after these windows."""
    last = features(model, track, rolls[-HISTORY:])
    rows = torch.zeros(1, HISTORY, 2 * model.latent + 1, device=model.device)
    rows[0, HISTORY - len(last) :] = last
    there = torch.zeros(1, HISTORY, dtype=torch.bool, device=model.device)
    there[0, HISTORY - len(last) :] = True
    return Memory(rows, there)


@or_on_cpu
def extend(
    model: VariationModel,
    song: Song,
    *,
    bars: int = 8,
    seed: int = 0,
    temperature: float = 1.0,
    stay: float = 0.5,
    progress: Progress | None = None,
) -> Song:
    """The song and `bars` bars more. temperature 0..2: 0 gives the networks' mean, more wanders further."""
    if not 1 <= bars <= MAX_BARS:
        raise RequestError(f"A song can be continued by 1 to {MAX_BARS} bars, not {bars}.")
    if not 0 <= temperature <= 2:
        raise RequestError(f"The temperature goes from 0 to 2, not {temperature:g}.")
    if not 0 <= stay <= 1:
        raise RequestError(f"How strictly pitches stay in the harmony goes from 0 to 1, not {stay:g}.")
    check_seed(seed)
    sheet = read(song)
    lead = lead_of(sheet)
    part = {t: TRACKS.index(t) for t in TRACKS}
    net = {t: "piano" if t == lead else t for t in TRACKS}  # the networks that write each track
    order = [*([lead] if lead else []), *(t for t in TRACKS if t != lead and sheet.filled[part[t]].any())]
    memory = {t: remember(model, net[t], sheet.rolls[part[t]]) for t in order}
    silence = Memory(torch.zeros(1, HISTORY, 2 * model.latent + 1, device=model.device), torch.ones(1, HISTORY).bool())
    silence.rows[..., -1] = 1.0
    k, more = model.latent, bars * sheet.parts
    rolls = np.concatenate([sheet.rolls, np.zeros((len(TRACKS), more, 2, 16, 72), bool)], 1)
    mask = (places(rolls.shape[1], sheet.bar_steps, sheet.parts) >= 0)[:, None, :, None]
    home = at_home(replace(sheet, rolls=sheet.rolls[:, -HISTORY:]))[-1:]
    for number in range(more):
        if progress:
            progress(number, more)
        draw = -np.log(-np.log(np.random.default_rng([seed, number]).random(HISTORY)))  # Gumbel, one for the band
        lead_memory = memory[lead] if lead else silence
        lead_rows = torch.cat([lead_memory.rows[..., :k], lead_memory.rows[..., -1:]], -1)
        lead_new = lead_rows[:, -1:]  # of drums alone: silence
        written: dict[str, Tensor] = {}
        for track in order:
            own = memory[track]
            with torch.inference_mode():
                led = None if track == lead else torch.cat([lead_rows, lead_new], 1)
                mean, sounds, pointer = model.followers[net[track]](own.rows, own.there, led)
            roll = np.zeros((1, 2, 16, 72), bool)
            if float(sounds[0]) > 0:
                z = mean
                if temperature > 0:
                    chances = torch.log(pointer[0].clamp_min(1e-9)).cpu().numpy() / temperature + draw
                    chosen = int(chances.argmax())
                    z = mean - (pointer[..., None] * own.rows[..., :k]).sum(1) + own.rows[:, chosen, :k]
                z = z * model.deviation[net[track]] + model.mean[net[track]]
                if temperature > 0:
                    e = normal(seed, track, "next", number, size=k).astype(np.float32)
                    push = torch.from_numpy(e).to(model.device) @ model.spread[net[track]].T
                    z = z + RESTLESS * temperature * model.scale * push
                logits = decoded(model, net[track], z)
                if track != "drums":
                    logits = logits - foreign(home, stay).to(model.device)
                roll = cells(model, net[track], logits) & mask[sheet.rolls.shape[1] + number]
            rolls[part[track], sheet.rolls.shape[1] + number] = roll[0]
            written[track] = features(model, net[track], roll)[0]
            if track == lead:
                lead_new = torch.cat([written[track][:k], written[track][-1:]])[None, None]
        for track, row in written.items():
            memory[track].add(row)
    if progress:
        progress(more, more)
    remarks = list(remarks_of(song, sheet))
    if lead and lead != "piano":
        does = "carry the melody and lead" if lead == "strings" else "carries the melody and leads"
        remarks.append(f"There is no piano: the {lead} {does} in its place.")
    if not lead:
        remarks.append("There are only drums: they go on without a melody to follow.")
    return replace(sheet.song(rolls, kept=np.ones(sheet.filled.shape, bool)), remarks=tuple(remarks))
