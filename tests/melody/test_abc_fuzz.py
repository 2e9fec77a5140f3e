"""ABC that nobody wrote: fields, notes and signs in any order, ten seconds of it; minutes, with scores, when asked for.

Whatever comes, it is a song with a score or one sentence, and quickly.
"""

from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core.midi import read_midi, write_midi
from engine.melody.abc.notes import parse, played_to_written, song
from engine.melody.score import engrave

SECONDS, LONG = 10.0, 180.0
EXAMPLES = 100  # of one seed

NOTE = st.from_regex(r"[_=^]{0,2}[A-Ga-gzxZXy][,']{0,3}(?:[1-9]{0,2}/{0,2}[1-9]{0,2})-?", fullmatch=True)
SIGN = st.sampled_from([
    "|", "||", "|]", "|:", ":|", "::", "[|]", "|1", ":|2", "[3,4", "|::", "::|", "(3", "(5:4:6", "(", ")", ">", "<<",
    "[", "]", "{", "}", "{gf}", "&", "&&", "!trill!", "!D.C.!", "!fine!", "!segno!", "!D.S.alcoda!", "!coda!", "!",
    "+f+", '"Am7"', '"^up"', '"D.C. al Fine"', '"', "~", "T", ".", "\\", "`", "$", "*", "^/", "2", "♯", "@", "\n", " ",
])  # fmt: skip
VALUE = st.one_of(
    st.sampled_from([
        "C", "Gmin", "D exp ^f _b", "HP", "none", "bass", "C clef=treble-8", "E♭", "a", "6/8", "C|", "(2+3)/8", "none",
        "1/16", "1", "1/4=120", '"slow"', "C3=40", "A(AB)3", "A", "1 name=x clef=bass", "2 octave=1", "la-la lo * _ |",
        "hornpipe", "~G = {A}G", "linebreak $", "0/0", "1/0=0", "99999999",
    ]),
    st.text(max_size=12),
)  # fmt: skip
FIELD = st.builds(lambda name, value: f"{name}:{value}", st.sampled_from("KKMMLQQPVVVwRmITWXU"), VALUE)
LINE = st.one_of(
    st.lists(st.one_of(NOTE, NOTE, NOTE, SIGN, FIELD.map("[{}]".format)), max_size=30).map("".join), FIELD,
    st.sampled_from(["", "%%begintext", "%%endtext", "% words", "%%propagate-accidentals not"]),
)  # fmt: skip
HEAD = st.sampled_from(["X:1\nK:C\n", "X:1\nM:3/4\nL:1/8\nR:hornpipe\nK:Gmix\n", "X:1\nP:A2B\nV:1\nV:2\nK:D\n", ""])
FILE = st.builds(
    lambda head, lines, encoding: (head + "\n".join(lines)).encode(encoding, "ignore"),
    HEAD, st.lists(LINE, max_size=12), st.sampled_from(["utf-8", "utf-8", "cp1252", "cp850", "utf-16"]),
)  # fmt: skip


def check(content: bytes, *, scored: bool) -> bool:
    """Read, play, write and perhaps engrave a file; whether it was music."""
    try:
        tune, remarks = parse(content)
        made = song(tune)
    except RequestError as refusal:
        assert re.fullmatch(r"\S[^\n]*[.)]", str(refusal)), str(refusal)
        return False
    notes = [note for track in made.tracks for note in track.notes]
    assert all(n.onset >= 0 and n.duration > 0 and 0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 for n in notes)
    assert 5 <= made.tempo <= 1000 and all(remark.endswith((".", ")")) for remark in remarks)
    assert all(beats > 0 for _, _, beats in played_to_written(tune))
    if notes:
        assert read_midi(write_midi(made)).notes > 0
    if scored:
        try:
            assert engrave(tune).svg.startswith("<svg")
        except RequestError as refusal:
            assert "\n" not in str(refusal)
    return True


def fuzz(seconds: float, *, scored: bool) -> None:
    """Read files for this long, a hundred a seed; some have to be music."""
    number, until, tunes = 0, time.monotonic() + seconds, 0

    def one(content: bytes) -> None:
        nonlocal tunes
        if time.monotonic() < until:
            tunes += check(content, scored=scored)

    quick = settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
                     suppress_health_check=list(HealthCheck))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < until:
            seed(number)(quick(given(FILE)(one)))()
            number += 1
    assert tunes


def test_ten_seconds_of_any_abc_are_songs_or_sentences():
    fuzz(SECONDS, scored=False)


@pytest.mark.long
def test_minutes_of_any_abc_have_scores_or_sentences():
    fuzz(LONG, scored=True)
