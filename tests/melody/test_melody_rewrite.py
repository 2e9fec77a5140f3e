"""Melody writes bars of a tune anew: the text outside them stays letter for letter, and every bar as long as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core.request import File
from engine.melody import Request, generate, load, rewrite
from engine.melody.abc.canonical import Tune
from engine.melody.abc.notes import parse
from engine.melody.rewrite import Place, placed, places_of, written_bars
from tests.melody.test_abc_fuzz import FILE

REEL = """X:1
T:The Blackbird % a comment
R:reel
M:4/4
L:1/8
K:D
A2|:d2 fd Adfd|e2 ge cege|d2 fd Adfd|gfed cABc| % and one here
w: these words are sung
d2  fd Adfd|e2 ge (3cde ge|fgaf gfed|1 cABc d2 A2:|2 cABc d4|
|:"D"a2 fa dafa|"A"g2 eg c-|[K:G] "D"a2 fa dafa|d2 [M:2/4] d2|fgaf|"A"cABc "D"d2:|
"""
BARS = (
    "d2 fd Adfd",
    "[df]4 d4",
    "(3def g2 a>b c'2",
    '"G"B2 d2 g4',
    "z8",
    "{g}a2 !trill!b2 ~c4",
    "d4- d4",
    "c8-",
    "D/E/F G",
)
TUNES = st.builds(
    lambda bars, lines, key: f"X:1\nM:4/4\nL:1/8\nK:{key}\n" + "".join(bar + line for bar, line in zip(bars, lines)),
    st.lists(st.sampled_from(BARS), min_size=2, max_size=8),
    st.lists(st.sampled_from(("|", "|", "|", ":|", "||", "|\n", " |:", "|1 ", ":|2 ", " | % said\n")),
             min_size=8, max_size=8),
    st.sampled_from(("D", "Gm", "Ador")),
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Any:
    return load()


def written(model: Any, text: str | bytes, bars: tuple[int, int], **fields: Any) -> Any:
    content = text if isinstance(text, bytes) else text.encode()
    return generate(model, Request(input=File("tune.abc", content), rewrite=bars, **fields))


def apart(tune: Tune, bars: tuple[int, int]) -> tuple[str, list[Place]]:
    """A tune's text without what stands in these bars, and all its bars."""
    body, positions = placed(tune)
    places = places_of(tune, body)
    text = tune.text
    for place in reversed([each for each in places if each.bar.number][bars[0] - 1 : bars[1]]):
        text = text[: positions[place.begin]] + "…" + text[positions[place.end - 1] + 1 :]
    return text, places


def check_outside_stays(old: Tune, new: Tune, bars: tuple[int, int]) -> None:
    (before, places), (after, others) = apart(old, bars), apart(new, bars)
    assert after == before
    assert [place.bar.ticks for place in others] == [place.bar.ticks for place in places]
    assert [place.bar.section for place in others] == [place.bar.section for place in places]


def test_what_is_outside_stays(model: Any) -> None:
    @settings(max_examples=30, deadline=None)
    @given(text=st.one_of(TUNES, TUNES, FILE), first=st.integers(1, 6), more=st.integers(0, 1), seed=st.integers(0, 3))
    def stays(text: str | bytes, first: int, more: int, seed: int) -> None:
        bars = first, first + more
        try:
            made = written(model, text, bars, seed=seed).tune
        except RequestError as refusal:
            assert "\n" not in str(refusal) and str(refusal).endswith((".", ")"))
            return
        check_outside_stays(parse(text)[0], made, bars)

    stays()


@pytest.mark.parametrize("bars", [(1, 1), (3, 4), (4, 5), (6, 6), (8, 9), (9, 10), (15, 15)])
def test_the_marked_bars_are_new_and_of_their_length(model: Any, bars: tuple[int, int]) -> None:
    result = written(model, REEL, bars, seed=3)
    check_outside_stays(parse(REEL)[0], result.tune, bars)
    assert result.tune.abc != REEL and len(result.report["rewritten"]["text"]) == bars[1] - bars[0] + 1
    assert ['"' in text for text in result.report["rewritten"]["text"]] == [bars[0] > 9] * len(
        result.report["rewritten"]["text"]
    ) or bars == (9, 10)
    assert any("Words" in remark for remark in result.remarks)


def test_the_same_seed_writes_the_same_and_another_another(model: Any) -> None:
    one, same, other = (written(model, REEL, (3, 4), seed=seed).tune.abc for seed in (1, 1, 2))
    assert one == same != other
    request = Request(input=File("tune.abc", REEL.encode()), rewrite=(3, 4), seed=1)
    assert generate(model, Request.from_json(request.to_json(), request.files)).tune.abc == one


def test_of_several_ways_the_one_stands_that_leads_into_what_follows(model: Any, monkeypatch: Any) -> None:
    several = [written(model, REEL, (3, 4), seed=seed).report["follows"] for seed in (1, 2)]
    monkeypatch.setattr(rewrite, "TRIES", 1)
    first = [written(model, REEL, (3, 4), seed=seed).report["follows"] for seed in (1, 2)]
    assert all(best >= only for best, only in zip(several, first)) and several != first


@pytest.mark.parametrize("text, bars, words", [
    (REEL, (17, 20), "bars 1 to 15"), (REEL, (4, 3), "first and a last"), (REEL, (13, 13), "Fields stand in bar 13"),
    ("X:1\nM:4/4\nK:D\nV:1\nd4 d4|\nV:2\nD4 D4|\n", (1, 1), "2 voices"),
])  # fmt: skip
def test_what_cannot_be_written_anew_is_one_sentence(model: Any, text: str, bars: tuple[int, int], words: str) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        written(model, text, bars)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("played, written", [((1, 1), (1, 1)), ((3, 4), (1, 2)), ((5, 5), (3, 3)), ((4, 6), (2, 4))])
def test_bars_as_they_are_played_are_found_where_they_are_written(
    played: tuple[int, int], written: tuple[int, int]
) -> None:
    plain = parse("X:1\nM:4/4\nL:1/4\nK:D\n|:DEFG|ABcd:|efga|fedc|\n")[0]
    pickup = parse("X:1\nM:4/4\nL:1/4\nK:D\nA|:DEFG|ABcd:|efga|fedc|\n")[0]
    assert written_bars(plain, *played) == written_bars(pickup, *played) == written


def test_a_bar_with_a_field_stays_and_it_is_said(model: Any) -> None:
    result = written(model, REEL, (12, 13))
    assert "13 stay" in " ".join(result.remarks) and len(result.report["rewritten"]["text"]) == 1
