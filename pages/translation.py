"""Translation: a recording of one instrument, performed again on another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from engine import Progress, RequestError
from engine.core import render
from engine.core.audio import ENDINGS, MAX_SECONDS, read_audio, write_flac
from engine.core.instruments import INSTRUMENTS
from engine.core.request import File, field_of
from engine.core.song import Note, Song, Track
from engine.takes.library import Library, Take
from engine.translation import Request, generate, identify, load
from engine.translation.analysis import analyse
from engine.translation.frames import HOP, RATE, Frames
from engine.translation.generate import Translation
from engine.translation.request import AUTO, PATH, VOICE, known
from ui import controls, frame, inside, jobs, opening, player, takes
from ui.controls import PERSISTED

WAYS = {"example": "Example", "file": "Upload", "microphone": "Record", "take": "Take"}
# A tune of our own for who has no recording at hand: (pitch over the key note, beats).
TUNE = ((0, 1), (4, 0.5), (7, 0.5), (9, 1.5), (7, 0.5), (5, 0.75), (4, 0.25), (2, 1), (-1, 0.5), (2, 0.5), (0, 2))
KNOWN = known()
SOURCES = {AUTO: "Guess the instrument", VOICE: "A voice"}
EXAMPLES = sorted(KNOWN, key=lambda name: -INSTRUMENTS[name].example)
ELSE = ("cello", "flute")  # what a recording that was sent becomes, where it is itself what was to be played
MOST_POINTS = 3_000  # of a pitch line
SURE = 0.5  # of an instrument that is heard; below it is a guess

frame.open_page("Translation", "Play, sing or hum a melody; hear the same performance on another instrument.")


@st.cache_resource(show_spinner=False, max_entries=8)
def example(instrument: str) -> bytes:
    """Our tune, played by the synthesiser's instrument, as a FLAC file."""
    notes, beat = [], 0.0
    for i, (step, length) in enumerate(TUNE):
        notes.append(Note(beat, length * 0.95, INSTRUMENTS[instrument].example + step, 70 + 5 * (i % 5)))
        beat += length
    song = Song((Track(instrument, INSTRUMENTS[instrument].program, False, tuple(notes)),), 100.0)
    return write_flac(render.render(song).mono().resampled(RATE).normalised(0.5))


class Recording(NamedTuple):
    """A sound that was chosen."""

    file: File
    instrument: str | None = None  # where it is known
    parents: tuple[str, ...] = ()


class Asked(NamedTuple):  # a tuple, because Streamlit makes another class of it at every rerun
    """What is to be translated, and the takes that the recording came from."""

    request: Request
    parents: tuple[str, ...]


@st.cache_resource(show_spinner="Playing the take …", max_entries=4)
def sound_of(id: str) -> bytes:
    """A take's own sound, or its notes played by the synthesiser, as a FLAC file in one channel."""
    library = Library()
    take = library.get(id)
    audio = library.audio(take) if take.has_sound else None
    if audio is None:
        song = library.song(take)
        assert song is not None
        audio = render.render(song)
    return write_flac(audio.mono())


def kept(take: Take) -> Recording:
    """A take as a recording; its instrument is known where Trombone or Translation made it."""
    settings = take.recipe.settings
    instrument = {"trombone": "trombone", "translation": settings.get("target", settings.get("to"))}
    known = instrument.get(take.recipe.system) if take.has_sound else None
    return Recording(File(take.name, sound_of(take.id), "flac"), known, (take.id,))


def uploaded(content: bytes, name: str) -> Recording:
    """A file that was brought. What a take keeps of it, and what is translated, is its sound in one channel."""
    return Recording(File(name, as_flac(content, name), "flac"))


