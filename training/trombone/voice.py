"""Fits what lies beside SampleRNN's weights: what takes differ by, the bands above it, its colour and breath.

    a network, prepared notes, recordings at 44.1 kHz  →  Tables, Extension

It is done once a network, in some minutes: the bands and the noise of training notes that it plays are measured beside
the recordings, and what is lacking is put into the tables.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.core.pitch import midi_hz
from engine.trombone.extension import Extension
from engine.trombone.notes import Tables, played
from engine.trombone.request import TEMPERATURE
from engine.trombone.sampler import Sampler
from training.trombone.batches import Notes
from training.trombone.extension import Played, examples, fit_layers, fit_tables, untuned
from training.trombone.judge import recordings
from training.trombone.playing import tables
from training.trombone.takes import tuning


def fit(sampler: Sampler, notes: Notes, data: Path, seed: int) -> tuple[Tables, Extension]:
    """All of it, from training recordings alone."""
    index = notes.index
    trained = (index["split"] == 0) & (index["copy"] == 0)
    reverberant = trained & (index["room"] == 0)
    heard = recordings(index, data, np.flatnonzero(reverberant if reverberant.any() else trained))
    layers = fit_layers(*examples(heard), seed=seed)
    cents = np.array([1200 * np.log2(h.f0_hz / midi_hz(h.midi)) for h in heard])
    spread = tuning(cents, np.array([h.midi * 8 + h.dynamic for h in heard]))
    made_of = tables(notes)
    made_of = replace(made_of, takes=replace(made_of.takes, tuning=spread))
    generators = [np.random.default_rng((seed, i)) for i in range(len(heard))]
    sounds, told = played(sampler, made_of, [h.spec for h in heard], generators, TEMPERATURE)
    notes_played = [Played(s, t.phase, float(h.midi), h) for s, t, h in zip(sounds, told, heard)]
    return made_of, fit_tables(untuned(layers), notes_played)
