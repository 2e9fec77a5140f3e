# ruff: noqa: E501 - the cards' prose
"""The model cards of Translation: what it is for, what it learned from, its figures, its training curves, its spectrograms.

Written by `python -m training evaluate translation`. Beside README.md lie curves.png (the run's log) and
spectrograms.png (a held-out recording before and after, both ways).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from engine.core import checkpoint
from engine.translation import model as models
from engine.translation.analysis import analyse
from engine.translation.frames import RATE
from engine.translation.synthesis import synthesise
from engine.translation.transfer import translate
from training.core.runs import run_log
from training.translation.cyclegan import CYCLE, IDENTITY, NEAR, SLICED

matplotlib.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from training.translation.evaluate import Held

COLUMNS = {
    "f0": "F0 within 50 cents", "loudness": "loudness correlation", "judged": "judged the target",
    "nearest": "nearest real frame, dB", "change": "frame-to-frame, dB", "cycle_judged": "there and back: judged the source",
    "cycle_f0": "there and back: F0",
}  # fmt: skip
WAYS = {"ours": "**this model**", "swap": "untrained swap of profiles", "any": "one generator for all directions",
        "none": "no change", "equal": "static equalisation", "replay": "tracked melody through the soundfont"}  # fmt: skip
COMMAND = "python -m training evaluate translation"


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


def table(metrics: dict[str, dict[str, float]]) -> list[str]:
    """Markdown rows of the ways in one direction."""
    rows = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, values in metrics.items():
        cells = [f"{values[key]:.2f}" if key in ("nearest", "change") else f"{values[key]:.3f}" if key in values else ""
                 for key in COLUMNS if key in values or key not in ("nearest", "change")]  # fmt: skip
        rows.append(f"| {WAYS.get(name, name)} | " + " | ".join(cells) + " |")
    return rows


def directions(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The measured ways by direction."""
    return {name: ways for name, ways in metrics.items() if name != "real"}


def mean_of(metrics: dict[str, Any], way: str, key: str) -> float:
    """The mean of a measure over a checkpoint's directions."""
    found = [ways[way][key] for ways in directions(metrics).values() if way in ways and key in ways[way]]
    return float(np.mean(found)) if found else float("nan")


def off_real(metrics: dict[str, Any], way: str) -> float:
    """How far a way's frame-to-frame change lies from real recordings of the targets, dB, mean over directions."""
    found = [abs(ways[way]["change"] - metrics["real"][name.split("-")[1]]["change"])
             for name, ways in directions(metrics).items() if way in ways]  # fmt: skip
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
    seeds = [way for way in next(iter(directions(metrics).values())) if way.startswith("ours")]
    rows = [
        ("judged the target", {way: mean_of(metrics, way, "judged") for way in (*seeds, "swap")}, 3, 1, "better"),
        ("nearest real frame, dB", {way: mean_of(metrics, way, "nearest") for way in (*seeds, "swap")}, 2, -1, "nearer"),
        ("frame-to-frame change off the real one by, dB", {way: off_real(metrics, way) for way in (*seeds, "swap")}, 2, -1,
         "closer"),
    ]  # fmt: skip
    count = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed"
    for name, found, digits, sign, word in rows:
        wins = sum(sign * (found[way] - found["swap"]) > 0 for way in seeds)
        lines.append(
            f"- Beside the untrained swap, {name}: {', '.join(f'{found[way]:.{digits}f}' for way in seeds)} ({count}) against "
            f"{found['swap']:.{digits}f}: {word} in {wins} of {len(seeds)}."
        )
    return lines


