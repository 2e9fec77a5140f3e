"""ABC text: tunes read from any `.abc` file, and their canonical text.

**Canonical text.** Of a tune's header the fields M (meter), L (note length), R (type) and K (key) are kept, in this
order, each only where the file has it, with one spelling for a thing (`K:E Minor` is `K:Em`, `R:REEL` is `R:reel`).
The body is what follows the header up to an empty line or the next `X:`, character by character, but

* comments (`%` to the end of the line), and lines of words (every field but K, L, M and P), are left out;
* a run of blanks counts as one blank, blanks at the ends of a line and empty lines are left out;
* lines are joined by one newline, and none follows the last.

Nothing else is touched: slurs, fingerings, decorations and chord symbols stay. `Tune.body` is what is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from engine import RequestError
from engine.core.upload import content_of

MAX_BYTES = 4 * 2**20  # of an ABC file; the largest collections of a few thousand tunes are half a megabyte
KEPT_IN_BODY = "KLMP"
UNITS = ("1/4", "1/8", "1/16")  # note lengths that tunes are written in
MODES = {
    "": "", "maj": "", "ion": "", "m": "m", "min": "m", "aeo": "m", "dor": "dor", "mix": "mix", "lyd": "lyd",
    "phr": "phr", "loc": "loc", "exp": "", "n": "",
}  # fmt: skip
KINDS = {"double jig": "jig", "single jig": "jig", "slipjig": "slip jig", "highland fling": "fling"}


@dataclass(frozen=True)
class Tune:
    """One tune. Header values are canonical; an empty one was not in the file."""

    body: str
    key: str = ""
    meter: str = ""
    unit: str = ""  # the field L, "1/8"
    kind: str = ""  # the field R, "jig"
    title: str = ""
    line: int = 1  # of the file, where the body begins; 1 is the first
    text: str = ""  # the whole tune as a person brought it, where one did: more than body and header say

    @property
    def header(self) -> str:
        """The canonical header, with its last newline."""
        fields = (("M", self.meter), ("L", self.unit), ("R", self.kind), ("K", self.key))
        return "".join(f"{name}:{value}\n" for name, value in fields if value)

    @property
    def abc(self) -> str:
        """A whole ABC tune that any ABC program reads; one that was brought, as it was."""
        if self.text:
            return self.text.rstrip("\n") + "\n"
        meter, unit = self.meter or "4/4", self.unit or default_unit(self.meter)
        title = self.title.replace("\n", " ").replace("%", "") or "Untitled"
        kind = f"R:{self.kind}\n" if self.kind else ""
        return f"X:1\nT:{title}\n{kind}M:{meter}\nL:{unit}\nK:{self.key or 'C'}\n{self.body}\n"


def default_unit(meter: str) -> str:
    """The note length where none is written: 1/16 in meters shorter than 3/4, else 1/8 (ABC 2.1, section 3.1.7)."""
    parts = meter_parts(meter)
    return "1/16" if parts and parts[0] / parts[1] < 0.75 else "1/8"


def meter_parts(meter: str) -> tuple[int, int] | None:
    """(6, 8) of "6/8"; None for a meter that is free or no meter."""
    if meter in ("", "C"):
        return 4, 4
    if meter == "C|":
        return 2, 2
    match = re.fullmatch(r"\(?(\d{1,2}(?:\+\d{1,2})*)\)?/(\d{1,2})", meter)
    if not match:
        return None
    beats, value = sum(int(n) for n in match[1].split("+")), int(match[2])
    return (beats, value) if 1 <= beats <= 32 and value in (1, 2, 4, 8, 16, 32) else None


def unit_parts(unit: str) -> tuple[int, int] | None:
    """(1, 8) of "1/8"; None for what is no note length."""
    match = re.fullmatch(r"(\d{1,2})/(\d{1,3})", unit)
    if not match or not int(match[1]) or int(match[2]) not in (1, 2, 4, 8, 16, 32, 64):
        return None
    return int(match[1]), int(match[2])


def canonical_key(key: str) -> str:
    """One spelling for a key: "E Minor" is "Em", "ADor" is "Ador", "GM" is "G". What is no key comes back as it is."""
    match = re.match(r"\s*([A-G])([#b]?)\s*([A-Za-z]*)", key)
    if not match:
        return key.strip()
    word = match[3]
    mode = MODES.get("" if word == "M" else word.lower()[:3])
    return key.strip() if mode is None else match[1] + match[2] + mode


def canonical_kind(dance: str) -> str:
    """One spelling for a type of tune: "double jig" is "jig"; at most 24 characters."""
    dance = " ".join(dance.lower().split())[:24]
    return KINDS.get(dance, dance)


def tonic_index(key: str) -> int:
    """Steps of a key's letter above C (0..6); 0 for a key without a letter (K:none, K:)."""
    return 1 if key.startswith(("Hp", "HP")) else max("CDEFGAB".find(key[:1] or "C"), 0)


def clean_line(line: str) -> str:
    """A line without its comment, blanks as in the canonical text."""
    return " ".join(re.split(r"(?<!\\)%", line, maxsplit=1)[0].split())


