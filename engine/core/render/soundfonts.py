"""The soundfonts of this machine by name, and what plays.

    <data folder>/soundfonts/*.sf2, *.sf3     the person's own, each by its file's name without the ending
    <data folder>/soundfonts/chosen.txt       the name of the one that plays, where one was chosen

Which plays: the one that is asked for, else the chosen one, else the path in BANDSTAND_SOUNDFONT, else an installed
one, else pretty_midi's. One that is none is named, and the next plays.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import engine.core.render.fluid as fluid
from engine import RequestError
from engine.core.home import home

VARIABLE = "BANDSTAND_SOUNDFONT"
ENDINGS = (".sf2", ".sf3")
INSTALLED = (
    "/usr/share/sounds/sf3/MuseScore_General.sf3",
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/local/share/soundfonts/default.sf2",
    "/opt/homebrew/share/soundfonts/default.sf2",
)
ADVICE = "install FluidSynth for real instruments: sudo apt install libfluidsynth3, or brew install fluid-synth"
NONE = "no soundfont was found; set BANDSTAND_SOUNDFONT to the path of one"


@dataclass(frozen=True)
class Synthesiser:
    """What plays."""

    name: str  # "FluidSynth", or "built-in"
    soundfont: Path | None
    advice: str = ""  # what to do for a better sound, in one line
    remarks: tuple[str, ...] = ()  # a sentence on each soundfont that was wanted and does not play

    def __str__(self) -> str:
        return f"FluidSynth with {self.soundfont.name}" if self.soundfont else f"built-in synthesiser ({self.advice})"


def folder() -> Path:
    """Where the person's own soundfonts lie; it may be missing."""
    return home() / "soundfonts"


def own() -> dict[str, Path]:
    """The person's own soundfonts by name, in the order of the alphabet; none of them has been tried."""
    there = folder().iterdir() if folder().is_dir() else ()
    return {path.stem: path for path in sorted(there) if path.suffix.lower() in ENDINGS}


def installed() -> list[Path]:
    """The other soundfonts of this machine, the preferred one first."""
    paths = [Path(p) for p in (os.environ.get(VARIABLE, ""), *INSTALLED) if p]
    if (spec := find_spec("pretty_midi")) and spec.origin:  # found, not imported
        paths.append(Path(spec.origin).with_name("TimGM6mb.sf2"))
    return [path for path in paths if path.is_file()]


def available() -> dict[str, Path]:
    """All soundfonts by name, the person's own first."""
    return own() | {path.stem: path for path in reversed(installed()) if path.stem not in own()}


def choose(name: str | None) -> None:
    """Have the soundfont of this name play from now on, or again the usual one."""
    note = folder() / "chosen.txt"
    try:
        if name is None:
            note.unlink(missing_ok=True)
        else:
            folder().mkdir(parents=True, exist_ok=True)
            note.write_text(name, "utf-8")
    except OSError as error:
        raise RequestError(f"{note} cannot be written: {error.strerror}.") from None


def chosen() -> str | None:
    """The name of the soundfont that was chosen."""
    try:
        return (folder() / "chosen.txt").read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def synthesiser(soundfont: Path | str | None = None) -> Synthesiser:
    """What plays here where `soundfont`, the path or the name of one, is asked for."""
    asked = [wanted for wanted in (soundfont, chosen(), os.environ.get(VARIABLE)) if wanted]
    if fluid.library() is None:
        remarks = tuple(f"{wanted} does not play: FluidSynth is missing." for wanted in asked[:1])
        return Synthesiser("built-in", None, ADVICE, remarks)
    known, remarks = available(), ()
    for wanted in asked:
        path = known.get(str(wanted), Path(wanted))
        if fluid.loaded(path):
            return Synthesiser("FluidSynth", path, remarks=remarks)
        remarks = (*remarks, f"{wanted} is not a soundfont that can be played",)
    for path in installed():
        if fluid.loaded(path):
            said = tuple(f"{remark}; {path.name} plays." for remark in remarks)
            return Synthesiser("FluidSynth", path, remarks=said)
    said = tuple(f"{remark}; the built-in synthesiser plays." for remark in remarks)
    return Synthesiser("built-in", None, NONE, said)
