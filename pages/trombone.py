"""Trombone: a note of a pitch, a length and a dynamic; a scale; or a melody of one's own, played note by note."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.midi import write_midi
from engine.core.pitch import midi_hz, note_name
from engine.core.reading import SONG_MIB, SONGS, is_song
from engine.core.request import File, field_of
from engine.core.result import Result
from engine.core.song import Song
from engine.melody.abc.notes import titles
from engine.takes.library import Library
from engine.trombone import Request, generate, load
from engine.trombone.conditions import DYNAMICS, HIGHEST, LOWEST
from engine.trombone.generate import line_of
from engine.trombone.phrasing import MAX_LENGTH, read_song
from engine.trombone.pitch import HOP_SECONDS, RATE, track_f0
from engine.trombone.request import MAX_SECONDS
from ui import controls, frame, hum, inside, jobs, opening, player, takes
from ui.controls import PERSISTED

KINDS = ("A note", "A scale", "A melody")
WORDS = {"pp": "pp, very soft", "p": "p, soft", "mf": "mf, moderate", "f": "f, loud", "ff": "ff, very loud"}
SHORTEST, LONGEST, BREATHIEST = 0.3, (MAX_SECONDS, 2.0), 1.0  # seconds of a note and of each of a scale; breath
STYLES = {"legato": "Legato", "tenuto": "Tenuto", "staccato": "Staccato", "marcato": "Marcato"}

frame.open_page("Trombone", "A neural network blows the note you ask for, sample by sample; or a melody of yours.")


class Asked(NamedTuple):  # a tuple, because Streamlit makes another class of it at every rerun
    """What is to be played, and the takes that a melody came from."""

    request: Request
    parents: tuple[str, ...] = ()


def mode_control() -> str:
    """What is to be played."""
    return st.segmented_control("Play", KINDS, default=KINDS[0], key="trombone_kind", required=True, **PERSISTED,
                                help="One note, a major scale, or a tune that you bring.") or KINDS[0]  # fmt: skip


def settings_panel(mode: str) -> dict[str, Any]:
    """The controls that a note, a scale and a melody share, and those of each; fields of the request."""
    fields: dict[str, Any] = {"seed": controls.new("trombone_seed", "Play it again, differently")}
    if mode != KINDS[2]:
        notes = range(LOWEST, HIGHEST + 1)
        if before := {f"{note_name(n)} · {n}": n for n in notes}.get(st.query_params.get("trombone_note", "")):
            st.session_state["trombone_note"] = before  # in an address from when notes had numbers too
        help = f"From {note_name(LOWEST)} to {note_name(HIGHEST)}: the notes that it has learned. C4 is the middle C."
        fields["note"] = st.select_slider("Note", notes, 58, format_func=note_name, key="trombone_note", help=help,
                                          **PERSISTED)  # fmt: skip
        number, usual = (0, 2.0) if mode == KINDS[0] else (1, 0.5)
        fields["seconds"] = controls.slider(Request, "seconds", low=SHORTEST, high=LONGEST[number], default=usual,
                                            step=0.1, format="%.1f s", key=f"trombone_seconds_{number}")  # fmt: skip
        fields["dynamic"] = st.select_slider("Dynamic", DYNAMICS, "mf", format_func=WORDS.__getitem__, **PERSISTED,
                                             key="trombone_dynamic", help="Louder is brighter.")  # fmt: skip
    else:
        fields["dynamic"] = controls.pick(Request, "dynamic", names=WORDS.__getitem__,
                                          key="trombone_tune_dynamic", placeholder="As written",
                                          help="Empty: as loud as the notes of the piece.")  # fmt: skip
    if mode != KINDS[0]:
        fields["articulation"] = st.segmented_control(
            "Notes", STYLES, default="tenuto", key="trombone_articulation", required=True, **PERSISTED,
            format_func=STYLES.__getitem__, help=field_of(Request, "articulation").option.help,
        ) or "tenuto"  # fmt: skip
    fields["scale"] = mode == KINDS[1]
    fields["temperature"] = controls.slider(Request, "temperature", key="trombone_temperature", high=BREATHIEST)
    return fields


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request = opened.request
    assert isinstance(request, Request)
    number = 2 if request.input else int(request.scale)
    return {
        "trombone_kind": KINDS[number], "trombone_note": request.note,
        f"trombone_seconds_{number}": min(max(request.seconds, SHORTEST), LONGEST[number]) if number < 2 else None,
        "trombone_dynamic" if number < 2 else "trombone_tune_dynamic": request.dynamic,
        "trombone_articulation": request.articulated, "trombone_temperature": min(request.temperature, BREATHIEST),
        **opened.source("trombone_file", request.input),
        **({controls.of_file("trombone_tune", request.input): request.tune_number,
            controls.of_file("trombone_track", request.input): request.track} if request.input else {}),
    }  # fmt: skip


def restored(opened: opening.Opened, asked: Asked | None, progress: Progress) -> tuple[Result, Asked]:
    """What such a take holds; runs in the worker."""
    result = opened.result(asked.request if asked else None)
    assert isinstance(result.request, Request)
    return result, Asked(result.request, opened.take.parents)


def melody_file() -> tuple[File, tuple[str, ...]] | None:
    """A melody from a file or from a take, and the takes that it came from."""
    if takes.was_sent("trombone"):
        controls.let_go("trombone_file")
    file = controls.upload("A MIDI, MusicXML or ABC file", [*SONGS, "abc"], key="trombone_file", most=SONG_MIB,
                           help=f"{field_of(Request, 'input').option.help.partition('. ')[2]} Up to "
                           f"{MAX_LENGTH / 60:g} minutes.")  # fmt: skip
    take = takes.pick("trombone")
    with st.expander("Hum it or play it", icon=":material/mic:"):
        hummed = hum.tune("trombone")
    try:
        if file is not None:
            read_song(file)
            return file, ()
        if take is not None and (song := Library().song(take)) is not None:
            return File(take.name, write_midi(song), "mid"), (take.id,)
        if hummed is not None:
            return hummed, ()
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
    return None


def tune_number_of(file: File) -> int | None:
    """The number of the tune that a person chose in a book of ABC; None where there is no choice."""
    key = controls.of_file("trombone_tune", file)
    return None if is_song(file) else controls.tune_of_book(titles(file.content), key)


def play(request: Request, progress: Progress) -> Result:
    """Sound and notes; runs in the worker."""
    model, _ = frame.cached_model("trombone", request.checkpoint(), load)
    return generate(model, request, progress=progress, hear=jobs.report_partial)


def pitch_lines(audio: Audio, song: Song) -> list[player.Line]:
    """The asked pitch of each note, dashed, and the pitch that a tracker hears."""
    clock = song.clock()
    asked: list[tuple[float, float] | None] = []
    for note in song.tracks[0].notes:
        hz = midi_hz(note.pitch)
        asked += [(clock(note.onset), hz), (clock(note.end), hz), None]
    heard = [
        ((i + 0.5) * HOP_SECONDS - 0.05, float(hz)) if hz > 0 else None
        for i, hz in enumerate(track_f0(audio.resampled(RATE).samples))
    ]
    return [player.Line("asked", asked, dashed=True), player.Line("measured", heard)]


def measured(result: Result, audio: Audio, seconds: float) -> str:
    """What was measured, in words."""
    words = []
    if "cents" in result.report:
        cents, hz = result.report["cents"], midi_hz(result.request.note)  # type: ignore[attr-defined]
        if cents is None:
            words.append(f"Asked {hz:.1f} Hz; no steady pitch was measured.")
        else:
            words.append(f"Asked {hz:.1f} Hz, measured {hz * 2 ** (cents / 1200):.1f} Hz ({cents:+.1f} cents).")
    if seconds > 0:
        speed = audio.seconds / seconds
        words.append(f"{audio.seconds:.1f} seconds of sound in {seconds:.1f} s, {speed:.1f} × real time.")
    return " ".join(words)


def result_view(made: jobs.JobResult) -> None:
    """The sound with its pitch, what was measured, downloads, takes."""
    result, asked = made.value, made.settings
    audio, song, title = result.audio, result.song, result.request.title
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    player.show("trombone", audio=audio, title=title, spectrogram=True, lines=pitch_lines(audio, song))
    mode = "melody" if result.request.input else "scale" if result.request.scale else "note"
    takes.actions("trombone", result, f"trombone-{mode}-{result.request.seed}", name=title, parents=asked.parents)
    if audio.silent:
        st.warning("That came out silent; try another seed.", icon=":material/volume_off:")
    frame.details(measured(result, audio, made.seconds))
    inside.how_it_was_made("trombone", result)


opening.put_back("trombone", controls_from, restored)
view, panel = st.columns([2.4, 1], gap="large")
asked: Asked | None = None
with panel, st.container(border=True, key="desk"):
    if takes.was_sent("trombone"):
        st.session_state["trombone_kind"] = KINDS[2]
    mode = mode_control()
    brought = melody_file() if mode == KINDS[2] else None
    tune_number = tune_number_of(brought[0]) if brought else None
    track = controls.track_of(Request, read_song(brought[0], tune_number),
                              controls.of_file("trombone_track", brought[0])) if brought else None  # fmt: skip
    fields = settings_panel(mode) | ({"tune_number": tune_number, "track": track} if brought else {})
with view:
    try:
        if mode != KINDS[2]:
            asked = Asked(Request(**fields))
        elif brought is not None:
            asked = Asked(Request(input=brought[0], **fields), brought[1])
            line_of(asked.request)  # refused here, before anything is begun
        else:
            st.info("Bring a MIDI file, a score or an ABC tune, or choose a take.", icon=":material/upload_file:")
    except RequestError as refused:
        jobs.dismiss("trombone")
        st.error(frame.plain(str(refused)), icon=":material/error:")
        asked = None
    if asked is not None:
        wanted = asked
        jobs.run_when_changed("trombone", lambda progress: play(wanted.request, progress), settings=wanted,
                              label=f"Playing {wanted.request.title}")  # fmt: skip
    made = jobs.show("trombone")
    first_notes = jobs.partial_result("trombone")
    if asked is not None and first_notes is not None:
        st.caption("The first notes; the rest is still being played.")
        player.show("trombone", audio=first_notes, title=asked.request.title, spectrogram=True)
    elif made:
        result_view(made)
