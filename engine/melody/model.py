"""Melody: folk tunes in ABC by a character-level LSTM that knows its bars.

abc/canonical.py has the text and the alphabet, features.py what the network is told, network.py the network, sampler.py
its compiled step, grammar.py the constraint, abc/notes.py the sound, score.py the engraving.

    model = load()
    written = compose(model, Request(key="D", meter="6/8"), seed=7)         # engine/melody/generate.py; .tune.abc
    song = generate(model, seed=7, key="D", meter="6/8")                    # → engine.core.song.Song
    score(model, read_tunes(Path("tunes.abc")))                            # → bits a character, accuracy, characters

    python -m engine melody --key D --meter 6/8 --seed 7 --out tune.abc --out tune.mid
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import CHECKPOINTS, Progress, RequestError
from engine import device as find_device
from engine.core import checkpoint
from engine.melody.abc.canonical import Alphabet, Tune
from engine.melody.config import Config
from engine.melody.features import tune_rows

if TYPE_CHECKING:
    from engine.core.song import Song
    from engine.melody.network import MelodyNet

PATH = CHECKPOINTS / "melody"
PIECE = 1024  # characters that are scored at once; the state is carried on, so that no tune is too long
OTHER_BITS = 16.0  # beyond its class, for a character that has no symbol of its own


class Melody:
    """A loaded model, frozen. Threads may share it."""

    def __init__(
        self, sizes: Config, weights: dict[str, np.ndarray], config: dict[str, Any], sha256: str, device: str | None
    ) -> None:
        from engine.melody.sampler import Sampler  # here, because it brings numba

        self.sizes, self.weights, self.config, self.sha256, self.device = sizes, weights, config, sha256, device
        self.alphabet = Alphabet(sizes.characters)
        self.sampler = Sampler(sizes, weights)

    @cached_property
    def net(self) -> MelodyNet:
        """The network in PyTorch, on its device: scoring needs it, composing does not."""
        from engine.melody.network import MelodyNet

        net = MelodyNet(self.sizes)
        checkpoint.fill(net, self.weights, "the model")
        return net.to(find_device(self.device))

    @cached_property
    def priors(self) -> list[dict[str, Any]]:
        """What the tunes learned from are like: key, meter, unit, kind, form, style, count."""
        return list(self.config.get("priors", []))

    @cached_property
    def kinds(self) -> list[str]:
        """The types of tune that can be asked for."""
        counts: dict[str, int] = {}
        for prior in self.priors:
            counts[prior["kind"]] = counts.get(prior["kind"], 0) + prior["count"]
        return [kind for kind, n in sorted(counts.items(), key=lambda item: -item[1]) if kind and n >= 10]


def load(path: Path | str = PATH, device: str | None = None) -> Melody:
    """The model in a checkpoint's folder. Composing runs on the processor, scoring on `device`."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Melody:
    found = checkpoint.load(path, "melody")
    try:
        config = Config(**found.model)
    except TypeError as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a melody model: {error}.") from None
    sizes = 1 <= config.width <= 2048 and 1 <= config.layers <= 8 and 0 <= config.embed <= 2048
    if not sizes or Alphabet(config.characters).size != config.symbols:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a melody model: its sizes do not agree.")
    checkpoint.fit(config.shapes(), found.weights, path)
    if device:
        find_device(device)  # refused now where it is not there
    return Melody(config, found.weights, found.config, found.sha256, device)


def generate(model: Melody, *, seed: int, progress: Progress | None = None, tempo: float = 0.0, **request: Any) -> Song:
    """A tune as a Song; the other arguments are those of Request. tempo: quarter notes a minute, 0: the usual one."""
    from engine.melody.abc.notes import song
    from engine.melody.generate import Request, compose

    return song(compose(model, Request(**request), seed=seed, progress=progress).tune, tempo=tempo)


# Scoring


def score(model: Melody, tunes: list[Tune], batch: int = 32) -> dict[str, float | int]:
    """Bits a character, next-character accuracy, characters and tunes.

    Every character of every canonical body (abc/canonical.py) is predicted from the tune's canonical header and
    the characters before it, no control and no form given, among all characters that can be written there (and the
    end). Neither the header nor the tune's end is counted. A character without a symbol of its own costs its class and
    16 bits more, and is never predicted.
    """
    import torch

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
