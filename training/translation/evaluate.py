"""Measure Translation on held-out recordings, beside real ones and three baselines, and write the model cards.

    python -m training evaluate translation [--pair flute-trombone] [--seeds 0 1 2] [--recordings 10]

Held-out are the validation and test splits (by file; nothing is chosen by either). What is translated are their
phrases, at most 6 seconds of each, and melodies joined from five of their notes. Ways beside ours:

    swap      the untrained start: the instruments' profiles exchanged, the fast residual kept
    any       one generator for all directions
    none      no change            equal     a static filter from one mean spectrum to the other
    replay    the tracked melody played by the General MIDI soundfont's target instrument
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core import checkpoint
from engine.core.audio import read_audio
from engine.core.render import render
from engine.translation import model as models
from engine.translation.analysis import analyse
from engine.translation.frames import RATE, Frames
from engine.translation.request import PATH
from engine.translation.synthesis import synthesise
from engine.translation.transcription import melody
from engine.translation.transfer import translate
from training.core import cards
from training.core.options import add_common
from training.translation import prepare as data
from training.translation.measure import Judge, Nearest, agreement, change, clips, describe
from training.translation.pictures import curves, spectrograms
from training.translation.verdict import verdict

PAIRS = ("flute-trombone", "violin-trumpet", "clarinet-cello", "saxophone-violin")  # with weights of their own
SECONDS = 6.0  # of a phrase
MEASURES = ("f0", "loudness", "voicing", "judged", "nearest", "change")
COLUMNS = (*MEASURES, "cycle_judged", "cycle_f0")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it; --data are the recordings that were prepared."""
    add_common(
        parser,
        data=Path("data/audio"),
        prepared=Path("prepared/translation"),
        run=Path("runs/translation"),
        checkpoint=PATH,
        threads=0,
    )
    parser.add_argument("--pair", action="append", help="only this pair; may be repeated")
    parser.add_argument("--others", action="store_true", help="every direction without weights of its own")
    parser.add_argument("--sample", type=int, default=6, help="otherwise so many of them")
    parser.add_argument(
        "--seeds", type=int, nargs="*", default=[0, 1, 2], help="but 0 from --run, or else as measured before"
    )
    parser.add_argument("--judged", type=int, default=320, help="recordings of each instrument the judge learns from")
    parser.add_argument("--recordings", type=int, default=16, help="of each instrument, half of them phrases")


