"""The home page: what the studio does, what to do first, what is loaded and with what it computes and sounds.

streamlit run app.py          (or `make run`, which sets everything up first)
"""

import importlib.util
import platform

import streamlit as st

from engine import CHECKPOINTS
from engine.core.midi import read_midi
from ui import frame, player, server

OPENING = frame.ROOT / "assets" / "opening.mid"  # made by Band with its shipped weights
HOW = """
1. **Make** something on a page: every page opens with music already there. Roll the die until you like what you hear.
2. **Shape** it: mute, solo and balance the tracks while it plays, drag over the bar numbers to loop a part.
3. **Send** it on: what one page makes, another plays. Write a tune on *Melody*, press *To Trombone*, and hear it blown;
   press *To Translation*, and hear that on a cello.
4. **Keep** it: *Save as take*, and it waits on *Takes* with its recipe; or download MIDI, WAV, stems or a score. The
   page's address holds its settings: a bookmark brings it back.
"""


@st.cache_resource(show_spinner="Looking at this machine …")
def machine() -> tuple[str, str, str]:
    """(device, synthesiser, what could be better about it); a soundfont takes a moment to load."""
    from engine import device_name
    from engine.core.render import synthesiser

    kind = {"cuda": "an NVIDIA GPU", "mps": "the Apple GPU", "cpu": "the processor"}[device_name()]
    player = synthesiser()
    return kind, player.name + (f" with {player.soundfont.name}" if player.soundfont else ""), player.advice


def draw() -> None:
    """The page, from top to bottom."""
    frame.open_page("Bandstand", "Music made by neural networks on your own machine. Nothing leaves it.")

    ready = {page.path: any((CHECKPOINTS / page.title.lower()).rglob("model.safetensors")) for page in frame.pages()}
    first = next((page for page in frame.pages() if ready[page.path]), None)
    if first:
        with st.container(border=True, key="first"):
            left, right = st.columns([1, 1.5], gap="large", vertical_alignment="center")
            with left:
                st.markdown(f"##### Start here: {first.title}\n{frame.plain(first.says)} It opens with music to play.")
                st.page_link(first.path, label=f"Open {first.title}", icon=":material/play_circle:")
            if OPENING.is_file():
                with right:
                    song = read_midi(OPENING)
                    title = f"{song.title.capitalize()}, made by {first.title}"
                    player.show("opening", song=song, compact=True, title=title, height=110)

    there = frame.pages()
    for row in range(0, len(there), 3):
        for column, page in zip(st.columns(3, gap="medium"), there[row : row + 3]):
            with column, st.container(border=True, key=f"card-{page.title}", height="stretch"):
                st.markdown(f"#### {page.icon} {page.title}")
                st.markdown(page.says)
                if page.title != "Takes" and not ready[page.path]:
                    st.caption("Its trained weights are not in checkpoints/ yet.")
                st.page_link(page.path, label="Open", icon=":material/arrow_forward:")

    st.subheader("How it goes", anchor=False)
    st.markdown(HOW)

    st.subheader("This studio", anchor=False)

    left, middle, right = st.columns(3, gap="medium")
    with left:
        loaded = [page.title for page in frame.pages() if ready[page.path]]
        st.markdown(f"**Trained and ready**  \n{', '.join(loaded) or 'nothing yet'}")
    kind, synthesiser, advice = machine()
    with middle:
        fast = ", numba" if importlib.util.find_spec("numba") else ""
        st.markdown(f"**Computes on**  \n{kind} ({platform.machine()}, PyTorch{fast})")
    with right:
        st.markdown(f"**Sounds through**  \n{synthesiser}")
        if advice:
            st.caption(frame.plain(advice[:1].upper() + advice[1:] + "."))


if __name__ == "__main__":
    draw()
else:  # `streamlit run` finds this line, imports the file and serves what it finds here
    app = st.App("app.py", lifespan=server.studio, middleware=server.DOORS)
