"""Plots of a variation: how alike its bars stay, and what each of the K numbers does to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ui.plots import Table, heat, laid_out, look

if TYPE_CHECKING:
    from engine.variation.inside import Cousin, Effect, Likeness

DRAWN = 12  # numbers, the strongest


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


def cousins(found: Sequence[Cousin], chosen: int) -> tuple[go.Figure, Table]:
    """Where cousins lie around the original, in the middle; a click's point is the place in `found`."""
    colours = look()
    figure = go.Figure(go.Scatter(
        x=[each.higher for each in found], y=[each.busier for each in found], mode="markers",
        marker={"size": 17, "color": [each.alike for each in found], "coloraxis": "coloraxis",
                "line": {"width": [3 if each.seed == chosen else 1 for each in found], "color": colours.text}},
        hovertext=[f"seed {each.seed}: {each.alike:.0%} alike" for each in found], hoverinfo="text",
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
    ))  # fmt: skip
    figure.add_annotation(x=0, y=0, text="◆ the song", showarrow=False, xshift=28, yshift=9,
                          font={"size": 12})  # fmt: skip
    figure.update_xaxes(title="semitones higher", fixedrange=True, zeroline=True, zerolinecolor=colours.quiet)
    figure.update_yaxes(title="more notes", tickformat="+.0%", fixedrange=True, zerolinecolor=colours.quiet)
    shares = [each.alike for each in found]
    laid_out(figure, 380, coloraxis=_likeness_scale(min(shares), max(shares)), clickmode="event+select")
    figure.update_layout(margin={"t": 64})
    return figure, {
        "seed": [each.seed for each in found], "semitones higher": [round(each.higher, 3) for each in found],
        "more notes (share)": [round(each.busier, 4) for each in found],
        "alike (share)": [round(each.alike, 4) for each in found],
    }  # fmt: skip


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