class Held:
    """What evaluation needs of the data: held-out recordings, mean spectra, banks of real frames, the judge."""

    def __init__(self, args: argparse.Namespace, names: tuple[str, ...]) -> None:
        self.prepared = {name: data.load(args.prepared / f"{name}.npz") for name in data.INSTRUMENTS}
        self.audio = args.data
        random = np.random.default_rng(5)
        self.paths = {name: {p.stem: p for p in sorted((args.data / name).glob("*"))} for name in data.INSTRUMENTS}
        self.spectra = {}
        features, labels = [], []
        for name, recordings in self.prepared.items():
            total = np.zeros(1025)
            train = [r for r in recordings if r.split == "train"]
            train.sort(key=lambda r: (r.kind != "phrase", random.random()))  # all phrases, and some hundreds of notes
            for recording in train[: args.judged]:
                sound = self.sound(name, recording.name)
                parts = clips(sound)[:6]
                features += [describe(part) for part in parts]
                labels += [name] * len(parts)
                total += mean_spectrum(sound)
            self.spectra[name] = total
        self.judge = Judge(np.stack(features), labels)
        self.recordings = {name: self._held_out(name, args.recordings, random) for name in data.INSTRUMENTS}
        self.banks = {n: Nearest([r.frames for r in self.prepared[n] if r.split == "train"]) for n in names}

    def sound(self, instrument: str, name: str) -> np.ndarray:
        """A recording's samples at 16 kHz."""
        path = self.paths[instrument].get(name)
        if path is None:
            raise RequestError(
                f"{self.audio / instrument} has no recording {name}: --data is the folder that was prepared."
            )
        return read_audio(path).mono().resampled(RATE).samples

    def _held_out(self, name: str, count: int, random: np.random.Generator) -> list[np.ndarray]:
        held = [r for r in self.prepared[name] if r.split != "train"]
        phrases = [r for r in held if r.kind == "phrase" and len(r.frames) > 60]
        chosen = [phrases[i] for i in random.permutation(len(phrases))[: count // 2]]
        out = [self.sound(name, r.name)[: int(SECONDS * RATE)] for r in chosen]
        notes = [r for r in held if r.kind == "note" and 20 < len(r.frames) < 150]
        pitch = np.array([np.median(r.frames.midi) for r in notes])
        while len(out) < count:
            contour = data.walk(*np.percentile(pitch, [5, 95]), 5, random)
            near = [np.argsort(np.abs(pitch - p) + 0.5 * random.random(len(pitch)))[0] for p in contour]
            parts = [self.sound(name, notes[i].name)[: int(1.2 * RATE)] for i in near]
            out.append(np.concatenate([x for part in parts for x in (part / np.abs(part).max() * 0.3, np.zeros(800))]))
        return [np.asarray(sound, np.float32) for sound in out]


def mean_spectrum(sound: np.ndarray) -> np.ndarray:
    """Power spectrum over 2048 samples, mean over frames, of a sound brought to one level: float64 [1025]."""
    sound = np.pad(sound, (0, max(0, 2048 - len(sound))))
    starts = np.arange(0, len(sound) - 2047, 1024)
    power = np.abs(np.fft.rfft(sound[starts[:, None] + np.arange(2048)] * np.hanning(2048))) ** 2
    mean = power.mean(0)
    return mean / max(mean.sum(), 1e-12)


def equalised(sound: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A static filter from one mean spectrum to another, smooth over a third of an octave, within 30 dB."""
    smooth = []
    for spectrum in (source, target):
        at = np.arange(1025)
        total = np.concatenate([[0], np.cumsum(spectrum)])
        low, high = np.floor(at * 0.89).astype(int), np.minimum(np.ceil(at * 1.12).astype(int) + 1, 1025)
        smooth.append((total[high] - total[low]) / (high - low))
    gain = np.sqrt(np.clip(smooth[1] / np.maximum(smooth[0], 1e-15), 1e-3, 1e3))
    response = np.fft.fftshift(np.fft.irfft(gain)) * np.hanning(2048)
    return np.convolve(sound, response, "same").astype(np.float32)


def replayed(frames: Frames, target: str, semitones: int, length: int) -> np.ndarray:
    """The tracked melody through the soundfont's target instrument."""
    song = melody(frames, target, semitones)
    if not song.tracks[0].notes:
        return np.zeros(length, np.float32)
    sound = render(song).mono().resampled(RATE).samples
    return np.pad(sound, (0, max(0, length - len(sound))))[:length]


def measure(held: Held, source: str, target: str, way: Callable[[np.ndarray, Frames], tuple[np.ndarray, float]],
            back: Callable[[np.ndarray, Frames, float], np.ndarray] | None = None) -> dict[str, float]:  # fmt: skip
    """All measures of one way in one direction. way(sound, frames) → sound, semitones moved; back: the way home."""
    rows: dict[str, list[float]] = {}
    judged, home = [], []
    for sound in held.recordings[source]:
        frames = analyse(sound)
        made, semitones = way(sound, frames)
        kept = agreement(frames, made, semitones)
        made_frames = analyse(made)
        bank = held.banks[target]
        values = {"f0": kept.f0, "loudness": kept.loudness, "voicing": kept.voicing,
                  "nearest": bank.distance(made_frames), "change": change(made_frames)}  # fmt: skip
        judged += [heard == target for heard in held.judge.hears(clips(made))] if np.abs(made).max() > 0 else [False]
        if back:
            again = back(made, made_frames, semitones)
            home += [heard == source for heard in held.judge.hears(clips(again))]
            values["cycle_f0"] = agreement(frames, again).f0
        for key, value in values.items():
            rows.setdefault(key, []).append(value)
    out = {key: float(np.nanmean(values)) for key, values in rows.items()}
    out["judged"] = float(np.mean(judged))
    if back:
        out["cycle_judged"] = float(np.mean(home))
    return {key: round(value, 4) for key, value in out.items()}


def real(held: Held, name: str) -> dict[str, float]:
    """The same measures of real held-out recordings, and of their resynthesis with no model between."""
    out: dict[str, list[float]] = {"judged": [], "judged_resynthesised": [], "nearest": [], "change": []}
    for sound in held.recordings[name]:
        frames = analyse(sound)
        out["judged"] += [heard == name for heard in held.judge.hears(clips(sound))]
        out["judged_resynthesised"] += [h == name for h in held.judge.hears(clips(synthesise(frames, len(sound))))]
        if name in held.banks:
            out["nearest"].append(held.banks[name].distance(frames))
            out["change"].append(change(frames))
    return {key: round(float(np.nanmean(values)), 4) for key, values in out.items() if values}


def ours(model: models.Model, source: str, target: str, trained: bool = True):
    """(way, back) of a model."""

    def way(sound: np.ndarray, frames: Frames) -> tuple[np.ndarray, float]:
        after, moved = translate(model, frames, source, target, trained=trained)
        return synthesise(after, len(sound)), 12.0 * moved

    def back(sound: np.ndarray, frames: Frames, semitones: float) -> np.ndarray:
        after, _ = translate(model, frames, target, source, trained=trained, transpose=-semitones, fit=False)
        return synthesise(after, len(sound))

    return way, back


def baselines(held: Held, source: str, target: str, model: models.Model) -> dict[str, dict[str, float]]:
    """The three ways that a person would use instead."""

    def replay(sound: np.ndarray, frames: Frames) -> tuple[np.ndarray, float]:
        moved = model.profiles[target].octaves(frames.midi[frames.voiced])
        return replayed(frames, target, 12 * moved, len(sound)), 12.0 * moved

    return {
        "none": measure(held, source, target, lambda sound, frames: (sound, 0.0)),
        "equal": measure(held, source, target,
                         lambda sound, frames: (equalised(sound, held.spectra[source], held.spectra[target]), 0.0)),
        "replay": measure(held, source, target, replay),
    }  # fmt: skip


def line(label: str, values: dict[str, float], keys: tuple[str, ...]) -> str:
    """A row of the printed table."""
    return f"{label:<34}" + "".join(f"{values[key]:>13.3f}" if key in values else f"{'':>13}" for key in keys)


def show(source: str, target: str, ways: dict[str, dict[str, float]]) -> None:
    """Print the rows of a direction."""
    for name, values in ways.items():
        print(line(f"{source} → {target}: {name}", values, COLUMNS), flush=True)


def show_real(truth: dict[str, dict[str, float]]) -> None:
    """Print the table's head and the rows of the real recordings."""
    print(line("real held-out recordings", {}, ()) + "".join(f"{key:>13}" for key in COLUMNS))
    for name, values in truth.items():
        print(line(name, values, COLUMNS), f"  resynthesised: judged {values['judged_resynthesised']:.3f}", flush=True)


def learned(folder: Path) -> bool:
    """Is a checkpoint more than the untrained start."""
    return checkpoint.read_config(folder)["steps"] > 0


def other_seeds(held: Held, source: str, target: str, runs: Sequence[tuple[int, Path]],
                before: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:  # fmt: skip
    """The figures of a pair trained with other seeds: of those runs that are here, else as measured before."""
    ways = {}
    for seed, folder in runs:
        name = f"ours, seed {seed}"
        if (folder / "config.json").is_file():
            ways[name] = measure(held, source, target, *ours(models.load(folder, "cpu"), source, target))
        elif name in before:
            ways[name] = before[name]
    return ways


def measure_pair(held: Held, pair: str, args: argparse.Namespace, everyone: models.Model | None) -> dict[str, dict]:
    """Every way of both directions of a pair; everyone: the generator for all directions, if it is there."""
    folder = args.checkpoint / pair
    model = models.load(folder, "cpu")
    before = checkpoint.read_config(folder).get("metrics", {})
    runs = [(seed, args.run / f"{pair}-{seed}" / "checkpoint") for seed in args.seeds if seed]
    a, b = pair.split("-")
    metrics = {}
    for source, target in ((a, b), (b, a)):
        swap = measure(held, source, target, *ours(model, source, target, trained=False))
        ways = {
            "ours": measure(held, source, target, *ours(model, source, target)) if learned(folder) else swap,
            "swap": swap,
        }
        ways |= other_seeds(held, source, target, runs, before.get(f"{source}-{target}", {}))
        if everyone and learned(args.checkpoint / "any"):
            ways["any"] = measure(held, source, target, *ours(everyone, source, target))
        ways |= baselines(held, source, target, model)
        show(source, target, ways)
        metrics[f"{source}-{target}"] = ways
    return metrics


def other_directions(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Directions without weights of their own: all, or a sample."""
    shipped = {tuple(pair.split("-")) for pair in PAIRS}
    directions = [(a, b) for a, b in permutations(data.INSTRUMENTS, 2) if not {(a, b), (b, a)} & shipped]
    return directions if args.others else directions[:: len(directions) // args.sample]


def measure_others(
    held: Held, everyone: models.Model, directions: list[tuple[str, str]], names: tuple[str, ...]
) -> dict[str, dict]:
    """The generator for all directions beside its untrained start, in those directions that are between `names`."""
    metrics = {}
    for source, target in directions:
        if source not in names or target not in names:
            continue
        ways = {
            "ours": measure(held, source, target, *ours(everyone, source, target)),
            "swap": measure(held, source, target, *ours(everyone, source, target, False)),
        }
        show(source, target, ways)
        metrics[f"{source}-{target}"] = ways
    return metrics


def write_card(folder: Path, run: Path, players: tuple[str, str], held: Held) -> None:
    """The verdict on a checkpoint's figures, into config.json; its pictures, and its card."""
    spectrograms(models.load(folder, "cpu"), *players, held, folder / "spectrograms.png")
    drawn = curves(run, folder / "curves.png") or (folder / "curves.png").is_file()
    pictures = ["curves.png", "spectrograms.png"] if drawn else ["spectrograms.png"]
    metrics = checkpoint.read_config(folder)["metrics"]
    checkpoint.update(folder, verdict=verdict(metrics), pictures=pictures)
    cards.write(folder)


def run(args: argparse.Namespace) -> None:
    """Measure the pairs, then the generator for all directions; write figures and cards."""
    pairs = args.pair or list(PAIRS)
    paired = tuple(dict.fromkeys(name for pair in pairs for name in pair.split("-")))
    names = data.INSTRUMENTS if args.others else paired
    held = Held(args, names)
    truth = {name: real(held, name) for name in names}
    show_real(truth)
    folder = args.checkpoint / "any"
    everyone = models.load(folder, "cpu") if (folder / "config.json").is_file() else None
    for pair in pairs:
        measured = {"real": {name: truth[name] for name in pair.split("-")}} | measure_pair(held, pair, args, everyone)
        checkpoint.update(args.checkpoint / pair, metrics=measured)
        write_card(args.checkpoint / pair, args.run / f"{pair}-0", tuple(pair.split("-")), held)
    others = measure_others(held, everyone, other_directions(args), names) if everyone else {}
    if others:  # a pair alone measures no other direction; the card keeps what it says
        measured = {"real": truth} | others
        checkpoint.update(folder, metrics=measured)
        write_card(folder, args.run / "any-0", ("flute", "cello"), held)
