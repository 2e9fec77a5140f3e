"""What a session made and chose: steps back and forth through the results of a page, and all of it again after F5.

    frame.open_page                      calls `open_memory` first: a reload of a tab goes on where it was, and so does
                                         the browser's Back from another page
    history = history_of("band")         entries, and which of them is shown
    history_of("band").add(entries)      the first of them is shown then
    history_of("band").asked(settings)   where the result is that these settings made
    restore("band", entry.controls)      the page's controls as they were when it was asked for; for callbacks

A tab says its name in a cookie in the moment in which it is left (tab.js), and no other does; so a reload finds what
the same tab had, and a new tab begins anew. What is remembered are the session's own values: controls, texts, results.
Sounds and other arrays of results that are far back lie in files of a temporary folder.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.core.request import File, Request
from engine.core.song import Song
from engine.melody.abc.canonical import Tune
from ui.mixing import Channels

COOKIE = "bandstand_tab"
MEMORIES = 32  # tabs that can be reloaded, those left last
NEAR = 4  # results on either side of the one that is shown whose arrays stay in memory
LARGE = 2**16  # bytes of an array from which on it is put into a file
MOST = 200  # results of a page
CONTROL = re.compile(r"[a-z]+_[a-z0-9_]+|melody (abc|good|candidate|book) [^f]*|take for .*|.* kept")
NO_CONTROL = re.compile(r".*_(roll|inside|file|microphone)")  # buttons, boxes, and what uploads are held in
SLOTS = ("_job ", "_made ", "_asked ", "_says ", "_tried ", "_histories")
PLAIN = (str, int, float, bool, tuple, list, type(None), File, Tune)


@dataclass(frozen=True)
class Spilled:
    """An array that lies in a file."""

    path: Path


@dataclass
class History:
    """The results of a page in this session, oldest first, and which one is shown."""

    entries: list[Any] = field(default_factory=list)  # ui.jobs.JobResult
    at: int = -1
    seen: list[int] = field(default_factory=list)  # numbers of the results as they were shown, the last at the end
    mixes: dict[int, Channels] = field(default_factory=dict)  # by the numbers of results; of 0, where there are none
    away: set[int] = field(default_factory=set)  # numbers of the results whose arrays lie in files
    folder: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)

    @property
    def shown(self) -> Any | None:
        return self.entries[self.at] if self.entries else None

    @property
    def number(self) -> int:
        """That of the result that is shown; 0 where there is none."""
        return self.shown.number if self.shown else 0

    @property
    def mix(self) -> Channels:
        """How the result that is shown is heard."""
        return self.mixes.get(self.number, {})

    def add(self, entries: list[Any], mix: Channels | None = None) -> None:
        """More results, of which the first is shown then; heard as the one before was, unless a `mix` is given. Of
        those of one hand the last is kept."""
        mix = self.mix if mix is None else mix
        if self.shown and self.shown.hand and self.shown.hand == entries[0].hand:
            del self.entries[self.at]
        self.at = len(self.entries)
        self.entries += entries
        if (over := len(self.entries) - MOST) > 0:
            del self.entries[:over]
            self.at -= over
        known = self.mixes | {entry.number: mix for entry in entries}
        self.mixes = {entry.number: known.get(entry.number, {}) for entry in self.entries}
        self._settle()

    def go(self, at: int) -> Any:
        """Show another; returns it."""
        self.at = min(max(at, 0), len(self.entries) - 1)
        self._settle()
        return self.shown

    def copy(self) -> History:
        """The same, for another session; sounds in files are shared."""
        return replace(self, entries=list(self.entries), seen=list(self.seen), mixes=dict(self.mixes),
                       away=set(self.away))  # fmt: skip

    def asked(self, settings: Any) -> int | None:
        """Where the result is that was shown last of those that the page showed for these settings."""
        same = [at for at, entry in enumerate(self.entries) if entry.asked == settings]
        last = {number: at for at, number in enumerate(self.seen)}
        return max(same, key=lambda at: last.get(self.entries[at].number, -1), default=None)

    def find(self, number: int | None) -> int | None:
        """Where the result of this number is."""
        return next((at for at, entry in enumerate(self.entries) if entry.number == number), None)

    def _settle(self) -> None:
        """It is shown; arrays near it are in memory, others in files."""
        self.seen = [*(number for number in self.seen if number != self.entries[self.at].number),
                     self.entries[self.at].number]  # fmt: skip
        for at, entry in enumerate(self.entries):
            near = abs(at - self.at) <= NEAR
            if near == (entry.number in self.away):
                self.entries[at] = replace(entry, value=_back(entry.value) if near else self._put_away(entry.value))
                self.away ^= {entry.number}

    def _put_away(self, value: Any) -> Any:
        known: dict[int, Spilled] = {}

        def put(array: np.ndarray) -> np.ndarray | Spilled:
            if array.nbytes < LARGE:
                return array
            if id(array) not in known:
                known[id(array)] = Spilled(Path(self.folder.name) / f"{secrets.token_hex(8)}.npy")
                np.save(known[id(array)].path, array)
            return known[id(array)]

        return _changed(value, np.ndarray, put)


def _back(value: Any) -> Any:
    known: dict[Path, np.ndarray] = {}

    def fetch(spilled: Spilled) -> np.ndarray:
        if spilled.path not in known:
            known[spilled.path] = np.load(spilled.path)
        return known[spilled.path]

    return _changed(value, Spilled, fetch)


def _changed(value: Any, what: type, change: Any) -> Any:
    """A value with all that is of a type changed, within collections, dataclasses and calls that are put off; the same
    where nothing is. Songs and requests have nothing that is large."""
    if isinstance(value, what):
        return change(value)
    if isinstance(value, (Song, Request)):
        return value
    if isinstance(value, partial):
        args, known = _changed(value.args, what, change), _changed(value.keywords, what, change)
        return value if args is value.args and known is value.keywords else partial(value.func, *args, **known)
    if isinstance(value, dict):
        found = {name: _changed(part, what, change) for name, part in value.items()}
        return value if all(found[name] is part for name, part in value.items()) else found
    if isinstance(value, (list, tuple)):
        parts = [_changed(part, what, change) for part in value]
        if all(a is b for a, b in zip(parts, value)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if is_dataclass(value) and not isinstance(value, type):
        own = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        new = {name: changed for name, part in own.items() if (changed := _changed(part, what, change)) is not part}
        return replace(value, **new) if new else value
    return value


def history_of(key: str) -> History:
    """The results of a key in this session."""
    histories: dict[str, History] = st.session_state.setdefault("_histories", {})
    if key not in histories:
        histories[key] = History()
    return histories[key]


def controls_of(key: str) -> dict[str, Any]:
    """The controls of a page as they stand."""
    return controls_among(key, dict(st.session_state.items()))


def controls_among(key: str, values: Mapping[Any, Any]) -> dict[str, Any]:
    """Which of some values are controls of a page."""
    mine = re.compile(rf"{re.escape(key)}[_ ].*|take for {re.escape(key)}")
    return {name: value for name, value in _controls(values).items() if mine.fullmatch(name)}


def restore(key: str, controls: Mapping[str, Any]) -> None:
    """Put the controls of a page back to where they were. For callbacks, or before the page draws them."""
    for name in controls_of(key):
        if name.endswith(" kept") and name not in controls:
            del st.session_state[name]
    for name, value in controls.items():
        st.session_state[name] = value


def restore_next(key: str, controls: Mapping[str, Any]) -> None:
    """The same at the beginning of the next run of the whole page, or of the one after where that is broken off before
    its controls are drawn: what a fragment puts into controls outside it, the browser's next word takes back."""
    st.session_state["_restoring"] = key, controls


