"""The page Inside, the report's figures as charts; and how results were made, under them on their pages."""

import json
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import band
from engine.band.played import brief_of
from engine.core.midi import write_midi
from engine.core.request import File
from engine.player import inside
from engine.player.candidates import CHOICE
from engine.ranker import inside as ranker_inside
from engine.variation import inside as inside_variation
from tests.studio import app, refusals, settled, tune
from ui import frame
from ui.plots import band as figures_of_band
from ui.plots import variation as figures_of_variation
from ui.plots.report import better, compared, curves, figures, numbers

REPORT = json.loads((frame.ROOT / "EVALUATION.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0.862", {"": 0.862}), ("87%", {"": 87}), ("16.0 % (bass)", {"": 16}), ("1,024", {"": 1024}),
        ("chance: 0.5; more stands in its card", {"chance": 0.5}), ("", {}), ("none", {}),
        ("a flute: 0.3<br>copying: 12%", {"a flute": 0.3, "copying": 12}), ("18 to 26 points", {}),
        ("0.971 (0.9, real 0.993)", {"": 0.971}), ("-3.5 dB", {"": -3.5}), ("100.0%, 100.0%", {}),
    ],
)  # fmt: skip
def test_the_numbers_of_a_cell_are_read_and_words_are_none(cell, expected):
    assert numbers(cell) == expected


@pytest.mark.parametrize("name", REPORT)
def test_a_chart_shows_each_measure_that_is_a_number_beside_real_and_the_others(name):
    rows = REPORT[name]["rows"]
    figure, table = figures(rows)
    points = [(x, mark.legendgroup) for mark in figure.data for x in mark.x]
    compared = [row for row in rows if numbers(row["ours"]) and (numbers(row["real"]) or numbers(row["beside"]))]
    for who in ("ours", "real", "beside"):
        assert [x for x, group in points if group == who] == [x for row in compared for x in numbers(row[who]).values()]
    assert len(compared) >= 3
    assert [len(column) for column in table.values()] == [len(rows)] * 5


def test_a_chart_says_which_side_of_a_measure_is_better():
    for measure, words in (
        ("told from real songs by the score", "lower"), ("bits a character", "lower"), ("clipped or silent", "lower"),
        ("genre judged right", "higher"), ("the next bar's note F1, mean of the tracks", "higher"),
        ("32 bars: density varies", "nearest to real"), ("tonal distance between the tracks", "nearest to real"),
    ):  # fmt: skip
        assert better(measure).startswith(words), measure
    figure, _ = figures(REPORT["melody"]["rows"])
    assert all("is better" in title.text or "is best" in title.text for title in figure.layout.annotations)


def test_the_page_shows_each_network_and_what_it_misses():
    test = app("pages/inside.py").run()
    for name, system in REPORT.items():
        test.session_state["inside_network"] = name
        test.run()
        assert not refusals(test)
        assert any(each.value == f"## How good is {name.capitalize()}?" for each in test.markdown)
        assert len(test.get("plotly_chart")) == 1 + len(system["curves"])
        said = " ".join(caption.value for caption in test.caption)
        assert ("missed" in said) == any("missed" in row["aim"] for row in system["rows"])


def test_of_many_measures_the_first_are_drawn_and_the_others_once_they_are_asked_for():
    test = app("pages/inside.py").run()
    drawn = [row["measure"] for row in compared(REPORT["band"]["rows"])]

    def shown():
        plots = [json.loads(each.proto.spec) for each in test.get("plotly_chart")]
        titles = [note["text"] for plot in plots for note in plot["layout"].get("annotations", ())]
        return [title.split("<br>")[0].lower() for title in titles if title.endswith("</i>")]

    first = shown()
    assert 0 < len(first) < len(drawn) and first == [measure.lower() for measure in drawn[: len(first)]]
    test.session_state["inside band more"] = True
    assert not refusals(test.run()) and shown() == [measure.lower() for measure in drawn]


@pytest.mark.parametrize(("asked", "shown"), [("player", "Player"), ("MELODY", "Melody"), ("Touch", "Touch"),
                                              ("kazoo", "Band")])  # fmt: skip
def test_an_address_names_a_network_in_small_letters_too(asked, shown):
    test = app("pages/inside.py")
    test.query_params["inside_network"] = asked
    test.run()
    assert not refusals(test) and any(each.value == f"## How good is {shown}?" for each in test.markdown)
    assert ("no network called" in " ".join(caption.value for caption in test.caption)) == (asked == "kazoo")


def test_under_a_piece_of_band_it_shows_how_that_was_made_once_it_is_opened():
    test = app("pages/band.py")
    test.session_state["band_bars"] = 4
    test.session_state["band_bass_seed"] = 5
    settled(test.run(), "band")
    assert not test.get("plotly_chart")
    test.session_state["band_inside"] = True
    test.run()
    assert not refusals(test) and len(test.get("plotly_chart")) == 4
    request = test.session_state["_made band"].value.request
    looked = inside.written(band.load(), brief_of(band.load(), request))
    said = " ".join(caption.value for caption in test.caption)
    assert f"{looked.per_token:.2f} bits" in said and "The bass played once more" in said
    *_, last = looked.scores
    assert f"at {max(last):.2f}" in said and f"Of {len(last)} ways" in said and f"it chose every {CHOICE} bars" in said


