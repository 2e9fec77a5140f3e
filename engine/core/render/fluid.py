"""FluidSynth through pyfluidsynth: a synthesiser for each track, all with the samples of one soundfont.

It raises nothing where a soundfont cannot be loaded or lacks an instrument: what is silent is caught.
"""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from engine.core.render.mixing import Channel, Room
from engine.core.song import Clock, Track

GAIN = 0.5  # five tracks at mezzo-forte stay below full scale
VOICES = 64  # of a track: of a piano's thick chords the voices that are cut off lie 60 dB below the rest
DRUM_CHANNEL, DRUM_BANK = 9, 128
VOLUME, PAN, REVERB = 7, 10, 91  # controllers
PROGRAMS = 128


@lru_cache(maxsize=1)
def library() -> ModuleType | None:
    """pyfluidsynth, or None where the C library is missing."""
    try:
        with redirect_stdout(io.StringIO()):  # where CI is set it prints what it found
            import fluidsynth
    except (ImportError, OSError, AttributeError):
        return None
    return cast("ModuleType", fluidsynth)


def loaded(path: Path) -> Player | None:
    """A player of this soundfont if it loads and sounds."""
    return _kept(path) if _whole(path) else None


@lru_cache(maxsize=4)
def _kept(path: Path) -> Player | None:
    """A player that is kept, because FluidSynth shares a soundfont's samples while one player has them."""
    player = Player(path, 44_100)
    return player if player.font >= 0 and player.sounds() else None


def _whole(path: Path) -> bool:
    """Whether a file is a SoundFont by its head (RIFF, its size, sfbk) and as long as that says; FluidSynth would try
    to read anything else in other ways, and noisily."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        size = path.stat().st_size
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"sfbk" and int.from_bytes(head[4:8], "little") + 8 <= size


class Player:
    """One FluidSynth with one soundfont, for one track: used again it would carry reverb and dither over.

    Samples are read when an instrument is first chosen; those of a compressed soundfont take a moment. The room is
    FluidSynth's own where none is given.
    """

    def __init__(self, path: Path, rate: int, room: Room | None = None, *, dry: bool = False) -> None:
        settings: dict[str, Any] = {"synth.dynamic-sample-loading": 1, "synth.polyphony": VOICES}
        module: Any = library()
        self.rate = rate
        self.lock = threading.Lock()
        self.synth = module.Synth(gain=GAIN, samplerate=float(rate), **settings)
        self.synth.setting("synth.chorus.active", 0)
        self.synth.setting("synth.reverb.active", int(not dry))
        if room:
            self.synth.set_reverb(room.size, room.damping, room.width, room.level)
        self.font = self.synth.sfload(str(path))

    def __del__(self) -> None:
        try:  # noqa: SIM105 (contextlib may be gone by then, too)
            self.synth.delete()
        except TypeError:  # Python is closing and has let go of the library
            pass

    def sounds(self) -> bool:
        """Whether middle C on a piano is heard."""
        self._choose(0, 0, 0)
        self.synth.noteon(0, 60, 100)
        return bool(np.abs(self._samples(self.rate // 4)).max() > 100)

    def hold(self, track: Track) -> None:
        """Keep the samples of a track's instrument, so that its players need not read them again."""
        bank = DRUM_BANK if track.is_drum else 0
        with self.lock:
            self._choose(bank + track.program % PROGRAMS, bank, track.program)

    def play(self, track: Track, clock: Clock, frames: int, mixed: Channel | None) -> np.ndarray:
        """int16-scaled float32 [frames, 2] of one track; `clock` turns beats into frames."""
        channel, bank = (DRUM_CHANNEL, DRUM_BANK) if track.is_drum else (0, 0)
        self._choose(channel, bank, track.program)
        if mixed:
            for control, value in ((VOLUME, mixed.volume), (PAN, mixed.pan), (REVERB, mixed.reverb)):
                self.synth.cc(channel, control, value)
        events = []
        for note in track.notes:
            start, end = round(clock(note.onset)), round(clock(note.end))
            events += [(start, 1, note.pitch, note.velocity), (max(end, start + 1), 0, note.pitch, 0)]
        out = np.zeros((frames, 2), np.float32)
        now = 0
        for at, on, pitch, velocity in sorted(events):
            at = min(at, frames)
            if at > now:
                out[now:at] = self._samples(at - now)
                now = at
            if on:
                self.synth.noteon(channel, pitch, int(velocity))
            else:
                self.synth.noteoff(channel, pitch)
        if frames > now:
            out[now:] = self._samples(frames - now)
        out /= 32768.0
        return out

    def _choose(self, channel: int, bank: int, program: int) -> None:
        """The instrument of a channel; the bank's first where the soundfont lacks it."""
        if self.synth.program_select(channel, self.font, bank, program) < 0:
            self.synth.program_select(channel, self.font, bank, 0)

    def _samples(self, frames: int) -> np.ndarray:
        return np.asarray(self.synth.get_samples(frames)).reshape(-1, 2)
