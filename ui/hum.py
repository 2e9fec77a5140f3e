"""Hum it or play it: a tune from the microphone or from a recording, shown as notes to mend.

    file = hum.tune("band")        # a MIDI file of the notes as they were mended, None until there are some

Its keys begin with the page's; what was heard is kept while the session lasts. Listening is a job of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.audio import ENDINGS, MAX_SECONDS, read_audio, write_wav
from engine.core.midi import write_midi
from engine.core.pitch import note_name, read_note_name
from engine.core.request import File
from engine.core.song import Note, Song
from engine.listen.click import click
from engine.listen.listening import Heard, listen, quantised
from ui import controls, frame, jobs

WAYS = {"microphone": "Microphone", "file": "A recording"}
COLUMNS = ("Note", "Beat", "Length")
NARROW = 70  # pixels: three columns have room in a desk
USUAL = 96  # beats a minute of the click
RATE = 44_100


def tune(key: str) -> File | None:
    """Draw the controls; the notes that a person hummed or played and mended, as a MIDI file."""
    way = st.segmented_control("Hum it or play it", list(WAYS), default="microphone", format_func=WAYS.__getitem__,
                               key=f"{key}_hum_way", required=True, persist_state="session",
                               help="One note at a time; it stays on this machine.")  # fmt: skip
    clicked = st.toggle("To a click", key=f"{key}_hum_click", persist_state="session",
                        help="One bar is counted in. Wear headphones.")  # fmt: skip
    tempo = None
    if clicked:
        tempo = float(controls.tempo(f"{key}_hum", USUAL))
        st.audio(_click(tempo), format="audio/wav")
    if way == "file":
        file = controls.upload("A recording of one voice", list(ENDINGS), key=f"{key}_hum_file",
                               help=f"Up to {MAX_SECONDS / 60:g} minutes; WAV, FLAC, OGG or MP3.")  # fmt: skip
    else:
        slot = f"{key}_hum_microphone"
        given = st.audio_input("Hum, sing or play", sample_rate=RATE, key=slot, on_change=controls.dropped,
                               args=(slot,), help="Press, and press again when you are done.")  # fmt: skip
        file = controls.kept(slot, File("The microphone's recording", given.getvalue()) if given else None)
    if file is None:
        return None
    jobs.run_when_changed(f"{key} hum", lambda progress: heard(file, tempo, progress), settings=(file, tempo),
                          label="Listening")  # fmt: skip
    made = jobs.show(f"{key} hum")
    if not made:
        return None
    for remark in made.value.remarks:
        st.caption(frame.plain(remark))
    song = mended(f"{key} notes {made.number}", made.value.song)
    st.caption(f"{made.value.key}, {controls.paced(song)}, {len(song.tracks[0].notes)} notes")
    return File("Hummed", write_midi(song), "mid") if song.notes else None


@st.cache_data(show_spinner=False, max_entries=8)
def _click(tempo: float) -> bytes:
    return write_wav(click(tempo))


def heard(file: File, tempo: float | None, progress: Progress) -> Heard:
    """The notes of a recording from its first beat on, on the beats that were heard in it or on those of the click."""
    made = listen(read_audio(file.content, name=file.name), tempo, name=file.name, progress=progress)
    return replace(made, song=quantised(made))


def mended(key: str, song: Song) -> Song:
    """The song with its notes as a person mends them, also after another page; where a row is no note, that is said,
    and all are as they were heard."""
    [track] = song.tracks
    rows = [dict(zip(COLUMNS, (note_name(n.pitch), round(n.onset + 1, 2), round(n.duration, 2)))) for n in track.notes]
    number = partial(st.column_config.NumberColumn, min_value=0.05, step=0.05, required=True, width=NARROW)
    first, last = f"{key} first", f"{key} kept"
    if key not in st.session_state:  # the table is drawn for the first time, or again after another page
        st.session_state[first] = st.session_state.get(last, rows)
    st.session_state[last] = table = st.data_editor(
        st.session_state[first], key=key, num_rows="dynamic", width="stretch", height=240,
        column_config={
            "Note": st.column_config.TextColumn(help="A name such as Bb3; C4 is the middle C.", required=True,
                                                width=NARROW),
            "Beat": number(help="Where it begins; the first beat is 1."),
            "Length": number(help="In beats."),
        },
    )  # fmt: skip
    try:
        notes = notes_of(table, [note.velocity for note in track.notes])
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        return song
    return replace(song, tracks=(track.with_notes(notes),))


def notes_of(rows: Sequence[dict[str, Any]], velocities: Sequence[int]) -> list[Note]:
    """The notes of a table's rows, as loud as those that were in their places. Refused where a row is none."""
    out = []
    for place, row in enumerate(rows):
        name, beat, length = (row.get(column) for column in COLUMNS)
        if not name or beat is None or length is None:
            continue  # a row that is still being written
        pitch = read_note_name(str(name))
        if not 0 <= pitch <= 127 or beat < 1 or length <= 0:
            raise RequestError(f"Row {place + 1} is no note: it has to begin at 1 or later, and to last.")
        velocity = velocities[place] if place < len(velocities) else 80
        out.append(Note(float(beat) - 1, float(length), pitch, velocity))
    return out
