"""What Trombone can be asked for: a note, a scale, or a melody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import CHECKPOINTS, RequestError
from engine.core import request
from engine.core.pitch import note_name, read_note_name
from engine.core.request import File, option
from engine.trombone.conditions import DYNAMICS, HIGHEST, LOWEST

PATH = CHECKPOINTS / "trombone"
MIN_SECONDS, MAX_SECONDS = 0.2, 20.0  # of one note; recordings last 0.3 to 5
SHORTEST = 0.06  # of a note in a melody
TEMPERATURE = 0.05


def read_note(text: str) -> int:
    """A MIDI number from "58" or a name such as Bb3 or C#4 (C4 is 60). Refused outside the range."""
    midi = read_note_name(text)
    if not LOWEST <= midi <= HIGHEST:
        raise RequestError(
            f"MIDI {midi} is outside the trombone's range: it plays {LOWEST} ({note_name(LOWEST)}) "
            f"to {HIGHEST} ({note_name(HIGHEST)})."
        )
    return midi


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """A note; with `scale` a major scale up from it; with `input` a melody."""

    SYSTEM = "trombone"
    CONTENTS = request.Contents(sound=True, texts=("8bit.wav",))

    note: int | None = option(
        None, "A MIDI number or a name, such as 58, Bb3 or C#4.", low=LOWEST, high=HIGHEST, metavar="NOTE",
        read=read_note,
    )  # fmt: skip
    input: File | None = option(
        None, "A melody, MIDI, MusicXML or ABC. Its top line is played, moved by octaves where it leaves the range; a "
        "MIDI file's pitch bend and controllers 1 (vibrato), 2 and 11 (loudness) are followed.",
        called="The melody", ending="mid",
    )  # fmt: skip
    track: str | None = option(
        None, "Of the melody's song: a track's name or number, or all; the one that is most like a tune unless it is "
        "given.", metavar="NAME",
    )  # fmt: skip
    tune_number: int | None = option(None, "Which tune of a book in ABC: 1 is its first.", low=1, high=100_000)
    scale: bool = option(False, "A major scale up from the note.")
    seconds: float = option(
        2.0, "Of the note, or of each note.", low=MIN_SECONDS, high=MAX_SECONDS, unit="seconds", called="The length",
        excludes=("input",), label="Length",
    )  # fmt: skip
    dynamic: str | None = option(
        None, "Louder is brighter. A melody is as loud as its notes unless this is given.", choices=DYNAMICS
    )
    temperature: float = option(
        TEMPERATURE, "0 is the smoothest; more is breathier and rougher.", low=0, high=1.5, label="Breath"
    )
    articulation: str = option(
        "tenuto", "How notes follow one another: slurred, held, short, or struck.",
        choices=("legato", "tenuto", "staccato", "marcato"), requires=("scale", "input"),
    )  # fmt: skip
    legato: bool = option(False, "Slur the notes: the same as the articulation legato.", requires=("scale", "input"))
    rate: int = option(
        44_100, "Of the sound: 44100, or 16000, the band that the network itself plays.", choices=(44_100, 16_000),
        unit="Hz", called="The rate", before=16_000,
    )  # fmt: skip
    eight_bit: bool = option(False, "Write WAV of 8 bits a sample, as the network plays it.")
    tempo: float | None = option(
        None, "Of the melody; its own unless it is given.", low=20, high=400, unit="quarter notes a minute",
        requires=("input",),
    )  # fmt: skip

    def validate(self) -> None:
        """Refuse a note and a melody at once, or neither."""
        if self.scale and self.note is None:
            raise RequestError("A scale needs --note, where it begins.")
        if self.track is not None and self.input is None:
            raise RequestError("--track needs --input, the song that it is in.")
        if self.note is None and self.input is None:
            raise RequestError("Either --note or --input has to be given: a note to play, or a melody.")
        if self.note is not None and self.input is not None:
            raise RequestError("--note and --input ask for two things, a note and a melody; give one of them.")
        if self.legato and self.articulation not in ("tenuto", "legato"):
            raise RequestError(f"--legato and --articulation {self.articulation} ask for two things; give one of them.")

    def checkpoint(self) -> Path:
        return PATH

    @property
    def articulated(self) -> str:
        """How its notes follow one another, however that was spelled."""
        return "legato" if self.legato else self.articulation

    @property
    def title(self) -> str:
        style = f" {self.articulated}" if self.articulated != "tenuto" and (self.scale or self.input) else ""
        if self.note is None:
            return f"{self.input.title if self.input else ''}{style}, seed {self.seed}"
        what = "Scale from " if self.scale else ""
        return f"{what}{note_name(self.note)} {self.dynamic or 'mf'}{style}, seed {self.seed}"
