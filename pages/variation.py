"""Variation: a song of one's own, its cousins, what might come next, and the walk to another song."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.checkpoint import read_config
from engine.core.midi import read_midi, write_midi
from engine.core.old import Result
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.takes.library import Library, Recipe
from engine.variation import generate as variation
from engine.variation.bars import read
from engine.variation.command import joined
from engine.variation.continuation import MAX_BARS, extend
from ui import controls, frame, jobs, player, takes
from ui import downloads_old as downloads
from ui.controls import PERSISTED

EXAMPLES = frame.ROOT / "assets" / "examples"
OWN, TAKE = "A MIDI file of mine", "A take"
MODES = {"vary": "Vary", "grid": "Grid", "continue": "Continue", "walk": "Walk"}
GRID = (0.5, 1.0, 1.5)  # noise of a grid's rows
GRID_BARS = 4
FROM = ("source", "other", "name", "parents")  # what a result was made from, among its settings
OTHER = "input.other"  # the second song's file in a take

frame.open_page("Variation", "Bring a MIDI file, move one slider, hear its cousins, and what might come next.")


def examples() -> dict[str, Path]:
    """The songs that come with the studio, by title."""
    return {path.stem.replace("-", " ").capitalize(): path for path in sorted(EXAMPLES.glob("*.mid"))}


def sizes() -> list[int]:
    """The latent sizes whose weights are there."""
    return [k for k in variation.LATENTS if (variation.PATH / f"k{k}" / "config.json").exists()]


def source(key: str, label: str, first: int = 0) -> tuple[Song, bytes, str, tuple[str, ...]] | None:
    """A song that a person picks: the song, its file, its name, the take it came from. None until there is one."""
    shipped = examples()
    choices = [*shipped, OWN, TAKE]
    sent = key == "variation" and takes.was_sent("variation")
    if sent:
        st.session_state[f"{key}_source"] = TAKE
    chosen = st.selectbox(label, choices, first, key=f"{key}_source", persist_state="session",
                          help="The examples were made by this studio.")  # fmt: skip
    try:
        if chosen == OWN:
            file = st.file_uploader("MIDI file", type=["mid", "midi"], key=f"{key}_file", help="At most 2 MiB.")
            if file is None:
                return None
            return read_midi(file.getvalue(), name=file.name), file.getvalue(), file.name, ()
        if chosen == TAKE:
            take = takes.pick(key)
            song = Library().song(take) if take else None
            return (song, write_midi(song), take.name, (take.id,)) if take and song else None
        content = shipped[chosen].read_bytes()
        return read_midi(content), content, chosen, ()
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        return None


def settings_panel(song: Song, bars: int) -> dict[str, Any]:
    """The controls that belong to what is made; returns the settings."""
    mode = st.segmented_control("What to make", list(MODES), default="vary", format_func=MODES.__getitem__,
                                key="variation_mode", required=True, **PERSISTED,
                                help="Vary: another version. Grid: nine small ones. Continue: what comes next. "
                                "Walk: the way to a second song.")  # fmt: skip
    settings: dict[str, Any] = {"mode": mode, "seed": 0}
    if mode != "walk":  # a walk leaves nothing to chance
        controls.reroll_button("variation_seed", "Another one" if mode != "grid" else "Others")
        settings["seed"] = controls.seed("variation_seed")
    settings["latent"] = st.select_slider(
        "Detail", sizes(), variation.DEFAULT_LATENT, key="variation_latent", **PERSISTED,
        help="How closely the network looks: into how many numbers it puts a bar. Few keep only its gist.",
    )  # fmt: skip
    if mode == "vary":
        low, high = variation.SWEET
        settings["noise"] = st.slider("How far it drifts", 0.0, variation.MAX_NOISE, 0.7, 0.05, key="variation_noise",
                                      **PERSISTED, help=f"{low:g} to {high:g} is the sweet spot: clearly another "
                                      "version, still the same song.")  # fmt: skip
    if mode == "continue":
        settings["bars"] = st.slider("Bars to write", 1, MAX_BARS, 8, key="variation_more", **PERSISTED,
                                     help="The lead goes first, and the others follow it.")  # fmt: skip
        settings["temperature"] = st.slider("Wandering", 0.0, 2.0, 1.0, 0.05, key="variation_temperature", **PERSISTED,
                                            help="0 goes on in the likeliest way; more strays from it.")  # fmt: skip
    if mode == "walk":
        settings["steps"] = st.slider(
            "Steps", 2, 16, 5, key="variation_steps", help="Both ends among them.", **PERSISTED
        )
        settings["bars"] = st.slider("Bars a step", 1, 16, 4, key="variation_walk", **PERSISTED,
                                     help="From the beginning of each song.")  # fmt: skip
    if mode in ("vary", "grid"):
        with st.expander("What stays", icon=":material/lock:"):
            keep = st.selectbox("Keep", variation.KEEPS, index=None, placeholder="Nothing in particular",
                                format_func=lambda k: f"The {k}", key="variation_keep", **PERSISTED,
                                help="Keep the rhythm and vary the pitches, or the reverse.")  # fmt: skip
            hold = [t for t, notes in zip(TRACKS, read(song).filled.any(1)) if notes and st.toggle(
                f"Hold the {t}", key=f"variation_hold_{t}", help="It stays as it is.", **PERSISTED)]  # fmt: skip
            settings |= {"keep": keep, "hold": hold}
            if mode == "vary" and bars > 1:
                first, last = st.slider("Bars that vary", 1, bars, (1, bars), key=f"variation_bars_{bars}",
                                        persist_state="session", help="The others stay as they are.")  # fmt: skip
                settings["bars"] = None if (first, last) == (1, bars) else (first, last)
            if mode == "vary" and st.toggle("Each track by itself", key="variation_apart", **PERSISTED,
                                            help="How far each one drifts, instead of all alike."):  # fmt: skip
                top = variation.MAX_NOISE
                settings["noise"] = {t: st.slider(t.capitalize(), 0.0, top, 0.7, 0.05, key=f"variation_noise_{t}",
                                                  help="0 leaves it nearly as it is.", **PERSISTED)
                                     for t in TRACKS if t not in hold}  # fmt: skip
    if mode != "walk":
        settings["stay"] = st.slider("Stay in the harmony", 0.0, 1.0, 0.5, 0.05, key="variation_stay", **PERSISTED,
                                     help="How strictly new pitches keep to those that sound nearby.")  # fmt: skip
    return settings


def make(settings: dict[str, Any], progress: Progress) -> tuple[Any, str]:
    """The song (a grid: rows of songs) and the weights' sha256; runs in the worker."""
    song = read_midi(settings["source"], name=settings["name"])
    asked = {name: value for name, value in settings.items() if name not in ("mode", "latent", *FROM)}
    model, _ = frame.cached_model("variation", variation.PATH / f"k{settings['latent']}", variation.load)
    mode = settings["mode"]

    def half(done: int, total: int) -> None:
        progress(done, 2 * total)

    if mode == "grid":
        seed = asked.pop("seed")
        seeds = [seed + n for n in range(3)]
        return variation.grid(model, song, noises=GRID, seeds=seeds, progress=progress, **asked), model.sha256
    if mode == "continue":
        made = extend(model, song, progress=half, **asked)
    elif mode == "walk":
        other = read_midi(settings["other"], name="The other song")
        made = joined(variation.walk(model, song, other, progress=half, **asked), asked["bars"])
    else:
        made = variation.vary(model, song, progress=half, **asked)
    player.prepare(made, lambda done, total: progress(total + done, 2 * total))
    return made, model.sha256


