"""A player of random weights that writes long bars, for tests of what it is asked."""

import torch

from engine.player import vocabulary
from engine.player.brief import Brief
from engine.player.desk import rounded
from engine.player.model import Model
from engine.player.network import Config, Player
from engine.player.playing import perform

COMBOS = ((36, 42), *[(35, 60 + n % 60) for n in range(vocabulary.COMBOS - 1)])
DRUMS, PIANO, GUITAR, BASS, STRINGS, LEAD = range(6)
TUNE = {n: {LEAD: [(0, 8, 72 + n % 5), (8, 8, 76)]} for n in range(12)}


def tiny_player():
    """The same one each time."""
    torch.manual_seed(0)
    network = Player(Config(("jazz", "rock"), width=32, layers=2, heads=2, hidden=48))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.1)  # not the identity that a block begins as
        network.head.weight[vocabulary.END] = 0  # so that bars are long
    return Model(rounded(network.eval()), COMBOS)


def whole(model, **asked):
    """The bars that it plays of such a brief."""
    return list(perform(model, Brief(**asked)))
