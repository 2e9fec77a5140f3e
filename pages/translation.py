"""Translation: a recording of one instrument, performed again on another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine import Progress, RequestError
from engine.core import render
from engine.core.audio import Audio, read_audio, write_flac
from engine.core.instruments import INSTRUMENTS
from engine.core.midi import write_midi
from engine.core.old import Result
from engine.core.song import Note, Song, Track
from engine.takes.library import Library, Recipe, Take
from engine.translation import generate as translation
from engine.translation.analysis import HOP, RATE, Frames
from engine.translation.command import agreement, chosen, route
from engine.translation.generate import ROOT, Translation
from engine.translation.transcription import melody
from ui import controls, frame, jobs, player, takes
from ui import downloads_old as downloads
from ui.controls import PERSISTED

WAYS = {"example": "Example", "file": "Upload", "microphone": "Record", "take": "Take"}
# A tune of our own for who has no recording at hand: (pitch over the key note, beats).
TUNE = ((0, 1), (4, 0.5), (7, 0.5), (9, 1.5), (7, 0.5), (5, 0.75), (4, 0.25), (2, 1), (-1, 0.5), (2, 0.5), (0, 2))
EXAMPLES = sorted(INSTRUMENTS, key=lambda name: -INSTRUMENTS[name].example)
ELSE = ("cello", "flute")  # what a recording that was sent becomes, where it is itself what was to be played
MOST_POINTS = 3_000  # of a pitch line

frame.open_page("Translation", "Give it one instrument's melody; hear the same performance on another.")


@dataclass(frozen=True)
class Heard:
    """A result with what the page shows of it."""

    before: Audio
    result: Translation
    tune: Song
    source: str
    guessed: list[tuple[str, float]]
    kept: dict[str, float]
    weights: str
    sha256: str


@st.cache_data(show_spinner=False, max_entries=8)
def example(instrument: str) -> bytes:
    """Our tune, played by the synthesiser's instrument, as a FLAC file."""
    notes, beat = [], 0.0
    for i, (step, length) in enumerate(TUNE):
        notes.append(Note(beat, length * 0.95, INSTRUMENTS[instrument].example + step, 70 + 5 * (i % 5)))
        beat += length
    song = Song((Track(instrument, INSTRUMENTS[instrument].program, False, tuple(notes)),), 100.0)
    return write_flac(render.render(song).mono().resampled(RATE).normalised(0.5))


@dataclass(frozen=True)
class Recording:
    """A sound that was chosen; `sound` reads or plays it, in the worker."""

    name: str
    digest: str  # tells it from others
    sound: Callable[[], Audio]
    instrument: str | None = None  # where it is known
    parents: tuple[str, ...] = ()


def uploaded(content: bytes, name: str, instrument: str | None = None) -> Recording:
    """The recording in a file."""
    return Recording(name, hashlib.sha256(content).hexdigest(), lambda: read_audio(content, name=name), instrument)


def kept(take: Take) -> Recording:
    """A take's own sound, or its notes played by the synthesiser."""

    def sound() -> Audio:
        library = Library()
        if take.has_sound:
            return library.audio(take)
        return render.render(library.song(take))

    instrument = {"trombone": "trombone", "translation": take.recipe.settings.get("to")}.get(take.recipe.system)
    return Recording(take.name, take.id, sound, instrument if take.has_sound else None, (take.id,))


def recording() -> Recording | None:
    """What is to be translated; None until there is something."""
    sent = takes.was_sent("translation")
    if sent:
        st.session_state["translation_way"] = "take"
        st.session_state["translation_from"] = "auto"
    way = st.segmented_control("Recording", list(WAYS), default="example", format_func=WAYS.__getitem__, required=True,
                               key="translation_way", **PERSISTED,
                               help="Where the melody comes from.")  # fmt: skip
    if way == "file":
        says = "One melody instrument, up to ten minutes; WAV, FLAC, OGG or MP3."
        file = st.file_uploader("A recording", type=["wav", "flac", "ogg", "mp3"], key="translation_file", help=says)
        return uploaded(file.getvalue(), file.name) if file else None
    if way == "microphone":
        file = st.audio_input("Play or sing one melody", sample_rate=RATE, key="translation_microphone",
                              help="One note at a time; it stays on this machine.")  # fmt: skip
        return uploaded(file.getvalue(), "The microphone's recording") if file else None
    if way == "take":
        take = takes.pick("translation", sound=True)
        if take is None:
            return None
        found = kept(take)
        if (
            sent
            and found.instrument
            and st.session_state.get("translation_to", next(iter(INSTRUMENTS))) == found.instrument
        ):
            st.session_state["translation_to"] = next(name for name in ELSE if name != found.instrument)
        return found
    who = st.selectbox("Example played by", EXAMPLES, format_func=str.capitalize,
                       key="translation_example", **PERSISTED,
                       help="A tune of our own on the synthesiser, for who has no recording at hand.")  # fmt: skip
    return uploaded(example(who), f"Our tune ({who})", who)


