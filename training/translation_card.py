# ruff: noqa: E501 - the cards' prose
"""The model cards of Translation: what it is for, what it learned from, its figures, its training curves, its spectrograms.

Written by `python -m training.translation evaluate`. Beside README.md lie curves.png (the run's log) and
spectrograms.png (a held-out recording before and after, both ways).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from engine import checkpoint
from engine import translation as engine
from engine.translation_sound import RATE, analyse, synthesise

matplotlib.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from training.translation_evaluate import Held

COLUMNS = {
    "f0": "F0 within 50 cents", "loudness": "loudness correlation", "judged": "judged the target",
    "nearest": "nearest real frame, dB", "change": "frame-to-frame, dB", "cycle_judged": "there and back: judged the source",
    "cycle_f0": "there and back: F0",
}  # fmt: skip
WAYS = {"ours": "**this model**", "swap": "untrained swap of profiles", "any": "one generator for all directions",
        "none": "no change", "equal": "static equalisation", "replay": "tracked melody through the soundfont"}  # fmt: skip
COMMAND = "python -m training.translation evaluate"


def curves(run: Path, path: Path) -> bool:
    """Draw a run's log; False where there is none."""
    from training.translation import log_of

    log = log_of(run)
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


def spectrograms(model: engine.Model, a: str, b: str, held: Held, path: Path) -> None:
    """Draw a held-out recording of each instrument before and after, with its pitch."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 6), layout="constrained", sharey=True)
    for row, (source, target) in zip(axes, ((a, b), (b, a))):
        sound = held.recordings[source][0][: 4 * RATE]
        frames = analyse(sound)
        after, _ = engine.translate(model, frames, source, target)
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


def table(metrics: dict[str, dict[str, float]]) -> list[str]:
    """Markdown rows of the ways in one direction."""
    rows = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, values in metrics.items():
        cells = [f"{values[key]:.2f}" if key in ("nearest", "change") else f"{values[key]:.3f}" if key in values else ""
                 for key in COLUMNS if key in values or key not in ("nearest", "change")]  # fmt: skip
        rows.append(f"| {WAYS.get(name, name)} | " + " | ".join(cells) + " |")
    return rows


def mean_of(metrics: dict[str, Any], way: str, key: str) -> float:
    """The mean of a measure over a checkpoint's directions."""
    found = [ways[way][key] for name, ways in metrics.items() if name != "real" and way in ways and key in ways[way]]
    return float(np.mean(found)) if found else float("nan")


def verdict(metrics: dict[str, Any]) -> list[str]:
    """What the figures say of the aims, one line each, whichever way they fell."""
    real = float(np.mean([values["judged"] for values in metrics["real"].values()]))
    resynthesised = float(np.mean([values["judged_resynthesised"] for values in metrics["real"].values()]))
    judged, cycle = mean_of(metrics, "ours", "judged"), mean_of(metrics, "ours", "cycle_judged")
    aims = [
        ("F0 within 50 cents", mean_of(metrics, "ours", "f0"), 0.95),
        ("loudness correlation", mean_of(metrics, "ours", "loudness"), 0.9),
        ("judged the target, as a share of the judge's accuracy on real recordings", judged / real, 0.8),
        ("there and back, as a share of the judge's accuracy on real recordings", cycle / real, 0.88),
    ]
    lines = [f"- {name}: {value:.3f}; the aim is {aim}: {'reached' if value >= aim else f'missed by {aim - value:.3f}'}."
             for name, value, aim in aims]  # fmt: skip
    lines.append(
        f"- The judge is right on {real:.3f} of real held-out recordings, {resynthesised:.3f} after resynthesis alone."
    )
    trained = any(ways.get("swap") not in (None, ways["ours"]) for name, ways in metrics.items() if name != "real")
    if trained:
        gap = {way: np.mean([abs(ways[way]["change"] - metrics["real"][name.split("-")[1]]["change"])
                             for name, ways in metrics.items() if name != "real"]) for way in ("ours", "swap")}  # fmt: skip
        near = {way: mean_of(metrics, way, "nearest") for way in ("ours", "swap")}
        swap = mean_of(metrics, "swap", "judged")
        lines += [
            f"- Beside the untrained swap: judged {judged:.3f} against {swap:.3f} "
            f"({'better' if judged > swap else 'not better'}); nearest real frame {near['ours']:.2f} against "
            f"{near['swap']:.2f} dB ({'nearer' if near['ours'] < near['swap'] else 'not nearer'}); frame-to-frame change off "
            f"the real one by {gap['ours']:.2f} against {gap['swap']:.2f} dB "
            f"({'closer' if gap['ours'] < gap['swap'] else 'not closer'})."
        ]
    return lines


