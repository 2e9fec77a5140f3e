"""Train Band: phrases from songs, decoders, then the generator; and measure it beside real music.

    python -m training.band prepare  --data data --prepared prepared/band       songs.npz in data/; or --lpd5, or --midi
    python -m training.band genres   --prepared prepared/band                   which genres a judge can tell apart
    python -m training.band train    --prepared prepared/band --run runs/band --minutes 30
    python -m training.band evaluate --prepared prepared/band --checkpoint checkpoints/band

`train` needs Variation's trained autoencoders (`python -m training.variation train --latent 32`); it resumes or begins
the generator, and writes the best one by the feature distance to held-out phrases as a checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch

from engine import CHECKPOINTS
from engine.band.network import BARS, Band, Config
from engine.core import checkpoint, shell
from training.band import card as band_card
from training.band.calibrate import binary, calibrate, sample, set_thresholds
from training.band.codec import autoencoder, decoder_weights, encode, train_readers
from training.band.genres import Judge, features
from training.band.prepare import Windows, prepare, songs_by_label
from training.band.train import GENRES, Phrases, genre_of, train
from training.core import metrics
from training.core.data import add_song_arguments, chosen_songs
from training.core.precision import add_precision
from training.variation.prepare import TRACKS

# The General MIDI programs with which a genre's tracks are played unless a person chooses others.
PROGRAMS = {
    "classical": {"guitar": 24, "bass": 43, "strings": 48},
    "jazz": {"guitar": 26, "bass": 32, "strings": 66},
    "country": {"guitar": 25, "bass": 33, "strings": 40},
    "electronic": {"piano": 5, "guitar": 27, "bass": 38, "strings": 81},
    "game": {"piano": 6, "guitar": 28, "bass": 38, "strings": 80},
    "punk": {"guitar": 30, "bass": 34, "strings": 30},
    "rock": {"guitar": 29, "bass": 34, "strings": 18},
    "soul": {"piano": 4, "guitar": 27, "bass": 33, "strings": 61},
}


def real_phrases(windows: Windows, splits: tuple[int, ...], each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `each` windows of every genre from these splits: rolls uint8 [n, 8, 5, 2, 16, 72] and genres int [n]."""
    rng = np.random.default_rng(seed)
    genre = genre_of(windows.labels)[windows.label]
    rows = [
        rng.permutation(np.flatnonzero((genre == g) & np.isin(windows.split, splits)))[:each]
        for g in range(len(GENRES))
    ]
    chosen = np.concatenate(rows)
    return windows.rolls(windows.index[chosen]), genre[chosen]


def assemble(config: Config, prepared: Path, codec: Path, scales: list[tuple[torch.Tensor, torch.Tensor]]) -> Band:
    """A band with trained decoders and the tables of the prepared songs; its generator is still untrained."""
    band = Band(config).eval().requires_grad_(False)
    windows = Windows.open(prepared)
    genre = genre_of(windows.labels)
    for t, name in enumerate(TRACKS):
        band.decoders[t].load_state_dict(decoder_weights(autoencoder(codec, name)))
        band.centre[t], band.scale[t] = scales[t]
    for g in range(len(config.genres)):
        labels = np.flatnonzero(genre == g)
        weight = np.array([(windows.label == i).sum() for i in labels], np.float64)
        loud = np.average(windows.loud[labels], axis=0, weights=weight)
        usual = np.where(loud > 0, loud, 80).clip(30, 120)
        band.loud[g] = torch.from_numpy(usual.astype(np.float32))
        band.tempo[g] = float(np.average(windows.tempo[labels], weights=weight).round())
    return band


def run_prepare(args: argparse.Namespace) -> None:
    skipped: list[str] = []
    counts = None if args.lpd5 or args.midi else songs_by_label(args.data / "songs.npz")
    facts = prepare(chosen_songs(args, skipped), args.prepared, counts=counts, skipped=skipped)
    for line in facts["skipped"]:
        print(f"skipped: {line}")
    print(f"{facts['songs']} songs, {facts['windows']} windows of eight bars, {len(facts['skipped'])} files skipped")


def run_genres(args: argparse.Namespace) -> None:
    windows = Windows.open(args.prepared)
    rolls, genre = real_phrases(windows, (0,), 2500, 0)
    judge = Judge(list(GENRES)).fit(features(rolls[:, :BARS]), genre)
    rolls, genre = real_phrases(windows, (1, 2), 500, 1)
    found = judge.confusion(features(rolls[:, :BARS]), genre)
    print(band_card.confusion_table(list(GENRES), found))