def write_card(folder: Path, name: str, metrics: dict[str, Any], args: argparse.Namespace, held: Held) -> None:
    """README.md of a checkpoint, with its pictures."""
    config = checkpoint.read_config(folder)
    model = models.load(folder, "cpu")
    a, b = name.split("-") if name != "any" else ("flute", "cello")
    drawn = curves(args.run / f"{name}-0", folder / "curves.png") or (folder / "curves.png").is_file()
    spectrograms(model, a, b, held, folder / "spectrograms.png")
    what = f"{a} ⇄ {b}" if name != "any" else "every pair of the seven instruments, through one generator"
    steps = config.get("steps", 0)
    start = "untrained swap of profiles" if config.get("start") == "swap" else "generator for all directions"
    trained = (
        f"Trained for {steps} steps of batch {config.get('batch')}, seed {config.get('seed')}, from the {start}: least squares, "
        f"cycle {CYCLE:g}, identity {IDENTITY:g}, sliced Wasserstein {SLICED:g}, nearest real frame {NEAR:g}, replay buffer of "
        "128; all rates fall to nothing over the second half."
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
        "One melody at a time, between trombone, trumpet, flute, clarinet, saxophone, violin and cello. Speech, chords and "
        "noise are noticed and said; of them only what has a pitch is carried over. Sound comes back mono at 16 kHz.",
        "",
        "## Data",
        f"{CREDIT_LINE} Files are split by name into train, validation and test (80/10/10); only train was learned from.",
        "",
        "## How",
        f"Frames of 64 values every 16 ms (40 knots over the harmonic numbers, 24 bands of residual noise, relative to the "
        "frame's power), whitened by each instrument's profile over pitch and loudness. Resynthesis with no model between, in "
        "dB of log-mel distance over 42 recordings: all harmonics 1.56, these knots 1.61, 64 points over frequency 1.72, 40 "
        "points 1.81, a mel spectrogram with Griffin-Lim 4.97; knots over harmonic numbers lose next to nothing. "
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
        *TRIED,
        "",
    ]
    checkpoint.write_whole(folder / "README.md", "\n".join(out).encode())


# One seed, flute ⇄ trombone unless said; the first figure is flute → trombone, the second the way back.
TRIED = (
    "- Windows of 1,024 samples for every pitch and harmonics read at the nearest bin: resynthesis 2.64 dB, and the judge knew "
    "75% of the real recordings again. Windows of five periods, harmonics at the summit of a parabola, and noise from "
    "whichever of two windows leaks less: 1.61 dB, 86%.",
    "- Starting with 40% of the slow residual kept, cycle 3, identity 1, one generator for all directions: after 300 "
    "steps farther from real frames than the untrained swap, and judged the target less often.",
    "- Matching the discriminator's features instead of sliced distances: hardly a change in 300 steps.",
    "- A generator that can only add to the fast residual, not turn it down: a flute's breath stays in the trombone (judged "
    "0.17 after 60 steps). With a gain: 0.72 after 240; frame-to-frame change 3.3 dB (swap 4.2, real 2.2).",
    "- More steps, clarinet and cello, three seeds, 600 → 2,000: judged 0.73, 0.72, 0.68 → 0.78, 0.74, 0.84, nearest 4.36, 4.33, "
    "4.35 → 4.23, 4.20, 4.23 dB, change off the real one by 0.41, 0.41, 0.42 → 0.49, 0.38, 0.44 dB, there and back 0.98 → 0.90 of "
    "real. The other pairs reach their aims with 600.",
    "- Weights, 400 steps, 24 recordings a side. Untrained swap: judged 0.38 and 0.98, nearest 4.99 and 4.78 dB, change 3.97 "
    "and 4.06 (real 2.2 and 4.6). Nearest 0.4: 0.73 and 1.00, 4.23 and 4.93, 2.86 and 4.58. Nearest 1: 0.80 and 0.96, 4.15 "
    "and 4.72, 2.76 and 4.34; with slower judges 0.78 and 0.94, 4.18 and 4.82, 2.80 and 4.36. Sliced 15: 0.68 and 0.98, 4.20 "
    "and 4.96, 2.84 and 4.26. Nearest 2, cycle 2, slower judges (shipped): 0.90 and 0.90, 4.00 and 4.45, 2.94 and 4.25.",
)

CREDIT_LINE = (
    "Single notes and phrases of the Philharmonia Orchestra's samples (free to use, not to be sold or handed on as samples) "
    "and of the University of Iowa's Musical Instrument Samples (free, no restrictions)."
)
