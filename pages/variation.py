"""Variation: a song of one's own, its cousins, what might come next, and the walk to another song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from engine import Progress, RequestError
from engine.core.checkpoint import read_config
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.reading import SONGS, song_of
from engine.core.request import File, field_of
from engine.core.result import Result
from engine.core.song import Song
from engine.takes.library import Library
from engine.variation import Request, generate, load
from engine.variation.bars import BarGrid, read
from engine.variation.request import LATENTS, MAX_NOISE, PATH
from ui import controls, downloads, frame, jobs, player, takes
from ui.controls import PERSISTED

EXAMPLES = frame.ROOT / "assets" / "examples"
OWN, TAKE = "A MIDI file of mine", "A take"
MODES = {"vary": "Vary", "grid": "Grid", "continue": "Continue", "walk": "Walk"}
GRID = (0.5, 1.0, 1.5)  # noise of a grid's rows
GRID_BARS, GRID_SEEDS = 4, 3

frame.open_page("Variation", "Bring a MIDI file, move one slider, hear its cousins, and what might come next.")


class Source(NamedTuple):
    """A song that was picked: its file, and the take it came from."""

    file: File
    parents: tuple[str, ...] = ()


class Asked(NamedTuple):  # a tuple, because Streamlit makes another class of it at every rerun
    """What is to be made: one result, or for a grid one for each of its cells, row by row."""

    mode: str
    requests: tuple[Request, ...]
    parents: tuple[str, ...]  # takes that the songs came from


def examples() -> dict[str, Path]:
    """The songs that come with the studio, by title."""
    return {path.stem.replace("-", " ").capitalize(): path for path in sorted(EXAMPLES.glob("*.mid"))}


def sizes() -> list[int]:
    """The latent sizes whose weights are there."""
    return [k for k in LATENTS if (PATH / f"k{k}" / "config.json").exists()]


def source(key: str, label: str, first: int = 0) -> Source | None:
    """A song that a person picks, checked to be one; None until there is one."""
    shipped = examples()
    choices = [*shipped, OWN, TAKE]
    if key == "variation" and takes.was_sent("variation"):
        st.session_state[f"{key}_source"] = TAKE
    chosen = st.selectbox(label, choices, first, key=f"{key}_source", persist_state="session",
                          help="The examples were made by this studio.")  # fmt: skip
    assert chosen
    try:
        if chosen == OWN:
            upload = st.file_uploader("MIDI or MusicXML", type=list(SONGS), key=f"{key}_file", help="At most 2 MiB.")
            picked = Source(File(upload.name, upload.getvalue())) if upload else None
        elif chosen == TAKE:
            take = takes.pick(key)
            song = Library().song(take) if take else None
            picked = Source(File(take.name, write_midi(song), "mid"), (take.id,)) if take and song else None
        else:
            picked = Source(File(chosen, shipped[chosen].read_bytes()))
        if picked:
            song_of(picked.file)
        return picked
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        return None


def settings_panel(grid: BarGrid) -> tuple[str, dict[str, Any]]:
    """The controls that belong to what is made; returns the mode and fields of the request."""
    mode = st.segmented_control("What to make", list(MODES), default="vary", format_func=MODES.__getitem__,
                                key="variation_mode", required=True, **PERSISTED,
                                help="Vary: another version. Grid: nine small ones. Continue: what comes next. "
                                "Walk: the way to a second song.")  # fmt: skip
    fields: dict[str, Any] = {"seed": 0}
    if mode != "walk":  # a walk leaves nothing to chance
        controls.reroll_button("variation_seed", "Another one" if mode != "grid" else "Others")
        fields["seed"] = controls.seed("variation_seed")
    latent = field_of(Request, "latent")
    fields["latent"] = st.select_slider(latent.label, sizes(), latent.default, key="variation_latent", **PERSISTED,
                                        help=latent.option.help)  # fmt: skip
    if mode == "vary":
        noise = field_of(Request, "noise")
        fields["noise"] = st.slider(noise.label, 0.0, MAX_NOISE, 0.7, 0.05, key="variation_noise", **PERSISTED,
                                    help=noise.option.help.partition(". ")[0] + ".")  # fmt: skip
    if mode == "continue":
        fields["continue_bars"] = controls.slider(Request, "continue_bars", key="variation_more",
                                                  default=8)  # fmt: skip
        fields["temperature"] = controls.slider(Request, "temperature", key="variation_temperature",
                                                help="0 goes on in the likeliest way; more strays from it.",
                                                )  # fmt: skip
    if mode == "walk":
        fields["steps"] = controls.slider(Request, "steps", key="variation_steps", high=16,
                                          help="Both ends among them.")  # fmt: skip
        fields["step_bars"] = controls.slider(Request, "step_bars", key="variation_walk", high=16,
                                              help="From the beginning of each song.")  # fmt: skip
    if mode in ("vary", "grid"):
        fields |= what_stays(mode, grid)
    if mode != "walk":
        fields["harmony_strength"] = controls.slider(Request, "harmony_strength",
                                                     key="variation_stay", default=0.5)  # fmt: skip
    return str(mode), fields


def what_stays(mode: str, grid: BarGrid) -> dict[str, Any]:
    """The controls of what a variation leaves as it is; returns fields of the request."""
    fields: dict[str, Any] = {}
    with st.expander("What stays", icon=":material/lock:"):
        fields["preserve"] = controls.pick(Request, "preserve", names=lambda k: f"The {k}", key="variation_keep",
                                           placeholder="Nothing in particular")  # fmt: skip
        held = [t for t in TRACKS if grid.sounds(t) and st.toggle(
            f"Hold the {t}", key=f"variation_hold_{t}", help="It stays as it is.", **PERSISTED)]  # fmt: skip
        fields["frozen_tracks"] = tuple(held)
        if mode == "vary" and grid.bars > 1:
            first, last = st.slider("Bars that vary", 1, grid.bars, (1, grid.bars), key=f"variation_bars_{grid.bars}",
                                    persist_state="session", help="The others stay as they are.")  # fmt: skip
            fields["bars"] = None if (first, last) == (1, grid.bars) else (first, last)
        if mode == "vary" and st.toggle("Each track by itself", key="variation_apart", **PERSISTED,
                                        help="How far each one drifts, instead of all alike."):  # fmt: skip
            fields["noise"] = {t: st.slider(t.capitalize(), 0.0, MAX_NOISE, 0.7, 0.05, key=f"variation_noise_{t}",
                                            help="0 leaves it nearly as it is.", **PERSISTED)
                               for t in TRACKS if t not in held}  # fmt: skip
    return fields


def asked_for(mode: str, fields: dict[str, Any], picked: Source, other: Source | None) -> Asked:
    """The requests of what was chosen. A grid's cells are small: the beginning of the song is what they vary."""
    parents = picked.parents + (other.parents if other else ())
    if mode != "grid":
        towards = other.file if other else None
        return Asked(mode, (Request(input=picked.file, towards=towards, **fields),), parents)
    song = song_of(picked.file)
    beginning = File(picked.file.name, write_midi(song.excerpt(0, song.bar_lines()[: GRID_BARS + 1][-1])), "mid")
    one = Request(input=beginning, **fields)
    seeds = range(one.seed, one.seed + GRID_SEEDS)
    return Asked(mode, tuple(replace(one, noise=noise, seed=seed) for noise in GRID for seed in seeds), parents)


