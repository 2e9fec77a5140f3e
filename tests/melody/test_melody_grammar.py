"""The grammar: what it allows can always be finished whole, and awkward music is among it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.melody.abc.canonical import Tune
from engine.melody.abc.reader import WHOLE, Reader
from engine.melody.features import CHORDS, PLAIN
from engine.melody.grammar import Grammar
from engine.melody.tokens import END
from training.melody.evaluate import read_back, whole
from training.melody.prepare import plan_of

WEIGHTS = {'"': 0.3, "|": 3.0, " ": 1.0, "\n": 2.0, "(": 0.6, "[": 0.4, "z": 0.2}


def grammar(meter="4/4", unit="1/8", sections=(8, 8), style=PLAIN, repeats=()):
    return Grammar(Reader(meter, unit, "G"), sections, style, repeats)


def write(rules: Grammar, seed: int) -> str:
    """A tune drawn at random from what the grammar allows."""
    rng, out = random.Random(seed), []
    while True:
        allowed = rules.allowed()
        assert allowed, "".join(out)
        char = rng.choices(allowed, [WEIGHTS.get(c, 1.0) for c in allowed])[0]
        if char == END:
            return "".join(out)
        rules.feed(char)
        out.append(char)
        assert len(out) < 8000


meters = st.sampled_from(["4/4", "6/8", "3/4", "2/4", "9/8", "C|", "12/8", "3/8", "5/4", "7/8", "3/2"])
units = st.sampled_from(["1/4", "1/8", "1/16"])
forms = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@settings(max_examples=120, deadline=None)
@given(meters, units, forms, st.sampled_from([PLAIN, CHORDS]), st.integers(0, 10**6))
def test_whatever_is_drawn_is_whole_and_has_the_form(meter, unit, form, style, seed):
    body = write(grammar(meter, unit, form, style), seed)
    plan = plan_of(Tune(body, "G", meter, unit))
    assert plan is not None and plan.sections == form, body
    assert ('"' in body) == (style == CHORDS) or form == (1,)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=4).map(tuple), st.integers(0, 10**6))
def test_sections_are_repeated_as_asked(repeats, seed):
    body = write(grammar(sections=(3,) * len(repeats), repeats=repeats), seed)
    reader = Reader("4/4", "1/8", "G")
    ends: list[bool] = [False] * len(repeats)
    for char in body:
        section = reader.section
        reader.feed(char)
        if reader.section > section:
            ends[section] |= char == ":" and reader.bar_text == ":"
    assert tuple(ends) == repeats, body


def test_music21_finds_every_bar_full_in_random_tunes():
    from engine.melody.composing import Written
    from engine.melody.request import Request

    rng = random.Random(1)
    for seed in range(25):
        meter, style = rng.choice(["4/4", "6/8", "3/4", "2/4", "9/8"]), rng.choice([PLAIN, CHORDS])
        body = write(grammar(meter, "1/8", (4, 4), style), seed)
        tune = Tune(body, "G", meter, "1/8")
        found = read_back(Written(tune, (4, 4), False, 0.0, 0.0, 0, 0), Request(key="G", meter=meter))
        assert all(found.values()), (found, body)


def test_the_independent_check_can_fail():
    from fractions import Fraction as F

    assert whole([F(1, 2), F(3), F(3), F(5, 2)], F(3))
    assert whole([F(1), F(3), F(2), F(1), F(3), F(2)], F(3))
    assert not whole([F(1), F(3), F(2), F(3)], F(3))
    assert not whole([F(3), F(5, 2), F(3)], F(3))
    assert not whole([F(1, 2), F(3), F(3)], F(3))
    assert not whole([F(3), F(7, 2), F(5, 2)], F(3))


@pytest.mark.parametrize(
    ("meter", "unit", "form", "body"),
    [
        ("6/8", "1/8", (2, 2), "A|d2e fed|c2A A2:|\nA|d3 (3efg e|d3 d2:|"),
        ("4/4", "1/8", (2,), "|:A>B c<d e2 (3efg|a2>g2 f4:|"),
        ("4/4", "1/8", (3,), "|:A2 B2 c4-|c2 B2 A4|1 d8:|2 e8||"),
        ("2/4", "1/4", (3, 1), "A/|BB|cc|[1 dd/:|[2 ee/||A/|B3/2|]"),
        ("3/4", "1/4", (1, 1), "[GB]2 [DGB]::^c=c_d:|"),
        ("3/4", "1/8", (2,), "A6-|A2 B2 c2||"),
        ("9/8", "1/8", (1,), "|:A3 B3 z3:|"),
        ("C|", "1/8", (1, 1), "A/B/c/d/ e2 f3/2g/ a2::A8:|"),
    ],
)
def test_awkward_tunes_are_allowed(meter, unit, form, body):
    rules = grammar(meter, unit, form)
    for i, char in enumerate(body):
        assert char in rules.allowed(), (body[:i], char, rules.allowed())
        rules.feed(char)
    assert END in rules.allowed()


@pytest.mark.parametrize(
    ("begun", "never"),
    [
        ("A2B2c2d2", "ABz([>"),  # the bar is full
        ("A2B2c2d2|e2f2g2", "|:]"),  # it is not
        ("(3A", "|z("),
        ("(3A2B2c2d2e2", "3"),
        ("A2B2c2d", "4|"),
        ("A>", " z|2"),
        ("A-", "BCz>["),
        ("[C", "]C|"),
        ("^", "^|2 z"),
        ("A3/", "3>"),
    ],
)
def test_what_would_break_the_tune_is_not_allowed(begun, never):
    rules = grammar("4/4", "1/8", (2,))
    for char in begun:
        rules.feed(char)
    assert not set(rules.allowed()) & set(never)


def test_the_last_bar_ends_with_a_repeat_or_a_double_bar():
    rules = grammar("4/4", "1/8", (2,))
    for char in "A2B2c2d2|e2f2g2a2|":
        rules.feed(char)
    assert set(rules.allowed()) == {"|", "]"}


def test_the_second_of_a_broken_pair_and_of_a_triplet_has_the_length_of_the_first():
    for begun, next_ in (("A2>B", {"2"}), ("(3A/B", {"/"}), ("A>B", set())):
        rules = grammar()
        for char in begun:
            rules.feed(char)
        assert {c for c in rules.allowed() if c.isdigit() or c == "/"} == next_


def test_a_tie_leads_to_the_same_note_in_the_next_bar():
    rules = grammar("2/4")
    for char in "AB c2-|":
        rules.feed(char)
    assert "c" in rules.allowed() and not set(rules.allowed()) & set("ABdCz[(^")
    rules.feed("c")
    assert "'" not in rules.allowed()


def test_a_meter_change_in_what_was_typed_is_obeyed():
    rules = grammar("3/4", "1/4", (8,))
    for char in "abc|\nM:2/4\na":
        rules.feed(char)
    assert "2" in rules.allowed() and "4" not in rules.allowed()
    rules.feed("b")
    assert "|" in rules.allowed() and "c" not in rules.allowed()


def test_a_slur_that_was_typed_is_closed_in_its_bar():
    rules = grammar("2/4", "1/8", (4,))
    for char in "(AB cd":
        rules.feed(char)
    assert ")" in rules.allowed() and "|" not in rules.allowed()


def test_chord_symbols_are_spelled_and_the_first_full_bar_has_one():
    rules = grammar("2/4", "1/8", (4,), CHORDS)
    for char in "d|":
        rules.feed(char)
    rules.feed('"')
    assert "H" not in rules.allowed() and "G" in rules.allowed() and '"' not in rules.allowed()
    rules.feed("E")
    assert set(rules.allowed()) == {"m", "7", "b", '"'}


def test_lengths_down_to_a_32nd_always_fit():
    rules = grammar("4/4", "1/4", (1,))
    for char in "A3B/4":
        rules.feed(char)
    assert rules.full - rules.reader.bar_time == WHOLE * 3 // 16
    for char in "c3":
        rules.feed(char)
    assert set(rules.allowed()) == {"/"}  # 3/4, 3/8, …


def test_the_last_note_can_be_the_tonic():
    rules = grammar("2/4", "1/8", (1,))
    for char in "ABc":
        rules.feed(char)
    kept = rules.preferred(rules.allowed())
    assert "G" in kept and "g" in kept and not set(kept) & set("ABCDEFabcdef^z")
