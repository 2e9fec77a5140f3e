"""Melody: a folk tune in the key and meter asked for, as a score one can read, hear and change."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core import rewriting
from engine.core.instruments import program_names
from engine.core.key import named as key_name
from engine.core.midi import read_midi, write_midi
from engine.core.request import File, field_of
from engine.core.song import beat_of
from engine.melody import Request, beginning, generate, load
from engine.melody.abc.canonical import MAX_BYTES, Tune, check_key, read_tunes
from engine.melody.abc.notes import Misread, encoded, parse, reading_of, titles, usual_tempo
from engine.melody.abc.reading import text_of
from engine.melody.composing import Written
from engine.melody.generate import TuneResult, result_of
from engine.melody.request import BY_METER, METERS, PATH
from engine.melody.rewrite import written_bars
from engine.takes.library import Library
from ui import anew, byhand, controls, frame, hum, inside, jobs, opening, player, score, stems, takes
from ui.controls import PERSISTED

TONICS = ("C", "G", "D", "A", "E", "B", "F#", "F", "Bb", "Eb", "Ab", "C#")
MODES = {"": "major", "m": "minor", "dor": "dorian", "mix": "mixolydian"}
KEYS = [tonic + mode for tonic in TONICS for mode in MODES]
FORMS = {"AABB": "AABB: two sections, each repeated", "AAB": "AAB: the first repeated", "AB": "AB: two, not repeated",
         "AA": "AA: one section, repeated", "AABBCC": "AABBCC: three, each repeated"}  # fmt: skip
BARS = (8, 12, 16, 20, 24, 32, 48)
CHORDS = {"with": True, "without": False}
HOTTEST, LEAST_P, TEMPI = 1.5, 0.1, (40, 260)  # of the controls of temperature, top-p and tempo
FIRST_SEED = 345  # of 400: its bars are no more alike than real tunes', and the critic takes it for one

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
    return f"{tonic} {MODES[key.removeprefix(tonic)]}"


def settings_panel(dances: list[str]) -> Request:
    """The controls; returns the request."""
    seed = controls.new("melody_seed", "Write something new", FIRST_SEED)
    free = "As it comes"
    fields: dict[str, Any] = {"seed": seed}
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
    fields["temperature"] = controls.slider(Request, "temperature", high=HOTTEST,
                                            key="melody_temperature")  # fmt: skip
    fields["candidates"] = controls.slider(Request, "candidates", high=6, key="melody_count")
    with st.expander("Hum a beginning", icon=":material/mic:"):
        if hummed := hum.tune("melody"):
            st.button("Begin with it", key="begin with a hum", icon=":material/arrow_forward:", on_click=begin_with,
                      args=(hummed,), help="The tune goes on from these notes, in their key.")  # fmt: skip
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
        fields["top_p"] = controls.slider(Request, "top_p", low=LEAST_P, key="melody_top_p")
    return Request(**fields)


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request = opened.request
    assert isinstance(request, Request)
    chords = next((name for name, value in CHORDS.items() if value == request.chord_symbols), None)
    usual = usual_tempo(tune_of(opened)) if request.tempo and not opened.take.recipe.by_hand else None
    own = request.tempo if usual is None or request.tempo is None or abs(usual - request.tempo) > 1e-6 else None
    beat = 1.0 if opened.take.recipe.by_hand or own is None else felt(tune_of(opened))
    return {
        "melody_type": request.kind, "melody_meter": request.meter,
        "melody_key": request.key if request.key in KEYS else None, "melody_form": request.form,
        "melody_sections": request.form if request.form not in FORMS else None,
        "melody_bars": request.bars if request.bars in BARS else None, "melody_start": request.start,
        "melody_temperature": min(request.temperature, HOTTEST), "melody_chords": chords,
        "melody_over": request.chords, "melody_unit": request.unit, "melody_top_p": max(request.top_p, LEAST_P),
        "melody_program": request.program, "melody_own_tempo": own is not None,
        controls.tempo_key("melody", beat): None if own is None else min(max(round(own / beat), TEMPI[0]), TEMPI[1]),
        "melody_transpose": min(max(request.transpose, -12), 12),
        "take for melody": opened.source("melody_file", request.chords_from)["take for melody"],
    }  # fmt: skip


def tune_of(opened: opening.Opened) -> Tune:
    """The tune that a take holds."""
    return parse(opened.library.read(opened.take, "text.abc"))[0]


def restored(opened: opening.Opened, asked: Request | None, progress: Progress) -> tuple[TuneResult, Request]:
    """What such a take holds; runs in the worker. Of notes by hand it has no text, which is written again."""
    own = opened.request
    assert isinstance(own, Request)
    if asked is not None:  # one tune of several, played as it was
        asked = replace(asked, candidates=own.candidates, attempt=own.attempt, chosen_by=own.chosen_by,
                        tempo=own.tempo, program=own.program, transpose=own.transpose)  # fmt: skip
    held = opened.result(asked)
    assert held.song and isinstance(held.request, Request)
    if held.by_hand:
        written = replace(generate(model, held.request, progress=progress), remarks=held.remarks, weights=held.weights)
        result = replace(written.with_notes(held.song), candidates=())
    else:
        result = result_of(tune_of(opened), held.request, model, remarks=held.remarks)
        result = replace(result, weights=held.weights)
    score.prepare(result.tune)
    assert result.song
    stems.prepare(result.song, progress)
    return result, held.request


def begin_with(file: File) -> None:
    """Put hummed notes into the controls, so that the tune goes on from them. For callbacks."""
    song = read_midi(file.content, name=file.name)
    given = beginning(song, key_name(song.keys[0][1]))
    st.session_state.update(
        melody_start=given.start, melody_key=given.key if given.key in KEYS else None, melody_unit=given.unit,
        melody_meter=given.meter if given.meter in METERS else None,
    )  # fmt: skip


def write(request: Request, progress: Progress) -> TuneResult:
    """The candidates, with the score and the sound of the first ready; runs in the worker."""
    model, _ = frame.cached_model("melody", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(done, 2 * total))
    assert result.song
    score.prepare(result.tune)
    stems.prepare(result.song, lambda done, total: progress(total + done, 2 * total))
    return result


def bring(editor: str) -> None:
    """A file of one's own goes into the editor of this key."""
    key = f"{editor} file"

    def put() -> None:
        if upload := st.session_state[key]:
            with contextlib.suppress(RequestError):  # said below
                st.session_state[editor] = text_of(upload.getvalue(), upload.name)

    upload = st.file_uploader("A tune or a book of mine", type="abc", key=key, on_change=put,
                              max_upload_size=MAX_BYTES >> 20,
                              help="Its text takes the place of the one below.")  # fmt: skip
    if upload:
        try:
            text_of(upload.getvalue(), upload.name)
            if said := encoded(upload.getvalue()):
                st.caption(said)
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")


