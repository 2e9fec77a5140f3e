"""Jam: the band plays on until it is stopped, every control acts at the next bar, and it follows chords one holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.instruments import program_names
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.request import FORMAT, File, field_of
from engine.core.result import Result
from engine.jam import Request, generate, load, own_part
from engine.takes.library import Library, Take
from ui import controls, downloads, frame, jam, jobs, opening, player, stems, takes
from ui.controls import PERSISTED
from ui.jam import view

OPENING, FIRST_SEED = "rock", 3
SAME = "As usual"
BEGINS = "Play begins another jam, with the settings that this one began with."
LEVELS = (SAME, *(n / 10 for n in range(11)))


@dataclass(frozen=True)
class Kept:
    """What was made of a jam, and the take that it is."""

    result: Result
    take: Take


says = "Press play, and the band goes on until you stop it. Controls act at the next bar, the tempo at once."
frame.open_page("Jam", says)


def settings_panel(learned: dict[str, Any]) -> dict[str, Any]:
    """The controls of the band as a whole; fields of the request."""
    genre = controls.pick(Request, "genre", key="jam_genre", choices=learned["genre"], names=str.title, default=OPENING,
                          help="What the players have learned to play, from songs of this style.")  # fmt: skip
    others = [name for name in learned["genre"] if name != genre]
    blend = st.selectbox("Blended with", others, index=None, format_func=str.title, key="jam_blend", **PERSISTED,
                         placeholder="Nothing else", help="A second style, as much as the first.")  # fmt: skip
    chords = st.text_input("Chords", key="jam_chords", placeholder="Dm7 | G7 | Cmaj7 %", **PERSISTED,
                           help=field_of(Request, "chords").option.help)  # fmt: skip
    adventurousness = controls.slider(Request, "adventurousness", key="jam_adventure")
    density = controls.slider(Request, "density", key="jam_density")
    loudness = controls.slider(Request, "loudness", key="jam_loudness")
    own_tempo = st.toggle("Choose the tempo", key="jam_own_tempo", help="Otherwise it is the style's own.", **PERSISTED)
    tempo = controls.tempo("jam", round(learned["tempo_by_genre"].get(genre, 120))) if own_tempo else None
    key = controls.pick(Request, "key", key="jam_key", placeholder="As it comes")
    seed = controls.new("jam_seed", "Other notes", FIRST_SEED, "Another seed, when it begins again.")
    return {"genre": {genre: 1.0} | ({blend: 1.0} if blend else {}), "chords": chords or "", "seed": seed, "key": key,
            "adventurousness": adventurousness, "density": density, "loudness": loudness, "tempo": tempo}  # fmt: skip


def players() -> dict[str, Any]:
    """Who plays, and how busy each is."""
    busy, without = {}, []
    row = st.container(horizontal=True, gap="small", key="strips-jam")
    for track in TRACKS:
        with row, st.container(border=True, key=f"strip-jam-{track}"):
            if not st.toggle(f"**{track.capitalize()}**", True, key=f"jam_{track}", help="Plays, or rests.",
                             **PERSISTED):  # fmt: skip
                without.append(track)
            level = st.select_slider(field_of(Request, "busy").label, LEVELS, SAME, key=f"jam_{track}_busy",
                                     format_func=lambda level: level if level == SAME else f"{level:.0%}",
                                     help=field_of(Request, "busy").option.help, **PERSISTED)  # fmt: skip
            if isinstance(level, float):
                busy[track] = level
    if len(without) == len(TRACKS):
        st.caption(player.SILENT)
    return {"busy": busy, "without": tuple(without)}


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request = opened.request
    assert isinstance(request, Request)
    genre, blend, *_ = [*request.genre, None, None]
    busy = {track: opening.nearest(LEVELS[1:], level) for track, level in request.busy.items()}
    return {
        "jam_genre": genre, "jam_blend": blend, "jam_chords": request.chords, "jam_adventure": request.adventurousness,
        "jam_density": request.density, "jam_loudness": request.loudness, "jam_own_tempo": request.tempo is not None,
        "jam_tempo": None if request.tempo is None else round(request.tempo), "jam_key": request.key,
        **{f"jam_{track}": track not in request.without for track in TRACKS},
        **{f"jam_{track}_busy": level for track, level in busy.items()},
    }  # fmt: skip


def restored(opened: opening.Opened, asked: None, progress: Progress) -> tuple[Kept, Request]:
    """What such a take holds; runs in the worker. A jam itself begins anew."""
    result = opened.result(None)
    assert result.song and isinstance(result.request, Request)
    stems.prepare(result.song, progress)
    return Kept(replace(result, remarks=(*result.remarks, BEGINS)), opened.take), result.request


def kept(asked: Mapping[str, Any]) -> Request:
    """The request that makes what was played again. Refused where the browser says something else."""
    lines = "\n".join(json.dumps(change) for change in asked["changes"])
    own = File("own.mid", write_midi(own_part(asked["own"]))) if asked["own"] else None
    started = Request.from_json({**asked["started"], "format": FORMAT})
    return replace(started, bars=int(asked["bars"]), keep=int(asked["keep"]), own=own,
                   changes=File("changes.jsonl", lines.encode()) if lines else None)  # fmt: skip


def keep(request: Request, progress: Progress) -> Kept:
    """The bars as a take, with their sound ready; runs in the worker."""
    model, _ = frame.cached_model("band", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(done, 2 * total))
    assert result.song
    stems.prepare(result.song, lambda done, total: progress(total + done, 2 * total))
    return Kept(result, Library().keep(result, name=_named(request)))


def _named(request: Request) -> str:
    """What a take of a jam's last bars is called."""
    last = request.bars or 1
    return f"{request.title}, bars {last + 1 - (request.keep or last)} to {last}"