def write_card(folder: Path, name: str, metrics: dict[str, Any], args: argparse.Namespace, held: Held) -> None:
    """README.md of a checkpoint, with its pictures."""
    config = checkpoint.read_config(folder)
    model = engine.load(folder, "cpu")
    a, b = name.split("-") if name != "any" else ("flute", "cello")
    drawn = curves(args.runs / f"{name}-0", folder / "curves.png")
    spectrograms(model, a, b, held, folder / "spectrograms.png")
    what = f"{a} ⇄ {b}" if name != "any" else "every pair of the seven instruments, through one generator"
    steps = config.get("steps", 0)
    start = "untrained swap of profiles" if config.get("start") == "swap" else "generator for all directions"
    trained = (
        f"Trained for {steps} steps of batch {config.get('batch')}, seed {config.get('seed')}, from the {start}: least squares, "
        "cycle 1, identity 0.3, sliced Wasserstein 5, nearest real frame 0.4, replay buffer of 128."
        if steps
        else "**These generators are not trained yet** (0 steps): they are the start that training goes on from, the swap of "
        "profiles that keeps the fast residual, and the figures are that start's."
    )
    if 0 < steps < 300:
        trained += " **That is far too few steps to be the end of it**: training stopped for want of time."
    out = [
        f"# Translation: {what}",
        "",
        "A recording of one melody instrument, performed again on another: pitch, timing and dynamics are kept, the timbre "
        "is translated by "
        + (
            "the generators of a CycleGAN of LSTMs (two generators and two discriminators, three layers each)."
            if name != "any"
            else "one LSTM generator of three layers that is told source and target, trained as a CycleGAN "
            "against one discriminator that is told which instrument it should hear."
        ),
        "",
        "    " + (f"python -m engine translation --input {a}.wav --from {a} --to {b} --out {b}.wav"),
        "",
        "## For what",
        "One melody at a time, between trombone, trumpet, flute, clarinet, saxophone, violin and cello. Chords, speech and "
        "noise are noticed and said, not translated. Sound comes back mono at 16 kHz.",
        "",
        "## Data",
        f"{CREDIT_LINE} Files are split by name into train, validation and test (80/10/10); only train was learned from.",
        "",
        "## How",
        f"Frames of 64 values every 16 ms (40 knots over the harmonic numbers, 24 bands of residual noise, relative to the "
        "frame's power), whitened by each instrument's profile over pitch and loudness. Resynthesis with no model between, in "
        "dB of log-mel distance over 42 recordings: all harmonics 2.60, these knots 2.64, 64 points over frequency 2.77, 40 "
        "points 2.85, a mel spectrogram with Griffin-Lim 4.97; knots over harmonic numbers lose next to nothing. "
        f"{trained} "
        f"{config.get('parameters', 0):,} parameters.",
        "",
        *(["![curves](curves.png)", ""] if drawn else []),
        "## Figures",
        f"`{COMMAND}`, on held-out recordings: phrases, and melodies joined from notes. The judge is a support vector "
        "machine over MFCC statistics of the sound.",
        "",
        *verdict(metrics),
        "",
    ]
    for direction, ways in metrics.items():
        if direction != "real":
            source, target = direction.split("-")
            out += [f"### {source} → {target}", "", *table({name: values for name, values in ways.items() if name == "ours" or values != ways["ours"]}),
                    f"| real {target} | | | {metrics['real'][target]['judged']:.3f} | {metrics['real'][target]['nearest']:.2f}"
                    f" | {metrics['real'][target]['change']:.2f} | | |", ""]  # fmt: skip
    out += [
        "## Before and after",
        "![spectrograms](spectrograms.png)",
        "",
        "## Limits",
        "- The recordings were levelled by those who made them, so how loudness colours an instrument is learned from "
        "attacks and releases alone.",
        "- Nothing above 8 kHz; vibrato and bends are the source's; a note's onset keeps the source's shape.",
        "- Where a melody moves by octaves, it moves as a whole; single notes may still lie outside the target's range.",
        "- Tremolo, fluttertonguing and fast leaps are where the tracker errs, and an error is played as it was tracked.",
        "",
        "## What was tried",
        "- Starting with 40% of the slow residual kept, cycle 3, identity 1, one generator for all directions: after 300 "
        "steps farther from real frames than the untrained swap (5.2 against 4.8 dB) and judged the target less often "
        "(0.54 against 0.73 over four directions); cycle and identity hold the source fast.",
        "- Weaker cycle (1) and identity (0.3), sliced Wasserstein distances and the distance to the nearest real frame, from "
        "the swap: 25 steps moved flute → trombone from judged 0.25 to 0.45, nearest 4.88 to 4.68 dB, change 2.43 to 2.12 dB "
        "(real 1.39); trombone → flute was judged the flute less often (0.94 to 0.81). One seed.",
        "- Matching the discriminator's features instead of sliced distances: hardly a change in 300 steps.",
        "- Interpolating the harmonics' frequencies between bins brings the resynthesis from 2.64 to 2.42 dB; it waits for "
        "the frames to be prepared anew.",
        "",
    ]
    checkpoint.write_whole(folder / "README.md", "\n".join(out).encode())


CREDIT_LINE = (
    "Single notes and phrases of the Philharmonia Orchestra's samples (free to use, not to be sold or handed on as samples) "
    "and of the University of Iowa's Musical Instrument Samples (free, no restrictions)."
)
