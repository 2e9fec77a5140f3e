"""How a translation was made: the profiles of both instruments, what stays, what goes, and the way back.

    translation.draw(result)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.core.audio import Audio
from engine.translation import load
from engine.translation.request import VOICE, Request
from ui.inside import model_of

if TYPE_CHECKING:
    from engine.translation.generate import Translation

CODE = "engine/translation/inside.py"


def draw(result: Translation) -> None:
    """The plots of some seconds of a result."""
    from engine.translation import inside  # here, because it brings PyTorch
    from ui import plots  # here, because it brings plotly
    from ui.plots import translation as figures
    from ui.plots.spectrogram import spectrograms

    request, audio = result.request, result.audio
    assert isinstance(request, Request) and audio is not None
    model = model_of(request, load, result.weights)
    start = 0.0
    if result.recording.seconds > inside.SECONDS:
        start = st.slider("From", 0.0, round(result.recording.seconds - inside.SECONDS, 1), 0.0, 0.5, format="%.1f s",
                          key="translation_inside_from",
                          help=f"{inside.SECONDS:g} seconds from there on are looked at.")  # fmt: skip
    seen = inside.look(model, result, start)
    if seen is None:
        st.info("No pitch is heard in these seconds, so that there is nothing to compare.", icon=":material/info:")
        return
    source = "the voice" if request.source == VOICE else request.source
    figure, table = figures.profiles(seen, source, request.target)
    plots.show("translation profiles", figure, table, title="The timbre that goes, and the one that comes",
               says="How strong each harmonic is, on average: dotted as the instruments' recordings have it at these "
                    "pitches and this loudness, the lines as it is in these seconds.",
               code="engine/translation/profile.py")  # fmt: skip
    figure, table = figures.left(seen, start)
    plots.show("translation left", figure, table, title="What is left for the network",
               says="With the average taken out there remains how this performance strays from it, attack by attack. "
                    "The network says how the other instrument would stray.", code=CODE)  # fmt: skip
    figure, table = figures.kept(seen, start)
    plots.show("translation kept", figure, table, title="Pitch and loudness stay",
               says="What is carried over as it is, but for octaves and what was asked for: wide before, narrow after.",
               code="engine/translation/transfer.py")  # fmt: skip
    if seen.back is not None:
        figure, table = figures.way_back(seen, request.target)
        plots.show("translation back", figure, table, title="There and back",
                   says="Translated to the first instrument again, it should be the recording: so CycleGAN learns "
                        "without pairs. The nearer to 0, the more of the performance was kept.",
                   code="training/translation/cyclegan.py")  # fmt: skip
    sounds = {"Before": result.recording, "After": audio}
    figure, table = spectrograms({
        name: Audio(each.samples[round(start * each.rate) : round((start + inside.SECONDS) * each.rate)], each.rate)
        for name, each in sounds.items()
    })  # fmt: skip
    plots.show("translation spectrograms", figure, table, title="Before and after",
               says=f"On the same axes, from {start:g} s on: lines are harmonics, what lies between is breath.",
               code="engine/translation/synthesis.py")  # fmt: skip
