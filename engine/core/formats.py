"""The registry of what can be taken away: a file's ending, label, MIME type and help, who has it, how it is written.

The pages' downloads, the command line's `--out` and its help read it; another format is one entry in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core import midi, musicxml, npz, printing
from engine.core.audio import Audio, write_wav
from engine.core.key import keyed
from engine.core.markers import markers_of
from engine.core.packed import Tags, write_mp3, write_ogg, write_tagged_flac
from engine.core.request import Contents
from engine.core.result import Music
from engine.core.song import Song
from engine.core.zipped import zipped

SILENT = 1e-4  # a peak below this is silence


@dataclass(frozen=True)
class Mix:
    """How notes are heard: gains by track (1 where none is given), and a soundfont instead of the usual one."""

    gains: Mapping[str, float] = field(default_factory=dict)
    soundfont: Path | str | None = None  # its path, or its name

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


def _stems(music: Music, mix: Mix) -> list[tuple[str, Audio]]:
    """Every track's sound by its name, whatever its gain."""
    from engine.core.render import render_stems  # here, because it looks for FluidSynth

    song = _song(music)
    return [(track.name, stem) for track, stem in zip(song.tracks, render_stems(song, soundfont=mix.soundfont))]


def _mixed(music: Music, mix: Mix) -> list[tuple[str, Audio]]:
    """The same as mixed."""
    return [(name, Audio(stem.samples * np.float32(mix.gains.get(name, 1.0)), stem.rate))
            for name, stem in _stems(music, mix)]  # fmt: skip


def _sound(music: Music, mix: Mix) -> Audio:
    """The result's own sound, or its notes as mixed: several tracks are mastered, one keeps its dynamics. Refused when
    every track is muted."""
    from engine.core.render.mastering import mastered  # here, because it brings scipy

    if music.audio is not None:
        return music.audio
    stems = _mixed(music, mix)
    total = np.asarray(np.sum([stem.samples for _, stem in stems], axis=0), np.float32)
    peak = float(np.abs(total).max(initial=0.0))
    if mix.gains and peak < SILENT:
        raise RequestError("Every track is muted, so the sound would be silent.")
    if sum(not stem.silent for _, stem in stems) > 1:
        return Audio(mastered(total, stems[0][1].rate), stems[0][1].rate)
    return Audio(total / max(1.0, peak), stems[0][1].rate)


def _tags(music: Music) -> Tags:
    """Title and tempo of a result, as far as it has them: a sound of its own keeps no tempo."""
    request = getattr(music, "request", None)
    title = (music.song.title if music.song else "") or (request.title if request else "")
    tempo = f"{music.song.tempo:.0f}" if music.song and music.audio is None else ""
    return {name: text for name, text in (("title", title), ("bpm", tempo)) if text}


def _packed(pack: Callable[[Audio, Tags], bytes]) -> Callable[[Music, Mix], bytes]:
    return lambda music, mix: pack(_sound(music, mix), _tags(music))


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


def _several_lines(music: Music) -> bool:
    return "stems.zip" in music.texts and len(_song(music).tracks) > 1


MUSICXML = "application/vnd.recordare.musicxml+xml"
FORMATS = (
    Format("mid", "MIDI", "audio/midi", "The notes, for any sequencer.",
           lambda music, mix: midi.write_midi(keyed(_song(music)), markers_of(_song(music))), _notes, also=("midi",)),
    _text("wav", "WAV", "audio/wav", "The sound, in 8 bits.", offered=False),
    Format("wav", "WAV", "audio/wav", "The sound, as mixed in the player.",
           lambda music, mix: write_wav(_sound(music, mix)), _heard, sounds=True),
    _text("8bit.wav", "WAV, 8 bit", "audio/wav", "The sound in 8 bits, as the network plays it."),
    Format("flac", "FLAC", "audio/flac", "The sound, packed without loss.",
           _packed(write_tagged_flac), _heard, offered=lambda music: False, sounds=True),
    Format("mp3", "MP3", "audio/mpeg", "The sound, small enough to send, with its title and tempo.",
           _packed(write_mp3), _heard, sounds=True),
    Format("ogg", "OGG", "audio/ogg", "The sound in OGG Vorbis, with its title and tempo.",
           _packed(write_ogg), _heard, offered=lambda music: False, sounds=True),
    Format("stems.zip", "Stems", "application/zip", "A zip with one WAV for each instrument.",
           lambda music, mix: music.text("stems.zip"), lambda contents: "stems.zip" in contents.texts,
           _several_lines, also=("zip",)),
    Format("zip", "Stems", "application/zip", "A zip with one WAV for each track, whatever is muted.",
           lambda music, mix: write_stems(_stems(music, mix)), _notes, _several_tracks),
    Format("mixed.zip", "As mixed", "application/zip", "The same zip, each track as loud as in the player.",
           lambda music, mix: write_stems(_mixed(music, mix)), _notes, _several_tracks, sounds=True),
    _text("score.musicxml", "Score", MUSICXML, "The score as it is engraved above, with its repeats.",
          also=("musicxml",)),
    Format("musicxml", "MusicXML", MUSICXML, "A score for MuseScore, Dorico, Sibelius …",
           lambda music, mix: musicxml.write_musicxml(keyed(_song(music))), _notes, _only_notes),
    _text("pdf", "PDF", "application/pdf", "The score on paper, A4."),
    Format("pdf", "PDF", "application/pdf", "The score on paper, A4, a staff for each track.",
           lambda music, mix: printing.write_pdf(musicxml.write_musicxml(keyed(_song(music)))), _notes,
           lambda music: _only_notes(music) and "pdf" not in music.texts),
    _text("guitar.txt", "Guitar tab", "text/plain", "The tune in tablature for the guitar."),
    _text("whistle.txt", "Whistle tab", "text/plain", "The tune as fingerings for a tin whistle in D."),
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
