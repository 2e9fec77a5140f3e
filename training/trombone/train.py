"""Train the trombone's SampleRNN on the prepared arrays.

    python -m training train trombone --minutes 60

It resumes by itself, and keeps the weights that *play* best: pitch, length and log-mel distance of validation notes
that it generates, never the likelihood.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from engine.trombone.network import Config, SampleRNN
from training.core.loop import Loop
from training.core.options import add_common
from training.trombone import embedding
from training.trombone.batches import Notes, TBPTTBatcher, bits
from training.trombone.playing import play_validation, self_played


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training; a batch is notes at once."""
    add_common(
        parser,
        data=Path("data/audio"),
        prepared=Path("prepared/trombone"),
        run=Path("runs/trombone"),
        minutes=None,
        steps=9_000,
        batch=16,
        lr=1.5e-3,
        precision="auto",
        evaluate_every=900,
        resume=True,
        threads=0,
        seed=0,
    )
    parser.add_argument("--chunk", type=int, default=512, help="samples between two steps of the optimiser")
    parser.add_argument("--ema", type=float, default=0.998, help="decay of the averaged weights")
    parser.add_argument("--dim", type=int, default=192)
    parser.add_argument("--companding", choices=("mu", "linear"), default="mu")
    parser.add_argument("--emphasis", type=float, default=0.65, help="pre-emphasis before companding; 0 none")
    parser.add_argument("--thesis", action="store_true", help="the baseline: note and counters alone as conditions")
    parser.add_argument("--teacher", action="store_true", help="plain teacher forcing, an uncorrupted history")
    parser.add_argument("--self-play", type=int, default=0, help="step from which its playing is history; 0 never")
    parser.add_argument("--bank", type=int, default=192, help="notes it plays itself after each evaluation")
    parser.add_argument("--judge", action="store_true", help="teach the evaluation's embedding anew, and nothing else")
    parser.add_argument("--every", type=int, default=2, help="each so-many-th validation note is played")


def run(args: argparse.Namespace) -> None:
    """Train; `evaluate --run` makes the checkpoint."""
    notes = Notes.open(args.prepared)
    if args.judge:
        print(embedding.train(args.data, set(notes.index["name"][notes.index["split"] == 2].tolist()), seed=args.seed))
        return
    config = Config(dim=args.dim, companding=args.companding, prior=not args.thesis, emphasis=args.emphasis)
    torch.manual_seed(args.seed)
    model = SampleRNN(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=1e-3)
    # The rate falls with the steps done: args.steps is the whole plan, whatever --minutes one sitting has.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min(1.0, (n + 1) / 100) * (0.04 + 0.96 * max(0.0, 1 - n / args.steps) ** 1.0)
    )
    loop = Loop(
        args.run, modules={"net": model}, optimizers={"net": optimizer}, ema={"net": args.ema},
        schedulers={"net": schedule}, seed=args.seed, precision=args.precision, resume=args.resume,
    )  # fmt: skip
    if loop.main:
        (args.run / "config.json").write_text(json.dumps(config.__dict__, indent=1))
    split = notes.index["split"]
    rng = np.random.default_rng((args.seed, loop.step, loop.rank))
    batcher = TBPTTBatcher(
        notes, np.flatnonzero(split == 0), model, args.batch, args.chunk, rng, corrupt=not args.teacher
    )
    state = tuple(s.detach() for s in model.begin(args.batch))
    validation = np.flatnonzero(split == 1)
    began = time.monotonic()

    def step(_: int) -> dict[str, float]:
        nonlocal state
        batch = batcher().to(loop.device)
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
        played = loop.averaged("net")
        metrics = {"minutes": (time.monotonic() - began) / 60}
        result, more = play_validation(played, notes, validation[:: args.every])
        if args.self_play and loop.step >= args.self_play:
            batcher.bank = self_played(played, notes, np.flatnonzero(split == 0), args.bank, seed=loop.step)
            batcher.bank_share = 0.5
        return result, metrics | more

    loop.run(
        step, steps=args.steps, minutes=args.minutes, log_every=50, save_every=400,
        evaluate=evaluate, evaluate_every=args.evaluate_every,
    )  # fmt: skip