def drawn(key: str) -> None:
    """The controls of a page have been drawn: they are no longer to be put back."""
    if st.session_state.get("_restoring", ("",))[0] == key:
        del st.session_state["_restoring"]


def _controls(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(name, str)
            and CONTROL.fullmatch(name) and not NO_CONTROL.fullmatch(name) and type(value) in PLAIN}  # fmt: skip


# ---- through a reload ------------------------------------------------------------------------------------------------


_LOCK = threading.Lock()


@st.cache_resource
def _memories() -> OrderedDict[str, dict[str, Any]]:
    """What each tab had, by its name."""
    return OrderedDict()


def _cookie() -> str:
    """The name of the tab that was left a moment ago for this session."""
    return str(st.context.cookies.get(COOKIE, ""))


def open_memory(page: str) -> str:
    """Remember this session, or where its tab was reloaded go on with what it had; returns the tab's name.

    A `page` that the browser's Back or Forward leads to is as it was left: Streamlit would put to its default whatever
    the address does not say, and an address that was left for a page by a button says nothing.
    """
    state = st.session_state
    if "_tab" not in state:
        state["_tab"] = secrets.token_hex(8)
        with _LOCK:
            known = _memories().get(_cookie(), {})
        for name, value in known.items():
            if name not in state and name not in st.query_params:
                state[name] = value
        if "_histories" in known:
            state["_histories"] = {key: history.copy() for key, history in known["_histories"].items()}
    came_from, state["_page"] = state.get("_page", page), page
    if came_from != page:
        state.pop("_restoring", None)
    elif waiting := state.get("_restoring"):
        restore(*waiting)
    if came_from != page and getattr(get_script_run_ctx(), "is_history_navigation", False):
        st.rerun()
    remember()
    return str(state["_tab"])


def remember() -> None:
    """Keep what the session has now for a reload of its tab, on a page that `open_memory` opened."""
    tab = st.session_state.get("_tab")
    if tab is None:
        return
    slots = {str(name): value for name, value in st.session_state.items() if str(name).startswith(SLOTS)}
    with _LOCK:
        _memories()[tab] = _controls(dict(st.session_state.items())) | slots
        _memories().move_to_end(tab)
        while len(_memories()) > MEMORIES:
            _memories().popitem(last=False)
