"""Touch: how hard the notes of a song are struck, and how far beside the grid.

    model = load()
    song = touched(model, song, genre={"jazz": 1.0}, seeds={"piano": 7})

strikes.py says what a hand knows before it strikes a note, network.py is the recurrent network that strikes one note
after the other, playing.py plays it. Each track has a hand of its own, and a hand hears only itself: so a track that is
written anew changes no other, and a longer song begins as the shorter one.
"""

from engine.touch.model import Model, load
from engine.touch.playing import Hand, among, touched

__all__ = ["Hand", "Model", "among", "load", "touched"]
