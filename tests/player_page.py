"""A page for the browser tests: players and jobs with music that is known, made without any model."""

import time

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.audio import Audio
from engine.core.result import Music
from tests.studio import tune
from ui import controls, downloads, frame, jobs, player


def slow(progress):
    for step in range(100):
        progress(step, 100)
        time.sleep(0.05)
    return tune(9)


def refuse(progress):
    raise RequestError("There is no <b>such</b> *thing*.")


def break_down(progress):
    raise RuntimeError("a secret of the machine")


st.set_page_config(layout="wide")
st.title("A page to test with")
seed = controls.seed("lab_seed", 3)
another = controls.reroll_button("lab_seed", "Another")
st.slider("Idle", 0, 10, 3)
if st.button("Work slowly"):
    jobs.start("lab", slow, label="Working slowly")
if st.button("Refuse"):
    jobs.start("lab", refuse, label="Refusing")
if st.button("Break"):
    jobs.start("lab", break_down, label="Breaking")
if another or jobs.empty("lab"):
    jobs.start("lab", lambda progress: tune(seed), settings={"seed": seed}, label="Writing")
made = jobs.show("lab")
if made:
    mix = player.show("lab", song=made.value, title="A <i>tune</i>")
    downloads.show("lab", f"lab/{seed}", Music(song=made.value), mix=mix)
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
