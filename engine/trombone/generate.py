"""Trombone: a note of a pitch, a length and a dynamic, played by a SampleRNN sample by sample; a scale; a melody.

model = load()
generate(model, Request(note=58, seconds=2.0, dynamic="mf", seed=7))            one note: notes.py
generate(model, Request(input=file, articulation="legato", seed=7))              note after note: phrasing.py

python -m engine trombone --note Bb3 --seconds 2 --dynamic mf --seed 7 --out note.wav
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from engine import Progress
from engine.core.audio import Audio
from engine.core.pitch import note_name
from engine.core.result import Result
from engine.core.song import Note, Song, Track
from engine.trombone.conditions import DYNAMICS
from engine.trombone.model import Model
from engine.trombone.notes import NoteSpec, eight_bit, play
from engine.trombone.phrasing import PROGRAM, Line, melody, perform, read_song, scale, velocity_of
from engine.trombone.pitch import RATE, measured_cents
from engine.trombone.request import Request


def line_of(request: Request) -> Line | None:
    """The notes of a scale or of a melody; None for a single note. Refused when there is nothing to play."""
    dynamic = None if request.dynamic is None else float(DYNAMICS.index(request.dynamic))
    if request.input is not None:
        song = read_song(request.input, request.tune_number)
        return melody(song, dynamic=dynamic, tempo=request.tempo, track=request.track)
    if request.scale:
        assert request.note is not None
        return scale(request.note, request.seconds, DYNAMICS.index("mf") if dynamic is None else dynamic)
    return None


def spec_of(request: Request) -> NoteSpec:
    """The note of a request for one."""
    assert request.note is not None
    return NoteSpec(request.note, request.seconds, float(DYNAMICS.index(request.dynamic or "mf")))


def generate(
    model: Model, request: Request, *, progress: Progress | None = None, hear: Callable[[Audio], None] | None = None
) -> Result:
    """Mono sound at the rate asked for, and its notes. A note sounds as long as was asked and then rings.

    hear(audio): what is there of a long melody while the rest of it is played.
    """
    began = time.perf_counter()
    line = line_of(request)
    report: dict[str, Any]
    if line is not None:
        audio = perform(
            model, line, seed=request.seed, articulation=request.articulated, temperature=request.temperature,
            rate=request.rate, progress=progress, hear=hear,
        )  # fmt: skip
        song, remarks, report = line.song, line.remarks, {"notes": len(line.notes)}
    else:
        audio, song, report = _note(model, request, progress)
        remarks = ()
    spent = time.perf_counter() - began
    report |= {"length": round(audio.seconds, 3), "times_real_time": round(audio.seconds / spent, 2)}
    texts = {"8bit.wav": partial(eight_bit, audio)}
    if request.eight_bit:
        texts["wav"] = texts["8bit.wav"]
    return Result(
        request=request, song=song, audio=audio, texts=texts, weights=model.sha256, remarks=remarks, report=report
    )


def _note(model: Model, request: Request, progress: Progress | None) -> tuple[Audio, Song, dict[str, Any]]:
    """One note: its sound, itself as a song at 60 beats a minute, and what was measured."""
    assert request.note is not None
    spec = spec_of(request)
    [samples] = play(
        model, [spec], seed=request.seed, temperature=request.temperature, rate=request.rate, progress=progress
    )
    written = Note(0.0, request.seconds, request.note, velocity_of(spec.dynamic))
    song = Song((Track("trombone", PROGRAM, False, (written,)),), tempo=60.0)
    audio = Audio(samples, request.rate)
    cents = measured_cents(audio.resampled(RATE).samples, request.note)
    return audio, song, {
        "name": note_name(request.note), "cents": None if cents is None else round(cents, 1)
    }  # fmt: skip
