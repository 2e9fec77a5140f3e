"""What is asked of a system: a frozen dataclass whose fields know their ranges, choices, units and help.

    @dataclass(frozen=True, kw_only=True)
    class Request(request.Request):
        bars: int = option(8, "How many bars.", low=4, high=64)

It is the one description of what can be asked: a page builds its widgets from the fields (ui/controls.py), the command
line its options (engine/core/commandline.py), a take keeps `to_json()` as its recipe, and making it again is
`generate(load(request.checkpoint()), Request.from_json(…))`. A request that exists is valid: every refusal is one
sentence, raised where it is made.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from engine import RequestError
from engine.core.file import File

__all__ = ["File"]  # for who has one in a request

MAX_SEED = 2**63 - 1
FORMAT = 2  # of to_json; 1 was the options of the command line, by name
MAX_NAME = 200  # characters of a file's name
MAX_TEXT = 10_000  # characters of any text in a request
NAMES = "names"  # in to_json, what a person called the files

AnyRequest = TypeVar("AnyRequest", bound="Request")


@dataclass(frozen=True)
class Contents:
    """What music comes as."""

    notes: bool = True
    sound: bool = False  # its own; what has none is a song to be played
    texts: tuple[str, ...] = ()  # their files' endings


@dataclass(frozen=True)
class Option:
    """What is known of a field. Everything but the help may be left out."""

    help: str  # for the page and the command line alike
    low: float | None = None  # the least and the most, both allowed
    high: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""  # "quarter notes a minute"
    label: str = ""  # of its widget, and in a recipe; the field's name otherwise
    called: str = ""  # what a refusal calls it, "The tempo"; the field's name otherwise
    flag: str = ""  # how the command line spells it where that is not the field's name, "--from"
    metavar: str = ""
    read: Callable[[str], Any] | None = None  # a value of it from a command line's word; RequestError where it is none
    repeated: bool = False  # the command line may give it several times, and `read` gives one part of it
    ending: str = "bin"  # of a file whose name has none
    requires: tuple[str, ...] = ()  # fields without one of which it would change nothing
    excludes: tuple[str, ...] = ()  # fields beside any of which it would change nothing
    despite: tuple[str, ...] = ()  # fields with any of which it counts all the same
    formerly: tuple[str, ...] = ()  # how the command line spelled it when takes were made that are still kept
    said_by: tuple[str, ...] = ()  # fields that may say it instead, where it has to be given
    before: Any = None  # what it was in recipes from before it could be asked for, if not the default


def option(default: Any, help: str, **known: Any) -> Any:
    """A field with its :class:`Option`; `default` may be `dataclasses.MISSING` where one has to be given."""
    metadata = {"option": Option(help, **known)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Field:
    """One field of a request, as widgets, command lines and recipes see it."""

    name: str
    kind: Any  # int, float, bool, str, File, tuple or Mapping
    optional: bool  # whether it may be None
    parts: tuple[Any, ...]  # the types within a tuple or a mapping
    default: Any  # dataclasses.MISSING where there is none
    option: Option

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return self.option.flag or "--" + self.name.replace("_", "-")

    @property
    def label(self) -> str:
        """What a page calls it."""
        return self.option.label or self.name.replace("_", " ").capitalize()

    @property
    def called(self) -> str:
        """What a refusal calls it."""
        return self.option.called or f"The {self.name.replace('_', ' ')}"

    @property
    def span(self) -> str:
        """Its range in words, "from 4 to 64"."""
        low, high = self.option.low, self.option.high
        if low is None or high is None:
            return f"of at least {low:g}" if low is not None else f"of at most {high:g}" if high is not None else ""
        return f"from {low:.15g} to {high:.15g}" if high < MAX_SEED else f"from {low:g} to {MAX_SEED}"

    def check(self, value: Any) -> None:
        """Refuse a value that is not of the field's kind, in its range or among its choices."""
        if (value is None and self.optional) or self.mixed:
            return
        if self.kind in (int, float):
            self._check_number(value, self.kind)
        elif not isinstance(value, self.kind):
            raise RequestError(f"{self.called} cannot be {_shown(value)}.")
        elif self.kind is str and len(value) > MAX_TEXT:
            raise RequestError(f"At most {MAX_TEXT} characters are read, not {len(value)}: {lower(self.called)}.")
        elif self.kind is Mapping and self.parts[1] in (int, float):
            for number in value.values():
                self._check_number(number, self.parts[1])
        elif self.kind is tuple and not all(type(each) is self.parts[0] for each in value):
            raise RequestError(f"{self.called} cannot be {_shown(value)}.")
        self._check_choice(value)

    def _check_choice(self, value: Any) -> None:
        for each in value if self.kind in (tuple, Mapping) else [value]:
            if self.option.choices and each not in self.option.choices:
                known = ", ".join(map(str, self.option.choices))
                raise RequestError(f"{_shown(each)} is not a choice for {lower(self.called)}; choose {known}.")

    @property
    def mixed(self) -> bool:
        """Whether it may be of several kinds; then the request's own `validate` knows them."""
        return get_origin(self.kind) in (Union, types.UnionType)

    def _check_number(self, value: Any, number_type: type) -> None:
        known = isinstance(value, (int, float)) if number_type is float else isinstance(value, int)
        low, high = self.option.low, self.option.high
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        if isinstance(value, bool) or not known or not low <= value <= high or math.isinf(value):
            what = "a whole number" if number_type is int else "a number"
            raise RequestError(f"{self.called} must be {what} {self.span}, not {_shown(value)}.".replace(" ,", ","))

    def of_json(self, value: Any, files: Mapping[str, bytes], names: Mapping[str, Any] | None = None) -> Any:
        """The field's value from JSON, where tuples are lists and files are names among `files`, which a person calls
        by these `names`."""
        if value is None:
            return None
        if self.kind is File:
            if not isinstance(value, str) or value not in files:
                raise RequestError(f"The recipe names a file that is not part of the take ({_shown(value)}).")
            file, name = File(value, files[value]), str((names or {}).get(value, value))[:MAX_NAME]
            return File(name, file.content, "" if File(name, b"").ending == file.ending else file.ending)
        if self.kind is tuple and isinstance(value, list):
            return tuple(value)
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            return as_float(value)
        return value


