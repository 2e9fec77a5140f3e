"""One report: runs the evaluations with the committed weights and gathers their figures in EVALUATION.md and .json.

    make evaluate                                   everything; or make evaluate ARGS="--system band --data elsewhere"
    python -m training report [--system band …] [--data data] [--prepared prepared] [--run runs]
    python -m training report --quick               small settings on copies of the weights; prints, keeps nothing
    python -m training report --gather              measures nothing, writes the cards and the report anew

Each evaluation puts its figures into config.json and into the section `## Figures` of the model card beside it:
generated beside real data, beside its baselines. What it needs of prepared arrays is prepared first where it is not
there. The report is a table a system (training/report_rows.py), then those sections, each with the date, the machine
and the command that measured it; a system that was not measured keeps its last figures. The rows of the tables are
EVALUATION.json too, which the page Inside draws.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, ROOT
from engine.core import checkpoint
from engine.core.stop import tidying
from training.core import cards
from training.core.options import add_common
from training.report_rows import OPENING, figures_of, summary

HEADING = re.compile(r"^## Figures\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class System:
    """How one system is measured. In the options stand {data}, {prepared}, {run} and {checkpoint}, its own folders."""

    data: str  # what it learns from, in the data folder
    places: str  # options of `evaluate`: where things are
    ready: str = ""  # what preparing writes last; nothing where nothing is prepared
    preparing: str = ""  # options of `prepare`
    settings: str = ""  # how much is measured
    quick: str = ""  # the same, small
    listens: bool = False  # whether evaluating reads the data itself, and not the prepared arrays alone


SYSTEMS = {
    "band": System(
        data="songs.npz",
        places="--data {data} --checkpoint {checkpoint}",
        quick="--judged 64 --known 400 --pieces 8 --steered 2 --told 32 --jam 1",
        listens=True,
    ),
    "player": System(
        data="songs.npz",
        ready="facts.json",
        preparing="--data {data} --prepared {prepared}",
        places="--prepared {prepared} --checkpoint {checkpoint}",
        quick="--held-out 4 --followed 8",
    ),
    "planner": System(
        data="songs.npz",
        ready="facts.json",
        preparing="--data {prepared}/../player --prepared {prepared}",
        places="--prepared {prepared} --checkpoint {checkpoint}",
        quick="--plans 200",
    ),
    "ranker": System(
        data="songs.npz",
        ready="facts.json",
        preparing="--data {prepared}/../player --prepared {prepared}",
        places="--prepared {prepared}/../player --checkpoint {checkpoint}",
        quick="--phrases 16 --mapped 160",
    ),
    "touch": System(
        data="songs.npz",
        ready="facts.json",
        preparing="--data {data} --prepared {prepared}",
        places="--data {data} --prepared {prepared} --checkpoint {checkpoint}",
        quick="--phrases 60 --held-out 32",
    ),
    "variation": System(
        data="songs.npz",
        ready="facts.json",
        preparing="--data {data} --prepared {prepared}",
        places="--data {data} --prepared {prepared} --checkpoint {checkpoint} --run {run}",
        settings="--songs 60",
        quick="--songs 12 --latent 64",
    ),
    "melody": System(
        data="abc",
        ready="test_absolute.npz",
        preparing="--data {data}/abc --prepared {prepared}",
        places="--prepared {prepared} --checkpoint {checkpoint} --run {run}",
        settings="--tunes 500",
        quick="--tunes 4",
    ),
    "trombone": System(
        data="audio",
        ready="summary.json",
        preparing="--data {data}/audio --prepared {prepared}",
        places="--prepared {prepared} --data {data}/audio --checkpoint {checkpoint}",
        settings="--notes 300",
        quick="--notes 6 --every 8",
        listens=True,
    ),
    "translation": System(
        data="audio",
        ready="voice.npz",
        preparing="--data {data}/audio --prepared {prepared}",
        places="--prepared {prepared} --data {data}/audio --checkpoint {checkpoint}",
        settings="",
        quick="--recordings 1 --other 1 --judged 12 --sung 1",
        listens=True,
    ),
}


@dataclass(frozen=True)
class Places:
    """Folders of everything, with a subfolder a system; `data` is shared."""

    data: Path
    prepared: Path
    runs: Path
    checkpoints: Path = CHECKPOINTS

    def words(self, name: str, options: str) -> list[str]:
        """Options with the folders of a system filled in."""
        folders = {"prepared": self.prepared, "run": self.runs, "checkpoint": self.checkpoints}
        own = {key: str((folder / name).resolve()) for key, folder in folders.items()}
        return [word.format(data=self.data.resolve(), **own) for word in options.split()]


def launch(name: str, command: str, words: list[str]) -> tuple[float, bool]:
    """Run `python -m training <command> <name>`; (seconds, whether it ended well). Its output goes where ours goes."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "training", command, name, *words], cwd=ROOT)
    return time.monotonic() - began, done.returncode == 0


def missing(name: str, places: Places) -> str:
    """What a system cannot be measured without; "" where nothing is missing."""
    system = SYSTEMS[name]
    ready = (places.prepared / name / system.ready).exists()
    present = (places.data / system.data).exists()
    return "" if present or (ready and not system.listens) else str(places.data / system.data)


