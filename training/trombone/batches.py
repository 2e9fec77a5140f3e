"""Batches of the trombone: truncated backpropagation through time, with what its history is made of as the lesson.

    prepared arrays  →  lanes [B] that each play one note after another, a chunk of T samples a step, state carried
                     →  cross-entropy on the samples that exist (masked beyond a note's end), in bits a sample

Teacher forcing alone gives a network that copies its history and falls apart on its own. So the history that it reads
is not the one that it must predict: noise, spans swapped for the prior, and where asked for (`--self-play`) the
network's own earlier playing of the same note, in the manner of DAgger (Ross et al. 2011), while the target stays the
recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.trombone.conditions import (
    DYNAMICS,
    HOP,
    PHASES,
    PITCHES,
    STATIC,
    TIMES,
    clock_features,
    loudness_features,
    phase_features,
    static_features,
)
from engine.trombone.config import AFTER, BEFORE, compand, emphasised
from engine.trombone.network import SampleRNN, from_level, to_level
from engine.trombone.takes import TakeTables


@dataclass
class Notes:
    """The prepared arrays, read only."""

    samples: np.ndarray
    phase: np.ndarray
    own: np.ndarray
    table: np.ndarray
    loudness: np.ndarray
    index: dict[str, np.ndarray]
    takes: TakeTables | None = None  # until they are fitted, as prepare does in the end

    @classmethod
    def open(cls, folder: Path) -> Notes:
        index = dict(np.load(folder / "notes.npz"))
        parts = [np.load(folder / f"{name}.npy") for name in ("samples", "phase", "own", "table", "loudness")]
        takes = folder / "takes.npz"
        return cls(*parts, index=index, takes=TakeTables(**np.load(takes)) if takes.exists() else None)

    def frames(self, note: int) -> int:
        return int(self.index["offsets"][note + 1] - self.index["offsets"][note])

    def part(self, array: np.ndarray, note: int, start: int, count: int) -> np.ndarray:
        """`count` samples of a note from `start`, zero beyond its ends."""
        first, last = self.index["offsets"][note], self.index["offsets"][note + 1]
        out = np.zeros(count, array.dtype)
        low, high = max(first, first + start), min(last, first + start + count)
        if high > low:
            out[low - first - start : high - first - start] = array[low:high]
        return out

    def curve(self, note: int) -> np.ndarray:
        first, last = self.index["loudness_offsets"][note], self.index["loudness_offsets"][note + 1]
        return self.loudness[first:last]

    def pitch(self, note: int) -> float:
        return float(self.index["midi"][note] + self.index["cents"][note] / 100)


@dataclass(frozen=True)
class Batch:
    """One chunk of each lane: tensors as SampleRNN.forward takes them, and the targets."""

    history: torch.Tensor  # int64 [B, H + T - 1], what the network reads
    target: torch.Tensor  # int64 [B, T]
    mask: torch.Tensor  # float32 [B, T], 1 where the note exists
    features: torch.Tensor  # [B, T / 16, C]
    sample_features: torch.Tensor  # [B, T, S]
    prior: torch.Tensor  # [B, 16 + T]
    fresh: torch.Tensor  # bool [B], lanes whose note begins

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def thesis_only(features: np.ndarray) -> np.ndarray:
    """Frame features with all but note and counters (and dynamic) blanked: the thesis's conditioning."""
    kept = np.zeros_like(features)
    until = STATIC + 2 * len(TIMES)
    kept[..., :until] = features[..., :until]
    return kept