def as_float(value: float) -> float:
    """A number as a float; one that is too large is infinite, which every range refuses."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _file_name(field: Field, file: File) -> str:
    """What a request's file is called beside it: input.mid, input-towards.mid."""
    stem = "input" if field.name == "input" else "input-" + field.name.replace("_", "-")
    return f"{stem}.{file.ending or field.option.ending}"


def lower(called: str) -> str:
    """ "The tempo" inside a sentence: "the tempo"."""
    return called[:1].lower() + called[1:]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every system can be asked for; each has its own below this."""

    SYSTEM: ClassVar[str]  # its name, that of its package
    CONTENTS: ClassVar[Contents] = Contents()  # of every result
    RETIRED: ClassVar[tuple[str, ...]] = ()  # fields of earlier recipes that nothing follows any more

    seed: int = option(0, "The same seed with the same settings always plays the same music.", low=0, high=MAX_SEED)

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(type(self)) if f.kind is float):
            if isinstance(value := getattr(self, name), int) and not isinstance(value, bool):
                object.__setattr__(self, name, as_float(value))
        for field in fields(type(self)):
            field.check(getattr(self, field.name))
        self.validate()

    def validate(self) -> None:
        """Refuse what the fields alone cannot know: settings that do not go together."""

    def checkpoint(self) -> Path:
        """The folder of the weights that this asks for."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What a result of it is called until a person names it."""
        return f"{self.SYSTEM.capitalize()}, seed {self.seed}"

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """What can be asked for that the shipped weights decide (genres, types of tune, …), for `list`."""
        return {}

    @classmethod
    def lost(cls, recipe: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG003 - most have lost nothing
        """Sentences on what the settings of an earlier recipe asked for and nobody plays any more."""
        return ()

    @classmethod
    def together(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What a command line's options mean together, before they become a request."""
        return values

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files that belong to it, by the names that `to_json` gives them."""
        return {
            _file_name(field, file): file.content
            for field in fields(type(self))
            if isinstance(file := getattr(self, field.name), File)
        }

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON holds them, with the format's number; files by the names they have in `files`, and how a
        person calls those."""
        out: dict[str, Any] = {"format": FORMAT}
        for field in fields(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, File):
                name = _file_name(field, value)
                out.setdefault(NAMES, {})[name] = value.name
                value = name
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, Mapping):
                value = dict(value)
            out[field.name] = value
        return out

    @classmethod
    def from_json(
        cls: type[AnyRequest], data: Mapping[str, Any], files: Mapping[str, bytes] | None = None
    ) -> AnyRequest:
        """The request of `to_json`, from anywhere. Refused when it is none of this system's, or of a newer format."""
        known = {field.name: field for field in fields(cls)}
        if data.get("format") != FORMAT:
            raise RequestError(
                f"This recipe is of format {_shown(data.get('format'))}; expected {FORMAT}: update Bandstand."
            )
        values, names = cls._before(), data.get(NAMES)
        if names is not None and not isinstance(names, Mapping):
            raise RequestError("The recipe does not say what its files are called.")
        for name, value in data.items():
            if name in ("format", NAMES) or name in cls.RETIRED:
                continue
            if name not in known:
                raise RequestError(
                    f"The recipe asks for {_shown(name)}, which {cls.SYSTEM.capitalize()} does not know."
                )
            values[name] = known[name].of_json(value, files or {}, names)
        return cls.of(values)

    @classmethod
    def from_options(
        cls: type[AnyRequest], options: Mapping[str, Any], seed: int, files: Mapping[str, bytes] | None = None
    ) -> AnyRequest:
        """The request of a recipe of format 1: the command line's options by name, their values as text or JSON.

        True is an option without a value, False and None are left out, a list repeats it or is joined by commas.
        """
        known: dict[str, Field] = {}
        for field in fields(cls):
            known.setdefault(field.flag, field)
            known |= dict.fromkeys(field.option.formerly, field)
        values: dict[str, Any] = {**cls._before(), "seed": seed}
        for name, value in options.items():
            if value is None or value is False:
                continue
            flag = "--" + name.replace("_", "-")
            if flag not in known:
                raise RequestError(
                    f"The recipe asks for {_shown(name)}, which {cls.SYSTEM.capitalize()} does not know."
                )
            field = known[flag]
            if field.kind is File:
                values[field.name] = field.of_json(value, files or {})
            elif field.kind is bool:
                values[field.name] = not flag.startswith("--no-")
            elif field.option.repeated:
                values[field.name] = read_all(field, [str(v) for v in (value if isinstance(value, list) else [value])])
            else:
                text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
                values[field.name] = read_one(field, text)
        return cls.of(cls.together(values))

    @classmethod
    def _before(cls) -> dict[str, Any]:
        """What fields were in recipes that do not name them."""
        return {f.name: f.option.before for f in fields(cls) if f.option.before is not None}

    @classmethod
    def of(cls: type[AnyRequest], values: Mapping[str, Any]) -> AnyRequest:
        """A request of these values. Refused when one that has to be given is missing."""
        for field in fields(cls):
            if field.default is dataclasses.MISSING and field.name not in values:
                raise RequestError(f"{field.label} has to be given.")
        return cls(**values)


def fields(request: type[Request]) -> tuple[Field, ...]:
    """The fields of a request, in their order."""
    return _fields(request)  # type: ignore[arg-type]  # a class can be hashed, whatever its instances can


@cache
def _fields(request: Any) -> tuple[Field, ...]:
    hints = get_type_hints(request)
    out = []
    for each in dataclasses.fields(request):
        field_type, optional = hints[each.name], False
        if get_origin(field_type) in (Union, types.UnionType):
            rest = [part for part in get_args(field_type) if part is not type(None)]
            optional = len(rest) < len(get_args(field_type))
            field_type = rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007 - made of what was found
        parts = get_args(field_type)
        if (origin := get_origin(field_type)) not in (None, Union, types.UnionType):
            field_type = Mapping if issubclass(origin, Mapping) else origin
        default = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
        out.append(Field(each.name, field_type, optional, parts, default, each.metadata["option"]))
    return tuple(out)


def field_of(request: type[Request], name: str) -> Field:
    """One field by its name."""
    return next(field for field in fields(request) if field.name == name)


def read_one(field: Field, text: str) -> Any:
    """A field's value from one word of a command line. Refused when it is none."""
    if field.option.read:
        return field.option.read(text)
    if field.kind in (int, float):
        try:
            return field.kind(text)
        except ValueError:
            what = "whole number" if field.kind is int else "number"
            raise RequestError(f"{field.flag} {text}: a {what} is wanted.") from None
    return text


def read_all(field: Field, texts: Sequence[str]) -> Any:
    """A field's value from all the words that a command line gave for it: a mapping or a tuple of their parts."""
    assert field.option.read
    parts = [field.option.read(text) for text in texts]
    return dict(parts) if field.kind is Mapping else tuple(parts)


def pair(flag: str, number_type: type, example: str) -> Callable[[str], tuple[str, Any]]:
    """A reader of "piano=3": a name, an equals sign and a number."""

    def read(text: str) -> tuple[str, Any]:
        name, equals, number = text.partition("=")
        try:
            if not equals:
                raise ValueError
            return name.strip(), number_type(number)
        except ValueError:
            what = "whole number" if number_type is int else "number"
            raise RequestError(
                f"{flag} {text}: write a track, an equals sign and a {what}, such as {example}."
            ) from None

    return read


def names(text: str) -> tuple[str, ...]:
    """A reader of "drums,bass"."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
