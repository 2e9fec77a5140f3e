"""Train Band: decoders from Variation's autoencoders, then the generator against its critic.

    python -m training train band --prepared prepared/band --run runs/band --minutes 30

It needs Variation's trained autoencoders (`python -m training train variation --latent 32`); it resumes or begins the
generator, and writes the best one by the feature distance to held-out phrases as a checkpoint.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch

from engine import CHECKPOINTS
from engine.band.network import BARS, Band, Config
from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from training.band import measures
from training.band.calibrate import binary, calibrate, sample, set_thresholds
from training.band.codec import autoencoder, decoder_weights, encode, train_probes
from training.band.gan import Phrases, train
from training.band.genres import GENRES, PROGRAMS, features, genre_of
from training.band.prepare import Windows, real_phrases
from training.core import cards, metrics
from training.core.options import add_common


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
        band.mean_velocity[g] = torch.from_numpy(usual.astype(np.float32))
        band.tempo[g] = float(np.average(windows.tempo[labels], weights=weight).round())
    return band


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of training; a batch is pairs of phrases."""
    add_common(
        parser,
        prepared=Path("prepared/band"),
        run=Path("runs/band"),
        checkpoint=CHECKPOINTS / "band",
        minutes=None,
        steps=40_000,
        batch=64,
        lr=3e-4,
        precision="no",
        evaluate_every=500,
        resume=True,
        threads=1,
        seed=0,
    )
    parser.add_argument(
        "--codec", type=Path, default=Path("runs/variation/k32"), help="trained autoencoders, a folder a track"
    )
    parser.add_argument("--loss", choices=("r3", "wgan-gp"), default="r3")
    parser.add_argument("--critic-steps", type=int, default=2, help="of the critic for one of the generator")
    parser.add_argument(
        "--chord-probes",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the critic hears how the tracks' pitches agree",
    )
    parser.add_argument("--calibrate", type=int, default=100, help="phrase pairs a genre that thresholds are read from")


def run(args: argparse.Namespace) -> None:
    """Train, and write the best generator as a checkpoint."""
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
    known_td = measures.harmony(known)
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
        td = measures.harmony(rolls)
        score = distance + 10 * abs(td - known_td)
        return score, {"distance": distance, "same": float(np.nanmean(same)), "td": td, "td_real": known_td}

    probes = None
    if args.chord_probes:
        probes, near = train_probes(windows, phrases.latents)
        print(f"chord probes: mean cosine {near:.3f}", flush=True)
    loop = train(
        phrases,
        config,
        args.run,
        minutes=args.minutes,
        steps=args.steps,
        loss=args.loss,
        critic_steps=args.critic_steps,
        batch=args.batch,
        lr=args.lr,
        precision=args.precision,
        probes=probes,
        seed=args.seed,
        evaluate=evaluate,
        evaluate_every=args.evaluate_every,
        resume=args.resume,
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
        **cards.kept(args.checkpoint),
    )
    print(f"{args.checkpoint}: step {loop.step}, best feature distance {loop.best:.1f}")
