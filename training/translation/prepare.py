"""Translation's data: recordings of an instrument as frames, its profile, and sequences of 160 frames that hold music.

    prepare(folder of recordings) → INSTRUMENT.npz      timbre float16 [n, 80], f0_hz, loudness_db float32 [n], and of
                                                        every file its name, kind, split and first frame

The two instruments of a pair never play the same notes: data is unpaired by construction. Sequences are joined from
notes and pieces of phrases, with gaps and slurs, along a random walk of pitches; the two sides of a batch walk together
(octaves apart where their ranges differ), so that what tells them apart is their timbre and not their music.

    python -m training prepare translation --data data/audio
    python -m training prepare translation --a my/oboe --b my/viola          (any two folders of recordings)
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core import instruments
from engine.core.audio import read_audio
from engine.translation.analysis import analyse
from engine.translation.frames import RATE, TIMBRE, Frames, filled_midi
from engine.translation.profile import Profile, fit, relative
from engine.translation.request import VOICE
from training.core.data import split_of
from training.core.options import add_common
from training.translation.sung import anyone, line, sing

INSTRUMENTS = tuple(instruments.INSTRUMENTS)
SEQUENCE = 160  # frames
LEFT_OUT = ("pizz", "snap")  # articulations that are not a held tone
SOUNDS = (".flac", ".wav", ".ogg", ".mp3")


@dataclass(frozen=True)
class Recording:
    name: str
    kind: str  # note or phrase
    split: str
    frames: Frames


def recordings(
    folder: Path, skipped: list[str], most: int | None = None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """(name, kind, samples at 44.1 kHz) of every recording under a folder, of notes `most` where that is said; a
    manifest.csv beside it tells notes."""
    kinds = {}
    manifest = folder.parent / "manifest.csv"
    if manifest.is_file():
        with open(manifest, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                kinds[Path(row["file"]).name] = (row["kind"], row["articulation"])
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUNDS)
    paths = [p for p in paths if not any(word in kinds.get(p.name, ("", ""))[1] for word in LEFT_OUT)]
    notes = [p for p in paths if kinds.get(p.name, ("phrase",))[0] == "note"]
    if most is not None and len(notes) > most:
        chosen = {notes[i * len(notes) // most] for i in range(most)}
        paths = [p for p in paths if p in chosen or p not in notes]
    for path in paths:
        kind, _ = kinds.get(path.name, ("phrase", ""))
        try:
            yield path.stem, kind, read_audio(path).mono().resampled(RATE).samples
        except RequestError as refusal:
            skipped.append(str(refusal))


def prepare(folder: Path, out: Path, progress: bool = True, most: int | None = None) -> list[str]:
    """Analyse all recordings under `folder` into the array file `out`; returns what was skipped, a sentence each.

    most: of its single notes, spread evenly over their names; of phrases all.
    """
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder of recordings; README.md says where the data comes from.")
    skipped: list[str] = []
    parts, names, kinds = [], [], []
    for name, kind, samples in recordings(folder, skipped, most):
        frames = analyse(samples)
        if frames.voiced.sum() < 8:
            skipped.append(f"{name} holds no pitch that can be tracked.")
            continue
        parts.append(frames)
        names.append(name)
        kinds.append(kind)
        if progress and len(parts) % 100 == 0:
            print(f"{folder.name}: {len(parts)} recordings", flush=True)
    if not parts:
        raise RequestError(f"{folder} holds no recordings (WAV, FLAC, OGG or MP3) with a pitch.")
    write(out, parts, names, kinds)
    return skipped


def write(out: Path, parts: list[Frames], names: list[str], kinds: list[str]) -> None:
    """Write recordings' frames into one array file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        out,
        timbre=np.concatenate([part.timbre for part in parts]).astype(np.float16),
        f0_hz=np.concatenate([part.f0_hz for part in parts]).astype(np.float32),
        loudness_db=np.concatenate([part.loudness_db for part in parts]).astype(np.float32),
        offsets=np.cumsum([0, *map(len, parts)]),
        name=np.array(names),
        kind=np.array(kinds),
        split=np.array([split_of(name) for name in names]),
    )


