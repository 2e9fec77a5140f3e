"""The engine: loads trained models and makes music with them. It knows nothing of pages, of Streamlit or of training.

Every system is a package that offers the same three words: a ``Request`` says what is asked for, ``load(path, device)``
gives a frozen model, ``generate(model, request)`` a :class:`engine.core.result.Result`. ``python -m engine --help`` is
the same from a shell.
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


class RequestError(ValueError):
    """What was asked for cannot be done. The message is one clear sentence for the person who asked."""


class Cancelled(Exception):
    """Raised from inside a progress callback to stop long work; nothing is kept of it."""


def device(name: str | None = None) -> torch.device:
    """The device called `name`, or the best there is: cuda, then mps, then cpu. Refused when it is not there."""
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(backend for backend, there in available.items() if there))
    backend, _, index = name.partition(":")
    if backend not in available or (index and not index.isdigit()):
        raise RequestError(f"'{name}' is not a device; choose cuda, mps or cpu.")
    if not available[backend] or (backend == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise RequestError(f"The device '{name}' is not available on this machine; leave --device out to use what is.")
    return torch.device(name)


def play_on_one_thread() -> None:
    """Let torch compute on one thread in this process; OMP_NUM_THREADS decides instead where it is set.

    The networks are small: beside any other load, threads that wait for one another cost far more than they save.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"  # read by torch when it is imported
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)


def device_name() -> str:
    """What `device()` is called, where it can be known without PyTorch, which takes a second to import: does its build
    want NVIDIA's driver, and does that see a GPU? Of Apple's and AMD's GPUs PyTorch alone knows."""
    import ctypes
    import runpy
    from importlib.util import find_spec

    torch = find_spec("torch")
    assert torch and torch.origin, "PyTorch is not installed"
    build = runpy.run_path(str(Path(torch.origin).with_name("version.py")))
    if sys.platform == "darwin" or build["hip"]:
        return str(device())
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        devices, supports = ctypes.c_int(), ctypes.c_int()
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(devices))
        failed = failed or driver.cuDriverGetVersion(ctypes.byref(supports))
    except (OSError, AttributeError):
        return "cpu"  # no driver
    wanted = int((build["cuda"] or "0").split(".")[0])
    return "cuda" if wanted and not failed and devices.value and supports.value // 1000 >= wanted else "cpu"