class TBPTTBatcher:
    """B lanes over a set of notes. Deterministic from its generator; `corrupt` False gives plain teacher forcing."""

    def __init__(
        self, notes: Notes, which: np.ndarray, model: SampleRNN, batch: int, chunk: int, rng: np.random.Generator,
        corrupt: bool = True, once: bool = False,
    ) -> None:  # fmt: skip
        self.notes, self.config, self.chunk, self.rng = notes, model.config, chunk, rng
        self.corrupt, self.once = corrupt, once
        self.which = rng.permutation(which) if corrupt else np.asarray(which)
        self.next = 0
        self.note, self.at = np.full(batch, -1), np.zeros(batch, np.int64)
        self.gain_db, self.noise = np.zeros(batch), np.zeros(batch)
        self.from_table = np.zeros(batch, np.int64)  # 0 the note's own prior, 1 the table's
        self.own_play = np.zeros(batch, bool)
        self.played: dict[int, np.ndarray] = {}  # lane → levels of the note it reads as it was played
        self.bank: dict[int, tuple[np.ndarray, float, int]] = {}  # note → levels, gain_db, from_table
        self.bank_share = 0.0

    def _begin(self, lane: int) -> None:
        if self.next >= len(self.which):
            if self.once:
                self.note[lane] = -1
                return
            self.which, self.next = self.rng.permutation(self.which), 0
        note = int(self.which[self.next])
        self.next += 1
        played = self.corrupt and bool(self.bank) and self.rng.random() < self.bank_share
        if played:
            note = int(self.rng.choice(list(self.bank)))
        self.note[lane], self.at[lane], self.own_play[lane] = note, 0, False
        self.gain_db[lane], self.noise[lane], self.from_table[lane] = 0.0, 0.0, 1
        if self.corrupt:
            self.gain_db[lane] = self.rng.uniform(-5, 1)
            self.from_table[lane] = self.rng.random() < 0.5
            level = self.rng.random()
            self.noise[lane] = 0 if level < 0.2 else 0.002 * (20 ** self.rng.random())  # companded, up to 0.04
            if played:
                self.own_play[lane] = True
                self.played[lane], self.gain_db[lane], self.from_table[lane] = self.bank[note]

    def __call__(self) -> Batch | None:
        """The next chunk of every lane; None when `once` and all notes are done."""
        c, t = self.config, self.chunk
        h, w = c.frame * c.ratio, c.frame
        count = len(self.note)
        x, p = np.zeros((count, 1 + h + t), np.float32), np.zeros((count, 1 + h + t + AFTER), np.float32)
        own = np.zeros((count, h + t), np.int64)
        phase = np.zeros((count, t), np.float32)
        mask, fresh = np.zeros((count, t), np.float32), np.zeros(count, bool)
        features = np.zeros((count, t // w, c.features), np.float32)
        for lane in range(count):
            if self.note[lane] < 0 or self.at[lane] >= self.notes.frames(self.note[lane]):
                self._begin(lane)
                fresh[lane] = True
            note, at = int(self.note[lane]), int(self.at[lane])
            if note < 0:
                continue
            gain = 10 ** (self.gain_db[lane] / 20) / 32767
            x[lane] = self.notes.part(self.notes.samples, note, at - h - 1, 1 + h + t) * gain
            array = self.notes.table if self.from_table[lane] else self.notes.own
            p[lane] = self.notes.part(array, note, at - h - 1, 1 + h + t + AFTER) * gain
            phase[lane] = self.notes.part(self.notes.phase, note, at, t)
            frames = self.notes.frames(note)
            mask[lane, : max(0, min(t, frames - at))] = 1
            starts = np.arange(at, at + t, w)
            curve = self.notes.curve(note)
            index = self.notes.index
            features[lane] = np.concatenate(
                [
                    np.broadcast_to(
                        static_features(self.notes.pitch(note), index["dynamic"][note], index["room"][note]),
                        (len(starts), STATIC),
                    ),
                    clock_features(starts, frames - starts),
                    loudness_features(np.maximum(curve + self.gain_db[lane], -100), starts),
                    phase_features(phase[lane, ::w]),
                ],
                axis=1,
            )
            if self.own_play[lane]:
                played = self.played[lane]  # the bank may have been played anew since this note began
                low, high = max(0, at - h), min(len(played), at + t)
                own[lane] = 128
                own[lane, low - at + h : high - at + h] = played[low:high]
            self.at[lane] += t
        if self.once and not mask.any():
            return None
        clean, prior = (torch.from_numpy(compand(emphasised(y, c.emphasis), c.companding)) for y in (x, p))
        target = to_level(clean[:, h:])
        history = self._corrupted(clean, prior, own)[:, :-1]
        windows = prior[:, h - BEFORE :].unfold(1, BEFORE + AFTER + 1, 1)[:, :t]
        sample_features = torch.cat([windows, torch.from_numpy(phase_features(phase))], dim=2)
        if not c.prior:
            features, sample_features = thesis_only(features), sample_features * 0
        return Batch(
            history, target, torch.from_numpy(mask), torch.from_numpy(features), sample_features,
            prior[:, h - w : h + t], torch.from_numpy(fresh),
        )  # fmt: skip

    def _corrupted(self, clean: torch.Tensor, prior: torch.Tensor, own: np.ndarray) -> torch.Tensor:
        """The history as the network will read it, int64 levels [B, H + T]."""
        if not self.corrupt:
            return to_level(clean)
        count, total = clean.shape
        noise = torch.from_numpy(self.rng.standard_normal((count, total)).astype(np.float32))
        read = clean + noise * torch.from_numpy(self.noise.astype(np.float32))[:, None]
        if self.config.prior:
            for lane in np.flatnonzero(self.rng.random(count) < 0.2):
                start = int(self.rng.integers(0, total - 64))
                span = slice(start, start + int(64 * 12 ** self.rng.random()))
                read[lane, span] = prior[lane, span.start : min(span.stop, total)] if self.rng.random() < 0.7 else 0.0
        levels = to_level(read)
        for lane in np.flatnonzero(self.own_play):
            levels[lane] = torch.from_numpy(own[lane])
        return levels


def bits(model: nn.Module, batch: Batch, state: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, tuple]:
    """Mean NLL in bits a sample of a chunk, and the states after it. model: a SampleRNN, or one that is shared out."""
    upper, lower = (s.clone() for s in state)
    first = getattr(model, "module", model).begin(len(upper))
    fresh = batch.fresh[:, None]
    begun = torch.where(fresh, first[0], upper), torch.where(fresh, first[1], lower)
    logits, after = model(batch.history, batch.features, batch.sample_features, batch.prior, begun)
    loss = F.cross_entropy(logits.flatten(0, 1), batch.target.flatten(), reduction="none")
    return (loss * batch.mask.flatten()).sum() / batch.mask.sum().clamp(min=1) / math.log(2), after


@torch.no_grad()
def score(model: SampleRNN, notes: Notes, which: np.ndarray, batch: int = 32, chunk: int = 1024) -> float:
    """Held-out NLL in bits a sample: plain teacher forcing, each note from its beginning, the prior as when playing."""
    lanes = TBPTTBatcher(notes, which, model, batch, chunk, np.random.default_rng(0), corrupt=False, once=True)
    state = tuple(torch.zeros(batch, model.config.dim) for _ in range(2))
    total = weight = 0.0
    while (chunked := lanes()) is not None:
        value, state = bits(model, chunked, state)
        total += float(value) * float(chunked.mask.sum())
        weight += float(chunked.mask.sum())
    return total / max(weight, 1.0)


__all__ = ["DYNAMICS", "HOP", "PHASES", "PITCHES", "Batch", "Notes", "TBPTTBatcher", "bits", "from_level", "score"]