@st.cache_resource(show_spinner="Listening …", max_entries=4)
def as_flac(content: bytes, name: str) -> bytes:
    """A recording in one channel, as a FLAC file. Refused when it is none."""
    return write_flac(read_audio(content, name=name).mono())


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
        says = f"One melody, played or sung, up to {MAX_SECONDS / 60:g} minutes; WAV, FLAC, OGG or MP3."
        file = controls.upload("A recording", ENDINGS, key="translation_file", help=says)
        return uploaded(file.content, file.name) if file else None
    if way == "microphone":
        sung = st.audio_input("Play or sing one melody", sample_rate=RATE, key="translation_microphone",
                              help="One note at a time; it stays on this machine.")  # fmt: skip
        return uploaded(sung.getvalue(), "The microphone's recording") if sung else None
    if way == "take":
        take = takes.pick("translation", sound=True)
        if take is None:
            return None
        input_sound = kept(take)
        if (
            sent
            and input_sound.instrument
            and st.session_state.get("translation_to", KNOWN[0]) == input_sound.instrument
        ):
            st.session_state["translation_to"] = next(name for name in ELSE if name != input_sound.instrument)
        return input_sound
    who = st.selectbox("Example played by", EXAMPLES, format_func=str.capitalize,
                       key="translation_example", **PERSISTED,
                       help="A tune of our own on the synthesiser, for who has no recording at hand.")  # fmt: skip
    return Recording(File(f"Our tune ({who})", example(who), "flac"), who)


def settings_panel() -> Asked | None:
    """The controls; returns what is asked for once there is a recording. Refused when it is none."""
    input_sound, refusal = None, None
    try:
        input_sound = recording()
    except RequestError as refused:  # the other controls are drawn all the same
        refusal = refused
    seed = controls.new("translation_seed", "Another breath", help="The same with other noise of the breath.")
    source = controls.pick(Request, "source", choices=[AUTO, VOICE, *KNOWN], key="translation_from",
                           names=lambda n: SOURCES.get(n, n.capitalize()))  # fmt: skip
    target = controls.pick(Request, "target", choices=KNOWN, names=str.capitalize, key="translation_to")
    second = controls.pick(Request, "second", choices=KNOWN, names=str.capitalize, key="translation_second",
                           placeholder="Nothing")  # fmt: skip
    blend = controls.slider(Request, "blend", key="translation_blend") if second else field_of(Request, "blend").default
    also = st.multiselect(field_of(Request, "also").label, KNOWN, format_func=str.capitalize, key="translation_also",
                          placeholder="Nobody", help=field_of(Request, "also").option.help, **PERSISTED)  # fmt: skip
    amount = controls.slider(Request, "amount", key="translation_amount")
    dynamics = controls.slider(Request, "dynamics", key="translation_dynamics")
    up = st.slider("Transpose", -24, 24, 0, key="translation_transpose", format="%+d", **PERSISTED,
                   help=field_of(Request, "transpose").option.help)  # fmt: skip
    keeps = controls.toggle(Request, "keep_octave", key="translation_keep_octave")
    if refusal:
        raise refusal
    if input_sound is None:
        return None
    known = input_sound.instrument if source == AUTO and input_sound.instrument else source
    if known in (target, second, *also):
        raise RequestError(f"It is a {known} already; choose another instrument to translate to.")
    request = Request(input=input_sound.file, source=known, target=target, second=second, blend=blend,
                      also=tuple(also), amount=amount, dynamics=dynamics, transpose=up,
                      keep_octave=keeps, seed=seed)  # fmt: skip
    return Asked(request, input_sound.parents)


def controls_from(opened: opening.Opened) -> dict[str, Any]:
    """The controls of a take that is opened."""
    request = opened.request
    assert isinstance(request, Request)
    there = {take.id for take in opened.library.takes()}
    parent = next((id for id in opened.take.parents if id in there), None)
    return {
        "translation_way": "take" if parent else "file", "take for translation": parent,
        "translation_file kept": None if parent else request.input,
        "translation_from": request.source, "translation_to": request.target, "translation_second": request.second,
        "translation_blend": request.blend, "translation_also": list(request.also),
        "translation_amount": request.amount, "translation_dynamics": request.dynamics,
        "translation_transpose": round(request.transpose), "translation_keep_octave": request.keep_octave,
    }  # fmt: skip


