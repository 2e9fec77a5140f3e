"""Plots of a piece of Band: its notes by their surprise, the chords and form that were drawn, what the judge makes of
each bar, and where it lies among the styles of songs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

import engine.player.vocabulary as v
from engine.core.pitch import note_name
from ui.plots import Table, heat, laid_out, look

if TYPE_CHECKING:
    import numpy as np

    from engine.player.inside import Look
    from engine.ranker.inside import Styles

MOST_BITS = 16.0  # of the colours; a note may surprise more
LANE = 118  # pixels
NEW, RHYTHM, AGAIN = 0.45, 0.25, 0.08  # how strongly each is coloured, so that words on it can be read


def notes(looked: Look, meter: tuple[int, int], shift: int = 0) -> tuple[go.Figure, Table]:
    """The notes of each lane in time, coloured by surprise; grey comes again or was given. shift: semitones from C."""
    colours, beats = look(), v.METERS[meter] / 24
    lanes = sorted({note.lane for note in looked.notes})
    figure = make_subplots(len(lanes), 1, shared_xaxes=True, vertical_spacing=0.025,
                           subplot_titles=[v.LANES[lane].capitalize() for lane in lanes])  # fmt: skip
    table: dict[str, list[Any]] = {"player": [], "bar": [], "beat": [], "beats": [], "pitch": [], "surprise (bits)": []}
    for place, lane in enumerate(lanes, start=1):
        drawn = [note for note in looked.notes if note.lane == lane]
        unit = [v.UNITS[looked.grids[note.bar - looked.bars.start]] / 24 for note in drawn]
        onset = [note.bar * beats + note.row[0] * each for note, each in zip(drawn, unit)]
        length = [note.row[1] * each for note, each in zip(drawn, unit)]
        pitch = [note.row[2] + (0 if lane == v.DRUMS else shift) for note in drawn]
        bits = [note.bits for note in drawn]
        said = ["comes again or was given" if each is None else f"{each:.1f} bits" for each in bits]
        for fresh in (False, True):
            which = [i for i, each in enumerate(bits) if (each is not None) == fresh]
            figure.add_bar(
                base=[onset[i] / beats + 1 for i in which], x=[length[i] / beats for i in which],
                y=[pitch[i] for i in which], orientation="h", width=0.9, showlegend=False,
                hovertext=[f"{note_name(pitch[i])}: {said[i]}" for i in which], hoverinfo="text",
                marker={"color": [bits[i] for i in which], "coloraxis": "coloraxis", "line": {"width": 0}} if fresh
                else {"color": colours.quiet, "opacity": 0.5, "line": {"width": 0}}, row=place, col=1,
            )  # fmt: skip
        columns: tuple[list[Any], ...] = ([v.LANES[lane]] * len(drawn), [note.bar + 1 for note in drawn],
                   [round(at % beats + 1, 3) for at in onset], [round(each, 3) for each in length], pitch,
                   ["" if each is None else round(each, 3) for each in bits])  # fmt: skip
        for name, column in zip(table, columns, strict=True):
            table[name] += column
    figure.update_xaxes(fixedrange=True, range=[looked.bars.start + 1, looked.bars.stop + 1], dtick=1)
    figure.update_xaxes(title="bar", row=len(lanes), col=1)
    figure.update_yaxes(fixedrange=True, tickfont={"size": 9}, nticks=4)
    figure.update_yaxes(title="MIDI pitch", row=(len(lanes) + 1) // 2, col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    scale = heat("surprise, bits", 0, MOST_BITS, colours.series[0])
    laid_out(figure, 110 + LANE * len(lanes), coloraxis=scale, barmode="overlay")
    figure.update_layout(margin={"t": 78})
    return figure, table


def form(looked: Look, named: Callable[[int], str]) -> tuple[go.Figure, Table]:
    """How each lane's bar came (new, with an earlier bar's rhythm, as an earlier bar), under the chords; `named` is a
    chord's name in the piece's key."""
    colours = look()
    lanes = sorted({lane for _, lane in looked.origin}, reverse=True)
    heat, words = [], []
    for lane in lanes:
        relations = [looked.origin.get((bar, lane)) for bar in looked.bars]
        heat.append([None if r is None else NEW if not r else RHYTHM if r >= v.RHYTHM else AGAIN for r in relations])
        words.append([_origin(bar, r) for bar, r in zip(looked.bars, relations)])
    chords = [[chord for chord in looked.chords if chord.half // 2 == bar] for bar in looked.bars]
    names = ["<br>".join(dict.fromkeys(named(chord.number) for chord in each)) for each in chords]
    numbers = [bar + 1 for bar in looked.bars]
    figure = go.Figure(go.Heatmap(
        x=numbers, y=[v.LANES[lane] for lane in lanes], z=heat, text=words, zmin=0, zmax=1,
        texttemplate="%{text}", textfont={"size": 10, "color": colours.text}, hoverinfo="skip", xgap=2, ygap=2,
        colorscale=[[0, colours.scale[0]], [1, colours.scale[1]]], showscale=False,
    ))  # fmt: skip
    figure.add_scatter(x=numbers, y=[None] * len(numbers), xaxis="x2", hoverinfo="skip")  # for the axis of the chords
    figure.update_xaxes(title="bar", dtick=1, fixedrange=True, showgrid=False)
    figure.update_yaxes(fixedrange=True, showgrid=False)
    above = {"overlaying": "x", "matches": "x", "side": "top", "title": None, "tickvals": numbers, "ticktext": names}
    laid_out(figure, 160 + 40 * len(lanes), xaxis2={**above, "tickfont": {"size": 11}, "fixedrange": True,
                                                    "showgrid": False})  # fmt: skip
    table: dict[str, Sequence[Any]] = {"bar": numbers}
    for half in (0, 1):
        table[f"chord, half {half + 1}"] = [named(each[half].number) for each in chords]
        table[f"its probability, half {half + 1}"] = [
            "given" if (p := each[half].probability) is None else round(p, 4) for each in chords
        ]
    return figure, {**table, **{v.LANES[lane]: row for lane, row in zip(lanes[::-1], words[::-1])}}


def judged(first: int, parts: Sequence[float]) -> tuple[go.Figure, Table]:
    """What each bar from number `first` (0 is the piece's first) on does to the judge's score."""
    colours, bars = look(), [first + n + 1 for n in range(len(parts))]
    figure = go.Figure(go.Bar(
        x=bars, y=[round(part, 3) for part in parts], hovertemplate="bar %{x}: %{y:+.2f}<extra></extra>",
        marker={"color": [colours.series[0] if part >= 0 else colours.scale[1] for part in parts]},
    ))  # fmt: skip
    figure.update_xaxes(title="bar", dtick=1, fixedrange=True)
    figure.update_yaxes(title="more like a song, logits", fixedrange=True, zerolinecolor=colours.quiet)
    return laid_out(figure, 260), {"bar": bars, "what it adds to the score (logits)": [round(x, 4) for x in parts]}


def styles(known: Styles, places: np.ndarray, genres: Collection[str]) -> tuple[go.Figure, Table]:
    """Where half of each genre's songs lie, phrases to hear (a click's point is the place in `known.phrases`), and the
    piece's own, float [phrases, 2]; the piece's `genres` stand out."""
    colours, figure = look(), go.Figure()
    middle = sum(region.centre for region in known.regions.values()) / len(known.regions)
    for genre, region in sorted(known.regions.items(), key=lambda item: item[0] in genres):
        own = genre in genres
        around = region.outline().round(3)
        figure.add_scatter(x=around[:, 0], y=around[:, 1], mode="lines", hoverinfo="skip",
                           line={"color": colours.series[0] if own else colours.quiet, "width": 2.5 if own else 1,
                                 "dash": "solid" if own else "dot"})  # fmt: skip
        away = around - middle
        out = (away**2).sum(1).argmax()  # where the rings overlap least
        figure.add_annotation(x=around[out, 0], y=around[out, 1], text=genre, showarrow=False,
                              yshift=9 if away[out, 1] > 0 else -9,
                              font={"size": 11} | ({"color": colours.series[0]} if own else {}))  # fmt: skip
    mine = [phrase.genre in genres for phrase in known.phrases]
    figure.add_scatter(
        x=[phrase.place[0] for phrase in known.phrases], y=[phrase.place[1] for phrase in known.phrases],
        mode="markers", hovertext=[f"{phrase.genre}, seed {phrase.seed}" for phrase in known.phrases],
        hoverinfo="text", marker={"size": 11, "color": [colours.series[0] if own else colours.quiet for own in mine],
                                  "opacity": 0.8},
        selected={"marker": {"opacity": 0.8}}, unselected={"marker": {"opacity": 0.8}},
    )  # fmt: skip
    numbers = [f"{8 * n + 1}–" for n in range(len(places))]
    figure.add_scatter(x=places[:, 0].round(3), y=places[:, 1].round(3), mode="markers+text", hoverinfo="skip",
                       text=numbers if len(places) > 1 else None, textposition="top center",
                       textfont={"size": 11, "color": colours.text},
                       marker={"symbol": "diamond", "size": 15, "color": colours.scale[1],
                               "line": {"width": 1.5, "color": colours.text}})  # fmt: skip
    for update, (name, r) in zip((figure.update_xaxes, figure.update_yaxes), known.names.items()):
        update(title=f"{name} → (spreads; r = {r:.2f})", fixedrange=True, zeroline=False)
    rows = [(f"this piece, from bar {8 * n + 1}", "", *place) for n, place in enumerate(places.tolist())]
    rows += [(f"{phrase.genre}, to hear", phrase.seed, *phrase.place) for phrase in known.phrases]
    rows += [(f"{genre}: the middle of songs", "", *region.centre) for genre, region in known.regions.items()]
    columns = ("what", "seed", *known.names)
    table = dict(zip(columns, ([round(x, 3) if isinstance(x, float) else x for x in each] for each in zip(*rows))))
    return laid_out(figure, 440, clickmode="event+select"), table


def _origin(bar: int, relation: int | None) -> str:
    """How a lane's bar came, in words that fit a cell."""
    if relation is None:
        return "rests"
    if not relation:
        return "new"
    before = bar + 1 - v.RELATIONS[relation]
    return f"as {before}" if relation < v.RHYTHM else f"♪ {before}"
