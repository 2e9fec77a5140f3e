"""The planner: the generator of a GAN, which draws the form of a piece that the player then plays.

    model = load()
    plan = draw(model, {"jazz": 1.0}, bars=32, seed=7, seeds={"piano": 3})

A plan says of each player how busy and how high it plays, in which bars it rests, and which bars come again from how
many bars before. Noise alone makes two plans differ: network.py says how.
"""

from engine.planner.model import NEW, REST, Model, Plan, draw, load

__all__ = ["NEW", "REST", "Model", "Plan", "draw", "load"]
