"""Measure Translation on held-out recordings, beside real ones and four other ways, and write the model card.

    python -m training evaluate translation [--recordings 6] [--other 4]

Held-out are the validation and test splits (by file; nothing is chosen by either). What is translated are their
phrases, at most 6 seconds of each, and melodies joined from five of their notes: every direction by the generator, and
for every target one direction by the ways beside it:

    swap      the untrained start: the instruments' profiles exchanged, the fast residual kept
    none      no change            equal     a static filter from one mean spectrum to the other
    replay    the tracked melody played by the General MIDI soundfont's target instrument

A voice is sung by the synthesiser of training/translation/sung.py, whose notes are known: as it is, beside noise at
15 dB, and through a telephone's band.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core import checkpoint
from engine.core.audio import read_audio
from engine.core.render import render
from engine.translation import model as models
from engine.translation.analysis import analyse
from engine.translation.frames import HOP, RATE, Frames
from engine.translation.profile import relative
from engine.translation.request import PATH
from engine.translation.synthesis import synthesise
from engine.translation.transcription import melody
from engine.translation.transfer import translate
from engine.translation.voice import calmed
from training.core import cards
from training.core.options import add_common
from training.translation import prepare as data
from training.translation.measure import Judge, Nearest, agreement, change, clips, describe, rise
from training.translation.pictures import spectrograms
from training.translation.sung import anyone, line, sing
from training.translation.verdict import Judged, rows, verdict

SECONDS = 6.0  # of a phrase
BRILLIANCE = 2500.0  # Hz above which the rise of an onset is measured too
MEASURES = ("f0", "loudness", "voicing", "judged", "nearest", "change", "cycle_judged", "cycle_f0")
SUNG = {"clean": {}, "noise at 15 dB": {"snr_db": 15.0}, "telephone": {"phone": True}}

Way = Callable[[np.ndarray, Frames], tuple[np.ndarray, Frames, float]]
"""A recording and its frames → what is made of it, its frames, and the semitones it was moved by."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it; --data are the recordings that were prepared."""
    add_common(
        parser,
        data=Path("data/audio"),
        prepared=Path("prepared/translation"),
        checkpoint=PATH,
        threads=0,
    )
    parser.add_argument("--judged", type=int, default=180, help="recordings of each instrument the judge learns from")
    parser.add_argument("--recordings", type=int, default=6, help="of each instrument, half of them phrases")
    parser.add_argument("--other", type=int, default=4, help="of these, by the ways beside the generator")
    parser.add_argument("--sung", type=int, default=6, help="lines that a voice sings")


