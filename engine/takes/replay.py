"""Makes a take again from its recipe: the request that it keeps, given to its system. The same bytes on one machine.

Takes of the first format keep the command line's options by name instead; their requests are read from those.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine import Progress, RequestError
from engine.core.request import Request
from engine.core.result import Result
from engine.systems import SYSTEMS, system
from engine.takes.library import BESIDE, Library, Take


@dataclass(frozen=True)
class Replayed:
    """What a take's recipe makes today."""

    result: Result
    same_weights: bool  # whether they are those that made the take: if not, it cannot be the same


def request_of(library: Library, take: Take) -> Request:
    """The request that a take keeps. Refused when its system or a setting is unknown here, or it names a file that is
    not part of the take: a take may come from anywhere, and so may its recipe."""
    recipe = take.recipe
    if recipe.system not in SYSTEMS:
        raise RequestError(f"“{take.name}” was made by '{recipe.system}', which this studio does not have.")
    settings = {name: value for name, value in recipe.settings.items() if name not in BESIDE}
    files = {file: library.read(take, file) for file in take.files if file.startswith("input")}
    asked = system(recipe.system).Request
    if "format" in settings:
        return asked.from_json(settings, files)
    return asked.from_options(settings, recipe.seed, files)


def replay(library: Library, take: Take, progress: Progress | None = None) -> Replayed:
    """What the take's recipe makes now, with today's weights; notes by hand are as the take holds them. Its remarks say
    what of the recipe is no more."""
    request = request_of(library, take)
    if take.recipe.by_hand:
        result = Result(request=request, weights=take.recipe.checkpoint).with_notes(library.notes(take))
        return Replayed(result, True)
    made_by = system(take.recipe.system)
    result = made_by.generate(made_by.load(request.checkpoint()), request, progress=progress)
    known = take.recipe.checkpoint
    result = replace(result, remarks=(*request.lost(take.recipe.settings), *result.remarks))
    return Replayed(result, not known or not result.weights or result.weights == known)
