"""Widgets made from a request's fields, and controls that several pages have: a seed with a lock and a reroll, tempo.

    bars = controls.slider(Request, "bars", key="band_bars")    # label, range, default and help are the field's
    key = controls.pick(Request, "key", key="band_key", placeholder="As it comes")
    seed = controls.seed("band_seed")                                       # a number, a lock, a die
    controls.reroll_button("band_seed", "Play something new")               # the page's big button: a new seed
    song = controls.shaped("band", song)                    # tempo and transposition, without making anything anew

Every control of a page takes `**PERSISTED`: its value stands in the address, so that a link makes the same again, and
it outlives a change of page. Keys begin with the page's name, because the address and the session are shared by all.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from engine.core.request import Request, field_of
from engine.core.song import Song

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
    """Put a new seed in place, unless it is locked. For callbacks."""
    if not st.session_state.get(f"{key}_lock"):
        st.session_state[key] = secrets.randbelow(SEEDS)


def _lock(key: str) -> None:
    st.session_state[f"{key}_lock"] = True


def seed(key: str, default: int = 7, label: str = "Seed") -> int:
    """A seed: typing one locks it, the die rolls another."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"seed-{key}"):
        value = st.number_input(
            label, 0, MAX_SEED, default, key=key, on_change=_lock, args=(key,), **PERSISTED,
            help="The same seed with the same settings always plays the same music. Write down the ones you like.",
        )  # fmt: skip
        locked = st.session_state.get(f"{key}_lock", False)
        st.button(
            "Roll", key=f"{key} roll", icon=":material/casino:", on_click=roll, args=(key,), disabled=locked,
            help="Roll a new seed" if not locked else "The seed is locked.",
        )  # fmt: skip
        st.toggle("Lock", key=f"{key}_lock", **PERSISTED, help="Keep this seed while you change everything else.")
    return int(value)


def reroll_button(key: str, label: str, help: str = "The same settings with another seed.") -> bool:
    """A page's big button: rolls the seed `key` unless it is locked. True when it was pressed."""
    locked = st.session_state.get(f"{key}_lock", False)
    return st.button(
        label, key=f"{key} again", type="primary", icon=":material/casino:", on_click=roll, args=(key,),
        width="stretch", disabled=locked, help=help if not locked else "The seed is locked; unlock it first.",
    )  # fmt: skip


def tempo(key: str, default: int, low: int = 40, high: int = 240) -> int:
    """Quarter notes a minute."""
    help = "Beats a minute, counted in quarter notes."
    return int(st.slider("Tempo", low, high, default, key=f"{key}_tempo", format="%d bpm", help=help, **PERSISTED))


def paced(song: Song) -> str:
    """A song's tempo as a title has it: "90 bpm", or from the slowest to the fastest where it changes, "60–90 bpm"."""
    tempi = [round(tempo) for tempo in (song.tempo, *(each for _, each in song.tempo_changes))]
    return f"{min(tempi)}–{max(tempi)} bpm" if min(tempi) < max(tempi) else f"{tempi[0]} bpm"


def transpose(key: str) -> int:
    """Semitones, −12 to 12."""
    help = "Semitones up or down; the drums stay as they are."
    return int(st.slider("Transpose", -12, 12, 0, key=f"{key}_transpose", format="%+d", help=help, **PERSISTED))


def shaped(key: str, song: Song) -> Song:
    """Tempo and transposition of a song that is there already."""
    left, right = st.columns(2)
    with left:
        bpm = tempo(key, round(song.tempo))
    with right:
        up = transpose(key)
    return song.transposed(up).with_tempo(bpm)


def tune_of_book(titles: list[str], key: str) -> int | None:
    """Which tune of a book in ABC, from 1; None, and nothing to choose, where there is only one."""
    if len(titles) < 2:
        return None
    names = {number: f"{number} · {title}" for number, title in enumerate(titles, start=1)}
    chosen: int = st.selectbox("Tune of the book", names, key=key, format_func=names.__getitem__,
                               help="The text holds several; this one is played.")  # fmt: skip
    return chosen
