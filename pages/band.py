"""Band: five players in a style, or between two, over your chords or for your tune; a seed for the band, and one of its
own for each player."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from engine import Progress, RequestError
from engine.band import Request, generate, load
from engine.band.played import key_of
from engine.band.progressions import of_style
from engine.band.request import REPLACED
from engine.core import rewriting
from engine.core.chords import read, retyped, typed
from engine.core.harmony import chords_of
from engine.core.midi import write_midi
from engine.core.reading import SONG_MIB, SONGS, is_song, song_of
from engine.core.request import File, field_of
from engine.core.result import Result
from engine.core.song import Song
from engine.melody import read_any
from engine.melody.abc.notes import titles
from engine.takes.library import Library
from ui import anew, byhand, controls, frame, history, hum, inside, jobs, opening, player, stems, strip, takes
from ui.controls import PERSISTED

BARS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
OWN_SEEDS = 10_000
OPENING, FIRST_SEED = "jazz", 7  # all five play, over chords that move

frame.open_page("Band", "Pick a style: drums, piano, guitar, bass and strings improvise together.")


class Asked(NamedTuple):  # a tuple, because Streamlit makes another class of it at every rerun
    """What is to be played, and the takes that its tune came from."""

    request: Request
    parents: tuple[str, ...] = ()


def say() -> None:
    """Move the controls to what a line of words says, and those back that the line before it moved. For callbacks."""
    state = st.session_state
    for name, (said_then, before) in state.get("band moved by words", {}).items():
        if state.get(name) == said_then:
            state[name] = before
    said = Request.understood(state.get("band_words") or "", {"genre": {state.get("band_genre") or OPENING: 1.0}})
    state["band unknown words"] = said.unknown
    moves = moves_of(dict(said.fields))
    state["band moved by words"] = {name: (value, state[name]) for name, value in moves.items() if name in state}
    state.update(moves)


def moves_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The controls that ask for these fields of a request."""
    moves: dict[str, Any] = {}
    if genres := list(fields.pop("genre", {})):
        moves["band_genre"], moves["band_blend"] = genres[0], genres[1] if len(genres) > 1 else None
    if "tempo" in fields:
        moves["band_own_tempo"], moves["band_tempo"] = True, round(fields.pop("tempo"))
    if "bars" in fields:
        fields["bars"] = min(BARS, key=lambda bars: abs(bars - fields["bars"]))
    for track in fields.pop("without", ()):
        moves[f"band_{track}"] = False
    for name in ("busy", "register"):
        for track, level in fields.pop(name, {}).items():
            moves[f"band_{track}_{name}"] = level
    return moves | {{"adventurousness": "band_adventure"}.get(name, f"band_{name}"): value
                    for name, value in fields.items()}  # fmt: skip


def chords_asked(request: Request, song: Song) -> tuple[str, ...]:
    """The chords of a piece by half bar, as they were typed or came with a song or a tune; none where nobody gave
    any."""
    if (given := request.progression) is None or (request.lead and request.lead.found and not request.chords):
        return ()
    return given.written(key_of(request), len(rewriting.lines_of(song)) - 1)


def change_chord(song: Song, chords: Sequence[str], first: int, count: int, text: str) -> None:
    """Have another chord played over some half bars of what is shown; what is none is refused. For callbacks."""
    names = chords or [name or "N.C." for name in chords_of(song)]
    refused = ""
    try:
        st.session_state["band_chords"] = retyped(names, first, count, text)
    except RequestError as error:
        refused = str(error)
    st.session_state["band refused chord"] = refused, history.controls_of("band")


def take_progression(genre: str) -> None:
    """Write a common progression into the line of chords. For callbacks."""
    if name := st.session_state.get("band_progression"):
        st.session_state["band_chords"] = of_style(genre)[name]


