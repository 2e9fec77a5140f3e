"""Plots of a tune of Melody: its surprises, what else might have stood in a place, the units that follow it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ui.plots import Table, laid_out, look

if TYPE_CHECKING:
    from engine.melody.inside import Character, Reading, TrackingUnit

ROW = 28  # characters of a tune in a row: what a phone's width shows
MOST_BITS = 8.0  # of the colours; a character may surprise more


def spelled(char: str) -> str:
    """A character as it can be read on its own."""
    return {" ": "␣", "\n": "↵", "": "end"}.get(char, char)


def rows_of(text: str) -> list[tuple[int, int]]:
    """(row, column) of each character of a body and of its end: a row breaks at a newline, and behind the last barline
    that it has room for."""
    out: list[tuple[int, int]] = []
    row = column = 0
    for bar in re.split(r"(?<=\n)|(?<=\|)(?![|:\]12\[\n])", text):
        if column and column + len(bar.rstrip("\n")) > ROW:
            row, column = row + 1, 0
        for char in bar:
            if column == ROW and char != "\n":
                row, column = row + 1, 0
            out.append((row, column))
            row, column = (row + 1, 0) if char == "\n" else (row, column + 1)
    return [*out, (row, column)]


def surprise(reading: Reading, chosen: int | None = None) -> tuple[go.Figure, Table]:
    """The text of a tune, each character coloured by its surprise in bits; a click's point is the character's place."""
    colours, each = look(), reading.characters
    places = rows_of(reading.text)
    bits = [c.bits for c in each]
    hover = [
        f"{spelled(c.char)}: {c.bits:.2f} bits{' (typed)' if c.typed else ''}<br>"
        + "<br>".join(f"{spelled(a.char)} {a.probability:.0%}{'' if a.allowed else ' forbidden'}"
                      for a in c.alternatives[:4])
        for c in each
    ]  # fmt: skip
    marks = go.Scatter(
        x=[column for _, column in places], y=[row for row, _ in places], mode="markers+text",
        text=[f"<b>{spelled(c.char).replace('end', '■')}</b>" for c in each],
        hovertext=hover, hoverinfo="text", textfont={"family": "monospace", "size": 12, "color": colours.text},
        marker={"symbol": "square", "size": 15, "color": bits, "cmin": 0, "cmax": MOST_BITS,
                "colorscale": [[0, colours.scale[0]], [1, colours.scale[1]]],
                "line": {"width": [3 if i == chosen else 0 for i in range(len(each))], "color": colours.text},
                "colorbar": {"title": {"text": "surprise, bits", "side": "top"}, "orientation": "h", "thickness": 8,
                             "y": 1.0, "yanchor": "bottom", "len": 0.6}},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": colours.text}},
    )  # fmt: skip
    figure = go.Figure(marks)
    last = places[-1][0]
    figure.update_xaxes(visible=False, range=[-0.7, ROW + 0.7], fixedrange=True)
    figure.update_yaxes(visible=False, range=[last + 0.7, -0.7], fixedrange=True)
    laid_out(figure, 90 + 24 * (last + 1), clickmode="event+select")
    table: dict[str, Sequence[Any]] = {
        "place": list(range(1, len(each) + 1)), "character": [spelled(c.char) for c in each],
        "surprise (bits)": [round(b, 4) for b in bits],
        "forbidden (probability)": [round(c.forbidden, 6) for c in each], "typed": [c.typed for c in each],
        "likeliest": [" ".join(f"{spelled(a.char)}:{a.probability:.3f}" for a in c.alternatives) for c in each],
    }  # fmt: skip
    return figure, table


def alternatives(character: Character) -> tuple[go.Figure, Table]:
    """What might have stood in a place, with its probability; what the grammar forbade is hatched."""
    colours, others = look(), character.alternatives[::-1]
    bars = go.Bar(
        x=[a.probability for a in others], y=[f" {spelled(a.char)} " for a in others], orientation="h",
        text=[f"{a.probability:.1%}{'' if a.allowed else ', forbidden'}" for a in others], cliponaxis=False,
        marker={"color": [colours.series[a.char == character.char] if a.allowed else colours.quiet for a in others],
                "pattern": {"shape": ["" if a.allowed else "/" for a in others]}},
        textposition="outside", hoverinfo="skip",
    )  # fmt: skip
    figure = go.Figure(bars)
    figure.update_xaxes(title="probability", range=[0, 1.2], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1],
                        fixedrange=True)  # fmt: skip
    figure.update_yaxes(title="character", fixedrange=True, type="category")
    table: dict[str, Sequence[Any]] = {
        "character": [spelled(a.char) for a in character.alternatives],
        "probability": [a.probability for a in character.alternatives],
        "allowed": [a.allowed for a in character.alternatives],
    }
    return laid_out(figure, 90 + 30 * len(others)), table


def units(reading: Reading, tracking: Sequence[TrackingUnit]) -> tuple[go.Figure, Table]:
    """The units that follow the bar and the parts, along the tune; each part begins at a line."""
    colours, n = look(), len(reading.characters)
    figure = go.Figure()
    for each, colour in zip(tracking, colours.series, strict=False):
        name = f"unit {each.unit} follows {each.tracks} ({each.share:.0%} of its variance)"
        figure.add_scatter(x=list(range(1, n + 1)), y=each.values.round(4).tolist(), name=name, mode="lines",
                           line={"color": colour, "width": 1.5})  # fmt: skip
    parts = [c.part for c in reading.characters[:-1]]
    for i in range(1, len(parts)):
        if parts[i] > parts[i - 1]:
            figure.add_vline(x=i + 1, line={"color": colours.quiet, "dash": "dot", "width": 1})
    figure.update_xaxes(title="character of the tune", fixedrange=True)
    figure.update_yaxes(title="state, −1 to 1", range=[-1.05, 1.05], fixedrange=True)
    laid_out(figure, 360)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0})
    table: dict[str, Sequence[Any]] = {"place": list(range(1, n + 1)),
                                       "character": [spelled(c.char) for c in reading.characters]}  # fmt: skip
    for each in tracking:
        table[f"unit {each.unit} ({each.tracks})"] = each.values.round(4).tolist()
    return figure, table
