"""Stopping at once: Ctrl-C ends a command or the studio's server whatever it is doing, and leaves nothing half done."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

PATIENCE_SECONDS = 1.5  # from the signal until whatever still runs is left where it is

_tidying = False  # whether there is something to be tidied up: then the signal is an exception
_stopped = 0  # the exit status of who was stopped


def leave(status: int, says: str = "") -> NoReturn:
    """End the process now.

    Python's own way out waits for threads and then takes their interpreter away: one that imports, compiles, renders or
    samples at that moment keeps it waiting, or aborts it. None has anything to finish: files are written whole.
    """
    try:
        if says:
            print(says, file=sys.stderr)
        else:
            sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def soon(status: int, says: str = "") -> None:
    """Leave when patience is at its end, if the process has not ended by then."""
    timer = threading.Timer(PATIENCE_SECONDS, leave, (status, says))
    timer.daemon = True
    timer.start()


def listen() -> None:
    """From here on a signal ends this command with `Stopped.` and 128 + its number; an ignored one stays so.

    Call it before the slow imports.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> None:
    global _stopped
    again, _stopped = bool(_stopped), 128 + number
    if again or not _tidying:
        leave(_stopped, "Stopped.")
    # Raised in a finaliser or in a callback from C, the exception would be lost.
    sys.unraisablehook = lambda _: leave(_stopped, "Stopped.")
    soon(_stopped, "Stopped.")
    raise KeyboardInterrupt


@contextmanager
def tidying() -> Iterator[None]:
    """While something half done is on the disk, a signal is a KeyboardInterrupt, so that what made it removes it.

    Only around Python's own work on files: an exception that passes through torch's or numba's C++ aborts the process.
    """
    global _tidying
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's alone
        yield
        return
    outer, _tidying = _tidying, True
    try:
        yield
    finally:  # whatever exception a library made of the interrupt
        _tidying = outer
        if _stopped and not outer:
            leave(_stopped, "Stopped.")
