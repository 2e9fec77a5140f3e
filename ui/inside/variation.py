"""How a variation was made: its cousins, how alike its bars stay as the noise grows, what the K numbers do to a bar.

    variation.draw(request, weights, take, lean)     weights: of those that made the result

Before the page runs again `take(seed)` is called with the seed of a cousin that is clicked, and `lean` with
where the handle of the map is (ui/plots/pad.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.reading import song_of
from engine.variation import Model, Request, load
from engine.variation.bars import read
from ui import jobs
from ui.frame import plain
from ui.inside import model_of

if TYPE_CHECKING:
    from engine.variation.inside import Likeness, Place
    from ui.plots.pad import Leaned

CODE = "engine/variation/inside.py"
MAP = "variation map"
COUSINS = 16  # seeds, from 0


@st.cache_data(max_entries=8, show_spinner=False)
def _likeness(sha256: str, _model: Model, request: str, files: dict[str, bytes], _request: Request) -> Likeness:
    from engine.variation import inside  # here, because it brings PyTorch

    return inside.likeness(_model, song_of(_request.input), _request)


@st.cache_data(max_entries=64, show_spinner=False)
def _places(sha256: str, _model: Model, requests: str, files: dict[str, bytes],
            _requests: Sequence[Request]) -> list[Place]:  # fmt: skip
    from engine.variation import inside

    return inside.places(_model, song_of(_requests[0].input), _requests)


@st.cache_data(max_entries=8, show_spinner=False)
def _leans(sha256: str, _model: Model, request: str, files: dict[str, bytes],
           _request: Request) -> dict[str, tuple[Place, ...]]:  # fmt: skip
    from engine.variation import inside

    return inside.leans(_model, song_of(_request.input), _request)


def _map(model: Model, request: Request, take: Callable[[int], None], lean: Leaned) -> None:
    """The song and its cousins; one that is clicked is played, and from there the handle leads on."""
    from ui.plots import pad
    from ui.plots import variation as figures

    def found(requests: Sequence[Request]) -> list[Place]:
        return _places(model.sha256, model, repr(requests), request.files, requests)

    anyone = replace(request, seed=0, higher=0.0, busier=0.0)  # so that the map stays as it is while one drags
    seeds, cousins = [*range(COUSINS)], found([replace(anyone, seed=seed) for seed in range(COUSINS)])
    if request.seed >= COUSINS:
        seeds, cousins = [*seeds, request.seed], [*cousins, *found([replace(anyone, seed=request.seed)])]
    leans = _leans(model.sha256, model, repr(anyone), request.files, anyone)
    ground, table = figures.ground(seeds, cousins, leans, request, found([request])[0])
    pad.show(MAP, ground, table, title="The song and its cousins",
             says="Two directions of the space of the bars' numbers, each measured on this song: to the right notes "
                  "lie higher, upwards there are more. Drag the handle, or click a cousin, which is another seed; the "
                  "cross is where what you hear came to lie.",
             code="engine/variation/leaning.py", picked=lambda at: take(seeds[at]), leaned=lean,
             busy=jobs.busy("variation"))  # fmt: skip


def _still(request: Request) -> Request:
    """The request, or while the handle is dragged the last before that."""
    from ui.plots import pad

    if not pad.moving(MAP) or "variation_inside_still" not in st.session_state:
        st.session_state["variation_inside_still"] = request
    still: Request = st.session_state["variation_inside_still"]
    return still


def draw(request: Request, weights: str, take: Callable[[int], None], lean: Leaned) -> None:
    """The plots of one variation."""
    from engine.variation import inside
    from ui import plots  # here, because it brings plotly
    from ui.plots import variation as figures

    model = model_of(request, load, weights)
    song = song_of(request.input)
    grid = read(song)
    try:
        if request.rewrite is None:
            _map(model, request, take, lean)
        still = _still(request)
        found = _likeness(model.sha256, model, repr(still), still.files, still)
    except RequestError as refused:
        st.info(plain(str(refused)), icon=":material/info:")
        return
    figure, table = figures.likeness(found, request.noise if isinstance(request.noise, float) else None)
    plots.show("variation likeness", figure, table, title="How alike each bar stays",
               says="Each bar becomes numbers, is moved by noise and comes back as notes; what is drawn is the share "
                    "of its notes that were there before, for this seed, were the noise another.",
               code=CODE)  # fmt: skip
    lanes = [lane for lane in range(len(grid.families)) if grid.filled[lane].any()]
    called = [(track.name or family).title() for track, family in zip(grid.lanes.tracks, grid.families)]
    lane = st.segmented_control(
        "Instrument", lanes, default=lanes[0], required=True, key="variation_inside_lane",
        format_func=lambda lane: plain(called[lane]), help="Whose bar is looked at.",
    )  # fmt: skip
    starts = np.cumsum([0, *grid.layout.parts[:-1]])
    known = [bar for bar, start in enumerate(starts) if grid.filled[lane, start]]
    if not known:
        return
    names = inside.bars_of(grid)
    bar = st.selectbox("Bar", known, format_func=lambda bar: str(names[bar]), key=f"variation_inside_bar_{lane}",
                       help="Of those in which it plays.")  # fmt: skip
    assert bar is not None
    figure, table = figures.effects(inside.numbers(model, song, lane, bar))
    plots.show("variation numbers", figure, table, title=f"What the {model.latent} numbers of this bar do",
               says="Each is moved by as much as it differs from bar to bar in all music: so many notes come or go. "
                    "Beside it, how much higher and busier one side is than the other.", code=CODE)  # fmt: skip
