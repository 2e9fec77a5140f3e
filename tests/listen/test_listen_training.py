"""The ear's training on a few notes: what is prepared, joined and asked, and a tiny run to a checkpoint that hears."""

import csv

import numpy as np
import pytest

from engine.core.audio import Audio, write_wav
from engine.core.pitch import midi_hz
from engine.listen import listening
from engine.listen.model import load
from engine.listen.spectrum import LOWEST, RATE
from tests.listen.sounds import TUNE, line
from training.__main__ import main
from training.listen.evaluate import f1
from training.listen.lines import Notes, joined, noisy, planned, roomed
from training.listen.prepare import prepare, starts
from training.listen.train import FRAMES, asked
from training.listen.voice import SOUNDS, sung


def note(midi, seconds=0.8, attack=0.1):
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * k * float(midi_hz(midi)) * time) / k for k in range(1, 8))
    return Audio((0.3 * wave * np.minimum(1, time / attack)).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Forty notes of a reed."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("prepared")
    with (data / "manifest.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["file", "instrument", "kind", "midi", "dynamic", "seconds"])
        rows.writeheader()
        for number in range(40):
            midi = 55 + number % 13
            (data / f"reed_{number}.wav").write_bytes(write_wav(note(midi)))
            rows.writerow({"file": f"reed_{number}.wav", "instrument": "reed", "kind": "note", "midi": midi,
                           "dynamic": "forte", "seconds": 0.8})  # fmt: skip
    prepare(data, out)
    return out


def test_a_note_starts_later_the_nearer_to_its_loudest():
    late = starts(note(60, attack=0.2).samples)
    assert late == sorted(late) and 0 < late[0] < late[-1] <= 0.2 * RATE


def test_joined_notes_begin_where_they_sound(prepared):
    random = np.random.default_rng(0)
    notes = Notes(prepared, 0)
    plan = planned(sorted(notes.of["reed"]), 90, 3.0, random, rests=1.0)
    played = joined(notes, "reed", plan, "staccato", random, within=2)
    assert len(played.onsets) == len(plan.onsets) and (played.pitches == plan.pitches).all()
    for onset in played.onsets:
        at = int(onset * RATE)
        assert np.abs(played.samples[at : at + 800]).max() > 5 * np.abs(played.samples[max(0, at - 800) : at]).max()
    pitch, begins, counts = asked(played)
    assert len(pitch) == len(begins) == len(counts) == FRAMES
    assert (pitch[begins == 1] == np.array(played.pitches[: int((begins == 1).sum())]) - LOWEST).all()
    assert np.mean(noisy(played, random, 0).samples ** 2) > 1.5 * np.mean(played.samples**2)
    assert len(roomed(played, random).samples) == len(played.samples)


@pytest.mark.parametrize("sound", SOUNDS)
def test_synthetic_sounds_sound_their_notes(sound):
    made = sung(sound, 100, 2.0, np.random.default_rng(1))
    middle = int((made.onsets[0] + made.ends[0]) / 2 * RATE)
    spectrum = np.abs(np.fft.rfft(made.samples[middle - 1024 : middle + 1024] * np.hanning(2048), RATE))
    hz = float(midi_hz(float(made.pitches[0])))
    strongest = int(spectrum.argmax()) / hz
    assert abs(strongest - round(strongest)) < 0.06 * round(strongest)


def test_f1_forgives_no_octave_and_no_more_than_50_ms():
    heard = listening.listen(line(TUNE, [0.5] * len(TUNE)))
    begins = np.array([begin for begin, _ in heard.seconds])
    known = sung("string", 100, 1.0, np.random.default_rng(0))
    right = type(known)(known.samples, begins, begins + 0.2, np.array(TUNE), 120)
    assert f1(right, heard) == 1 and f1(right, None) == 0
    assert f1(type(known)(known.samples, begins + 0.06, begins + 0.3, np.array(TUNE), 120), heard) == 0
    assert f1(type(known)(known.samples, begins, begins + 0.2, np.array(TUNE) + 12, 120), heard) == 0


@pytest.mark.training
def test_a_tiny_run_makes_a_checkpoint_that_loads_and_the_same_again(prepared, tmp_path):
    for name in ("a", "b"):
        words = ["train", "listen", "--prepared", prepared, "--run", tmp_path / f"run {name}", "--checkpoint",
                 tmp_path / name, "--steps", 2, "--batch", 2, "--threads", 1]  # fmt: skip
        assert main([str(word) for word in words]) is None
    assert load(tmp_path / "a").sha256 == load(tmp_path / "b").sha256
    pitch, onset = load(tmp_path / "a").chances(note(60).samples)
    assert pitch.shape[0] == onset.shape[0] and np.allclose(pitch.sum(1), 1, atol=1e-4)
