"""Song to sound: FluidSynth through pyfluidsynth, or a plain built-in synthesiser where the C library is missing.

Every track is rendered on its own (a stem) and the mix is their sum, scaled by one factor where it would clip, so that
the stems always add up to the mix. A missing soundfont makes FluidSynth silent without an error: silence is caught.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.render.plain import render_track
from engine.core.song import Clock, Song, Track

RATE = 44_100  # Hz
GAIN = 0.5  # FluidSynth's; five tracks at mezzo-forte stay below full scale
PEAK = 0.95  # the loudest sample of a mix
TAIL = 1.5  # seconds that the last notes may ring
MAX_SECONDS = 1_800.0
THREADS = 4  # tracks rendered at once, where there are as many cores
SOUNDFONT_VARIABLE = "BANDSTAND_SOUNDFONT"
INSTALLED = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/MuseScore_General.sf3",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/local/share/soundfonts/default.sf2",
    "/opt/homebrew/share/soundfonts/default.sf2",
)
ADVICE = "install FluidSynth for real instruments: sudo apt install libfluidsynth3, or brew install fluid-synth"


@dataclass(frozen=True)
class Synthesiser:
    name: str  # "FluidSynth", or "built-in"
    soundfont: Path | None
    advice: str = ""  # what to do for a better sound, in one line

    def __str__(self) -> str:
        return f"FluidSynth with {self.soundfont.name}" if self.soundfont else f"built-in synthesiser ({self.advice})"


@lru_cache(maxsize=1)
def _library() -> ModuleType | None:
    """pyfluidsynth, or None where the C library is missing."""
    try:
        with redirect_stdout(io.StringIO()):  # where CI is set it prints what it found
            import fluidsynth
    except (ImportError, OSError, AttributeError):
        return None
    return cast("ModuleType", fluidsynth)


def soundfonts() -> list[Path]:
    """The soundfonts on this machine, the preferred one first: the path that was set, installed ones, pretty_midi's."""
    paths = [Path(p) for p in (os.environ.get(SOUNDFONT_VARIABLE, ""), *INSTALLED) if p]
    if (spec := find_spec("pretty_midi")) and spec.origin:  # found, not imported
        paths.append(Path(spec.origin).with_name("TimGM6mb.sf2"))
    return [path for path in paths if path.is_file()]


def synthesiser(soundfont: Path | str | None = None) -> Synthesiser:
    """What plays here. Refused when a `soundfont` is named that cannot be loaded."""
    if _library() is None:
        return Synthesiser("built-in", None, ADVICE)
    for path in [Path(soundfont)] if soundfont else soundfonts():
        if _sounding(path):
            return Synthesiser("FluidSynth", path)
        if soundfont:
            raise RequestError(f"{path} is not a soundfont that FluidSynth can load.")
    return Synthesiser("built-in", None, "no soundfont was found; set BANDSTAND_SOUNDFONT to the path of one")


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


@lru_cache(maxsize=4)
def _sounding(path: Path) -> _Player | None:
    """A player of this soundfont if it loads and sounds; FluidSynth raises nothing when it does not.

    It is kept, because FluidSynth shares a soundfont's samples while one player has them.
    """
    if not _whole(path):
        return None
    player = _Player(path, RATE)
    return player if player.font >= 0 and player.sounds() else None


class _Player:
    """One FluidSynth with one soundfont, for one track: used again it would carry reverb and dither over."""

    def __init__(self, path: Path, rate: int) -> None:
        library: Any = _library()
        self.rate = rate
        self.synth = library.Synth(gain=GAIN, samplerate=float(rate))
        self.synth.setting("synth.chorus.active", 0)
        self.font = self.synth.sfload(str(path))

    def __del__(self) -> None:
        try:  # noqa: SIM105 (contextlib may be gone by then, too)
            self.synth.delete()
        except TypeError:  # Python is closing and has let go of the library
            pass

    def sounds(self) -> bool:
        """Whether middle C on a piano is heard."""
        self.synth.program_select(0, self.font, 0, 0)
        self.synth.noteon(0, 60, 100)
        return bool(np.abs(self._samples(self.rate // 4)).max() > 100)

    def play(self, track: Track, clock: Clock, frames: int) -> np.ndarray:
        """int16-scaled float32 [frames, 2] of one track; `clock` turns beats into frames."""
        channel = 9 if track.is_drum else 0
        # A soundfont may lack a program: FluidSynth then keeps the one before, so begin from the first.
        self.synth.program_select(channel, self.font, 128 if track.is_drum else 0, 0)
        self.synth.program_change(channel, track.program)
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
        return out / 32768.0

    def _samples(self, frames: int) -> np.ndarray:
        return np.asarray(self.synth.get_samples(frames)).reshape(-1, 2)


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
    chosen = synthesiser(soundfont)
    frames = int((song.seconds + TAIL) * rate)
    stems = []
    # FluidSynth computes outside of Python's lock, and each stem has its own synthesiser: threads change no sample.
    with ThreadPoolExecutor(max_workers=min(THREADS, os.cpu_count() or 1)) as pool:
        waiting = [pool.submit(_stem, track, song.clock(rate), frames, rate, chosen) for track in song.tracks]
        try:
            for done, stem in enumerate(waiting):
                if progress:
                    progress(done, len(song.tracks))
                stems.append(stem.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if progress:
        progress(len(song.tracks), len(song.tracks))
    peak = np.abs(np.sum(stems, axis=0)).max()
    scale = np.float32(min(1.0, PEAK / max(peak, 1e-9)))
    return [Audio(stem * scale, rate) for stem in stems]


def _stem(track: Track, clock: Clock, frames: int, rate: int, chosen: Synthesiser) -> np.ndarray:
    if not track.notes:
        return np.zeros((frames, 2), np.float32)
    if chosen.soundfont:
        sound = _Player(chosen.soundfont, rate).play(track, clock, frames)
        # A soundfont without this instrument, or without a drum kit, is silent: the built-in one plays it then.
        if np.abs(sound).max() > 1e-4 or all(note.velocity < 5 for note in track.notes):
            return sound
    return render_track(track, clock, frames, rate)


def render(
    song: Song,
    *,
    rate: int = RATE,
    soundfont: Path | str | None = None,
    progress: Progress | None = None,
) -> Audio:
    """The song's sound, float32 [frames, 2]: the sum of its stems."""
    stems = render_stems(song, rate=rate, soundfont=soundfont, progress=progress)
    return Audio(np.asarray(np.sum([stem.samples for stem in stems], axis=0), np.float32), rate)