def chord_controls(genre: str) -> str:
    """What the band plays over: a line of chords, or a progression that is common in the style."""
    chords = field_of(Request, "chords")
    text = st.text_input("Chords", key="band_chords", placeholder="Dm7 | G7 | Cmaj7 %", help=chords.option.help,
                         **PERSISTED)  # fmt: skip
    st.selectbox("Common in this style", list(of_style(genre)), index=None, key="band_progression",
                 placeholder="Choose chords", on_change=take_progression, args=(genre,),
                 help="Chords that many songs of the style have, in the key of the piece.")  # fmt: skip
    refused, controls_then = st.session_state.get("band refused chord", ("", {}))
    if refused and controls_then == history.controls_of("band"):  # it stays until something else is asked for
        st.error(frame.plain(refused), icon=":material/error:")
    return text or ""


def tune_controls() -> tuple[dict[str, Any], tuple[str, ...]]:
    """The tune that the band plays for, from a file or a take; fields of the request, and the take it came from."""
    with st.expander("A tune of yours", icon=":material/music_note:", expanded=takes.was_sent("band"),
                     key="band_tune"):  # fmt: skip
        if takes.was_sent("band"):
            controls.let_go("band_file")
        file = controls.upload("A MIDI, MusicXML or ABC file", [*SONGS, "abc"], key="band_file", most=SONG_MIB,
                               help=field_of(Request, "tune").option.help)  # fmt: skip
        tune: dict[str, Any] = {"tune": file, **in_file(file)} if file else {}
        parents: tuple[str, ...] = ()
        take = takes.pick("band")
        if not tune and take is not None and (song := Library().song(take)) is not None:
            file, parents = File(take.name, write_midi(song), "mid"), (take.id,)
            tune = {"tune": file, **in_file(file)}
        hummed = hum.tune("band")
        if not tune and hummed is not None:
            tune = {"tune": hummed}
    return tune, parents


def in_file(file: File) -> dict[str, Any]:
    """Which tune of a file it is, where it holds several; fields of the request."""
    fields: dict[str, Any] = {}
    with suppress(RequestError):  # what cannot be read is refused where it is asked for
        if not is_song(file):
            key = controls.of_file("band_tune_number", file)
            fields["tune_number"] = controls.tune_of_book(titles(file.content), key)
        song = read_any(file, fields.get("tune_number"))
        fields["track"] = controls.track_of(Request, song, controls.of_file("band_track", file))
    return fields


def settings_panel(learned: dict[str, Any], tune: bool, locks: Sequence[str]) -> dict[str, Any]:
    """The controls of the band as a whole, those that count where it plays for a `tune` or beside who is locked; fields
    of its request."""
    given = tune or bool(locks)  # length, key and meter are
    seed = controls.new("band_seed", "Everything else anew" if locks else "Play something new", FIRST_SEED,
                        "All but who is locked." if locks else "The same settings with another seed.")  # fmt: skip
    if locks:
        st.caption(f"Locked: {', '.join(locks)}. Length, tempo, key and chords stay too.")
    genres = learned["genre"]
    st.text_input("Say it in words", key="band_words", on_change=say, **PERSISTED,
                  placeholder="slow sad jazz waltz, no drums, sparse",
                  help="The controls move to what it says: styles, moods, speeds, players, keys, meters.")  # fmt: skip
    if unknown := st.session_state.get("band unknown words"):
        st.caption(frame.plain(f"Not understood: {', '.join(unknown)}."))
    genre = controls.pick(Request, "genre", key="band_genre", choices=genres, names=str.title,
                          default=OPENING if OPENING in genres else None,
                          help="What the players have learned to play, from songs of this style.")  # fmt: skip
    others = [name for name in genres if name != genre]
    blend = st.selectbox("Blended with", others, index=None, format_func=str.title, key="band_blend", **PERSISTED,
                         placeholder="Nothing else", help="A second style that the first is mixed with.")  # fmt: skip
    mix = {genre: 1.0}
    if blend:
        share = st.slider(f"{genre.title()} to {blend.title()}", 0, 100, 50, 5, format="%d%%", key="band_share",
                          **PERSISTED, help="0% is all the first style, 100% all the second.")  # fmt: skip
        mix = {genre: 1 - share / 100, blend: share / 100}
    fields: dict[str, Any] = {} if locks else {"chords": chord_controls(genre)}
    if not given:
        length = field_of(Request, "bars")
        fields["bars"] = st.select_slider(length.label, BARS, 8, format_func=lambda n: f"{n} bars", key="band_bars",
                                          help=length.option.help, **PERSISTED)  # fmt: skip
    adventurousness = controls.slider(Request, "adventurousness", key="band_adventure")
    if not locks:
        fields["density"] = controls.slider(Request, "density", key="band_density")
    with st.expander("Tempo, key" if not locks else "Key", icon=":material/tune:"):
        if not locks:
            usual = round(learned["tempo_by_genre"].get(genre, 120))
            own_tempo = st.toggle("Choose the tempo", key="band_own_tempo", help="Otherwise it is the style's own.",
                                  **PERSISTED)  # fmt: skip
            fields["tempo"] = controls.tempo("band", usual) if own_tempo else None
        if not given:
            fields["key"] = controls.pick(Request, "key", key="band_key", placeholder="As it comes")
            fields["meter"] = controls.pick(Request, "meter", key="band_meter", placeholder="4/4")
        lock_key = controls.toggle(Request, "lock_key", key="band_strict")
    return {"genre": mix, "seed": seed, "adventurousness": adventurousness, "lock_key": lock_key, **fields}


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request = opened.request
    assert isinstance(request, Request)
    genre, blend, *_ = [*request.genre, None, None]
    weights = [*request.genre.values(), 0.0, 0.0]
    return {
        "band_genre": genre, "band_blend": blend,
        "band_share": round(100 * weights[1] / (sum(weights[:2]) or 1)), "band_chords": request.chords,
        "band_bars": opening.nearest(BARS, request.bars), "band_adventure": request.adventurousness,
        "band_density": request.density, "band_own_tempo": request.tempo is not None,
        "band_tempo": None if request.tempo is None else round(request.tempo), "band_key": request.key,
        "band_meter": request.meter, "band_strict": request.lock_key,
        **({controls.of_file("band_tune_number", request.tune): request.tune_number,
            controls.of_file("band_track", request.tune): request.track} if request.tune else {}),
        **opened.source("band_file", request.tune), **strip.controls_from("band", opened),
    }  # fmt: skip


