"""A performance with another instrument's timbre.

timbre [t, 80] dB ── whiten by the source's profile ──► generator ──► as lively as the target ──► colour ──► dB
f0 and loudness are kept, but for octaves moved to where the target is played

A voice, or whatever else is none of the instruments, is whitened by a profile of its own, of this recording alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from engine import Progress, RequestError
from engine.translation.frames import KNOTS, Frames, pieces
from engine.translation.model import Model
from engine.translation.network import State, controls, slow_part
from engine.translation.profile import LOUD, SILENT, Profile, fit, movement, relative

ROOM = 1.0  # spreads: what lies further than this from the source's profile all along is the room's or the line's
LIVELY = (0.3, 1.5)  # of what moves within half a second: as much is left at least, and at most


def shifted(f0_hz: np.ndarray, semitones: float) -> np.ndarray:
    """Fundamentals moved by semitones; 0 stays unvoiced."""
    return f0_hz * 2 ** (semitones / 12)


def fitting(frames: Frames, target: Profile, transpose: float = 0.0, usual: bool = True) -> int:
    """Octaves to move a performance to where the target is played: one shift for all of it."""
    return target.octaves(frames.midi[frames.voiced] + transpose, usual)


def own_profile(frames: Frames) -> Profile:
    """The profile of what is played or sung in a recording. Refused where no note is heard."""
    level, voiced = relative(frames.loudness_db), frames.voiced
    if not (voiced & (level > LOUD)).any():
        raise RequestError("No note is heard in the recording that could be sung by a voice.")
    return fit(frames.timbre, frames.midi, level, voiced)


def whitened(frames: Frames, own: Profile | None) -> np.ndarray:
    """Frames in spreads from the source's profile, float32 [t, 80]; None: from the recording's own, without its breath.

    A line that ends at 4 kHz, or a room that swallows low notes, is no part of how an instrument plays. Refused where
    a recording's own profile is wanted and no note is heard.
    """
    midi, level, voiced = frames.midi, relative(frames.loudness_db), frames.voiced
    if own is None:
        white = own_profile(frames).whiten(frames.timbre, midi, level, voiced)
        white[:, KNOTS:] = 0
        return white
    heard = voiced & (level > SILENT)
    if not heard.any():
        return own.whiten(frames.timbre, midi, level, voiced)
    mean, spread = own.at(midi, level, voiced)
    usual = ((frames.timbre - mean) / spread)[heard].mean(0)
    room = usual - np.clip(usual, -ROOM, ROOM)
    return own.whiten(frames.timbre - room * spread, midi, level, voiced)


@torch.no_grad()
def translate(
    model: Model,
    frames: Frames,
    source: str | None,
    target: str,
    *,
    amount: float = 1.0,
    transpose: float = 0.0,
    fit: bool = True,
    usual: bool = True,
    trained: bool = True,
    progress: Progress | None = None,
) -> tuple[Frames, int]:
    """The same performance with the target's timbre, and the octaves it was moved to lie where the target is played.

    frames: of any length; the LSTM's state is carried over chunks of 1,024. source: None for a voice. amount: 0 the
    source's own timbre, 1 the target's. transpose: semitones, before the octaves are chosen. fit: whether octaves are
    moved at all; usual: also where the target could reach them. trained=False is the untrained swap of profiles.
    """
    condition = model.condition(source, target)
    other = model.profiles[target]
    shift = fitting(frames, other, transpose, usual) if fit else 0
    level, voiced = relative(frames.loudness_db), frames.voiced
    sounding = frames.midi + 12 * shift + transpose
    white = whitened(frames, None if source is None else model.profiles[source])
    slow = slow_part(torch.from_numpy(white)[None], torch.from_numpy(level > SILENT)[None])[0]
    fast = torch.from_numpy(white) - slow
    out = fast.numpy()
    if trained:
        given = controls(*(torch.from_numpy(np.asarray(x, np.float32)) for x in
                           (sounding, np.full(len(frames), shift + transpose / 12), level, voiced)))  # fmt: skip
        out = _generated(model, slow, fast, torch.cat([given, condition.expand(len(frames), -1)], dim=-1), progress)
    del white, slow, fast  # of a long recording as much memory as what follows needs
    timbre = other.colour(lively(out, other, level, voiced), sounding, level, voiced)
    timbre *= np.float32(amount)
    timbre += np.float32(1 - amount) * frames.timbre
    return replace(frames, f0_hz=shifted(frames.f0_hz, 12 * shift + transpose), timbre=timbre), shift


def lively(white: np.ndarray, target: Profile, level: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Whitened timbre [t, 80] with what moves within half a second made as large as it is in the target's recordings:
    a bow's flutter is too much for a clarinet's even harmonics, which lie far apart from one recording to another."""
    gain = target.change / np.maximum(movement(white, level, voiced), 1e-3)
    slow = slow_part(torch.from_numpy(white)[None], torch.from_numpy(level > SILENT)[None])[0].numpy()
    return np.asarray(slow + np.clip(gain, *LIVELY) * (white - slow), np.float32)


def _generated(model: Model, slow: torch.Tensor, fast: torch.Tensor, given: torch.Tensor, progress: Progress | None
               ) -> np.ndarray:  # fmt: skip
    """The target's whitened timbre, float32 [t, 80], a chunk after the other."""
    out = np.empty(slow.shape, np.float32)
    state: State | None = None
    for part in pieces(len(out)):
        if progress:
            progress(part.start, len(out))
        made, state = model.generator(*(x[None, part].to(model.device) for x in (slow, fast, given)), state)
        out[part] = made[0].float().cpu().numpy()
    return out


def blended(one: Frames, other: Frames, share: float) -> Frames:
    """Two timbres of one performance, mixed in dB: share 0 is the first, 1 the second."""
    return replace(one, timbre=((1 - share) * one.timbre + share * other.timbre).astype(np.float32))
