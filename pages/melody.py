"""Melody: a folk tune in the key and meter asked for, as a score one can read, hear and change."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.instruments import program_names
from engine.core.midi import write_midi
from engine.core.request import File, field_of
from engine.melody import Request, generate, load
from engine.melody.abc.canonical import Tune, check_key, read_tunes
from engine.melody.abc.notes import Misread, parse, titles, usual_tempo
from engine.melody.abc.reading import text_of
from engine.melody.composing import Written
from engine.melody.generate import TuneResult, result_of
from engine.melody.request import METERS, PATH
from engine.melody.score import engrave
from engine.takes.library import Library
from ui import controls, downloads, frame, jobs, player, score, takes
from ui.controls import PERSISTED
from ui.inside import melody as inside

TONICS = ("C", "G", "D", "A", "E", "B", "F#", "F", "Bb", "Eb", "Ab", "C#")
MODES = {"": "major", "m": "minor", "dor": "dorian", "mix": "mixolydian"}
KEYS = [tonic + mode for tonic in TONICS for mode in MODES]
FORMS = {"AABB": "AABB: two sections, each repeated", "AAB": "AAB: the first repeated", "AB": "AB: two, not repeated",
         "AA": "AA: one section, repeated", "AABBCC": "AABBCC: three, each repeated"}  # fmt: skip
INSTRUMENTS = {None: "Flute, or as the tune says"} | program_names()
BARS = (8, 12, 16, 20, 24, 32, 48)
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


def settings_panel(dances: list[str]) -> Request:
    """The controls; returns the request."""
    controls.reroll_button("melody_seed", "Write something new")
    free = "As it comes"
    fields: dict[str, Any] = {}
    fields["kind"] = controls.pick(Request, "kind", choices=dances, names=str.capitalize, key="melody_type",
                                   placeholder=free)  # fmt: skip
    fields["key"] = controls.pick(Request, "key", choices=[k for k in KEYS if valid(k)], names=named,
                                  key="melody_key", placeholder=free)  # fmt: skip
    fields["meter"] = controls.pick(Request, "meter", choices=METERS, key="melody_meter", placeholder=free)
    own = st.session_state.get("melody_sections")  # of a tune that is gone on with
    forms = {**FORMS, **({own: f"Sections of {own.replace('+', ', ')} bars"} if own else {})}
    fields["form"] = controls.pick(Request, "form", choices=list(forms), names=forms.__getitem__,
                                   key="melody_form", placeholder=free,
                                   help="Sections, and which are played twice.")  # fmt: skip
    fields["bars"] = controls.pick(Request, "bars", choices=BARS, key="melody_bars",
                                   placeholder=free, help="Repeats counted once.")  # fmt: skip
    fields["seed"] = controls.seed("melody_seed")
    fields["temperature"] = controls.slider(Request, "temperature", high=1.5,
                                            key="melody_temperature")  # fmt: skip
    fields["candidates"] = controls.slider(Request, "candidates", high=6, default=3,
                                           key="melody_count")  # fmt: skip
    with st.expander("A beginning, chords and more", icon=":material/tune:"):
        start = field_of(Request, "start")
        fields["start"] = st.text_area(start.label, key="melody_start", placeholder="A|dfa fdf|", height=80,
                                       help=start.option.help, **PERSISTED) or ""  # fmt: skip
        chords = controls.pick(Request, "chord_symbols", choices=list(CHORDS), key="melody_chords",
                               placeholder=free)  # fmt: skip
        fields["chord_symbols"] = CHORDS[chords] if chords else None
        fields["chords"] = st.text_input("Chords to go over", key="melody_over", placeholder="G | C D | G %",
                                         help=field_of(Request, "chords").option.help, **PERSISTED) or ""  # fmt: skip
        take = takes.pick("melody", label="Over the band of a take") if not fields["chords"] else None
        if take is not None and (song := Library().song(take)) is not None:
            fields["chords_from"] = File(take.name, write_midi(song), "mid")
        fields["unit"] = controls.pick(Request, "unit", key="melody_unit", placeholder=free)
        fields["top_p"] = controls.slider(Request, "top_p", low=0.1, key="melody_top_p")
    return Request(**fields)


def write(request: Request, progress: Progress) -> TuneResult:
    """The candidates, with the score and the sound of the first ready; runs in the worker."""
    model, _ = frame.cached_model("melody", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(done, 2 * total))
    assert result.song
    engrave(result.tune, 0)
    player.prepare(result.song, lambda done, total: progress(total + done, 2 * total))
    return result


def bring(editor: str) -> None:
    """A file of one's own goes into the editor of this key."""
    key = f"{editor} file"

    def put() -> None:
        if upload := st.session_state[key]:
            with contextlib.suppress(RequestError):  # said below
                st.session_state[editor] = text_of(upload.getvalue(), upload.name)

    upload = st.file_uploader("A tune or a book of mine", type="abc", key=key, on_change=put,
                              help="Its text takes the place of the one below.")  # fmt: skip
    if upload:
        try:
            text_of(upload.getvalue(), upload.name)
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")


