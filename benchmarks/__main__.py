"""The cost table: what every generator costs, beside what one would use instead, and what the studio costs a person.

    make bench
    python -m benchmarks [band player variation melody trombone translation listen midi inside cold studio] [--json]

Each part is measured in a process of its own, one after the other, in some minutes; its rows appear when it is done.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys

from benchmarks import table
from engine import ROOT
from engine.systems import SYSTEMS

PARTS = (*SYSTEMS, "player", "listen", "midi", "inside", "cold", "studio")


def measure(part: str) -> tuple[list[tuple[str, str, str, str]], str]:
    """The rows of one part, and the last line of its complaint where it failed."""
    command = [sys.executable, "-m", f"benchmarks.{part}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return table.rows(done.stdout), done.stderr.strip().splitlines()[-1] if done.returncode else ""


def part_of(name: str) -> str:
    """A part's name as the command line gives it; argparse says what is none."""
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PARTS)}")
    return name


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", type=part_of, help=f"only these of {', '.join(PARTS)}; all by default")
    parser.add_argument("--json", action="store_true", help="the rows as one JSON list instead")
    args = parser.parse_args(arguments)
    if not args.json:
        print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
        table.head(("part",))
    found, failed = [], []
    for part in args.part or PARTS:
        if sys.stderr.isatty():  # the row that comes is longer
            print(f"measuring {part} ...", end="\r", file=sys.stderr, flush=True)
        rows, complaint = measure(part)
        failed += [f"{part}: {complaint}"] if complaint else []
        for row in rows:
            found.append({"part": part, **dict(zip(table.HEAD, row))})
            if not args.json:
                print("| " + " | ".join((part, *row)) + " |", flush=True)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    for words in failed:
        print(f"Not measured: {words}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
