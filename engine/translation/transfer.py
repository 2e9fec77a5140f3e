"""A performance with another instrument's timbre.

timbre [t, 64] dB ── whiten by the source's profile ──► generator ──► colour by the target's profile ──► dB
f0 and loudness are kept, but for octaves moved into the target's range
"""

from __future__ import annotations

import numpy as np
import torch

from engine import Progress
from engine.translation.frames import Frames, pieces
from engine.translation.model import Model
from engine.translation.network import State, controls, slow_part
from engine.translation.profile import Profile, relative


def shifted(f0_hz: np.ndarray, semitones: float) -> np.ndarray:
    """Fundamentals moved by semitones; 0 stays unvoiced."""
    return f0_hz * 2 ** (semitones / 12)


def fitting(frames: Frames, target: Profile, transpose: float = 0.0) -> int:
    """Octaves to move a performance so that it lies in the target's range: one shift for all of it."""
    return target.octaves(frames.midi[frames.voiced] + transpose)


@torch.no_grad()
def translate(
    model: Model,
    frames: Frames,
    source: str,
    target: str,
    *,
    amount: float = 1.0,
    transpose: float = 0.0,
    fit: bool = True,
    trained: bool = True,
    progress: Progress | None = None,
) -> tuple[Frames, int]:
    """The same performance with the target's timbre, and the octaves it was moved to lie in the target's range.

    frames: of any length; the LSTM's state is carried over chunks of 1,024. amount: 0 the source's own timbre, 1 the
    target's. transpose: semitones, before the octaves are chosen. trained=False is the untrained swap of profiles.
    """
    generator, onehot = model.generator(source, target)
    own, other = model.profiles[source], model.profiles[target]
    shift = fitting(frames, other, transpose) if fit else 0
    level, midi, voiced = relative(frames.loudness_db), frames.midi, frames.voiced
    sounding = midi + 12 * shift + transpose
    white = own.whiten(frames.timbre, midi, level, voiced)
    out = np.empty_like(white)
    slow = slow_part(torch.from_numpy(white)[None], torch.from_numpy(level > -40)[None])[0]
    fast = torch.from_numpy(white) - slow
    given = controls(*(torch.from_numpy(np.asarray(x, np.float32)) for x in
                       (sounding, np.full(len(frames), shift + transpose / 12), level, voiced)))  # fmt: skip
    given = torch.cat([given, onehot.expand(len(frames), -1)], dim=-1)
    state: State | None = None
    for part in pieces(len(frames)):
        if progress:
            progress(part.start, len(frames))
        if trained:
            parts = (x[None, part].to(model.device) for x in (slow, fast, given))
            made, state = generator(*parts, state)
            out[part] = made[0].float().cpu().numpy()
        else:
            out[part] = fast[part].numpy()
    timbre = other.colour(out, sounding, level, voiced)
    timbre = amount * timbre + (1 - amount) * frames.timbre
    f0_hz = shifted(frames.f0_hz, 12 * shift + transpose)
    return Frames(f0_hz, frames.loudness_db, timbre.astype(np.float32)), shift
