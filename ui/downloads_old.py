"""A row of downloads under what was made: MIDI, WAV, stems, a score, and what a page adds.

    downloads.show("band", "jazz-7", song=song, mix=mix)     # mix: what player.show returned
    downloads.show("tune", "reel-7", song=song, extras=[Extra("ABC", "abc", text.encode(), "text/plain")])

Files are made when asked for, and a click reruns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.audio import Audio, write_wav
from engine.core.song import Song


@dataclass(frozen=True)
class Extra:
    """One more download: a button's label, a file's ending, its content (or its maker), its MIME type."""

    label: str
    ending: str
    content: bytes | Callable[[], bytes]
    mime: str = "application/octet-stream"


def show(
    key: str,
    name: str,
    *,
    song: Song | None = None,
    audio: Audio | None = None,
    mix: Mapping[str, float] | None = None,
    extras: Sequence[Extra] = (),
) -> None:
    """Draw the row; `key` is unique on its page.

    `name` begins the files' names. WAV and stems are at 44.1 kHz with the gains of `mix`; an `audio` is as it is.
    """
    rows: list[Extra] = []
    if song is not None:
        rows.append(Extra("MIDI", "mid", partial(_midi, song), "audio/midi"))
    if audio is not None:
        rows.append(Extra("WAV", "wav", partial(write_wav, audio), "audio/wav"))
    elif song is not None:
        gains = dict(mix or {})
        rows.append(Extra("WAV", "wav", partial(_wav, song, gains), "audio/wav"))
        if len([t for t in song.tracks if t.notes]) > 1:
            rows.append(Extra("Stems", "zip", partial(_stems, song, gains), "application/zip"))
    if song is not None:
        rows.append(Extra("MusicXML", "musicxml", partial(_musicxml, song), "application/vnd.recordare.musicxml+xml"))
        rows.append(Extra("Pianoroll", "npz", partial(_npz, song), "application/octet-stream"))
    muted = audio is None and bool(mix) and not any(mix.values())
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "bandstand"
    with st.container(horizontal=True, gap="small", key=f"downloads {key}"):
        for row in [*rows, *extras]:
            st.download_button(
                row.label,
                row.content,
                file_name=f"{safe}.{row.ending}",
                mime=row.mime,
                key=f"download {key} {row.label}",
                on_click="ignore",
                icon=":material/download:",
                disabled=muted and row.label in ("WAV", "Stems"),
                help=_HELP.get(row.label) if not muted else "Every track is muted in the player.",
            )


_HELP = {
    "MIDI": "The notes, for any sequencer.",
    "WAV": "The sound, as mixed in the player.",
    "Stems": "A zip with one WAV for each track.",
    "MusicXML": "A score for MuseScore, Dorico, Sibelius …",
    "Pianoroll": "A pypianoroll .npz, for research.",
    "ABC": "The tune as text, for ABC programs.",
    "Score": "The score as it is engraved above, with its repeats.",
    "SVG": "The score as a picture.",
    "WAV, 8 bit": "The sound in 8 bits, as the network plays it.",
    "Melody as MIDI": "The notes that were followed, for any sequencer.",
}


def _midi(song: Song) -> bytes:
    from engine.core.midi import write_midi

    return write_midi(song)


def _musicxml(song: Song) -> bytes:
    from engine.core.formats import write_musicxml

    out: bytes = write_musicxml(song)
    return out


def _npz(song: Song) -> bytes:
    from engine.core.formats import write_npz

    out: bytes = write_npz(song)
    return out


def _mixed(song: Song, gains: Mapping[str, float]) -> list[tuple[str, Audio]]:
    from engine.core import render

    stems = render.render_stems(song)
    return [
        (track.name, Audio(stem.samples * np.float32(gains.get(track.name, 1.0)), stem.rate))
        for track, stem in zip(song.tracks, stems)
    ]


def _wav(song: Song, gains: Mapping[str, float]) -> bytes:
    stems = _mixed(song, gains)
    total = np.sum([stem.samples for _, stem in stems], axis=0, dtype=np.float32)
    peak = float(np.abs(total).max(initial=0.0))
    if peak < 1e-4:
        raise RequestError("Every track is muted, so the WAV would be silent.")
    return write_wav(Audio(total / max(1.0, peak), stems[0][1].rate))


def _stems(song: Song, gains: Mapping[str, float]) -> bytes:
    from engine.core.formats import write_stems

    mixed = _mixed(song, gains)
    return write_stems([name for name, _ in mixed], [stem for _, stem in mixed])
