"""Command lines that say what is wrong in one sentence: those of `python -m engine` and of training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from engine import Cancelled, RequestError
from engine.core import stop


class Parser(argparse.ArgumentParser):
    """argparse whose every complaint is one sentence, raised as Refused."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message[:1].upper()}{message[1:]} (see {self.prog} --help).")


def run(command: Callable[[], int | None]) -> NoReturn:
    """Run a whole command and leave the process: 0, or 2 with one line for what is refused, or 130 after Ctrl-C."""
    stop.listen()
    try:
        sys.exit(command())
    except (RequestError, Cancelled) as refusal:
        print(" ".join(str(refusal).split()), file=sys.stderr)
        sys.exit(2)
