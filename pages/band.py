"""Band: five players in a style, or between two; a seed for the band, and one of its own for each player."""

from __future__ import annotations

import secrets
from typing import Any

import pretty_midi
import streamlit as st

from engine import Progress, RequestError
from engine.band import generate as band
from engine.core.result import Result
from engine.core.song import TRACKS, Song
from engine.takes.library import Recipe
from ui import controls, downloads, frame, jobs, player, takes
from ui.controls import PERSISTED

BARS = (4, 8, 12, 16, 24, 32, 48, 64)
KITS = {0: "Standard kit", 8: "Room kit", 16: "Power kit", 24: "Electronic kit", 25: "TR-808", 32: "Jazz kit",
        40: "Brushes", 48: "Orchestra kit"}  # fmt: skip
INSTRUMENTS = dict(enumerate(pretty_midi.constants.INSTRUMENT_MAP[:112]))  # what lies beyond is not played in notes
OWN_SEEDS = 10_000
OPENING, FIRST_SEED = "jazz", 1  # all five play

frame.open_page("Band", "Pick a style and a seed: drums, piano, guitar, bass and strings improvise together.")


def own_seed(track: str) -> None:
    """Give one player a new seed. For callbacks."""
    st.session_state[f"band_{track}_seed"] = secrets.randbelow(OWN_SEEDS)


def settings_panel(options: dict[str, Any]) -> dict[str, Any]:
    """The controls of the band as a whole; returns arguments of `band.generate`."""
    controls.reroll_button("band_seed", "Play something new")
    genres = options["genres"]
    nice = str.title
    first = genres.index(OPENING) if OPENING in genres else 0
    genre = st.selectbox("Style", genres, first, format_func=nice, key="band_genre", **PERSISTED,
                         help="What the players have learned to play, from songs of this style.")  # fmt: skip
    others = [name for name in genres if name != genre]
    blend = st.selectbox("Blended with", others, index=None, format_func=nice, key="band_blend", **PERSISTED,
                         placeholder="Nothing else", help="A second style that the first is mixed with.")  # fmt: skip
    mix: str | dict[str, float] = genre
    if blend:
        share = st.slider(f"{nice(genre)} to {nice(blend)}", 0, 100, 50, 5, format="%d%%", key="band_share",
                          **PERSISTED, help="0% is all the first style, 100% all the second.")  # fmt: skip
        mix = {genre: 1 - share / 100, blend: share / 100}
    seed = controls.seed("band_seed", FIRST_SEED)
    bars = st.select_slider("Length", BARS, 8, format_func=lambda n: f"{n} bars", key="band_bars", **PERSISTED,
                            help="A longer piece begins as the shorter one and has sections that return.")  # fmt: skip
    adventure = st.slider("How adventurous", 0.0, 2.0, 1.0, 0.05, key="band_adventure", **PERSISTED,
                          help="0 is the style at its most ordinary, 1 as varied as real music, 2 wild.")  # fmt: skip
    density = st.slider("How busy", 0.0, 1.0, 0.5, 0.05, key="band_density", **PERSISTED,
                        help="How many notes are played; 0.5 is as many as in real music.")  # fmt: skip
    with st.expander("Tempo and key", icon=":material/tune:"):
        usual = round(options["tempo_by_genre"].get(genre, 120))
        own_tempo = st.toggle(
            "Choose the tempo", key="band_own_tempo", help="Otherwise it is the style's own.", **PERSISTED
        )
        tempo = controls.tempo("band", usual) if own_tempo else None
        key = st.selectbox("Key", options["keys"], index=None, key="band_key", placeholder="As it comes", **PERSISTED,
                           help="A major key, or its relative minor: C is also A minor.")  # fmt: skip
        lock = st.toggle(
            "Only notes of the key", key="band_strict", help="Move stray notes into its scale.", **PERSISTED
        )
    return {"genre": mix, "seed": seed, "bars": bars, "adventurousness": adventure, "density": density, "tempo": tempo,
            "key": key, "lock_key": lock}  # fmt: skip


