"""A tune without what a player's pencil adds: the plain text that the model writes when it is asked for a tune.

Fingerings, bowings, annotations, slurs, decorations, grace notes, spacers, part names and ties between different
notes go; notes, lengths, bars, repeats, endings, chords and (if wanted) chord symbols stay.
"""

from __future__ import annotations

import re
from dataclasses import replace

from engine.melody.abc.canonical import Tune

HARMONY = re.compile(r"[A-G][#b]?(?:maj7|m7b5|dim|aug|sus4|m7|m6|m|7|6|9|\+|d|)(?:/[a-gA-G][#b+]?)?")
DECORATIONS = "~.THuvSkJMOPRWUNVLKI`y\\*$hijlnopqrstwx"
NOTE = re.compile(r"([_=^]*)([A-Ga-gz])([,']*)")


def clean(tune: Tune, chords: bool = True) -> Tune | None:
    """The tune in plain text; None where a field changes within it, so that one header no longer tells the music."""
    lines = [line for line in tune.body.split("\n") if not line.startswith("P:")]
    body = "\n".join(lines)
    if re.search(r"^[A-Za-z]:[^|:]|\[[A-Z]:", body, re.MULTILINE) or not body.strip():
        return None
    body = re.sub(r'"([^"\n]*)"', lambda m: m[0] if chords and HARMONY.fullmatch(m[1]) else "", body)
    body = re.sub(r"![a-z]*!|\{[^}\n]*\}|!", "", body)
    out, quoted = [], False
    for i, char in enumerate(body):
        quoted ^= char == '"'
        if not quoted:
            slur = char == ")" or (char == "(" and not body[i + 1 : i + 2].isdigit())
            if slur or char in DECORATIONS:
                continue
        out.append(char)
    body = _ties("".join(out))
    body = re.sub(r" +", " ", body)
    body = "\n".join(line.strip() for line in body.split("\n") if line.strip())
    return replace(tune, body=body) if body else None


def _ties(body: str) -> str:
    """Leave out each tie whose next note is another one."""

    def keep(match: re.Match[str]) -> str:
        before = re.search(r"([A-Ga-g])([,']*)[\d/]*$", body[: match.start()])
        after = NOTE.match(re.sub(r'^(?:"[^"]*"|[ |\n])*', "", body[match.end() : match.end() + 40]))
        same = before and after and before.groups() == after.groups()[1:] and not after[1]
        return "-" if same else ""

    return re.sub("-", keep, body)
