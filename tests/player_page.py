"""A page for the browser tests: players and jobs with music that is known, made without any model."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.audio import Audio
from tests.studio import kept_as, tune
from ui import anew, byhand, controls, frame, jobs, player, stems, takes


def slow(progress):
    for step in range(100):
        progress(step, 100)
        time.sleep(0.05)
    return kept_as(9, song=tune(9))


def refuse(progress):
    raise RequestError("There is no <b>such</b> *thing*.")


def break_down(progress):
    raise RuntimeError("a secret of the machine")


def write_anew(first, last, names):
    """These bars of some tracks a little higher."""
    beats, song = (4 * (first - 1), 4 * last), jobs.result("lab").value.song

    def way(seed, progress):
        def moved(note):
            return replace(note, pitch=note.pitch + 1 + seed % 7) if beats[0] <= note.onset < beats[1] else note

        tracks = (t.with_notes(map(moved, t.notes)) if t.name in names else t for t in song.tracks)
        return kept_as(seed, song=replace(song, tracks=tuple(tracks)))

    anew.begin("lab", lambda seed: seed, way, label=f"Writing {first} to {last} of {', '.join(names)}")


def draw():
    st.set_page_config(layout="wide")
    st.html(f"<style>{frame.style()}</style>")
    st.title("A page to test with")
    seed = controls.new("lab_seed", "Another", 3)
    another = st.session_state["lab_seed again"]
    st.slider("Idle", 0, 10, 3)
    if st.button("Work slowly"):
        jobs.start("lab", slow, label="Working slowly")
    if st.button("Refuse"):
        jobs.start("lab", refuse, label="Refusing")
    if st.button("Break"):
        jobs.start("lab", break_down, label="Breaking")
    if st.button("Dawdle"):
        time.sleep(3)
    if another or jobs.empty("lab"):
        jobs.start("lab", lambda progress: kept_as(seed, song=tune(seed)), settings={"seed": seed}, label="Writing")
    made = jobs.show("lab")
    if made:
        before = jobs.before("lab")
        mix = player.show("lab", song=made.value.song, title="A <i>tune</i>", rewrite=write_anew,
                          edit=partial(byhand.keep, "lab", made.value),
                          before=before.value.song if before else None)  # fmt: skip
        takes.actions("lab", made.value, f"lab/{seed}", mix=mix)
        st.text(" ".join(f"{name}={gain:.2f}" for name, gain in mix.items()))
    left, right = st.columns(2)
    with left:
        player.show("A", song=tune(5), compact=True, group="pair", title="A")
    with right:
        player.show("B", song=tune(6), compact=True, group="pair", title="B")
    times = np.arange(16_000 * 2) / 16_000
    note = (0.4 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    player.show(
        "note",
        audio=Audio(note, 16_000),
        spectrogram=True,
        lines=[player.Line("asked", [(0, 220), (1, float("nan")), (2, 220)])],
    )
    st.caption(frame.plain("<b>*plain*</b>"))


if __name__ == "__main__":
    draw()
else:
    app = st.App("player_page.py", routes=[stems.route()])
