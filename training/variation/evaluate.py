"""Variation measured on held-out songs: the tables that `evaluate` prints and writes into the cards.

    python -m training evaluate variation --songs 100

All notes are compared by pitch and sixteenth (F1, over all bars together). Held-out songs are the file's own test
split, by artist and title; the first 48 bars of each are heard.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from engine import variation
from engine.core import checkpoint
from engine.core.pianoroll import LOWEST, TRACKS, note_ends
from engine.core.request import File
from engine.core.song import Song
from engine.variation.bars import BarGrid
from engine.variation.codec import decoded, encoded, to_notes
from engine.variation.layout import Layout
from engine.variation.request import LATENTS, PATH, Request
from engine.variation.variations import varied
from training.core import cards, metrics
from training.core.cards import rounded
from training.core.options import add_common
from training.variation.continuing import continuation
from training.variation.harmony import harmony
from training.variation.predictors import Latents, plain_of, predicted
from training.variation.prepare import SPLITS, Bars, unpack

NOISES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LONGEST = 48  # bars of a song
PERCENTILES = 5, 95  # of real songs: what lies between is like them
DEFAULT = 32  # the latent size that is used unless another is asked for
AIM = 0.9  # note F1 of every track at noise 0, of the largest model


def held_out(bars: Bars, songs: int, split: str = "test", seed: int = 0) -> list[BarGrid]:
    """Songs of a split as grids, up to 48 bars each."""
    chosen = np.random.default_rng(seed).permutation(np.flatnonzero(bars.split == SPLITS.index(split)))[:songs]
    grids = []
    for song in np.sort(chosen):
        index = bars.index[bars.offsets[song] : bars.offsets[song + 1]][:LONGEST]
        rolls = np.zeros((5, len(index), 2, 16, 72), bool)
        for t, track in enumerate(TRACKS):
            filled = index[:, t] >= 0
            if filled.any():
                rolls[t, filled] = unpack(np.asarray(bars.bars[track][index[filled, t]])).astype(bool)
        grids.append(BarGrid(Song(), rolls, Layout.even(len(index))))
    return grids


def f1_of(hits: float, made: float, real: float) -> float:
    """F1 from counts."""
    return 2 * hits / max(1.0, made + real)


def reconstruct(model: variation.Model, grids: list[BarGrid], seen: dict[str, set[bytes]]) -> dict:
    """Note F1 at noise 0, by track: of all notes; of notes whose length is right too (within a step); and of the bars
    that are in no training song."""
    out = {}
    for t, track in enumerate(TRACKS):
        rolls = np.concatenate([s.rolls[t][s.filled[t]] for s in grids])
        mu = encoded(model, track, rolls)[0]
        new = to_notes(model, track, decoded(model, track, mu))
        both = rolls[:, 0] & new[:, 0]
        real, made = rolls[:, 0].sum(), new[:, 0].sum()
        right = 0
        for old, after, shared in zip(rolls, new, both):
            apart = np.abs(note_ends(old[0], old[1]) - note_ends(after[0], after[1]))
            right += int((shared & (apart <= 1)).sum())
        novel = np.array([np.packbits(r).tobytes() not in seen[track] for r in rolls])
        out[track] = {
            "note_f1": f1_of(both.sum(), made, real),
            "note_and_length_f1": f1_of(right, made, real),
            "note_f1_of_new_bars": f1_of(both[novel].sum(), new[novel, 0].sum(), rolls[novel, 0].sum()),
            "new_bars": float(novel.mean()),
        }
    return out


def song_measures(rolls: np.ndarray) -> np.ndarray:
    """One track of a song, bool [W, 2, 16, 72] -> used pitch classes, polyphony, notes a bar (of bars that sound)."""
    return np.array(
        [
            metrics.used_pitch_classes(rolls[:, 1], LOWEST),
            metrics.polyphony(rolls[:, 1]),
            metrics.note_density(rolls[:, 0]),
        ]
    )


HELD_OUT = File("a held-out song", b"")  # its notes are there already
MEASURES = ("used_pitch_classes", "polyphony", "notes_a_bar")


def drift(model: variation.Model, grids: list[BarGrid], strength: float = 0.5) -> dict:
    """By noise and track: note F1 against the original; the measures' means; and the share of songs whose measures lie
    between the 5th and the 95th percentile of real songs (real songs: 0.90)."""
    real = {
        t: np.array([song_measures(s.rolls[i]) for s in grids if s.filled[i].sum() > 3]) for i, t in enumerate(TRACKS)
    }
    low, high = ({t: np.nanpercentile(r, p, axis=0) for t, r in real.items()} for p in PERCENTILES)
    out: dict = {"real": {t: dict(zip(MEASURES, map(float, np.nanmean(real[t], 0)))) for t in TRACKS}}
    for noise in NOISES:
        counts, measured = np.zeros((5, 3)), {t: [] for t in TRACKS}
        for number, grid in enumerate(grids):
            asked = Request(input=HELD_OUT, noise=noise, seed=number, harmony_strength=strength)
            new = varied(model, grid, grid.filled, dict.fromkeys(TRACKS, noise), asked)
            a, b = grid.rolls[:, :, 0], new[:, :, 0]
            counts += np.stack([(a & b).sum((1, 2, 3)), b.sum((1, 2, 3)), a.sum((1, 2, 3))], 1)
            for i, t in enumerate(TRACKS):
                if grid.filled[i].sum() > 3:
                    measured[t].append(song_measures(new[i]))
        table = {}
        for i, t in enumerate(TRACKS):
            values = np.array(measured[t])
            inside = (values >= low[t]) & (values <= high[t])
            table[t] = {
                "note_f1": f1_of(*counts[i]),
                "inside": float(inside.mean()),
                **dict(zip(MEASURES, map(float, np.nanmean(values, 0)))),
            }
        table["band"] = {"note_f1": f1_of(*counts.sum(0))}
        out[f"{noise:g}"] = table
    return out


@torch.no_grad()
def prediction(model: variation.Model, bars: Bars, runs: Path | None, songs: int) -> dict:
    """Next bars of held-out songs: latent error (mean squared, in units of the latents' variance) and decoded note F1
    of MelodyNN (piano) and HarmonyNN, the plain form of the seed, copying the last bar, and the marginal mean."""
    measures = {t: (model.mean[t].cpu().numpy(), model.deviation[t].cpu().numpy()) for t in TRACKS}
    latents = Latents.of(bars, model.bank, "test", songs, measures=measures)
    out: dict = {}
    for track in TRACKS:
        at = latents.positions(track)
        at = np.random.default_rng(0).permutation(at)[:4000]
        data = latents.batch(track, at)
        target, sounds = data["target"], data["sounds"] > 0
        k, column = model.latent, TRACKS.index(track)
        index = latents.at[at, column]
        real = np.zeros((len(at), 16, 72), bool)
        rows = latents.rows[track]
        real[sounds.numpy()] = unpack(np.asarray(bars.bars[track])[rows[index[sounds.numpy()]]])[:, 0].astype(bool)
        soft, hard, chance = predicted(model.predictors[track], latents, track, at)
        before = data["past"][:, -1]
        ways = {
            "network": (soft, chance > 0),
            "network_pointing": (hard, chance > 0),
            "copy": (before[:, :k], before[:, -1] < 0.5),
            "mean": (torch.zeros_like(soft), torch.ones(len(at)) > 0),
        }
        plain = plain_of(runs, track, k) if runs else None
        if plain is not None:
            ways["plain"] = (predicted(plain, latents, track, at)[0], torch.ones(len(at)) > 0)
        table = {}
        for name, (z, heard) in ways.items():
            error = ((z - target) ** 2).mean(1)[sounds].mean().item()
            logits = decoded(model, track, z * model.deviation[track] + model.mean[track])
            cells = to_notes(model, track, logits)[:, 0] & heard.numpy()[:, None, None]
            table[name] = {"latent_error": error, "note_f1": f1_of((cells & real).sum(), cells.sum(), real.sum())}
        out[track] = table
    return out


def active_units(model: variation.Model, grids: list[BarGrid]) -> dict[str, int]:
    """Latent dimensions whose mu varies over bars by more than 0.01 (Burda et al. 2016), of K."""
    out = {}
    for t, track in enumerate(TRACKS):
        rolls = np.concatenate([s.rolls[t][s.filled[t]] for s in grids])[:4000]
        out[track] = int((encoded(model, track, rolls)[0].var(0) > 0.01).sum())
    return out


def aim(rebuilt: dict) -> dict:
    """The aim for every track's note F1 at noise 0: where it was reached, and by how much it was missed."""
    gaps = {track: AIM - scores["note_f1"] for track, scores in rebuilt.items()}
    return {
        "note_f1": AIM,
        "reached": [track for track, gap in gaps.items() if gap <= 0],
        "missed": {track: gap for track, gap in gaps.items() if gap > 0},
    }


def falls(noise: dict) -> bool:
    """Whether the whole band's note F1 falls with every step of the noise."""
    bands = [scores["band"]["note_f1"] for level, scores in noise.items() if level != "real"]
    return all(quieter > noisier for quieter, noisier in pairwise(bands))


def evaluate(model: variation.Model, bars: Bars, songs: int, runs: Path | None) -> dict:
    """All measures of one model."""
    grids = held_out(bars, songs)
    seen = {}
    for track in TRACKS:
        rows, _ = bars.rows(track, "train")
        seen[track] = {row.tobytes() for row in np.asarray(bars.bars[track])[rows]}
    rebuilt, noise = reconstruct(model, grids, seen), drift(model, grids)
    return {
        "test_songs": len(grids),
        "longest": LONGEST,
        "reconstruction": rebuilt,
        **({"aim": aim(rebuilt)} if model.latent == max(LATENTS) else {}),
        "noise": noise,
        "falls": falls(noise),
        "percentiles": list(PERCENTILES),
        "prediction": prediction(model, bars, runs, songs),
        "active_units": active_units(model, grids),
    }


def _through(model: variation.Model, args: argparse.Namespace, before: dict) -> dict:
    """All measures over prepared bars. The plain predictors, where their runs are not here, keep the figures that were
    measured when they were."""
    runs = args.run / f"k{model.latent}" if args.run else None
    figures = rounded(evaluate(model, Bars.open(args.prepared), args.songs, runs))
    for track, ways in figures["prediction"].items():
        if "plain" in before.get("prediction", {}).get(track, {}):
            ways.setdefault("plain", before["prediction"][track]["plain"])
    return figures


PARTS = {
    "harmony": (lambda model, args: harmony(model, args.data / "songs.npz", args.songs), (max(LATENTS),)),
    "continuation": (lambda model, args: continuation(model, args.data / "songs.npz", args.continued), (DEFAULT,)),
}
"""What is measured over songs: name → how, and of which latent sizes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it; --run is where the plain predictors lie, for comparison."""
    add_common(parser, data=Path("data"), prepared=Path("prepared/variation"), checkpoint=PATH, run=None, threads=1)
    parser.add_argument("--latent", type=int, choices=LATENTS, action="append", help="may be repeated; all by default")
    parser.add_argument("--songs", type=int, default=150, help="test songs")
    parser.add_argument("--continued", type=int, default=60, help="test songs that are gone on with")
    parser.add_argument("--only", choices=tuple(PARTS), help="measure this alone and keep the other figures")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")


def run(args: argparse.Namespace) -> None:
    """Print the tables; write them into config.json and the model card unless dry."""
    for k in args.latent or LATENTS:
        where = args.checkpoint / f"k{k}"
        model = variation.load(where, "cpu")
        before = checkpoint.read_config(where).get("metrics", {})
        figures = before if args.only else _through(model, args, before)
        for name, (measure, sizes) in PARTS.items():
            if k in sizes and args.only in (None, name):
                figures = figures | {name: rounded(measure(model, args))}
        print(cards.render("variation", checkpoint.read_config(where) | {"metrics": figures}), flush=True)
        if not args.dry:
            checkpoint.update(where, metrics=figures)
            cards.write(where)
