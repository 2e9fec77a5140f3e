"""Command lines that say what is wrong in one sentence: those of `python -m engine` and of training."""

from __future__ import annotations

import argparse
import os
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
    """Run a whole command and leave the process: 0, 2 with one line for what is refused, 130 after Ctrl-C, 141
    when nobody reads its pipe any more."""
    stop.listen()
    try:
        status = command()
        sys.stdout.flush()
        sys.exit(status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more as it leaves
        sys.exit(141)
    except (RequestError, Cancelled) as refusal:
        print(" ".join(str(refusal).split()), file=sys.stderr)
        sys.exit(2)
