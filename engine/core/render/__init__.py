"""Song to sound: FluidSynth (fluid.py), or a plain built-in synthesiser (plain.py) where the C library is missing.

Every track is rendered on its own (a stem), at the volume, in the place and in the room of its genre (mixing.py); the
mix is their sum, scaled by one factor where it would clip, so that the stems always add up to the mix.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.render import fluid
from engine.core.render.mixing import Channel, Room, mixed
from engine.core.render.plain import placed, render_track
from engine.core.render.soundfonts import Synthesiser, available, choose, chosen, folder, installed, synthesiser
from engine.core.song import Clock, Song, Track

__all__ = ["Synthesiser", "available", "choose", "chosen", "folder", "installed", "render", "render_stems",
           "synthesiser"]  # fmt: skip

RATE = 44_100  # Hz
PEAK = 0.95  # the loudest sample of a mix
TAIL = 1.5  # seconds that the last notes may ring
MAX_SECONDS = 1_800.0
THREADS = 4  # tracks rendered at once, where there are as many cores


def render_stems(
    song: Song,
    *,
    rate: int = RATE,
    soundfont: Path | str | None = None,
    progress: Progress | None = None,
) -> list[Audio]:
    """One stereo sound a track, float32 [frames, 2], all as long as the song and its tail; together they are the mix.

    Refused for a song without notes or longer than half an hour. `progress` counts tracks.
    """
    if not song.notes:
        raise RequestError("There is nothing to play: the song has no notes.")
    if song.seconds > MAX_SECONDS:
        raise RequestError(
            f"The song lasts {song.seconds / 60:.0f} minutes; at most {MAX_SECONDS / 60:.0f} can be played."
        )
    player = synthesiser(soundfont)
    frames = int((song.seconds + TAIL) * rate)
    room, channels = mixed(song)
    stems = []
    # FluidSynth computes outside of Python's lock, and each stem has its own synthesiser: threads change no sample.
    with ThreadPoolExecutor(max_workers=min(THREADS, os.cpu_count() or 1)) as pool:
        waiting = [
            pool.submit(_stem, track, song.clock(rate), frames, rate, player, room, channel)
            for track, channel in zip(song.tracks, channels)
        ]
        try:
            for done, stem in enumerate(waiting):
                if progress:
                    progress(done, len(song.tracks))
                stems.append(stem.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if progress:
        progress(len(song.tracks), len(song.tracks))
    peak = _peak(_sum(stems))
    if peak > PEAK:
        for samples in stems:
            samples *= np.float32(PEAK / peak)
    return [Audio(samples, rate) for samples in stems]


def _peak(samples: np.ndarray) -> float:
    """The largest sample's magnitude, without a copy of them all."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def _sum(stems: Sequence[np.ndarray]) -> np.ndarray:
    """All stems at once, float32."""
    out = np.array(stems[0])
    for stem in stems[1:]:
        out += stem
    return out


def _stem(
    track: Track, clock: Clock, frames: int, rate: int, player: Synthesiser, room: Room | None, channel: Channel | None
) -> np.ndarray:
    if not track.notes:
        return np.zeros((frames, 2), np.float32)
    if player.soundfont and (held := fluid.loaded(player.soundfont)):
        held.hold(track)
        dry = channel is not None and not channel.reverb
        sound = fluid.Player(player.soundfont, rate, room, dry=dry).play(track, clock, frames, channel)
        # A soundfont without this instrument, or without a drum kit, is silent: the built-in one plays it then.
        if _peak(sound) > 1e-4 or all(note.velocity < 5 for note in track.notes):
            return sound
    sound = render_track(track, clock, frames, rate)
    return placed(sound, channel.volume, channel.pan) if channel else sound


def render(
    song: Song,
    *,
    rate: int = RATE,
    soundfont: Path | str | None = None,
    progress: Progress | None = None,
) -> Audio:
    """The song's sound, float32 [frames, 2]: the sum of its stems."""
    stems = render_stems(song, rate=rate, soundfont=soundfont, progress=progress)
    return Audio(_sum([stem.samples for stem in stems]), rate)