def edited(slot: str, tune: Tune) -> tuple[Tune, bool]:
    """The ABC in an editor: (the last good tune of its text, whether it was changed). A fault is shown in its place."""
    original = tune.abc
    bring(f"melody abc {slot}")
    text = st.text_area("ABC", original, height=260, key=f"melody abc {slot}",
                        help="Change anything and press Ctrl+Enter: score and sound follow.")  # fmt: skip
    good = f"melody good {slot}"
    if text != original:
        try:
            parsed, remarks = parse(text, controls.tune_of_book(titles(text), f"melody book {slot}"))
            engrave(parsed, 0)
            st.session_state[good] = parsed
            for remark in remarks[:3]:
                st.warning(frame.plain(remark), icon=":material/straighten:")
            if len(remarks) > 3:
                st.caption(f"And {len(remarks) - 3} more remarks.")
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


def candidate(made: jobs.JobResult) -> int:
    """Which of the tunes that were written is looked at."""
    names = [f"Tune {i + 1}" for i in range(len(made.value.candidates))]
    if len(names) == 1:
        return 0
    picked = st.segmented_control("Written", names, default=names[0], required=True,
                                  key=f"melody candidate {made.number}", help="The likeliest first.")  # fmt: skip
    return names.index(picked) if picked in names else 0


def playing(tune: Tune) -> dict[str, Any]:
    """The controls of how a tune is played; fields of its request."""
    program = st.selectbox("Instrument", list(INSTRUMENTS), format_func=INSTRUMENTS.__getitem__,
                           key="melody_program", help="Who plays the tune.", **PERSISTED)  # fmt: skip
    own = st.toggle("Choose the tempo", key="melody_own_tempo", help="Otherwise it is the usual one of its type.",
                    **PERSISTED)  # fmt: skip
    usual = usual_tempo(tune)
    tempo = controls.tempo("melody", round(usual), 40, 280) if own else usual
    return {"program": program, "tempo": float(tempo), "transpose": controls.transpose("melody")}


def go_on(wanted: Request) -> None:
    """Put a request's tune so far into the controls, so that it is gone on with. For callbacks."""
    chords = next(name for name, value in CHORDS.items() if value == wanted.chord_symbols)
    st.session_state.update(
        melody_start=wanted.start, melody_key=wanted.key if wanted.key in KEYS else None, melody_bars=None,
        melody_meter=wanted.meter if wanted.meter in METERS else None, melody_type=wanted.kind or None,
        melody_unit=wanted.unit, melody_chords=chords, melody_form=wanted.form, melody_sections=wanted.form,
    )  # fmt: skip


def result_view(made: jobs.JobResult) -> None:
    """What was made: candidates, score, player, editor, downloads, how it was made."""
    choice = candidate(made)
    written: Written = made.value.candidates[choice]
    above, sound, below = st.container(), st.container(), st.container()
    with below:
        left, right = st.columns([1.6, 1], gap="large")
        with left:
            tune, changed = edited(f"{made.number} {choice}", written.tune)
        with right:
            played = playing(tune)
            st.caption(f"{sum(written.form)} bars · {-written.likelihood:.2f} bits a character: the fewer, the more "
                       "like the tunes learned from")  # fmt: skip
    if changed:
        file = File(f"{tune.title}.abc", tune.abc.encode())
        tune, _ = parse(file.content)  # as it will be read when it is made again: its title too
        request = Request(input=file, **played)
    else:
        request = replace(made.settings, attempt=written.attempt, candidates=1, **played)
    result = result_of(tune, request, model)
    with above:
        assert result.song
        score.show("melody", tune, player="melody", song=result.song, transpose=request.transpose)
    with sound:
        for remark in made.value.remarks if not changed else ():
            st.caption(frame.plain(remark))
        title = f"{tune.title}, {tune.meter}, {tune.key}, {controls.paced(result.song)}"
        mix = player.show("melody", song=result.song, title=title)
        downloads.show("melody", tune.title.lower(), result, mix=mix)
        takes.save_or_send("melody", result, name=tune.title)
    own = read_tunes(tune.abc)[0] if changed else None
    inside.how_it_was_made(f"{made.number} {choice}", model, made.settings, written, own, go_on)


try:
    model, _ = frame.cached_model("melody", PATH, load)
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

left, right = st.columns([2.4, 1], gap="large")
request: Request | None = None
with right, st.container(border=True, key="desk"):
    try:
        request = settings_panel(model.kinds)
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
with left:
    if request is not None:
        wanted = request
        jobs.run_when_changed("melody", lambda progress: write(wanted, progress), settings=wanted,
                              label="Writing tunes")  # fmt: skip
    made = jobs.show("melody")
    if made:
        result_view(made)