def measure(name: str, places: Places, quick: bool = False) -> bool:
    """Prepare where that was not done, and evaluate; whether both ended well. Date and machine go into config.json."""
    system = SYSTEMS[name]
    if system.ready and not (places.prepared / name / system.ready).exists():
        print(f"Preparing the data of {name}: some minutes, once ...", file=sys.stderr, flush=True)
        if not launch(name, "prepare", places.words(name, system.preparing))[1]:
            return False
    settings = system.quick if quick else system.settings
    print(f"Measuring {name} ...", file=sys.stderr, flush=True)
    seconds, well = launch(name, "evaluate", [*places.words(name, system.places), *settings.split()])
    if well:
        how = {
            "command": f"python -m training evaluate {name} {settings}".strip(),
            "date": date.today().isoformat(),
            "machine": machine(),
            "minutes": round(seconds / 60, 1),
        }
        for folder in folders(places.checkpoints / name):
            checkpoint.update(folder, measured=how)
    return well


# ---- the text --------------------------------------------------------------------------------------------------------


def machine() -> str:
    """What this runs on, in a few words: processor, accelerator, software."""
    import torch

    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text() if cpuinfo.exists() else "", re.MULTILINE)
    processor = named[1] if named else platform.processor() or platform.machine()
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    software = f"Python {platform.python_version()}, torch {torch.__version__.partition('+')[0]}"
    return f"{processor}, {os.cpu_count()} cores, {accelerator}, {software}"


def figures(card: str) -> str:
    """The body of a card's section `## Figures`, its headings one level deeper; "" where there is none."""
    start = HEADING.search(card)
    if not start:
        return ""
    body = re.split(r"^## ", card[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    return re.sub(r"^(#{3,5}) ", r"#\1 ", body, flags=re.MULTILINE).strip()


def folders(system: Path) -> list[Path]:
    """The folders of a system's weights: its own, or those below it."""
    return [system] if (system / "config.json").exists() else sorted(p.parent for p in system.glob("*/config.json"))


def provenance(config: dict) -> str:
    """By what, when, where and for how long a checkpoint was measured."""
    how = config.get("measured")
    if not how:
        return "On which day and on what machine these were measured is not known."
    return f"`{how['command']}`, {how['date']}, {how['minutes']} minutes on {how['machine']}."


def tables(names: list[str], checkpoints: Path) -> dict[str, Any]:
    """EVALUATION.json: for each system the rows of its table, what the seed had reached, and how it was measured."""
    out = {}
    for name in names:
        configs = {folder.name: checkpoint.read_config(folder) for folder in folders(checkpoints / name)}
        measured = list(dict.fromkeys(map(provenance, configs.values())))
        out[name] = {**figures_of(name, configs), "measured": measured}
    return out


def gather(known: dict[str, Any], checkpoints: Path) -> str:
    """EVALUATION.md: for each of the `tables` its text, how it was measured, and the figures of its cards, folded
    away."""
    parts = [OPENING]
    for name, system in known.items():
        parts.append(f"## {name.capitalize()}\n\n{summary(system)}\n")
        parts += [f"{how}\n" for how in system["measured"]]
        for folder in folders(checkpoints / name):
            place = folder.relative_to(checkpoints).as_posix()
            card = folder / "README.md"
            text = figures(card.read_text("utf-8")) if card.exists() else ""
            text = re.sub(r"\]\((?=[\w-]+\.png\))", f"](checkpoints/{place}/", text)
            parts.append(f"<details><summary>All figures of {place}</summary>\n\n{text}\n\n</details>\n")
    return "\n".join(parts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which systems, and where everything is: folders with a subfolder a system."""
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one; may be repeated")
    add_common(parser, data=ROOT / "data", prepared=ROOT / "prepared", run=ROOT / "runs")
    parser.add_argument("--quick", action="store_true", help="small settings on copies; prints, keeps nothing")
    parser.add_argument("--gather", action="store_true", help="measure nothing, write cards and report anew")


def run(args: argparse.Namespace) -> int:
    """Measure and gather; 0, 1 where a system failed or had no data, 2 where none had."""
    wanted = args.system or list(SYSTEMS)
    places = Places(args.data, args.prepared, args.run)
    failed: list[str] = []
    if not args.gather:
        lacking = {name: absent for name in wanted if (absent := missing(name, places))}
        if len(lacking) == len(wanted):
            print(
                f"There is no training data in {args.data}: put songs.npz, abc/ and audio/ there (README.md says where "
                "they come from), or name their folder with --data.",
                file=sys.stderr,
            )
            return 2
        for name, path in lacking.items():
            print(f"{name} keeps its last figures: {path} is not there.", file=sys.stderr)
        wanted = [name for name in wanted if name not in lacking]
    with tidying(), tempfile.TemporaryDirectory() as folder:
        if args.quick:
            places = Places(args.data, args.prepared, args.run, Path(folder))
            for name in wanted:
                shutil.copytree(CHECKPOINTS / name, places.checkpoints / name)
        if args.gather:
            for folder in (folder for name in wanted for folder in folders(places.checkpoints / name)):
                cards.write(folder)
        else:
            failed = [name for name in wanted if not measure(name, places, args.quick)]
        known = tables(wanted if args.quick else list(SYSTEMS), places.checkpoints)
        text = gather(known, places.checkpoints)
    if args.quick:
        print(text)
    else:
        checkpoint.write_whole(ROOT / "EVALUATION.json", (json.dumps(known, indent=1) + "\n").encode())
        checkpoint.write_whole(ROOT / "EVALUATION.md", text.encode())
    for name in failed:
        print(f"The evaluation of {name} failed (see above); its last figures stand.", file=sys.stderr)
    return 1 if failed or (not args.gather and lacking) else 0
