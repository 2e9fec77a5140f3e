"""Trains the player by likelihood: the next token of windows of sixteen bars.

    python -m training train player --prepared prepared/player --run runs/player --minutes 60     goes on where it was
    python -m training train player … --decay 300          from there, the rate falls to nothing over so many steps, and
                                                           the weights become the checkpoint, calibrated
    python -m training train player … --start checkpoints/player                                  a new run, from there

The rate warms up, and then stays: so the run may end at any time, and what ships is a branch of it whose rate falls
(run/decay; the run itself goes on from where it was). Muon moves the blocks' matrices, AdamW the rest.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine import CHECKPOINTS, RequestError, planner
from engine.core import checkpoint
from engine.player import vocabulary as v
from engine.player.model import load
from engine.player.network import Config, Player
from training.band.genres import PROGRAMS
from training.core import cards
from training.core.loop import Loop
from training.core.optimizers import muon_of
from training.core.options import add_common
from training.core.runs import STATE, begin_with, best_step, best_weights, curves, joined
from training.player.calibrate import accustom, calibrate, keep_to_levels, lean
from training.player.grooves import grooves
from training.player.windows import Example, Windows

WARM_UP = 100  # steps
ADAM_RATE = 4e-3
EMA = 0.995
GROUP = 8  # steps
BRANCHED = "branched.json"  # at which step a branch left its run
KINDS = {"end": v.END, "bar": v.BAR, "chord": v.CHORD, "track": v.TRACK, "event": v.EVENT, "long": v.LONG,
         "pitch": v.PITCH, "combo": v.COMBO}  # fmt: skip
DATA = (
    "13,841 multitrack songs with genres and 1,235 in other meters: MIDI files that users sequenced, merged to five "
    "tracks; the training split, by artist and title"
)
LICENCE = "the songs are user-made sequences of mostly commercial songs, used for research training only"
CURVES = {"nats": "nats a token", "held out score": "nats a token, held out"}


def collate(examples: list[Example]) -> dict[str, torch.Tensor]:
    """Examples side by side, the shorter ones padded: inputs [batch, time, …], targets [batch, time] (PAD: none)."""
    time = max(len(e.tokens) for e in examples)
    out = {
        "tokens": torch.zeros(len(examples), time, dtype=torch.long),
        "targets": torch.full((len(examples), time), v.PAD),
        "numbers": torch.zeros(len(examples), time, examples[0].numbers.shape[1], dtype=torch.long),
        "bits": torch.zeros(len(examples), time, examples[0].bits.shape[1]),
        "controls": torch.stack([torch.from_numpy(e.controls) for e in examples]),
    }
    for row, e in enumerate(examples):
        length = len(e.tokens)
        out["tokens"][row, :length] = torch.from_numpy(e.tokens)
        out["targets"][row, :length] = torch.from_numpy(e.targets)
        out["numbers"][row, :length] = torch.from_numpy(e.numbers.astype(np.int64))
        out["bits"][row, :length] = torch.from_numpy(e.bits.astype(np.float32))
    return out


class Batches:
    """Batches of windows of about one length, so that little of them is padding: the windows of `GROUP` steps are drawn
    together and sorted."""

    def __init__(self, windows: Windows, batch: int, seed: tuple[int, int]) -> None:
        self.windows, self.batch, self.seed = windows, batch, seed
        self.group = -1
        self.drawn: list[list[Example]] = []

    def at(self, step: int) -> list[Example]:
        """The batch of a step."""
        group, within = divmod(step, GROUP)
        if group != self.group:
            rng = np.random.default_rng((*self.seed, group))
            drawn = sorted((self.windows.draw(rng) for _ in range(GROUP * self.batch)), key=lambda e: len(e.tokens))
            order = rng.permutation(GROUP) * self.batch
            self.group, self.drawn = group, [drawn[first : first + self.batch] for first in order]
        return self.drawn[within]


def loss_of(network: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """(nats of each asked token [N], those tokens [N])."""
    logits = network(batch["tokens"], batch["numbers"], batch["bits"], batch["controls"])
    asked = batch["targets"] != v.PAD
    targets = batch["targets"][asked]
    return F.cross_entropy(logits[asked].float(), targets, reduction="none"), targets


@torch.no_grad()
def validate(
    network: nn.Module, examples: list[Example], batch: int, device: torch.device
) -> tuple[float, dict[str, float]]:
    """Nats a token over held-out windows, and of each kind of token alone."""
    losses, targets = [], []
    for first in range(0, len(examples), batch):
        part = {name: value.to(device) for name, value in collate(examples[first : first + batch]).items()}
        nats, asked = loss_of(network, part)
        losses.append(nats.cpu())
        targets.append(asked.cpu())
    nats, asked = torch.cat(losses), torch.cat(targets)
    kind = torch.bucketize(asked, torch.tensor(list(KINDS.values())), right=True) - 1
    by_kind = {name: nats[kind == i].mean().item() for i, name in enumerate(KINDS) if (kind == i).any()}
    return nats.mean().item(), by_kind


def train(
    prepared: Path,
    run: Path,
    *,
    config: Config,
    steps: int,
    minutes: float | None,
    batch: int,
    lr: float,
    seed: int,
    precision: str,
    evaluate_every: int,
    held_out: int,
    decay: int = 0,
    start: Path | None = None,
    resume: bool = True,
) -> Loop:
    """Train in `run`, resuming; with `decay` in a branch of it, whose rate falls to nothing in so many steps.

    A run that begins takes the weights of the checkpoint `start`, where one is given.
    """
    windows, held = Windows(prepared, "train"), Windows(prepared, "val")
    rng = np.random.default_rng(seed)
    examples = [held.draw(rng) for _ in range(held_out)]
    torch.manual_seed(seed)
    network = Player(config)
    if start:
        begin_with(network, start, "player")
    matrices = [p for p in network.blocks.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    rest = [p for p in network.parameters() if id(p) not in ids]
    rates = {"matrices": lr, "rest": ADAM_RATE}
    loop = Loop(
        run,
        modules={"player": network},
        optimizers={
            "matrices": muon_of(matrices, lr),
            "rest": torch.optim.AdamW(rest, lr=ADAM_RATE, betas=(0.9, 0.95)),
        },
        ema={"player": EMA},
        seed=seed,
        precision=precision,
        resume=resume,
    )
    batches = Batches(windows, batch, (seed, loop.rank))
    began = int(json.loads((run / BRANCHED).read_text())["step"]) if decay else 0
    steps = began + decay if decay else steps

    def step(number: int) -> dict[str, float]:
        part = {name: value.to(loop.device) for name, value in collate(batches.at(number)).items()}
        fall = 1 - (number - began) / decay if decay else 1.0
        for name, optimizer in loop.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[name] * min(1.0, (number + 1) / WARM_UP) * fall
        with loop.autocast():
            nats, _ = loss_of(loop.modules["player"], part)
        loss = nats.mean()
        loop.modules["player"].zero_grad(set_to_none=True)
        loop.backward(loss)
        nn.utils.clip_grad_norm_(loop.modules["player"].parameters(), 1.0)
        for optimizer in loop.optimizers.values():
            optimizer.step()
        return {"nats": loss.item(), "tokens": float(len(nats))}

    def evaluate(_: int) -> tuple[float, dict[str, float]]:
        with loop.autocast():
            return validate(loop.averaged("player"), examples, batch, loop.device)

    loop.run(step, steps=steps, minutes=minutes, log_every=20, save_every=100, evaluate=evaluate,
             evaluate_every=evaluate_every)  # fmt: skip
    return loop


def branch(run: Path) -> Path:
    """A copy of the run as it stands, in run/decay; one that is there already goes on."""
    folder = run / "decay"
    if not (folder / BRANCHED).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(run / STATE, folder / STATE)
        begun = torch.load(run / STATE, map_location="cpu", weights_only=True)["step"]
        (folder / BRANCHED).write_text(json.dumps({"step": int(begun)}))
    return folder


def facts_of(prepared: Path) -> dict[str, Any]:
    """What Band needs to know beside the weights: how many songs they are of, programs and usual tempi."""
    facts = json.loads((prepared / "facts.json").read_text())
    return {"songs": facts["songs"], "programs": PROGRAMS, **facts["usual"]}


def export(prepared: Path, run: Path, folder: Path, config: Config, seed: int, start: Path | None = None) -> None:
    """The best weights of a run, begun with the checkpoint `start`, as a checkpoint, in half precision."""
    steps = best_step(run)
    before = checkpoint.read_config(start) if start else {}
    checkpoint.save(
        folder,
        system="player",
        weights=best_weights(run, "player"),
        model=config.asdict() | {"combos": json.loads((prepared / "combos.json").read_text())},
        half=True,
        seed=seed,
        **joined(before, steps, curves((run.parent, run), CURVES, steps)),
        data=DATA,
        licence=LICENCE,
        **facts_of(prepared),
        **cards.kept(folder),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, its rate and size."""
    add_common(
        parser, prepared=Path("prepared/player"), run=Path("runs/player"), checkpoint=CHECKPOINTS / "player",
        minutes=None, steps=200_000, batch=4, lr=0.02, seed=0, threads=0, precision="auto", evaluate_every=250,
        resume=True,
    )  # fmt: skip
    parser.add_argument("--decay", type=int, default=0, help="steps of a branch whose rate falls to nothing, to ship")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights a new run begins with")
    parser.add_argument("--held-out", type=int, default=96, help="validation windows")
    for name, default in (("width", 192), ("layers", 4), ("heads", 4), ("hidden", 512)):
        parser.add_argument(f"--{name}", type=int, default=default, help="of the network")


