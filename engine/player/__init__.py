"""The player: one network that writes bars for any track, given any others.

    model = load()
    for bar in perform(model, Brief(bars=8, genre={"jazz": 1.0}, seed=7)): …           one after the other
    song_of(bars)

vocabulary.py says what a token is, grammar.py which may follow and what the network hears beside it, lanes.py and
bars.py turn notes into tokens and bars and back, network.py is the transformer, compiled.py plays it, choosing.py draws
its tokens, playing.py knows what is given, what is wanted and what comes again,
listening.py in which style bars are that are there.
"""

from engine.player.bars import Bar, read_song
from engine.player.brief import Brief
from engine.player.lanes import steps_of
from engine.player.levels import levels_of
from engine.player.listening import genres_of
from engine.player.model import Model, load
from engine.player.playing import Section, perform, phrases
from engine.player.song import song_of

__all__ = ["Bar", "Brief", "Model", "Section", "genres_of", "levels_of", "load", "perform", "phrases", "read_song",
           "song_of", "steps_of"]  # fmt: skip
