"""The Jam page's view: the roll that scrolls, transport, what is kept; drawn and played in the browser (parts/)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from engine import jam
from engine.jam.changes import SETTINGS
from ui.frame import component
from ui.roll import COLOURS

ALONE = ("format", "minutes", "bars", "keep", "changes", "own")  # fields that a jam without end has no use for
_PARTS = Path(__file__).with_name("parts")
_SCRIPTS = ("own", "sounding", "face")  # one module, in this order
_HTML = """
<div class="jam surface" tabindex="0" role="group" aria-label="The jam">
  <div class="row">
    <button class="play" data-part="play" aria-label="Play">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path></path></svg></button>
    <span class="place" data-part="place" aria-live="polite"></span>
    <button data-part="last" title="The section that plays is the last, and an ending follows">Last time round</button>
    <button data-part="trade" title="Four bars of the band, four of yours, four that vary yours">Trade fours</button>
    <button data-part="follow" title="The band plays as busily and as loudly as you do">Follow me</button>
    <button data-part="click" title="A click on every beat">Metronome</button>
    <button data-part="count" title="A bar of clicks before the first">Count-in</button>
  </div>
  <canvas role="img" aria-label="What the band plays now and next"></canvas>
  <div class="row">
    <button data-part="keep" title="Make a take of the last sixteen bars">Keep the last 16 bars</button>
    <button data-part="all" title="Make a take of all that was played">Keep all</button>
    <button data-part="midi" title="Hear MIDI keyboards, which hold chords below middle C; find outputs">MIDI</button>
    <select data-part="out" aria-label="MIDI output" title="Play on another instrument too" hidden></select>
    <button data-part="free" title="The chords of the panel again" hidden>Let the chord go</button>
    <span class="held hint" data-part="held"></span>
    <span class="held hint" data-part="keyboards"></span>
    <span class="late hint" data-part="late"></span>
  </div>
  <div class="hint typed">Play along: the computer's keys Q W E R T … sound at once; Z X C V B … hold a chord that the
    band follows from the next half bar.</div>
  <div class="hint touched">Play along on a MIDI keyboard: what lies below middle C holds a chord that the band follows
    from the next half bar.</div>
  <p class="refused" data-part="refused" role="alert"></p>
</div>
"""
_component = component("bandstand_jam", html=_HTML, css=(_PARTS / "jam.css").read_text("utf-8"),
                       js="\n".join((_PARTS / f"{name}.js").read_text("utf-8") for name in _SCRIPTS))  # fmt: skip


def show(request: jam.Request, program: int) -> Mapping[str, Any] | None:
    """Draw the jam whose settings are the request's, and the instrument (General MIDI) of a person's own notes. What
    is to be kept, once it is asked for: how many bars were played and how many to keep, what it started with, the
    changes, and what the person played."""
    settings = {name: value for name, value in request.to_json().items() if name not in ALONE}
    data = {"settings": settings, "live": (*SETTINGS, "loudness"), "colours": COLOURS, "program": program,
            "dark": st.context.theme.type == "dark"}  # fmt: skip
    state = _component(key="jam", data=data, on_keep_change=_nothing)
    return getattr(state, "keep", None)


def _nothing() -> None:
    """A press of a button needs no more than the rerun that it brings."""
