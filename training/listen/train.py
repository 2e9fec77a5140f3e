"""Train the ear on lines that are joined and sung anew for every step.

    python -m training train listen --prepared prepared/listen
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.listen.network import Ear
from engine.listen.spectrum import HOP, LOWEST, PITCHES, RATE, features
from training.core import cards
from training.core.loop import Loop
from training.core.options import add_common
from training.core.runs import best_weights, curves
from training.listen.lines import STYLES, Line, Notes, joined, melody, noisy, roomed
from training.listen.voice import SOUNDS, sung

WIDTH = 32
SECONDS = 4.0  # of an example
FRAMES = int(SECONDS * RATE / HOP)
SYNTHETIC = 0.25  # share of lines that no recording is in
DATA = "single notes of the Philharmonia Orchestra's samples and the University of Iowa's Musical Instrument Samples"
LICENCE = "Philharmonia: free to use, not to be sold or handed on as samples; Iowa: free"
CURVES = {"pitch": "pitch, nats a frame", "held out pitch": "pitch, nats a frame, held out",
          "onset": "onset, nats a frame", "held out onset": "onset, nats a frame, held out"}  # fmt: skip
RINGS = 0.3  # seconds after a note in which it may be heard or not


def line(notes: Notes, random: np.random.Generator) -> Line:
    """A line as people may bring it: any instrument or voice, tempo and articulation, half of them roomed or noisy."""
    tempo = math.exp(random.uniform(math.log(60), math.log(180)))
    if random.random() < SYNTHETIC:
        out = sung(str(random.choice(list(SOUNDS))), tempo, SECONDS, random)
    else:
        name = str(random.choice(list(notes.of)))
        plan = melody(notes, name, tempo, SECONDS, random)
        out = joined(notes, name, plan, str(random.choice(STYLES)), random, random.uniform(-25, 25))
    if random.random() < 0.4:
        out = roomed(out, random, random.uniform(0.2, 1.0), 10 ** random.uniform(-1.5, 0.2))
    if random.random() < 0.3:
        tilt = random.uniform(-0.7, 0.7)  # a microphone that is dull or thin
        out = replace(out, samples=np.append(out.samples[0], out.samples[1:] + tilt * out.samples[:-1]))
    if random.random() < 0.5:
        out = noisy(out, random, random.uniform(12, 45))
    return out


def asked(line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every frame: the pitch that sounds (int, PITCHES: none), whether a note begins, and how much the pitch
    counts."""
    pitch, onset = np.full(FRAMES, PITCHES), np.zeros(FRAMES, np.float32)
    counts = np.ones(FRAMES, np.float32)
    frame = RATE / HOP
    for begin, end, midi in zip(line.onsets, line.ends, line.pitches):
        first, last = round(begin * frame), round(end * frame)
        counts[last : last + round(RINGS * frame)] = 0
        pitch[first:last], counts[first:last] = midi - LOWEST, 1
        onset[first : first + 1] = 1
        for beside in (first - 1, first + 1):
            if 0 <= beside < FRAMES:
                onset[beside] = max(onset[beside], 0.5)
    return pitch, onset, counts


def batch(notes: Notes, size: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """features [size, 11, 250, 228], and what is asked of them."""
    seen, pitches, onsets, counts = [], [], [], []
    for _ in range(size):
        each = line(notes, random)
        samples = np.pad(each.samples, (0, max(0, FRAMES * HOP - len(each.samples))))[: (FRAMES - 1) * HOP]
        seen.append(features(samples))
        pitch, onset, count = asked(each)
        pitches.append(pitch)
        onsets.append(onset)
        counts.append(count)
    return tuple(torch.from_numpy(np.stack(each)) for each in (seen, pitches, onsets, counts))  # type: ignore[return-value]


def losses(ear: torch.nn.Module, given: tuple[Tensor, Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Nats of the pitch and of the onset, a frame."""
    seen, pitch, onset, counts = given
    heard, begins = ear(seen)
    nats = F.cross_entropy(heard.transpose(1, 2), pitch, reduction="none")
    return (nats * counts).sum() / counts.sum(), F.binary_cross_entropy_with_logits(begins, onset)


def train(args: argparse.Namespace) -> Loop:
    """The learning rate rises over a twentieth of --steps, and falls until their end."""
    notes, held_out = Notes(args.prepared, 0), Notes(args.prepared, 1)
    torch.manual_seed(args.seed)
    ear = Ear(WIDTH)
    optimizer = torch.optim.AdamW(ear.parameters(), lr=args.lr, weight_decay=0.01)
    loop = Loop(args.run, modules={"ear": ear}, optimizers={"ear": optimizer}, ema={"ear": 0.99}, seed=args.seed,
                precision=args.precision, resume=args.resume)  # fmt: skip
    module = loop.modules["ear"]
    random = np.random.default_rng(args.seed + 1)
    known = [batch(held_out, args.batch, random) for _ in range(4)]

    def step(n: int) -> dict[str, float]:
        for group in loop.optimizers["ear"].param_groups:
            share = n / args.steps
            group["lr"] = args.lr * min(share / 0.05, 1) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        drawn = batch(notes, args.batch, np.random.default_rng((args.seed, n, loop.rank)))
        with loop.autocast():
            pitch, onset = losses(module, tuple(each.to(loop.device) for each in drawn))  # type: ignore[arg-type]
        loop.optimizers["ear"].zero_grad()
        loop.backward(pitch + 3 * onset)
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        loop.optimizers["ear"].step()
        return {"pitch": pitch.item(), "onset": onset.item()}

    @torch.no_grad()
    def evaluate(n: int) -> tuple[float, dict[str, float]]:
        each = [losses(loop.averaged("ear"), tuple(x.to(loop.device) for x in given)) for given in known]  # type: ignore[arg-type]
        pitch, onset = (float(np.mean([pair[i].item() for pair in each])) for i in (0, 1))
        return pitch + 3 * onset, {"pitch": pitch, "onset": onset}

    loop.run(step, steps=args.steps, minutes=args.minutes, log_every=20, save_every=100, evaluate=evaluate,
             evaluate_every=args.evaluate_every)  # fmt: skip
    if loop.main:
        checkpoint.save(
            args.checkpoint, system="listen", weights=best_weights(args.run, "ear"), model={"width": WIDTH}, half=True,
            data=DATA, licence=LICENCE, seed=args.seed, steps=loop.step,
            curves=curves(args.run, CURVES, loop.step), **cards.kept(args.checkpoint),
        )  # fmt: skip
    return loop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training."""
    add_common(parser, prepared=Path("prepared/listen"), run=Path("runs/listen"), checkpoint=CHECKPOINTS / "listen",
               minutes=None, steps=1_400, batch=8, lr=4e-3, precision="no", evaluate_every=100, resume=True, threads=0,
               seed=0)  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """Train, and write the best weights."""
    train(args)
