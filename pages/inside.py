"""Inside: how good each network is beside real music and beside what one would use instead, and how it learned."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from ui import frame

REPORT = frame.ROOT / "EVALUATION.json"
BELONGS = {"player": "band", "planner": "band", "ranker": "band", "touch": "band"}  # what plays in another's page
CODE = "training/report_rows.py"
FEW = 14  # measures that are drawn at first: all of Band's are four screens of a desk high

frame.open_page("Inside", "What the networks do on music that they did not learn from, and how they came to it.")


@st.cache_data
def report(changed: float) -> dict[str, Any]:
    """The report's tables, by system; read again when the file is another."""
    known: dict[str, Any] = json.loads(REPORT.read_text("utf-8"))
    return known


def how_good(name: str, system: dict[str, Any]) -> None:
    """A network's figures as a chart, and how and when they were measured."""
    from ui import plots  # here, because it brings plotly
    from ui.plots.report import compared, figures

    missed = [row["measure"] for row in system["rows"] if "missed" in row["aim"]]
    said = ("Each line has a scale of its own: the diamond is this network, the stroke real music that it never "
            "learned from, the circles what one would use instead; under its name stands which side is better. "
            "What has nothing beside it is among the numbers.")  # fmt: skip
    further = compared(system["rows"])[FEW:]
    figure, table = figures([row for row in system["rows"] if row not in further])
    plots.show(f"inside {name}", figure, table, title=f"How good is {name.capitalize()}?", says=said, code=CODE)
    if further:
        more = st.expander(f"{len(further)} more measures", icon=":material/expand_more:", key=f"inside {name} more",
                           on_change="rerun")  # fmt: skip
        if more.open:
            with more:
                figure, table = figures(further)
                plots.show(f"inside {name} further", figure, table, title=f"What else {name.capitalize()} does",
                           says="Read as those above.", code=CODE)  # fmt: skip
    if missed:
        st.caption(frame.plain(f"Aims that are missed: {'; '.join(missed)}."))
    st.caption("  \n".join(system["measured"]))


def how_it_learned(name: str, system: dict[str, Any]) -> None:
    """The training curves of its checkpoints."""
    from ui import plots
    from ui.plots.report import curves

    for folder, known in system["curves"].items():
        figure, table = curves(known)
        plots.show(f"inside {name} {folder} curves", figure, table, title=f"How {folder.capitalize()} learned",
                   says="What training kept of its losses, as far as these weights; lower is better but for shares and "
                        "areas. Held-out music was never learned from.", code="training/core/runs.py")  # fmt: skip
    if system["trained"] and not system["curves"]:
        st.caption("How it learned is not shown: the log of its training is gone.")


if REPORT.is_file():
    known = report(REPORT.stat().st_mtime)
    asked = st.query_params.get("inside_network", "")
    if asked.lower() in known and asked != asked.capitalize():  # in an address that a person wrote
        st.session_state["inside_network"] = asked.lower()
    elif asked and asked.lower() not in known:
        st.caption(frame.plain(f"There is no network called {asked}: these are {', '.join(known)}."))
    name = st.segmented_control("Network", list(known), default=next(iter(known)), required=True, key="inside_network",
                                format_func=str.capitalize, bind="query-params",
                                help="Whose figures. Planner, player, ranker and touch play in Band.")  # fmt: skip
    how_good(name, known[name])
    how_it_learned(name, known[name])
    page = next((page for page in frame.makers() if page.title.lower() == BELONGS.get(name, name)), None)
    if page:
        st.page_link(page.path, label=f"Open {page.title} and, under its result, How it was made", icon=page.icon)
else:
    st.info("EVALUATION.json is not here: python -m training report --gather writes it.", icon=":material/info:")
