"""Band: bars of music for drums, piano, guitar, bass and strings, in a genre or a mix of genres.

    model = load()                                                    model.genres names what can be asked for
    result = generate(model, Request(genre={"jazz": 1}, seed=8, bars=8))                             result.song
    generate(model, Request(genre={"jazz": 2, "soul": 1}, seed=7, bars=32, track_seeds={"piano": 3}))
    generate(model, Request(genre={}, input=file, rewrite=(5, 8), players=("guitar",)))    bars of a song: rewrite.py

A planner, the generator of a GAN, draws who plays when and what comes again; the player writes note after note what was
planned, several times over, and a ranker chooses; a hand strikes them (played.py, engine/planner, engine/player,
engine/ranker, engine/touch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import Progress
from engine.band.played import play
from engine.band.request import Request
from engine.core.result import Result

if TYPE_CHECKING:
    from engine import player


def generate(model: player.Model, request: Request, *, progress: Progress | None = None) -> Result:
    """A song of `request.length` bars in five tracks, those that rest without notes; of a song to rewrite, its bars
    anew. `progress` counts bars. Refused when a genre is not one of `model.genres`.
    """
    if request.rewrite:
        from engine.band.rewrite import rewrite  # here, because it brings Melody's reader of ABC

        return rewrite(model, request, progress)
    return play(model, request, progress)