def restored(opened: opening.Opened, asked: Asked | None, progress: Progress) -> tuple[Result, Asked]:
    """What such a take holds; runs in the worker. Locks ask for everyone else anew, which is no difference."""
    result = opened.result(asked.request if asked and not opened.take.recipe.locks else None)
    assert result.song and isinstance(result.request, Request)
    stems.prepare(result.song, progress)
    return result, Asked(result.request, opened.take.parents)


def play(request: Request, progress: Progress) -> Result:
    """The song, with its sound ready; runs in the worker."""
    model, _ = frame.cached_model("band", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(3 * done, 4 * total))
    assert result.song
    stems.prepare(result.song, lambda done, total: progress(3 * total + done, 4 * total))
    return result


def write_anew(result: Result, parents: tuple[str, ...], first: int, last: int, names: tuple[str, ...]) -> None:
    """Begin to have some players play some bars of a result anew. For callbacks."""
    base = result.request
    assert isinstance(base, Request) and result.song
    song, chords = File(name_of(base), write_midi(result.song), "mid"), typed(chords_asked(base, result.song))

    def ask(seed: int) -> Asked:
        return Asked(Request(genre=base.genre, adventurousness=base.adventurousness, lock_key=base.lock_key,
                             busy=base.busy, register=base.register, input=song, rewrite=(first, last), players=names,
                             chords=chords, seed=seed), parents)  # fmt: skip

    anew.begin("band", ask, lambda asked, progress: play(asked.request, progress),
               label=f"Writing {rewriting.spelled((first, last))} anew")  # fmt: skip


def name_of(request: Request) -> str:
    """What a song that was asked for so is called where it is written on."""
    return request.input.title if request.input else request.title


def shown() -> tuple[Song, str] | None:
    """The song that is shown, and what it is called."""
    made = jobs.result("band")
    return (made.value.song, name_of(made.value.request)) if made else None


