"""What Melody costs on one core: a tune of 300 characters with all constraints, and the same by plain PyTorch.

    python -m benchmarks.melody

Both write the same greedy tunes, character for character (checked): ours, and the same loop with the network's step by
PyTorch, one call for one character, which is what one would write; with MKL-DNN, as it comes, and without. The aim is
0.2 s for 300 characters, and ten times the plain PyTorch loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.table import head, median, row, seconds
from engine import melody
from engine.core.checkpoint import arrays
from engine.melody.composing import candidates, compose
from engine.melody.request import Request
from engine.melody.sampler import Sampler

CANDIDATES = 4
REQUESTS = [
    Request(key="D", meter="4/4", chord_symbols=True, temperature=0),
    Request(key="G", kind="reel", form="8+8+8", temperature=0),
    Request(key="Em", meter="6/8", form="8+8+8+8", temperature=0),
]


class Plain(Sampler):
    """The network's step by PyTorch: tensors in, a call, tensors out."""

    def __init__(self, net: Any, mkldnn: bool) -> None:
        super().__init__(net.config, arrays(net))
        self.net, self.mkldnn = net, mkldnn

    @torch.no_grad()
    def steps(self, rows: np.ndarray, states: np.ndarray) -> np.ndarray:
        """As Sampler.steps, of one tune."""
        before = [(torch.from_numpy(s[0])[None, None], torch.from_numpy(s[1])[None, None]) for s in states[0]]
        with torch.backends.mkldnn.flags(enabled=self.mkldnn):
            logits, after = self.net(torch.from_numpy(rows)[None], before)
        for layer, (hidden, cell) in enumerate(after):
            states[0, layer, 0], states[0, layer, 1] = hidden[0, 0].numpy(), cell[0, 0].numpy()
        return np.asarray(logits[0].numpy())


def speed(model: melody.Model, times: int) -> tuple[float, list[str]]:
    """(characters a second, median over `times` rounds of all requests; the bodies)."""
    bodies: list[str] = []

    def write() -> None:
        bodies[:] = [compose(model, request, seed=1).tune.body for request in REQUESTS]

    spent = median(write, times)
    return sum(map(len, bodies)) / spent, bodies


def main() -> None:
    torch.set_num_threads(1)
    head()
    row("loading", f"{seconds(lambda: melody.load(device='cpu')):.2f} s")
    model = melody.load(device="cpu")
    compose(model, Request(form="1"), seed=0)  # numba compiles, or reads what it compiled before
    ours, bodies = speed(model, 5)
    row("a tune of 300 characters", f"{300 / ours:.3f} s", "", "0.2 s")
    chosen = Request(key="G", meter="6/8", form="8+8+8+8", chord_symbols=False, candidates=CANDIDATES)
    spent = median(lambda: candidates(model, chosen))
    row(f"32 bars, the critic's choice of {CANDIDATES}", f"{spent:.3f} s", "", "0.15 s")
    written = sum(len(each.tune.body) for each in candidates(model, chosen))
    row(f"characters a second, {CANDIDATES} tunes side by side", f"{written / spent:,.0f}", "", "7,000")
    for name, mkldnn, limit in (("PyTorch", True, "10 ×; it is {:.1f} ×"), ("PyTorch without MKL-DNN", False, "")):
        model.sampler = Plain(model.net, mkldnn)
        rate, same = speed(model, 1)
        row("characters a second, greedy", f"{ours:,.0f}",
            f"plain {name}: {rate:,.0f}, {'the same' if same == bodies else 'NOT the same'} tunes",
            limit.format(ours / rate))  # fmt: skip


if __name__ == "__main__":
    main()
