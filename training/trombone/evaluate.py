"""What the trombone plays, measured beside what was recorded: pitch, length, clipping, silence, log-mel, centroid.

a run's or a checkpoint's network  →  generated notes  →  the table of the model card, and its spectrograms

    python -m training evaluate trombone --notes 300 [--run runs/trombone]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.audio import Audio
from engine.core.pitch import note_name
from engine.core.render import render
from engine.core.song import Note, Song, Track
from engine.trombone.conditions import DYNAMICS, HIGHEST, LOWEST
from engine.trombone.config import Config, compand, emphasised
from engine.trombone.model import Model, load, stored_beside
from engine.trombone.network import SampleRNN, to_level
from engine.trombone.notes import NoteSpec, conditions_of, decode, play
from engine.trombone.phrasing import PROGRAM, melody, perform, velocity_of
from engine.trombone.pitch import RATE, centroid_hz, harmonicity_db, measured_cents, sounding
from engine.trombone.request import MAX_SECONDS, MIN_SECONDS, TEMPERATURE
from engine.trombone.sampler import Sampler
from training.core import cards
from training.core.options import add_common, add_overwrite
from training.core.runs import best_step, best_weights, curves
from training.trombone import judge, voice
from training.trombone.batches import Notes, score
from training.trombone.measures import note_seconds
from training.trombone.playing import (
    LENGTH_SECONDS,
    length,
    log_mel_distance,
    play_like,
    play_validation,
    real_note,
    tables,
)

CURVES = {"bits": "bits a sample"}
ASKED_SECONDS = 0.3, 4.0  # the shortest and the longest of the generated notes


def soundfont_line(song: Song) -> np.ndarray:
    """General MIDI's trombone playing a song, mono at 44.1 kHz."""
    return render(song).mono().resampled(judge.RATE).samples


def soundfont_note(midi: int, seconds: float, dynamic: float) -> np.ndarray:
    """The same note by it (note-off matched), mono at 44.1 kHz."""
    notes = (Note(0.0, max(0.1, seconds - 0.1), midi, velocity_of(dynamic)),)
    return soundfont_line(Song((Track("trombone", PROGRAM, False, notes),), tempo=60.0))


def soundfont_modelled(midi: int, seconds: float, dynamic: float) -> np.ndarray:
    """Its note at 16 kHz, as loud as a modelled one."""
    return Audio(soundfont_note(midi, seconds, dynamic), judge.RATE).resampled(RATE).normalised(0.6).samples


def through_8_bits(samples: np.ndarray, config: Config) -> np.ndarray:
    """A recording through the 256 levels and back."""
    heard = compand(emphasised(np.pad(samples, (1, 0)), config.emphasis), config.companding)
    return decode(to_level(torch.from_numpy(heard)).numpy(), config)


def neighbours(notes: Notes, note: int, semitones: int) -> int | None:
    """The training recording of the nearest length so many semitones away, of the same dynamic; None without one."""
    i = notes.index
    candidates = np.flatnonzero(
        (i["split"] == 0) & (i["copy"] == 0) & (i["room"] == i["room"][note]) & (i["dynamic"] == i["dynamic"][note])
        & (i["midi"] == i["midi"][note] + semitones)
    )  # fmt: skip
    return min(candidates, key=lambda n: abs(notes.frames(n) - notes.frames(note))) if len(candidates) else None


