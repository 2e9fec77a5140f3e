"""Makes a take again from its recipe, through the same code as the command line, to the same bytes on the same machine.

A recipe's settings are the options of ``python -m engine <system>`` by name: ``{"genre": "jazz", "bars": 8}`` is
``--genre jazz --bars 8``. True is an option without a value, False and None are left out, a list repeats or is joined
by commas as its option wants. A value that names a file of the take (`input.mid`) stands for that file.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from pathlib import Path
from typing import Any

from engine import Progress, RequestError
from engine.core.result import Result
from engine.takes.library import Library, Recipe, Take


def words(recipe: Recipe, files: dict[str, str] | None = None, repeated: Collection[str] = ()) -> list[str]:
    """The command line of a recipe, without outputs; `files` maps a file of the take to where it lies.

    A list is joined by commas, or gives the option again and again where it is one of `repeated`.
    """
    out = [recipe.system]
    for key, value in recipe.settings.items():
        option = "--" + key.replace("_", "-")
        if value is True:
            out.append(option)
        elif value is None or value is False:
            continue
        elif option in repeated and isinstance(value, (list, tuple)):
            out += [f"{option}={(files or {}).get(str(item), item)}" for item in value]
        else:
            text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            text = (files or {}).get(text, text)
            out.append(f"{option}={text}")  # with "=", so that a value may begin with a minus
    return [*out, f"--seed={recipe.seed}"]


def parsed(recipe: Recipe, files: dict[str, str] | None = None) -> Namespace:
    """The parsed command line of a recipe. Refused when its system or an option is unknown here."""
    from engine.__main__ import parser

    whole = parser(recipe.system)
    return whole.parse_args(words(recipe, files, _repeated(whole, recipe.system)))


def _repeated(parser: ArgumentParser, system: str) -> set[str]:
    """The options of a system that may be given more than once."""
    kinds: Any = next((action.choices for action in parser._actions if action.dest == "command"), {})
    actions = kinds[system]._actions if system in kinds else []
    return {text for action in actions if type(action).__name__ == "_AppendAction" for text in action.option_strings}


def make_again(library: Library, take: Take, progress: Progress | None = None) -> Result:
    """What the take's recipe makes now. Refused when its system is not here or its weights have changed since."""
    from engine.__main__ import SYSTEMS, command

    recipe = take.recipe
    if recipe.system not in SYSTEMS:
        raise RequestError(f"“{take.name}” was made by '{recipe.system}', which this studio does not have.")
    files = {file: str(library.files / take.id / file) for file in take.files if file.startswith("input.")}
    args = parsed(recipe, files)
    _stay_inside(args, library.files / take.id)
    module = command(recipe.system)
    model = module.load(args)
    now = sha256_of(model)
    if recipe.checkpoint and now and now != recipe.checkpoint:
        raise RequestError(f"“{take.name}” was made with other weights ({recipe.checkpoint[:8]}, now {now[:8]}).")
    return module.make(args, model, recipe.seed, progress or _quiet)


def _stay_inside(args: Namespace, folder: Path) -> None:
    """Refuse a recipe that names a file outside its take: a take may come from anywhere, and so may its recipe."""
    for option, value in vars(args).items():
        named = isinstance(value, Path) or (option == "input" and value)
        if named and Path(value).parent != folder:
            raise RequestError(
                f"The recipe's --{option} names a file that is not part of the take ({Path(value).name})."
            )


def sha256_of(model: Any) -> str:
    """The sha256 of a loaded model's weights, or "" where the model does not say."""
    return str(getattr(model, "sha256", "") or "")


def _quiet(done: int, total: int) -> None:
    """Progress that nobody watches."""
