"""All that a checkpoint of Variation holds, as one module."""

from __future__ import annotations

import torch
from torch import nn

from engine.core.pianoroll import TRACKS
from engine.variation.predictors import NextBar, NextConfig
from engine.variation.vae import VAEBank

STORED = {"followers.": "predictors."}
"""Names under which the first checkpoints hold weights, by how they begin, and what they are called now."""


class Network(nn.Module):
    """All that a checkpoint holds, under one state dict."""

    def __init__(self, bank: VAEBank) -> None:
        super().__init__()
        self.bank = bank
        k = bank.latent
        self.predictors = nn.ModuleDict({t: NextBar(NextConfig(k, led=t != "piano")) for t in TRACKS})
        for track in TRACKS:
            self.register_buffer(f"mean_{track}", torch.zeros(k))
            self.register_buffer(f"spread_{track}", torch.eye(k))
            self.register_buffer(f"deviation_{track}", torch.ones(k))
