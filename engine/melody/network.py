"""The melody model's network: a stacked LSTM over characters (Hochreiter & Schmidhuber 1997; dropout between layers,
Zaremba et al. 2014).

A row of engine/melody/features.py comes in for each character and the logits of the next symbol come out:
rows [batch, time, COLUMNS] → sum of table vectors [batch, time, embed] → LSTM layers [batch, time, width], each but the
first added to what it read → logits [batch, time, symbols].
"""

from __future__ import annotations

import torch
from torch import nn

from engine.melody.config import Config
from engine.melody.features import SYMBOL, offsets, rows

State = list[tuple[torch.Tensor, torch.Tensor]]  # (hidden, cell) [1, batch, width] of each layer


class MelodyNet(nn.Module):
    """The network alone; engine/melody/model.py wraps it with the alphabet."""

    offsets: torch.Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        if config.embed:
            self.register_buffer("offsets", torch.from_numpy(offsets(config.symbols)), persistent=False)
            self.table = nn.Embedding(rows(config.symbols), config.embed)
            nn.init.normal_(self.table.weight, std=0.3)
        first = config.embed or config.symbols
        layers = [nn.LSTM(first if i == 0 else config.width, config.width) for i in range(config.layers)]
        for lstm in layers:  # the forget gates begin open (Jozefowicz et al. 2015)
            bias: torch.Tensor = lstm.bias_ih_l0  # type: ignore[assignment]
            nn.init.constant_(bias[config.width : 2 * config.width], 1.0)
        self.lstm = nn.ModuleList(layers)
        self.drop = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.width, config.symbols)

    def forward(self, rows: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Logits [batch, time, symbols] of the symbols that follow, and the state after the last."""
        rows = rows.transpose(0, 1)
        if self.config.embed:
            x = self.drop(self.table(rows + self.offsets).sum(-2))
        else:
            x = nn.functional.one_hot(rows[..., SYMBOL], self.config.symbols).to(self.out.weight.dtype)
        after: State = []
        for i, lstm in enumerate(self.lstm):
            y, s = lstm(x, state[i] if state else None)
            y = self.drop(y)
            x = x + y if i and self.config.embed else y
            after.append(s)
        return self.out(x).transpose(0, 1), after
