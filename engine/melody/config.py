"""The sizes of the melody model's network, and so the shapes of its weights, without PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.melody.features import rows


@dataclass(frozen=True)
class Config:
    characters: str  # the alphabet, in order
    symbols: int  # its size: characters, steps above the tonic, padding, end and other
    embed: int = 192  # width of the table's vectors; 0: the character alone goes in, one-hot
    width: int = 448  # units of a layer
    layers: int = 2
    dropout: float = 0.3  # after the table and after every layer
    relative: bool = True  # note letters are steps above the tonic

    def as_dict(self) -> dict[str, Any]:
        """For config.json."""
        return asdict(self)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each of the network's weights, by its name in MelodyNet."""
        gates, first = 4 * self.width, self.embed or self.symbols
        out: dict[str, tuple[int, ...]] = {}
        if self.embed:
            out["table.weight"] = (rows(self.symbols), self.embed)
        for layer in range(self.layers):
            out[f"lstm.{layer}.weight_ih_l0"] = (gates, self.width if layer else first)
            out[f"lstm.{layer}.weight_hh_l0"] = (gates, self.width)
            out[f"lstm.{layer}.bias_ih_l0"] = out[f"lstm.{layer}.bias_hh_l0"] = (gates,)
        return out | {"out.weight": (self.symbols, self.width), "out.bias": (self.symbols,)}
