"""What a recording plays: its melody as notes, and whether more than one voice sounds.

Frames → notes, by pitch held, silence and re-attack
       → the share of sound that one pitch does not explain
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

from engine.core.instruments import INSTRUMENTS
from engine.core.song import Note, Song, Track
from engine.translation.frames import HOP, KNOTS, RATE, Frames
from engine.translation.profile import relative

TEMPO = 120.0
OTHER_PROGRAM = INSTRUMENTS["flute"].program  # writes the melody of an instrument of one's own
SHORTEST = 4  # frames (64 ms) of a note
HELD = 8  # frames (0.13 s) at one pitch that speech seldom has
GLIDING = 0.3  # share of steady frames under which speech is suspected
APART = 0.65  # semitones from a note's pitch that begin another
POLYPHONIC = 0.55  # share of unexplained frames from which more than one voice is suspected
ATTACK_DB = 6.0  # a rise of loudness within 4 frames that strikes the same pitch again


def notes(frames: Frames) -> list[tuple[int, int, int, float]]:
    """(first frame, frames, MIDI pitch, loudness dB) of every note heard."""
    level = relative(frames.loudness_db)
    heard = frames.voiced & (frames.loudness_db > frames.loudness_db.max(initial=-120.0) - 40) & (level > -30)
    pitch = median_filter(frames.midi, 5)
    rise = np.zeros(len(frames))
    rise[4:] = frames.loudness_db[4:] - frames.loudness_db[:-4]
    out: list[tuple[int, int, int, float]] = []
    start, held, astray = -1, 0.0, 0

    def close(end: int) -> None:
        if start >= 0 and end - start >= SHORTEST:
            middle = float(np.median(pitch[start:end]))
            out.append((start, end - start, round(middle), float(frames.loudness_db[start:end].max())))

    for t in range(len(frames)):
        if not heard[t]:
            close(t)
            start = -1
        elif start < 0:
            start, held, astray = t, pitch[t], 0
        else:
            held = float(np.median(pitch[max(start, t - 12) : t + 1 - min(astray, t - start)]))
            astray = astray + 1 if abs(pitch[t] - held) > APART else 0
            again = rise[t] > ATTACK_DB and rise[t] >= rise[max(0, t - 3) : t + 4].max() and t - start > 6
            if astray >= SHORTEST or again:
                at = t - astray + 1 if astray else t - 2
                close(at)
                start, held, astray = at, pitch[t], 0
    close(len(frames))
    return out


def melody(frames: Frames, instrument: str = "flute", transpose: int = 0) -> Song:
    """The melody as a song of one track at 120 beats a minute, for the MIDI program of an instrument."""
    beat = TEMPO / 60 * HOP / RATE
    heard = notes(frames)
    loudest = max((loud for *_, loud in heard), default=0.0)
    track = tuple(
        Note(
            first * beat,
            length * beat,
            int(np.clip(pitch + transpose, 0, 127)),
            int(np.clip(100 + 1.6 * (loud - loudest), 20, 110)),
        )
        for first, length, pitch, loud in heard
    )  # fmt: skip
    program = INSTRUMENTS[instrument].program if instrument in INSTRUMENTS else OTHER_PROGRAM
    return Song((Track(instrument, program, False, track),), tempo=TEMPO)


def tonal(frames: Frames) -> float:
    """Share of the audible frames that have a pitch, 0 to 1."""
    heard = frames.loudness_db > frames.loudness_db.max(initial=-120.0) - 30
    return float(frames.voiced[heard].mean()) if heard.any() else 0.0


def steady(frames: Frames) -> float:
    """Share of the pitched, audible frames that lie in notes which hold their pitch, 0 to 1: low for speech."""
    pitched = frames.voiced & (relative(frames.loudness_db) > -30)
    held = 0
    for first, length, *_ in notes(frames):
        midi = frames.midi[first : first + length]
        if length >= HELD and (np.abs(midi - np.median(midi)) < 0.5).mean() > 0.8:
            held += length
    return held / max(1, int(pitched.sum()))


def unexplained(frames: Frames) -> float:
    """Share of pitched, steady frames that one pitch does not explain, 0 to 1: high for chords and for breathy tones.

    Either a noise band holds a tenth of the power, as when another voice lies in it, or the fundamental is missing, as
    when the tracker found the common divisor of a chord.
    """
    level = relative(frames.loudness_db)
    steady = frames.voiced & (level > -12)
    steady[1:-1] &= frames.voiced[:-2] & frames.voiced[2:]
    if steady.sum() < 8:
        return 0.0
    timbre = frames.timbre[steady]
    missing = timbre[:, 0] < timbre[:, :12].max(1) - 35
    return float(((timbre[:, KNOTS:].max(1) > -10) | missing).mean())