def distances(model: Model, notes: Notes, which: np.ndarray, temperature: float) -> dict[str, float]:
    """Mean log-mel distance in dB to the real held-out notes: ours, and everything one would compare it with."""
    index = notes.index
    rows: dict[str, list[float]] = {}
    made_of = tables(notes)
    emphasised_8_bits = Config(emphasis=model.sampler.config.emphasis)
    for note, played in zip(which, play_like(model.network, notes, which, temperature, using=model.tables)):
        real = real_note(notes, note)
        midi, dynamic, seconds = int(index["midi"][note]), float(index["dynamic"][note]), notes.frames(note) / RATE
        prior = conditions_of(made_of, NoteSpec(midi, seconds, dynamic), np.random.default_rng(0)).prior
        sounds = {
            "ours": played,
            "General MIDI soundfont's trombone": soundfont_modelled(midi, seconds, dynamic),
            "the harmonic prior alone": prior,
            "pre-emphasised μ-law 8 bits of the real note": through_8_bits(real, emphasised_8_bits),
            "μ-law 8 bits of the real note": through_8_bits(real, Config()),
            "linear 8 bits of the real note": through_8_bits(real, Config(companding="linear")),
        }
        for name, away in (("another length of the same cell", 0), ("the next semitone's real note", 1)):
            if (other := neighbours(notes, note, away)) is not None:
                sounds[name] = real_note(notes, other)
        for name, sound in sounds.items():
            rows.setdefault(name, []).append(log_mel_distance(sound, real))
    return {name: round(float(np.mean(values)), 2) for name, values in rows.items()}


def random_notes(count: int, seed: int) -> list[NoteSpec]:
    """Notes over the whole range, all dynamics, lengths from `ASKED_SECONDS` (evenly in their logarithm)."""
    rng = np.random.default_rng((seed, 300))
    return [
        NoteSpec(
            int(rng.integers(LOWEST, HIGHEST + 1)), float(np.exp(rng.uniform(*np.log(ASKED_SECONDS)))), float(i % 5)
        )
        for i in range(count)
    ]


def table_of(sounds: Sequence[np.ndarray], asked: Sequence[NoteSpec]) -> dict[str, float]:
    """Pitch, length until it has fallen 12 dB, clipping and silence of notes at 16 kHz beside what was asked."""
    cents = [measured_cents(s, a.midi) for s, a in zip(sounds, asked)]
    error = [abs(c) if c is not None else 9999.0 for c in cents]
    spans = [sounding(s) for s in sounds]
    errors = [abs(note_seconds(s, RATE) - want.seconds) if s.any() else want.seconds for s, want in zip(sounds, asked)]
    return {
        "notes": len(sounds),
        "within_25_cents": round(float(np.mean([e <= 25 for e in error])), 4),
        "median_cents": round(float(np.median(error)), 2),
        "length_within_60_ms": round(float(np.mean([e <= LENGTH_SECONDS for e in errors])), 4),
        "worst_length_ms": round(1000 * max(errors), 1),
        "clipped": int(sum(np.abs(s).max() >= 0.999 for s in sounds)),
        "silent": int(sum(b == a for a, b in spans)),
    }


def by_dynamic(
    measure: Callable[[np.ndarray], float], sounds: Sequence[np.ndarray], dynamics: Sequence[float]
) -> list[float]:
    """Median of a measure over the notes of each dynamic, pp to ff."""
    measured = [[measure(s) for s, d in zip(sounds, dynamics) if int(d) == k] for k in range(len(DYNAMICS))]
    return [round(float(np.nanmedian(f)), 1) if f else float("nan") for f in measured]