def edited(slot: str, tune: Tune) -> tuple[Tune, bool]:
    """The ABC in an editor: (the last good tune of its text, whether it was changed). A fault is shown in its place."""
    original = tune.abc
    bring(f"melody abc {slot}")
    text = st.text_area("ABC", original, height=260, key=f"melody abc {slot}",
                        help="Change anything and press Ctrl+Enter: score and sound follow.",
                        persist_state="session")  # fmt: skip
    good = f"melody good {slot}"
    if text != original:
        try:
            parsed, remarks = parse(text, controls.tune_of_book(titles(text), f"melody book {slot}"))
            score.prepare(parsed)
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
                                  key=f"melody candidate {made.number}", persist_state="session",
                                  help="The one most like the tunes learned from comes first.")  # fmt: skip
    return names.index(picked) if picked in names else 0


def felt(tune: Tune) -> float:
    """The beat of a tune, in quarter notes."""
    meter = reading_of(tune).meter
    return beat_of((meter.count, meter.value))


def playing(tune: Tune) -> dict[str, Any]:
    """The controls of how a tune is played; fields of its request."""
    programs = program_names()
    program = controls.pick(Request, "program", choices=list(programs), names=programs.__getitem__,
                            key="melody_program", placeholder="Flute, or as the tune says",
                            help="Who plays the tune.")  # fmt: skip
    own = st.toggle("Choose the tempo", key="melody_own_tempo", help="Otherwise it is the usual one of its type.",
                    **PERSISTED)  # fmt: skip
    usual = usual_tempo(tune)
    tempo = controls.tempo("melody", usual, *TEMPI, felt(tune)) if own else usual
    return {"program": program, "tempo": float(tempo), "transpose": controls.transpose("melody")}


