"""Plots of how good a network is, and how it learned (EVALUATION.json), each measure on a scale of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ui.plots import Table, laid_out, look

NUMBER = re.compile(r"(?:(?P<name>.*?): ?)?(?P<value>-?\d[\d,]*\.?\d*) ?(?P<unit>%|points|dB)?(?: \(.*\))?")
WHO = {"ours": "ours", "real": "real, held out", "beside": "beside it"}
SYMBOLS = {"ours": "diamond", "real": "line-ns-open", "beside": "circle-open"}
LEGEND = {"orientation": "h", "y": 1, "yref": "container", "yanchor": "top", "x": 0}
HELD_OUT = ", held out"
ROOM, GAP = 92, 0.76  # pixels of a measure, and the share of them between two
AS_REAL = re.compile(r"^(32 bars|given chords)|tonal distance between|lie apart|struck as before|different veloc|accent"
                     r"|off the grid|bars again|bars more: notes|on the tonic")  # fmt: skip
LOWER = re.compile(r"told |distance|error|\bbits|nats|clash|gap|lost|octave off|silent|apart|training (song|tune)"
                   r"|than the chosen|nearest real")  # fmt: skip


def numbers(cell: str) -> dict[str, float]:
    """The numbers of a table's cell by their names, "" for one that has none; what is no number alone is left out.

    "87%" is {"": 87}, "chance: 0.5<br>copying: 0.3" {"chance": 0.5, "copying": 0.3}.
    """
    matches = [NUMBER.fullmatch(part.strip()) for part in re.split("<br>|;", cell)]
    return {match["name"] or "": float(match["value"].replace(",", "")) for match in matches if match}


def better(measure: str) -> str:
    """Which side of a measure is the better one, in words."""
    return ("nearest to real is best" if AS_REAL.search(measure) else
            "lower is better" if LOWER.search(measure) else "higher is better")  # fmt: skip


def compared(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The measures that have a number of real music, or of what one would use instead, beside ours."""
    return [row for row in rows if numbers(row["ours"]) and (numbers(row["real"]) or numbers(row["beside"]))]


def figures(rows: Sequence[Mapping[str, str]]) -> tuple[go.Figure, Table]:
    """Ours beside real music and beside what one would use instead, a line for each measure that has any.

    Written out as plotly reads it: plotly's own way to dozens of axes takes nine times as long.
    """
    colours = look()
    drawn = compared(rows)
    gap = GAP / max(len(drawn), 1)
    tall, named = (1 + gap) / max(len(drawn), 1) - gap, set[str]()
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for place, row in enumerate(drawn):
        top, axis = 1 - place * (tall + gap), str(place + 1) * (place > 0)
        layout[f"xaxis{axis}"] = {"anchor": f"y{axis}", "fixedrange": True, "nticks": 6, "rangemode": "tozero",
                                  "zeroline": False, "tickfont": {"size": 10}, "showline": True,
                                  "linecolor": colours.quiet, "ticksuffix": "%" * ("%" in row["ours"])}  # fmt: skip
        layout[f"yaxis{axis}"] = {"anchor": f"x{axis}", "domain": [max(0.0, top - tall), top], "visible": False,
                                  "range": [-1, 1], "fixedrange": True}  # fmt: skip
        title = f"{row['measure'][:1].upper()}{row['measure'][1:]}<br><i>{better(row['measure'])}</i>"
        layout["annotations"].append({
            "text": title, "x": 0, "xref": "paper", "xanchor": "left", "align": "left", "y": top, "yref": "paper",
            "yanchor": "bottom", "showarrow": False, "font": {"size": 12},
        })  # fmt: skip
        for (who, called), colour in zip(WHO.items(), colours.series, strict=True):
            points = numbers(row[who])
            data.append({
                "type": "scatter", "x": list(points.values()), "y": [0.0] * len(points), "mode": "markers",
                "xaxis": f"x{axis}", "yaxis": f"y{axis}", "name": called, "legendgroup": who,
                "showlegend": bool(points) and who not in named, "cliponaxis": False, "hoverinfo": "text",
                "hovertext": [f"{name or called}: {value:g}" for name, value in points.items()],
                "marker": {"symbol": SYMBOLS[who], "size": 12, "color": colour,
                           "line": {"width": 2.5, "color": colour}},
            })  # fmt: skip
            named |= {who} if points else set()
    figure = laid_out(go.Figure(data, layout), 70 + ROOM * len(drawn))
    figure.update_layout(showlegend=True, margin={"l": 8, "r": 16, "t": 72, "b": 8}, legend=LEGEND)
    heads = {"measure": "measure", **WHO, "aim": "aim"}
    table: dict[str, Sequence[Any]] = {
        head: [row[name].replace("<br>", "; ").replace("**", "") for row in rows] for name, head in heads.items()
    }
    return figure, table


def curves(known: Mapping[str, Mapping[str, Sequence[float]]]) -> tuple[go.Figure, Table]:
    """How a network learned, step by step: its losses where it learns, and on what is held out beside them."""
    colours = look()
    titles = list(dict.fromkeys(words.removesuffix(HELD_OUT) for words in known))
    figure = make_subplots(len(titles), 1, shared_xaxes=True, vertical_spacing=0.24 / len(titles),
                           subplot_titles=[title[:1].upper() + title[1:] for title in titles])  # fmt: skip
    said: set[bool] = set()
    for words, curve in known.items():
        held = words.endswith(HELD_OUT)
        figure.add_scatter(
            x=list(curve["step"]), y=list(curve["value"]), mode="lines+markers" if held else "lines",
            name="held out" if held else "learned from", legendgroup=str(held), showlegend=held not in said,
            line={"color": colours.series[1 - held], "width": 1.8}, marker={"size": 6},
            hovertemplate="step %{x}: %{y:.4g}<extra></extra>",
            row=titles.index(words.removesuffix(HELD_OUT)) + 1, col=1,
        )  # fmt: skip
        said.add(held)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    figure.update_xaxes(fixedrange=True)
    figure.update_xaxes(title="steps", row=len(titles), col=1)
    figure.update_yaxes(fixedrange=True, nticks=5)
    laid_out(figure, 120 + 150 * len(titles))
    figure.update_layout(showlegend=True, margin={"l": 8, "r": 16, "t": 64, "b": 8}, legend=LEGEND)
    rows = [(words, *each) for words, curve in known.items() for each in zip(curve["step"], curve["value"])]
    return figure, dict(zip(("curve", "step", "value"), map(list, zip(*rows))))
