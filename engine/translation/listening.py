"""A recording heard as frames, once; and what a person should know of how it can be translated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import welch

from engine import RequestError
from engine.core.audio import Audio, read_audio
from engine.core.request import File
from engine.translation.analysis import analyse, doubted
from engine.translation.frames import RATE, Frames
from engine.translation.transcription import GLIDING, POLYPHONIC, steady, tonal, unexplained

MIN_SECONDS = 0.1
UNSURE, DOUBTED = 0.05, 0.15
"""Shares of frames: above the one something is said, for an octave is in doubt; above the other several instruments may
play, for of 129 phrases of one 9 lie there, of 60 mixes of two or three 49."""
NARROW = 8_000.0  # Hz: what ends there was recorded at a telephone's rate, or not much more
TELEPHONE = (4_000.0, 4_200.0)  # Hz: where its band ends, and above which nothing is left of what came through it
NOTHING_DB = -75.0  # of the strongest partial; no instrument's recording is as soft above a telephone's band


@lru_cache(maxsize=2)
def heard(file: File) -> tuple[Audio, Frames, float]:
    """The sound in a file that a person brought, mono, what was measured of it, and the share of it that is clipped;
    kept for the two brought last."""
    audio = read_audio(file.content, name=file.name)
    cut = clipped(audio)  # before the channels' mean hides it
    audio = audio.mono()
    return audio, hear(audio), cut


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


def moved_remark(octaves: int, target: str, keep: bool = False) -> list[str]:
    """That a melody was moved by octaves, where it was."""
    if not octaves:
        return []
    count = f"{abs(octaves)} octaves" if abs(octaves) > 1 else "an octave"
    way = "up" if octaves > 0 else "down"
    where = f"into the range of the {target}" if keep else f"to where the {target} is usually played"
    return [f"The melody moved {way} {count} {where}."]


def ends_at(audio: Audio) -> float:
    """Hz above which a recording holds nothing: half its rate, or a telephone's band, at whatever rate it was saved.
    Of a long recording its first minute is heard."""
    samples = audio.mono().samples[: 60 * audio.rate]
    hz, power = welch(samples, audio.rate, nperseg=min(4096, len(samples)))
    above = power[hz > TELEPHONE[1]].max(initial=0.0)
    return min(audio.rate / 2, TELEPHONE[0] if above < power.max() * 10 ** (NOTHING_DB / 10) else np.inf)


def clipped(audio: Audio) -> float:
    """Share of samples that are cut off: full, or as far out as the outermost and as their neighbours."""
    count, outermost = 0, 0.98 * audio.peak
    for start in range(0, len(audio.samples), audio.rate):  # in parts, so that memory does not grow with the sound
        part = audio.samples[max(start - 1, 0) : start + audio.rate]
        size = np.abs(part)
        flat = size >= 0.999
        flat[1:] |= (part[1:] == part[:-1]) & (size[1:] >= outermost)
        count += int(flat[min(start, 1) :].sum())  # the sample before is only there to be compared with
    return count / audio.samples.size


def remarks(audio: Audio, frames: Frames, cut: float, voice: bool = False) -> list[str]:
    """What a person should know about how a recording could be translated, one sentence each.

    cut: share of it that is clipped.
    """
    out = []
    if cut > 0.001:
        out.append(f"{cut:.1%} of the recording is clipped; a softer recording would sound cleaner.")
    if (end := ends_at(audio)) <= NARROW:
        out.append(f"The recording ends at {end / 1000:g} kHz; what lies above is added as the instrument has it.")
    if tonal(frames) < 0.5 and not voice:
        out.append(
            "Much of the recording has no clear pitch (speech, noise, chords); only what has one is carried over."
        )
    elif steady(frames) < GLIDING and not voice:
        out.append("The pitch hardly ever rests on a note (speech, or a long glide); it is carried over as it moves.")
    elif unexplained(frames) > POLYPHONIC:
        out.append("More than one note, or much breath, seems to sound at once; only one melody is followed.")
    elif (share := doubted(audio, frames.f0_hz, frames.loudness_db)) > UNSURE:
        why = "several instruments may play at once, and only one melody is followed" if share > DOUBTED else \
            "a note there may come out an octave off"  # fmt: skip
        out.append(f"Two ways of following the pitch disagree in {share:.0%} of it: {why}.")
    return out