def settings_panel() -> tuple[dict[str, Any], Recording | None]:
    """The controls; returns settings and the recording."""
    found = recording()
    source = st.selectbox("From", ["auto", *INSTRUMENTS], key="translation_from", **PERSISTED, help="Auto: it listens.",
                          format_func=lambda n: "Guess the instrument" if n == "auto" else n.capitalize())  # fmt: skip
    target = st.selectbox("To", list(INSTRUMENTS), format_func=str.capitalize, key="translation_to", **PERSISTED,
                          help="The instrument to hear it on.")  # fmt: skip
    says = "0 keeps the recording's own timbre, 1 is all the other instrument."
    amount = st.slider("How much", 0.0, 1.0, 1.0, 0.05, key="translation_amount", help=says, **PERSISTED)
    says = "Semitones. Afterwards the melody moves by octaves where the instrument cannot reach it."
    up = st.slider("Transpose", -24, 24, 0, key="translation_transpose", format="%+d", help=says, **PERSISTED)
    seed = controls.seed("translation_seed", label="Seed of the breath")
    settings = {"from": source, "to": target, "amount": amount, "transpose": up, "seed": seed}
    if found:
        known = found.instrument if source == "auto" and found.instrument else source
        settings |= {"input": found.digest, "name": found.name, "from": known, "parents": found.parents}
    return settings, found


def work(sound: Callable[[], Audio], settings: dict[str, Any], progress: Progress) -> Heard:
    """Read, guess, translate, measure; runs in the worker."""
    content = write_flac(sound().mono())  # what a take keeps of it, so that it can be made again
    audio = read_audio(content, name=settings["name"])
    source, target, guessed = settings["from"], settings["to"], []
    if source == "auto":
        everyone, _ = frame.cached_model("translation", ROOT / "any", translation.load)
        guessed = chosen(everyone, translation.hear(audio), target)
        source = guessed[0][0]
    if source == target:
        raise RequestError(f"It is a {source} already; choose another instrument to translate to.")
    folder = route(source, target)
    model, _ = frame.cached_model("translation", folder, translation.load)
    result = translation.generate(
        model, audio, source, target, seed=settings["seed"], amount=settings["amount"],
        transpose=settings["transpose"], progress=progress,
    )  # fmt: skip
    from engine.core.checkpoint import read_config

    return Heard(audio.mono(), result, melody(result.after, target), source, guessed, agreement(result),
                 folder.name, str(read_config(folder)["sha256"]))  # fmt: skip


def pitch(frames: Frames) -> list[tuple[float, float] | None]:
    """The pitch line in (seconds, Hz), broken where unvoiced; thinned where it is long."""
    step = max(1, len(frames) // MOST_POINTS)
    at = np.arange(0, len(frames), step)
    return [(float(t * HOP / RATE), float(frames.f0_hz[t])) if frames.f0_hz[t] > 0 else None for t in at]


def result_view(made: jobs.JobResult) -> None:
    """Before and after, what was measured, downloads."""
    heard: Heard = made.value
    how = made.settings
    if heard.guessed:
        name, belief = heard.guessed[0]
        st.caption(f"It sounds like a {name} ({belief:.0%} sure); choose it yourself under From if that is wrong.")
    for remark in heard.result.remarks:
        st.info(frame.plain(remark), icon=":material/info:")
    player.show("translation-before", audio=heard.before, title=f"Before: {heard.source}", spectrogram=True,
                lines=[player.Line("pitch", pitch(heard.result.before))], group="translation")  # fmt: skip
    player.show("translation-after", audio=heard.result.audio, title=f"After: {how['to']}", spectrogram=True,
                lines=[player.Line("pitch", pitch(heard.result.after))], group="translation")  # fmt: skip
    if heard.kept:
        st.caption(
            f"Heard again: {heard.kept['f0']:.1%} of the pitch within 50 cents, loudness correlation "
            f"{heard.kept['loudness']:.2f} · {len(heard.tune.tracks[0].notes)} notes · weights {heard.weights} · "
            f"{made.seconds:.1f} s for {heard.before.seconds:.1f} s of sound"
        )
    midi = downloads.Extra("Melody as MIDI", "mid", write_midi(heard.tune), "audio/midi")
    name = f"{heard.source} to {how['to']}"
    downloads.show("translation", name, audio=heard.result.audio, extras=[midi])
    options = {"input": "input.flac", "from": heard.source, **{key: how[key] for key in ("to", "amount", "transpose")}}
    recipe = Recipe("translation", options, how["seed"], heard.sha256)
    result = Result(song=heard.tune, audio=heard.result.audio, settings=how)
    takes.save_or_send("translation", result, recipe, name=f"{how['name']}, {name}", parents=how["parents"],
                inputs={"flac": write_flac(heard.before)})  # fmt: skip


left, right = st.columns([2.4, 1], gap="large")
with right, st.container(border=True, key="desk"):
    settings, chosen_recording = settings_panel()
with left:
    if chosen_recording:
        sound = chosen_recording.sound
        jobs.run_when_changed("translation", lambda progress: work(sound, dict(settings), progress), settings=settings,
                    label="Listening and translating")  # fmt: skip
    elif jobs.empty("translation"):
        st.info("Choose a recording of one melody instrument.", icon=":material/mic:")
    made = jobs.show("translation")
    if made:
        result_view(made)