def run_train(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    windows = Windows.open(args.prepared)
    config = Config(genres=tuple(GENRES))
    store = args.run.parent / "latents.pt"
    if not store.exists():
        store.parent.mkdir(parents=True, exist_ok=True)
        torch.save(encode(windows, args.codec), temporary := store.with_suffix(f".{os.getpid()}"))
        os.replace(temporary, store)
    coded = torch.load(store, weights_only=True)
    phrases = Phrases.of(windows, [coded[n][0] for n in TRACKS])
    band = assemble(config, args.prepared, args.codec, [(coded[n][1], coded[n][2]) for n in TRACKS])
    known, known_genre = real_phrases(windows, (0,), min(150, args.calibrate), 2)
    known_td = band_card.harmony(known)
    held_out = features(real_phrases(windows, (1, 2), 100, 3)[0].reshape(-1, BARS, 5, 2, 16, 72))

    def evaluate(generator: torch.nn.Module) -> tuple[float, dict[str, float]]:
        band.generator.load_state_dict(generator.state_dict())
        genre = np.repeat(np.arange(len(GENRES)), min(50, args.calibrate))
        set_thresholds(band, known, known_genre, genre, 5)
        rolls = binary(band, sample(band, genre, 6), genre)
        distance = metrics.feature_distance(
            features(rolls.reshape(-1, BARS, 5, 2, 16, 72)), held_out, held_out, dimensions=40
        )
        same = metrics.onset_iou(rolls[:, 1:, :, 0] > 0, rolls[:, :-1, :, 0] > 0)
        td = band_card.harmony(rolls)
        score = distance + 10 * abs(td - known_td)
        return score, {"distance": distance, "same": float(np.nanmean(same)), "td": td, "td_real": known_td}

    readers = None
    if not args.deaf:
        readers, near = train_readers(windows, phrases.latents)
        print(f"readers of harmony: mean cosine {near:.3f}", flush=True)
    loop = train(
        phrases,
        config,
        args.run,
        minutes=args.minutes,
        steps=args.steps,
        loss=args.loss,
        critic_steps=args.critic_steps,
        batch=args.batch,
        rate=args.rate,
        precision=args.precision,
        readers=readers,
        seed=args.seed,
        evaluate=evaluate,
        evaluate_every=args.evaluate_every,
    )
    if not loop.main:
        return
    band.generator.load_state_dict(loop.load_best("generator"))
    real, real_genre = real_phrases(windows, (0,), 4 * args.calibrate, 7)
    calibrate(band, real, real_genre, pairs=args.calibrate)
    checkpoint.save(
        args.checkpoint,
        system="band",
        weights=band.state_dict(),
        model=config.asdict(),
        half=True,
        data="songs.npz: sequenced songs of public MIDI collections, research training only",
        licence="The weights and code are the project's own; the songs they learned from are not redistributed.",
        seed=args.seed,
        steps=loop.step,
        loss=args.loss,
        programs=PROGRAMS,
        tempo_by_genre=dict(zip(GENRES, band.tempo.tolist())),
    )
    print(f"{args.checkpoint}: step {loop.step}, best feature distance {loop.best:.1f}")


def run_evaluate(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    found = band_card.measure(args.checkpoint, args.prepared, args.phrases, args.seed)
    print(band_card.tables(found))
    checkpoint.update(args.checkpoint, metrics=found["summary"])
    band_card.write(args.checkpoint, found, args.notes)
    if args.json:
        print(json.dumps(found["summary"]))


def main() -> None:
    parser = shell.Parser(prog="python -m training.band", description=__doc__.split("\n")[0])
    kinds = parser.add_subparsers(dest="command", required=True)
    p = kinds.add_parser("prepare", help="cut songs into windows of eight bars")
    add_song_arguments(p)
    p.add_argument("--prepared", "--out", type=Path, default=Path("prepared/band"))
    p.set_defaults(run_command=run_prepare)
    p = kinds.add_parser("genres", help="train the judge on real phrases and print its confusion matrix")
    p.add_argument("--prepared", type=Path, default=Path("prepared/band"))
    p.set_defaults(run_command=run_genres)
    p = kinds.add_parser("train", help="train the decoders and the generator, and write a checkpoint")
    p.add_argument("--prepared", type=Path, default=Path("prepared/band"))
    p.add_argument("--run", type=Path, default=Path("runs/band"), help="state, log and best weights")
    p.add_argument(
        "--codec", type=Path, default=Path("runs/variation/k32"), help="trained autoencoders, a folder a track"
    )
    p.add_argument("--checkpoint", type=Path, default=CHECKPOINTS / "band")
    p.add_argument("--minutes", type=float, help="stop the generator in time")
    p.add_argument("--steps", type=int, default=40_000)
    p.add_argument("--loss", choices=("r3", "wgan-gp"), default="r3")
    p.add_argument("--critic-steps", type=int, default=2)
    p.add_argument("--batch", type=int, default=64, help="pairs of phrases")
    p.add_argument("--rate", type=float, default=3e-4)
    p.add_argument("--deaf", action="store_true", help="a critic that does not hear how the tracks' pitches agree")
    add_precision(p, default="no")
    p.add_argument("--evaluate-every", type=int, default=500)
    p.add_argument("--calibrate", type=int, default=100, help="phrase pairs a genre that thresholds are read from")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    p.set_defaults(run_command=run_train)
    p = kinds.add_parser("evaluate", help="measure a checkpoint beside real held-out phrases and write its card")
    p.add_argument("--prepared", type=Path, default=Path("prepared/band"))
    p.add_argument("--checkpoint", type=Path, default=CHECKPOINTS / "band")
    p.add_argument("--phrases", type=int, default=2000)
    p.add_argument(
        "--notes", type=Path, help="a text of what was tried, for the card; by default the card's own is kept"
    )
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--json", action="store_true")
    p.set_defaults(run_command=run_evaluate)
    args = parser.parse_args()
    args.run_command(args)


if __name__ == "__main__":
    shell.run(main)