def go_on(wanted: Request) -> None:
    """Put a request's tune so far into the controls, so that it is gone on with. For callbacks."""
    chords = next(name for name, value in CHORDS.items() if value == wanted.chord_symbols)
    st.session_state.update(
        melody_start=wanted.start, melody_key=wanted.key if wanted.key in KEYS else None, melody_bars=None,
        melody_meter=wanted.meter if wanted.meter in METERS else None, melody_type=wanted.kind or None,
        melody_unit=wanted.unit, melody_chords=chords, melody_form=wanted.form, melody_sections=wanted.form,
    )  # fmt: skip


def write_anew(tune: Tune, first: int, last: int, names: tuple[str, ...]) -> None:
    """Begin to write some bars of a tune anew, which are marked as they are played. For callbacks."""
    try:
        bars = written_bars(tune, first, last)
    except RequestError as refused:
        jobs.refuse("melody", str(refused))
        return
    file = File(f"{tune.title}.abc", tune.abc.encode())
    anew.begin("melody", lambda seed: Request(input=file, rewrite=bars, seed=seed), write,
               label=f"Writing {rewriting.spelled(bars)} anew")  # fmt: skip


def result_view(made: jobs.JobResult) -> None:
    """What was made: candidates, score, player, editor, downloads, how it was made."""
    choice = candidate(made) if made.value.candidates else 0
    written: Written | None = made.value.candidates[choice] if made.value.candidates else None
    above, sound, below = st.container(), st.container(key="sound"), st.container(key="text")
    with below:
        left, right = st.columns([1.6, 1], gap="large")
        with left:
            tune, changed = edited(f"{made.number} {choice}", written.tune if written else made.value.tune)
        with right:
            played = playing(tune) if changed or not made.value.by_hand else {}
    if changed:
        file = File(f"{tune.title}.abc", tune.abc.encode())
        tune, _ = parse(file.content)  # as it will be read when it is made again: its title too
        request = Request(input=file, **played)
    elif written:
        request = replace(made.settings, attempt=written.attempt, candidates=1, **played)
    else:
        request = replace(made.settings, **played)
    by_hand = made.value.by_hand and not changed
    result = made.value if by_hand else result_of(tune, request, model)
    with above:
        assert result.song
        score.show("melody", tune, player="melody", song=result.song, transpose=request.transpose)
    with sound:
        for remark in made.value.remarks if not changed else ():
            st.caption(frame.plain(remark))
        title = f"{tune.title}, {tune.meter}, {tune.key}, {controls.paced(result.song)}"
        before = jobs.before("melody")
        mix = player.show("melody", song=result.song, title=title, edit=partial(byhand.keep, "melody", result),
                          rewrite=None if by_hand else partial(write_anew, tune),
                          before=before.value.song if before else None)  # fmt: skip
        takes.actions("melody", result, tune.title.lower(), name=tune.title, mix=mix)
    if written:
        frame.details(f"{sum(written.form)} bars · {-written.likelihood:.2f} bits a character: the fewer, the more "
                      "like the tunes learned from")  # fmt: skip
    asked, own = (None, None) if changed else (made.settings, written)
    text = own.tune if own else read_tunes(tune.abc)[0]
    inside.how_it_was_made("melody", f"{made.number} {choice}", model, asked, own, text, go_on,
                           by_hand=by_hand)  # fmt: skip


try:
    model, _ = frame.cached_model("melody", PATH, load)
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

opening.put_back("melody", controls_from, restored)
left, right = st.columns([2.4, 1], gap="large")
request: Request | None = None
with right, st.container(border=True, key="desk"):
    try:
        request = settings_panel([*model.kinds, *BY_METER])
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
