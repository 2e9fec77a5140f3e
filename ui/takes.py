"""Takes on the pages: save what was made, send it on, choose one to work from.

    takes.actions("band", result, "jazz-7")         under every result: save, send to, download
    take = takes.pick("variation")                  a picker of takes; the one that was sent here stands first

Sending keeps a take first, so that nothing is lost on the way and the chain of parents is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import streamlit as st

from engine import RequestError
from engine.core.result import Result
from engine.takes.library import Library, Take
from ui import downloads, frame, jobs
from ui.history import history_of
from ui.mixing import Channel

SCALARS = (str, int, float, bool)
TAKES_SONG = ("band", "variation", "trombone")  # pages that work from notes
TAKES_SOUND = ("translation",)  # pages that work from a sound; notes are played for them first


def targets(song: bool, current: str = "") -> list[frame.Page]:
    """The pages, but the one that is `current`, that can take a result: one with notes (`song`) or only a sound."""
    wanted = (TAKES_SONG if song else ()) + TAKES_SOUND
    return [page for page in frame.pages() if page.title.lower() in wanted and page.title.lower() != current]


def chain(library: Library, parents: Sequence[str]) -> str:
    """What a take was made from, as plain text: "The Rosy Heron ← Jazz, seed 3"; "" where from nothing kept."""
    return " ← ".join(take.name for take in library.lineage(parents))


def actions(
    key: str,
    result: Result,
    file: str,
    *,
    name: str = "",
    parents: Sequence[str] = (),
    mix: Mapping[str, float] | None = None,
    locks: Sequence[str] = (),
    flat: bool = False,
    brought: bool = False,
) -> None:
    """What can be done with a result: save it as a take, with its mix and the `locks` of its tracks, send it to a page
    that can take it, download it in files that begin with `file`; and what it was made from. `flat`: without menus, for
    where this stands in one. Where its notes are `brought`, changed by hand or some bars of it written anew, that the
    address of the page cannot hold them is said.

    A refusal is shown. While a job of `result`'s page is making another, this one is saved, but not sent on: who
    presses then means the one to come.
    """
    waiting = jobs.busy(result.request.SYSTEM)
    with st.container(horizontal=True, gap="small", key=f"takes {key}"):
        save = st.button("Save", key=f"save {key}", icon=":material/bookmark_add:",
                         help="Keep it as a take, with its recipe.")  # fmt: skip
        to = send_menu(key, result.song is not None and result.song.notes > 0, result.request.SYSTEM, flat=flat,
                       says="Keep it as a take and open it on the {} page." if not waiting
                       else "The new one is not ready yet.", disabled=waiting)  # fmt: skip
        with nullcontext() if flat else st.popover("Download", icon=":material/download:", key=f"download {key}"):
            downloads.show(key, file, result, mix=mix)
    if not flat and (brought or result.by_hand or getattr(result.request, "rewrite", None)):
        st.caption("The address of this page holds its settings, not these notes: Save keeps them.")
    try:
        if save or to:
            shown = history_of(key).shown
            controls = shown.controls if shown and (locks or shown.asked != shown.settings) else {}
            held = {name: value for name, value in controls.items() if isinstance(value, SCALARS)}
            channels = {name: channel for name, channel in history_of(key).mix.items() if channel != Channel()}
            take = Library().keep(result, name=_told_apart(name or result.request.title), parents=parents, mix=channels,
                                  locks=locks, controls=held)  # fmt: skip
            if to:
                send(take, to)
            st.toast(f"Kept as “{frame.plain(take.name)}”.", icon=":material/bookmark_added:")
        if parents and (said := chain(Library(), parents)):
            st.caption(frame.plain(f"Made from {said}"))
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")


def _told_apart(name: str) -> str:
    """A name that no take has yet: with a number where one has it."""
    names, number, told = {take.name for take in Library().takes()}, 1, name
    while told in names:
        number += 1
        told = f"{name} ({number})"
    return told


def send_menu(
    key: str, song: bool, current: str = "", *, says: str, flat: bool = False, disabled: bool = False
) -> frame.Page | None:
    """The pages that can take a result, in a menu; the one that was pressed. `says`: what a press does, with {} for a
    page's name."""
    wanted = targets(song, current)
    if not wanted:
        return None
    with nullcontext() if flat else st.popover("Send to", icon=":material/send:", key=f"send {key}"):
        pressed = [st.button(page.title, key=f"send {key} {page.title}", icon=page.icon, disabled=disabled,
                             type="secondary" if flat else "tertiary", help=says.format(page.title))
                   for page in wanted]  # fmt: skip
    return next((page for page, hit in zip(wanted, pressed) if hit and not disabled), None)


def send(take: Take, page: frame.Page) -> None:
    """Open a page with this take chosen."""
    st.session_state[f"sent {page.title.lower()}"] = take.id
    st.switch_page(page.path, query_params={})  # without it, Streamlit refuses to leave settings in the address behind


def labels(takes: Sequence[Take]) -> dict[str, str]:
    """What a list to choose from calls each take, by id: its name, numbered where an older take has it too.

    Streamlit tells choices apart by what is written there.
    """
    ids: dict[str, str] = {}  # by label
    for take in reversed(takes):
        name = label = f"{'★ ' if take.starred else ''}{take.name}"
        number = 1
        while label in ids:
            number += 1
            label = f"{name} ({number})"
        ids[label] = take.id
    return {id: label for label, id in reversed(ids.items())}


def pick(system: str, *, sound: bool = False, label: str = "Take") -> Take | None:
    """A picker of the takes with notes, or of all where any `sound` will do; None until one is chosen.

    A take that was sent to this page is chosen already. A library that cannot be opened is refused on the page.
    """
    try:
        every = Library().takes()
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        return None
    choices = {take.id: take for take in every if take.has_song or (sound and take.has_sound)}
    if not choices:
        st.caption("No takes yet: save something you made on another page, and it can be chosen here.")
        return None
    slot = f"take for {system}"
    sent = st.session_state.pop(f"sent {system}", None)
    if sent in choices:
        st.session_state[slot] = sent
    elif st.session_state.get(slot) not in choices:
        st.session_state.pop(slot, None)
    id = st.selectbox(label, list(choices), index=None, key=slot, format_func=labels(every).__getitem__,
                      placeholder="Choose a take", help="What you saved, the newest first.")  # fmt: skip
    return choices[id] if id else None


def was_sent(system: str) -> bool:
    """Whether another page has just sent a take here that `pick` has not shown yet."""
    return f"sent {system}" in st.session_state
