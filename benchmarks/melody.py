"""What Melody costs on one core: a tune of 300 characters with all constraints, and the same by plain PyTorch.

    python benchmarks/melody.py [--checkpoint checkpoints/melody] [--json]

Both write the same greedy tunes, character for character (checked): ours, and the same loop with the network's step by
PyTorch, one call for one character, which is what one would write; with MKL-DNN, as it comes, and without. The aim is
0.2 s for 300 characters, and ten times the plain PyTorch loop.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import melody
from engine.melody_compose import Request, compose
from engine.melody_sampler import Sampler

REQUESTS = [
    Request(key="D", meter="4/4", chords=True, temperature=0),
    Request(key="G", kind="reel", form=(8, 8, 8), temperature=0),
    Request(key="Em", meter="6/8", form=(8, 8, 8, 8), temperature=0),
]


class Plain(Sampler):
    """The network's step by PyTorch: tensors in, a call, tensors out."""

    def __init__(self, net: Any, mkldnn: bool) -> None:
        super().__init__(net)
        self.net, self.mkldnn = net, mkldnn

    @torch.no_grad()
    def step(self, row: Any, state: np.ndarray) -> np.ndarray:
        """As Sampler.step."""
        before = [(torch.from_numpy(s[0])[None, None], torch.from_numpy(s[1])[None, None]) for s in state]
        with torch.backends.mkldnn.flags(enabled=self.mkldnn):
            logits, after = self.net(torch.tensor([[list(row)]]), before)
        for layer, (hidden, cell) in enumerate(after):
            state[layer, 0], state[layer, 1] = hidden[0, 0].numpy(), cell[0, 0].numpy()
        return np.asarray(logits[0, 0].numpy())


def speed(model: melody.Melody, times: int) -> tuple[float, list[str]]:
    """(characters a second, median over `times` rounds of all requests; the bodies)."""
    bodies: list[str] = []
    rates = []
    for _ in range(times):
        began = time.perf_counter()
        bodies = [compose(model, request, seed=1).tune.body for request in REQUESTS]
        rates.append(sum(map(len, bodies)) / (time.perf_counter() - began))
    return statistics.median(rates), bodies


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=melody.FOLDER)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    model = melody.load(args.checkpoint, "cpu")
    loaded = time.perf_counter() - began
    compose(model, Request(form=(1,)), seed=0)  # numba compiles, or reads what it compiled before
    ours, bodies = speed(model, args.times)
    found: dict[str, Any] = {"load s": round(loaded, 3), "ours, characters/s": round(ours)}
    for name, mkldnn in (("PyTorch", True), ("PyTorch without MKL-DNN", False)):
        model.sampler = Plain(model.net, mkldnn)
        rate, same = speed(model, max(args.times // 3, 1))
        found[f"{name}, characters/s"] = round(rate)
        found[f"ours to {name}"] = round(ours / rate, 1)
        found[f"greedy the same as {name}"] = same == bodies
    found["300 characters, s"] = round(300 / ours, 4)
    found["weights MiB"] = round((args.checkpoint / "model.safetensors").stat().st_size / 2**20, 2)
    print(json.dumps(found) if args.json else "\n".join(f"{name:<34} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
