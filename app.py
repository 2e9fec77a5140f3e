"""The home page: what the studio does, what to do first, what is loaded and with what it computes and sounds.

streamlit run app.py          (or `make run`, which sets everything up first)
"""

import importlib.util
import platform

import streamlit as st

from engine import CHECKPOINTS
from engine.core.audio import Audio, read_audio
from engine.core.midi import read_midi
from engine.core.song import Song
from engine.systems import PLAYED_BY
from ui import drag, frame, player, server, stems

PIECES = frame.ROOT / "assets" / "pieces"  # one of each page, made with its shipped weights
ENTRANCES = (  # what a person has in hand, the page for it, and the control that waits for it there
    ("A style", "Band", ":material/queue_music:", {"open": "band_genre"}),
    ("My chords", "Band", ":material/piano:", {"open": "band_chords"}),
    ("My tune", "Band", ":material/music_note:", {"open": "band_tune"}),
    ("A hum", "Band", ":material/mic:", {"open": "band_tune,band_hum_microphone"}),
    ("A recording", "Translation", ":material/graphic_eq:",
     {"translation_way": "Upload", "open": "translation_file"}),
)  # fmt: skip
HOW = """
1. **Make** something on a page: every page opens with music already there. Roll the die until you like what you hear.
2. **Shape** it: mute, solo and balance the tracks while it plays, drag over the bar numbers to loop a part.
3. **Send** it on: what one page makes, another plays. Write a tune on *Melody*, *Send to* Trombone, and hear it blown;
   send that to Translation, and hear it on a cello.
4. **Keep** it: *Save*, and it waits on *Takes* with its recipe; or *Download* MIDI, WAV, stems or a score. The page's
   address holds its settings: a bookmark brings it back.
"""


@st.cache_resource(show_spinner="Looking at this machine …")
def machine() -> str:
    """The device that it computes on."""
    from engine import device_name

    return {"cuda": "an NVIDIA GPU", "mps": "the Apple GPU", "cpu": "the processor"}[device_name()]


def sounds() -> None:
    """What plays songs, and which soundfont is to."""
    from engine.core.render import available, choose, chosen, folder, synthesiser

    names = list(available())
    if chosen() not in (None, *names):
        names.append(str(chosen()))
    with st.spinner("Looking at the soundfonts …"):
        plays = synthesiser()
    st.markdown(f"**Sounds through**  \n{plays.name}{f' with {plays.soundfont.name}' if plays.soundfont else ''}")
    for remark in (*plays.remarks, *filter(None, [plays.advice and f"{plays.advice[:1].upper()}{plays.advice[1:]}."])):
        st.caption(frame.plain(remark))
    if names and plays.soundfont:
        st.selectbox("Soundfont", names, index=names.index(str(chosen())) if chosen() else None, key="soundfont",
                     placeholder="The usual one", on_change=lambda: choose(st.session_state["soundfont"]),
                     help=f"Your own, .sf2 or .sf3, go into {folder()}.")  # fmt: skip


@st.cache_data(show_spinner=False)
def piece(page: str) -> tuple[Song | None, Audio | None]:
    """What a page's card plays: notes or a sound."""
    for path in PIECES.glob(f"{page.lower()}.*"):
        return (read_midi(path), None) if path.suffix == ".mid" else (None, read_audio(path))
    return None, None


def entrances() -> None:
    """Ways in, by what a person has in hand."""
    st.header("What would you like to begin with?", anchor=False)
    paths = {page.title: page.path for page in frame.pages()}
    with st.container(horizontal=True, gap="small", key="entrances"):
        for label, page, icon, params in ENTRANCES:
            if page in paths:
                st.page_link(paths[page], label=label, icon=icon, query_params=params)


def cards(ready: dict[str, bool]) -> None:
    """What each page makes, to be heard."""
    st.header("Hear what each page makes", anchor=False)
    makers = frame.makers()
    for row in range(0, len(makers), 3):
        for column, page in zip(st.columns(3, gap="medium"), makers[row : row + 3]):
            with column, st.container(border=True, key=f"card-{page.title}", height="stretch"):
                st.page_link(page.path, label=f"**{page.title}**", icon=page.icon)
                st.markdown(page.says)
                if not ready[page.path]:
                    st.caption("Its trained weights are not in checkpoints/ yet.")
                song, audio = piece(page.title)
                if song or audio:
                    player.show(f"piece {page.title.lower()}", song=song, audio=audio, compact=True, height=64)


def draw() -> None:
    """The page, from top to bottom."""
    frame.open_page("Bandstand", "Music made by neural networks on your own machine. Nothing leaves it.")

    weights = {page.path: PLAYED_BY.get(page.title.lower(), page.title.lower()) for page in frame.makers()}
    ready = {page: any((CHECKPOINTS / name).rglob("model.safetensors")) for page, name in weights.items()}
    entrances()
    cards(ready)

    st.header("How it goes", anchor=False)
    st.markdown(HOW)

    st.header("This studio", anchor=False)

    left, middle, right = st.columns(3, gap="medium")
    with left:
        loaded = [page.title for page in frame.makers() if ready[page.path]]
        st.markdown(f"**Trained and ready**  \n{', '.join(loaded) or 'nothing yet'}")
    with middle:
        fast = ", numba" if importlib.util.find_spec("numba") else ""
        st.markdown(f"**Computes on**  \n{machine()} ({platform.machine()}, PyTorch{fast})")
    with right:
        sounds()


if __name__ == "__main__":
    draw()
else:  # `streamlit run` finds this line, imports the file and serves what it finds here
    app = st.App("app.py", routes=[drag.route(), stems.route()], lifespan=server.studio, middleware=server.DOORS)
