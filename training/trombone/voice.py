"""Fits what lies beside SampleRNN's weights: what takes differ by, the bands above it, its colour and breath.

    a network, prepared notes, recordings at 44.1 kHz  →  Tables, Extension

It is done once a network, in some minutes: what the network does of itself is measured on training notes that it plays,
and only what is lacking is put into the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.trombone.conditions import Conditions, loudness_curve
from engine.trombone.extension import Extension
from engine.trombone.notes import Tables, played
from engine.trombone.request import TEMPERATURE
from engine.trombone.sampler import Sampler
from engine.trombone.takes import TakeTables
from training.trombone.batches import Notes
from training.trombone.extension import Played, examples, fit_layers, fit_tables, untuned
from training.trombone.judge import recordings
from training.trombone.playing import tables
from training.trombone.takes import Movement, beyond_the_network, movement_of

EACH = 3  # of so many training recordings one is played


def fit(sampler: Sampler, notes: Notes, data: Path, seed: int) -> tuple[Tables, Extension]:
    """All of it, from training recordings alone."""
    index = notes.index
    trained = (index["split"] == 0) & (index["copy"] == 0)
    reverberant = trained & (index["room"] == 0)
    heard = recordings(index, data, np.flatnonzero(reverberant if reverberant.any() else trained))
    layers = fit_layers(*examples(heard), seed=seed)
    chosen = heard[::EACH]
    made_of = tables(notes)

    def play(using: TakeTables) -> tuple[list[np.ndarray], list[Conditions]]:
        generators = [np.random.default_rng((seed, i)) for i in range(len(chosen))]
        asked = replace(made_of, takes=using)
        return played(sampler, asked, [h.spec for h in chosen], generators, TEMPERATURE)

    def movements(using: TakeTables) -> Sequence[Movement | None]:
        sounds, told = play(using)
        return [
            movement_of(s.astype(np.float64), t.phase, loudness_curve(s), h.midi, h.dynamic)
            for s, t, h in zip(sounds, told, chosen)
        ]

    takes = beyond_the_network(made_of.takes, movements)
    sounds, told = play(takes)
    notes_played = [Played(s, t.phase, float(h.midi), h) for s, t, h in zip(sounds, told, chosen)]
    return replace(made_of, takes=takes), fit_tables(untuned(layers), notes_played)
