"""How a tune was made, on Melody's page: closed it computes nothing, open it shows the tune of the page."""

import csv
import io

from tests.studio import app, refusals, settled
from ui import plots


def test_closed_it_computes_nothing_and_open_it_shows_the_tune_of_the_page():
    test = settled(app("pages/melody.py").run(), "melody")
    assert not test.get("plotly_chart")
    test.session_state["melody_inside"] = True
    test.run()
    assert not refusals(test) and len(test.get("plotly_chart")) == 2
    best = test.session_state["_made melody"].value.candidates[0]
    assert any(f"{-best.likelihood:.2f} bits a character on average" in caption.value for caption in test.caption)


def test_rows_of_a_tune_fit_a_phone_and_break_where_the_text_does():
    text = 'e|"Am"AB c|"E7"BA G|"Am"AB c/B/|"Am"A2:|\n|:' + "a" * 40 + "|]"
    places = plots.rows_of(text)
    assert len(places) == len(text) + 1 == len(set(places))
    assert places == sorted(places) and max(column for _, column in places) <= plots.ROW
    assert places[text.index("\n") + 1] == (places[text.index("\n")][0] + 1, 0)
    assert places[text.index('"Am"AB c/')] == (1, 0)


def test_the_numbers_of_a_plot_are_a_table_that_any_program_reads():
    table = {"character": ["A", ",", '"'], "bits": [0.5, 1, 2]}
    read = list(csv.reader(io.StringIO(plots.as_csv(table).decode())))
    assert read == [["character", "bits"], ["A", "0.5"], [",", "1"], ['"', "2"]]
