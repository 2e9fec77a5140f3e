"""Melody: a folk tune in the key and meter asked for, as a score one can read, hear and change."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.instruments import program_names
from engine.core.old import Result
from engine.melody import model as melody
from engine.melody.abc.canonical import Tune, check_key
from engine.melody.abc.notes import Misread, parse, song, usual_tempo
from engine.melody.command import METERS, read_form
from engine.melody.generate import Request, Written, candidates
from engine.takes.library import Recipe
from ui import controls, frame, jobs, player, score, takes
from ui import downloads_old as downloads
from ui.controls import PERSISTED

TONICS = ("C", "G", "D", "A", "E", "B", "F#", "F", "Bb", "Eb", "Ab", "C#")
MODES = {"": "major", "m": "minor", "dor": "dorian", "mix": "mixolydian"}
KEYS = [tonic + mode for tonic in TONICS for mode in MODES]
FORMS = {"AABB": "AABB: two sections, each repeated", "AAB": "AAB: the first repeated", "AB": "AB: two, not repeated",
         "AA": "AA: one section, repeated", "AABBCC": "AABBCC: three, each repeated"}  # fmt: skip
INSTRUMENTS = program_names()
CHORDS = {"with": True, "without": False}

frame.open_page("Melody", "A folk tune in the key and meter you ask for, as a score to read and a sound to hear.")


def valid(key: str) -> bool:
    """Is there such a key."""
    try:
        check_key(key)
    except RequestError:
        return False
    return True


def named(key: str) -> str:
    """ "Ador" as a person says it: A dorian."""
    tonic = next(t for t in sorted(TONICS, key=len, reverse=True) if key.startswith(t))
    return f"{tonic.replace('b', '♭').replace('#', '♯')} {MODES[key.removeprefix(tonic)]}"


def settings_panel(kinds: list[str]) -> dict[str, Any]:
    """The controls; returns settings: the arguments of Request, a seed and how many."""
    controls.reroll_button("melody_seed", "Write something new")
    free = "As it comes"
    kind = st.selectbox("Dance", kinds, index=None, format_func=str.capitalize, key="melody_type", placeholder=free,
                        help="What people would dance to it.", **PERSISTED)  # fmt: skip
    key = st.selectbox("Key", [k for k in KEYS if valid(k)], index=None, format_func=named, key="melody_key",
                       placeholder=free, help="The note it comes home to, and its scale.", **PERSISTED)  # fmt: skip
    meter = st.selectbox("Meter", METERS, index=None, key="melody_meter", placeholder=free, **PERSISTED,
                         help="Every bar is exactly this long; pickups are completed at the end.")  # fmt: skip
    form = st.selectbox("Form", list(FORMS), index=None, format_func=FORMS.__getitem__, key="melody_form", **PERSISTED,
                        placeholder=free, help="Sections, and which are played twice.")  # fmt: skip
    bars = st.selectbox("Bars as written", (8, 12, 16, 20, 24, 32, 48), index=None, key="melody_bars", placeholder=free,
                        help="Repeats counted once.", **PERSISTED)  # fmt: skip
    seed = controls.seed("melody_seed")
    says = "0 always writes what is likeliest; 1 is as varied as the tunes learned from."
    heat = st.slider("How adventurous", 0.0, 1.5, 0.9, 0.05, key="melody_temperature", help=says, **PERSISTED)
    says = "So many are written; the one most like the tunes learned from comes first."
    count = st.slider("Tunes to choose from", 1, 6, 3, key="melody_count", help=says, **PERSISTED)
    with st.expander("A beginning, chords and more", icon=":material/tune:"):
        says = "Bars in ABC notation from which the tune goes on; choose key and meter with them."
        start = st.text_area(
            "Begin with", key="melody_start", placeholder="A|dfa fdf|", height=80, help=says, **PERSISTED
        )
        says = "Chords above the staff; they are played too."
        chords = st.selectbox("Chord symbols", list(CHORDS), index=None, key="melody_chords", placeholder=free,
                              help=says, **PERSISTED)  # fmt: skip
        unit = st.selectbox("Unit note length", ("1/4", "1/8", "1/16"), index=None, key="melody_unit", **PERSISTED,
                            placeholder=free, help="In ABC, what a letter without a number lasts.")  # fmt: skip
        top_p = st.slider("Surprises", 0.1, 1.0, 0.95, 0.05, key="melody_top_p", **PERSISTED,
                          help="1 lets anything come that could; less rules out the least likely.")  # fmt: skip
    return {"key": key or "", "meter": meter or "", "kind": kind or "", "unit": unit or "", "form": form or "",
            "bars": bars or 0, "start": start or "", "chords": CHORDS.get(chords) if chords else None,
            "temperature": heat, "top_p": top_p, "seed": seed, "count": count}  # fmt: skip


def write(settings: dict[str, Any], progress: Progress) -> tuple[list[Written], str]:
    """The candidates, and the weights' sha256; runs in the worker."""
    model, _ = frame.cached_model("melody", melody.PATH, melody.load)
    _, repeats = read_form(settings["form"])
    asked = {name: settings[name] for name in ("key", "meter", "kind", "unit", "bars", "start", "chords")}
    request = Request(**asked, repeats=repeats, temperature=settings["temperature"], top_p=settings["top_p"])
    found = candidates(model, request, seed=settings["seed"], count=settings["count"],
                       progress=lambda done, total: progress(done, 2 * total))  # fmt: skip
    score.engraved(named_tune(found[0]), 0)
    player.prepare(song(named_tune(found[0])), lambda done, total: progress(total + done, 2 * total))
    return found, model.sha256