def run(args: argparse.Namespace) -> None:
    """Train; where the rate fell to nothing, write the checkpoint and calibrate it."""
    if args.width % (4 * args.heads):  # positions turn halves of halves of a head
        raise RequestError(
            f"--heads {args.heads}: a number is wanted that is, times four, a divisor of the width ({args.width})."
        )
    genres = tuple(json.loads((args.prepared / "facts.json").read_text())["genres"])
    config = Config(genres, args.width, args.layers, args.heads, args.hidden)
    folder = branch(args.run) if args.decay else args.run
    loop = train(
        args.prepared, folder, config=config, steps=args.steps, minutes=args.minutes, batch=args.batch, lr=args.lr,
        seed=args.seed, precision=args.precision, evaluate_every=args.evaluate_every, held_out=args.held_out,
        decay=args.decay, start=args.start, resume=args.resume,
    )  # fmt: skip
    if args.decay and loop.main:
        export(args.prepared, folder, args.checkpoint, config, args.seed, args.start)
        held = Windows(args.prepared, "val")
        plans = planner.load()
        model = replace(load(args.checkpoint), planner=plans)
        checkpoint.update(args.checkpoint, rates=calibrate(model, held))
        model = replace(load(args.checkpoint), planner=plans)
        checkpoint.update(args.checkpoint, rates={**model.rates, **accustom(model, held)})
        model = load(args.checkpoint)
        checkpoint.update(args.checkpoint, rates={**model.rates, **grooves(model, Windows(args.prepared, "train"))})
        model = replace(load(args.checkpoint), planner=plans)
        checkpoint.update(args.checkpoint, rates={**model.rates, **keep_to_levels(model, held)})
        model = load(args.checkpoint)
        checkpoint.update(args.checkpoint, rates={**model.rates, "chord": lean(model, held)})
