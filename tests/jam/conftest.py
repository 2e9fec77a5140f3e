"""A small band whose weights are none, so that a jam of it takes no time."""

import pytest
import torch

from engine import planner
from engine.player import vocabulary
from engine.player.model import Model
from engine.player.network import Config, Player
from engine.touch import network as hands
from engine.touch.model import Model as Hand

GENRES = ("classical", "jazz", "country", "electronic", "game", "punk", "rock", "soul")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = Player(Config(GENRES, width=32, layers=2, heads=2, hidden=48))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.1)  # not the identity that a block begins as
    combos = ((36, 42), *[(35, 60 + n % 60) for n in range(vocabulary.COMBOS - 1)])
    facts = {"tempo_by_genre": dict.fromkeys(GENRES, 120.0)}
    hand = Hand(hands.Hand(hands.Config(GENRES, width=12, hidden=16)).eval(), {"rock": [[5, 3, 2, 4, 2] * 5]})
    return Model(network.eval(), combos, facts, hand=hand, planner=planner.load())
