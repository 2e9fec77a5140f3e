"""The pictures of Translation's model cards: a run's log, and held-out recordings before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from engine.translation import model as models
from engine.translation.analysis import analyse
from engine.translation.frames import RATE
from engine.translation.synthesis import synthesise
from engine.translation.transfer import translate
from training.core.runs import run_log

matplotlib.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from training.translation.evaluate import Held


def curves(run: Path, path: Path) -> bool:
    """Draw a run's log; False where there is none."""
    log = run_log(run) if (run / "log.jsonl").is_file() else []
    starts = [i for i, row in enumerate(log) if i and row["step"] <= log[i - 1]["step"]]
    log = log[starts[-1] :] if starts else log
    if len(log) < 2:
        return False
    step = [row["step"] for row in log]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
    for axis, names in zip(axes, (("fool", "judge", "judge_right"), ("cycle", "identity", "sliced"), ("near",))):
        for name in names:
            axis.plot(step, [row.get(name, np.nan) for row in log], label=name)
        axis.set_xlabel("step")
        axis.legend(frameon=False)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=75)
    plt.close(figure)
    return True


def spectrograms(model: models.Model, a: str, b: str, held: Held, path: Path) -> None:
    """Draw a held-out recording of each instrument before and after, with its pitch."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 6), layout="constrained", sharey=True)
    for row, (source, target) in zip(axes, ((a, b), (b, a))):
        sound = held.recordings[source][0][: 4 * RATE]
        frames = analyse(sound)
        after, _ = translate(model, frames, source, target)
        for axis, samples, f0_hz, title in (
            (row[0], sound, frames.f0_hz, f"{source}, as recorded"),
            (row[1], synthesise(after, len(sound)), after.f0_hz, f"on the {target}"),
        ):
            power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(
                np.pad(samples, 512), 1024)[::128] * np.hanning(1024))).T ** 2  # fmt: skip
            db = 10 * np.log10(power / power.max() + 1e-8)
            seconds = len(samples) / RATE
            axis.imshow(db, origin="lower", aspect="auto", vmin=-70, extent=(0, seconds, 0, 8), cmap="magma")
            line = np.where(f0_hz > 0, f0_hz, np.nan) / 1000
            axis.plot(np.arange(len(line)) * 256 / RATE, line, color="#7fd6ff", linewidth=0.8)
            axis.set(title=title, xlim=(0, seconds), ylim=(0, 8), ylabel="kHz")
    figure.savefig(path, dpi=75)
    plt.close(figure)
