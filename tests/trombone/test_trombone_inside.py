"""Inside Trombone: a moment is what is played, distributions are the network's own, the nearest recording is one."""

import numpy as np
import pytest
import torch

from engine import trombone
from engine.core.audio import Audio
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.trombone import inside
from engine.trombone.notes import play
from engine.trombone.pitch import RATE
from engine.trombone.sampler import prepared
from tests.studio import app, refusals, settled
from ui.plots import trombone as figures
from ui.plots.spectrogram import BANDS, spectra, spectrograms

ASKED = trombone.Request(note=58, seconds=0.3, seed=7)
SLURRED = trombone.Request(
    input=File("tune.mid", write_midi(Song((Track("tune", 57, False, (Note(0, 1, 58), Note(1, 0.5, 60))),)))),
    articulation="legato", seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return trombone.load()


@pytest.mark.parametrize("request_, number, at", [(ASKED, 0, 0.0), (ASKED, 0, 0.1), (ASKED, 0, 9.0), (SLURRED, 1, 0.1)])
@torch.no_grad()
def test_a_moment_is_what_is_played_and_its_distributions_are_the_networks(model, request_, number, at):
    seen = inside.moment(model, request_, number, at)
    told, generator = inside.told(model, request_, number)
    levels = np.floor(model.sampler.play([told], [generator], request_.temperature)[0] + 0.5).astype(np.int64)
    assert len(seen.levels) == inside.SAMPLES and seen.start % 64 == 0
    assert seen.start == min(round(at * RATE), told.frames - inside.SAMPLES) // 64 * 64
    assert (seen.levels == levels[seen.start : seen.start + inside.SAMPLES]).all()
    features, sample_features, prior = (torch.from_numpy(x)[None] for x in prepared(told, model.sampler.config, 64))
    heard = np.full(64 + sample_features.shape[1], 128)
    heard[64 : 64 + len(levels)] = levels
    network = model.network
    logits, _ = network(torch.from_numpy(heard[:-1])[None], features, sample_features, prior, network.begin(1))
    expected = logits[0].softmax(-1).numpy()[seen.start : seen.start + inside.SAMPLES]
    np.testing.assert_allclose(seen.probabilities, expected, atol=1e-4)
    own = expected[np.arange(inside.SAMPLES), seen.levels]
    assert seen.bits == pytest.approx(float(-np.log2(own).mean()), abs=1e-3)
    assert [len(moved) for moved in seen.changes] == [8, 32] and all((moved > 0).all() for moved in seen.changes)


def test_the_network_leans_on_its_prior_and_adds_something_to_it(model):
    seen = inside.moment(model, ASKED, 0, 0.1)
    to_prior, to_centre = (np.abs(seen.levels - each).mean() for each in (seen.prior, seen.centre))
    assert 0.5 < to_centre < to_prior < 20 and (seen.width > 0.39).all()
    figure, table = figures.drawn(seen, (64, 16))
    assert table["probability"] == pytest.approx(seen.probabilities[range(512), seen.levels].tolist(), abs=1e-6)
    assert np.allclose(np.array(table["prior"]) + table["residual"], seen.centre, atol=2e-3)
    assert figure.layout.xaxis3.title.text == "milliseconds of the note"


def test_the_nearest_recording_is_one_of_that_pitch_and_sounds_it(model):
    for number, note in enumerate(inside.notes_of(SLURRED)):
        near = inside.nearest(model, note.spec)
        away = np.abs(model.tables.takes.notes - [note.spec.midi, note.spec.timbre, 0])[:, :2].sum(1)
        assert abs(near.midi - note.spec.midi) + abs(near.dynamic - note.spec.timbre) <= away.min() + 2
        spectrum = np.abs(np.fft.rfft(near.sound))
        f0_hz = 440 * 2 ** ((near.midi - 69) / 12)
        peak = np.fft.rfftfreq(len(near.sound), 1 / RATE)[spectrum.argmax()]
        assert peak / f0_hz == pytest.approx(round(peak / f0_hz), abs=0.05), number


def test_pitch_and_loudness_are_those_of_the_sound(model):
    told, _ = inside.told(model, ASKED, 0)
    [sound] = play(model, [inside.notes_of(ASKED)[0].spec], seed=7)
    _, table = figures.whole(told, Audio(sound, 44_100))
    asked, heard = (np.array(table[f"pitch, cents: {who}"], float) for who in ("asked", "heard"))
    voiced = ~np.isnan(heard)
    assert voiced.sum() > 15 and np.median(np.abs(asked - heard)[voiced]) < 10
    below = [name for name in table if name.startswith("loudness")]
    assert len(below) == 2 and all(max(table[name]) == 0 for name in below)


def test_a_spectrogram_has_the_tone_where_it_is():
    tone = Audio(np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100).astype(np.float32), 44_100)
    seconds, hz, db = spectra(tone)
    assert db.shape == (len(seconds), BANDS) and db.max() == pytest.approx(0, abs=1e-6) and seconds[-1] <= 1
    assert abs(hz[db[len(db) // 2].argmax()] / 1000 - 1) < 0.04
    figure, table = spectrograms({"one": tone, "other": tone})
    assert len(figure.data) == 2 and table["sound"].count("other") == len(seconds)


def test_the_page_shows_how_a_note_and_a_melody_were_made():
    test = app("pages/trombone.py")
    test.session_state["trombone_seconds_0"] = 0.5
    settled(test.run(), "trombone")
    assert not test.get("plotly_chart")
    test.session_state["trombone_inside"] = True
    test.run()
    assert not refusals(test) and not test.exception and len(test.get("plotly_chart")) == 3