def kept_view(made: Kept) -> None:
    """What was kept: to hear, to take away, to send on."""
    request, song = made.result.request, made.result.song
    assert isinstance(request, Request) and song
    st.header("Kept", anchor=False)
    mix = player.show("jam-kept", of="jam", song=song, title=f"{made.take.name}, {controls.paced(song)}")
    for remark in made.result.remarks:
        st.caption(frame.plain(remark))
    with st.container(horizontal=True, gap="small"):
        if page := takes.send_menu("jam", True, "jam", says="It is a take already; open it on the {} page."):
            takes.send(made.take, page)
        with st.popover("Download", icon=":material/download:", key="download jam"):
            downloads.show("jam", f"jam-{request.seed}", made.result, mix=mix)


def absent() -> str:
    """What is missing for a jam to sound, and what to run for it."""
    if not jam.served():
        return "The band can play on only where the studio was started with `make run`, or `streamlit run serve.py`."
    return "" if jam.built() else "The synthesiser of this page is not there yet: run `make jam`, and open it again."


opening.put_back("jam", controls_from, restored)
try:
    learned = Request.learned()
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

stage, panel = st.columns([2.4, 1], gap="large")
asked = None
with panel, st.container(border=True, key="desk"):
    instruments = program_names()
    program = st.selectbox("Your instrument", list(instruments), index=0, format_func=instruments.__getitem__,
                           key="jam_program", help="What your right hand sounds like.", **PERSISTED)  # fmt: skip
    chosen = settings_panel(learned)
with stage:
    view_at = st.container()
    st.header("The players", anchor=False)
    chosen |= players()
with view_at:
    if missing := absent():
        st.info(missing, icon=":material/info:")
    else:
        try:
            st.session_state["jam asked"] = Request(**chosen)
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")
        if request := st.session_state.get("jam asked"):
            asked = view.show(request, int(program))
    if asked and asked != st.session_state.get("jam kept"):
        st.session_state["jam kept"] = asked
        try:
            wanted = kept(asked)
            jobs.start("jam", lambda progress: keep(wanted, progress), settings=wanted, label="Keeping the last bars")
        except (RequestError, KeyError, TypeError, ValueError) as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")
    made = jobs.show("jam")
    if made:
        kept_view(made.value)
