"""Takes: everything that was kept, to find, hear, compare, rename, make again, send on, and carry elsewhere."""

from dataclasses import replace
from datetime import datetime

import streamlit as st

from engine import Progress, RequestError
from engine.core.audio import Audio, write_flac
from engine.core.midi import write_midi
from engine.core.result import Music
from engine.core.song import Song
from engine.takes.archive import bytes_of, export, unpack
from engine.takes.library import SONG, SOUND, Library, Take
from engine.takes.replay import Replayed, replay
from ui import downloads, frame, jobs, mixing, opening, player, recipe
from ui.takes import chain, labels, send, send_menu

PAGE = 8  # takes shown at once
SHELVES = ("All", "Starred", "Deleted")

frame.open_page("Takes", "All that you kept, with the recipe to make it again.")


def show_error(refused: RequestError) -> None:
    """A refusal on the page."""
    st.error(frame.plain(str(refused)), icon=":material/error:")


def replay_of(take: Take, progress: Progress) -> tuple[Replayed, bool]:
    """A take made again, and whether it is the same to the byte, whatever it is called. Runs in the worker."""
    replayed = replay(library, take, progress)
    song, audio, kept = replayed.result.song, replayed.result.audio, library.song(take)
    named = song and kept and replace(song, title=kept.title)
    same = not take.has_song or (named is not None and write_midi(named) == library.read(take, SONG))
    same &= not take.has_sound or (audio is not None and write_flac(audio) == library.read(take, SOUND))
    return replayed, same


def show_replay(take: Take, replayed: Replayed, same: bool) -> None:
    """How a take came out when it was made again; offered as a new take where today's weights play it otherwise."""
    if same:
        st.success("Made again: the same to the byte.", icon=":material/check:")
    elif replayed.same_weights:
        st.warning("Made again, but it came out different on this machine, or in this version of the studio.",
                   icon=":material/warning:")  # fmt: skip
    else:
        st.info("It was made with weights of another version, so this is what today's make of its recipe.",
                icon=":material/info:")  # fmt: skip
        result = replayed.result
        for remark in result.remarks:
            st.caption(frame.plain(remark))
        player.show(f"again {take.id}", song=result.song if result.audio is None else None, audio=result.audio,
                    compact=True)  # fmt: skip
        if st.button("Keep as a new take", key=f"keep {take.id}", icon=":material/bookmark_add:",
                     help="Beside the one that is here, which stays as it is."):  # fmt: skip
            new = library.keep(result, name=f"{take.name}, today", parents=(take.id,))
            st.toast(f"Kept as “{frame.plain(new.name)}”.", icon=":material/bookmark_added:")


def draw(take: Take) -> None:
    """One take: its name, its music, its recipe, and what can be done with it."""
    tags = " ".join(f":gray-badge[{frame.plain(tag)}]" for tag in take.tags)
    st.markdown(f"**{frame.plain(('★ ' if take.starred else '') + take.name)}** {tags}")
    song = audio = None
    try:
        song, audio = library.song(take), library.audio(take)
        player.show(f"take {take.id}", song=song, audio=audio, compact=True, volumes=mix_of(take, song))
    except RequestError as refused:
        show_error(refused)
    asked = recipe.in_words(take, song)
    made = recipe.when(take.made, datetime.now().astimezone())
    lines = [" · ".join([take.recipe.system.capitalize(), *asked, f"seed {take.recipe.seed}", made])]
    if made_from := chain(library, take.parents):
        lines.append(f"Made from {made_from}")
    st.caption("  \n".join(map(frame.plain, lines)))
    if shelf == "Deleted":
        if st.button("Restore", key=f"restore {take.id}", icon=":material/undo:", help="Back among the others."):
            library.restore(take.id)
            st.rerun()
        return
    actions(take, song, audio)
    outcome = jobs.show(f"again {take.id}")
    if outcome:
        show_replay(take, *outcome.value)


def actions(take: Take, song: Song | None, audio: Audio | None) -> None:
    """The buttons under a take: what can be done with it and its music, as far as that can be read."""
    with st.container(horizontal=True, gap="small"):
        opening.button(take)
        if (song or audio) and (to := send_menu(take.id, song is not None, says="Open it on the {} page.")):
            send(take, to)
        if song or audio:
            away = st.popover("Download", icon=":material/download:", key=f"download {take.id}", on_change="rerun")
            if away.open:
                with away:
                    downloads.show(f"take {take.id}", take.name, Music(song=song, audio=audio),
                                   mix=mix_of(take, song))  # fmt: skip
        more(take)