def load(path: Path) -> list[Recording]:
    """The recordings of a prepared file."""
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    offsets = arrays["offsets"]
    out = []
    for i, name in enumerate(arrays["name"]):
        part = slice(offsets[i], offsets[i + 1])
        frames = Frames(
            arrays["f0_hz"][part].astype(np.float64),
            arrays["loudness_db"][part].astype(np.float64),
            arrays["timbre"][part].astype(np.float32),
        )
        out.append(Recording(str(name), str(arrays["kind"][i]), str(arrays["split"][i]), frames))
    return out


@dataclass(frozen=True)
class Voice:
    """An instrument's frames, whitened by its profile, and the pieces sequences are joined from."""

    profile: Profile
    timbre: np.ndarray  # float32 [n, 80], whitened
    midi: np.ndarray  # float32 [n]
    relative: np.ndarray  # float32 [n], dB below the loudest nearby
    voiced: np.ndarray  # bool [n]
    pieces: dict[int, list[tuple[int, int]]]  # rounded pitch → (first frame, frames)

    def near(self, pitch: float, random: np.random.Generator) -> tuple[int, int]:
        """A piece at this pitch, or at the nearest pitch there is."""
        near = min(self.pieces, key=lambda p: (abs(p - pitch), p))
        choice = self.pieces[near]
        return choice[random.integers(len(choice))]


def voice(recordings: list[Recording], profile: Profile, splits: tuple[str, ...] = ("train",)) -> Voice:
    """Whiten the recordings of these splits and cut them into pieces of 12 to 96 frames at nearly one pitch."""
    timbre, midi, level, voiced = [], [], [], []
    pieces: dict[int, list[tuple[int, int]]] = {}
    start = 0
    for recording in recordings:
        if recording.split not in splits:
            continue
        frames = recording.frames
        pitch, rel = frames.midi, relative(frames.loudness_db)
        timbre.append(profile.whiten(frames.timbre, pitch, rel, frames.voiced))
        midi.append(pitch)
        level.append(rel)
        voiced.append(frames.voiced)
        size = 96 if recording.kind == "note" else 48
        for first in range(0, max(1, len(frames) - 11), size):
            length = min(size, len(frames) - first)
            inside = frames.f0_hz[first : first + length]
            if length >= 12 and (inside > 0).mean() > 0.5:
                middle = round(float(np.median(filled_midi(inside))))
                pieces.setdefault(middle, []).append((start + first, length))
        start += len(frames)
    return Voice(
        profile,
        np.concatenate(timbre).astype(np.float32),
        np.concatenate(midi).astype(np.float32),
        np.concatenate(level).astype(np.float32),
        np.concatenate(voiced),
        pieces,
    )


@dataclass(frozen=True)
class Batch:
    """Sequences of one side: what the generator and the discriminator see."""

    timbre: np.ndarray  # float32 [b, 160, 80], whitened
    midi: np.ndarray  # float32 [b, 160]
    relative: np.ndarray  # float32 [b, 160]
    voiced: np.ndarray  # float32 [b, 160]
    shift: np.ndarray  # float32 [b]: octaves to the other side's range


def walk(low: float, high: float, length: int, random: np.random.Generator) -> np.ndarray:
    """A melody: a random walk of pitches that turns back at the ends of a range, float [length]."""
    out = np.empty(length)
    at = random.uniform(low, high)
    for i in range(length):
        out[i] = at
        step = random.choice([-12, -7, -5, -4, -3, -2, -2, -1, -1, 0, 1, 1, 2, 2, 3, 4, 5, 7, 12])
        at = at + step if low <= at + step <= high else at - step
        at = min(max(at, low), high)
    return out


