"""A line of ABC music as tokens: notes, rests, chords, barlines, endings, tuplets, decorations, quotations, fields.

What is no music becomes a token of type "other", so that a reader can say where it stands. ABC standard 2.1, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES = (
    "trill trill( trill) lowermordent uppermordent mordent pralltriller roll turn turnx invertedturn invertedturnx "
    "arpeggio > accent emphasis fermata invertedfermata tenuto + plus snap slide wedge upbow downbow open thumb breath "
    "pppp ppp pp p mp mf f ff fff ffff sfz sf fp crescendo( crescendo) <( <) diminuendo( diminuendo) >( >) segno coda "
    "D.S. D.C. dacoda dacapo fine shortphrase mediumphrase longphrase D.S.alcoda D.S.alfine D.C.alcoda D.C.alfine "
    "staccato marcato trem1 trem2 trem3 trem4 xstem ped ped-up glissando( glissando) ~( ~) slur rit 0 1 2 3 4 5 "
    "repeatbar repeatbar2 beamon beamoff beambr1 beambr2 cresc dim decresc stemless rbstop"
)
DECORATIONS = frozenset(NAMES.split())
SPELLINGS = {spelling.lower(): spelling for spelling in DECORATIONS}
LENGTH = r"(?:\d+)?(?:/\d*)*"
NOTE = rf"(?P<accidental>(?:[_=^]+(?:\d*/\d*)?)?)(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{LENGTH})"
ENDING = r"\d+(?:\s*[,-]\s*\d+)*"
TOKEN = re.compile(
    rf"""
    (?P<field>\[[A-Za-z]:[^\]]*\])
  | (?P<quote>"[^"]*")
  | (?P<open_quote>"[^"]*$)
  | (?P<bar>\.?(?:\[\|[\]|:]*|:+\s?\|+[\]|:]*|::+[|\]]*|\|[\]|:]*)) (?:(?:\s*\[)?(?P<bar_ending>{ENDING})(?![/\d'"]))?
  | \[(?P<ending>{ENDING})
  | \["(?P<ending_text>[^"]*)"(?![^|\[\]]*\])
  | (?P<decoration>!(?P<word>[^!\n]{{1,40}})! | \+(?P<plus>[^+\n]{{1,40}})\+)
  | (?P<grace>\{{/?(?P<graces>[^}}]*)\}})
  | \((?P<tuplet>\d+(?::\d*){{0,2}})
  | (?P<note>{NOTE})
  | (?P<rest>[zxZX])(?P<rest_length>{LENGTH})
  | (?P<spacer>y{LENGTH})
  | (?P<chord>\[)
  | (?P<chord_end>\])(?P<chord_length>{LENGTH})
  | (?P<broken>>+|<+)
  | (?P<tie>-)
  | (?P<overlay>\(?&+\)?)
  | (?P<slur>[()])
  | (?P<mark>[H-Wh-w~.])
  | (?P<skip>\s+|[`\\*$!;{{}}+])
  | (?P<other>.)
    """,
    re.VERBOSE,
)
PLUS_CHORD = re.compile(rf"\+((?:[_=^]*[A-Ga-g][,']*{LENGTH})+)\+")  # as ABC 1.6 wrote chords
ONLY_NOTES = re.compile(r"[A-Ga-gz\d/ ,'_^=<>()|:\[\]-]*")


@dataclass(frozen=True)
class Token:
    """One thing that is written, and where: columns count from 0."""

    type: str
    text: str
    column: int
    match: re.Match[str]

    def __getitem__(self, name: str) -> str:
        """A named part of it, "" where it has none."""
        return self.match[name] or ""


def tokens(line: str) -> list[Token]:
    """All tokens of a line, blanks left out. Any text has some."""
    line = PLUS_CHORD.sub(lambda m: m[0] if m[1] in DECORATIONS else f"[{m[1]}]", line)
    out, place = [], 0
    while place < len(line):
        match = TOKEN.match(line, place)
        assert match  # the last alternative takes any character
        name = _type(match)
        if name == "decoration" and not _decorates(match):
            place += 1  # an exclamation mark that once broke a line
            continue
        place = match.end()
        if name == "skip":
            continue
        out.append(Token(name, match[0], match.start(), match))
    return out


TYPES = ("field", "quote", "open_quote", "bar", "ending", "ending_text", "decoration", "grace", "tuplet", "note",
         "rest", "spacer", "chord", "chord_end", "broken", "tie", "overlay", "slur", "mark", "skip")  # fmt: skip


def _type(match: re.Match[str]) -> str:
    return next((name for name in TYPES if match[name] is not None), "other")


def _decorates(match: re.Match[str]) -> bool:
    """Whether what stands between exclamation marks or plus signs is a decoration, and no music."""
    word = (match["word"] or match["plus"] or "").strip()
    return word.lower() in SPELLINGS or not ONLY_NOTES.fullmatch(word)
