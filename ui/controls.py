"""Widgets made from a request's fields, and controls that several pages have: something new, tempo, uploads.

    bars = controls.slider(Request, "bars", key="band_bars")    # label, range, default and help are the field's
    key = controls.pick(Request, "key", key="band_key", placeholder="As it comes")
    seed = controls.new("band_seed", "Play something new")      # the page's big button, and the seed one click away
    song = controls.shaped("band", song)                    # tempo and transposition, without making anything anew

Every control of a page takes `**PERSISTED`: its value stands in the address, so that a link makes the same again, and
it outlives a change of page. Keys begin with the page's name, because the address and the session are shared by all.
"""

from __future__ import annotations

import dataclasses
import secrets
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from engine.core.chords import CHORD_SYMBOLS
from engine.core.instruments import program_names
from engine.core.request import File, Request, field_of
from engine.core.song import Song, beat_of
from engine.core.tune import ALL, tracks_of
from ui import history
from ui.frame import plain

PERSISTED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
SEEDS = 100_000  # seeds are 0 .. SEEDS - 1 when rolled: short enough to read out loud
MAX_SEED = 2**31 - 1


def slider(
    request: type[Request],
    name: str,
    *,
    key: str,
    default: float | None = None,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    format: str | None = None,
    help: str | None = None,
) -> Any:
    """A slider for a field that is a number: its label, range, default and help are the field's unless given."""
    field = field_of(request, name)
    known, number_type = field.option, float if field.kind is float else int
    least, most = known.low if low is None else low, known.high if high is None else high
    assert least is not None and most is not None, f"{name} has no range"
    return st.slider(
        field.label,
        number_type(least),
        number_type(most),
        number_type(field.default if default is None else default),
        number_type(step if step is not None else 0.05 if number_type is float else 1),
        format=format,
        key=key,
        help=help or known.help,
        **PERSISTED,
    )


def pick(
    request: type[Request],
    name: str,
    *,
    key: str,
    choices: Sequence[Any] | None = None,
    names: Callable[[Any], str] = str,
    placeholder: str | None = None,
    default: Any = None,
    help: str | None = None,
) -> Any:
    """A list to choose from for a field: its label, choices (or those that are left of them), default and help.

    Where it may be left open, nothing is chosen at first and `placeholder` says what that means.
    """
    field = field_of(request, name)
    known = list(field.option.choices if choices is None else choices)
    start = default if default is not None else field.default
    if start is dataclasses.MISSING:
        start = known[0]
    return st.selectbox(
        field.label, known, known.index(start) if start in known else None, format_func=names, key=key,
        placeholder=placeholder, help=help or field.option.help, **PERSISTED,
    )  # fmt: skip


def toggle(request: type[Request], name: str, *, key: str) -> bool:
    """A switch for a field that is true or false."""
    field = field_of(request, name)
    return bool(st.toggle(field.label, bool(field.default), key=key, help=field.option.help, **PERSISTED))


def roll(key: str) -> None:
    """Put a new seed in place. For callbacks."""
    st.session_state[key] = secrets.randbelow(SEEDS)


def new(key: str, label: str, default: int = 7, help: str = "The same settings with another seed.") -> int:
    """Something new: a button that rolls the seed `key`, and the seed itself one click away; returns it. What there
    was stays in the page's history."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"new-{key}"):
        st.button(label, key=f"{key} again", type="primary", icon=":material/casino:", on_click=roll, args=(key,),
                  width="stretch", help=help)  # fmt: skip
        with st.popover("Seed", icon=":material/tag:", help="The number that this music was made from."):
            value = st.number_input(
                "Seed", 0, MAX_SEED, default, key=key, **PERSISTED,
                help="The same seed with the same settings always plays the same music. Write down the ones you like.",
            )  # fmt: skip
    return int(value)


def tempo(key: str, default: float, low: int = 40, high: int = 240, beat: float = 1.0) -> float:
    """Quarter notes a minute, as is `default`; a person says them in beats of so many quarters: 1.5 is dotted ones."""
    counted = "quarter notes" if beat == 1 else "dotted quarter notes"
    help = f"Beats a minute, counted in {counted}."
    chosen = st.slider("Tempo", low, high, round(default / beat), key=tempo_key(key, beat), format="%d bpm",
                       help=help, **PERSISTED)  # fmt: skip
    return float(chosen * beat)


def tempo_key(key: str, beat: float) -> str:
    """The key of the tempo's slider: another one where other beats are counted."""
    return f"{key}_tempo" if beat == 1 else f"{key}_dotted_tempo"


