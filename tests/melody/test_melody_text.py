"""ABC files in, canonical tunes out; the alphabet; and reading ABC character by character."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import RequestError
from engine.melody.abc.canonical import (
    FIELD,
    MAX_BYTES,
    MUSIC,
    QUOTE,
    Tune,
    canonical_key,
    check_key,
    check_meter,
    read_tunes,
    signature,
)
from engine.melody.abc.reader import WHOLE, Reader
from engine.melody.alphabet import LETTERS, Alphabet
from engine.melody.features import COLUMNS, LAG, MATCH, Plan, sizes, tune_rows

ALPHABET = Alphabet([chr(c) for c in range(32, 127)] + ["\n"])

FILE = """% a collection
X:1
T:The Title % with a comment
C:Somebody
M:6/8
L:1/8
R: Double  Jig
K:A Dorian
|:EAA   ABc | d2e  fed :| % first part
T:In the middle
w:la la la
P:B
M:9/8
efg a2g edB:|

stray words between tunes

X:2
M:C|
K:GM
G4 G4|]
"""


def test_headers_are_canonical_and_words_are_left_out():
    first, second = read_tunes(FILE)
    assert (first.meter, first.unit, first.kind, first.key) == ("6/8", "1/8", "jig", "Ador")
    assert first.header == "M:6/8\nL:1/8\nR:jig\nK:Ador\n"
    assert first.body == "|:EAA ABc | d2e fed :|\nP:B\nM:9/8\nefg a2g edB:|"
    assert (second.key, second.meter, second.unit, second.body) == ("G", "C|", "", "G4 G4|]")
    assert first.line == 9


def test_windows_lines_latin_1_and_missing_fields_are_read():
    assert read_tunes(FILE.replace("\n", "\r\n").encode())[0].body == read_tunes(FILE)[0].body
    assert read_tunes("X:1\nT:Caf\xe9\nK:D\nd2|".encode("latin-1"))[0].title == "Caf\xe9"
    assert read_tunes("X:3\nabc|")[0].key == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no tune"),
        (b"words only", "no tune"),
        (b"X:1\nK:D\n", "no tune"),
        (b"X:1\nK:D\nab\x00c|", "line 3"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not text"),
        (b"MThd\x00\x00\x00\x06", "is MIDI; a tune in ABC"),
        (b"X:1\nK:D\n".ljust(4 * 2**20 + 1, b"a"), "larger than 4 MiB"),
    ],
)
def test_what_is_no_abc_is_refused(content, said):
    with pytest.raises(RequestError, match=said):
        read_tunes(content)
    assert MAX_BYTES < 10 * 2**20


def test_keys_have_one_name_and_the_right_signature():
    assert [canonical_key(k) for k in ("E Minor", "ADor", "GM", "Bb", "F#m", "D Mixolydian", "Aaeolian")] == [
        "Em", "Ador", "G", "Bb", "F#m", "Dmix", "Am",
    ]  # fmt: skip
    assert {k: signature(k) for k in ("C", "G", "Em", "Dmix", "Ador", "Bb", "F#m", "Cm", "Glyd", "Ephr")} == {
        "C": 0, "G": 1, "Em": 1, "Dmix": 1, "Ador": 1, "Bb": -2, "F#m": 3, "Cm": -3, "Glyd": 2, "Ephr": 0,
    }  # fmt: skip


@pytest.mark.parametrize("key", ["H", "G#", "Fbm", "", "Gfoo", "g", "7"])
def test_keys_that_do_not_exist_are_refused(key):
    with pytest.raises(RequestError, match="not a key"):
        check_key(key)


@pytest.mark.parametrize("meter", ["0/4", "4/0", "4/5", "x", "", "99/8", "1/16", "-3/4", "6"])
def test_impossible_meters_are_refused(meter):
    with pytest.raises(RequestError, match="not a meter"):
        check_meter(meter)


def test_the_same_tune_in_another_key_is_the_same_symbols():
    in_d, in_a = Tune('"D"DFA d2f|"A7"e', "D", "6/8"), Tune('"A"Ace a2c|"E7"b', "A", "6/8")
    _, targets_d, _ = tune_rows(ALPHABET, in_d)
    _, targets_a, _ = tune_rows(ALPHABET, in_a)
    same = [a == b for a, b in zip(targets_d, targets_a)]
    assert same.count(False) == 1  # A's c is below its tonic's octave where D's f is above
    assert not (tune_rows(ALPHABET, in_d, relative=False)[1] == tune_rows(ALPHABET, in_a, relative=False)[1]).all()


@given(st.text(alphabet=LETTERS + '"|:23/ []()>\n^=_', max_size=60), st.integers(0, 6))
def test_every_character_has_one_symbol_and_comes_back(body, tonic):
    key = "CDEFGAB"[tonic]
    rows, targets, where = tune_rows(ALPHABET, Tune(body, key, "4/4", "1/8"))
    back = "".join(ALPHABET.char(int(s), int(p), int(t)) for s, (p, t) in zip(targets, where) if s > ALPHABET.END)
    assert back == body
    assert rows.shape[1] == COLUMNS
    assert (rows >= 0).all() and (rows < sizes(ALPHABET.size)).all()


def test_roots_of_chord_symbols_move_with_the_key_and_words_do_not():
    assert ALPHABET.symbol("G", QUOTE, 4) == ALPHABET.symbol("G", MUSIC, 4) == ALPHABET.symbol("D", MUSIC, 1)
    assert ALPHABET.symbol("b", QUOTE, 4) == ALPHABET.symbol("b", FIELD, 0) == ALPHABET.raw["b"]


def test_match_and_lags_point_at_what_comes_again():
    tune = Tune("dBGB dBGB|cAFA cAFA|dBGB dBGB|cAFA cAFA|", "G", "C|", "1/8")
    rows, targets, _ = tune_rows(ALPHABET, tune)
    half = len(rows) - 16
    assert (rows[half:, MATCH] % ALPHABET.size == targets[half:]).mean() > 0.9
    assert (rows[half:-1, LAG + 1] == targets[half:-1]).all()  # two bars ago


def test_a_plan_counts_bars_and_sections_down():
    tune = Tune("A2|:d4|e4:|f4|g4|a4|]", "D", "2/4", "1/8")
    rows, _, _ = tune_rows(ALPHABET, tune, plan=Plan((2, 3)))
    body = rows[len(tune.header) + 1 :]
    at = {place: tuple(body[place, 9:11]) for place in (tune.body.index("d"), tune.body.index("f"), len(tune.body) - 1)}
    assert list(at.values()) == [(2, 2), (3, 1), (0, 7)]


def ticks(body: str, meter: str = "4/4", unit: str = "1/8") -> list[Fraction]:
    """Lengths of the bars of a body, in whole notes."""
    reader = Reader(meter, unit, "C").read(body)
    reader.close_bar(closed=False)
    return [Fraction(bar.ticks, WHOLE) for bar in reader.bars]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("A B2 C/ D/2 E3/2 F// G4|", ["39/32"]),
        ("(3ABc (3:2:2A2c d|", ["5/8"]),
        ("(5ABcde|(2AB|(4ABcd|", ["1/4", "3/8", "3/8"]),
        ("A>B c<d e2>f2 a>>b|", ["5/4"]),
        ("[CEG]2 [C2E2G2] [ce]/ z2|", ["13/16"]),
        ("A2-|A2 (AB) ~c.d {gf}e !trill!f|", ["1/4", "1/1"]),
        ('"Am7"A "^slow 4"B "4"c|', ["3/8"]),
        ("|:A2|B4:|1 c4:|2 d4||e8|]", ["1/4", "1/2", "1/2", "1/2", "1/1"]),
        ("A2 [M:6/8] B3|[L:1/4]c\nM:3/4\nd3|", ["5/8", "1/1"]),
        ("A2|[1 B2:|[2 c2 [|:de|", ["1/4", "1/4", "1/4", "1/4"]),
        ("Z|z4 x4|", ["1/1", "1/1"]),
    ],
)
def test_bars_last_as_long_as_they_are_written(body, expected):
    assert ticks(body) == [Fraction(text) for text in expected]


def test_a_rhythm_broken_over_a_slur_and_compound_tuplets():
    assert ticks("(B<A)c|") == [Fraction(3, 8)]
    assert ticks("(5abcde|", "6/8") == [Fraction(3, 8)]


def test_sections_and_endings_are_counted():
    reader = Reader("2/4", "1/8", "C").read("A2|:B4|c4|1 d4:|2 e4||\n|:f4|g4:|")
    assert [(bar.section, bar.number, bar.ending) for bar in reader.bars] == [
        (0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 3, 1), (0, 3, 2), (1, 1, 0), (1, 2, 0),
    ]  # fmt: skip
    assert reader.section == 2


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    reader = Reader("4/4", "1/8", "G").read(text)
    assert reader.count == len(text)


def test_a_meter_change_changes_what_is_full():
    reader = Reader("3/4", "1/4", "C").read("abc|\nM:2/4\nab|")
    assert [(bar.ticks, bar.full) for bar in reader.bars] == [(WHOLE * 3 // 4,) * 2, (WHOLE // 2,) * 2]
