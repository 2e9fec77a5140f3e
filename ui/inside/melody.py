"""How a tune of Melody was made: its surprises, what else might have stood there, and the units that follow it.

    melody.draw(slot, model, request, written, tune, go_on)

slot: a name that no other result has; request: what wrote the tune, None where a person did; written: how, None where
that is to be found out, as of a take; tune: in canonical text.

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
    sha256: str, slot: str, text: str, _model: Model, _request: Request | None, _written: Written | None, _tune: Tune
) -> inside.Reading:
    return inside.written(_model, _request, _written) if _request and _written else inside.brought(_model, _tune)


@st.cache_data(max_entries=8, show_spinner=False)
def _again(sha256: str, text: str, asked: str, files: dict[str, bytes], _model: Model, _request: Request,
           _tune: Tune) -> Written | None:  # fmt: skip
    return inside.again(_model, _request, _tune)


def _read(slot: str, model: Model, request: Request | None, written: Written | None,
          tune: Tune) -> tuple[inside.Reading, Written | None]:  # fmt: skip
    """What the network expected, and what it wrote where it wrote the tune; says so where that is not known."""
    text = tune.header + tune.body
    if request and not request.input:
        try:
            written = written or _again(model.sha256, text, repr(request), request.files, model, request, tune)
            if written is None:
                raise RequestError(inside.OTHERS)
            return _reading(model.sha256, slot, text, model, request, written, tune), written
        except RequestError as refused:
            st.info(plain(str(refused)) + " What these weights expect of its text is shown.", icon=":material/info:")
    return _reading(model.sha256, f"{slot} text", text, model, request, None, tune), None


def draw(slot: str, model: Model, request: Request | None, written: Written | None, tune: Tune, go_on: GoOn) -> None:
    """The plots of one tune."""
    from ui import plots  # here, because it brings plotly
    from ui.plots import melody as figures

    reading, own = _read(slot, model, request, written, tune)
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
    place: str, model: Model, request: Request | None, written: Written | None, reading: inside.Reading, at: int,
    go_on: GoOn,
) -> None:  # fmt: skip
    """What might have stood at character `at`; where the network wrote the tune, to be taken."""
    from ui import plots
    from ui.plots import melody as figures

    character = reading.characters[at]
    figure, table = figures.alternatives(character)
    ruled = f"The grammar ruled out {character.forbidden:.1%} of what it would have written." if written else (
        "Nothing was ruled out: a text that is there is only read.")  # fmt: skip
    plots.show(f"{place} other", figure, table,
               title=f"Character {at + 1}: {plain(figures.spelled(character.char))}",
               says=f"The network's own probabilities in this place. {ruled}",
               code="engine/melody/grammar.py")  # fmt: skip
    if request is None or written is None or character.typed:
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
