"""How many notes of known lines are heard, and their tempo: recordings that nothing learned from, joined to lines.

    python -m training evaluate listen --prepared prepared/listen

A note is right where its beginning is within 50 ms and its pitch within 50 cents of a note that was played, no octave
forgiven (mir_eval; Raffel et al. 2014).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mir_eval
import numpy as np

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint
from engine.core.audio import Audio
from engine.core.pitch import midi_hz
from engine.listen.listening import Heard, listen
from engine.listen.spectrum import RATE
from engine.translation.analysis import analyse
from engine.translation.frames import RATE as TRACKER_RATE
from engine.translation.transcription import melody as melody_of
from training.core import cards
from training.core.cards import rounded
from training.core.options import add_common
from training.listen.lines import Line, Notes, joined, melody, noisy, roomed
from training.listen.voice import SOUNDS, sung

SECONDS = 10.0  # of a line
TEMPI = (80.0, 160.0)
TEMPO_NEAR = 0.04  # of a tempo, or of its double or half
STYLES = ("legato", "staccato")
EACH = 3  # lines of each instrument in each style
WITHIN = 2  # where the notes of a line are cut: within 18 dB of their loudest


def heard_by_ear(line: Line) -> Heard | None:
    """What is heard of a line; nothing where it is refused."""
    try:
        return listen(Audio(line.samples, RATE))
    except RequestError:
        return None


def f1(line: Line, heard: Heard | None) -> float:
    """The F1 of its notes."""
    if heard is None:
        return 0.0
    spans = np.array([[begin, max(end, begin + 0.01)] for begin, end in heard.seconds])
    pitches = midi_hz(np.array([note.pitch for note in heard.notes], float))
    known = np.stack([line.onsets, np.maximum(line.ends, line.onsets + 0.01)], 1)
    *_, score, _ = mir_eval.transcription.precision_recall_f1_overlap(
        known, midi_hz(line.pitches.astype(float)), spans, pitches, onset_tolerance=0.05, pitch_tolerance=50.0,
        offset_ratio=None,
    )  # fmt: skip
    return float(score)


def tempo_right(line: Line, heard: Heard | None) -> bool:
    """Whether the tempo is right, or its double or half."""
    ratios = [heard.tempo / line.tempo * each for each in (0.5, 1, 2)] if heard else [0.0]
    return any(abs(ratio - 1) <= TEMPO_NEAR for ratio in ratios)


def heard_by_tracker(line: Line) -> Any:
    """The line as Translation's tracker has it: what `f1` looks at."""
    song = melody_of(analyse(Audio(line.samples, RATE).resampled(TRACKER_RATE).samples))
    notes = song.tracks[0].notes
    at = song.clock()
    return SimpleNamespace(notes=notes, seconds=[(at(note.onset), at(note.end)) for note in notes]) if notes else None


def lines(
    notes: Notes, seed: int = 0, each: int = EACH, within: int | None = WITHIN
) -> Iterator[tuple[str, str, Line]]:
    """(instrument, style, line) of all instruments."""
    random = np.random.default_rng(seed)
    for name in sorted(notes.of):
        for style in STYLES:
            for _ in range(each):
                plan = melody(notes, name, random.uniform(*TEMPI), SECONDS, random)
                yield name, style, joined(notes, name, plan, style, random, within=within)


def conditions(notes: Notes, each: int) -> Iterator[tuple[str, str, Line]]:
    """(instrument or "", condition, line) of all that is measured."""
    random = np.random.default_rng(1)
    for name, style, line in lines(notes, each=each):
        yield name, style, line
        yield "", "noise", noisy(line, random)
        yield "", "room", roomed(line, random)
    for sound in SOUNDS:
        for _ in range(4 * each):
            yield "", sound, sung(sound, random.uniform(*TEMPI), SECONDS, random)


def measure(notes: Notes, each: int = EACH) -> dict[str, dict[str, float]]:
    """Every figure of the card: F1 by condition and by instrument, the tracker's beside them, and tempi."""
    ours, tracker, instruments = (defaultdict(list) for _ in range(3))
    tempi: list[bool] = []
    for name, condition, line in conditions(notes, each):
        heard = heard_by_ear(line)
        ours[condition].append(f1(line, heard))
        tracker[condition].append(f1(line, heard_by_tracker(line)))
        if name:
            instruments[name].append(ours[condition][-1])
            tempi.append(tempo_right(line, heard))
    f1s, others, by = ({k: float(np.mean(v)) for k, v in each.items()} for each in (ours, tracker, instruments))
    return {"f1": f1s, "tracker": others, "instruments": by, "tempo": {"right": float(np.mean(tempi))}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured."""
    add_common(parser, prepared=Path("prepared/listen"), checkpoint=CHECKPOINTS / "listen", threads=0)


def run(args: argparse.Namespace) -> None:
    """Print the figures, and write them into config.json and its card."""
    metrics = measure(Notes(args.prepared, 2))
    for name, figures in metrics.items():
        print(f"{name}: " + ", ".join(f"{what} {value:.3f}" for what, value in figures.items()))
    checkpoint.update(args.checkpoint, metrics=rounded(metrics))
    cards.write(args.checkpoint)