def spectrograms(path: Path, pairs: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """A PNG: generated notes in the upper row, their real neighbours below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, len(pairs), figsize=(3.2 * len(pairs), 5), sharey=True, constrained_layout=True)
    for column, (title, played, real) in zip(axes.T, pairs):
        for axis, name, samples in zip(column, ("played", "recorded"), (played, real)):
            axis.specgram(samples / np.abs(samples).max() + 1e-7, 1024, RATE, noverlap=896, vmin=-140, vmax=-40)
            axis.set_title(f"{title}, {name}", fontsize=9)
            axis.set_ylim(0, 6000)
    axes[0, 0].set_ylabel("Hz")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def export(notes: Notes, run: Path, folder: Path, data: Path, seed: int) -> None:
    """The best weights of a run, the tables that playing needs and the network above it, as a checkpoint."""
    config = json.loads((run / "config.json").read_text())
    steps = best_step(run)
    learned = curves(run, CURVES, steps)
    save_checkpoint(notes, Config(**config), best_weights(run, "net"), folder, data, seed, steps, learned)


def refit(notes: Notes, folder: Path, data: Path, seed: int) -> None:
    """A checkpoint's SampleRNN as it is, and all that lies beside it fitted anew."""
    stored = checkpoint.load(folder, "trombone")
    config = Config(**stored.model)
    weights = {name: torch.from_numpy(stored.weights[name]) for name in config.shapes()}
    networks = stored.config.get("metrics", {}).get("networks", {})
    learned = stored.config.get("curves", {})
    save_checkpoint(notes, config, weights, folder, data, seed, int(stored.config["steps"]), learned)
    checkpoint.update(folder, metrics={"networks": networks})  # of which the runs may be gone


def save_checkpoint(
    notes: Notes, config: Config, weights: dict[str, torch.Tensor], folder: Path, data: Path, seed: int, steps: int,
    learned: dict[str, Any],
) -> None:
    """Weights, and beside them what is fitted around them, in one file."""
    sampler = Sampler(config, {name: tensor.numpy() for name, tensor in weights.items()})
    beside = stored_beside(*voice.fit(sampler, notes, data, seed))
    checkpoint.save(
        folder, system="trombone", weights=weights | {name: torch.from_numpy(a.copy()) for name, a in beside.items()},
        model=asdict(config), half=False, seed=seed, steps=steps, curves=learned,
        seconds=[MIN_SECONDS, MAX_SECONDS], notes=int((notes.index["copy"] == 0).sum()),
        data="single notes of the Philharmonia Orchestra's and the University of Iowa's trombones, 44.1 kHz (of 16 "
        "kHz for SampleRNN)",
        licence="Philharmonia Orchestra samples: free to use, not to be sold or handed on as samples; University of "
        "Iowa Musical Instrument Samples: free, no restrictions. The weights are this project's own.",
        **cards.kept(folder),
    )  # fmt: skip


def load_run(run: Path) -> SampleRNN:
    """The best network of a training run."""
    network = SampleRNN(Config(**json.loads((run / "config.json").read_text())))
    network.load_state_dict(best_weights(run, "net"))
    return network.eval().requires_grad_(False)


def speed(model: Model, temperature: float) -> float:
    """How many times faster than real time one note of 2 s is played on one thread, the best of five."""
    spent = []
    for seed in range(5):
        began = time.perf_counter()
        play(model, [NoteSpec(58, 2.0, 2.0)], seed=seed, temperature=temperature, threads=1)
        spent.append(time.perf_counter() - began)
    return round(2.0 / min(spent), 2)


def players(model: Model, temperature: float) -> dict[str, tuple[judge.Player, judge.Performer]]:
    """What the judge hears beside recordings: ours and the soundfont."""

    def ours(notes: Sequence[NoteSpec], seed: int) -> list[np.ndarray]:
        return play(model, notes, seed=seed, temperature=temperature, rate=judge.RATE)

    def line(song: Song) -> np.ndarray:
        return perform(model, melody(song), seed=0, temperature=temperature, rate=judge.RATE).samples

    def soundfont(notes: Sequence[NoteSpec], seed: int) -> list[np.ndarray]:
        return [soundfont_note(int(n.midi), n.seconds, n.dynamic) for n in notes]

    return {"ours": (ours, line), "soundfont": (soundfont, soundfont_line)}


def compare(network: SampleRNN, notes: Notes, which: np.ndarray, temperature: float, steps: int) -> dict[str, float]:
    """One network's row of the table that compares networks: played freely, and its NLL."""
    _, parts = play_validation(network, notes, which, temperature)
    row = parts | {"nll_bits": score(network, notes, which)}
    return {"steps": steps} | {name: round(value, 3) for name, value in row.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it; with --run, the best weights of that run become the checkpoint first."""
    add_common(
        parser,
        data=Path("data/audio"),
        prepared=Path("prepared/trombone"),
        run=None,
        checkpoint=CHECKPOINTS / "trombone",
        threads=0,
        seed=0,
    )
    add_overwrite(parser)
    parser.add_argument("--baselines", type=Path, nargs="*", default=[], help="runs to compare; else figures are kept")
    parser.add_argument("--refit", action="store_true", help="fit anew what lies beside the weights of --checkpoint")
    parser.add_argument("--notes", type=int, default=300, help="generated notes")
    parser.add_argument("--sweep", type=float, nargs="*", default=[], help="temperatures compared on validation notes")
    parser.add_argument("--every", type=int, default=1, help="each so-many-th held-out note is compared")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)


def run(args: argparse.Namespace) -> None:
    """Print the table, write metrics into config.json, the model card and its spectrograms."""
    notes = Notes.open(args.prepared)
    index = notes.index
    if args.run:
        export(notes, args.run, args.checkpoint, args.data, args.seed)
    elif args.refit:
        refit(notes, args.checkpoint, args.data, args.seed)
    model = load(args.checkpoint)
    held_out = np.flatnonzero(index["split"] == 2)[:: args.every]
    real = [real_note(notes, n) for n in held_out]
    labelled = [
        NoteSpec(float(index["midi"][n] + index["cents"][n] / 100), length(x), float(index["dynamic"][n]))
        for n, x in zip(held_out, real)
    ]
    metrics: dict[str, Any] = {
        "command": f"python -m training evaluate trombone --notes {args.notes} --every {args.every}",
        "temperature": args.temperature,
        "seconds": list(ASKED_SECONDS),
    }
    metrics["tracker_on_real"] = table_of(real, labelled)
    asked = random_notes(args.notes, args.seed)
    sounds = play(model, asked, seed=args.seed, temperature=args.temperature, rate=RATE)
    metrics["generated"] = table_of(sounds, asked)
    metrics["times_real_time_one_thread"] = speed(model, args.temperature)
    low = [i for i, a in enumerate(asked) if a.midi <= 70]
    metrics["generated_40_to_70"] = table_of([sounds[i] for i in low], [asked[i] for i in low])
    metrics["log_mel_db"] = distances(model, notes, held_out, args.temperature)
    train = np.flatnonzero((index["split"] == 0) & (index["copy"] == 0) & (index["room"] == 0))
    recorded, dynamics = [real_note(notes, n) for n in train], [a.dynamic for a in asked]
    for name, measure in (("centroid_hz", centroid_hz), ("harmonicity_db", harmonicity_db)):
        metrics[name] = {
            "recorded": by_dynamic(measure, recorded, index["dynamic"][train]),
            "generated": by_dynamic(measure, sounds, dynamics),
        }
    metrics["judged"] = judge.judged(players(model, args.temperature), index, args.data, args.every)
    chosen = np.flatnonzero(index["split"] == 1)[::4]
    metrics["temperatures"] = {
        str(tried): round(play_validation(model.network, notes, chosen, tried)[1]["log_mel"], 2) for tried in args.sweep
    }
    # Comparisons whose runs are not given keep the figures that were measured when they were.
    metrics["networks"] = dict(model.config.get("metrics", {}).get("networks", {}))
    for run in args.baselines:
        metrics["networks"][run.name] = compare(load_run(run), notes, held_out, args.temperature, best_step(run))
    if metrics["networks"]:
        metrics["networks"]["shipped"] = compare(
            model.network, notes, held_out, args.temperature, model.config["steps"]
        )
    print(json.dumps(metrics, indent=1, ensure_ascii=False))
    checkpoint.update(args.checkpoint, metrics=metrics)
    pairs = []
    for dynamic, midi in ((0, 48), (2, 55), (3, 62), (4, 70)):
        note = min(held_out, key=lambda n: (index["dynamic"][n] != dynamic, abs(int(index["midi"][n]) - midi)))
        played = play_like(model.network, notes, [note], args.temperature, using=model.tables)[0]
        title = f"{note_name(int(index['midi'][note]))} {DYNAMICS[int(index['dynamic'][note])]}"
        pairs.append((title, played, real_note(notes, note)))
    spectrograms(args.checkpoint / "notes.png", pairs)
    cards.write(args.checkpoint)
