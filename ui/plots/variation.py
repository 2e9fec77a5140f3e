"""Plots of a variation: how alike its bars stay, where its cousins lie, what each of the K numbers does to a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from engine.variation.inside import LEANS
from ui.plots import Table, heat, laid_out, look
from ui.plots.pad import Ground, Point

if TYPE_CHECKING:
    from engine.variation import Request
    from engine.variation.inside import Effect, Likeness, Place

DRAWN = 12  # numbers, the strongest
SEMITONES, NOTES = 5.0, 0.5  # of a lean of 1, where none is measured


def likeness(found: Likeness, chosen: float | None) -> tuple[go.Figure, Table]:
    """How alike each bar stays, a row for each noise; the one that is chosen has a line."""
    colours = look()
    names = [f"{level:g}" for level in found.levels]
    shares = [[None if np.isnan(share) else round(float(share), 4) for share in row] for row in found.shares]
    figure = go.Figure(go.Heatmap(
        x=list(found.bars), y=names, z=shares, coloraxis="coloraxis", xgap=1, ygap=1,
        hovertemplate="bar %{x}, noise %{y}: %{z:.0%} alike<extra></extra>",
    ))  # fmt: skip
    if chosen is not None:
        figure.add_hline(y=float(np.interp(chosen, found.levels, range(len(names)))),
                         line={"color": colours.text, "width": 1.5, "dash": "dot"})  # fmt: skip
    figure.update_xaxes(title="bar", fixedrange=True)
    figure.update_yaxes(title="noise", type="category", fixedrange=True)
    table: dict[str, Sequence[Any]] = {"bar": list(found.bars)}
    table |= {f"alike at noise {name}": ["" if share is None else share for share in row]
              for name, row in zip(names, shares)}  # fmt: skip
    laid_out(figure, 320, coloraxis=_likeness_scale(0, 1))
    figure.update_layout(margin={"t": 64})
    return figure, table


def _likeness_scale(low: float, high: float) -> dict[str, Any]:
    """A colour axis of shares that are alike: the less, the stronger."""
    scale = heat("alike", low, high)
    scale["colorscale"] = [[0, look().scale[1]], [1, look().scale[0]]]
    scale["colorbar"]["tickformat"] = ".0%"
    return scale


def ground(
    seeds: Sequence[int], cousins: Sequence[Place], leans: Mapping[str, Sequence[Place]], request: Request, here: Place
) -> tuple[Ground, Table]:
    """The song in the middle, its cousins by their seeds, how far it leans, and where what is heard lies (`here`): each
    where a lean would lead whose variation is as much higher and busier."""
    scales = [_scale([getattr(place, way) for place in leans.get(way, ())], usual)
              for way, usual in (("higher", SEMITONES), ("busier", NOTES))]  # fmt: skip

    def at(place: Place) -> tuple[float, float]:
        return _lean(place.higher, scales[0]), _lean(place.busier, scales[1])

    shares = [each.alike for each in cousins]
    low, high = min(shares), max(shares)
    points = [Point(*at(each), (each.alike - low) / max(high - low, 1e-9), f"seed {seed}: {each.alike:.0%} alike")
              for seed, each in zip(seeds, cousins)]  # fmt: skip
    ticks = [[(lean, form.format(value) if lean else "0") for lean, value in zip(LEANS, scale)]
             for form, scale in zip(("{:+.1f}", "{:+.0%}"), scales)]  # fmt: skip
    said = f"Measured: {here.higher:+.1f} semitones, {here.busier:+.0%} notes, {here.alike:.0%} alike."
    rows = [("what is heard", here), *((f"seed {seed}", each) for seed, each in zip(seeds, cousins)),
            *((f"{way} {lean:+g}", place) for way, found in leans.items() for lean, place in zip(LEANS, found))]
    table: dict[str, list[Any]] = {
        "what": [what for what, _ in rows],
        "semitones higher": [round(place.higher, 3) for _, place in rows],
        "more notes (share)": [round(place.busier, 4) for _, place in rows],
        "alike (share)": [round(place.alike, 4) for _, place in rows],
    }
    return Ground(points, list(seeds).index(request.seed), (request.higher, request.busier), at(here), said,
                  ("higher" in leans, "busier" in leans), ("semitones higher", "more notes"), (ticks[0], ticks[1]),
                  (f"{low:.0%}", f"{high:.0%} alike")), table  # fmt: skip


def _lean(value: float, scale: list[float]) -> float:
    """The lean that changes so much; beyond 1 as between the last two."""
    out = [2 * LEANS[0] - LEANS[1], *LEANS, 2 * LEANS[-1] - LEANS[-2]]
    return float(np.interp(value, [2 * scale[0] - scale[1], *scale, 2 * scale[-1] - scale[-2]], out))


def _scale(measured: Sequence[float], usual: float) -> list[float]:
    """What each lean changes, rising, and nothing in the middle; `usual` at 1 where that is not known."""
    found = np.array(measured) if len(measured) else np.zeros(len(LEANS))
    found = np.maximum.accumulate(found - found[len(LEANS) // 2])
    return [float(x) for x in (found if found[-1] > found[0] else usual * np.array(LEANS))]


def effects(found: Sequence[Effect]) -> tuple[go.Figure, Table]:
    """How many notes each number changes, and what else; the strongest of them."""
    colours, drawn = look(), found[:DRAWN][::-1]
    figure = go.Figure(go.Bar(
        x=[effect.changed for effect in drawn], y=[f" {effect.number + 1} " for effect in drawn], orientation="h",
        text=[f"{effect.higher:+.1f} semitones, {effect.busier:+d} notes" for effect in drawn], cliponaxis=False,
        textposition="auto", hoverinfo="skip", marker={"color": colours.series[0]},
    ))  # fmt: skip
    figure.update_xaxes(title="notes that come or go", fixedrange=True, rangemode="tozero")
    figure.update_yaxes(title="number", type="category", fixedrange=True)
    table: dict[str, Sequence[Any]] = {
        "number": [effect.number + 1 for effect in found], "notes changed": [effect.changed for effect in found],
        "semitones higher": [round(effect.higher, 3) for effect in found],
        "notes more": [effect.busier for effect in found],
    }  # fmt: skip
    return laid_out(figure, 80 + 26 * len(drawn)), table
