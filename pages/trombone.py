"""Trombone: a note of a pitch, a length and a dynamic; a scale; or a melody of one's own, played note by note."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import streamlit as st

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.midi import read_midi, write_midi
from engine.core.old import Result
from engine.core.pitch import midi_hz, note_name
from engine.core.song import Song
from engine.takes.library import Library, Recipe
from engine.trombone import generate as trombone
from engine.trombone.command import song_of
from engine.trombone.conditions import DYNAMICS, HIGHEST, LOWEST
from engine.trombone.phrasing import Line, melody, perform, read_song, scale
from engine.trombone.pitch import HOP_SECONDS, measured_cents, track_f0
from ui import controls, frame, jobs, player, takes
from ui import downloads_old as downloads
from ui.controls import PERSISTED

KINDS = ("A note", "A scale", "A melody")
WORDS = {"pp": "pp, very soft", "p": "p, soft", "mf": "mf, moderate", "f": "f, loud", "ff": "ff, very loud"}
STYLES = ("Tongued", "Legato")

frame.open_page("Trombone", "A neural network blows the note you ask for, sample by sample; or a melody of yours.")


def named(midi: int) -> str:
    """58 → "B♭3 · 58"."""
    name = note_name(midi)
    return f"{name[:1]}{name[1:].replace('b', '♭').replace('#', '♯')} · {midi}"


def settings_panel() -> dict[str, Any]:
    """The controls that a note, a scale and a melody share, and those of each."""
    controls.reroll_button("trombone_seed", "Play it again, differently")
    kind = st.segmented_control("Play", KINDS, default=KINDS[0], key="trombone_kind", required=True, **PERSISTED,
                                help="One note, a major scale, or a tune that you bring.")  # fmt: skip
    settings: dict[str, Any] = {"kind": kind or KINDS[0]}
    if kind != KINDS[2]:
        says = f"From {named(LOWEST)} to {named(HIGHEST)}: the notes that it has learned."
        settings["midi"] = st.select_slider("Note", range(LOWEST, HIGHEST + 1), 58, format_func=named,
                                            key="trombone_note", help=says, **PERSISTED)  # fmt: skip
        most, usual = (trombone.MAX_SECONDS, 2.0) if kind == KINDS[0] else (2.0, 0.5)
        settings["seconds"] = st.slider("Length", 0.3, most, usual, 0.1, format="%.1f s", **PERSISTED,
                                        key=f"trombone_seconds_{KINDS.index(kind)}",
                                        help="Of the note, or of each note.")  # fmt: skip
        settings["dynamic"] = st.select_slider("Dynamic", DYNAMICS, "mf", format_func=WORDS.__getitem__, **PERSISTED,
                                               key="trombone_dynamic", help="Louder is brighter.")  # fmt: skip
    else:
        says = "Empty: as loud as the notes of the piece."
        settings["dynamic"] = st.selectbox("Dynamic", DYNAMICS, index=None, format_func=WORDS.__getitem__, help=says,
                                           key="trombone_tune_dynamic", placeholder="As written",
                                           **PERSISTED)  # fmt: skip
    if kind != KINDS[0]:
        style = st.segmented_control("Notes", STYLES, default=STYLES[0], key="trombone_style", required=True,
                                     **PERSISTED, help="Each begun with the tongue, or slurred.")  # fmt: skip
        settings["legato"] = style == STYLES[1]
    says = "0 is the smoothest; more is breathier and rougher."
    settings["temperature"] = st.slider("Breath", 0.0, 1.0, trombone.TEMPERATURE, 0.05, key="trombone_temperature",
                                        help=says, **PERSISTED)  # fmt: skip
    settings["seed"] = controls.seed("trombone_seed")
    return settings


def piece() -> tuple[Song, str, tuple[str, ...]] | None:
    """A melody from a file or from a take: its song, its name, the takes that it came from."""
    file = st.file_uploader("A MIDI file or an ABC tune", ["mid", "midi", "abc"], key="trombone_file",
                            help="Its top line is played, moved by octaves where it leaves the range.")  # fmt: skip
    take = takes.pick("trombone")
    try:
        if file is not None:
            return read_song(file.getvalue(), file.name), file.name, ()
        if take is not None and (song := Library().song(take)) is not None:
            return song, take.name, (take.id,)
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
    return None


def play(settings: dict[str, Any], line: Line | None, progress: Progress) -> tuple[Audio, Song, str, tuple[str, ...]]:
    """Sound, notes, the weights' sha256, and what had to be changed; runs in the worker."""
    model, _ = frame.cached_model("trombone", trombone.PATH, trombone.load)
    how = {"seed": settings["seed"], "temperature": settings["temperature"], "progress": progress}
    if line is None:
        midi, seconds, dynamic = settings["midi"], settings["seconds"], settings["dynamic"]
        sound = trombone.generate(model, midi=midi, seconds=seconds, dynamic=dynamic, **how)
        return sound, song_of(midi, seconds, trombone.read_dynamic(dynamic)), model.sha256, ()
    return perform(model, line, legato=settings["legato"], **how), line.song, model.sha256, line.remarks


