"""A request's fields as options of a command line, and the request that they make."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from engine import RequestError
from engine.core.request import AnyRequest, Field, File, Request, fields, read_all, read_one
from engine.core.upload import content_of

PIPE = "-"  # as a file's name: stdin or stdout
MAX_PIPED = 256 * 2**20  # bytes; each format has its own limit below it


def add_options(parser: argparse.ArgumentParser, request: type[Request]) -> None:
    """An option for every field. What is left out is not in the namespace."""
    for field in fields(request):
        known: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS, "help": _help(field)}
        if field.kind is bool:
            known["action"] = argparse.BooleanOptionalAction if field.optional else "store_true"
        else:
            known["metavar"] = _metavar(field)
            known["required"] = field.default is dataclasses.MISSING
            if field.option.repeated:
                known["action"] = "append"
        parser.add_argument(field.flag, **known)


def _metavar(field: Field) -> str:
    option = field.option
    if option.metavar:
        return option.metavar
    if field.kind in (int, float) and option.low is not None and option.high is not None:
        return f"{option.low:g}..{option.high:g}"
    return "FILE" if field.kind is File else field.name.upper()


def _help(field: Field) -> str:
    option = field.option
    said = [option.help.rstrip(".")]
    if option.choices:
        said.append(", ".join(map(str, option.choices)))
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
        else:
            values[field.name] = read_one(field, given)
    return request.of(request.together(values))


def read_file(name: str) -> File:
    """A file that a command line names; `-` is what comes from stdin."""
    if name == PIPE:
        content = sys.stdin.buffer.read(MAX_PIPED)
        if not content:
            raise RequestError("stdin is empty.")
        return File("stdin", content)
    content, called = content_of(Path(name), "The file", MAX_PIPED)
    return File(called, content)