def sequence(voice: Voice, contour: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """160 frames along a contour: timbre [160, 80], midi, relative, voiced [160]. Half the joins are slurs."""
    timbre = np.zeros((SEQUENCE, TIMBRE), np.float32)
    midi = np.full(SEQUENCE, float(contour[0]), np.float32)
    level = np.full(SEQUENCE, -50.0, np.float32)
    voiced = np.zeros(SEQUENCE, np.float32)
    at = int(random.integers(0, 6))
    for pitch in contour:
        first, length = voice.near(pitch, random)
        slur = random.random() < 0.5
        if slur and length > 20:  # cut the release; sometimes the attack
            length -= int(random.integers(4, length // 2))
            skip = int(random.integers(0, 6)) if random.random() < 0.5 else 0
            first, length = first + skip, length - skip
        length = min(length, SEQUENCE - at)
        if length <= 0:
            break
        into, out_of = slice(at, at + length), slice(first, first + length)
        fade = 3 if slur and at > 3 and length > 8 and voiced[at - 1] else 0
        before = timbre[at - 1].copy() if fade else None
        timbre[into], midi[into] = voice.timbre[out_of], voice.midi[out_of]
        level[into], voiced[into] = voice.relative[out_of], voice.voiced[out_of]
        for i in range(fade):
            mix = (i + 1) / (fade + 1)
            timbre[at + i] = mix * timbre[at + i] + (1 - mix) * before
        at += length
        if not slur:
            gap = int(random.integers(1, 20))
            midi[at : at + gap] = midi[at - 1]
            at += gap
        if at >= SEQUENCE:
            break
    else:
        midi[at:] = midi[at - 1]
    timbre[level <= -40] = 0
    return timbre, midi, level, voiced


def batches(a: Voice, b: Voice, size: int, random: np.random.Generator) -> tuple[Batch, Batch]:
    """A batch of each side, sequence by sequence along the same contour, octaves apart where ranges ask for it."""
    sides: tuple[list, list] = ([], [])
    shifts = []
    for i in range(size):
        first, second = (a, b) if i % 2 else (b, a)
        contour = walk(*first.profile.range, 40, random)
        shift = second.profile.octaves(contour)
        for which, pitches in ((first, contour), (second, contour + 12 * shift)):
            sides[0 if which is a else 1].append(sequence(which, pitches, random))
        shifts.append(shift if first is a else -shift)
    shift = np.array(shifts, np.float32)
    left, right = (Batch(*(np.stack(column).astype(np.float32) for column in zip(*side)), sign * shift)
                   for side, sign in zip(sides, (1, -1)))  # fmt: skip
    return left, right


def profile_of(recordings: list[Recording]) -> Profile:
    """The profile of an instrument's training recordings."""
    columns = [
        (r.frames.timbre, r.frames.midi, relative(r.frames.loudness_db), r.frames.voiced)
        for r in recordings
        if r.split == "train"
    ]
    return fit(*(np.concatenate(column) for column in zip(*columns)))


def prepare_voice(out: Path, lines: int = 40) -> None:
    """Sung lines as recordings of one more instrument, by which a voice is known; no generator learns from them."""
    parts = []
    for seed in range(lines):
        random = np.random.default_rng((seed, 3))
        singer, (low, high) = anyone(random)
        snr_db = float(random.uniform(12, 40)) if seed % 2 else None
        samples, _ = sing(line(low, high, random), singer, seed, snr_db=snr_db, phone=seed % 6 == 0)
        parts.append(analyse(samples))
    write(out, parts, [f"sung-{seed}" for seed in range(lines)], ["phrase"] * lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the recordings are, a subfolder an instrument, and where the frames go."""
    add_common(parser, data=Path("data/audio"), prepared=Path("prepared/translation"))
    parser.add_argument("--instrument", action="append", help="only this subfolder; may be repeated")
    parser.add_argument("--notes", type=int, help="at most so many single notes of each instrument, and all phrases")
    parser.add_argument("--a", type=Path, help="a folder of recordings of one instrument, instead of --data")
    parser.add_argument("--b", type=Path, help="a folder of recordings of the other")


def run(args: argparse.Namespace) -> None:
    """Analyse the recordings of each instrument."""
    if bool(args.a) != bool(args.b):
        raise RequestError("--a and --b are wanted together: two folders of recordings.")
    folders = [args.a, args.b] if args.a else [args.data / name for name in args.instrument or INSTRUMENTS]
    for folder in folders:
        skipped = prepare(folder, args.prepared / f"{folder.resolve().name}.npz", most=args.notes)
        print(f"{folder.resolve().name}: done; {len(skipped)} skipped", *skipped, sep="\n  ", flush=True)
    if not args.a:
        prepare_voice(args.prepared / f"{VOICE}.npz")
