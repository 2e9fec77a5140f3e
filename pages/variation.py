"""Variation: a song of one's own, its cousins, what might come next, and the walk to another song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from engine import Progress, RequestError
from engine.core import rewriting
from engine.core.checkpoint import read_config
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.reading import SONG_MIB, SONGS, song_of
from engine.core.request import File, field_of
from engine.core.result import Result
from engine.core.song import Song
from engine.takes.library import Library
from engine.variation import Request, generate, load
from engine.variation.bars import BarGrid, read
from engine.variation.request import LATENTS, MAX_NOISE, PATH
from ui import anew, byhand, controls, frame, hum, inside, jobs, opening, player, stems, takes
from ui.controls import PERSISTED

EXAMPLES = frame.ROOT / "assets" / "examples"
OWN, TAKE, HUMMED = "A file of mine", "A take", "A tune that I hum"
MODES = {"vary": "Another version", "grid": "Nine small ones", "continue": "What comes next", "walk": "To another song"}
WRITERS = {"player": "The band's player", "networks": "A network for each instrument"}
GRID = (0.5, 1.0, 1.5)  # noise of a grid's rows
GRID_BARS, GRID_SEEDS = 4, 3
WALK_MOST = 16  # steps of a walk, and bars of each

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
    choices = [*shipped, OWN, TAKE, HUMMED]
    if key == "variation" and takes.was_sent("variation"):
        st.session_state[f"{key}_source"] = TAKE
    chosen = st.selectbox(label, choices, first, key=f"{key}_source", persist_state="session",
                          help="The examples were made by this studio.")  # fmt: skip
    assert chosen
    try:
        if chosen == OWN:
            file = controls.upload("MIDI or MusicXML", SONGS, key=f"{key}_file", most=SONG_MIB,
                                   help="Each of its instruments is varied.")  # fmt: skip
            picked = Source(file) if file else None
        elif chosen == TAKE:
            take = takes.pick(key)
            song = Library().song(take) if take else None
            picked = Source(File(take.name, write_midi(song), "mid"), (take.id,)) if take and song else None
        elif chosen == HUMMED:
            hummed = hum.tune(key)
            picked = Source(hummed) if hummed else None
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
    if (named := st.query_params.get("variation_mode", "").lower()) in MODES:  # in an address from when it said "Grid"
        st.session_state["variation_mode"] = named
    mode = st.segmented_control("What to make", list(MODES), default="vary", format_func=MODES.__getitem__,
                                key="variation_mode", required=True, **PERSISTED,
                                help="One to work with, nine to choose from, the bars that might follow, or a way in "
                                "steps from this song to a second.")  # fmt: skip
    fields: dict[str, Any] = {"seed": 0}
    if mode != "walk":  # a walk leaves nothing to chance
        fields["seed"] = controls.new("variation_seed", "Another one" if mode != "grid" else "Others")
    latent = field_of(Request, "latent")
    fields["latent"] = st.select_slider(latent.label, sizes(), latent.default, key="variation_latent", **PERSISTED,
                                        help=latent.option.help)  # fmt: skip
    if mode == "vary":
        noise = field_of(Request, "noise")
        fields["noise"] = st.slider(noise.label, 0.0, MAX_NOISE, 0.7, 0.05, key="variation_noise", **PERSISTED,
                                    help=noise.option.help.partition(". ")[0] + ".")  # fmt: skip
        for name, kept in (("higher", "pitches"), ("busier", "rhythm")):
            if st.session_state.get("variation_keep") != kept:
                fields[name] = controls.slider(Request, name, key=f"variation_{name}", step=0.01)
    if mode == "continue":
        fields["continue_bars"] = controls.slider(Request, "continue_bars", key="variation_more",
                                                  default=8)  # fmt: skip
        fields["by"] = controls.pick(Request, "by", names=WRITERS.__getitem__, key="variation_by")
        fields["temperature"] = controls.slider(Request, "temperature", key="variation_temperature",
                                                help="0 goes on in the likeliest way; more strays from it.",
                                                )  # fmt: skip
    if mode == "walk":
        fields["steps"] = controls.slider(Request, "steps", key="variation_steps", high=WALK_MOST,
                                          help="Both ends among them.")  # fmt: skip
        fields["step_bars"] = controls.slider(Request, "step_bars", key="variation_walk", high=WALK_MOST,
                                              help="From the beginning of each song.")  # fmt: skip
    if mode in ("vary", "grid"):
        fields |= what_stays(mode, grid)
        fields.pop({"pitches": "higher", "rhythm": "busier"}.get(fields["preserve"], ""), None)
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


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request, mode = opened.request, opened.request.mode  # type: ignore[attr-defined]
    assert isinstance(request, Request)
    bars = read(song_of(request.input)).bars
    out = {
        "variation_mode": mode, "variation_latent": request.latent,
        "variation_higher": request.higher, "variation_busier": request.busier,
        "variation_more": request.continue_bars, "variation_by": request.by,
        "variation_temperature": request.temperature, "variation_keep": request.preserve,
        "variation_steps": min(request.steps, WALK_MOST), "variation_walk": min(request.step_bars, WALK_MOST),
        "variation_stay": request.strength, f"variation_bars_{bars}": request.bars if mode == "vary" else None,
        **{f"variation_hold_{track}": track in request.frozen_tracks for track in TRACKS},
        **source_from(opened, "variation", request.input),
        **(source_from(opened, "variation_other", request.towards) if request.towards else {}),
    }  # fmt: skip
    if isinstance(request.noise, float):
        return out | {"variation_noise": request.noise}
    return out | {"variation_apart": True} | {f"variation_noise_{t}": float(request.noise.get(t, 0)) for t in TRACKS}


def source_from(opened: opening.Opened, key: str, file: File) -> dict[str, Any]:
    """The controls of a song of such a take."""
    given = opened.source(f"{key}_file", file, picker=key)
    return {f"{key}_source": TAKE if given[f"take for {key}"] else OWN, **given}


def restored(opened: opening.Opened, asked: Asked | None, progress: Progress) -> tuple[list[Result], Asked]:
    """What such a take holds; runs in the worker."""
    result = opened.result(asked.requests[0] if asked else None)
    assert result.song and isinstance(result.request, Request)
    stems.prepare(result.song, progress)
    return [result], Asked(result.request.mode, (result.request,), opened.take.parents)


def make(asked: Asked, progress: Progress, heard: bool = True) -> list[Result]:
    """All that was asked for, with the sound of a single one ready where it is `heard`; runs in the worker."""
    model, _ = frame.cached_model("variation", asked.requests[0].checkpoint(), load)
    if len(asked.requests) > 1:
        results = []
        for number, request in enumerate(asked.requests):
            progress(number, len(asked.requests))
            results.append(generate(model, request))
        return results
    result = generate(model, asked.requests[0], progress=lambda done, total: progress(done, 2 * total))
    assert result.song
    if heard:
        stems.prepare(result.song, lambda done, total: progress(total + done, 2 * total))
    return [result]


def actions(key: str, result: Result, asked: Asked, **options: Any) -> None:
    """What can be done with a result, named after what it was made from."""
    request = result.request
    assert isinstance(request, Request)
    mode = "vary" if asked.mode == "grid" else asked.mode
    title = title_of(mode, request)
    name = f"{request.input.name}, {title[:1].lower()}{title[1:]}"
    file = f"variation-{request.noise:g}-{request.seed}" if asked.mode == "grid" else f"variation-{request.seed}"
    takes.actions(key, result, file, name=name, parents=asked.parents, **options)


def title_of(mode: str, request: Request) -> str:
    """What a result is called."""
    if request.towards:  # nothing of it is left to chance
        return f"To {request.towards.name}"
    what = f"{rewriting.spelled(request.rewrite).capitalize()} anew" if request.rewrite else MODES[mode]
    return f"{what}, seed {request.seed}"


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
                        actions(key, result, asked, flat=True)


def write_anew(result: Result, asked: Asked, first: int, last: int, names: tuple[str, ...]) -> None:
    """Begin to vary some bars of a result further. For callbacks."""
    base = result.request
    assert isinstance(base, Request) and result.song
    song = File(base.input.name, write_midi(result.song), "mid")

    def ask(seed: int) -> Asked:
        request = Request(input=song, latent=base.latent, noise=base.noise, preserve=base.preserve,
                          harmony_strength=base.harmony_strength, rewrite=(first, last), players=names,
                          seed=seed)  # fmt: skip
        return Asked("vary", (request,), asked.parents)

    anew.begin("variation", ask, make, label=f"Writing {rewriting.spelled((first, last))} anew")


def take_seed(seed: int) -> None:
    """Make the variation of a seed, where it lies. For callbacks."""
    st.session_state["variation_seed"] = seed
    lean(0.0, 0.0)


def lean(higher: float, busier: float, hand: str = "", unheard: bool = False) -> None:
    """Make the variation that leans so, `unheard` while no sound of it is wanted; of those of one drag the last is
    kept. For callbacks."""
    st.session_state.update({"variation_higher": higher, "variation_busier": busier, "_hand": (hand, unheard)})


def result_view(results: Sequence[Result], asked: Asked, unheard: bool) -> None:
    """What was made: a grid of small players, or one with its remarks, downloads, takes."""
    if asked.mode == "grid":
        draw_grid(results, asked)
        return
    [result] = results
    for remark in result.remarks:
        st.caption(frame.plain(remark))
    title = title_of(asked.mode, asked.requests[0])
    before = jobs.before("variation")
    ghosts = before.value[0].song if before else original if asked.mode == "vary" else None
    mix = player.show("variation", song=result.song, group="variation", title=title, before=ghosts,
                      rewrite=partial(write_anew, result, asked), edit=partial(byhand.keep, "variation", result),
                      marks=result.report.get("parts", ()), unheard=unheard)  # fmt: skip
    actions("variation", result, asked, mix=mix)
    if asked.mode == "vary":
        inside.how_it_was_made("variation", asked.requests[0], result.weights, take_seed, lean,
                               by_hand=result.by_hand)  # fmt: skip


try:
    read_config(PATH / f"k{field_of(Request, 'latent').default}")
except RequestError as refused:
    st.error(frame.plain(str(refused)), icon=":material/error:")
    st.stop()

opening.put_back("variation", controls_from, restored)
view, panel = st.columns([2.4, 1], gap="large")
original: Song | None = None
asked: Asked | None = None
hand, unheard = st.session_state.pop("_hand", ("", False))
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
            jobs.run_when_changed("variation", lambda progress: make(wanted, progress, not unheard), settings=wanted,
                                  label=MODES[wanted.mode], hand=hand)  # fmt: skip
        pace = controls.paced(original)
        title = f"{picked.file.name}, as it is" + (f", {pace}" if pace not in picked.file.name else "")
        with st.container(key="original"):
            player.show("variation-original", song=original, group="variation", title=title)
    made = jobs.show("variation")
    if made:
        result_view(made.value, made.settings, unheard)
