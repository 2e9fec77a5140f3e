"""Translation: the same performance on another instrument, after CycleGAN (Zhu et al. 2017) with LSTMs.

    audio → Frames: f0, loudness, voicing (kept), timbre → transfer.py → timbre of the target → synthesis.py → audio

    model = load(request.checkpoint())
    generate(model, Request(input=file, source="flute", target="trombone"))

analysis.py measures the recording, profile.py knows each instrument's mean timbre, classifier.py which one it may be,
voice.py calms what is sung, transcription.py knows the melody.

    python -m engine translation --input flute.wav --from flute --to trombone --out trombone.wav
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.fallback import or_on_cpu
from engine.core.formats import write_stems
from engine.core.pitch import cents
from engine.core.result import Result, Text
from engine.core.song import Song
from engine.translation.analysis import loudness, track_f0
from engine.translation.frames import RATE, Frames
from engine.translation.listening import ends_at, heard, moved_remark, remarks
from engine.translation.model import Model
from engine.translation.profile import even
from engine.translation.request import AUTO, VOICE, Request
from engine.translation.transcription import melody
from engine.translation.voice import calmed

HEADROOM = 0.98  # the loudest sample that comes out

Guesses = tuple[tuple[str, float], ...]  # (instrument, belief), likeliest first


@dataclass(frozen=True, kw_only=True)
class Translation(Result):
    """A result with what was measured and what was played."""

    recording: Audio  # mono
    before: Frames
    after: Frames
    octaves: int  # the melody was moved by, to lie where the target is played
    guesses: Guesses = ()  # where the instrument was not said


def identify(model: Model, request: Request) -> tuple[Request, Guesses]:
    """The request with its instrument filled in, and the guesses: the targets left out, as what is to become one is
    none. Refused when the model cannot tell instruments apart, or none is left."""
    if model.classifier is None:
        raise RequestError(f"The weights {model.folder.name} cannot tell instruments apart; say which one it is.")
    audio, frames, _ = heard(request.input)
    wanted = (*request.targets, request.second)
    guesses = tuple(pair for pair in model.classifier.guess(frames, ends_at(audio)) if pair[0] not in wanted)
    if not guesses:
        raise RequestError("Every instrument that is known is asked for; say with --from which one it is.")
    return replace(request, source=guesses[0][0]), guesses


def generate(model: Model, request: Request, *, progress: Progress | None = None) -> Translation:
    """The recording's performance on the target instrument: mono, 44.1 kHz, as long as what came in and as loud, made
    softer as a whole where it would clip. Of several targets it is the sum, and each is a stem of a zip.

    Refused when the recording has no melody, or the model no such way.
    """
    guesses: Guesses = ()
    if request.source == AUTO:
        request, guesses = identify(model, request)
    result = _translated(model, request, progress)
    if not guesses:
        return result
    said = f"The instrument was taken for a {request.source}; say --from if it is another."
    report = {**result.report, "guess": {name: round(belief, 3) for name, belief in guesses[:3]}}
    return replace(result, guesses=guesses, remarks=(said, *result.remarks), report=report)


@or_on_cpu
def _translated(model: Model, request: Request, progress: Progress | None) -> Translation:
    source, targets = None if request.source == VOICE else request.source, request.targets
    for target in targets:
        model.condition(source, target)
    tell = progress or (lambda done, total: None)
    tell(0, 100)
    audio, before, cut = heard(request.input)
    tell(40, 100)
    played = even(calmed(before) if source is None else before, request.dynamics)
    length = round(audio.seconds * RATE)
    stems, every = [], []
    for number, target in enumerate(targets):
        at, share = 40 + 60 * number / len(targets), 60 / len(targets)

        def told(done: float, at: float = at, share: float = share) -> None:
            tell(round(at + share * done), 100)

        stem, after, moved = _on(model, request, played, source, target, length, told)
        stems.append((target, stem))
        every.append((after, moved))
    samples: np.ndarray = sum((stem for _, stem in stems[1:]), stems[0][1])
    scale = min(1.0, HEADROOM / max(Audio(samples, RATE).peak, 1e-9))
    tell(100, 100)
    (after, moved), *_ = every
    tunes = [melody(each, target) for (each, _), target in zip(every, targets)]
    texts: dict[str, Text] = {"stems.zip": partial(_zipped, stems)}
    report: dict[str, Any] = {
        "weights": model.folder.name, "octaves": moved, "notes": len(tunes[0].tracks[0].notes),
        "agreement": agreement(stems[0][1], after),
    }  # fmt: skip
    for sound in (samples, *(stem for _, stem in stems if stem is not samples)):
        sound *= np.float32(scale)  # where it stands: one stem is the whole sound, and no second copy of it
    song = Song(tuple(track for tune in tunes for track in tune.tracks), tempo=tunes[0].tempo)
    said = [line for (_, by), target in zip(every, targets) for line in moved_remark(by, target, request.keep_octave)]
    return Translation(
        request=request, song=song, audio=Audio(samples, RATE), texts=texts, weights=model.sha256,
        recording=audio, before=before, after=after, octaves=moved,
        remarks=(*said, *remarks(audio, before, cut, request.source == VOICE)), report=report,
    )  # fmt: skip


def _zipped(stems: Sequence[tuple[str, np.ndarray]]) -> bytes:
    return write_stems([(name, Audio(stem, RATE)) for name, stem in stems])


def _on(model: Model, request: Request, played: Frames, source: str | None, target: str, length: int,
        tell: Callable[[float], None]) -> tuple[np.ndarray, Frames, int]:  # fmt: skip
    """(samples, frames, octaves moved) of a performance on one target; the first of them blended with the second."""
    from engine.translation.synthesis import synthesise  # here, because they bring numba and PyTorch
    from engine.translation.transfer import blended, translate

    after, moved = translate(
        model, played, source, target, amount=request.amount, transpose=request.transpose,
        usual=not request.keep_octave, progress=lambda done, total: tell(0.5 * done / total),
    )  # fmt: skip
    if request.second and target == request.target:
        other, _ = translate(model, played, source, request.second, amount=request.amount,
                             transpose=request.transpose + 12 * moved, fit=False)  # fmt: skip
        after = blended(after, other, request.blend)
    samples = synthesise(after, length, request.seed, lambda done, total: tell(0.5 + 0.5 * done / total))
    return samples, after, moved


def agreement(samples: np.ndarray, asked: Frames) -> dict[str, float]:
    """What was asked of the synthesis beside what is heard: f0 within 50 cents (share), loudness (correlation)."""
    f0_hz, level = track_f0(samples), loudness(samples)
    n = min(len(f0_hz), len(asked))
    audible = asked.loudness_db[:n] > asked.loudness_db.max() - 40
    both = audible & (f0_hz[:n] > 0) & (asked.f0_hz[:n] > 0)
    if both.sum() < 2 or level[:n][audible].std() < 1e-6 or asked.loudness_db[:n][audible].std() < 1e-6:
        return {}
    together = np.corrcoef(level[:n][audible], asked.loudness_db[:n][audible])[0, 1]
    near = np.abs(cents(f0_hz[:n][both], asked.f0_hz[:n][both])) < 50
    return {"f0": round(float(near.mean()), 4), "loudness": round(float(together), 4)}
