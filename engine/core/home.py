"""The person's data folder: takes, and soundfonts of their own."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "BANDSTAND_HOME"


def home() -> Path:
    """BANDSTAND_HOME where it is set, or the person's data folder."""
    return Path(os.environ.get(HOME_VARIABLE) or platformdirs.user_data_dir("bandstand", appauthor=False))
