"""A file that a person brought: its name, and its content as it came."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

UNNAMED = re.compile(r"input(-[a-z-]+)?")  # of recipes that did not say what their files were called


@dataclass(frozen=True)
class File:
    """What a person brought: its name, and its content as it came."""

    name: str
    content: bytes = field(repr=False)
    format: str = ""  # its ending, where the content is no longer what the name says

    @property
    def ending(self) -> str:
        """The file's ending, in small letters without its dot: at most ten letters and digits, "" where it has none."""
        ending = self.format or Path(self.name).suffix.lower()
        return "".join(c for c in ending if c.isascii() and c.isalnum())[:10]

    @property
    def title(self) -> str:
        """What it is called in a title: its name without the ending."""
        title = self.name if self.format else Path(self.name).stem
        return "A song" if UNNAMED.fullmatch(title) else title
