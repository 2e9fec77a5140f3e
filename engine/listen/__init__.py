"""Listening: the notes, key, tempo and beats of a line of one voice, and the chords of a song (see listening.py).

    python -m engine listen --input hum.wav --out tune.mid
    python -m engine listen --input song.mid --json
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

from engine import RequestError
from engine.core.request import File
from engine.core.result import Music

TEMPI = (30.0, 300.0)  # quarter notes a minute, of a click


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for on the command line."""
    parser.add_argument(
        "--input", required=True, metavar="FILE",
        help="a recording of one voice, up to ten minutes; or MIDI, MusicXML, ABC",
    )  # fmt: skip
    parser.add_argument(
        "--tempo", type=float, metavar="30..300",
        help="quarter notes a minute of the click it was played to: the notes are moved to it; without, they keep "
             "the seconds of the recording",
    )  # fmt: skip
    parser.add_argument("--tune-number", type=int, metavar="N", help="which tune of a book in ABC")


@dataclass(frozen=True, kw_only=True)
class Answer(Music):
    """What was heard, as the command line writes and prints it."""

    remarks: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def hear(file: File, tempo: float | None = None, number: int | None = None) -> Answer:
    """The notes of a recording, or the chords of a song. Refused where there are none, or `tempo` is no tempo."""
    from engine.core.audio import read_audio  # here, because a command line that only says help needs none of it
    from engine.listen.chords import described
    from engine.listen.listening import listen, quantised
    from engine.melody import beginning, read_any

    if tempo is not None and not TEMPI[0] <= tempo <= TEMPI[1]:
        raise RequestError(f"The tempo must be from {TEMPI[0]:g} to {TEMPI[1]:g}, not {tempo:g}.")
    if notated(file):
        if tempo is not None:
            raise RequestError(f"--tempo changes nothing: {file.name} is notes already, and has its own.")
        song = read_any(file, number)
        report, remarks = described(song)
        return Answer(song=song, report=report, remarks=remarks)
    if number is not None:
        raise RequestError("--tune-number changes nothing without a book in ABC.")
    heard = listen(read_audio(file.content, name=file.name), tempo, name=file.name)
    placed = heard.song if tempo else quantised(heard)
    assert placed is not None
    report = {**heard.report, "abc": beginning(placed, heard.key).start}
    return Answer(song=heard.song, report=report, remarks=heard.remarks)


def notated(file: File) -> bool:
    """Whether a file holds notes, not sound."""
    from engine.core.reading import is_song

    return is_song(file) or file.ending == "abc" or file.content.lstrip()[:2] in (b"X:", b"T:", b"%a", b"%%")
