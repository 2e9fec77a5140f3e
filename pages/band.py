"""Band: five players in a style, or between two, over your chords or for your tune; a seed for the band, and one of its
own for each player."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from engine import Progress, RequestError
from engine.band import Request, generate, load
from engine.band.progressions import of_style
from engine.core.chords import read, typed
from engine.core.harmony import chords_of
from engine.core.instruments import DRUM_KITS, program_names
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.reading import SONGS, is_song
from engine.core.request import File, field_of
from engine.core.result import Result
from engine.core.song import Song
from engine.melody.abc.notes import titles
from engine.takes.library import Library
from ui import controls, downloads, frame, jobs, player, takes
from ui.controls import PERSISTED

BARS = (4, 8, 12, 16, 24, 32, 48, 64)
INSTRUMENTS = program_names()
OWN_SEEDS = 10_000
OPENING, FIRST_SEED = "jazz", 73  # all five play, over chords that move and come home

SAME = "as usual"  # of a player's level that nobody chose
LEVELS = (SAME, *(n / 10 for n in range(11)))
NETWORKS = {"player": "The player, note by note", "gan": "The GAN, four bars at a draw"}

frame.open_page("Band", "Pick a style and a seed: drums, piano, guitar, bass and strings improvise together.")


class Asked(NamedTuple):  # a tuple, because Streamlit makes another class of it at every rerun
    """What is to be played, and the takes that its tune came from."""

    request: Request
    parents: tuple[str, ...] = ()


def say() -> None:
    """Move the controls to what a line of words says. For callbacks."""
    state = st.session_state
    text = state.get("band_words") or ""
    said = Request.understood(text, {"genre": {state.get("band_genre") or OPENING: 1.0}})
    state["band unknown words"] = said.unknown
    fields = dict(said.fields)
    if genres := list(fields.pop("genre", {})):
        state["band_genre"], state["band_blend"] = genres[0], genres[1] if len(genres) > 1 else None
    if "tempo" in fields:
        state["band_own_tempo"], state["band_tempo"] = True, round(fields.pop("tempo"))
    if "bars" in fields:
        fields["bars"] = min(BARS, key=lambda bars: abs(bars - fields["bars"]))
    for track in fields.pop("without", ()):
        state[f"band_{track}"] = False
    for name in ("busy", "register"):
        for track, level in fields.pop(name, {}).items():
            state[f"band_{track}_{name}"] = level
    for name, value in fields.items():
        state[{"adventurousness": "band_adventure"}.get(name, f"band_{name}")] = value


def change_chord(song: Song, first: int, count: int, text: str) -> None:
    """Have another chord played over some half bars of what is heard; what is none is refused. For callbacks."""
    try:
        read(text)
    except RequestError as refused:
        st.session_state["band refused chord"] = str(refused)
        return
    names = [name or "N.C." for name in chords_of(song)]
    names[first : first + count] = [text] * count
    st.session_state["band_chords"] = typed(names)


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
    if refused := st.session_state.pop("band refused chord", ""):
        st.error(frame.plain(refused), icon=":material/error:")
    return text or ""


def tune_controls() -> tuple[dict[str, Any], tuple[str, ...]]:
    """The tune that the band plays for, from a file or a take; fields of the request, and the take it came from."""
    with st.expander("A tune of yours", icon=":material/music_note:", expanded=takes.was_sent("band")):
        upload = st.file_uploader("A MIDI, MusicXML or ABC file", [*SONGS, "abc"], key="band_file",
                                  help=field_of(Request, "tune").option.help)  # fmt: skip
        take = takes.pick("band")
        if upload is not None:
            file = File(upload.name, upload.getvalue())
            number = None if is_song(file) else controls.tune_of_book(titles(file.content), "band_tune_number")
            return {"tune": file, "tune_number": number}, ()
        if take is not None and (song := Library().song(take)) is not None:
            return {"tune": File(take.name, write_midi(song), "mid")}, (take.id,)
    return {}, ()


def own_seed(track: str) -> None:
    """Give one player a new seed. For callbacks."""
    st.session_state[f"band_{track}_seed"] = secrets.randbelow(OWN_SEEDS)


def settings_panel(learned: dict[str, Any], tune: bool) -> dict[str, Any]:
    """The controls of the band as a whole, those that count where it plays for a `tune`; fields of its request."""
    drawn = "player" if tune else st.session_state.get("band_network")
    controls.reroll_button("band_seed", "Play something new")
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
    seed = controls.seed("band_seed", FIRST_SEED)
    fields: dict[str, Any] = {"chords": chord_controls(genre)} if drawn != "gan" else {}
    if not tune:
        length = field_of(Request, "bars")
        fields["bars"] = st.select_slider(length.label, BARS, 8, format_func=lambda n: f"{n} bars", key="band_bars",
                                          help=length.option.help, **PERSISTED)  # fmt: skip
    adventurousness = controls.slider(Request, "adventurousness", key="band_adventure")
    density = controls.slider(Request, "density", key="band_density")
    with st.expander("Tempo, key, network", icon=":material/tune:"):
        usual = round(learned["tempo_by_genre"].get(genre, 120))
        own_tempo = st.toggle("Choose the tempo", key="band_own_tempo", help="Otherwise it is the style's own.",
                              **PERSISTED)  # fmt: skip
        tempo = controls.tempo("band", usual) if own_tempo else None
        if not tune:
            fields["key"] = controls.pick(Request, "key", key="band_key", placeholder="As it comes")
            if drawn != "gan":
                fields["meter"] = controls.pick(Request, "meter", key="band_meter", placeholder="4/4")
        lock_key = controls.toggle(Request, "lock_key", key="band_strict")
        network = "player"
        if not tune:
            network = controls.pick(Request, "network", key="band_network", names=NETWORKS.__getitem__)
    return {"network": network, "genre": mix, "seed": seed, "adventurousness": adventurousness, "density": density,
            "tempo": tempo, "lock_key": lock_key, **fields}  # fmt: skip


def level_controls(track: str) -> tuple[float | None, int]:
    """How busy a player is, None as usual, and how many octaves higher it plays."""
    chosen = st.select_slider(field_of(Request, "busy").label, LEVELS, SAME, key=f"band_{track}_busy", **PERSISTED,
                            format_func=lambda level: level if level == SAME else f"{level:.0%}",
                            help=field_of(Request, "busy").option.help)  # fmt: skip
    busy = chosen if isinstance(chosen, float) else None
    if track == "drums":
        return busy, 0
    octaves = st.select_slider(field_of(Request, "register").label, range(-2, 3), 0, key=f"band_{track}_register",
                               format_func=lambda n: f"{n:+d}" if n else SAME, **PERSISTED,
                               help=field_of(Request, "register").option.help)  # fmt: skip
    return busy, octaves


def players(steered: bool) -> dict[str, Any]:
    """The controls of each player, those of its level where they are followed; the rest of the request's fields."""
    seeds, programs, without = {}, {}, []
    busy, register = {}, {}
    for column, track in zip(st.columns(len(TRACKS), gap="small"), TRACKS):
        with column, st.container(border=True, key=f"player-of-{track}"):
            if not st.toggle(f"**{track.capitalize()}**", True, key=f"band_{track}", help="Plays, or rests.",
                             **PERSISTED):  # fmt: skip
                without.append(track)
            choice = DRUM_KITS if track == "drums" else INSTRUMENTS
            program = st.selectbox(field_of(Request, "programs").label, list(choice), index=None,
                                   format_func=choice.__getitem__, key=f"band_{track}_program",
                                   placeholder="The style's own", **PERSISTED,
                                   help="The same notes on another instrument.")  # fmt: skip
            if program is not None:
                programs[track] = program
            own = st.number_input(field_of(Request, "track_seeds").label, 0, controls.MAX_SEED, None,
                                  key=f"band_{track}_seed", placeholder="the band's", **PERSISTED,
                                  help="Number of this player's part alone; empty: the band's seed.")  # fmt: skip
            st.button("Another part", key=f"band_{track}_roll", icon=":material/casino:", width="stretch",
                      on_click=own_seed, args=(track,), help="Everyone else plays on as before.")  # fmt: skip
            if own is not None:
                seeds[track] = int(own)
            level, octaves = level_controls(track) if steered else (None, 0)
            if level is not None:
                busy[track] = level
            if octaves:
                register[track] = octaves
    return {"track_seeds": seeds, "programs": programs, "without": tuple(without), "busy": busy, "register": register}


