"""Band: five players in a style, or between two; a seed for the band, and one of its own for each player."""

from __future__ import annotations

import secrets
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.band import Request, generate, load
from engine.core.instruments import DRUM_KITS, program_names
from engine.core.pianoroll import TRACKS
from engine.core.request import field_of
from engine.core.result import Result
from ui import controls, downloads, frame, jobs, player, takes
from ui.controls import PERSISTED

BARS = (4, 8, 12, 16, 24, 32, 48, 64)
INSTRUMENTS = program_names()
OWN_SEEDS = 10_000
OPENING, FIRST_SEED = "jazz", 8  # all five play

NETWORKS = {"player": "The player, note by note", "gan": "The GAN, four bars at a draw"}

frame.open_page("Band", "Pick a style and a seed: drums, piano, guitar, bass and strings improvise together.")


def own_seed(track: str) -> None:
    """Give one player a new seed. For callbacks."""
    st.session_state[f"band_{track}_seed"] = secrets.randbelow(OWN_SEEDS)


def settings_panel(learned: dict[str, Any]) -> dict[str, Any]:
    """The controls of the band as a whole; returns fields of its request."""
    controls.reroll_button("band_seed", "Play something new")
    genres = learned["genre"]
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
    length = field_of(Request, "bars")
    bars = st.select_slider(length.label, BARS, 8, format_func=lambda n: f"{n} bars", key="band_bars", **PERSISTED,
                            help=length.option.help)  # fmt: skip
    adventurousness = controls.slider(Request, "adventurousness", key="band_adventure")
    density = controls.slider(Request, "density", key="band_density")
    with st.expander("Tempo, key, network", icon=":material/tune:"):
        usual = round(learned["tempo_by_genre"].get(genre, 120))
        own_tempo = st.toggle("Choose the tempo", key="band_own_tempo", help="Otherwise it is the style's own.",
                              **PERSISTED)  # fmt: skip
        tempo = controls.tempo("band", usual) if own_tempo else None
        key = controls.pick(Request, "key", key="band_key", placeholder="As it comes")
        lock_key = controls.toggle(Request, "lock_key", key="band_strict")
        network = controls.pick(Request, "network", key="band_network", names=NETWORKS.__getitem__)
    return {"network": network, "genre": mix, "seed": seed, "bars": bars, "adventurousness": adventurousness,
            "density": density, "tempo": tempo, "key": key, "lock_key": lock_key}  # fmt: skip


def players() -> dict[str, Any]:
    """The controls of each player; returns the rest of the request's fields."""
    seeds, programs, without = {}, {}, []
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
    return {"track_seeds": seeds, "programs": programs, "without": tuple(without)}


def play(request: Request, progress: Progress) -> Result:
    """The song, with its sound ready; runs in the worker."""
    model, _ = frame.cached_model("band", request.checkpoint(), load)
    result = generate(model, request, progress=lambda done, total: progress(done, 4 * total))
    assert result.song
    player.prepare(result.song, lambda done, total: progress(total + 3 * done, 4 * total))
    return result


def result_view(result: Result) -> None:
    """The player, what has to be said, downloads, takes."""
    request, song = result.request, result.song
    assert isinstance(request, Request) and song
    title = f"{request.title}, {controls.paced(song)}"
    mix = player.show("band", song=song, title=title)
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    downloads.show("band", f"{request.style}-{request.seed}", result, mix=mix)
    takes.save_or_send("band", result, name=title)


try:
    learned = Request.learned()
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

view, panel = st.columns([2.4, 1], gap="large")
with panel, st.container(border=True, key="desk"):
    chosen = settings_panel(learned)
st.subheader("The players", anchor=False)
request = Request(**chosen, **players())
with view:
    jobs.run_when_changed("band", lambda progress: play(request, progress), settings=request,
                          label=f"Playing {request.bars} bars of {request.style}")  # fmt: skip
    made = jobs.show("band")
    if made:
        result_view(made.value)
