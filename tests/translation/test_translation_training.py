"""Translation's training on a tiny set of recordings of two made-up instruments, and the measures of its evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine import __main__ as cli
from engine.core.audio import read_audio
from engine.translation.frames import RATE
from engine.translation.network import Config
from tests.tiny_data import two_instruments
from training.__main__ import main
from training.translation import prepare as data
from training.translation import train as training
from training.translation.cyclegan import Training, nearest, sliced_wasserstein_loss
from training.translation.evaluate import brightness, mistaken
from training.translation.measure import Judge, Nearest, agreement, change, clips, describe, interval
from training.translation.verdict import rows


def played(capsys, *words: str) -> dict:
    """Run Translation's command line; what --json printed."""
    capsys.readouterr()
    assert cli.run(["translation", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return two_instruments(tmp_path_factory.mktemp("tiny"))


def train(tiny: Path, *words: str) -> Path:
    """Train the tiny pair; the checkpoint's folder."""
    folders = [f"--prepared={tiny / 'prepared'}", f"--run={tiny / 'runs'}", f"--checkpoint={tiny / 'checkpoints'}"]
    small = ["--batch", "4", "--width", "16", "--precision", "no"]
    main(["train", "translation", "--instrument", "dull", "--instrument", "bright", *folders, *small, *words])
    return tiny / "checkpoints"


@pytest.mark.training
def test_any_two_folders_are_prepared_trained_resumed_and_played(tiny, tmp_path, capsys):
    folder = train(tiny, "--steps", "1")
    first = json.loads((folder / "config.json").read_text())
    folder = train(tiny, "--steps", "2")
    second = json.loads((folder / "config.json").read_text())
    assert (first["steps"], second["steps"]) == (1, 2) and first["sha256"] != second["sha256"]
    out = tmp_path / "o.wav"
    sound = next((tiny / "dull").glob("*.wav"))
    said = played(capsys, "--input", str(sound), "--from", "dull", "--to", "bright", "--checkpoint", str(folder),
               "--out", str(out))  # fmt: skip
    assert said["agreement"]["f0"] > 0.9
    dull, bright = (describe(read_audio(path).resampled(RATE).samples) for path in (sound, out))
    real = describe(read_audio(next((tiny / "bright").glob("*.wav"))).resampled(RATE).samples)
    assert np.abs(bright - real).mean() < np.abs(dull - real).mean()


@pytest.mark.training
def test_a_pair_of_a_persons_own_is_measured_and_has_its_card(tiny, capsys):
    """Of phrases alone, with no notes from which melodies could be joined."""
    folder = train(tiny, "--steps", "1")
    main(["evaluate", "translation", f"--data={tiny}", f"--prepared={tiny / 'prepared'}", f"--checkpoint={folder}",
          "--recordings=1", "--other=1", "--sung=1", "--judged=10"])  # fmt: skip
    assert "by target" in capsys.readouterr().out
    card = (folder / "README.md").read_text("utf-8")
    assert "| dull |" in card and "| bright |" in card and "- dull: " in card


@pytest.mark.training
def test_training_lowers_its_losses(tiny, tmp_path):
    voices = training.voices(tiny / "prepared", ("dull", "bright"))
    config = Config(("dull", "bright"), width=16)
    run = Training(tmp_path, config, voices, batch=4, lr=5e-3)
    first = run.step(0)
    for number in range(12):
        last = run.step(0 if number == 11 else number)
    assert last["sliced"] < first["sliced"] and last["near"] < first["near"]
    assert all(np.isfinite(value) for value in last.values())


def test_batches_walk_together_and_never_pair_the_same_frames(tiny):
    voices = training.voices(tiny / "prepared", ("dull", "bright"))
    a, b = data.batches(voices["dull"], voices["bright"], 4, np.random.default_rng(0))
    assert a.timbre.shape == (4, data.SEQUENCE, 80) and not np.array_equal(a.timbre, b.timbre)
    assert np.array_equal(a.shift, -b.shift)
    again, _ = data.batches(voices["dull"], voices["bright"], 4, np.random.default_rng(0))
    assert np.array_equal(a.timbre, again.timbre)
    pitches = [np.median(s.midi[:, :30], axis=1) for s in (a, b)]
    assert np.abs(pitches[0] + 12 * a.shift - pitches[1]).mean() < 6
    assert (a.voiced.mean() > 0.4) and (a.voiced.mean() < 1)


def test_splits_do_not_mix(tiny):
    recordings = data.load(tiny / "prepared" / "dull.npz")
    kept = data.voice(recordings, data.profile_of(recordings))
    assert len(kept.timbre) == sum(len(r.frames) for r in recordings if r.split == "train")
    assert {r.split for r in recordings} >= {"train"} and all(data.split_of(r.name) == r.split for r in recordings)


def test_distances_tell_near_from_far():
    import torch

    g = torch.Generator().manual_seed(0)
    real, same, other = torch.randn(2, 300, 80), torch.randn(2, 300, 80), torch.randn(2, 300, 80) * 0.5 + 1
    heard = torch.ones(2, 300)
    assert sliced_wasserstein_loss(real, heard, same, heard, g) < 0.3 * sliced_wasserstein_loss(
        real, heard, other, heard, g
    )
    points = torch.randn(50, 82)
    assert nearest(points, points).item() == pytest.approx(np.sqrt(1e-3 / 80), rel=1e-3)
    assert nearest(points + 8, points) > nearest(points + 1, points)


def test_measures_on_cases_worked_out_by_hand(tiny):
    recordings = data.load(tiny / "prepared" / "bright.npz")
    bank = Nearest([r.frames for r in recordings[:5]])
    dull = data.load(tiny / "prepared" / "dull.npz")
    assert bank.distance(recordings[0].frames) < 0.2
    assert bank.distance(recordings[8].frames) < bank.distance(dull[8].frames)
    frozen = data.Frames(np.full(50, 440.0), np.full(50, -20.0), np.full((50, 80), -20, np.float32))
    assert change(frozen) == 0 and change(recordings[0].frames) > 0
    sound = read_audio(tiny / "dull" / f"{dull[0].name}.wav").resampled(RATE).samples
    kept = agreement(dull[0].frames, sound)
    assert kept.f0 == 1 and kept.loudness > 0.999
    assert agreement(dull[0].frames, sound, semitones=1).f0 == 0
    files = {n: sorted((tiny / n).glob("*.wav")) for n in ("dull", "bright")}
    sounds = {n: [read_audio(path).resampled(RATE).samples for path in files[n]] for n in files}
    labels = [name for name in sounds for _ in range(6)]
    judge = Judge(np.stack([describe(s) for name in sounds for s in sounds[name][:6]]), labels)
    assert list(judge.hears(sounds["dull"][6:] + sounds["bright"][6:])) == ["dull"] * 4 + ["bright"] * 4
    assert all(len(c) <= 2.5 * RATE for c in clips(sound))


def test_brightness_is_where_the_power_lies_and_a_mistake_is_counted_by_the_clip():
    at = np.arange(RATE) / RATE
    low, high = (np.sin(2 * np.pi * hz * at).astype(np.float32) for hz in (500, 3_000))
    assert brightness(low) == pytest.approx(500, abs=15)
    assert brightness(low + 0.5 * high) == pytest.approx(0.8 * 500 + 0.2 * 3_000, abs=30)  # a quarter of the power
    held = SimpleNamespace(recordings={"horn": [low]}, phrases=lambda name: [high, low],
                           hears=lambda sound: ["horn", "horn"] if sound is high else ["trombone"])  # fmt: skip
    assert mistaken(held, "horn") == {"trombone": 0.5}


def test_a_share_has_an_interval_that_narrows_with_recordings():
    share, low, high = interval([[True, True], [False, True]] * 4)
    assert share == 0.75 and 0 < low < share < high <= 1
    assert interval([[True, True], [False, True]] * 100)[1] > low
    assert interval([[True]] * 5) == (1, 1, 1)


def test_directions_are_pooled_by_target_and_by_source():
    judged = {("a", "b"): [[True], [True]], ("c", "b"): [[False], [True]], ("b", "a"): [[False]]}
    real = {"a": {"judged": 0.5}, "b": {"judged": 1.0}, "c": {"judged": 1.0}}
    by_target, by_source = (rows(judged, real, by) for by in (1, 0))
    assert by_target["b"]["judged"] == by_target["b"]["share"] == 0.75 and by_target["a"]["share"] == 0
    assert by_source["c"]["judged"] == 0.5 and "c" not in by_target
