"""What training computes in: bfloat16 where the device has all that the networks need in it, float32 where it has not.

Which processors have which operation in bfloat16 is oneDNN's affair and changes with its versions (its LSTM wants
AVX-512, its matrix products do not), so that nobody's name or flags are looked up: the operations are tried, once.

    Loop(…, precision="auto")          # the training commands' --precision: auto, bf16 or no
    with autocast(device): …           # the same decision outside of a loop
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import nn

PRECISIONS = ("auto", "bf16", "no")  # no: float32 throughout, Accelerate's word


@lru_cache
def has_bfloat16(device_type: str) -> bool:
    """Whether "cpu", "cuda" or "mps" runs an LSTM, a GRU, attention and matrix products in bfloat16, both ways."""
    width = 16
    attention = nn.TransformerEncoderLayer(width, 2, width, batch_first=True)
    x = torch.zeros(2, 3, width, device=device_type)
    try:
        for module in (nn.LSTM(width, width), nn.GRU(width, width), attention, nn.Linear(width, width)):
            with torch.autocast(device_type, torch.bfloat16):
                out = module.to(device_type)(x)
            (out[0] if isinstance(out, tuple) else out).float().sum().backward()
    except RuntimeError:  # also NotImplementedError
        return False
    return True


def resolve(precision: str, device_type: str) -> str:
    """ "bf16" or "no" of one of PRECISIONS: what was asked for, or for "auto" what the device can."""
    if precision not in PRECISIONS:
        raise ValueError(f"{precision!r} is not one of {PRECISIONS}")
    return ("bf16" if has_bfloat16(device_type) else "no") if precision == "auto" else precision


def autocast(device_type: str = "cpu") -> Any:
    """Context that computes in bfloat16 where the device can."""
    return torch.autocast(device_type, torch.bfloat16, enabled=has_bfloat16(device_type))
