"""How a note of Trombone was made: what its samples were drawn from, its pitch and loudness, and a recording beside it.

    trombone.draw(result)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.core.audio import Audio
from engine.core.pitch import note_name
from engine.core.result import Result
from engine.trombone import Request, load
from engine.trombone.conditions import DYNAMICS
from engine.trombone.model import Model
from engine.trombone.notes import LEAD
from engine.trombone.pitch import RATE
from ui.inside import model_of

if TYPE_CHECKING:
    from engine.trombone.inside import Moment

CODE = "engine/trombone/inside.py"
AT = 0.1  # seconds into a note: the tone stands
HIGHEST = 8000.0  # Hz, of what the network itself plays


@st.cache_data(max_entries=16, show_spinner=False)
def _moment(sha256: str, _model: Model, request: str, files: dict[str, bytes], _request: Request, number: int,
            at: float) -> Moment:  # fmt: skip
    from engine.trombone import inside  # here, because it brings PyTorch

    return inside.moment(_model, _request, number, at)


def _chosen(names: list[str]) -> int:
    """Which of the notes is looked at."""
    if len(names) == 1:
        return 0
    number = st.selectbox("Note", range(len(names)), key="trombone_inside_note", help="Whose making is shown.",
                          format_func=lambda n: f"{n + 1}: {names[n]}")  # fmt: skip
    return number or 0


def draw(result: Result) -> None:
    """The plots of one note of a result."""
    from engine.trombone import inside
    from ui import plots  # here, because it brings plotly
    from ui.plots import trombone as figures
    from ui.plots.spectrogram import spectrograms

    request, audio = result.request, result.audio
    assert isinstance(request, Request) and audio is not None and result.song is not None
    model = model_of(request, load, result.weights)
    notes = inside.notes_of(request)
    number = _chosen([note_name(round(note.spec.midi)) for note in notes])
    note = notes[number]
    at = st.slider("At", 0.0, round(max(note.spec.seconds, 2 * AT), 2), AT, 0.01, format="%.2f s",
                   key=f"trombone_inside_at_{number}",
                   help="Which moment of the note is looked at; later ones take a little longer.")  # fmt: skip
    seen = _moment(model.sha256, model, repr(request), request.files, request, number, at)
    config = model.sampler.config
    figure, table = figures.drawn(seen, (config.frame * config.ratio, config.frame))
    plots.show("trombone moment", figure, table, title="What each sample was drawn from",
               says="16,000 times a second the network says how likely each of 256 levels is, and one is drawn, "
                    f"{seen.bits:.1f} bits of surprise each; Breath is how much of the draw is kept. It leans on the "
                    "note's harmonics (the prior), adds what it has learned (the residual), and two slower tiers tell "
                    "it every 64 and every 16 samples where in the note it is.", code=CODE)  # fmt: skip
    begin = round(note.start * audio.rate)
    until = round(notes[number + 1].start * audio.rate) if number + 1 < len(notes) else len(audio.samples)
    alone = Audio(audio.samples[begin:until], audio.rate)
    told, _ = inside.told(model, request, number)
    figure, table = figures.whole(told, alone, LEAD * note.spec.slurred)
    plots.show("trombone note", figure, table, title="Pitch and loudness of the whole note",
               says="Before a sample is played a take is drawn: how its pitch wanders and how it swells, as takes of "
                    "recordings do. Dotted is what was asked, the line what is heard in the sound.",
               code="engine/trombone/takes.py")  # fmt: skip
    near = inside.nearest(model, note.spec)
    named = f"{note_name(round(near.midi))}, {DYNAMICS[round(near.dynamic)]}, about {near.seconds:.1f} s"
    figure, table = spectrograms({"Played": alone, f"The recording nearest to it: {named}": Audio(near.sound, RATE)},
                                 HIGHEST)  # fmt: skip
    plots.show("trombone spectrogram", figure, table, title="Beside the recording nearest to it",
               says="Of all recordings that it learned from the weights keep the harmonics and how loud they were, "
                    "not the sound; so what stands below has neither breath nor movement of its own.",
               code=CODE)  # fmt: skip