def encoding_of(content: bytes) -> str:
    """How a file's bytes are text: UTF-8 or UTF-16, else Windows-1252, or DOS where its letters stand among letters."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp850" if re.search(rb"[A-Za-z][\x80-\x91\x93-\x95\x98\x99\x9b\x9d][a-z]", content) else "cp1252"
    return "utf-8-sig"


def decode(content: bytes, name: str = "The file") -> str:
    """Text of a file's bytes, by `encoding_of`. Refused when it is too large or no text."""
    if len(content) > MAX_BYTES:
        raise RequestError(f"{name} is larger than {MAX_BYTES >> 20} MiB, the most that is taken of an ABC file.")
    if content.startswith((b"MThd", b"PK")):
        kind = "MIDI" if content.startswith(b"M") else "a packed score"
        raise RequestError(f"{name} is {kind}; a tune in ABC notation is wanted here.")
    text = content.decode(encoding_of(content), errors="replace")
    text = text.rstrip("\x1a\x00").replace("\r\n", "\n").replace("\r", "\n")  # DOS ended files with a character
    bad = re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise RequestError(f"{name} is not text: line {line} holds the byte or control character {ord(bad[0]):#04x}.")
    return re.sub(r"[\x80-\x9f]", "\ufffd", text)


def read_tunes(content: bytes | str | Path, name: str = "The file") -> list[Tune]:
    """All tunes of an ABC file that have a body, in order. Refused when there is none, or it is no text."""
    if isinstance(content, Path):
        content, name = content_of(content, str(content), MAX_BYTES)
    text = decode(content, name) if isinstance(content, bytes) else decode(content.encode(), name)
    tunes: list[Tune] = []
    reader = _TuneReader()
    for number, line in enumerate(text.split("\n"), 1):
        tunes += reader.feed(number, line)
    tunes += reader.finish()
    if not tunes:
        raise RequestError(f"{name} holds no tune in ABC: none of its lines of music follows a header with X: or K:.")
    return tunes


class _TuneReader:
    """Lines in, tunes out. A tune begins at X: (or, where there is none, at any header field), its body after K:."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.fields: dict[str, str] = {}
        self.body: list[str] = []
        self.where = "outside"  # then "header", then "body"
        self.line = 1

    def feed(self, number: int, line: str) -> list[Tune]:
        """One line of the file; returns the tune that it ended, if any."""
        if not line.strip():
            return self.finish()
        match = re.match(r"\s*([A-Za-z]):(.*)", line)
        name = match[1] if match else ""
        done: list[Tune] = []
        if name == "X":
            done = self.finish()
        line = clean_line(line)
        if not line:
            return done
        if self.where == "outside":
            if not match or (name in "ABCDEFGabcdefgz" and name != "C"):
                return done
            self.where = "header"
        if self.where == "header":
            if match:
                self.fields.setdefault(name, clean_line(match[2]))
                if name == "K":
                    self.where, self.line = "body", number + 1
                return done
            self.where, self.line = "body", number  # music without a K: field
        if match and name not in KEPT_IN_BODY and not re.match(r"\s*[|:]", match[2]):
            return done
        self.body.append(line)
        return done

    def finish(self) -> list[Tune]:
        """The tune so far, if it has a body; begins anew."""
        fields, body, line = self.fields, self.body, self.line
        self._reset()
        if not body:
            return []
        return [
            Tune(
                body="\n".join(body),
                key=canonical_key(fields.get("K", "")),
                meter=fields.get("M", "").replace(" ", ""),
                unit=fields.get("L", "").replace(" ", ""),
                kind=canonical_kind(fields.get("R", "")),
                title=fields.get("T", ""),
                line=line,
            )
        ]


def signature(key: str) -> int:
    """Sharps of a key, negative for flats."""
    match = re.match(r"([A-G])([#b]?)(|m|dor|mix|lyd|phr|loc)$", key)
    if not match:
        return 2 if key.startswith(("Hp", "HP")) else 0
    letter, accidental, mode = match.groups()
    sharps = "FCGDAEB".index(letter) - 1 + {"": 0, "#": 7, "b": -7}[accidental]
    return sharps + {"": 0, "m": -3, "dor": -2, "mix": -1, "lyd": 1, "phr": -4, "loc": -5}[mode]


def check_key(key: str) -> str:
    """The canonical name of a key. Refused when there is none such, or its signature has more than 7 accidentals."""
    canonical = canonical_key(key)
    match = re.fullmatch(r"([A-G])([#b]?)(|m|dor|mix|lyd|phr|loc)", canonical)
    if not match or abs(signature(canonical)) > 7:
        raise RequestError(f"'{key}' is not a key; write one such as G, Em, Bb, F#m, Ador or Dmix.")
    return canonical


def check_meter(meter: str) -> str:
    """A meter that bars can be made of. Refused otherwise."""
    meter = meter.replace(" ", "")
    parts = meter_parts(meter) if meter else None
    if not parts or not 1 / 8 <= parts[0] / parts[1] <= 2 or parts[0] > 16 or parts[1] > 16:
        raise RequestError(
            f"'{meter}' is not a meter that bars can be written in; choose one such as 4/4, 6/8, 3/4, 9/8, C or C|."
        )
    return meter


def check_unit(unit: str) -> str:
    """A note length. Refused when it is none."""
    if unit not in UNITS:
        raise RequestError(f"'{unit}' is not a note length to write in; choose 1/4, 1/8 or 1/16.")
    return unit


def without_kind(tune: Tune) -> Tune:
    """The tune with no R: field."""
    return replace(tune, kind="")


MUSIC, QUOTE, FIELD = 0, 1, 2  # where a character stands: among notes, in quotation marks, in a field
