"""Translation: the same performance on another instrument, after CycleGAN (Zhu et al. 2017) with LSTMs.

    audio → Frames: f0, loudness, voicing (kept), timbre → transfer.py → timbre of the target → synthesis.py → audio

    model = load(request.checkpoint())
    generate(model, Request(input=file, source="flute", target="trombone"))

analysis.py measures the recording, profile.py knows each instrument's mean timbre, classifier.py which one it may be,
transcription.py the melody.

    python -m engine translation --input flute.wav --from flute --to trombone --out trombone.wav
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.fallback import or_on_cpu
from engine.core.pitch import cents
from engine.core.result import Result
from engine.translation.analysis import loudness, track_f0
from engine.translation.frames import RATE, Frames
from engine.translation.listening import heard, remarks
from engine.translation.model import Model, load
from engine.translation.request import AUTO, EVERYONE, Request, route
from engine.translation.transcription import melody

HEADROOM = 0.98  # the loudest sample that comes out

Guesses = tuple[tuple[str, float], ...]  # (instrument, belief), likeliest first


@dataclass(frozen=True, kw_only=True)
class Translation(Result):
    """A result with what was measured and what was played."""

    recording: Audio
    before: Frames
    after: Frames
    octaves: int  # the melody was moved by, to lie in the target's range
    guesses: Guesses = ()  # where the instrument was not said


def identify(model: Model, request: Request) -> tuple[Request, Guesses]:
    """The request with its instrument filled in, and the guesses: the target left out, as what is to become one is
    none. Refused when the model cannot tell instruments apart."""
    if model.classifier is None:
        raise RequestError(f"The weights {model.folder.name} cannot tell instruments apart; say which one it is.")
    _, frames = heard(request.input)
    guesses = tuple(pair for pair in model.classifier.guess(frames) if pair[0] != request.target)
    return replace(request, source=guesses[0][0]), guesses


def generate(model: Model, request: Request, *, progress: Progress | None = None) -> Translation:
    """The recording's performance on the target instrument: mono, 16 kHz, as long as what came in and as loud, made
    softer as a whole where it would clip. Where the instrument is guessed, the pair's own weights play it if there are.

    Refused when the recording has no melody, or the model no such way.
    """
    guesses: Guesses = ()
    if request.source == AUTO:
        request, guesses = identify(model, request)
        if (
            model.folder.resolve() == EVERYONE.resolve()
            and (folder := route(request.source, request.target)) != EVERYONE
        ):
            model = load(folder, str(model.device))
    result = _translated(model, request, progress)
    if not guesses:
        return result
    said = f"The instrument was taken for a {request.source}; say --from if it is another."
    report = {**result.report, "guess": {name: round(belief, 3) for name, belief in guesses[:3]}}
    return replace(result, guesses=guesses, remarks=(said, *result.remarks), report=report)


@or_on_cpu
def _translated(model: Model, request: Request, progress: Progress | None) -> Translation:
    from engine.translation.synthesis import synthesise  # here, because they bring numba and PyTorch
    from engine.translation.transfer import translate

    source, target = request.source, request.target
    model.generator(source, target)
    tell = progress or (lambda done, total: None)
    tell(0, 100)
    audio, before = heard(request.input)
    tell(40, 100)
    after, moved = translate(
        model, before, source, target, amount=request.amount, transpose=request.transpose,
        progress=lambda done, total: tell(40 + 30 * done // total, 100),
    )  # fmt: skip
    length = round(audio.seconds * RATE)
    samples = synthesise(after, length, request.seed, lambda done, total: tell(70 + 30 * done // total, 100))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > HEADROOM:
        samples *= HEADROOM / peak
    tell(100, 100)
    tune = melody(after, target)
    report: dict[str, Any] = {
        "weights": model.folder.name, "octaves": moved, "notes": len(tune.tracks[0].notes),
        "agreement": agreement(samples, after),
    }  # fmt: skip
    return Translation(
        request=request, song=tune, audio=Audio(samples, RATE), weights=model.sha256, recording=audio, before=before,
        after=after, octaves=moved, remarks=tuple(remarks(audio, before, moved, target)), report=report,
    )  # fmt: skip


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
