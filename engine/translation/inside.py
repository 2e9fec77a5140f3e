"""Inside Translation: what two instruments sound like on average, what is left between them, and the way back.

    look = inside.look(model, result, start=0.0)      ten seconds of a result

A frame's timbre is whitened by the source's profile, translated, and coloured by the target's; pitch and loudness are
carried over. On the way back the result is translated to the source again: what comes back is how much was kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.translation.frames import HOP, KNOTS, RATE, SILENCE_DB, Frames
from engine.translation.generate import Translation
from engine.translation.model import Model
from engine.translation.profile import SILENT, Profile, even, relative
from engine.translation.request import VOICE, Request
from engine.translation.transfer import own_profile, translate, whitened
from engine.translation.voice import calmed

SECONDS = 10.0  # that are looked at


@dataclass(frozen=True)
class Look:
    """Some seconds of a translation; t frames of 16 ms, of which n are heard and have a pitch."""

    before: Frames
    after: Frames
    source: np.ndarray  # float32 [48] dB: the mean of the source's profile where it was played
    target: np.ndarray  # float32 [48] dB: the target's, where it is played now
    heard: np.ndarray  # bool [t]
    white: np.ndarray  # float32 [t, 48]: how far each harmonic is from the source's profile, in spreads
    back: Frames | None  # translated to the source again; None where the source is a voice

    def mean(self, frames: Frames) -> np.ndarray:
        """The mean timbre of the frames that are heard, dB, float32 [48]."""
        return _mean(frames.timbre, self.heard)

    def apart(self, frames: Frames) -> np.ndarray:
        """How far frames are from the recording, dB, a mean for each of the 48 knots of harmonics."""
        return np.asarray(np.abs(frames.timbre - self.before.timbre)[self.heard, :KNOTS].mean(0))


def _mean(timbre: np.ndarray, heard: np.ndarray) -> np.ndarray:
    return np.asarray(timbre[heard, :KNOTS].mean(0), np.float32)


def _usual(profile: Profile, frames: Frames, heard: np.ndarray) -> np.ndarray:
    """The mean of a profile at the pitches and levels of the frames that are heard, as the synthesis is given it."""
    mean, _ = profile.at(frames.midi, relative(frames.loudness_db), frames.voiced)
    return _mean(mean, heard)


def look(model: Model, result: Translation, start: float = 0.0) -> Look | None:
    """Ten seconds from `start` on, of its first target; None where nothing with a pitch is heard in them."""
    request = result.request
    assert isinstance(request, Request)
    first = round(start * RATE / HOP)
    part = slice(first, first + round(SECONDS * RATE / HOP))
    source = None if request.source == VOICE else request.source
    whole = even(calmed(result.before) if source is None else result.before, request.dynamics)
    before, played, after = (frames[part] for frames in (result.before, whole, result.after))
    heard = played.voiced & (relative(played.loudness_db) > SILENT) & (played.loudness_db > SILENCE_DB)
    if not heard.any():
        return None
    own = own_profile(whole) if source is None else model.profiles[source]
    white = whitened(played, None if source is None else own)[:, :KNOTS]
    back = None
    if source is not None:  # no way leads to a voice
        moved = -(request.transpose + 12 * result.octaves)
        back, _ = translate(model, after, request.target, source, transpose=moved, fit=False)
    return Look(before, after, _usual(own, played, heard), _usual(model.profiles[request.target], after, heard), heard,
                white, back)  # fmt: skip