def pitch_lines(audio: Audio, song: Song) -> list[player.Line]:
    """The asked pitch of each note, dashed, and the pitch that a tracker hears."""
    beat = 60 / song.tempo
    asked: list[tuple[float, float] | None] = []
    for note in song.tracks[0].notes:
        hz = float(midi_hz(note.pitch))
        asked += [(note.onset * beat, hz), (note.end * beat, hz), None]
    heard = [
        ((i + 0.5) * HOP_SECONDS - 0.05, float(hz)) if hz > 0 else None for i, hz in enumerate(track_f0(audio.samples))
    ]
    return [player.Line("asked", asked, dashed=True), player.Line("measured", heard)]


def recipe(how: dict[str, Any], sha256: str) -> Recipe:
    """The same settings as options of `python -m engine trombone`."""
    options: dict[str, Any] = {"dynamic": how["dynamic"], "temperature": how["temperature"]}
    if how["kind"] == KINDS[2]:
        options |= {"input": "input.mid"}
    else:
        options |= {"note": str(how["midi"]), "seconds": how["seconds"]}
    if how["kind"] != KINDS[0]:
        options |= {"legato": how["legato"]}
    if how["kind"] == KINDS[1]:
        options |= {"scale": True}
    return Recipe("trombone", options, how["seed"], sha256)


def title_of(how: dict[str, Any]) -> str:
    """What a result is called."""
    style = " legato" if how.get("legato") else ""
    if how["kind"] == KINDS[2]:
        return f"{how['name']}{style}, seed {how['seed']}"
    what = "" if how["kind"] == KINDS[0] else "Scale from "
    return f"{what}{note_name(how['midi'])} {how['dynamic']}{style}, seed {how['seed']}"


def tell(audio: Audio, how: dict[str, Any], remarks: tuple[str, ...], seconds: float) -> None:
    """What was measured, and what had to be changed."""
    says = []
    if how["kind"] == KINDS[0]:
        cents = measured_cents(audio.samples, how["midi"])
        hz = float(midi_hz(how["midi"]))
        if cents is None:
            says.append(f"Asked {hz:.1f} Hz; no steady pitch was measured.")
        else:
            says.append(f"Asked {hz:.1f} Hz, measured {hz * 2 ** (cents / 1200):.1f} Hz ({cents:+.1f} cents).")
    if seconds > 0:
        speed = audio.seconds / seconds
        says.append(f"{audio.seconds:.1f} seconds of sound in {seconds:.1f} s, {speed:.1f} × real time.")
    st.caption(frame.plain(" ".join([*says, *remarks])))


stage, panel = st.columns([2.4, 1], gap="large")
with panel, st.container(border=True, key="desk"):
    if takes.was_sent("trombone"):
        st.session_state["trombone_kind"] = KINDS[2]
    settings = settings_panel()
    brought = piece() if settings["kind"] == KINDS[2] else None
with stage:
    line, song_bytes = None, b""
    ready = True
    try:
        if settings["kind"] == KINDS[1]:
            line = scale(settings["midi"], settings["seconds"], trombone.read_dynamic(settings["dynamic"]))
        elif settings["kind"] == KINDS[2]:
            ready = brought is not None
            if brought is None:
                st.info("Bring a MIDI file or an ABC tune, or choose a take.", icon=":material/upload_file:")
            else:
                loud = None if settings["dynamic"] is None else trombone.read_dynamic(settings["dynamic"])
                song_bytes = write_midi(brought[0])  # the line is read from what a take keeps, so that it comes again
                line = melody(read_midi(song_bytes, name=brought[1]), dynamic=loud)
                settings |= {"name": brought[1], "piece": hashlib.sha256(song_bytes).hexdigest(), "parents": brought[2]}
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        ready = False
    if ready:
        asked, chosen = dict(settings), line
        jobs.run_when_changed("trombone", lambda progress: (*play(asked, chosen, progress), song_bytes),
                    settings=settings, label=f"Playing {title_of(settings)}")  # fmt: skip
    made = jobs.show("trombone")
    if made:
        audio, song, sha256, remarks, source = made.value
        how = made.settings
        title = title_of(how)
        tell(audio, how, remarks, made.seconds)
        player.show("trombone", audio=audio, title=title, spectrogram=True, lines=pitch_lines(audio, song))
        eight = downloads.Extra("WAV, 8 bit", "8bit.wav", lambda: trombone.eight_bit(audio), "audio/wav")
        midi = downloads.Extra("MIDI", "mid", lambda: write_midi(song), "audio/midi")
        name = f"trombone-{how['kind'].split()[1]}-{how['seed']}"
        downloads.show("trombone", name, audio=audio, extras=[eight, midi])
        keeping = Result(
            song=song, audio=audio, settings={k: v for k, v in how.items() if k not in ("piece", "parents")}
        )
        takes.save_or_send("trombone", keeping, recipe(how, sha256), name=title, parents=how.get("parents", ()),
                    inputs={"mid": source} if source else None)  # fmt: skip
        if not np.isfinite(audio.peak) or audio.silent:
            st.warning("That came out silent; try another seed.", icon=":material/volume_off:")