def named_tune(written: Written) -> Tune:
    """A written tune with a title that tells it from others."""
    kind = (written.tune.kind or "tune").capitalize()
    return replace(written.tune, title=f"{kind} no. {written.seed}")


def recipe(how: dict[str, Any], written: Written, shape: dict[str, Any], sha256: str) -> Recipe:
    """The same tune as options of `python -m engine melody`."""
    options = {
        "key": how["key"] or None, "meter": how["meter"] or None, "type": how["kind"] or None,
        "unit": how["unit"] or None, "form": how["form"] or None, "bars": how["bars"] or None,
        "start": how["start"] or None, "chords": how["chords"] is True, "no-chords": how["chords"] is False,
        "temperature": how["temperature"], "top-p": how["top_p"], **shape,
    }  # fmt: skip
    return Recipe("melody", options, written.seed, sha256)


def edited(slot: str, tune: Tune) -> tuple[Tune, bool]:
    """The ABC in an editor: (the last good tune of its text, whether it was changed). A fault is shown in its place."""
    original = tune.abc
    text = st.text_area("ABC", original, height=260, key=f"melody abc {slot}",
                        help="Change anything and press Ctrl+Enter: score and sound follow.")  # fmt: skip
    good = f"melody good {slot}"
    if text != original:
        try:
            found, remarks = parse(text)
            score.engraved(found, 0)
            st.session_state[good] = found
            for remark in remarks[:3]:
                st.warning(frame.plain(remark), icon=":material/straighten:")
        except Misread as fault:
            st.error(frame.plain(str(fault)), icon=":material/error:")
            lines = text.replace("\r\n", "\n").split("\n")
            line = lines[min(fault.line, len(lines)) - 1]
            st.code(f"{line}\n{' ' * (fault.column - 1)}^", language=None)
            st.caption("The score and the sound are those of the last text that could be read.")
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")
    else:
        st.session_state.pop(good, None)
    return st.session_state.get(good, tune), good in st.session_state


def result_view(made: jobs.JobResult) -> None:
    """What was made: candidates, score, player, editor, downloads."""
    found, sha256 = made.value
    choice = 0
    if len(found) > 1:
        names = [f"Tune {i + 1}" for i in range(len(found))]
        picked = st.segmented_control("Written", names, default=names[0], required=True,
                                      key=f"melody candidate {made.number}", help="The likeliest first.")  # fmt: skip
        choice = names.index(picked) if picked in names else 0
    written = found[choice]
    slot = f"{made.number} {choice}"
    above, sound, below = st.container(), st.container(), st.container()
    with below:
        left, right = st.columns([1.6, 1], gap="large")
        with left:
            tune, changed = edited(slot, named_tune(written))
        with right:
            program = st.selectbox("Instrument", list(INSTRUMENTS), 73, format_func=INSTRUMENTS.__getitem__,
                                   key="melody_program", help="Who plays the tune.", **PERSISTED)  # fmt: skip
            says = "Otherwise it is the usual one of its type."
            own = st.toggle("Choose the tempo", key="melody_own_tempo", help=says, **PERSISTED)
            tempo = controls.tempo("melody", round(usual_tempo(tune)), 40, 280) if own else usual_tempo(tune)
            up = controls.transpose("melody")
            st.caption(f"{sum(written.form)} bars · {-written.likelihood:.2f} bits a character: the fewer, the more "
                       "like the tunes learned from")  # fmt: skip
    music = replace(song(tune, tempo=tempo, program=int(program or 0), transpose=up), title=tune.title)
    with above:
        score.show("melody", tune, player="melody", tempo=tempo, transpose=up)
    with sound:
        mix = player.show("melody", song=music, title=f"{tune.title}, {tune.meter}, {tune.key}, {tempo:g} bpm")
        xml = "application/vnd.recordare.musicxml+xml"
        extras = [
            downloads.Extra("ABC", "abc", tune.abc.encode(), "text/vnd.abc"),
            downloads.Extra("Score", "score.musicxml", partial(score.xml, tune, up), xml),
            downloads.Extra("SVG", "svg", partial(score.svg, tune, up), "image/svg+xml"),
        ]
        downloads.show("melody", tune.title.lower(), song=music, mix=mix, extras=extras)
        shape = {"tempo": float(tempo), "program": int(program or 0), "transpose": up}
        if changed:
            how, inputs = Recipe("melody", {"input": "input.abc", **shape}, 0, sha256), {"abc": tune.abc.encode()}
        else:
            how, inputs = recipe(made.settings, written, shape, sha256), None
        result = Result(song=music, texts={"abc": tune.abc.encode()}, settings=made.settings)
        takes.save_or_send("melody", result, how, name=tune.title, inputs=inputs)


try:
    model, _ = frame.cached_model("melody", melody.PATH, melody.load)
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

left, right = st.columns([2.4, 1], gap="large")
with right, st.container(border=True, key="desk"):
    settings = settings_panel(model.kinds)
with left:
    jobs.run_when_changed(
        "melody", lambda progress: write(dict(settings), progress), settings=settings, label="Writing tunes"
    )
    made = jobs.show("melody")
    if made:
        result_view(made)
