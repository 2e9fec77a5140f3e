"""Plots of a translation: what goes and what comes (timbre), what stays (pitch and loudness), and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.translation.frames import HOP, KNOT_NUMBERS, RATE
from engine.translation.profile import CLIP
from ui.plots import Table, heat, laid_out, look

if TYPE_CHECKING:
    from engine.translation.inside import Look

NUMBERS = KNOT_NUMBERS.round(1).tolist()
TICKS = [1, 2, 4, 8, 16, 32, 64, 128]
LEGEND = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}


def _by_harmonic(lines: dict[str, tuple[np.ndarray, int, str]], title: str, numbers: int) -> tuple[go.Figure, Table]:
    """Lines over the first `numbers` knots of harmonics: values, which colour, which dash."""
    figure, colours = go.Figure(), look()
    for name, (values, colour, dash) in lines.items():
        figure.add_scatter(x=NUMBERS[:numbers], y=values[:numbers].round(2), name=name, mode="lines",
                           line={"color": colours.series[colour], "dash": dash, "width": 2})  # fmt: skip
    figure.update_xaxes(title="harmonic", type="log", tickvals=TICKS, fixedrange=True)
    figure.update_yaxes(title=title, fixedrange=True)
    laid_out(figure, 340)
    figure.update_layout(showlegend=True, legend=LEGEND, margin={"t": 64})
    table: dict[str, Sequence[float]] = {"harmonic": NUMBERS[:numbers]}
    return figure, table | {f"{name}, dB": values[:numbers].round(3).tolist() for name, (values, _, _) in lines.items()}


def _audible(seen: Look) -> int:
    """How many knots there are below the top of what is measured, for most of what is heard."""
    f0_hz = float(np.median(seen.after.f0_hz[seen.heard]))
    return int(np.searchsorted(KNOT_NUMBERS, 18_000 / max(f0_hz, 1.0)))


def profiles(seen: Look, source: str, target: str) -> tuple[go.Figure, Table]:
    """The profiles of both instruments at the pitches and levels that are played, and what is heard of them."""
    return _by_harmonic({
        f"{source}, on average": (seen.source, 0, "dot"), "the recording": (seen.mean(seen.before), 0, "solid"),
        f"{target}, on average": (seen.target, 1, "dot"), "what was made": (seen.mean(seen.after), 1, "solid"),
    }, "dB of the whole", _audible(seen))  # fmt: skip


def way_back(seen: Look, target: str) -> tuple[go.Figure, Table]:
    """How far the result is from the recording, and how far what is translated back from it."""
    assert seen.back is not None
    return _by_harmonic({
        f"on the {target}": (seen.apart(seen.after), 1, "solid"), "there and back": (seen.apart(seen.back), 0, "solid"),
    }, "dB apart from the recording", _audible(seen))  # fmt: skip


def kept(seen: Look, start: float) -> tuple[go.Figure, Table]:
    """Pitch and loudness, before and after, over time."""
    colours, at = look(), start + np.arange(len(seen.before)) * HOP / RATE
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06)
    table: dict[str, Sequence[Any]] = {"second": at.round(3).tolist()}
    for row, title in enumerate(("pitch, MIDI", "loudness, dB"), start=1):
        for name, frames, colour, width in (("before", seen.before, 2, 5), ("after", seen.after, 1, 1.5)):
            values = np.where(frames.voiced, frames.midi, np.nan) if row == 1 else frames.loudness_db
            shown = [None if np.isnan(each) else round(float(each), 3) for each in values]
            figure.add_scatter(x=at.round(3), y=shown, mode="lines", name=name, legendgroup=name, showlegend=row == 1,
                               line={"color": colours.series[colour], "width": width},
                               opacity=0.5 if width > 2 else 1.0, row=row, col=1)  # fmt: skip
            table[f"{title}: {name}"] = shown
        figure.update_yaxes(title=title, fixedrange=True, row=row, col=1)
    loudest = float(max(seen.before.loudness_db.max(), seen.after.loudness_db.max()))
    figure.update_yaxes(range=[loudest - 60, loudest + 3], row=2, col=1)
    figure.update_xaxes(fixedrange=True)
    figure.update_xaxes(title="seconds", row=2, col=1)
    laid_out(figure, 380)
    figure.update_layout(showlegend=True, legend=LEGEND)
    return figure, table


def left(seen: Look, start: float) -> tuple[go.Figure, Table]:
    """How far each harmonic is from the source's profile over time, in its spreads: what the network translates."""
    colours, count = look(), _audible(seen)
    at = (start + np.arange(len(seen.white)) * HOP / RATE).round(3)
    white = np.where(seen.heard[:, None], seen.white[:, :count], np.nan)
    names = [f"{number:g}" for number in NUMBERS[:count]]
    figure = go.Figure(go.Heatmap(
        x=at, y=names, z=white.T.round(2), coloraxis="coloraxis",
        hovertemplate="%{x:.2f} s, harmonic %{y}: %{z:.1f} spreads<extra></extra>",
    ))  # fmt: skip
    figure.update_xaxes(title="seconds", fixedrange=True, showgrid=False)
    figure.update_yaxes(title="harmonic", type="category", fixedrange=True, showgrid=False, nticks=10)
    scale = heat("spreads", -CLIP, CLIP)
    scale["colorscale"] = [[0, colours.series[0]], [0.5, colours.scale[0]], [1, colours.scale[1]]]
    laid_out(figure, 340, coloraxis=scale)
    figure.update_layout(margin={"t": 64})
    table: dict[str, Sequence[Any]] = {"second": at.tolist()}
    return figure, table | {f"harmonic {name} (spreads)": ["" if np.isnan(x) else round(float(x), 2) for x in column]
                            for name, column in zip(names, white.T)}  # fmt: skip
