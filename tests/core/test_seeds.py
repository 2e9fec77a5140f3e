"""Every seed: what holds for the few seeds of the other tests holds for hundreds."""

import numpy as np
import pytest

from engine import band, melody, trombone, variation
from engine.melody.composing import compose
from engine.melody.request import Request
from engine.trombone.conditions import HIGHEST, LOWEST
from tests.studio import tune
from tests.variation.songs import vary
from training.melody.evaluate import read_back

pytestmark = pytest.mark.long
SEEDS = range(300)


def sound(song) -> None:
    """Every note lies in the song and on the keyboard, and no pitch is struck while it sounds."""
    for track in song.tracks:
        ends: dict[int, float] = {}
        for note in sorted(track.notes, key=lambda n: n.onset):
            assert note.onset >= 0 and note.duration > 0 and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
            assert track.is_drum or ends.get(note.pitch, 0.0) <= note.onset + 1e-6
            ends[note.pitch] = note.end


def test_band_writes_sound_songs_for_every_seed():
    model = band.load(device="cpu")
    for seed in SEEDS:
        genre = {model.genres[seed % len(model.genres)]: 1.0}
        song = band.generate(model, band.Request(genre=genre, seed=seed, bars=4)).song
        assert 0 < max(note.end for track in song.tracks for note in track.notes) <= 16 + 1e-6
        sound(song)


def test_variation_writes_sound_songs_for_every_seed():
    model = variation.load(device="cpu")
    for seed in SEEDS:
        sound(vary(model, tune(1 + seed % 7), noise=0.1 + (seed % 20) / 10, seed=seed))


def test_melody_writes_whole_tunes_for_every_seed():
    model = melody.load(device="cpu")
    for seed in SEEDS:
        request = Request(key=("G", "D", "Am", "Edor")[seed % 4], meter=("4/4", "6/8", "3/4")[seed % 3])
        written = compose(model, request, seed=seed)
        assert all(read_back(written, request).values()), written.tune.abc


def test_trombone_plays_whole_notes_for_every_seed():
    model = trombone.load()
    for seed in SEEDS[::6]:
        midi = LOWEST + seed % (HIGHEST - LOWEST)
        audio = trombone.generate(model, trombone.Request(seed=seed, note=midi, seconds=0.5)).audio
        assert 0.5 < audio.seconds < 1.6 and np.isfinite(audio.samples).all()
        assert 1e-3 < np.abs(audio.samples).max() < 1
