"""Model cards: a template a system, filled from a checkpoint's config.json and from nothing else.

The templates hold the words, config.json holds every figure: what training and evaluation write there, and what no run
can find again (`KEPT`): what was tried, and figures of the data and the limits that were counted once.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.core import checkpoint

KEPT = ("tried", "about")  # keys of config.json that a training of the same checkpoint leaves as they are
WIDTH = 118  # of a line of what was tried


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def rounded(value: Any) -> Any:
    """Floats to four places, in any nesting of dictionaries and lists; None where nothing could be measured (nan)."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def fixed(value: float | None, places: int) -> str:
    """A figure with so many decimals; a dash where nothing could be measured."""
    return "–" if value is None else f"{value:.{places}f}"


def percent(share: float, places: int = 0) -> str:
    """A share of one in percent."""
    return f"{share:.{places}%}"


def milestones(curve: dict[str, list[float]]) -> list[tuple[int, float]]:
    """(step, value) of a curve where it begins, after each quarter, and where it ends."""
    last = len(curve["step"]) - 1
    return [(int(curve["step"][at]), curve["value"][at]) for at in (last * quarter // 4 for quarter in range(5))]


def blocks(parts: Iterable[str | list[list[Any]]]) -> str:
    """Markdown from paragraphs, items of a list (they begin with a dash) and tables (rows, the head first)."""
    text, before = "", ""
    for part in parts:
        if isinstance(part, str):
            indent = "  " if part.startswith("- ") else ""
            block = textwrap.fill(part, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        else:
            block = table(part[0], part[1:])
        between = "\n" if before.startswith("- ") and block.startswith("- ") else "\n\n"
        text += (between if before else "") + block
        before = block
    return text


ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)
ENVIRONMENT.filters |= {"fixed": fixed, "percent": percent, "blocks": blocks, "milestones": milestones}


def render(system: str, config: dict[str, Any]) -> str:
    """README.md of a checkpoint, from its config.json."""
    return ENVIRONMENT.get_template(f"{system}.md.j2").render(config)


def write(folder: Path) -> str:
    """Write README.md of a checkpoint from its config.json; returns its text."""
    config = checkpoint.read_config(folder)
    card = render(config["system"], config)
    checkpoint.write_whole(folder / "README.md", card.encode())
    return card


def kept(folder: Path) -> dict[str, Any]:
    """What a checkpoint's config.json has of `KEPT`, for the training that writes it anew."""
    config = checkpoint.read_config(folder) if (folder / "config.json").is_file() else {}
    return {key: config[key] for key in KEPT if key in config}