def more(take: Take) -> None:
    """What is done with a take itself, in a menu."""
    star = "Unstar" if take.starred else "Star"
    icons = {star: "star", "Name and tags": "edit", "Make again": "replay", "Delete": "delete"}
    says = "Starred takes can be shown alone; what is deleted can be restored for 30 days."
    chosen = st.menu_button("More", list(icons), key=f"more {take.id}", icon=":material/more_horiz:", help=says,
                            format_func=lambda word: f":material/{icons[word]}: {word}")  # fmt: skip
    if chosen == star:
        library.star(take.id, not take.starred)
        st.rerun()
    elif chosen == "Name and tags":
        edit(take)
    elif chosen == "Make again":
        jobs.start(f"again {take.id}", lambda progress: replay_of(take, progress), label="Making it again")
    elif chosen == "Delete":
        library.delete(take.id)
        st.session_state["deleted take"] = take
        st.rerun()


def mix_of(take: Take, song: Song | None) -> dict[str, float]:
    """How loud each of its tracks is heard."""
    return mixing.gains(mixing.read(take.recipe.mix), {track.name: 1.0 for track in song.tracks} if song else {})


@st.dialog("Name and tags")
def edit(take: Take) -> None:
    """A form for a take's name and tags."""
    with st.form(f"edit {take.id}", border=False):
        name = st.text_input("Name", take.name, max_chars=120, key=f"name {take.id}", help="At most 120 characters.")
        tagged = st.text_input("Tags", ", ".join(take.tags), help="Separated by commas.", key=f"tags {take.id}")
        if st.form_submit_button("Save", help="Keep this name and these tags."):
            library.rename(take.id, name)
            library.tag(take.id, tagged.split(","))
            st.rerun()


def compare(takes: list[Take]) -> None:
    """Two takes, A and B: the second goes on where the first was."""
    named = labels(takes)
    for side, column in zip("AB", st.columns(2)):
        with column:
            id = st.selectbox(side, list(named), "AB".index(side), format_func=named.__getitem__, key=f"compare {side}",
                              help="The other goes on where this one was.")  # fmt: skip
            take = library.get(str(id))
            song, audio = library.song(take), library.audio(take)
            player.show(f"compare {side}", song=song, audio=audio, compact=True, group="compare", title=take.name,
                        height=130)  # fmt: skip


def import_export(takes: list[Take]) -> None:
    """Export these takes as a zip, or bring such a zip in."""
    most = st.get_option("server.maxUploadSize")
    if bytes_of(library, takes) > most * 10**6:
        st.caption(f"These {len(takes)} are more than the {most} MB that one zip brings in again: search for fewer.")
    elif takes:
        st.download_button(
            f"Export these {len(takes)}" if len(takes) > 1 else "Export this one",
            lambda: export(library, takes),
            file_name="bandstand-takes.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
            help="One zip with their music and their recipes.",
        )
    says = "A zip that was exported here; what is there already stays."
    upload = st.file_uploader("Import an export", type="zip", key="takes import", help=says)
    if upload is not None and st.session_state.get("takes imported") != upload.file_id:
        added = unpack(library, upload.getvalue(), name=upload.name)
        st.session_state["takes imported"] = upload.file_id
        st.toast(f"{len(added)} takes came in.", icon=":material/check:")
        st.rerun()


try:
    library = Library()
    # Always there, or what is below it would be drawn anew when it comes and goes, and a click on it lost.
    undo = st.container(horizontal=True, vertical_alignment="center")
    if gone := st.session_state.get("deleted take"):
        with undo:
            st.markdown(f"“{frame.plain(gone.name)}” was deleted.")
            if st.button("Undo", key="undo", icon=":material/undo:", help="Bring it back."):
                library.restore(gone.id)
                del st.session_state["deleted take"]
                st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search", placeholder="name, tag or page", key="takes search", help="Every word must be found."
        )
        shelf = st.segmented_control("Show", SHELVES, default="All", required=True, key="takes shelf",
                                     help="What is deleted can be restored for 30 days.")  # fmt: skip
    matching = library.takes(search, starred=shelf == "Starred", deleted=shelf == "Deleted")
    if not matching:
        st.info(
            "No take has all of these words." if search else
            "Nothing here yet. Make something on another page and press *Save*." if shelf == "All" else
            f"No take is {shelf.lower()}.",
            icon=":material/library_music:",
        )  # fmt: skip
    if len(matching) > 1:
        two = st.expander("Compare two takes", icon=":material/compare:", key="takes compare", on_change="rerun")
        if two.open:
            with two:
                compare(matching)
    pages = max(1, -(-len(matching) // PAGE))
    at = st.pagination(pages, key="takes page") if pages > 1 else 1
    for take in matching[(at - 1) * PAGE : at * PAGE]:
        with st.container(border=True):
            draw(take)
    with st.expander("Carry takes to another machine", icon=":material/folder_zip:", key="takes away"):
        import_export(matching)
except RequestError as refused:
    show_error(refused)
