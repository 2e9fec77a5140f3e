"""Jam: the band plays on, bar by bar, and follows what changes (see generate.py).

for bar in jam(load(), Request(genre={"rock": 1}, minutes=2, seed=3)): …                   bar.tracks, bar.tempo
generate(load(), Request(genre={"rock": 1}, changes=File("changes.jsonl", content))).song
"""

from engine.jam.generate import generate, jam, load
from engine.jam.request import Request
from engine.jam.trading import own_part

__all__ = ["Request", "generate", "jam", "load", "own_part"]
