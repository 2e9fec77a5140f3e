"""Train the systems, and the player, planner, hand, chords and ear that they share, and measure them.

    python -m training prepare  SYSTEM [options]     data → arrays
    python -m training train    SYSTEM [options]     arrays → a run, and its best weights as a checkpoint; resumes,
                                                     and replaces shipped weights only with --overwrite
    python -m training evaluate SYSTEM [options]     a checkpoint beside real music and baselines; writes its card
    python -m training report   [options]            every system's figures, gathered in EVALUATION.md

On many GPUs or machines: accelerate launch -m training train SYSTEM [options].
"""

from __future__ import annotations

import argparse
import importlib
import sys
from contextlib import nullcontext
from types import ModuleType

from engine.core import shell
from engine.core.stop import leave
from engine.systems import PLAYED_BY
from engine.systems import SYSTEMS as PLAYED

STAGES = {
    "prepare": "turn data into the arrays that training reads",
    "train": "train, resuming what is there, and write the best weights as a checkpoint",
    "evaluate": "measure a checkpoint on held-out data beside baselines, and write its card",
}
UNPLAYED = ("player", "planner", "ranker", "touch", "chords", "listen")  # networks behind the systems
TRAINED = (*(name for name in PLAYED if name not in PLAYED_BY), *UNPLAYED)
SYSTEMS = {"prepare": TRAINED, "train": TRAINED, "evaluate": ("band", *TRAINED)}  # Band has no weights of its own
REPORT = "report"


def module(stage: str, system: str) -> ModuleType:
    """The file of a system's stage: it offers `add_arguments(parser)` and `run(args)`."""
    return importlib.import_module(f"training.{system}.{stage}")


def parser(stage: str | None, system: str | None) -> argparse.ArgumentParser:
    """The command line's parser. Of the systems it knows the names, and of the one named the options too: no other is
    imported, and none for --help alone."""
    raw = argparse.RawDescriptionHelpFormatter
    top = shell.Parser(prog="python -m training", description=__doc__, formatter_class=raw)
    stages = top.add_subparsers(dest="stage", required=True, metavar="{prepare,train,evaluate,report}")
    for name, says in STAGES.items():
        systems = stages.add_parser(name, help=says, description=says).add_subparsers(dest="system", required=True)
        for other in SYSTEMS[name]:
            sub = systems.add_parser(other)
            if (name, other) == (stage, system):
                from training.core import options  # here, because it brings torch

                chosen = module(name, other)
                sub.description, sub.formatter_class = chosen.__doc__, raw
                chosen.add_arguments(sub)
                if name == "train":
                    options.add_device(sub)
                    if sub.get_default("checkpoint"):
                        options.add_overwrite(sub)
                sub.set_defaults(run_stage=chosen.run, options_of=sub)
    says = "measure every system with the committed weights and gather the figures in EVALUATION.md"
    sub = stages.add_parser(REPORT, help=says, description=says)
    if stage == REPORT:
        from training import report

        report.add_arguments(sub)
        sub.set_defaults(run_stage=report.run)
    return top


def main(words: list[str] | None = None) -> int | None:
    """Run one command; the exit status, None for success."""
    words = sys.argv[1:] if words is None else words
    stage, system = [*words, None, None][:2]
    known = stage == REPORT or system in SYSTEMS.get(stage, ())
    args = parser(stage if known else None, system).parse_args(words)
    if stage == REPORT:
        return args.run_stage(args)
    from training.core import options

    options.check_numbers(args, args.options_of)
    options.use_threads(args)
    if stage == "train":
        options.use_device(args)
    try:
        with options.protected(args) if "overwrite" in args and args.run else nullcontext():
            return args.run_stage(args)
    except OSError as error:
        refusal = options.absent(error, args)
        if refusal is None:
            raise
        raise refusal from error


def run() -> None:
    """Run the command line's words, and leave before gloo's threads abort a process that Python takes apart."""
    leave(main() or 0)


if __name__ == "__main__":
    shell.run(run)
