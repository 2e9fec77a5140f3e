"""What the bars of songs hold, as far as a plan tells: from the player's prepared arrays.

bars.npz       of each bar and track: `same`, uint64, equal where the bars' notes are (0: the track rests), `onsets`,
               uint8, and `pitch`, float32, the mean
songs.npz      first bar of each song (int64 [songs + 1]), genre (-1: none), meter, split (numbers)
facts.json     the genres

python -m training prepare player    --data data --prepared prepared/player
python -m training prepare planner   --data prepared/player --prepared prepared/planner
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from engine.core.pianoroll import TRACKS
from engine.player import vocabulary as v
from training.core.options import add_common
from training.player.prepare import LISTED

AT_ONCE = 50_000  # bars
LONGEST = 4096  # tokens of a bar
SEED = 0


def bars_of(tokens: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of bars.npz, of tokens [T] whose lanes begin at offsets [bars × LISTED + 1]."""
    rng = np.random.default_rng(SEED)
    of_token, of_place = (rng.integers(1, 2**63, size=size, dtype=np.uint64) | np.uint64(1)
                          for size in (v.TOKENS, LONGEST))  # fmt: skip
    bars, count = (len(offsets) - 1) // LISTED, len(TRACKS)
    same, onsets = np.zeros((bars, count), np.uint64), np.zeros((bars, count), np.uint8)
    pitch = np.zeros((bars, count), np.float32)
    for first in range(0, bars, AT_ONCE):
        last = min(first + AT_ONCE, bars)
        edges = offsets[first * LISTED : last * LISTED + 1].astype(np.int64)
        part = np.asarray(tokens[edges[0] : edges[-1]])
        starts, ends = ((edges[i : len(edges) - 1 + i] - edges[0]).reshape(-1, LISTED)[:, :count] for i in (0, 1))
        place = np.arange(len(part)) - np.repeat(edges[:-1] - edges[0], np.diff(edges))
        pitched = (part >= v.PITCH) & (part < v.COMBO)

        same[first:last] = _summed(starts, ends, of_token[part] * of_place[place])
        onsets[first:last] = np.minimum(_summed(starts, ends, ((part >= v.EVENT) & (part < v.LONG)).astype(int)), 255)
        heights = _summed(starts, ends, np.where(pitched, part.astype(int) - v.PITCH, 0))
        pitch[first:last] = heights / np.maximum(_summed(starts, ends, pitched.astype(int)), 1)
    return {"same": same, "onsets": onsets, "pitch": pitch}


def _summed(starts: np.ndarray, ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sums of values from starts to ends."""
    whole = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    return np.asarray(whole[ends] - whole[starts])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the player's arrays are, and where these go."""
    add_common(parser, data=Path("prepared/player"), prepared=Path("prepared/planner"))


def run(args: argparse.Namespace) -> None:
    """Turn the player's arrays into the planner's."""
    args.prepared.mkdir(parents=True, exist_ok=True)
    tokens, offsets = np.load(args.data / "tokens.npy", mmap_mode="r"), np.load(args.data / "offsets.npy")
    np.savez(args.prepared / "bars.npz", **bars_of(tokens, offsets))
    shutil.copy(args.data / "songs.npz", args.prepared / "songs.npz")
    genres = json.loads((args.data / "facts.json").read_text())["genres"]
    (args.prepared / "facts.json").write_text(json.dumps({"genres": genres}))
