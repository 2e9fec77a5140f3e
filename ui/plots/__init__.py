"""Plots of what a network expected, drew and thought, by plotly, in the theme's colours, with their numbers.

    figure, table = melody.surprise(reading, chosen=17)      # a plotly Figure, and its numbers
    picked = plots.show("melody surprise", figure, table, title="…", says="…", code="engine/melody/inside.py")

Here is what all plots share; a file beside this one has those of a system.

A page imports this package only where a plot is shown (within *How it was made*, once it is open): plotly costs a
second of a cold start, and the browser fetches Streamlit's own of it with the first plot (Melody's page weighs 4.1 MB
before, 8.8 after). `show` draws title and two sentences; the picture, which plotly's camera saves as PNG or SVG; its
numbers as a table, for screen readers and as CSV; and a button that shows the code.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.frame import ROOT

if TYPE_CHECKING:
    import plotly.graph_objects as go

Table = Mapping[str, Sequence[Any]]  # columns by their heading, all of one length

CALM = (("#f1e7d4", "#b4472e"), ("#2a221e", "#efa94a"))  # from expected to surprising, on light and on dark
SERIES = (("#2f6f8f", "#b4472e", "#3d7a52"), ("#6fb7d6", "#ef8660", "#7fc796"))


@dataclass(frozen=True)
class Look:
    """The colours of the theme that is on."""

    scale: tuple[str, str]
    series: tuple[str, ...]
    text: str
    quiet: str


def look() -> Look:
    """The colours of the theme that this session sees."""
    dark = st.context.theme.type == "dark"
    return Look(CALM[dark], SERIES[dark], ("#2b211b", "#f3e9da")[dark], ("#a89a86", "#8d7d70")[dark])


def as_csv(table: Table) -> bytes:
    """A table as CSV: a line of headings, then a line for each row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


def of_one_type(column: Sequence[Any]) -> list[Any]:
    """A column as Streamlit takes it: numbers, nothing where one is missing; words where any of it is in words."""
    values = [None if value == "" else value for value in column]
    return [value if value is None else str(value) for value in values] if any(
        isinstance(value, str) for value in values) else values  # fmt: skip


def show(
    key: str, figure: go.Figure, table: Table, *, title: str, says: str, code: str, clicks: bool = False,
    picked: Callable[[int], None] | None = None,
) -> int | None:  # fmt: skip
    """Draw a plot with its words and its numbers; returns which point was clicked last.

    picked: called with a point that is clicked before the page runs again, so that it may set the page's controls.
    """

    def pick() -> None:
        points = st.session_state[f"plot {key}"].selection.points
        if points and picked:
            picked(int(points[0]["point_index"]))

    heading(title, says)
    config = {
        "displaylogo": False, "scrollZoom": False,
        "toImageButtonOptions": {"format": kind_of(key).lower(), "filename": key.replace(" ", "-"), "scale": 2},
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    }  # fmt: skip
    options: dict[str, Any] = {}
    if clicks or picked:
        options = {"on_select": pick if picked else "rerun", "selection_mode": "points"}
    event = st.plotly_chart(figure, key=f"plot {key}", config=config, alt=f"{title}. {says}", **options)
    numbers(key, table, code)
    points = event.selection.points if clicks and event else []
    return int(points[0]["point_index"]) if points else None


def heading(title: str, says: str) -> None:
    """What stands over a plot."""
    st.markdown(f"## {title}")
    st.caption(says)


def kind_of(key: str) -> str:
    """What the camera of a plot saves, "PNG" or "SVG"."""
    return str(st.session_state.get(f"plot {key} picture", "PNG"))


def numbers(key: str, table: Table, code: str) -> None:
    """What stands below a plot: its numbers, also as CSV, what its camera saves, and the code that computes it."""
    row = st.container(horizontal=True)
    if row.button("The code", key=f"plot {key} code", icon=":material/code:", help=code):
        st.dialog(code, width="large")(_listing)(code)
    with row.popover("Numbers and pictures", icon=":material/table_chart:"):
        st.segmented_control("The camera above the plot saves", ["PNG", "SVG"], default="PNG", required=True,
                             key=f"plot {key} picture")  # fmt: skip
        st.download_button("CSV", as_csv(table), file_name=f"{key.replace(' ', '-')}.csv", mime="text/csv",
                           key=f"plot {key} csv", on_click="ignore", icon=":material/download:")  # fmt: skip
        st.dataframe({name: of_one_type(column) for name, column in table.items()}, hide_index=True, height=260)


def _listing(code: str) -> None:
    """A file of this repository, to be read."""
    st.code((ROOT / code).read_text("utf-8"), language="python", height=520)


def laid_out(figure: go.Figure, height: int, **more: Any) -> go.Figure:
    """The figure with what all plots have: its height in pixels, narrow margins, and no dragging, which is scrolling on
    a phone."""
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 36, "b": 8}, dragmode=False, showlegend=False,
                         **more)  # fmt: skip
    return figure


def heat(title: str, low: float, high: float, cold: str | None = None) -> dict[str, Any]:
    """A colour axis from low (in the theme's quiet colour, or `cold`) to high, its bar at the top of the figure."""
    return {
        "colorscale": [[0, cold or look().scale[0]], [1, look().scale[1]]], "cmin": low, "cmax": high,
        "colorbar": {"title": {"text": title, "side": "right", "font": {"size": 11}}, "orientation": "h",
                     "thickness": 8, "y": 1.0, "yref": "container", "yanchor": "top", "len": 1, "nticks": 4,
                     "x": 0, "xanchor": "left"},
    }  # fmt: skip