def play(request: Request, progress: Progress) -> Result:
    """The song, with its sound ready; runs in the worker."""
    model, _ = frame.cached_model("band", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(done, 4 * total))
    assert result.song
    player.prepare(result.song, lambda done, total: progress(total + 3 * done, 4 * total))
    return result


def result_view(result: Result, parents: tuple[str, ...]) -> None:
    """The player, what has to be said, downloads, takes."""
    request, song = result.request, result.song
    assert isinstance(request, Request) and song
    title = f"{request.title}, {controls.paced(song)}"
    follows = request.network == "player"
    mix = player.show("band", song=song, title=title, labels={"lead": "Your tune"},
                      change_chord=partial(change_chord, song) if follows else None)  # fmt: skip
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    downloads.show("band", f"{request.style}-{request.seed}", result, mix=mix)
    takes.save_or_send("band", result, name=title, parents=parents)


try:
    learned = Request.learned()
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

view, panel = st.columns([2.4, 1], gap="large")
with panel, st.container(border=True, key="desk"):
    tune, parents = tune_controls()
    chosen = settings_panel(learned, bool(tune))
st.subheader("The players", anchor=False)
chosen |= players(chosen["network"] == "player")
with view:
    try:
        asked = Asked(Request(**chosen, **tune), parents)
        jobs.run_when_changed("band", lambda progress: play(asked.request, progress), settings=asked,
                              label=f"Playing {asked.request.length} bars of {asked.request.style}")  # fmt: skip
    except RequestError as refused:
        jobs.dismiss("band")
        st.error(frame.plain(str(refused)), icon=":material/error:")
    made = jobs.show("band")
    if made:
        result_view(made.value, made.settings.parents)
