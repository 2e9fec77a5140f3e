"""The frame of every page: its title, its look, the menu, and the models that pages share.

A page begins with :func:`open_page`, before any other call to Streamlit:

    from ui import frame
    frame.open_page("Band", "Pick a style; five players improvise.")
    model, lock = frame.cached_model("band", CHECKPOINTS / "band", band.load)

The menu and the home page's cards show the pages that exist, in the order of `PAGES`: a new page is one line there.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit import runtime

from engine import play_on_one_thread
from engine.core import checkpoint
from ui import history
from ui.roll import COLOURS

play_on_one_thread()

Model = TypeVar("Model")

ROOT = Path(__file__).resolve().parent.parent
ICON = ROOT / "assets" / "icon.png"


@dataclass(frozen=True)
class Page:
    path: str  # from the repository's root
    title: str
    icon: str  # a Material symbol; Streamlit ships the font
    says: str  # what a person gets there, for the home page's card
    makes: bool = True  # music, and so opens with some

    @property
    def exists(self) -> bool:
        """Whether its file is there."""
        return (ROOT / self.path).is_file()


HOME = Page("app.py", "Home", ":material/home:", "")
PAGES = (
    Page("pages/band.py", "Band", ":material/queue_music:",
         "Pick a style: drums, piano, guitar, bass and strings improvise together."),
    Page("pages/variation.py", "Variation", ":material/alt_route:",
         "Bring a MIDI file, move one slider, hear its cousins, and what might come next."),
    Page("pages/melody.py", "Melody", ":material/music_note:",
         "A folk tune in the key and meter you ask for, as a score to read and a sound to hear."),
    Page("pages/trombone.py", "Trombone", ":material/graphic_eq:",
         "A trombone, sample by sample: one note, a scale, or a whole melody."),
    Page("pages/translation.py", "Translation", ":material/swap_horiz:",
         "A recording of one instrument, performed again on another."),
    Page("pages/jam.py", "Jam", ":material/groups:",
         "The band plays on and on, and follows your chords, your keys and every control."),
    Page("pages/inside.py", "Inside", ":material/visibility:",
         "How good each network is beside real music, and how it came to what it made.", makes=False),
    Page("pages/takes.py", "Takes", ":material/library_music:",
         "All that you kept, with the recipe to make it again.", makes=False),
)  # fmt: skip


def pages() -> list[Page]:
    """The pages that exist, in the menu's order."""
    return [page for page in PAGES if page.exists]


def makers() -> list[Page]:
    """Those that make music."""
    return [page for page in pages() if page.makes]


def open_page(title: str, says: str = "") -> None:
    """The first call of every page: browser title, look, menu, heading, and one line (`says`) on what the page does."""
    st.set_page_config(
        page_title=f"{title} · Bandstand" if title != "Bandstand" else title,
        page_icon=_icon(),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(f"<style>{style()}</style>")
    asked = st.query_params.get("open")
    _tab(key="tab", data={"name": history.open_memory(title), "open": asked}, on_theme_change=lambda: None)
    if asked:
        del st.query_params["open"]
    with st.container(horizontal=True, key="menu", gap="small", vertical_alignment="center"):
        st.page_link(HOME.path, label="Bandstand", icon=":material/home:")
        for page in pages():
            st.page_link(page.path, label=page.title, icon=page.icon)
    st.title(title, anchor=False)
    if says:
        st.markdown(f":gray[{says}]")


@cache
def _icon() -> str:
    """The tab's picture in words: a file of Streamlit's is forgotten while one goes from page to page."""
    return f"data:image/png;base64,{base64.b64encode(ICON.read_bytes()).decode()}"


@cache
def style() -> str:
    """The stylesheet, below the colours of the theme and of the players, each on light and on dark."""
    named = {"accent": "primary", "paper": "background", "shade": "secondaryBackground", "ink": "text"}
    pairs = {name: tuple(st.get_option(f"theme.{base}.{colour}Color") for base in ("light", "dark"))
             for name, colour in named.items()}  # fmt: skip
    colours = "".join(f"--{name}: light-dark({', '.join(pair)});" for name, pair in (pairs | COLOURS).items())
    return f":root, :host {{ {colours} }}\n{Path(__file__).with_name('style.css').read_text('utf-8')}"


def cached_model(system: str, folder: Path | str, loader: Callable[..., Model]) -> tuple[Model, threading.Lock]:
    """`loader(folder)`, once for all sessions and for each version of the weights; and a lock, for models whose
    `generate` is not safe for threads. A Refused from the loader passes through. May be called from a job.
    """
    sha256 = str(checkpoint.read_config(folder)["sha256"])
    return _model(system, str(folder), sha256, loader)


_LOADING = threading.Lock()


def _model(system: str, folder: str, sha256: str, loader: Callable[..., Any]) -> tuple[Any, threading.Lock]:
    with _LOADING:  # two sessions that open a page at once load one model, not two
        return _held(system, folder, sha256, loader)


@st.cache_resource(show_spinner=False, max_entries=16)
def _held(system: str, folder: str, sha256: str, _loader: Callable[..., Any]) -> tuple[Any, threading.Lock]:
    return _loader(Path(folder)), threading.Lock()


def component(name: str, **parts: str) -> Callable[..., Any]:
    """A component of Streamlit (html, css, js), in the studio's style, shown by calling what comes back.

    It is registered with the runtime that shows it: one imported while another ran would be unknown to it.
    """

    mount: Callable[..., Any] | None = None

    def show(**arguments: Any) -> Any:
        nonlocal mount
        if mount is None or runtime.get_instance().bidi_component_registry.get(name) is None:
            css = {"css": style() + parts["css"]} if "css" in parts else {}
            mount = st.components.v2.component(name, **parts | css)  # type: ignore[arg-type]  # html, css and js are text
        return mount(**arguments)

    return show


_tab = component("bandstand_tab", html="<i></i>", js=Path(__file__).with_name("tab.js").read_text("utf-8"))


def details(text: str) -> None:
    """Figures of the laboratory, one click away; `text` is shown as it is."""
    if text:
        with st.expander("Details", type="compact"):
            st.caption(plain(text))


def plain(text: str) -> str:
    """Text as it is: nothing in it becomes Markdown or HTML."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|~$:" else c for c in text)
