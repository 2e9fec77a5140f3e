"""Trombone: prepare the notes, train the SampleRNN, evaluate what it plays.

    python -m training.trombone prepare  --data data/audio [--prepared prepared/trombone]
    python -m training.trombone train    [--folder runs/trombone] [--minutes 60]
    python -m training.trombone evaluate [--notes 300]

`prepare` takes a folder with a manifest.csv, or the thesis's layout (folders of WAV with one MIDI file each). `train`
reads only the prepared arrays, resumes by itself, and keeps the checkpoint that *plays* best: pitch, length and log-mel
distance of validation notes that it generates, never the likelihood. `evaluate` prints the table of the model card.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from engine.core import shell
from engine.trombone.network import Config, SampleRNN
from engine.trombone.request import TEMPERATURE
from training.core.precision import add_precision

PREPARED, RUN = Path("prepared/trombone"), Path("runs/trombone")


def train(args: argparse.Namespace) -> None:
    from training.core.loop import Loop
    from training.trombone.train import Lanes, Notes, bits

    notes = Notes.open(args.prepared)
    config = Config(dim=args.dim, companding=args.companding, prior=not args.thesis, emphasis=args.emphasis)
    torch.manual_seed(args.seed)
    model = SampleRNN(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=1e-3)
    # The rate falls with the steps done: args.steps is the whole plan, whatever --minutes one sitting has.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min(1.0, (n + 1) / 100) * (0.04 + 0.96 * max(0.0, 1 - n / args.steps) ** 1.0)
    )
    loop = Loop(
        args.folder, modules={"net": model}, optimizers={"net": optimizer}, ema={"net": args.ema},
        schedulers={"net": schedule}, seed=args.seed, precision=args.precision,
    )  # fmt: skip
    if loop.main:
        (args.folder / "config.json").write_text(json.dumps(config.__dict__, indent=1))
    split = notes.index["split"]
    rng = np.random.default_rng((args.seed, loop.step, loop.rank))
    lanes = Lanes(notes, np.flatnonzero(split == 0), model, args.batch, args.chunk, rng, corrupt=not args.teacher)
    state = tuple(s.detach() for s in model.begin(args.batch))
    validation = np.flatnonzero(split == 1)
    began = time.monotonic()

    def step(_: int) -> dict[str, float]:
        nonlocal state
        batch = lanes().to(loop.device)
        with loop.autocast():
            loss, after = bits(loop.modules["net"], batch, state)
        state = tuple(s.detach().float() for s in after)
        optimizer.zero_grad()
        loop.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        loop.optimizers["net"].step()
        schedule.step()
        return {"bits": float(loss.detach()), "norm": float(norm)}

    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        from training.trombone.evaluate import play_validation, self_played

        played = loop.averaged("net")
        metrics = {"minutes": (time.monotonic() - began) / 60}
        result, more = play_validation(played, notes, validation[:: args.every])
        if args.self_play and loop.step >= args.self_play:
            lanes.bank = self_played(played, notes, np.flatnonzero(split == 0), args.bank, seed=loop.step)
            lanes.bank_share = 0.5
        return result, metrics | more

    loop.run(
        step, steps=args.steps, minutes=args.minutes, log_every=50, save_every=400,
        evaluate=evaluate if args.evaluate_every else None, evaluate_every=args.evaluate_every or 1,
    )  # fmt: skip


def main() -> None:
    parser = shell.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare", help="notes → arrays")
    one.add_argument("--data", type=Path, default=Path("data/audio"), help="folder of notes")
    one.add_argument("--prepared", "--out", type=Path, default=PREPARED)
    one.add_argument("--copies", type=int, default=3, help="of each training note: in tune, then moved by random cents")
    two = commands.add_parser("train", help="arrays → runs/trombone/best.safetensors")
    two.add_argument("--prepared", type=Path, default=PREPARED)
    two.add_argument("--folder", type=Path, default=RUN)
    two.add_argument("--minutes", type=float, default=None, help="stop (and save) after so long; start again to resume")
    two.add_argument("--steps", type=int, default=9_000)
    two.add_argument("--batch", type=int, default=16, help="notes at once")
    two.add_argument("--chunk", type=int, default=512, help="samples between two steps of the optimiser")
    two.add_argument("--lr", type=float, default=1.5e-3)
    two.add_argument("--ema", type=float, default=0.998)
    two.add_argument("--dim", type=int, default=192)
    two.add_argument("--companding", choices=("mu", "linear"), default="mu")
    two.add_argument("--emphasis", type=float, default=0.65, help="pre-emphasis before companding; 0 none")
    two.add_argument("--thesis", action="store_true", help="the baseline: note and counters alone as conditions")
    two.add_argument("--teacher", action="store_true", help="plain teacher forcing, an uncorrupted history")
    two.add_argument("--self-play", type=int, default=0, help="step from which its own playing is history; 0 never")
    two.add_argument("--bank", type=int, default=192, help="notes it plays itself after each evaluation")
    two.add_argument("--evaluate-every", type=int, default=900, help="steps; 0 never")
    two.add_argument("--every", type=int, default=2, help="each so-many-th validation note is played")
    add_precision(two)
    two.add_argument("--seed", type=int, default=0)
    three = commands.add_parser("evaluate", help="the model card's table")
    three.add_argument("--prepared", type=Path, default=PREPARED)
    three.add_argument("--data", type=Path, default=Path("data/audio"))
    three.add_argument("--checkpoint", type=Path, default=Path("checkpoints/trombone"))
    three.add_argument("--run", type=Path, default=None, help="first take the best weights of this run")
    three.add_argument(
        "--baselines", type=Path, nargs="*", default=[], help="runs to show beside it; else they keep their figures"
    )
    three.add_argument("--notes", type=int, default=300)
    three.add_argument(
        "--sweep", type=float, nargs="*", default=[], help="temperatures to compare, on validation notes"
    )
    three.add_argument("--every", type=int, default=1, help="each so-many-th held-out note is compared")
    three.add_argument("--temperature", type=float, default=TEMPERATURE)
    three.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(max(1, torch.get_num_threads()))
    if args.command == "prepare":
        from training.trombone.prepare import prepare

        print(json.dumps(prepare(args.data, args.prepared, args.copies), indent=1))
    elif args.command == "train":
        train(args)
    else:
        from training.trombone.evaluate import evaluate

        evaluate(args)


if __name__ == "__main__":
    shell.run(main)
