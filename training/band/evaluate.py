"""What Band plays (the planner, the player, the hand) beside real songs: how often the critic tells them apart,
MuseGAN's measures, whether a genre is heard as what it is, form, variety, copies, how chords and tunes are followed.

python -m training evaluate band --data data --checkpoint checkpoints/band
python -m training evaluate band … --player runs/player/checkpoint       with a player that is not shipped: prints alone
python -m training evaluate band … --only-critic                          where the hand alone is new: it plays no note
python -m training evaluate band … --only-anew                            how real bars are that are written anew
python -m training evaluate band … --only-ablation                        what the planner and the ranker add

Band has no weights of its own: the folder holds its figures and its card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine import CHECKPOINTS, band, player
from engine.core import checkpoint
from training.band import ablation, anew, critic, jams, measures, steered
from training.band.genres import GENRES, GenreClassifier, features
from training.core import cards, metrics
from training.core.cards import rounded
from training.core.critic import Phrase
from training.core.critic.phrase import BAR_TICKS
from training.core.data import songs_npz
from training.core.options import add_common

BARS = 8  # of a phrase
AT_ONCE = 256  # phrases


def described(phrases: Sequence[Phrase]) -> np.ndarray:
    """What the classifier of genres hears of phrases, float32 [N, F]."""
    parts = [phrases[first : first + AT_ONCE] for first in range(0, len(phrases), AT_ONCE)]
    return np.concatenate([features(measures.rolls_of(part)) for part in parts])


def both(one: critic.Side, other: critic.Side) -> critic.Side:
    """All phrases of two sides."""
    songs = np.concatenate([one.song, other.song + one.song.max() + 1])
    return critic.Side([*one.phrases, *other.phrases], songs, np.concatenate([one.genre, other.genre]))


def heard(judge: GenreClassifier, table: np.ndarray, genre: np.ndarray) -> list[list[float]]:
    """Share of each genre's phrases (rows) that are called each genre (columns)."""
    return judge.confusion(table, np.array([judge.genres.index(name) for name in genre])).tolist()


def compared(real: critic.Side, made: critic.Side, songs: Path, known: int, seed: int) -> dict[str, Any]:
    """Phrases that Band plays beside those of held-out songs; the classifier of genres learns from `known` phrases of
    training songs, and copies are looked for in twice as many songs."""
    sides = {"real": real, "made": made}
    rolls = {who: measures.rolls_of(side.phrases) for who, side in sides.items()}
    tables = {who: features(each) for who, each in rolls.items()}
    learned = critic.real_side(songs, "train", BARS, known, seed)
    judge = GenreClassifier(list(GENRES))
    judge.fit(described(learned.phrases), np.array([judge.genres.index(name) for name in learned.genre]))
    scale = tables["real"].std(0) + 1e-6
    training = (song for song in songs_npz(songs) if song.split == "train")
    known_bars = {key for song in islice(training, 2 * known) for key in measures.two_bars(critic.whole(song))}
    halves = np.unique(real.song, return_inverse=True)[1] % 2
    one, two = (tables["real"][halves == half] for half in (0, 1))
    return {
        "phrases": {who: len(each) for who, each in rolls.items()},
        "tracks": {who: measures.per_track(each) for who, each in rolls.items()},
        "tonal_distance": {who: measures.harmony(each) for who, each in rolls.items()}
        | {"real, tracks shuffled": measures.harmony(measures.shuffled(rolls["real"]))},
        "feature_distance": {"made": metrics.feature_distance(tables["made"], tables["real"], tables["real"]),
                             "songs to other songs": metrics.feature_distance(one, two, tables["real"])},
        "variety": {who: measures.variety(tables[who], side.genre, scale) for who, side in sides.items()},
        "copies": {who: measures.copies(side.phrases, known_bars) for who, side in sides.items()},
        "judged": {"genres": judge.genres} | {who: heard(judge, tables[who], side.genre)
                                              for who, side in sides.items()},
    }  # fmt: skip


