"""One strip a player of a band, above the lanes: plays or rests, another part, a lock; and one click away instrument,
how busy it is, register and the number of its part.

    if locked("band"): …                                   what is asked for then is `kept(…)`, a song whose lanes stay
    fields = show("band", Request, another, shown)         # busy, register, programs, without, track_seeds

What is locked stays note for note in everything that is made. The locks and the song that they hold are controls of the
page: a step back to a result brings back its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import streamlit as st

from engine import RequestError
from engine.core.instruments import DRUM_KITS, program_names
from engine.core.midi import read_midi, write_midi
from engine.core.pianoroll import TRACKS
from engine.core.request import File, Request, field_of
from engine.core.song import Song
from engine.takes.library import SONG
from ui import controls, jobs
from ui.controls import PERSISTED
from ui.opening import Opened, nearest

INSTRUMENTS = program_names()
SAME = "as usual"  # of a player's level that nobody chose
LEVELS = (SAME, *(n / 10 for n in range(11)))
OCTAVES = range(-2, 3)


def locked(key: str) -> tuple[str, ...]:
    """Whose notes stay."""
    return tuple(st.session_state.setdefault(f"{key}_locks", ()))


def kept(key: str, fields: Mapping[str, Any]) -> tuple[File, tuple[str, ...]]:
    """The song that the locks hold, with the instruments and without those that `fields` name, and who plays it anew.
    Refused where nobody is left to."""
    players = tuple(track for track in TRACKS if track not in locked(key) and track not in fields["without"])
    if not players:
        raise RequestError("Everyone who plays is locked; unlock a player to have something new.")
    file: File = st.session_state[f"{key} locked kept"]
    return _arranged(file, tuple(fields["programs"].items()), fields["without"]), players


@lru_cache(maxsize=8)
def _arranged(file: File, programs: tuple[tuple[str, int], ...], without: tuple[str, ...]) -> File:
    song, chosen = read_midi(file.content, name=file.name), dict(programs)
    tracks = tuple(replace(track, program=chosen.get(track.name, track.program))
                   for track in song.tracks if track.name not in without)  # fmt: skip
    return File(file.name, write_midi(replace(song, tracks=tracks)), "mid")


def _lock(key: str, track: str, shown: Callable[[], tuple[Song, str] | None]) -> None:
    """Lock a player, or unlock; what is shown stays shown. For callbacks."""
    jobs.agree(key)
    if (now := shown()) is None:
        return
    locks = set(locked(key)) ^ {track}
    st.session_state[f"{key}_locks"] = tuple(each for each in TRACKS if each in locks)
    st.session_state.pop(f"{key} locked kept", None)
    if locks:
        st.session_state[f"{key} locked kept"] = File(now[1], write_midi(now[0]), "mid")


def controls_from(key: str, opened: Opened) -> dict[str, Any]:
    """The controls of the strips, and the locks, of a take that is opened."""
    request, controls = opened.request.to_json(), dict[str, Any]()
    for track in TRACKS:
        controls[f"{key}_{track}"] = track not in request["without"]
        controls[f"{key}_{track}_program"] = request["programs"].get(track)
        controls[f"{key}_{track}_seed"] = request["track_seeds"].get(track)
        level = request["busy"].get(track)
        controls[f"{key}_{track}_busy"] = None if level is None else nearest(LEVELS[1:], level)
        controls[f"{key}_{track}_register"] = nearest(OCTAVES, request["register"].get(track, 0))
    locks = tuple(track for track in TRACKS if track in opened.take.recipe.locks)
    if locks and opened.take.has_song:
        file = File(opened.take.name, opened.library.read(opened.take, SONG), "mid")
        controls |= {f"{key}_locks": locks, f"{key} locked kept": file}
    return controls


def show(
    key: str,
    request: type[Request],
    another: Callable[[str], None],
    shown: Callable[[], tuple[Song, str] | None],
) -> dict[str, Any]:
    """Draw the strips; returns fields of the request.

    `another(track)` begins another part of one player, for callbacks; `shown()` is the song that a lock then holds, and
    its name, None while there is none.
    """
    fields: dict[str, Any] = {"programs": {}, "busy": {}, "register": {}, "track_seeds": {}}
    without = []
    with st.container(horizontal=True, gap="small", key=f"strips-{key}"):
        for track in TRACKS:
            with st.container(border=True, gap="small", key=f"strip-{key}-{track}"):
                plays = st.toggle(f"**{track.capitalize()}**", True, key=f"{key}_{track}", help="Plays, or rests.",
                                  **PERSISTED)  # fmt: skip
                if not plays:
                    without.append(track)
                with st.container(horizontal=True, gap="xsmall", key=f"dice-{key}-{track}"):
                    _dice(key, track, another if plays else None, shown)
                    with st.popover(f"Steer {track.capitalize()}", icon=":material/tune:"):
                        for field, value in _steered(key, request, track).items():
                            fields[field][track] = value
    return fields | {"without": tuple(without)}


def _dice(key: str, track: str, another: Callable[[str], None] | None, shown: Callable[[], Any]) -> None:
    """Another part, where there is one to be had, and the lock."""
    held, player = track in locked(key), track.capitalize()
    st.button(f"Another part for {player}", key=f"{key}_{track}_roll", icon=":material/casino:", on_click=another,
              args=(track,), disabled=held or another is None,
              help="Locked." if held else "Another part; everyone else plays on as before.")  # fmt: skip
    st.button(f"{'Unlock' if held else 'Lock'} {player}", key=f"{key} lock {track}", on_click=_lock,
              args=(key, track, shown), type="primary" if held else "secondary",
              icon=":material/lock:" if held else ":material/lock_open:",
              help="Unlock." if held else "Lock: these notes stay, whatever is made.")  # fmt: skip


def _steered(key: str, request: type[Request], track: str) -> dict[str, Any]:
    """What one player is asked for; only what is chosen."""
    choice = DRUM_KITS if track == "drums" else INSTRUMENTS
    label = partial(_label, request)
    out: dict[str, Any] = {}
    out["programs"] = st.selectbox(label("programs"), list(choice), index=None, format_func=choice.__getitem__,
                                   key=f"{key}_{track}_program", placeholder="The style's own", **PERSISTED,
                                   help="The same notes on another instrument.")  # fmt: skip
    level = st.select_slider(label("busy"), LEVELS, SAME, key=f"{key}_{track}_busy", **PERSISTED,
                             format_func=lambda level: level if level == SAME else f"{level:.0%}",
                             help=field_of(request, "busy").option.help)  # fmt: skip
    out["busy"] = level if isinstance(level, float) else None
    if track != "drums":
        octaves = st.select_slider(label("register"), OCTAVES, 0, key=f"{key}_{track}_register",
                                   format_func=lambda n: f"{n:+d}" if n else SAME, **PERSISTED,
                                   help=field_of(request, "register").option.help)  # fmt: skip
        out["register"] = octaves or None
    if not locked(key):
        own = st.number_input(label("track_seeds"), 0, controls.MAX_SEED, None, key=f"{key}_{track}_seed",
                              placeholder="the band's", **PERSISTED,
                              help="Number of this player's part alone; empty: the band's seed.")  # fmt: skip
        out["track_seeds"] = None if own is None else int(own)
    return {name: value for name, value in out.items() if value is not None}


def _label(request: type[Request], name: str) -> str:
    return field_of(request, name).label
