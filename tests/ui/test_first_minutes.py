"""What a newcomer meets: every control has words a musician knows and a tooltip, every page something to hear."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from engine.takes.library import Library
from tests.studio import app, kept_as, refusals, settled, tune
from ui import frame, jobs

JARGON = {"temperature", "top-p", "latent", "token", "sample", "candidate", "noise", "checkpoint", "model"}
SITUATIONS = (
    ("band", {"band_blend": "country", "band_own_tempo": True}),
    ("band", {"band_hum_click": True}),
    ("band", {"band_hum_way": "file"}),
    ("variation", {"variation_mode": "grid"}),
    ("variation", {"variation_mode": "continue"}),
    ("variation", {"variation_mode": "walk"}),
    ("variation", {"variation_apart": True, "variation_source": "A take"}),
    ("variation", {"variation_source": "A file of mine"}),
    ("variation", {"variation_source": "A tune that I hum"}),
    ("trombone", {"trombone_kind": "A scale"}),
    ("trombone", {"trombone_kind": "A melody"}),
    ("translation", {"translation_way": "file"}),
    ("translation", {"translation_way": "microphone"}),
    ("translation", {"translation_way": "take"}),
)


def all_settled(test: AppTest) -> AppTest:
    """Every job that the page began has ended."""
    for _ in range(20):
        waiting = [key.removeprefix("_job ") for key in list(test.session_state) if key.startswith("_job ")]
        if not waiting:
            return test
        settled(test, waiting[0])
    raise AssertionError("the page begins jobs without end")


def controls(test: AppTest) -> Iterator[tuple[str, str]]:
    """(label or key, help) of everything on the page that a person can move, press or fill in."""
    waiting = [test._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        fields = {field.name for field in proto.DESCRIPTOR.fields} if hasattr(proto, "DESCRIPTOR") else set()
        if {"id", "help"} <= fields:
            yield getattr(proto, "label", "") or proto.id, proto.help


def named_well(test: AppTest) -> set[str]:
    """The labels of all controls, none of which is a word from the laboratory; and all have a tooltip."""
    assert not refusals(test)
    found = list(controls(test))
    assert not [label for label, tip in found if not tip], "controls without a tooltip"
    words = {label: set(label.lower().replace(":", " ").split()) for label, _ in found}
    assert not [label for label in words if words[label] & JARGON], "labels that no musician knows"
    return set(words)


@pytest.mark.parametrize("page", frame.makers(), ids=lambda page: page.title)
def test_a_page_opens_cold_with_music_and_explains_every_control(page):
    test = all_settled(app(page.path).run())
    assert [title.value for title in test.title] == [page.title]
    made = any(key.startswith("_made ") for key in test.session_state)
    assert made or page.title == "Jam", "nothing to hear"
    assert len(named_well(test)) >= 8


@pytest.mark.parametrize(("page", "settings"), SITUATIONS, ids=lambda value: str(value))
def test_controls_that_come_and_go_are_explained_too(page, settings, monkeypatch):
    monkeypatch.setattr(jobs, "run_when_changed", lambda *_, **__: None)
    Library().keep(kept_as(1, "0" * 64, song=tune(1)), name="No. 1")
    before = named_well(app(f"pages/{page}.py").run())
    test = app(f"pages/{page}.py")
    for key, value in settings.items():
        test.session_state[key] = value
    test.run()
    assert named_well(test) != before
    assert all(test.session_state[key] == value for key, value in settings.items())


def test_the_takes_page_explains_every_control():
    for seed in (1, 2):
        Library().keep(kept_as(seed, "0" * 64, song=tune(seed)), name=f"No. {seed}")
    assert len(named_well(app("pages/takes.py").run())) >= 8


def test_the_home_page_leads_from_what_a_person_has_to_a_control_that_is_there():
    test = app().run()
    known = {page.title: page.path for page in frame.pages()}
    links = [(link.proto.page, link.proto.query_string) for link in test.get("page_link") if link.proto.query_string]
    assert len(links) == 5
    for title, query in ((page.title(), dict(parse_qsl(query))) for page, query in links):
        there = app(known[title])
        for key, value in query.items():
            if key != "open":
                there.query_params[key] = value
        names = {*list(there.run().session_state), "band_tune"}
        assert set(query["open"].split(",")) <= names, query


