"""Takes on the pages: save what was made, send it on, choose one to work from.

    takes.offer("band", made, Recipe("band", {"genre": "jazz", "bars": 8}, 7, model.sha256))     under every result
    take = takes.choose("variation", song=True)       a picker of takes; the one that was sent here stands first

Sending keeps a take first, so that nothing is lost on the way and the chain of parents is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import Refused
from engine.made import Made
from engine.takes import Library, Recipe, Take
from ui import frame

TAKES_SONG = ("variation", "trombone")  # pages that work from notes
TAKES_SOUND = ("translation",)  # pages that work from a sound; notes are played for them first


def targets(made: Made, system: str) -> list[frame.Page]:
    """The pages that can take what was made on the page of `system`."""
    wanted = (TAKES_SONG if made.song is not None else ()) + TAKES_SOUND
    return [page for page in frame.pages() if page.title.lower() in wanted and page.title.lower() != system]


def offer(
    key: str,
    made: Made,
    recipe: Recipe,
    *,
    name: str = "",
    parents: Sequence[str] = (),
    inputs: dict[str, bytes] | None = None,
) -> None:
    """A row that saves a result as a take, or sends it to a page that can take it. A refusal is shown."""

    def keep() -> Take | None:
        try:
            return Library().keep(made, recipe, name=name, parents=parents, inputs=inputs)
        except Refused as refused:
            st.error(str(refused), icon=":material/error:")
            return None

    with st.container(horizontal=True, gap="small", key=f"takes {key}"):
        if st.button(
            "Save as take", key=f"save {key}", icon=":material/bookmark_add:", help="Keep it, with its recipe."
        ):
            take = keep()
            if take:
                st.toast(f"Kept as “{frame.plain(take.name)}”.", icon=":material/bookmark_added:")
        for page in targets(made, recipe.system):
            says = f"Keep it as a take and open it on the {page.title} page."
            if st.button(f"To {page.title}", key=f"send {key} {page.title}", icon=page.icon, help=says):
                take = keep()
                if take:
                    send(take, page)


def send(take: Take, page: frame.Page) -> None:
    """Open a page with this take chosen."""
    st.session_state[f"sent {page.title.lower()}"] = take.id
    st.switch_page(page.path)


def choose(system: str, *, song: bool = False, sound: bool = False) -> Take | None:
    """A picker of the takes with notes (`song`) or with any sound; None until one is chosen.

    A take that was sent to this page is chosen already, and its chain of parents is shown.
    """
    library = Library()
    found = [
        take for take in library.takes() if (song and take.has_song) or (sound and (take.has_sound or take.has_song))
    ]
    if not found:
        st.caption("No takes yet: save something you made on another page, and it can be chosen here.")
        return None
    slot = f"take for {system}"
    sent = st.session_state.pop(f"sent {system}", None)
    ids = [take.id for take in found]
    if sent in ids:
        st.session_state[slot] = sent
    elif st.session_state.get(slot) not in ids:
        st.session_state.pop(slot, None)
    names = {take.id: f"{'★ ' if take.starred else ''}{take.name}" for take in found}
    id = st.selectbox("Take", ids, index=None, key=slot, format_func=names.__getitem__, placeholder="Choose a take",
                      help="What you saved, the newest first.")  # fmt: skip
    if id is None:
        return None
    take = library.get(id)
    if chain := library.ancestors(take):
        st.caption(frame.plain("Made from " + " ← ".join(parent.name for parent in chain)))
    return take


def was_sent(system: str) -> bool:
    """Whether another page has just sent a take here that `choose` has not shown yet."""
    return f"sent {system}" in st.session_state