def test_a_plot_of_a_piece_has_its_notes_its_surprises_and_its_form():
    note = inside.Note(8, 1, (4, 8, 60), 3.5)
    looked = inside.Look(
        range(8, 10), (0, 0), (note, inside.Note(9, 1, (4, 8, 60), None), inside.Note(8, 0, (0, 1, 36), 1.0)),
        (inside.Chord(16, 0, 0.5), inside.Chord(17, 7, None), inside.Chord(18, 0, 0.25), inside.Chord(19, -1, 0.1)),
        {(8, 0): 0, (8, 1): 0, (9, 1): 1}, np.zeros(4, int), np.ones(4, bool), np.ones(4),
    )  # fmt: skip
    figure, table = figures_of_band.notes(looked, (3, 4), shift=2)
    drawn = {(base, length, pitch) for mark in figure.data for base, length, pitch in zip(mark.base, mark.x, mark.y)}
    assert drawn == {(9 + 1 / 3, 2 / 3, 62), (10 + 1 / 3, 2 / 3, 62), (9, 0.25 / 3, 36)}
    assert table["surprise (bits)"] == [1.0, 3.5, ""] and table["beat"] == [1, 2, 2] and table["bar"] == [9, 9, 10]
    figure, table = figures_of_band.form(looked, lambda number: f"chord {number}")
    above = figure.layout.xaxis2  # an axis turns its names where they are wider than a bar
    assert above.ticktext == ("chord 0<br>chord 7", "chord 0<br>chord -1") and above.tickangle is None
    assert table["drums"] == ["new", "rests"] and table["piano"] == ["new", "as 9"]
    assert table["chord, half 2"] == ["chord 7", "chord -1"] and table["its probability, half 2"] == ["given", 0.1]


def test_a_piece_in_a_meter_that_the_judge_does_not_know_has_what_can_be_known():
    test = app("pages/band.py")
    test.session_state["band_bars"], test.session_state["band_meter"] = 4, "3/4"
    test.session_state["band_inside"] = True
    settled(test.run(), "band")
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    assert any("know 4/4 alone" in caption.value for caption in test.caption)


def test_a_piece_that_was_written_anew_has_its_map_and_its_judge_and_older_weights_are_said():
    song = write_midi(tune(3))
    request = band.Request(genre={"jazz": 1.0}, input=File("mine", song, "mid"), rewrite=(2, 3), players=("bass",))
    result = replace(band.generate(band.load(), request), weights="older")

    def page(result):
        from ui.inside import band

        band.draw(result.request, result.song, result.weights, lambda genre, seed: None)

    test = AppTest.from_function(page, kwargs={"result": result}, default_timeout=120).run()
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    assert any("pieces that it wrote as a whole" in caption.value for caption in test.caption)
    assert "made by other weights" in test.info[0].value


def test_a_map_of_styles_has_their_regions_their_phrases_and_the_piece():
    known = ranker_inside.Styles.of(band.load().ranker)
    figure, table = figures_of_band.styles(known, np.array([[0.5, -1.0], [1.0, 2.0]]), {"jazz": 1.0})
    rings, (phrases, mine) = figure.data[:-2], figure.data[-2:]
    assert len(rings) == len(known.regions) and [ring.line.width for ring in rings].count(2.5) == 1
    assert list(zip(phrases.x, phrases.y)) == [phrase.place for phrase in known.phrases]
    assert list(mine.x) == [0.5, 1.0] and list(mine.text) == ["1–", "9–"]
    assert all(name in figure.layout[axis].title.text for axis, name in zip(("xaxis", "yaxis"), known.names))
    assert len({len(column) for column in table.values()}) == 1 and table["seed"].count("") == 2 + len(rings)
    figure, table = figures_of_band.judged(8, [0.25, -1.0])
    assert list(figure.data[0].x) == table["bar"] == [9, 10] and list(figure.data[0].y) == [0.25, -1.0]


def test_curves_are_drawn_as_they_were_kept_held_out_over_what_was_learned_from():
    known = {"nats": {"step": [1, 2], "value": [3.0, 2.0]}, "nats, held out": {"step": [2], "value": [2.5]},
             "gap": {"step": [2], "value": [0.5]}}  # fmt: skip
    figure, table = curves(known)
    assert [(list(mark.x), list(mark.y)) for mark in figure.data] == [
        (one["step"], one["value"]) for one in known.values()
    ]
    assert figure.data[0].yaxis == figure.data[1].yaxis != figure.data[2].yaxis
    assert table["curve"] == ["nats", "nats", "nats, held out", "gap"] and table["step"] == [1, 2, 2, 2]


def test_under_a_variation_it_shows_how_alike_its_bars_stay_and_what_its_numbers_do():
    test = settled(app("pages/variation.py").run(), "variation")
    assert not test.get("plotly_chart")
    test.session_state["variation_inside"] = True
    test.run()
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    assert "bandstand_pad" in {each.proto.component_name for each in test.get("bidi_component")}


def test_the_plots_of_a_variation_have_its_numbers():
    found = inside_variation.Likeness((0.0, 1.0), (0, 1), np.array([[1.0, np.nan], [0.5, 0.25]]))
    figure, table = figures_of_variation.likeness(found, 0.5)
    assert [list(row) for row in figure.data[0].z] == [[1.0, None], [0.5, 0.25]] and figure.layout.shapes[0].y0 == 0.5
    assert table == {"bar": [0, 1], "alike at noise 0": [1.0, ""], "alike at noise 1": [0.5, 0.25]}
    effects = [inside_variation.Effect(k, 5 - k / 4, k - 2.0, -k) for k in range(16)]
    figure, table = figures_of_variation.effects(effects)
    assert list(figure.data[0].x) == [each.changed for each in effects[:12]][::-1]
    assert table["notes changed"] == [each.changed for each in effects] and table["number"][0] == 1
