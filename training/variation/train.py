"""Train Variation: five bar VAEs for each latent size, then MelodyNN and HarmonyNN over their latents.

python -m training train variation --latent 64 --track piano         (all five tracks by default; resumes)
python -m training train variation --latent 64 --stage predictors    (writes the checkpoint)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.core.pianoroll import TRACKS
from engine.variation.request import PATH
from training.core.options import add_common
from training.variation.collect import collect
from training.variation.vae import train_vae

STEPS = {"vae": 2500, "predictors": 2000}  # by default


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of both stages; a run is a folder a latent size, a batch is bars."""
    parser.add_argument("--stage", choices=tuple(STEPS), default="vae", help="predictors: after all five VAEs")
    parser.add_argument("--latent", type=int, choices=(8, 16, 32, 64), required=True)
    add_common(
        parser,
        prepared=Path("prepared/variation"),
        run=Path("runs/variation"),
        checkpoint=PATH,
        minutes=None,
        steps=None,
        threads=1,
        seed=0,
    )
    vae = parser.add_argument_group("of --stage vae")
    add_common(vae, batch=512, lr=0.02, precision="auto", evaluate_every=1000, resume=True)
    vae.add_argument("--track", choices=TRACKS, action="append", help="may be repeated; all five by default")
    vae.add_argument("--beta", type=float, default=0.02, help="weight of the divergence")
    after = parser.add_argument_group("of --stage predictors")
    after.add_argument("--songs", type=int, default=3000, help="training songs to encode")


def run(args: argparse.Namespace) -> None:
    """Train the VAEs of one latent size, or the predictors over them; --minutes is for each track."""
    run_of_size, steps = args.run / f"k{args.latent}", args.steps or STEPS[args.stage]
    if args.stage == "predictors":
        where = args.checkpoint / f"k{args.latent}"
        collect(args.prepared, run_of_size, args.latent, songs=args.songs, steps=steps, seed=args.seed, folder=where)
        return
    for track in args.track or TRACKS:
        print(f"K {args.latent}, {track}", flush=True)
        train_vae(
            args.prepared,
            run_of_size,
            track,
            args.latent,
            steps=steps,
            minutes=args.minutes,
            batch=args.batch,
            lr=args.lr,
            beta=args.beta,
            precision=args.precision,
            seed=args.seed,
            evaluate_every=args.evaluate_every,
            resume=args.resume,
        )