def make(asked: Asked, progress: Progress) -> list[Result]:
    """All that was asked for, with the sound of a single one ready; runs in the worker."""
    model, _ = frame.cached_model("variation", asked.requests[0].checkpoint(), load)
    if len(asked.requests) > 1:
        results = []
        for number, request in enumerate(asked.requests):
            progress(number, len(asked.requests))
            results.append(generate(model, request))
        return results
    result = generate(model, asked.requests[0], progress=lambda done, total: progress(done, 2 * total))
    assert result.song
    player.prepare(result.song, lambda done, total: progress(total + done, 2 * total))
    return [result]


def save_or_send(key: str, result: Result, asked: Asked) -> None:
    """Save a result or send it on, named after what it was made from."""
    request = result.request
    assert isinstance(request, Request)
    mode = "vary" if asked.mode == "grid" else asked.mode
    name = f"{request.input.name}, {title_of(mode, request).lower()}"
    takes.save_or_send(key, result, name=name, parents=asked.parents)


def title_of(mode: str, request: Request) -> str:
    """What a result is called."""
    return f"{MODES[mode]}, seed {request.seed}"


def draw_grid(results: Sequence[Result], asked: Asked) -> None:
    """Small players: a row for each noise, a column for each seed."""
    for row, noise in enumerate(GRID):
        st.caption(f"Drift {noise:g}")
        for number, column in enumerate(st.columns(GRID_SEEDS, gap="small")):
            result = results[row * GRID_SEEDS + number]
            key = f"grid-{noise:g}-{number}"
            with column:
                player.show(key, song=result.song, compact=True)
                more = st.popover("Keep or send", icon=":material/more_horiz:", key=f"more {key}", on_change="rerun")
                if more.open:
                    with more:
                        downloads.show(key, f"variation-{noise:g}-{result.request.seed}", result)
                        save_or_send(key, result, asked)


def result_view(results: Sequence[Result], asked: Asked) -> None:
    """What was made: a grid of small players, or one with its remarks, downloads, takes."""
    if asked.mode == "grid":
        draw_grid(results, asked)
        return
    [result] = results
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    title = title_of(asked.mode, asked.requests[0])
    mix = player.show("variation", song=result.song, group="variation", title=title)
    downloads.show("variation", f"variation-{result.request.seed}", result, mix=mix)
    save_or_send("variation", result, asked)


try:
    read_config(PATH / f"k{field_of(Request, 'latent').default}")
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

view, panel = st.columns([2.4, 1], gap="large")
original: Song | None = None
asked: Asked | None = None
with panel, st.container(border=True, key="desk"):
    picked = source("variation", "Song", first=min(2, len(examples())))
    if picked is not None:
        try:
            grid = read(song_of(picked.file))
            original = grid.original
            mode, fields = settings_panel(grid)
            other = source("variation_other", "Towards", first=min(1, len(examples()) - 1)) if mode == "walk" else None
            if mode != "walk" or other:
                asked = asked_for(mode, fields, picked, other)
        except RequestError as refused:
            st.error(frame.plain(str(refused)), icon=":material/error:")

with view:
    if picked is None or original is None:
        st.info("Choose a song to begin with.", icon=":material/queue_music:")
    else:
        if asked is not None:
            wanted = asked
            jobs.run_when_changed("variation", lambda progress: make(wanted, progress), settings=wanted,
                                  label=MODES[wanted.mode])  # fmt: skip
        title = f"{picked.file.name}, as it is, {controls.paced(original)}"
        player.show("variation-original", song=original, group="variation", title=title)
    made = jobs.show("variation")
    if made:
        result_view(made.value, made.settings)