def recipe(settings: dict[str, Any], sha256: str) -> Recipe:
    """The same settings as options of `python -m engine variation`."""
    options: dict[str, Any] = {"input": "input.mid", "latent": settings["latent"]}
    mode = settings["mode"]
    if mode == "continue":
        options |= {"continue": settings["bars"], "temperature": settings["temperature"], "stay": settings["stay"]}
    elif mode == "walk":
        options |= {"towards": OTHER, "steps": settings["steps"], "bars": settings["bars"]}
    else:
        noise, span = settings["noise"], settings.get("bars")
        options |= {
            "noise": noise if isinstance(noise, float) else ",".join(f"{t}={n:g}" for t, n in noise.items()),
            "hold": ",".join(settings["hold"]) or None,
            "bars": f"{span[0]}-{span[1]}" if span else None,
            "keep": settings["keep"],
            "stay": settings["stay"],
        }
    return Recipe("variation", options, settings["seed"], sha256)


def offer(key: str, song: Song, how: dict[str, Any], sha256: str) -> None:
    """Save a result or send it on; `how` it was made holds what it was made from, whatever is chosen by now."""
    inputs = {"mid": how["source"]} | ({"other": how["other"]} if how["other"] else {})
    name = f"{how['name']}, {title_of(how).lower()}"
    takes.save_or_send(key, Result(song=song), recipe(how, sha256), name=name, parents=how["parents"], inputs=inputs)


