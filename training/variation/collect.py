"""From the runs of five VAEs to a checkpoint: thresholds and latents' spread on training songs, then the predictors.

python -m training train variation --stage predictors --latent 64
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import torch
from accelerate import PartialState

from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from engine.variation.network import Network
from engine.variation.request import PATH
from engine.variation.vae import VAEBank
from training.core import cards
from training.core.runs import curves, run_log
from training.variation.predictors import Latents, measure, train_next
from training.variation.prepare import Bars
from training.variation.vae import config_of, note_f1, sample_rows, trained

CURVES = {"onset_nats": "nats of a bar's onsets", "sounding_nats": "nats of what sounds in it", "kl": "nats of latents",
          "held out note_f1": "note F1, held out"}  # fmt: skip
SCALE = 0.5  # of the noise slider: at 1 a bar moves half as far as two bars of its song are apart
DATA = {
    "name": "songs.npz: user-made sequences collected by public repositories, merged to the five tracks of LPD-5",
    "songs": 12388,
    "licence": "user-made sequences of mostly commercial songs: research training only, not redistributed",
}


def collect(
    prepared: Path, runs: Path, latent: int, *, songs: int, steps: int, seed: int = 0, folder: Path | None = None
) -> None:
    """Write the checkpoint of a latent size from its runs."""
    bars = Bars.open(prepared)
    vaes = {t: trained(runs, t, latent) for t in TRACKS}
    thresholds = {}
    for track in TRACKS:
        score, thresholds[track] = note_f1(vaes[track], sample_rows(bars, track, "train", 4000, seed))
        print(f"{track}: note F1 {score:.4f} on training bars at threshold {thresholds[track]}", flush=True)
    bank = VAEBank({t: config_of(latent, t) for t in TRACKS}, thresholds)
    for track in TRACKS:
        bank[track].load_state_dict(vaes[track].state_dict())
    bank.eval().requires_grad_(False)
    begin_afresh(runs, bank)
    latents = Latents.of(bars, bank, "train", songs, seed)
    measures = measure(latents, seed)
    network = Network(bank)
    for track in TRACKS:
        mean, deviation, spread = (torch.from_numpy(m) for m in measures[track])
        getattr(network, f"mean_{track}").copy_(mean)
        getattr(network, f"deviation_{track}").copy_(deviation)
        getattr(network, f"spread_{track}").copy_(spread)
        table = latents.table[track]
        table[:-1, :latent] = (table[:-1, :latent] - mean) / deviation
        table[:-1, latent : 2 * latent] -= 2 * torch.log(deviation)
    for track in TRACKS:
        print(f"next {track}", flush=True)
        follower = train_next(latents, runs / "next", track, latent, steps=steps, seed=seed)
        network.predictors[track].load_state_dict(follower.state_dict())
        train_next(latents, runs / "plain", track, latent, steps=steps, seed=seed, plain=True)
    if not PartialState().is_main_process:
        return
    done = {t: run_log(runs / t)[-1]["step"] for t in TRACKS}
    where = folder or PATH / f"k{latent}"
    learned = {f"{track}: {words}": curve for track in TRACKS
               for words, curve in curves(runs / track, CURVES, done[track]).items()}  # fmt: skip
    sha256 = checkpoint.save(
        where,
        system="variation",
        weights=network.state_dict(),
        model={**bank.described(), "scale": SCALE},
        half=True,
        data=DATA,
        licence="the weights are the project's own",
        seed=seed,
        steps={"vae": done, "next": steps},
        curves=learned,
        **cards.kept(where),
    )
    print(f"{where}: {sha256}")


def begin_afresh(runs: Path, bank: VAEBank) -> None:
    """Drop predictors that were trained on the latents of other VAEs; the training of those that were not goes on."""
    digest = hashlib.sha256(b"".join(w.numpy().tobytes() for w in bank.state_dict().values())).hexdigest()
    note = runs / "predicted.txt"
    if PartialState().is_main_process and (not note.is_file() or note.read_text() != digest):
        for name in ("next", "plain"):
            shutil.rmtree(runs / name, ignore_errors=True)
        note.write_text(digest)
    PartialState().wait_for_everyone()
