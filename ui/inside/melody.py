"""How a tune of Melody was made: its surprises, what else might have stood there, and the units that follow it.

    melody.draw(slot, model, request, written, changed, go_on)

slot: a name that no other result has; changed: what a person made of the tune, in canonical text, or None.

`go_on(request)` is called, before the page runs again, with the request that takes an alternative and goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine import RequestError
from engine.melody import inside
from engine.melody.abc.canonical import Tune
from engine.melody.composing import Written
from engine.melody.model import Model
from engine.melody.request import Request
from ui.frame import plain

CODE = "engine/melody/inside.py"
GoOn = Callable[[Request], None]


@st.cache_data(max_entries=8, show_spinner=False)
def _reading(
    sha256: str, slot: str, text: str, _model: Model, _request: Request, _written: Written | None, _tune: Tune
) -> inside.Reading:
    return inside.written(_model, _request, _written) if _written else inside.brought(_model, _tune)


def draw(slot: str, model: Model, request: Request, written: Written, changed: Tune | None, go_on: GoOn) -> None:
    """The plots of one tune."""
    from ui import plots  # here, because it brings plotly
    from ui.plots import melody as figures

    tune = changed or written.tune
    own = None if changed else written
    try:
        reading = _reading(model.sha256, slot, tune.header + tune.body, model, request, own, tune)
    except RequestError as refused:
        st.info(plain(str(refused)) + " What these weights expect of its text is shown.", icon=":material/info:")
        own = None
        reading = _reading(model.sha256, f"{slot} text", tune.header + tune.body, model, request, None, tune)
    place = f"melody inside {slot} {len(reading.text)}"
    figure, table = figures.surprise(reading, st.session_state.get(place))
    said = (f"The network writes one character after another; the stronger a colour, the less it expected what stands "
            f"there: {reading.bits:.2f} bits a character on average. Click one to see what else it would have "
            "written.")  # fmt: skip
    clicked = plots.show(f"{place} text", figure, table, title="What surprised it", says=said, code=CODE, clicks=True)
    if clicked is not None and clicked != st.session_state.get(place):
        st.session_state[place] = clicked
        st.rerun()
    at = st.session_state.get(place)
    if at is not None and at < len(reading.characters):
        _alternatives(place, model, request, own, reading, at, go_on)
    tracking_units = inside.tracking_units(reading)
    if tracking_units:
        figure, table = figures.units(reading, tracking_units)
        plots.show(f"{place} units", figure, table, title="What some of its units follow",
                   says=f"Of {reading.units.shape[1]} units these follow the bar and the parts of this tune most. They "
                   "were chosen by measure: the share of a unit's variance that lies between places of the bar, or "
                   "between parts.", code=CODE)  # fmt: skip


def _alternatives(
    place: str, model: Model, request: Request, written: Written | None, reading: inside.Reading, at: int, go_on: GoOn
) -> None:
    """What might have stood at character `at`; where the network wrote the tune, to be taken."""
    from ui import plots
    from ui.plots import melody as figures

    character = reading.characters[at]
    figure, table = figures.alternatives(character)
    ruled = f"The grammar ruled out {character.forbidden:.1%} of what it would have written." if written else (
        "Nothing was ruled out: a tune that people wrote is only read.")  # fmt: skip
    plots.show(f"{place} other", figure, table,
               title=f"Character {at + 1}: {plain(figures.spelled(character.char))}",
               says=f"The network's own probabilities in this place. {ruled}",
               code="engine/melody/grammar.py")  # fmt: skip
    if written is None or character.typed:
        return
    others = [a.char for a in character.alternatives if a.allowed and a.char not in ("", character.char)]
    if not others:
        st.caption("Nothing else may stand here.")
        return
    taken = st.pills("Take another", others, format_func=lambda char: plain(figures.spelled(char)), default=others[0],
                     required=True, key=f"{place} taken {at}")  # fmt: skip
    try:
        wanted = inside.going_on(model, request, written, at, str(taken))
    except RequestError as refused:
        st.caption(plain(str(refused)))
        return
    st.button("Go on from here", icon=":material/fork_right:", key="melody go on", on_click=go_on, args=(wanted,),
              help="Keeps the tune up to here, writes the character that you took, and goes on.")  # fmt: skip