def paced(song: Song) -> str:
    """A song's tempo as a title has it: "90 bpm", "♩. = 120" where dotted quarters are counted, or from the slowest to
    the fastest where it changes, "60–90 bpm"."""
    beat = beat_of(song.meter)
    tempi = [round(tempo / beat) for tempo in (song.tempo, *(each for _, each in song.tempo_changes))]
    said = f"{min(tempi)}–{max(tempi)}" if min(tempi) < max(tempi) else f"{tempi[0]}"
    return f"{said} bpm" if beat == 1 else f"♩. = {said}"


def transpose(key: str) -> int:
    """Semitones, −12 to 12."""
    help = "Semitones up or down; the drums stay as they are."
    return int(st.slider("Transpose", -12, 12, 0, key=f"{key}_transpose", format="%+d", help=help, **PERSISTED))


def shaped(key: str, song: Song) -> Song:
    """Tempo and transposition of a song that is there already."""
    left, right = st.columns(2)
    with left:
        bpm = tempo(key, song.tempo)
    with right:
        up = transpose(key)
    return song.transposed(up).with_tempo(bpm)


def upload(label: str, endings: Sequence[str], *, key: str, help: str, most: int | None = None) -> File | None:
    """A file that a person brings, of at most so many MiB where that is less than the server takes (`most`). It stays
    through a change of page and a reload, until it is let go."""
    given = st.file_uploader(label, list(endings), key=key, help=help, on_change=dropped, args=(key,),
                             max_upload_size=most)  # fmt: skip
    return kept(key, File(given.name, given.getvalue()) if given is not None else None)


def dropped(key: str) -> None:
    """Let go of what a person took out of a control. For callbacks."""
    if st.session_state[key] is None:
        let_go(key)


def kept(key: str, given: File | None) -> File | None:
    """What a person has just given, or gave before; then it is said, and can be let go."""
    slot = f"{key} kept"
    if given is not None:
        st.session_state[slot] = given
        history.remember()
    file: File | None = st.session_state.get(slot)
    if given is None and file is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key} held"):
            st.caption(plain(f"{file.name} is still here."), width="content")
            st.button("Let go", key=f"{key} away", icon=":material/close:", on_click=let_go, args=(key,),
                      help="Go on without this file.")  # fmt: skip
    return file


def let_go(key: str) -> None:
    """Keep the file of an upload no longer. For callbacks, or before it is drawn."""
    st.session_state.pop(f"{key} kept", None)


def tune_of_book(titles: list[str], key: str) -> int | None:
    """Which tune of a book in ABC, from 1; None, and nothing to choose, where there is only one."""
    if len(titles) < 2:
        return None
    names = {number: f"{number} · {title}" for number, title in enumerate(titles, start=1)}
    chosen: int = st.selectbox("Tune of the book", names, key=key, format_func=names.__getitem__,
                               persist_state="session", help="The text holds several; this one is played.")  # fmt: skip
    return chosen


def track_of(request: type[Request], song: Song, key: str) -> str | None:
    """The number of the track that is a song's tune; None, where there is but one or a person leaves it to be found."""
    tracks = tracks_of(dataclasses.replace(song, tracks=tuple(t for t in song.tracks if t.name != CHORD_SYMBOLS)))
    if len(tracks) < 2:
        return None
    programs = program_names()
    labels = [f"{track.name}, {programs.get(track.program, 'effect').lower()}" for track in tracks]
    names = {ALL: "All together", **{str(n): f"{n} · {label}" for n, label in enumerate(labels, start=1)}}
    return st.selectbox("Track", names, index=None, placeholder="The tune, as it is found", key=key,
                        persist_state="session", format_func=names.__getitem__,
                        help=field_of(request, "track").option.help)  # fmt: skip


def of_file(key: str, file: File) -> str:
    """The key of a control of what is in a file: another one for another file."""
    return f"{key}_{zlib.crc32(file.content):08x}"
