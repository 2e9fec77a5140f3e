"""Takes: everything that was kept, to find, hear, compare, rename, make again, send on, and carry elsewhere."""

import streamlit as st

from engine import Refused
from engine.again import make_again
from engine.audio import write_flac
from engine.made import Made
from engine.song_midi import write_midi
from engine.takes import SONG, SOUND, Library, Take
from engine.takes_zip import export, unpack
from ui import frame, jobs, player
from ui.takes import send, targets

PAGE = 8  # takes shown at once

frame.open_page("Takes", "All that you kept, with the recipe to make it again.")
library = Library()


def draw(take: Take, group: str = "") -> None:
    """One take: its music, its recipe, and what can be done with it."""
    song, audio = library.song(take), library.audio(take)
    player.show(f"take {take.id}", song=song, audio=audio, compact=audio is None, group=group)
    parents = library.ancestors(take)
    made_from = f" · from {' ← '.join(parent.name for parent in parents)}" if parents else ""
    settings = ", ".join(f"{key} {value}" for key, value in take.recipe.settings.items() if value not in (None, False))
    st.caption(
        frame.plain(
            f"{take.recipe.system.capitalize()} · {settings} · seed {take.recipe.seed} · {take.made[:10]}{made_from}"
        )
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Star" if not take.starred else "Unstar", key=f"star {take.id}", icon=":material/star:"):
            library.star(take.id, not take.starred)
            st.rerun()
        if st.button(
            "Make again", key=f"again {take.id}", icon=":material/replay:", help="From its recipe, and compare."
        ):
            jobs.start(f"again {take.id}", lambda progress: compare(take, progress), label="Making it again")
        for page in targets(Made(song=song, audio=audio), take.recipe.system):
            if st.button(f"To {page.title}", key=f"send {take.id} {page.title}", icon=page.icon):
                send(take, page)
        with st.popover("Name and tags", icon=":material/edit:"), st.form(f"edit {take.id}", border=False):
            name = st.text_input("Name", take.name, max_chars=120, key=f"name {take.id}")
            tags = st.text_input("Tags", ", ".join(take.tags), help="Separated by commas.", key=f"tags {take.id}")
            if st.form_submit_button("Save"):
                library.rename(take.id, name)
                library.tag(take.id, tags.split(","))
                st.rerun()
        if st.button("Delete", key=f"delete {take.id}", icon=":material/delete:"):
            library.delete(take.id)
            st.session_state["deleted take"] = take.id
            st.rerun()
    outcome = jobs.show(f"again {take.id}")
    if outcome:
        st.success(outcome.value, icon=":material/check:") if "same" in outcome.value else st.warning(outcome.value)
    player.downloads(f"take {take.id}", take.name, song=song, audio=audio)


def compare(take: Take, progress) -> str:
    """Make a take again and say whether it is the same to the byte."""
    made = make_again(library, take, progress)
    same = True
    if take.has_song:
        same &= made.song is not None and write_midi(made.song) == library.read(take, SONG)
    if take.has_sound:
        same &= made.audio is not None and write_flac(made.audio) == library.read(take, SOUND)
    return "Made again: the same to the byte." if same else "Made again, but it came out different on this machine."


if gone := st.session_state.get("deleted take"):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("The take was deleted.")
        if st.button("Undo", icon=":material/undo:"):
            library.restore(gone)
            del st.session_state["deleted take"]
            st.rerun()

with st.container(horizontal=True, vertical_alignment="bottom"):
    search = st.text_input(
        "Search", placeholder="name, tag or page", key="takes search", help="Every word must be found."
    )
    starred = st.toggle("Starred only", key="takes starred")

try:
    found = library.takes(search, starred=starred)
    if not found:
        st.info(
            "Nothing here yet. Make something on another page and press *Save as take*."
            if not search and not starred
            else "No take has all of these words.",
            icon=":material/library_music:",
        )
    pages = max(1, -(-len(found) // PAGE))
    at = st.pagination(pages, key="takes page") if pages > 1 and hasattr(st, "pagination") else 1
    if pages > 1 and not hasattr(st, "pagination"):
        at = st.number_input("Page", 1, pages, key="takes page")
    for take in found[(at - 1) * PAGE : at * PAGE]:
        with st.container(border=True):
            star = "★ " if take.starred else ""
            st.markdown(
                f"**{frame.plain(star + take.name)}** {' '.join(f':gray-badge[{frame.plain(t)}]' for t in take.tags)}"
            )
            draw(take)
    if len(found) > 1:
        with st.expander("Compare two takes", icon=":material/compare:"):
            names = {take.id: take.name for take in found}
            columns = st.columns(2)
            for side, column in zip("AB", columns):
                with column:
                    id = st.selectbox(
                        side, list(names), "AB".index(side), format_func=names.__getitem__, key=f"compare {side}"
                    )
                    chosen = library.get(id)
                    player.show(
                        f"compare {side}",
                        song=library.song(chosen),
                        audio=library.audio(chosen),
                        group="compare",
                        title=chosen.name,
                    )
    with st.expander("Carry takes to another machine", icon=":material/folder_zip:"):
        if found:
            st.download_button(
                f"Export these {len(found)}" if len(found) > 1 else "Export this one",
                lambda: export(library, found),
                file_name="bandstand-takes.zip",
                mime="application/zip",
                on_click="ignore",
                icon=":material/download:",
            )
        upload = st.file_uploader("Import an export", type="zip", key="takes import")
        if upload is not None and st.session_state.get("takes imported") != upload.file_id:
            added = unpack(library, upload.getvalue(), name=upload.name)
            st.session_state["takes imported"] = upload.file_id
            st.toast(f"{len(added)} takes came in.", icon=":material/check:")
            st.rerun()
except Refused as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
