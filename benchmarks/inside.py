"""What *How it was made* and the page Inside cost on one thread: each plot, from the result to its figure; and in a
browser a drag over Variation's map.

    python -m benchmarks.inside

Beside a plot that plays or writes once more stands that alone. What a page weighs more with a plot is plotly's script,
which the browser fetches once, with the first of them; the row says its size.
"""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit

from benchmarks.table import head, median, row
from benchmarks.translation import recording
from benchmarks.variation import band as some_band
from engine import ROOT, band, melody, player, translation, trombone
from engine.band.played import brief_of
from engine.core.audio import Audio, write_wav
from engine.core.chords import name_of
from engine.core.midi import write_midi
from engine.core.request import File
from engine.melody import inside as inside_melody
from engine.melody.composing import compose
from engine.player import inside as inside_player
from engine.ranker import inside as inside_ranker
from engine.translation import inside as inside_translation
from engine.trombone import inside as inside_trombone
from engine.trombone.pitch import RATE
from engine.variation import Request as Variation
from engine.variation import inside as inside_variation
from engine.variation import load as load_variation
from engine.variation import variations
from tests.studio import Visit, chromium, served
from ui.inside.variation import COUSINS
from ui.plots import band as band_plots
from ui.plots import melody as melody_plots
from ui.plots import report as report_plots
from ui.plots import translation as translation_plots
from ui.plots import trombone as trombone_plots
from ui.plots import variation as variation_plots
from ui.plots.spectrogram import spectrograms

LIMIT = "500 ms"
DRAGGED = 8  # places, of which the median counts
AWAIT = """() => { const player = window.__bandstand.players.get("variation"), before = player.data.sound;
    window.changed = new Promise((done) => document.addEventListener("pointermove", () => {
        const began = performance.now(), spent = () => (performance.now() - began) / 1000;
        const look = () => player.data.sound === before && spent() < 10 ? setTimeout(look, 2) : done(spent());
        look();
    }, { once: true, capture: true })); }"""


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def of_band() -> None:
    model, request = band.load(device="cpu"), band.Request(genre={"jazz": 1.0}, seed=73, bars=32)
    assert isinstance(model, player.Model) and model.ranker
    brief, known = brief_of(model, request), inside_ranker.Styles.of(model.ranker)
    bars = list(player.perform(model, brief))
    assert known

    def plot(first: int, kept: bool = False) -> None:
        if kept:
            model.lately.clear()
        looked = inside_player.written(model, brief, first)
        band_plots.form(looked, name_of)
        band_plots.notes(looked, (4, 4))

    def judged() -> None:
        band_plots.judged(0, inside_ranker.by_bar(model.ranker, bars[:8], request.genre).tolist())

    def styles() -> None:
        band_plots.styles(known, known.place(model.ranker, inside_ranker.phrases_of(bars)), request.genre)

    alone = median(lambda: list(player.perform(model, brief)), 3)
    for first in (0, 24):
        row(f"Band: chords, form and each note, bars {first + 1}–{first + 8} of 32", ms(median(partial(plot, first))),
            f"playing the 32: {ms(alone)}", LIMIT)  # fmt: skip
    row("Band: the same of bars 1–8 of a take", ms(median(partial(plot, 0, kept=True))), "", LIMIT)
    row("Band: what the judge makes of 8 bars", ms(median(judged)), "", LIMIT)
    row("Band: the map of styles", ms(median(styles)), "", LIMIT)


def of_variation() -> None:
    song = some_band(8)
    request = Variation(input=File("song.mid", write_midi(song)))
    model = load_variation(request.checkpoint(), "cpu")
    row("Variation: how alike each of 8 bars stays, 7 noises",
        ms(median(lambda: variation_plots.likeness(inside_variation.likeness(model, song, request), 0.7))),
        f"one variation: {ms(median(partial(variations.vary, model, song, request)))}", LIMIT)  # fmt: skip
    seeds = range(COUSINS)

    def ground() -> None:
        around = inside_variation.places(model, song, [replace(request, seed=seed) for seed in seeds])
        leans = inside_variation.leans(model, song, request)
        variation_plots.ground(seeds, around, leans, request, around[0])

    row("Variation: the map, of its cousins and two directions", ms(median(ground)), "", LIMIT)
    effects = median(lambda: variation_plots.effects(inside_variation.numbers(model, song, 1, 0)))
    row(f"Variation: what the {model.latent} numbers of a bar do", ms(effects), "", LIMIT)


