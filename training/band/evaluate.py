"""Band measured: real phrases beside generated ones, and the model card that holds the table.

python -m training evaluate band --prepared prepared/band --checkpoint checkpoints/band
python -m training evaluate band --genres                  which genres the classifier can tell apart, no more
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine import CHECKPOINTS
from engine import band as player
from engine.band.network import BARS
from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.player import load
from training.band import critic, steered
from training.band.calibrate import binary, sample
from training.band.genres import GENRES, GenreClassifier, features
from training.band.measures import LEAST, copies, harmony, per_track, shuffled, two_bars
from training.band.prepare import Windows, real_phrases
from training.core import cards, metrics
from training.core.cards import rounded, table
from training.core.options import add_common


def confusion_table(genres: list[str], shares: np.ndarray) -> str:
    """Percent of each genre's phrases (rows) that the judge calls each genre (columns), as a Markdown table."""
    rows = [[genre, *(f"{100 * share:.0f}" for share in row)] for genre, row in zip(genres, shares)]
    return "\n".join(
        [
            table(["of / called", *genres], rows),
            "",
            f"Right, genres counting equally: {100 * np.diag(shares).mean():.1f}%.",
        ]
    )


def measure(folder: Path, prepared: Path, phrases: int, seed: int) -> dict[str, Any]:
    """Everything the card says, of `phrases` generated phrases and as many real held-out ones."""
    model = player.load(folder, "cpu")
    genres = list(model.genres)
    windows = Windows.open(prepared)
    pairs = -(-phrases // (2 * len(genres)))
    genre = np.repeat(np.arange(len(genres)), pairs)
    made = binary(model.network, sample(model.network, genre, seed + 1000), genre)
    held_out, held_genre = real_phrases(windows, (1, 2), pairs, seed)
    known, known_genre = real_phrases(windows, (0,), 2000, seed)
    judge = GenreClassifier(genres).fit(features(known[:, :BARS]), known_genre)

    def four(rolls: np.ndarray) -> np.ndarray:
        return rolls.reshape(-1, BARS, *rolls.shape[2:])

    f_held, f_made = features(four(held_out)), features(four(made))
    rng = np.random.default_rng(seed)
    half = rng.permutation(len(f_held))
    one, two = f_held[half[::2]], f_held[half[1::2]]
    f_known = features(four(known[rng.permutation(len(known))[: len(held_out)]]))
    two_known = {k for i in range(0, len(windows.index), 500) for k in _keys(windows, i, 500)}
    seam = {
        n: float(np.nanmean(metrics.onset_iou(r[:, BARS - 1, :, 0] > 0, r[:, BARS, :, 0] > 0)))
        for n, r in (("real", held_out), ("generated", made))
    }
    within = {
        n: float(np.nanmean(metrics.onset_iou(r[:, BARS - 2, :, 0] > 0, r[:, BARS - 1, :, 0] > 0)))
        for n, r in (("real", held_out), ("generated", made))
    }
    real_judged = judge.confusion(f_held, np.repeat(held_genre, 2))
    made_judged = judge.confusion(f_made, np.repeat(genre, 2))
    tracks = {"real": per_track(held_out), "generated": per_track(made)}
    td = {
        "real": harmony(held_out),
        "generated": harmony(made),
        "real, tracks shuffled": harmony(shuffled(held_out)),
        "generated, tracks shuffled": harmony(shuffled(made)),
    }
    summary = {
        "phrases": int(2 * len(made)),
        "genre_real": float(np.diag(real_judged).mean()),
        "genre_generated": float(np.diag(made_judged).mean()),
        "tonal_distance": td,
        "feature_distance": {
            "generated": metrics.feature_distance(f_made, f_held, f_held),
            "real training": metrics.feature_distance(f_known, f_held, f_held),
            "real, two halves": metrics.feature_distance(one, two, f_held),
        },
        "two_bar_copies": {"generated": copies(made, two_known), "real held-out": copies(held_out, two_known)},
        "bar_to_bar": within,
        "phrase_to_phrase": seam,
        "least_onsets": LEAST,
        "tracks": tracks,
        "judged": {"real": real_judged.tolist(), "generated": made_judged.tolist()},
    }
    measured: dict[str, Any] = rounded(summary)
    return measured | {"aims": reached(measured)}


def _keys(windows: Windows, start: int, number: int) -> list[bytes]:
    mine = np.arange(start, min(start + number, len(windows.index)))
    mine = mine[windows.split[mine] == 0]
    return two_bars(windows.rolls(windows.index[mine])) if len(mine) else []


def reached(summary: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(what, aim, found, reached) for each row of the design's table."""
    real, made = summary["tracks"]["real"], summary["tracks"]["generated"]
    pitched = [t for t in TRACKS if t != "drums"]

    def worst(name: str, tracks: list[str], relative: bool) -> tuple[float, str]:
        gaps = {t: abs(made[t][name] - real[t][name]) / ((real[t][name] or 1) if relative else 1) for t in tracks}
        at = max(gaps, key=lambda t: gaps[t])
        return gaps[at] * (100 if relative else 1), at

    rows = []
    for name, tracks, relative, aim in (
        ("QN3 %", pitched, False, 10.0),
        ("QN2 %", pitched, False, 10.0),
        ("EB %", list(TRACKS), True, 15.0),
        ("UPC", list(TRACKS), True, 15.0),
        ("DP8 %", ["drums"], False, 5.0),
    ):
        gap, track = worst(name, tracks, relative)
        unit = "%" if relative else "points"
        rows.append(
            (
                f"{name.removesuffix(' %')}, worst track",
                f"within {aim:g} {unit}",
                f"{gap:.1f} {unit} ({track})",
                gap <= aim,
            )
        )
    td = summary["tonal_distance"]
    gap = abs(td["generated"] - td["real"])
    rows.append(("TD", "within 0.05", f"{gap:.3f} ({td['generated']:.3f}, real {td['real']:.3f})", gap <= 0.05))
    share = summary["genre_generated"] / summary["genre_real"]
    rows.append(("genre judged, share of real", "at least 80%", f"{100 * share:.0f}%", share >= 0.8))
    copied = summary["two_bar_copies"]["generated"]
    rows.append(("two-bar copies of training phrases", "none", f"{100 * copied:.2f}%", copied == 0))
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, prepared=Path("prepared/band"), checkpoint=CHECKPOINTS / "band", threads=1, seed=0)
    parser.add_argument("--phrases", type=int, default=2000, help="generated phrases, beside as many real ones")
    parser.add_argument("--songs", type=Path, default=Path("data/songs.npz"), help="songs the critic tells it from")
    parser.add_argument("--judged", type=int, default=2400, help="phrases a side that the critic is fitted to")
    parser.add_argument("--steered", type=int, default=12, help="songs a style, and tunes, that the player follows")
    parser.add_argument("--only-steered", action="store_true", help="measure only how it follows chords and tunes")
    parser.add_argument("--genres", action="store_true", help="only print what the classifier of genres tells apart")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")


def run(args: argparse.Namespace) -> None:
    """Write the figures into config.json and the card beside it, and print it."""
    if args.genres:
        print(genres_apart(args.prepared))
        return
    if args.only_steered:
        checkpoint.update(args.checkpoint, metrics=checkpoint.read_config(args.checkpoint)["metrics"] | steering(args))
        cards.write(args.checkpoint)
        return
    figures = measure(args.checkpoint, args.prepared, args.phrases, args.seed) | judged(args)
    figures |= steering(args)
    checkpoint.update(args.checkpoint, metrics=figures)
    print(cards.write(args.checkpoint))
    if args.json:
        print(json.dumps(figures))


def steering(args: argparse.Namespace) -> dict[str, Any]:
    """How chords and tunes are followed by the player; nothing where the songs are not at hand."""
    if not args.songs.exists():
        return {}
    return {"steered": rounded(steered.measure(load(), args.songs.parent, args.steered, args.seed))}


def judged(args: argparse.Namespace) -> dict[str, Any]:
    """The critic's verdict on eight bars beside held-out songs; nothing where the songs are not at hand."""
    if not args.songs.exists():
        print(f"{args.songs} is not there: the critic has nothing to tell Band from, and is left out.")
        return {}
    model = player.load(args.checkpoint, "cpu")

    def play(genres: Sequence[str], bars: int, seeds: Sequence[int]) -> Iterator[Song]:
        for genre, seed in zip(genres, seeds):
            yield player.generate(model, player.Request(genre={genre: 1.0}, bars=bars, seed=seed)).song

    verdict = critic.judge(play, args.songs, phrases=args.judged, seed=args.seed)
    print(verdict.table())
    return {"critic": rounded(verdict.to_json())}


def genres_apart(prepared: Path) -> str:
    """The confusion matrix of the classifier on real held-out phrases, in Markdown."""
    windows = Windows.open(prepared)
    rolls, genre = real_phrases(windows, (0,), 2500, 0)
    judge = GenreClassifier(list(GENRES)).fit(features(rolls[:, :BARS]), genre)
    rolls, genre = real_phrases(windows, (1, 2), 500, 1)
    shares = judge.confusion(features(rolls[:, :BARS]), genre)
    return confusion_table(list(GENRES), shares)