def restored(opened: opening.Opened, asked: Asked | None, progress: Progress) -> tuple[Translation, Asked]:
    """What such a take holds, and the pitch that is heard before and after; runs in the worker."""
    held = opened.result(asked.request if asked else None)
    assert isinstance(held.request, Request) and held.audio
    recording = read_audio(held.request.input.content, name=held.request.input.name).mono()
    progress(0, 2)
    before = analyse(recording.resampled(RATE).samples)
    progress(1, 2)
    after = analyse(held.audio.resampled(RATE).samples)
    result = Translation(request=held.request, song=held.song, audio=held.audio, weights=held.weights,
                         remarks=held.remarks, report={"agreement": {}}, recording=recording, before=before,
                         after=after, octaves=0)  # fmt: skip
    return result, Asked(held.request, opened.take.parents)


def work(request: Request, progress: Progress) -> Translation:
    """Guess, translate, measure; runs in the worker."""
    guesses: tuple[tuple[str, float], ...] = ()
    model, _ = frame.cached_model("translation", PATH, load)
    if request.source == AUTO:
        request, guesses = identify(model, request)
    return replace(generate(model, request, progress=progress), guesses=guesses)


def pitch(frames: Frames) -> list[tuple[float, float] | None]:
    """The pitch line in (seconds, Hz), broken where unvoiced; thinned where it is long."""
    step = max(1, len(frames) // MOST_POINTS)
    at = np.arange(0, len(frames), step)
    return [(float(t * HOP / RATE), float(frames.f0_hz[t])) if frames.f0_hz[t] > 0 else None for t in at]


def a(name: str) -> str:
    """A noun with its article."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def result_view(made: jobs.JobResult) -> None:
    """Before and after, what was measured, downloads."""
    result: Translation = made.value
    request = result.request
    assert isinstance(request, Request) and result.audio
    if result.guesses:
        name, belief = result.guesses[0]
        heard = (f"It sounds like {a(name)} ({belief:.0%} sure)" if belief >= SURE
                 else f"It is hard to say what plays, perhaps {a(name)}")  # fmt: skip
        st.caption(f"{heard}; choose it yourself under From if that is wrong.")
    for remark in result.remarks:
        st.info(frame.plain(remark), icon=":material/info:")
    with st.container(key="original"):
        player.show("translation-before", audio=result.recording, title=f"Before: {request.source}", spectrogram=True,
                    lines=[player.Line("pitch", pitch(result.before))], group="translation")  # fmt: skip
    played = " and ".join(request.targets)
    player.show("translation-after", audio=result.audio, title=f"After: {played}", spectrogram=True,
                lines=[player.Line("pitch", pitch(result.after))], group="translation")  # fmt: skip
    takes.actions("translation", result, f"{request.source} to {played}", name=request.title,
                  parents=made.settings.parents)  # fmt: skip
    if measured := result.report["agreement"]:
        frame.details(
            f"Heard again: {measured['f0']:.1%} of the pitch within 50 cents, loudness correlation "
            f"{measured['loudness']:.2f} · {result.report['notes']} notes · weights {result.report['weights']} · "
            f"{made.seconds:.1f} s for {result.recording.seconds:.1f} s of sound"
        )
    inside.how_it_was_made("translation", result)


opening.put_back("translation", controls_from, restored)
left, right = st.columns([2.4, 1], gap="large")
asked: Asked | None = None
refusal = ""
with right, st.container(border=True, key="desk"):
    try:
        asked = settings_panel()
    except RequestError as refused:
        refusal = str(refused)
with left:
    if asked is not None:
        wanted = asked
        jobs.run_when_changed("translation", lambda progress: work(wanted.request, progress), settings=wanted,
                              label="Listening and translating")  # fmt: skip
    elif refusal:
        jobs.dismiss("translation")
        st.error(frame.plain(refusal), icon=":material/error:")
    elif jobs.empty("translation"):
        st.info("Choose a recording of one melody.", icon=":material/mic:")
    made = jobs.show("translation")
    if made:
        result_view(made)
