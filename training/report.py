"""One report: runs the five evaluations with the committed weights and gathers their figures in EVALUATION.md.

    python -m training.report [--system band …] [--gather]        (or: make evaluate)

Each evaluation writes a section `## Figures` into its model card (checkpoints/<system>/README.md): generated beside
real data, beside its baselines. The report is those sections, with the command, the date, the machine and how long it
took. `--gather` only gathers what the cards hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from engine import CHECKPOINTS, ROOT
from engine.checkpoint import write_whole

SYSTEMS = ("band", "variation", "melody", "trombone", "translation")
HEADING = re.compile(r"^## Figures\b.*$", re.MULTILINE)


def figures(card: str) -> str:
    """The body of a card's section `## Figures`, its headings one level deeper; "" where there is none."""
    start = HEADING.search(card)
    if not start:
        return ""
    rest = card[start.end() :]
    end = re.search(r"^## ", rest, re.MULTILINE)
    body = rest[: end.start()] if end else rest
    return re.sub(r"^(#{3,5}) ", r"#\1 ", body, flags=re.MULTILINE).strip()


def cards(system: str) -> list[Path]:
    """The model cards of a system: one in its folder, or one in each folder of weights below it."""
    folder = CHECKPOINTS / system
    own = folder / "README.md"
    return [own] if own.exists() else sorted(folder.glob("*/README.md"))


def machine() -> str:
    """What this ran on, in a few words."""
    import torch

    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    software = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{os.cpu_count()} cores {platform.machine()}, {accelerator}, {software}"


def evaluate(system: str) -> tuple[float, bool]:
    """Run one system's evaluation; (seconds, whether it ended well). Its output goes where ours goes."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", f"training.{system}", "evaluate"], cwd=ROOT)
    return time.monotonic() - began, done.returncode == 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one; may be repeated")
    parser.add_argument("--gather", action="store_true", help="run nothing, gather what the model cards hold")
    args = parser.parse_args(arguments)
    wanted = [name for name in args.system or SYSTEMS if (ROOT / "training" / f"{name}.py").exists() and cards(name)]
    parts = [f"# Evaluation\n\n`make evaluate`, {date.today().isoformat()}, {machine()}.\n"]
    failed = []
    for system in wanted:
        said = f"`python -m training.{system} evaluate`"
        if not args.gather:
            seconds, well = evaluate(system)
            said += f", {seconds / 60:.1f} minutes"
            if not well:
                failed.append(system)
        parts.append(f"## {system.capitalize()}\n\n{said}\n")
        for card in cards(system):
            title = "" if card.parent.name == system else f"### {card.parent.name}\n\n"
            parts.append(f"{title}{figures(card.read_text('utf-8')) or 'No figures yet.'}\n")
    write_whole(ROOT / "EVALUATION.md", "\n".join(parts).encode())
    if failed:
        print(f"The evaluation of {', '.join(failed)} failed; its old figures stand in EVALUATION.md.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
