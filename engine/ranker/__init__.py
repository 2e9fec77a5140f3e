"""Ranker: which of some candidates for the same bars is the most like a song.

    model = load()
    model.scores([bars, other bars], {"jazz": 1.0})                                  the highest is the one to take

A convolutional network that learned to tell what the player plays from songs (network.py), by what it sees in rolls
(rolls.py). The critic that measures Band (training/core/critic) shares neither songs, seeds nor features with it.
"""

from engine.ranker.model import Model, load

__all__ = ["Model", "load"]
