"""Which drums a genre's first bars have at which sixteenth: counted in songs, and as often in what is played."""

import numpy as np

from engine.player import vocabulary as v
from training.player.grooves import SURE, first_bar, raised
from training.player.windows import Example

CLASSES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # a kick, a hat, both


def test_what_is_struck_more_often_than_said_is_raised_until_it_is_as_often():
    chances = np.tile([0.2, 0.6, 0.2], (4000, 1))
    struck = np.repeat([0, 1, 2], [800, 800, 2400])  # the kick in .8 instead of .4, the hat in .8 as is said
    assert raised(chances, struck, CLASSES, np.zeros(2))[1] == 0
    for anyway in (np.zeros(2), np.array([0.5, 0.0])):
        moved = chances[0] * np.exp(CLASSES @ (anyway + raised(chances, struck, CLASSES, anyway)))
        assert abs((moved / moved.sum()) @ CLASSES[:, 0] - 0.8) < 0.01


def test_what_is_not_sure_is_left():
    struck = np.array([0, 1, 2, 2, 2])  # the kick in .8 as above, of so few moments that it may be by chance
    assert 0.4 < SURE * np.sqrt(0.4 * 0.6 / len(struck))
    assert not raised(np.tile([0.2, 0.6, 0.2], (len(struck), 1)), struck, CLASSES, np.zeros(2)).any()


def window(bars, grids=(0, 0)):
    """Drums of two bars, and who hears them; bars: of each (step, token) pairs."""
    tokens = [v.PLAN, *[token for grid in grids for token in (v.BAR + grid, v.CHORD, v.CHORD)]]
    numbers = [(6, 24, 0)] * len(tokens)
    for bar, struck in enumerate(bars):
        tokens, numbers = [*tokens, v.GO + bar], [*numbers, (6, 24, bar)]
        if struck:
            tokens, numbers = [*tokens, v.track(v.DRUMS, 0)], [*numbers, (v.DRUMS, 24, bar)]
        for step, token in struck:
            tokens, numbers = [*tokens, v.event(step, 1), token], [*numbers, *[(v.DRUMS, step, bar)] * 2]
    targets = np.array([*tokens[1:], v.PAD])
    return Example(np.array(tokens), targets, np.array(numbers, np.int16), np.zeros((len(tokens), 1), np.uint8),
                   np.zeros(1, np.int64))  # fmt: skip


def test_moments_are_those_of_the_first_bar_that_has_drums_on_a_straight_grid():
    kick, sets = v.PITCH + 36, v.COMBO
    later = window([[], [(0, kick), (4, sets)]])
    assert later.targets[first_bar(later)].tolist() == [kick, sets]
    both = window([[(0, kick)], [(4, sets)]])
    assert both.targets[first_bar(both)].tolist() == [kick]
    assert not len(first_bar(window([[(0, kick)], []], grids=(1, 0)))) and not len(first_bar(window([[], []])))