def title_of(how: dict[str, Any]) -> str:
    """What a result is called."""
    return f"{MODES[how['mode']]}, seed {how['seed']}"


def draw_grid(rows: list[list[Song]], how: dict[str, Any], sha256: str) -> None:
    """Small players: a row for each noise, a column for each seed."""
    for noise, songs in zip(GRID, rows):
        st.caption(f"Drift {noise:g}")
        for number, (column, song) in enumerate(zip(st.columns(3, gap="small"), songs)):
            key = f"grid-{noise:g}-{number}"
            with column:
                player.show(key, song=song, compact=True)
                more = st.popover("Keep or send", icon=":material/more_horiz:", key=f"more {key}", on_change="rerun")
                if more.open:
                    one = how | {"mode": "vary", "noise": noise, "seed": how["seed"] + number}
                    with more:
                        downloads.show(key, f"variation-{noise:g}-{one['seed']}", song=song)
                        offer(key, song, one, sha256)


try:
    read_config(variation.PATH / f"k{variation.DEFAULT_LATENT}")
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

stage, panel = st.columns([2.4, 1], gap="large")
other = None
with panel, st.container(border=True, key="desk"):
    picked = source("variation", "Song", first=min(2, len(examples())))
    if picked is not None:
        try:
            sheet = read(picked[0])
            settings = settings_panel(picked[0], sheet.bars)
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")
            picked = None
        else:
            if settings["mode"] == "walk":
                other = source("variation_other", "Towards", first=min(1, len(examples()) - 1))

with stage:
    if picked is None:
        st.info("Choose a song to begin with.", icon=":material/queue_music:")
        made = jobs.show("variation")
    else:
        song, content, name, parents = picked
        if settings["mode"] == "grid":  # its cells are small: the beginning of the song is what they vary
            content = write_midi(song.excerpt(0, GRID_BARS * song.beats_per_bar))
        whole = settings | {"source": content, "other": other[1] if other else b"", "name": name,
                            "parents": parents + (other[3] if other else ())}  # fmt: skip
        if settings["mode"] != "walk" or other:
            jobs.run_when_changed("variation", lambda progress: make(whole, progress), settings=whole,
                        label=MODES[settings["mode"]])  # fmt: skip
        player.show("variation-original", song=sheet.five, group="variation", title=f"{name}, as it is")
        made = jobs.show("variation")
    if made:
        result, sha256 = made.value
        how = made.settings
        if how["mode"] == "grid":
            draw_grid(result, how, sha256)
        else:
            for remark in result.remarks:
                st.caption(frame.plain(remark))
            mix = player.show("variation", song=result, group="variation", title=title_of(how))
            downloads.show("variation", f"variation-{how['seed']}", song=result, mix=mix)
            offer("variation", result, how, sha256)
