"""The picture of Translation's model card: held-out recordings before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from engine.translation import model as models
from engine.translation.frames import HOP, RATE, TOP
from engine.translation.synthesis import synthesise
from engine.translation.transfer import translate

matplotlib.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from training.translation.evaluate import Held


def spectrograms(model: models.Model, held: Held, path: Path) -> None:
    """Draw six translations of held-out recordings: the source, what is made of it, the target as it is recorded."""
    names = model.config.instruments
    count = min(6, len(names))
    figure, axes = plt.subplots(count, 3, figsize=(13, 2.6 * count), layout="constrained", sharey=True, squeeze=False)
    for number, row in enumerate(axes):
        source, target = names[number * len(names) // count], names[(number * len(names) // count + 4) % len(names)]
        if source == target:
            target = names[0] if source != names[0] else names[1]
        sound, frames = held.recordings[source][0][: 4 * RATE], held.frames[source][0][: 4 * RATE // HOP + 1]
        after, _ = translate(model, frames, source, target)
        shown = (
            (sound, f"{source}, as recorded"),
            (synthesise(after, len(sound)), f"on the {target}"),
            (held.recordings[target][0][: 4 * RATE], f"a real {target}"),
        )
        for axis, (samples, title) in zip(row, shown):
            power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(
                np.pad(samples, 1024), 2048)[::352] * np.hanning(2048))).T ** 2  # fmt: skip
            db = 10 * np.log10(power / power.max() + 1e-9)
            seconds = len(samples) / RATE
            axis.imshow(db, origin="lower", aspect="auto", vmin=-80, extent=(0, seconds, 0, RATE / 2000), cmap="magma")
            axis.set(title=title, xlim=(0, seconds), ylim=(0, TOP / 1000), ylabel="kHz")
    figure.savefig(path, dpi=70)
    plt.close(figure)