def players() -> dict[str, Any]:
    """The controls of each player; returns the rest of the arguments of `band.generate`."""
    seeds, programs, playing = {}, {}, []
    for column, track in zip(st.columns(len(TRACKS), gap="small"), TRACKS):
        with column, st.container(border=True, key=f"player-of-{track}"):
            if st.toggle(f"**{track.capitalize()}**", True, key=f"band_{track}", help="Plays, or rests.", **PERSISTED):
                playing.append(track)
            choice = KITS if track == "drums" else INSTRUMENTS
            program = st.selectbox("Instrument", list(choice), index=None, format_func=choice.__getitem__,
                                   key=f"band_{track}_program", placeholder="The style's own", **PERSISTED,
                                   help="The same notes on another instrument.")  # fmt: skip
            if program is not None:
                programs[track] = program
            own = st.number_input("Own seed", 0, controls.MAX_SEED, None, key=f"band_{track}_seed", **PERSISTED,
                                  placeholder="the band's",
                                  help="Number of this player's part alone; empty: the band's seed.")  # fmt: skip
            st.button("Another part", key=f"band_{track}_roll", icon=":material/casino:", width="stretch",
                      on_click=own_seed, args=(track,), help="Everyone else plays on as before.")  # fmt: skip
            if own is not None:
                seeds[track] = int(own)
    return {"track_seeds": seeds, "programs": programs, "tracks": playing}


def play(settings: dict[str, Any], progress: Progress) -> tuple[Song, str]:
    """The song and the weights' sha256; runs in the worker."""
    model, _ = frame.cached_model("band", band.PATH, band.load)
    song = band.generate(model, **settings, progress=lambda done, total: progress(done, 4 * total))
    player.prepare(song, lambda done, total: progress(total + 3 * done, 4 * total))
    return song, model.sha256


def recipe(settings: dict[str, Any], sha256: str) -> Recipe:
    """The same settings as options of `python -m engine band`."""
    mix = settings["genre"]
    options = {
        "genre": mix if isinstance(mix, str) else [f"{name}:{weight:g}" for name, weight in mix.items()],
        "bars": settings["bars"],
        "adventurousness": settings["adventurousness"],
        "density": settings["density"],
        "tempo": settings["tempo"],
        "key": settings["key"],
        "lock-key": settings["lock_key"],
        "reroll": [f"{track}={seed}" for track, seed in settings["track_seeds"].items()] or None,
        "program": [f"{track}={number}" for track, number in settings["programs"].items()] or None,
        "without": [track for track in TRACKS if track not in settings["tracks"]] or None,
    }
    return Recipe("band", options, settings["seed"], sha256)


try:
    choices = band.options()
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

stage, panel = st.columns([2.4, 1], gap="large")
with panel, st.container(border=True, key="desk"):
    settings = settings_panel(choices)
st.subheader("The players", anchor=False)
settings |= players()
with stage:
    style = settings["genre"] if isinstance(settings["genre"], str) else " & ".join(settings["genre"])
    says = f"Playing {settings['bars']} bars of {style}"
    jobs.run_when_changed("band", lambda progress: play(dict(settings), progress), settings=settings, label=says)
    made = jobs.show("band")
    if made:
        song, sha256 = made.value
        how = made.settings
        style = how["genre"] if isinstance(how["genre"], str) else " & ".join(how["genre"])
        title = f"{style.title()}, seed {how['seed']}, {song.tempo:g} bpm"
        mix = player.show("band", song=song, title=title)
        for remark in song.remarks:
            st.caption(frame.plain(remark))
        name = f"{style}-{how['seed']}"
        downloads.show("band", name, song=song, mix=mix)
        takes.save_or_send("band", Result(song=song, settings=how), recipe(how, sha256), name=title)
