"""The registry of what can be taken away: a file's ending, label, MIME type and help, who has it, how it is written.

The pages' downloads, the command line's `--out` and its help read it; another format is one entry in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core import midi, musicxml, npz
from engine.core.audio import Audio, write_flac, write_wav
from engine.core.request import Contents
from engine.core.result import Music
from engine.core.song import Song
from engine.core.zipped import zipped

SILENT = 1e-4  # a peak below this is silence


@dataclass(frozen=True)
class Mix:
    """How notes are heard: gains by track (1 where none is given), and a soundfont instead of the usual one."""

    gains: Mapping[str, float] = field(default_factory=dict)
    soundfont: Path | None = None

    @property
    def muted(self) -> bool:
        """Whether nothing would be heard."""
        return bool(self.gains) and not any(self.gains.values())


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    ending: str  # without its dot
    label: str  # of a button
    mime: str
    help: str
    write: Callable[[Music, Mix], bytes]
    has: Callable[[Contents], bool]  # whether music can be had in it
    offered: Callable[[Music], bool] = lambda music: True  # whether pages offer it of one that can
    sounds: bool = False  # whether it is the notes' sound, as mixed
    also: tuple[str, ...] = ()  # other endings of the same

    @property
    def endings(self) -> tuple[str, ...]:
        """All that a file of it may end in."""
        return (self.ending, *self.also)


def _song(music: Music) -> Song:
    assert music.song is not None
    return music.song


def _mixed(music: Music, mix: Mix) -> list[tuple[str, Audio]]:
    from engine.core.render import render_stems  # here, because it looks for FluidSynth

    song = _song(music)
    stems = render_stems(song, soundfont=mix.soundfont)
    return [
        (track.name, Audio(stem.samples * np.float32(mix.gains.get(track.name, 1.0)), stem.rate))
        for track, stem in zip(song.tracks, stems)
    ]


def _sound(music: Music, mix: Mix) -> Audio:
    """The result's own sound, or its notes as mixed. Refused when every track is muted."""
    if music.audio is not None:
        return music.audio
    stems = _mixed(music, mix)
    total = np.asarray(np.sum([stem.samples for _, stem in stems], axis=0), np.float32)
    peak = float(np.abs(total).max(initial=0.0))
    if mix.gains and peak < SILENT:
        raise RequestError("Every track is muted, so the sound would be silent.")
    return Audio(total / max(1.0, peak), stems[0][1].rate)


def write_stems(stems: list[tuple[str, Audio]]) -> bytes:
    """A zip of one WAV a track, numbered and named after it. Names are reduced to letters, digits, space, - and _."""
    files = {}
    for number, (name, stem) in enumerate(stems, start=1):
        safe = "".join(c if c.isalnum() or c in " -_" else "_" for c in name)[:40].strip() or "track"
        files[f"{number:02d} {safe}.wav"] = write_wav(stem)
    return zipped(files)


def _notes(contents: Contents) -> bool:
    return contents.notes


def _only_notes(music: Music) -> bool:
    """Whether a result's sound is its notes': a sound of its own says more than a score of it would."""
    return music.song is not None and music.audio is None


def _heard(contents: Contents) -> bool:
    return contents.notes or contents.sound


def _text(ending: str, label: str, mime: str, help: str, *, offered: bool = True, also: tuple[str, ...] = ()) -> Format:
    """A format that a result brings with it."""
    return Format(
        ending, label, mime, help,
        write=lambda music, mix: music.text(ending),
        has=lambda contents: ending in contents.texts,
        offered=lambda music: offered,
        also=also,
    )  # fmt: skip


def _several_tracks(music: Music) -> bool:
    return _only_notes(music) and sum(bool(track.notes) for track in _song(music).tracks) > 1


MUSICXML = "application/vnd.recordare.musicxml+xml"
FORMATS = (
    Format("mid", "MIDI", "audio/midi", "The notes, for any sequencer.",
           lambda music, mix: midi.write_midi(_song(music)), _notes, also=("midi",)),
    _text("wav", "WAV", "audio/wav", "The sound, in 8 bits.", offered=False),
    Format("wav", "WAV", "audio/wav", "The sound, as mixed in the player.",
           lambda music, mix: write_wav(_sound(music, mix)), _heard, sounds=True),
    _text("8bit.wav", "WAV, 8 bit", "audio/wav", "The sound in 8 bits, as the network plays it."),
    Format("flac", "FLAC", "audio/flac", "The sound, packed without loss.",
           lambda music, mix: write_flac(_sound(music, mix)), _heard, offered=lambda music: False, sounds=True),
    Format("zip", "Stems", "application/zip", "A zip with one WAV for each track.",
           lambda music, mix: write_stems(_mixed(music, mix)), _notes, _several_tracks, sounds=True),
    _text("score.musicxml", "Score", MUSICXML, "The score as it is engraved above, with its repeats.",
          also=("musicxml",)),
    Format("musicxml", "MusicXML", MUSICXML, "A score for MuseScore, Dorico, Sibelius …",
           lambda music, mix: musicxml.write_musicxml(_song(music)), _notes, _only_notes),
    Format("npz", "Pianoroll", "application/octet-stream", "A pypianoroll .npz, for research.",
           lambda music, mix: npz.write_npz(_song(music)), _notes, _only_notes),
    _text("abc", "ABC", "text/vnd.abc", "The tune as text, for ABC programs."),
    _text("svg", "SVG", "image/svg+xml", "The score as a picture."),
)  # fmt: skip
"""All formats. Of two with one ending the first that a result can be had in is written."""


def split(name: str) -> tuple[str, str]:
    """A file's name without its ending, and the ending in small letters: the longest that is a format's ("8bit.wav"),
    or what follows the last dot; "" where there is none."""
    known = {ending for each in FORMATS for ending in each.endings if name.lower().endswith("." + ending)}
    ending = max(known, key=len, default=Path(name).suffix[1:].lower())
    return (name[: -len(ending) - 1], ending) if ending else (name, "")


def endings(contents: Contents) -> list[str]:
    """The endings of all files that music can be had in, with their dots."""
    return list(dict.fromkeys("." + ending for each in FORMATS if each.has(contents) for ending in each.endings))


def named(path: Path, contents: Contents) -> Format:
    """The format that a file's ending asks for. Refused when the music cannot be had in it."""
    _, ending = split(path.name)
    for each in FORMATS:
        if each.has(contents) and ending in each.endings:
            return each
    raise RequestError(f"'.{ending}' is not a format of this result; choose {', '.join(endings(contents))}.")