def formed(play: critic.Play, songs: Path, pieces: int, seed: int) -> dict[str, dict[str, float]]:
    """The form of pieces of 32 bars beside as many bars of test songs, endings beside the last bars of songs."""
    bars = measures.FORM_BARS
    real = critic.real_side(songs, "test", bars, pieces, seed)
    made = [Phrase.of(song, 0, bars) for song in play(real.genre.tolist(), bars, range(seed, seed + len(real.genre)))]
    ends = [critic.whole(song) for song in songs_npz(songs) if song.split == "test" and len(song.onset)]
    ends = [song.cut(song.bars - bars, bars) for song in ends if song.onset.max() >= bars * BAR_TICKS][:pieces]
    sides = {"real": (real.phrases, ends), "made": (made, made)}
    return {who: measures.form(within, measures.FORM) | measures.form(last, measures.ENDINGS)
            for who, (within, last) in sides.items()}  # fmt: skip


def measure(model: player.Model, args: argparse.Namespace) -> dict[str, Any]:
    """Everything the card says; the critic's verdict is printed as soon as it stands."""
    songs, play = args.data / "songs.npz", critic.band(model)
    parts = {"anew": (args.only_anew, anew.measure, args.anew), "jam": (args.only_jam, jams.measure, args.jam),
             "ablation": (args.only_ablation, ablation.measure, args.ablated)}  # fmt: skip
    if only := {name: part(model, songs, size, args.seed) for name, (chosen, part, size) in parts.items() if chosen}:
        return rounded(checkpoint.read_config(args.checkpoint)["metrics"] | only)
    trial = critic.Trial.of(play, songs, BARS, args.judged, args.seed)
    verdict = trial.verdict(args.seed)
    print(verdict.table(), flush=True)
    if args.only_critic:
        return rounded(checkpoint.read_config(args.checkpoint)["metrics"] | {"critic": verdict.to_json()})
    real, made = both(trial.real, trial.tested_real), both(trial.made, trial.tested_made)
    figures = {"critic": verdict.to_json()} | compared(real, made, songs, args.known, args.seed)
    figures["form"] = formed(play, songs, args.pieces, args.seed)
    figures["steered"] = steered.measure(model, args.data, args.steered, args.seed)
    figures["steered"]["critic"] = steered.told(model, songs, args.told, args.seed)
    figures |= {name: part(model, songs, size, args.seed) for name, (_, part, size) in parts.items()}
    return rounded(figures)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it."""
    add_common(parser, data=Path("data"), checkpoint=CHECKPOINTS / "band", threads=1, seed=0)
    parser.add_argument("--only-critic", action="store_true", help="the verdict; other figures stay as they are")
    parser.add_argument("--only-anew", action="store_true", help="bars written anew; other figures stay as they are")
    parser.add_argument("--only-jam", action="store_true", help="jams beside pieces; other figures stay as they are")
    parser.add_argument("--only-ablation", action="store_true", help="what each part adds; other figures stay")
    parser.add_argument("--player", type=Path, default=band.PATH, help="the player's weights")
    parser.add_argument("--judged", type=int, default=2400, help="phrases a side that the critic is fitted to")
    parser.add_argument("--known", type=int, default=8000, help="of training songs, from which genres are learned")
    parser.add_argument("--pieces", type=int, default=160, help="of 32 bars, whose form is measured")
    parser.add_argument("--steered", type=int, default=40, help="songs a style, and tunes, that are followed")
    parser.add_argument("--anew", type=int, default=240, help="phrases of which bars are written anew")
    parser.add_argument("--jam", type=float, default=10.0, help="minutes of the jams that are told from real songs")
    parser.add_argument("--ablated", type=int, default=480, help="phrases a side of the ablation")
    parser.add_argument("--told", type=int, default=600, help="phrases a side of the critic over given chords")


def run(args: argparse.Namespace) -> None:
    """Write the figures into config.json and the card beside it, and print it."""
    checkpoint.read_config(args.checkpoint)  # refused before an hour has gone by
    model = band.load(args.player)
    figures = measure(model, args)
    if args.player != band.PATH:
        print(json.dumps(figures, indent=1))
        return
    checkpoint.update(args.checkpoint, metrics=figures, sha256=model.sha256)
    print(cards.write(args.checkpoint))