class Held:
    """What evaluation needs of the data: held-out recordings, mean spectra, banks of real frames, the judge."""

    def __init__(self, args: argparse.Namespace, names: tuple[str, ...]) -> None:
        self.names, self.audio = names, args.data
        self.prepared = {name: data.load(args.prepared / f"{name}.npz") for name in names}
        random = np.random.default_rng(5)
        self.paths = {name: {p.stem: p for p in sorted((args.data / name).glob("*"))} for name in names}
        self.spectra = {}
        features, labels = [], []
        for name, recordings in self.prepared.items():
            total = np.zeros(2049)
            train = [r for r in recordings if r.split == "train"]
            train.sort(key=lambda r: (r.kind != "phrase", random.random()))  # all phrases, and some hundred notes
            for recording in train[: args.judged]:
                sound = self.sound(name, recording.name)
                parts = clips(sound)[:6]
                features += [describe(part) for part in parts]
                labels += [name] * len(parts)
                total += mean_spectrum(sound)
            self.spectra[name] = total
        self.judge = Judge(np.stack(features), labels)
        self.recordings = {name: self._held_out(name, args.recordings, random) for name in names}
        self.frames = {name: [analyse(sound) for sound in self.recordings[name]] for name in names}
        self.banks = {n: Nearest([r.frames for r in self.prepared[n] if r.split == "train"]) for n in names}

    def sound(self, instrument: str, name: str) -> np.ndarray:
        """A recording's samples at 44.1 kHz."""
        path = self.paths[instrument].get(name)
        if path is None:
            raise RequestError(
                f"{self.audio / instrument} has no recording {name}: --data is the folder that was prepared."
            )
        return read_audio(path).mono().resampled(RATE).samples

    def hears(self, sound: np.ndarray) -> list[str]:
        """The instrument that each clip of a sound is judged to be; none where nothing sounds."""
        return [str(name) for name in self.judge.hears(clips(sound))] if sound.any() else [""]

    def judged(self, sound: np.ndarray, name: str) -> list[bool]:
        """Whether each clip of a sound is judged this instrument."""
        return [heard == name for heard in self.hears(sound)]

    def phrases(self, name: str, word: str = "") -> list[np.ndarray]:
        """The sound of an instrument's held-out phrases, of those with a word in their names where one is said."""
        chosen = [r for r in self.prepared[name] if r.split != "train" and r.kind == "phrase" and word in r.name]
        return [self.sound(name, r.name)[: int(SECONDS * RATE)] for r in chosen]

    def _held_out(self, name: str, count: int, random: np.random.Generator) -> list[np.ndarray]:
        held = [r for r in self.prepared[name] if r.split != "train"]
        phrases = [r for r in held if r.kind == "phrase" and len(r.frames) > 60]
        notes = [r for r in held if r.kind == "note" and 20 < len(r.frames) < 150]
        chosen = [phrases[i] for i in random.permutation(len(phrases))[: (count + 1) // 2 if notes else count]]
        if not (notes or chosen):
            raise RequestError(f"No recording of {name} of more than a second is held out; more of them are wanted.")
        out = [self.sound(name, r.name)[: int(SECONDS * RATE)] for r in chosen]
        pitch = np.array([np.median(r.frames.midi) for r in notes])
        while notes and len(out) < count:
            contour = data.walk(*np.percentile(pitch, [5, 95]), 5, random)
            near = [np.argsort(np.abs(pitch - p) + 0.5 * random.random(len(pitch)))[0] for p in contour]
            parts = [self.sound(name, notes[i].name)[: int(1.2 * RATE)] for i in near]
            out.append(np.concatenate([x for part in parts for x in (part / np.abs(part).max() * 0.3, np.zeros(2205))]))
        return [np.asarray(sound, np.float32) for sound in out]


def mean_spectrum(sound: np.ndarray) -> np.ndarray:
    """Power spectrum over 4096 samples, mean over frames, of a sound brought to one level: float64 [2049]."""
    sound = np.pad(sound, (0, max(0, 4096 - len(sound))))
    starts = np.arange(0, len(sound) - 4095, 2048)
    power = np.abs(np.fft.rfft(sound[starts[:, None] + np.arange(4096)] * np.hanning(4096))) ** 2
    mean = power.mean(0)
    return mean / max(mean.sum(), 1e-12)


def brightness(sound: np.ndarray) -> float:
    """Centre of a sound's power spectrum in Hz."""
    power = mean_spectrum(sound)
    return float(power @ np.arange(len(power)) * RATE / 4096 / max(power.sum(), 1e-12))


def equalised(sound: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A static filter from one mean spectrum to another, smooth over a third of an octave, within 30 dB."""
    smooth = []
    for spectrum in (source, target):
        at = np.arange(2049)
        total = np.concatenate([[0], np.cumsum(spectrum)])
        low, high = np.floor(at * 0.89).astype(int), np.minimum(np.ceil(at * 1.12).astype(int) + 1, 2049)
        smooth.append((total[high] - total[low]) / (high - low))
    gain = np.sqrt(np.clip(smooth[1] / np.maximum(smooth[0], 1e-15), 1e-3, 1e3))
    response = np.fft.fftshift(np.fft.irfft(gain)) * np.hanning(4096)
    return np.convolve(sound, response, "same").astype(np.float32)


def replayed(frames: Frames, target: str, semitones: int, length: int) -> np.ndarray:
    """The tracked melody through the soundfont's target instrument."""
    song = melody(frames, target, semitones)
    if not song.tracks[0].notes:
        return np.zeros(length, np.float32)
    sound = render(song).mono().resampled(RATE).samples
    return np.pad(sound, (0, max(0, length - len(sound))))[:length]


def real(held: Held, name: str, notes: dict[str, int]) -> dict[str, float]:
    """The same measures of all real held-out phrases and some notes, and of their resynthesis with no model between."""
    every = [*held.phrases(name), *held.recordings[name]]
    judged = [ok for sound in every for ok in held.judged(sound, name)]
    again, lost, above = [], [], []
    for sound, frames in zip(held.recordings[name], held.frames[name]):
        made = synthesise(frames, len(sound))
        again += held.judged(made, name)
        lost.append(rise(sound) - rise(made))
        above.append(rise(sound, BRILLIANCE) - rise(made, BRILLIANCE))
    values = {
        "judged": np.mean(judged), "judged_resynthesised": np.mean(again), "rise_lost": np.mean(lost),
        "rise_lost_above": np.mean(above), "octaves": octaves_off(held.prepared[name], notes),
        "nearest": np.nanmean([held.banks[name].distance(frames) for frames in held.frames[name]]),
        "change": np.nanmean([change(frames) for frames in held.frames[name]]),
        "brightness": np.mean([brightness(sound) for sound in every]),
    }  # fmt: skip
    return {key: round(float(value), 4) for key, value in values.items()}


def mistaken(held: Held, name: str) -> dict[str, float]:
    """For which other instruments the judge takes its real held-out recordings, as shares, the most frequent first."""
    heard = Counter(other for sound in [*held.phrases(name), *held.recordings[name]] for other in held.hears(sound))
    return {other: round(count / heard.total(), 4) for other, count in heard.most_common() if other != name}


def note_pitches(folder: Path) -> dict[str, int]:
    """The MIDI pitch of every note of a manifest.csv, by the file's name; none where there is no manifest."""
    path = folder / "manifest.csv"
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {Path(row["file"]).stem: int(row["midi"]) for row in csv.DictReader(file) if row["kind"] == "note"}


def octaves_off(recordings: list[data.Recording], notes: dict[str, int]) -> float:
    """Share of held-out frames heard an octave or more off: of notes by their pitch; of phrases, whose pitch nobody
    wrote down, those whose odd harmonics are missing, as they are where the pitch is heard an octave low."""
    off, count = 0, 0
    for recording in recordings:
        frames = recording.frames
        heard = frames.voiced & (relative(frames.loudness_db) > -20)
        if recording.split == "train" or not heard.any():
            continue
        if recording.name in notes:
            off += int((np.abs(frames.midi[heard] - notes[recording.name]) > 6).sum())
        elif recording.kind == "phrase":
            power = 10 ** (frames.timbre[heard, :12].astype(float) / 10)
            off += int((power[:, ::2].sum(1) < power[:, 1::2].sum(1) * 10**-2.5).sum())
        count += int(heard.sum())
    return off / max(1, count)


def measure(held: Held, source: str, target: str, way: Way, count: int,
            back: Callable[[Frames, float], np.ndarray] | None = None
            ) -> tuple[dict[str, float], list[list[bool]]]:  # fmt: skip
    """All measures of one way in one direction over `count` recordings, and what was judged of every recording's clips.

    back: what was made → the way home.
    """
    table: dict[str, list[float]] = {}
    judged, home = [], []
    for sound, frames in list(zip(held.recordings[source], held.frames[source]))[:count]:
        made, after, semitones = way(sound, frames)
        kept = agreement(frames, made, semitones)
        values = {"f0": kept.f0, "loudness": kept.loudness, "voicing": kept.voicing,
                  "nearest": held.banks[target].distance(after), "change": change(after),
                  "brightness": brightness(made)}  # fmt: skip
        judged.append(held.judged(made, target))
        if back:
            again = back(analyse(made), semitones)
            home += held.judged(again, source)
            values["cycle_f0"] = agreement(frames, again).f0
        for key, value in values.items():
            table.setdefault(key, []).append(value)
    out = {key: float(np.nanmean(values)) for key, values in table.items()}
    out["judged"] = float(np.mean([ok for row in judged for ok in row]))
    if back:
        out["cycle_judged"] = float(np.mean(home))
    return {key: round(value, 4) for key, value in out.items()}, judged


def ours(model: models.Model, source: str | None, target: str, trained: bool = True) -> Way:
    """The model's way in a direction."""

    def way(sound: np.ndarray, frames: Frames) -> tuple[np.ndarray, Frames, float]:
        after, moved = translate(model, frames, source, target, trained=trained)
        return synthesise(after, len(sound)), after, 12.0 * moved

    return way


def beside(held: Held, source: str, target: str, model: models.Model) -> dict[str, Way]:
    """The four ways that a person would use instead."""

    def replay(sound: np.ndarray, frames: Frames) -> tuple[np.ndarray, Frames, float]:
        moved = model.profiles[target].octaves(frames.midi[frames.voiced])
        made = replayed(frames, target, 12 * moved, len(sound))
        return made, analyse(made), 12.0 * moved

    def equal(sound: np.ndarray, frames: Frames) -> tuple[np.ndarray, Frames, float]:
        made = equalised(sound, held.spectra[source], held.spectra[target])
        return made, analyse(made), 0.0

    return {"swap": ours(model, source, target, trained=False), "none": lambda sound, frames: (sound, frames, 0.0),
            "equal": equal, "replay": replay}  # fmt: skip


def every_direction(held: Held, model: models.Model, count: int) -> tuple[dict[str, dict[str, float]], Judged]:
    """The generator in all directions: its measures, and what was judged."""
    directions, judged = {}, {}
    for source, target in permutations(held.names, 2):
        directions[f"{source}-{target}"], judged[source, target] = measure(
            held, source, target, ours(model, source, target), count
        )
        print(line_of(f"{source} → {target}", directions[f"{source}-{target}"]), flush=True)
    return directions, judged


def of_staccato(held: Held, model: models.Model) -> dict[str, dict[str, float]]:
    """Held-out phrases of short notes on every target, pooled by source: judged the target, and how many they are."""
    out = {}
    for source in held.names:
        sounds = held.phrases(source, "stacc")
        judged = [
            ok
            for sound in sounds
            for target in held.names
            if target != source
            for ok in held.judged(ours(model, source, target)(sound, analyse(sound))[0], target)
        ]
        if judged:
            out[source] = {"judged": round(float(np.mean(judged)), 4), "phrases": len(sounds)}
    return out


def other_ways(held: Held, model: models.Model, count: int) -> dict[str, dict[str, float]]:
    """The generator, there and back, and the ways beside it, mean over one direction to every target."""
    found: dict[str, list[dict[str, float]]] = {}
    for number, source in enumerate(held.names):
        target = held.names[(number + (4 % len(held.names) or 1)) % len(held.names)]

        def back(frames: Frames, semitones: float, source: str = source, target: str = target) -> np.ndarray:
            after, _ = translate(model, frames, target, source, transpose=-semitones, fit=False)
            return synthesise(after)

        found.setdefault("ours", []).append(measure(held, source, target, ours(model, source, target), count, back)[0])
        for name, way in beside(held, source, target, model).items():
            found.setdefault(name, []).append(measure(held, source, target, way, count)[0])
    return {
        name: {key: round(float(np.nanmean([row[key] for row in table])), 4) for key in MEASURES if key in table[0]}
        for name, table in found.items()
    }


def of_voices(held: Held, model: models.Model, count: int) -> dict[str, dict[str, float]]:
    """Sung lines on every target in turn: judged the target, pitch within 50 cents of the notes, how they are known."""
    out = {}
    for name, how in SUNG.items():
        near, judged, known, off = [], [], [], []
        for seed in range(count):
            random = np.random.default_rng((seed, 11))
            singer, (low, high) = anyone(random)
            sound, pitch = sing(line(low, high, random), singer, seed, **how)
            frames = analyse(sound)
            wanted = pitch[np.minimum(np.arange(len(frames)) * HOP, len(pitch) - 1)]
            both = frames.voiced & (wanted > 0)
            near.append(np.mean(np.abs(frames.midi - wanted)[both] < 0.5 + singer.vibrato))
            off.append(np.mean(np.abs(frames.midi - wanted)[both] > 6))
            if model.classifier:
                known.append(model.classifier.guess(frames)[0][0] == "voice")
            for target in held.names:
                after, _ = translate(model, calmed(frames), None, target)
                judged += held.judged(synthesise(after, len(sound)), target)
        out[name] = {"f0": near, "octaves": off, "judged": judged, "known": known}
    return {name: {key: round(float(np.mean(v)), 4) for key, v in row.items() if v} for name, row in out.items()}


def line_of(label: str, values: dict[str, float], keys: tuple[str, ...] = MEASURES) -> str:
    """A row of the printed table."""
    return f"{label:<34}" + "".join(f"{values[key]:>13.3f}" if key in values else f"{'':>13}" for key in keys)


def show(title: str, table: dict[str, dict[str, float]]) -> None:
    """Print a table's head and its rows."""
    keys = tuple(dict.fromkeys(key for row in table.values() for key in row))
    print(f"{title:<34}" + "".join(f"{key:>13.12}" for key in keys))
    for name, values in table.items():
        print(line_of(name, values, keys), flush=True)


def write_card(folder: Path, held: Held) -> None:
    """The verdict on a checkpoint's figures, into config.json; its picture, and its card."""
    spectrograms(models.load(folder, "cpu"), held, folder / "spectrograms.png")
    checkpoint.update(folder, verdict=verdict(checkpoint.read_config(folder)["metrics"]), pictures=["spectrograms.png"])
    cards.write(folder)


def run(args: argparse.Namespace) -> None:
    """Measure the generator in all directions, print the rows by target and by source; write figures and card."""
    model = models.load(args.checkpoint, "cpu")
    held = Held(args, model.config.instruments)
    notes = note_pitches(args.data)
    truth = {name: real(held, name, notes) for name in held.names}
    show("real held-out recordings", truth)
    directions, judged = every_direction(held, model, args.recordings)
    targets, sources = (rows(judged, truth, by) for by in (1, 0))
    for name, row in targets.items():
        bright = [found["brightness"] for way, found in directions.items() if way.endswith(f"-{name}")]
        row["brightness"] = round(float(np.mean(bright)), 1)
    wrong = {name: mistaken(held, name) for name in held.names}
    short = of_staccato(held, model)
    ways = other_ways(held, model, args.other)
    voices = of_voices(held, model, args.sung)
    for title, table in (("by target", targets), ("by source", sources), ("real taken for", wrong), ("staccato", short),
                         ("ways", ways), ("sung", voices)):  # fmt: skip
        show(title, table)
    measured = {"real": truth, "targets": targets, "sources": sources, "ways": ways, "sung": voices,
                "directions": directions, "mistaken": wrong, "staccato": short}  # fmt: skip
    checkpoint.update(args.checkpoint, metrics=measured)
    write_card(args.checkpoint, held)
