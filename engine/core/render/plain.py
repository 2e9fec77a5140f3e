"""A plain additive synthesiser in numpy: what plays where FluidSynth is missing. Recognisable, not beautiful."""

from __future__ import annotations

import numpy as np

from engine.core.pitch import midi_hz
from engine.core.song import Clock, Track

# By family of eight General MIDI programs: amplitudes of the harmonics, attack and decay (seconds to fall to 1/e;
# 0 sustains), as heard in the instruments: plucked and struck ones decay, blown and bowed ones hold.
VOICES: dict[str, tuple[tuple[float, ...], float, float]] = {
    "struck": ((1.0, 0.5, 0.3, 0.2, 0.12, 0.08), 0.004, 0.9),
    "organ": ((1.0, 0.8, 0.5, 0.4, 0.1, 0.2), 0.01, 0.0),
    "plucked": ((1.0, 0.6, 0.45, 0.25, 0.2, 0.1), 0.003, 0.6),
    "bass": ((1.0, 0.55, 0.2, 0.08), 0.006, 0.8),
    "bowed": ((1.0, 0.6, 0.5, 0.35, 0.25, 0.2, 0.1), 0.06, 0.0),
    "blown": ((1.0, 0.8, 0.7, 0.45, 0.3, 0.15), 0.03, 0.0),
}
FAMILIES = (
    *("struck", "struck", "organ", "plucked", "bass", "bowed", "bowed", "blown"),
    *("blown", "blown", "blown", "bowed", "organ", "plucked", "struck", "blown"),
)
RELEASE = 0.08  # seconds
LEVEL = 0.12  # of one note at full velocity
DRUMS = {  # General MIDI key → (pitch in Hz or 0, seconds of decay, share of noise)
    35: (55, 0.18, 0.05),
    36: (55, 0.18, 0.05),
    38: (185, 0.12, 0.7),
    40: (185, 0.12, 0.7),
    42: (0, 0.04, 1.0),
    44: (0, 0.05, 1.0),
    46: (0, 0.25, 1.0),
    49: (0, 0.9, 1.0),
    51: (0, 0.5, 1.0),
    57: (0, 0.9, 1.0),
}


def render_track(track: Track, clock: Clock, frames: int, rate: int) -> np.ndarray:
    """One track's sound, float32 [frames, 2], both channels alike; `clock` turns beats into frames. Same track, same
    samples."""
    out = np.zeros(frames, np.float32)
    noise = np.random.default_rng(0).standard_normal(rate).astype(np.float32)
    for note in track.notes:
        start = round(clock(note.onset))
        if start >= frames:
            continue
        sound = (
            _drum(note.pitch, noise, rate)
            if track.is_drum
            else _tone(note.pitch, (clock(note.end) - clock(note.onset)) / rate, track.program, rate)
        )
        sound = sound[: frames - start]
        out[start : start + len(sound)] += LEVEL * (note.velocity / 127.0) ** 2 * sound
    return np.stack([out, out], axis=1)


def placed(sound: np.ndarray, volume: int, pan: int) -> np.ndarray:
    """A track's sound, float32 [frames, 2], at a channel's volume (100 is as it is) and place (64 is the middle), both
    0..127 as General MIDI has them."""
    angle = np.pi / 2 * np.clip((pan - 1) / 126, 0, 1)
    gains = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2) * (volume / 100) ** 2
    return np.asarray(sound * gains, np.float32)


def _tone(pitch: int, seconds: float, program: int, rate: int) -> np.ndarray:
    harmonics, attack, decay = VOICES[FAMILIES[program // 8]]
    hz = midi_hz(pitch)
    t = np.arange(int((seconds + RELEASE) * rate), dtype=np.float32) / rate
    wave = np.zeros_like(t)
    for n, amplitude in enumerate(harmonics, start=1):
        if n * hz < rate / 2:  # what lies above would fold back
            wave += amplitude * np.sin(2 * np.pi * n * hz * t, dtype=np.float32)
    envelope = np.minimum(t / attack, 1.0) * np.clip((seconds + RELEASE - t) / RELEASE, 0.0, 1.0)
    if decay:
        envelope = envelope * np.exp(-t / decay)
    sound: np.ndarray = (wave * envelope / sum(harmonics)).astype(np.float32)
    return sound


def _drum(key: int, noise: np.ndarray, rate: int) -> np.ndarray:
    # Keys without an entry are toms and small percussion: a short tone that rises with the key.
    hz, decay, share = DRUMS.get(key, (60.0 + 4.0 * key, 0.12, 0.2))
    t = np.arange(min(len(noise), int(5 * decay * rate)), dtype=np.float32) / rate
    tone = np.sin(2 * np.pi * hz * t * (1 + 0.5 * np.exp(-t / 0.02))) if hz else 0.0
    return ((share * noise[: len(t)] * 0.5 + (1 - share) * tone) * np.exp(-t / decay)).astype(np.float32)
