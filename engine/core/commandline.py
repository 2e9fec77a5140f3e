"""A request's fields as options of a command line, and the request that they make."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import RequestError
from engine.core.request import MAX_SEED, AnyRequest, Field, File, Request, field_of, fields, lower, read_all, read_one
from engine.core.upload import content_of

PIPE = "-"  # as a file's name: stdin or stdout
MAX_PIPED = 256 * 2**20  # bytes; each format has its own limit below it


def add_options(parser: argparse.ArgumentParser, request: type[Request]) -> None:
    """An option for every field. What is left out is not in the namespace."""
    learned = _learned(request)
    for field in fields(request):
        choices = learned.get(field.flag[2:], list(field.option.choices))
        known: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS, "help": _help(field, choices)}
        if field.kind is bool:
            known["action"] = argparse.BooleanOptionalAction if field.optional else "store_true"
        else:
            known["metavar"] = _metavar(field)
            known["required"] = field.default is dataclasses.MISSING and not field.option.said_by
            if field.option.repeated:
                known["action"] = "append"
        parser.add_argument(field.flag, **known)


def _metavar(field: Field) -> str:
    option = field.option
    if option.metavar:
        return option.metavar
    if field.kind in (int, float) and option.low is not None and option.high is not None:
        return f"{spelled(option.low)}..{spelled(option.high)}"
    return "FILE" if field.kind is File else field.flag[2:].upper()


def spelled(value: Any) -> str:
    """A value as help and `list` write it: a range (a tuple) as "4 to 64", choices (a list) and mappings in a row."""
    if isinstance(value, tuple):
        return " to ".join(map(spelled, value))
    if isinstance(value, list):
        return ", ".join(map(spelled, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {spelled(each)}" for name, each in value.items())
    if value == MAX_SEED:
        return "2^63-1"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _learned(request: type[Request]) -> dict[str, Any]:
    """What the shipped weights let one choose; nothing where they are missing or damaged, which is refused later."""
    try:
        return request.learned()
    except RequestError:
        return {}


def _help(field: Field, choices: Any) -> str:
    option = field.option
    said = [option.help.rstrip(".")]
    if choices:
        said.append(spelled(choices))
    if option.unit:
        said.append(option.unit)
    if field.default not in (None, "", dataclasses.MISSING) and field.kind in (int, float, str):
        said.append(f"{field.default} unless given")
    return "; ".join(said).replace("%", "%%")


def request_of(request: type[AnyRequest], options: argparse.Namespace) -> AnyRequest:
    """The request that a parsed command line makes. Refused when an option cannot be read or does not go."""
    values: dict[str, Any] = {}
    for field in fields(request):
        given = getattr(options, field.name, None)
        if given is None:
            continue
        if field.kind is File:
            values[field.name] = read_file(given)
        elif field.kind is bool:
            values[field.name] = given
        elif field.option.repeated:
            values[field.name] = read_all(field, given)
        elif field.kind is str and not given.strip():
            raise RequestError(f"{field.flag} says nothing; leave it out, or write {lower(field.called)}.")
        else:
            values[field.name] = read_one(field, given)
        field.check(values[field.name])
    check_effects(request, values)
    return request.of(request.together(values))


def check_effects(request: type[Request], values: Mapping[str, Any]) -> None:
    """Refuse an option that would change nothing beside those given, or without one that is not. A page shows only the
    controls that count, and a recipe holds every field: this is for who types."""
    given = {field.name: field for field in fields(request) if field.name in values}
    for field in given.values():
        option = field.option
        beside = [given[name].flag for name in option.excludes if name in given]
        if beside and not given.keys() & set(option.despite):
            raise RequestError(f"{field.flag} changes nothing beside {beside[0]}; leave one of them out.")
        if option.requires and not given.keys() & set(option.requires):
            needed = " or ".join(field_of(request, name).flag for name in option.requires)
            raise RequestError(f"{field.flag} changes nothing without {needed}.")


def read_file(name: str) -> File:
    """A file that a command line names; `-` is what comes from stdin."""
    if name == PIPE:
        content = sys.stdin.buffer.read(MAX_PIPED)
        if not content:
            raise RequestError("stdin is empty.")
        return File("stdin", content)
    content, called = content_of(Path(name), "The file", MAX_PIPED)
    return File(called, content)
