"""Plots of a note of Trombone: what its samples were drawn from, and its pitch and loudness beside what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from plotly.subplots import make_subplots

from engine.core.pitch import cents, loudness_db, midi_hz
from engine.trombone.conditions import HOP
from engine.trombone.pitch import HOP_SECONDS, RATE, track_f0
from ui.plots import Table, heat, laid_out, look

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.core.audio import Audio
    from engine.trombone.conditions import Conditions
    from engine.trombone.inside import Moment

AROUND = 24  # levels drawn above and below what was played
MOST = 0.15  # of the colours; a level may be likelier
CENTS = 60.0  # drawn of the pitch, to either side


def drawn(moment: Moment, frames: tuple[int, int]) -> tuple[go.Figure, Table]:
    """Each sample over the distribution that it was drawn from; below, what the network adds to the prior, and how far
    the state of each tier moved. frames: samples in a frame of the upper tier and of the lower."""
    colours, count = look(), len(moment.levels)
    ms = ((moment.start + np.arange(count)) * 1000 / RATE).round(4)
    low = max(0, int(min(moment.levels.min(), moment.prior.min())) - AROUND)
    high = min(255, int(max(moment.levels.max(), moment.prior.max())) + AROUND)
    figure = make_subplots(3, 1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.65, 0.18, 0.17],
                           subplot_titles=["Level of each sample", "What the network adds to the prior",
                                           "How far each frame moved its tier"])  # fmt: skip
    figure.add_heatmap(x=ms, y=np.arange(low, high + 1), z=moment.probabilities.T[low : high + 1].round(4),
                       coloraxis="coloraxis", hoverinfo="skip", row=1, col=1)  # fmt: skip
    residual = moment.centre - moment.prior
    figure.add_scatter(x=ms, y=moment.prior.round(2), name="the prior: the note's harmonics alone", mode="lines",
                       line={"dash": "dot", "width": 1.5, "color": colours.series[0]}, row=1, col=1)  # fmt: skip
    figure.add_scatter(x=ms, y=moment.levels, name="played", mode="markers",
                       marker={"size": 3, "color": colours.text}, row=1, col=1)  # fmt: skip
    figure.add_scatter(x=ms, y=residual.round(2), mode="lines", line={"width": 1.5, "color": colours.series[0]},
                       showlegend=False, row=2, col=1)  # fmt: skip
    for place, (size, moved) in enumerate(zip(frames, moment.changes, strict=True)):
        steps = ((moment.start + (np.arange(len(moved)) + 0.5) * size) * 1000 / RATE).round(4)
        figure.add_heatmap(
            x=steps, y=[-place], z=[(moved / moved.max()).round(3).tolist()], zmin=0, zmax=1, showscale=False,
            colorscale=[[0, colours.scale[0]], [1, colours.series[0]]], xgap=1, ygap=2, hoverinfo="skip", row=3, col=1,
        )  # fmt: skip
    figure.update_xaxes(fixedrange=True, showgrid=False, range=[float(ms[0]), float(ms[-1])])
    figure.update_xaxes(title={"text": "milliseconds of the note", "standoff": 12}, row=3, col=1)
    figure.update_yaxes(fixedrange=True, showgrid=False)
    figure.update_yaxes(title="level, 128 silence", range=[low, high], row=1, col=1)
    figure.update_yaxes(title="levels", row=2, col=1)
    figure.update_yaxes(tickvals=[0, -1], ticktext=[f"{size} samples" for size in frames], row=3, col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    laid_out(figure, 620, coloraxis=heat("probability", 0, MOST))
    figure.update_layout(showlegend=True, margin={"t": 78, "b": 48},
                         legend={"orientation": "h", "y": -0.14, "yanchor": "top"})  # fmt: skip
    table: dict[str, Sequence[float]] = {
        "millisecond": ms.tolist(), "level": moment.levels.tolist(), "prior": moment.prior.round(3).tolist(),
        "residual": residual.round(3).tolist(), "spread (levels)": moment.width.round(3).tolist(),
        "probability": moment.probabilities[np.arange(count), moment.levels].round(6).tolist(),
    }  # fmt: skip
    return figure, table


def whole(told: Conditions, audio: Audio, lead: float = 0.0) -> tuple[go.Figure, Table]:
    """Pitch and loudness of one note, asked and heard. audio: of that note alone, from `lead` seconds on."""
    colours, step = look(), round(HOP_SECONDS * RATE)
    sound, hz = audio.mono().resampled(RATE).samples, midi_hz(told.midi)
    at = np.arange(0, told.frames - round(lead * RATE), step) / RATE
    curve = np.interp(lead + at, np.arange(len(told.loudness_db)) * HOP / RATE, told.loudness_db)
    level = loudness_db(sound, np.hanning(round(0.025 * RATE)), step)[: len(at)]
    asked_hz = np.interp(lead + at, np.arange(told.frames - 1) / RATE, np.diff(told.phase) * RATE)
    f0_hz = track_f0(sound)[: len(at)]
    heard = np.pad(np.where(f0_hz > 0, cents(np.where(f0_hz > 0, f0_hz, hz), hz), np.nan), (0, len(at) - len(f0_hz)),
                   constant_values=np.nan)  # fmt: skip
    level = np.pad(level, (0, len(at) - len(level)), constant_values=-120.0)
    lines = {"pitch, cents": (cents(asked_hz, hz), heard), "loudness, dB below the top": (
        curve - curve.max(), level - level.max())}  # fmt: skip
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06)
    table: dict[str, Sequence[float | None]] = {"second": at.round(3).tolist()}
    for row, (title, both) in enumerate(lines.items(), start=1):
        for who, values, style in zip(("asked", "heard"), both, ("dot", "solid"), strict=True):
            shown = [None if np.isnan(each) else round(float(each), 2) for each in values]
            figure.add_scatter(x=at.round(3), y=shown, mode="lines", name=who, legendgroup=who, showlegend=row == 1,
                               line={"dash": style, "width": 1.8, "color": colours.series[style == "solid"]},
                               row=row, col=1)  # fmt: skip
            table[f"{title}: {who}"] = shown
        figure.update_yaxes(title=title, fixedrange=True, row=row, col=1)
    figure.update_yaxes(range=[-CENTS, CENTS], row=1, col=1)
    figure.update_yaxes(range=[-45, 3], row=2, col=1)
    figure.update_xaxes(fixedrange=True)
    figure.update_xaxes(title="seconds", row=2, col=1)
    laid_out(figure, 380)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0})
    return figure, table
