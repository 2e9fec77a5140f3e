"""Takes on the pages: save what was made, send it on, choose one to work from.

    takes.save_or_send("band", result)                under every result
    take = takes.pick("variation")                  a picker of takes; the one that was sent here stands first

Sending keeps a take first, so that nothing is lost on the way and the chain of parents is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import RequestError
from engine.core.commandline import spelled
from engine.core.request import fields
from engine.core.result import Result
from engine.systems import SYSTEMS, system
from engine.takes.library import Library, Take
from ui import frame, jobs

TAKES_SONG = ("band", "variation", "trombone")  # pages that work from notes
TAKES_SOUND = ("translation",)  # pages that work from a sound; notes are played for them first


def targets(song: bool, current: str = "") -> list[frame.Page]:
    """The pages, but the one that is `current`, that can take a result: one with notes (`song`) or only a sound."""
    wanted = (TAKES_SONG if song else ()) + TAKES_SOUND
    return [page for page in frame.pages() if page.title.lower() in wanted and page.title.lower() != current]


def chain(library: Library, parents: Sequence[str]) -> str:
    """What a take was made from, as plain text: "Reel no. 7 ← Jazz, seed 3"; empty where it was from nothing kept."""
    return " ← ".join(take.name for take in library.lineage(parents))


def settings_in_words(take: Take) -> list[str]:
    """What a take was asked for, by the labels of its page: "style jazz 1", "length 8"."""
    known = {}
    if take.recipe.system in SYSTEMS:
        for field in fields(system(take.recipe.system).Request):
            known[field.name] = known[field.flag[2:].replace("-", "_")] = field.label
    said = []
    for name, value in take.recipe.settings.items():
        if name in ("format", "seed") or value is None or value is False or value in ("", [], {}, *take.files):
            continue
        label = known.get(name, name.replace("_", " ")).lower()
        said.append(label if value is True else f"{label} {spelled(value)}")
    return said


def save_or_send(
    key: str,
    result: Result,
    *,
    name: str = "",
    parents: Sequence[str] = (),
) -> None:
    """A row that saves a result as a take, or sends it to a page that can take it; and what it was made from.

    A refusal is shown. While a job of `result`'s page is making another, this one is saved, but not sent on: who
    presses then means the one to come.
    """
    system = result.request.SYSTEM
    waiting = jobs.busy(system)
    with st.container(horizontal=True, gap="small", key=f"takes {key}"):
        save = st.button(
            "Save as take", key=f"save {key}", icon=":material/bookmark_add:", help="Keep it, with its recipe."
        )
        wanted = [
            page
            for page in targets(result.song is not None and result.song.notes > 0, system)
            if st.button(f"To {page.title}", key=f"send {key} {page.title}", icon=page.icon, disabled=waiting,
                         help=f"Keep it as a take and open it on the {page.title} page." if not waiting
                         else "The new one is not ready yet.") and not waiting
        ]  # fmt: skip
    try:
        if save or wanted:
            take = Library().keep(result, name=name, parents=parents)
            if wanted:
                send(take, wanted[0])
            st.toast(f"Kept as “{frame.plain(take.name)}”.", icon=":material/bookmark_added:")
        if parents and (said := chain(Library(), parents)):
            st.caption(frame.plain(f"Made from {said}"))
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")


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
