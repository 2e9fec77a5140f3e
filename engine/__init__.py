"""The engine: loads trained models and makes music with them. It knows nothing of pages, of Streamlit or of training.

Every system offers the same two calls: ``load(path, device)`` gives a frozen model and ``generate(model, seed=…, …)`` a
:class:`engine.song.Song` or an :class:`engine.audio.Audio`. ``python -m engine --help`` is the same from a shell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

if sys.version_info < (3, 10):  # noqa: UP036 - said in words before anything newer is parsed
    print("Bandstand needs Python 3.10 or newer; this is " + sys.version.split()[0] + ".", file=sys.stderr)
    sys.exit(2)

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "checkpoints"

Progress = Callable[[int, int], None]
"""``progress(done, total)``: long work calls it; it may raise :class:`Cancelled` to stop that work."""


class Refused(ValueError):
    """What was asked for cannot be done. The message is one clear sentence for the person who asked."""


class Cancelled(Exception):
    """Raised from inside a progress callback to stop long work; nothing is kept of it."""


def device(name: str | None = None) -> torch.device:
    """The device called `name`, or the best there is: cuda, then mps, then cpu. Refused when it is not there."""
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(kind for kind, there in available.items() if there))
    kind, _, index = name.partition(":")
    if kind not in available or (index and not index.isdigit()):
        raise Refused(f"'{name}' is not a device; choose cuda, mps or cpu.")
    if not available[kind] or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise Refused(f"The device '{name}' is not available on this machine; leave --device out to use what is.")
    return torch.device(name)


def play_on_one_thread() -> None:
    """Let torch compute on one thread in this process; OMP_NUM_THREADS decides instead where it is set.

    The networks are small: beside any other load, threads that wait for one another cost far more than they save.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"  # read by torch when it is imported
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