def of_melody() -> None:
    model, request = melody.load(device="cpu"), melody.Request(seed=7)
    written = compose(model, request)

    def plot() -> None:
        reading = inside_melody.written(model, request, written)
        melody_plots.surprise(reading)
        melody_plots.units(reading, inside_melody.tracking_units(reading))

    row(f"Melody: surprises and units, {len(written.tune.body)} characters", ms(median(plot)),
        f"writing them: {ms(median(partial(compose, model, request)))}", LIMIT)  # fmt: skip


def of_trombone() -> None:
    model, request = trombone.load(), trombone.Request(note=58, seconds=2.0, seed=7)
    audio = trombone.generate(model, request).audio
    assert audio is not None
    told, _ = inside_trombone.told(model, request, 0)
    near = inside_trombone.nearest(model, inside_trombone.notes_of(request)[0].spec)
    plots = {
        "what 32 ms were drawn from": lambda: trombone_plots.drawn(
            inside_trombone.moment(model, request, 0, 0.1), (64, 16)),
        "pitch and loudness of 2 s": lambda: trombone_plots.whole(told, audio),
        "spectrograms": lambda: spectrograms({"one": audio, "other": Audio(near.sound, RATE)}),
    }  # fmt: skip
    for name, plot in plots.items():
        row(f"Trombone: {name}", ms(median(plot, 3)), "", LIMIT)


def of_translation() -> None:
    model = translation.load(device="cpu")
    sound = recording(10.0)
    file = File("sound.wav", write_wav(sound))
    result = translation.generate(model, translation.Request(input=file, source="flute", target="trombone"))

    def plot() -> None:
        seen = inside_translation.look(model, result)
        assert seen is not None
        translation_plots.profiles(seen, "flute", "trombone")
        translation_plots.left(seen, 0.0)
        translation_plots.kept(seen, 0.0)
        translation_plots.way_back(seen, "trombone")

    row("Translation: profiles, what is left, what stays, the way back, 10 s", ms(median(plot, 3)), "",
        "500 ms each")  # fmt: skip


def dragging() -> None:
    """From a move of the map's handle to the changed song on the page, while it is held."""
    took = []
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as address, chromium() as browser, \
            Visit(browser, address) as visit:  # fmt: skip
        visit.open("variation", ready=".bs .play").page.get_by_text("How it was made").click()
        knob, mouse = visit.page.locator(".pad .knob"), visit.page.mouse
        knob.scroll_into_view_if_needed()
        visit.page.locator(".js-plotly-plot").last.wait_for()
        visit.page.wait_for_timeout(2_000)
        box = knob.bounding_box()
        assert box
        mouse.move(x := box["x"] + box["width"] / 2, y := box["y"] + box["height"] / 2)
        mouse.down()
        for step in range(1, DRAGGED + 1):
            visit.page.evaluate(AWAIT)
            mouse.move(x + 30 * step, y - 10 * step)
            took.append(visit.page.evaluate("window.changed"))
            visit.page.wait_for_timeout(1_000)
        mouse.up()
    row("Variation: the handle dragged to the song changed, in a browser", ms(statistics.median(took)), "", LIMIT)


def main() -> None:
    logging.disable(logging.WARNING)  # of Streamlit, which no page runs here
    head()
    of_band()
    of_variation()
    dragging()
    of_melody()
    of_trombone()
    of_translation()
    systems = json.loads((ROOT / "EVALUATION.json").read_text("utf-8"))
    slowest = max(median(partial(report_plots.figures, system["rows"]), 3) for system in systems.values())
    row("Inside: how good a network is, the slowest", ms(slowest), "", LIMIT)
    scripts = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob("*lotly*.js")
    row("plotly's script, as the browser fetches it", f"{sum(path.stat().st_size for path in scripts) / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
