"""A map to drag in: points around a middle, and a handle whose place is told while it moves, in the theme's colours.

    pad.show("variation map", ground, table, title="…", says="…", code="…", picked=take, leaned=lean)

picked(at) is called with a point that is clicked, leaned(higher, busier, hand, unheard) with where the handle is, each
from -1 to 1 and seen from its origin, with a name that all places of one drag share, and whether it goes on while
nothing is played: both before the page runs again. The next place is told once the page has answered the last, so that
what is made keeps up with the hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from ui import plots
from ui.frame import component

_PARTS = Path(__file__).parent
_component = component(
    "bandstand_pad",
    html="""<div class="pad surface"><svg class="map" role="group" aria-label="Map"><line class="way"/>
<g class="sounds"><path d="M-7 0H7M0 -7V7"/></g>
<g class="handle" role="slider" tabindex="0" aria-label="Lean: lower to higher, with up and down sparser to busier"
 aria-valuemin="-1" aria-valuemax="1"><circle class="reach" r="22"/><circle class="knob" r="12"/></g></svg>
<button type="button"><svg viewBox="0 0 24 24" aria-hidden="true"><path
 d="M9 4 7.2 6H4a2 2 0 0 0-2 2v10a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2h-3.2L15 4zm3 13.5a4.5 4.5 0 1 1
0-9 4.5 4.5 0 0 1 0 9z"/></svg></button>
<div class="hint"><span></span>. <span role="status"></span></div></div>""",
    css=(_PARTS / "pad.css").read_text("utf-8"),
    js=(_PARTS / "pad.js").read_text("utf-8"),
)


Leaned = Callable[[float, float, str, bool], None]


@dataclass(frozen=True)
class Point:
    """A point of the map, in leans: 1 is as far as the handle goes."""

    x: float
    y: float
    share: float  # 0..1 of the colours, the less the stronger
    label: str


@dataclass(frozen=True)
class Ground:
    """What is on the map."""

    points: list[Point]
    chosen: int  # the point that the handle starts from
    lean: tuple[float, float]
    sounds: tuple[float, float]  # where what is heard lies
    said: str  # of it, in words
    free: tuple[bool, bool]  # whether it may lean to the sides, and up and down
    titles: tuple[str, str]
    ticks: tuple[list[tuple[float, str]], list[tuple[float, str]]]
    colours: tuple[str, str]  # what the strongest and the weakest say


def show(
    key: str, ground: Ground, table: plots.Table, *, title: str, says: str, code: str, picked: Callable[[int], None],
    leaned: Leaned, busy: bool,
) -> None:  # fmt: skip
    """Draw the map with its words and its numbers. busy: the music that was asked for last is still being made."""
    slot = f"pad {key}"

    def pick() -> None:
        if asked := getattr(st.session_state[slot], "picked", None):
            picked(int(asked["at"]))

    def lean() -> None:
        if asked := getattr(st.session_state[slot], "lean", None):
            st.session_state[f"{slot} answered"] = int(asked["number"])
            st.session_state[f"{slot} moving"] = bool(asked["moving"])
            leaned(float(asked["higher"]), float(asked["busier"]), str(asked["hand"]), bool(asked["unheard"]))

    plots.heading(title, says)
    data: dict[str, Any] = asdict(ground) | {
        "origin": [ground.points[ground.chosen].x, ground.points[ground.chosen].y],
        "answered": st.session_state.get(f"{slot} answered", 0), "busy": busy,
        "kind": plots.kind_of(key), "name": key.replace(" ", "-"),
    }  # fmt: skip
    _component(key=slot, data=data, on_picked_change=pick, on_lean_change=lean)
    plots.numbers(key, table, code)


def moving(key: str) -> bool:
    """Whether the handle is being dragged."""
    return bool(st.session_state.get(f"pad {key} moving"))
