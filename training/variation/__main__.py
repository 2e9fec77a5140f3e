"""Training of Variation: five bar VAEs for each latent size, MelodyNN and HarmonyNN.

python -m training.variation prepare --data data --prepared prepared/variation      (or --lpd5, or --midi)
python -m training.variation train --latent 64 --track piano       (all five tracks; resumes)
python -m training.variation next --latent 64                      (MelodyNN, HarmonyNN; writes the checkpoint)
python -m training.variation evaluate
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from engine.core import shell
from training.core.data import add_song_arguments, chosen_songs
from training.core.precision import add_precision
from training.variation.prepare import TRACKS


def main() -> None:
    parser = shell.Parser(prog="python -m training.variation", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="songs -> compact arrays of different bars")
    add_song_arguments(prepare)
    prepare.add_argument("--limit", type=int, help="only so many songs")
    train = commands.add_parser("train", help="train the VAEs of one latent size")
    train.add_argument("--latent", type=int, choices=(8, 16, 32, 64), required=True)
    train.add_argument("--track", choices=TRACKS, action="append", help="may be repeated; all five by default")
    train.add_argument("--steps", type=int, default=2500)
    train.add_argument("--minutes", type=float, help="stop after so many minutes a track")
    train.add_argument("--batch", type=int, default=512)
    train.add_argument("--rate", type=float, default=0.02)
    train.add_argument("--beta", type=float, default=0.02)
    add_precision(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--runs", type=Path, default=Path("runs/variation"))
    after = commands.add_parser("next", help="train MelodyNN and HarmonyNN over trained VAEs; writes the checkpoint")
    after.add_argument("--latent", type=int, choices=(8, 16, 32, 64), required=True)
    after.add_argument("--songs", type=int, default=3000, help="training songs to encode")
    after.add_argument("--steps", type=int, default=2000)
    after.add_argument("--seed", type=int, default=0)
    after.add_argument("--runs", type=Path, default=Path("runs/variation"))
    after.add_argument("--checkpoint", type=Path, help="checkpoints/variation/k<latent> by default")
    evaluate = commands.add_parser("evaluate", help="print the table of held-out songs and write it into the cards")
    evaluate.add_argument("--latent", type=int, choices=(8, 16, 32, 64), action="append", help="all four by default")
    evaluate.add_argument("--songs", type=int, default=150, help="test songs")
    evaluate.add_argument("--dry", action="store_true", help="print only, write nothing")
    evaluate.add_argument("--checkpoint", type=Path, help="the folder of all sizes; checkpoints/variation by default")
    evaluate.add_argument("--runs", type=Path, help="where the plain predictors lie, for comparison")
    for command in (prepare, train, after, evaluate):
        command.add_argument("--prepared", type=Path, default=Path("prepared/variation"))
    args = parser.parse_args()
    if args.command == "prepare":
        from training.variation.prepare import prepare as run

        skipped: list[str] = []
        facts = run(islice(chosen_songs(args, skipped), args.limit), args.prepared)
        print(*(f"skipped: {line}" for line in skipped), facts, sep="\n")
    elif args.command == "train":
        from training.variation.train import train_vae

        for track in args.track or TRACKS:
            print(f"K {args.latent}, {track}", flush=True)
            train_vae(
                args.prepared,
                args.runs / f"k{args.latent}",
                track,
                args.latent,
                steps=args.steps,
                minutes=args.minutes,
                batch=args.batch,
                rate=args.rate,
                beta=args.beta,
                precision=args.precision,
                seed=args.seed,
            )
    elif args.command == "next":
        from training.variation.collect import collect

        collect(
            args.prepared,
            args.runs / f"k{args.latent}",
            args.latent,
            songs=args.songs,
            steps=args.steps,
            seed=args.seed,
            folder=args.checkpoint,
        )
    else:
        from training.variation.evaluate import evaluate_all

        evaluate_all(
            args.prepared,
            args.latent or [8, 16, 32, 64],
            songs=args.songs,
            dry=args.dry,
            folder=args.checkpoint,
            runs=args.runs,
        )


if __name__ == "__main__":
    shell.run(main)
