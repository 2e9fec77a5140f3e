"""A recording heard as frames, once; and what a person should know of how it can be translated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine import RequestError
from engine.core.audio import Audio, read_audio
from engine.core.request import File
from engine.translation.analysis import analyse
from engine.translation.frames import RATE, Frames
from engine.translation.transcription import GLIDING, POLYPHONIC, steady, tonal, unexplained

MIN_SECONDS = 0.1


@lru_cache(maxsize=2)
def heard(file: File) -> tuple[Audio, Frames]:
    """The sound in a file that a person brought, and what was measured of it; kept for the two brought last."""
    audio = read_audio(file.content, name=file.name)
    return audio, hear(audio)


def hear(audio: Audio) -> Frames:
    """The performance and timbre of a recording at any rate. Refused when it is too short, silent or has no pitch."""
    if audio.seconds < MIN_SECONDS:
        raise RequestError(f"The recording lasts {audio.seconds:.2f} seconds; at least {MIN_SECONDS} are needed.")
    if not np.isfinite(audio.samples).all():
        raise RequestError("The recording holds samples that are not numbers; export it again as WAV or FLAC.")
    if audio.silent:
        raise RequestError("The recording is silent: nothing in it is louder than -60 dB.")
    frames = analyse(audio.mono().resampled(RATE).samples)
    share = tonal(frames)
    if share < 0.15 or frames.voiced.sum() < 5:
        raise RequestError(
            f"Only {share:.0%} of the recording has a pitch: it sounds like noise or percussion, "
            "and there is no melody to carry over."
        )
    return frames


def remarks(audio: Audio, frames: Frames, octaves_moved: int, target: str) -> list[str]:
    """What a person should know about how a recording could be translated, one sentence each."""
    out = []
    if octaves_moved:
        way = "up" if octaves_moved > 0 else "down"
        count = f"{abs(octaves_moved)} octave{'s' if abs(octaves_moved) > 1 else ''}"
        out.append(f"The melody moved {way} {count} to lie in the range of the {target}.")
    clipped = float((np.abs(audio.samples) >= 0.999).mean())
    if clipped > 0.001:
        out.append(f"{clipped:.1%} of the recording is clipped; a softer recording would sound cleaner.")
    if tonal(frames) < 0.5:
        out.append(
            "Much of the recording has no clear pitch (speech, noise, chords); only what has one is carried over."
        )
    elif steady(frames) < GLIDING:
        out.append("The pitch hardly ever rests on a note (speech, or a long glide); it is carried over as it moves.")
    elif unexplained(frames) > POLYPHONIC:
        out.append("More than one note, or much breath, seems to sound at once; only one melody is followed.")
    return out