def another_part(track: str) -> None:
    """Have one player play another part, with everyone else as they are. For callbacks."""
    made = jobs.result("band")
    if made is None:
        return
    if made.before is None and not made.value.request.rewrite and not made.value.by_hand:
        st.session_state[f"band_{track}_seed"] = secrets.randbelow(OWN_SEEDS)
    else:  # what was written anew stays too
        last = len(rewriting.lines_of(made.value.song)) - 1
        write_anew(made.value, made.settings.parents, 1, last, (track,))


def take_phrase(genre: str, seed: int) -> None:
    """Play what a style and a seed make. For callbacks."""
    st.session_state.update(band_genre=genre, band_blend=None, band_seed=seed)


def chords_held(bars: int) -> str:
    """The chords of the line that a lock hides, where a song of so many bars can be played over them."""
    text = st.session_state.get("band_chords") or ""
    try:
        given = read(text)
    except RequestError:
        return ""
    return text if len(given.bars) <= bars and not any(chord.roman for chord in given.chords) else ""


def asked_for(chosen: dict[str, Any], fields: dict[str, Any], tune: dict[str, Any], parents: tuple[str, ...]) -> Asked:
    """What the controls ask for: `chosen` of the band, `fields` of its players; where some are locked, that the others
    play anew. Refused where nobody can."""
    if not strip.locked("band"):
        return Asked(Request(**chosen, **fields, **tune), parents)
    song, names = strip.kept("band", fields)
    levels: dict[str, Any] = {field: {track: level for track, level in fields[field].items() if track in names}
              for field in ("busy", "register")}  # fmt: skip
    last = len(rewriting.lines_of(song_of(song))) - 1
    return Asked(Request(**chosen, **levels, input=song, rewrite=(1, last), players=names, chords=chords_held(last)),
                 parents)  # fmt: skip


def result_view(result: Result, parents: tuple[str, ...]) -> None:
    """The player, what has to be said, downloads, takes."""
    request, song = result.request, result.song
    assert isinstance(request, Request) and song
    before, chords = jobs.before("band"), chords_asked(request, song)
    title = f"{request.title}, {controls.paced(song)}"
    mix = player.show("band", song=song, title=title, labels={"lead": "Your tune"},
                      change_chord=partial(change_chord, song, chords) if not request.rewrite else None, chords=chords,
                      rewrite=partial(write_anew, result, parents), edit=partial(byhand.keep, "band", result),
                      marks=result.report.get("parts", ()), before=before.value.song if before else None,
                      )  # fmt: skip
    if not song.notes:  # which the player has said
        return
    silent = [track.name for track in song.tracks if not track.notes and st.session_state.get(f"band_{track.name}")]
    if silent:
        st.caption(f"Resting all through: {', '.join(silent)}. The die of a player brings one in.")
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    about = [f"for {request.tune.title}"] if request.tune else [f"over {request.chords}"] if request.chords else []
    takes.actions("band", result, f"{request.style}-{request.seed}", name=", ".join([title, *about]), parents=parents,
                  mix=mix, locks=strip.locked("band"), brought=bool(request.files))  # fmt: skip
    inside.how_it_was_made("band", request, song, result.weights, take_phrase, by_hand=result.by_hand)


try:
    learned = Request.learned()
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

opening.put_back("band", controls_from, restored)
locks = strip.locked("band")
view, panel = st.columns([2.4, 1], gap="large")
with panel, st.container(border=True, key="desk"):
    tune, parents = tune_controls()
    chosen = settings_panel(learned, bool(tune), locks)
with view:
    above, strips = st.container(), st.container(key="players")
    with strips:
        fields = strip.show("band", Request, another_part, shown)
    with above:
        if st.query_params.get("band_network", "").startswith("The GAN"):  # a link from when it could be chosen
            st.caption(frame.plain(REPLACED))
        try:
            asked = asked_for(chosen, fields, tune, parents)
            what = "everyone else anew" if locks else f"{asked.request.length} bars of {asked.request.style}"
            jobs.run_when_changed("band", lambda progress: play(asked.request, progress), settings=asked,
                                  label=f"Playing {what}")  # fmt: skip
        except RequestError as refused:
            jobs.dismiss("band")
            st.error(frame.plain(str(refused)), icon=":material/error:")
        made = jobs.show("band")
    if made:
        result_view(made.value, made.settings.parents)
