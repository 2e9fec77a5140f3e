"""How well a model expects the characters of tunes that it has not seen."""

from __future__ import annotations

import math

import numpy as np
import torch

from engine.melody.abc.canonical import Tune
from engine.melody.alphabet import Alphabet
from engine.melody.features import tune_rows
from engine.melody.model import Model

PIECE = 1024  # characters that are scored at once; the state is carried on, so that no tune is too long
OTHER_BITS = 16.0  # beyond its class, for a character that has no symbol of its own


def score(model: Model, tunes: list[Tune], batch: int = 32) -> dict[str, float | int]:
    """Bits a character, next-character accuracy, characters and tunes.

    Every character of every canonical body (abc/canonical.py) is predicted from the tune's canonical header and
    the characters before it, no control and no form given, among all characters that can be written there (and the
    end). Neither the header nor the tune's end is counted. A character without a symbol of its own costs its class and
    16 bits more, and is never predicted.
    """
    alphabet, device = model.alphabet, next(model.net.parameters()).device
    valid = torch.from_numpy(_valid(alphabet))
    order = sorted(range(len(tunes)), key=lambda i: len(tunes[i].body))
    bits, right, count = 0.0, 0, 0
    for first in range(0, len(order), batch):
        own_tunes = [tunes[i] for i in order[first : first + batch]]
        packed = [tune_rows(alphabet, tune, relative=model.sizes.relative) for tune in own_tunes]
        longest = max(len(r) for r, _, _ in packed)
        state = None
        for start in range(0, longest, PIECE):
            size = min(PIECE, longest - start)
            rows = np.zeros((len(packed), size, packed[0][0].shape[1]), np.int64)
            goal = np.full((len(packed), size), alphabet.PAD, np.int64)
            at = np.zeros((len(packed), size, 2), np.int64)
            for i, (r, targets, where) in enumerate(packed):
                piece = slice(start, start + size)
                n = len(r[piece])
                rows[i, :n], goal[i, :n], at[i, :n] = r[piece], targets[piece], where[piece]
            logits, state = model.net(torch.from_numpy(rows).to(device), state)
            kept = torch.from_numpy(goal) > alphabet.END
            goals, places = torch.from_numpy(goal)[kept], torch.from_numpy(at)[kept]
            own = logits.float().cpu()[kept].masked_fill(~valid[places[:, 0], places[:, 1]], -torch.inf)
            other = goals == alphabet.OTHER
            chances = torch.log_softmax(own, -1).gather(1, goals[:, None])
            bits -= float(chances.double().sum()) / math.log(2) - OTHER_BITS * int(other.sum())
            right += int(((own.argmax(-1) == goals) & ~other).sum())
            count += len(goals)
    return {
        "bits_per_char": round(bits / max(count, 1), 5),
        "accuracy": round(right / max(count, 1), 5),
        "chars": count,
        "tunes": len(tunes),
    }


def _valid(alphabet: Alphabet) -> np.ndarray:
    """Which symbols can be written at each place under each tonic; bool [places, tonics, symbols]."""
    out = np.zeros((3, 7, alphabet.size), bool)
    for place in range(3):
        for tonic in range(7):
            out[place, tonic, list(alphabet.table(place, tonic).values())] = True
    out[:, :, [alphabet.END, alphabet.OTHER]] = True
    return out
