"""How a variation was made: its cousins, how alike its bars stay as the noise grows, what the K numbers do to a bar.

    variation.draw(request, weights, take)     weights: of those that made the result

`take(seed)` is called, before the page runs again, with the seed of a cousin that is clicked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.reading import song_of
from engine.variation import Model, Request, load
from engine.variation.bars import read
from ui.frame import plain
from ui.inside import model_of

if TYPE_CHECKING:
    from engine.variation.inside import Cousin, Likeness

CODE = "engine/variation/inside.py"
COUSINS = 24  # seeds, from 0


@st.cache_data(max_entries=8, show_spinner=False)
def _likeness(sha256: str, _model: Model, request: str, files: dict[str, bytes], _request: Request) -> Likeness:
    from engine.variation import inside  # here, because it brings PyTorch

    return inside.likeness(_model, song_of(_request.input), _request)


@st.cache_data(max_entries=16, show_spinner=False)
def _cousins(sha256: str, _model: Model, request: str, files: dict[str, bytes], _request: Request,
             seeds: tuple[int, ...]) -> list[Cousin]:  # fmt: skip
    from engine.variation import inside

    return inside.cousins(_model, song_of(_request.input), _request, seeds)


def _map(model: Model, request: Request, take: Callable[[int], None]) -> None:
    """The cousins around the song; one that is clicked is played."""
    from ui import plots
    from ui.plots import variation as figures

    anyone = replace(request, seed=0)  # so that the map stays as it is when another is taken
    found = _cousins(model.sha256, model, repr(anyone), request.files, anyone, tuple(range(COUSINS)))
    if request.seed >= COUSINS:
        found = [*found, *_cousins(model.sha256, model, repr(anyone), request.files, anyone, (request.seed,))]
    figure, table = figures.cousins(found, request.seed)
    plots.show("variation cousins", figure, table, title="The song and its cousins",
               says="Every seed is a direction in the space of the bars' numbers; where it leads was measured: how "
                    "much higher its notes lie, how many there are. Click one to hear it; the one above has a ring.",
               code=CODE, picked=lambda point: take(found[point].seed))  # fmt: skip


def draw(request: Request, weights: str, take: Callable[[int], None]) -> None:
    """The plots of one variation."""
    from engine.variation import inside
    from ui import plots  # here, because it brings plotly
    from ui.plots import variation as figures

    model = model_of(request, load, weights)
    song = song_of(request.input)
    grid = read(song)
    try:
        found = _likeness(model.sha256, model, repr(request), request.files, request)
    except RequestError as refused:
        st.info(plain(str(refused)), icon=":material/info:")
        return
    if request.rewrite is None:
        _map(model, request, take)
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
