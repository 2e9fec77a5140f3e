"""Translation's training on a tiny set of recordings of two made-up instruments, and the measures of its evaluation."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine import __main__ as cli
from engine.core.audio import read_audio
from engine.translation.frames import RATE
from engine.translation.network import Config, Generator, instrument_onehot
from engine.translation.request import PATH
from tests.tiny_data import two_instruments
from training.__main__ import main
from training.translation import evaluate as translation_evaluate
from training.translation import prepare as data
from training.translation import train as training
from training.translation.cyclegan import Discriminator, Training, nearest, sliced_wasserstein_loss
from training.translation.measure import Judge, Nearest, agreement, change, clips, describe


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
    main(["train", "translation", "--pair", "dull-bright", *folders, *small, *words])
    return tiny / "checkpoints" / "dull-bright"


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
    dull, bright = (describe(read_audio(path).samples) for path in (sound, out))
    real = describe(read_audio(next((tiny / "bright").glob("*.wav"))).samples)
    assert np.abs(bright - real).mean() < np.abs(dull - real).mean()


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
    assert a.timbre.shape == (4, data.SEQUENCE, 64) and not np.array_equal(a.timbre, b.timbre)
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
    real, same, other = torch.randn(2, 300, 64), torch.randn(2, 300, 64), torch.randn(2, 300, 64) * 0.5 + 1
    heard = torch.ones(2, 300)
    assert sliced_wasserstein_loss(real, heard, same, heard, g) < 0.3 * sliced_wasserstein_loss(
        real, heard, other, heard, g
    )
    points = torch.randn(50, 66)
    assert nearest(points, points).item() == pytest.approx(np.sqrt(1e-3) / 8, rel=1e-3)
    assert nearest(points + 8, points) > nearest(points + 1, points)


def test_a_pair_begins_as_the_modules_for_all_directions_are_for_it():
    """Generator and discriminator: the one-hots in the bias give what the one-hots as an input gave."""
    import torch

    names = ("dull", "bright", "other")
    everyone, pair = Config(names, width=8, conditioned=True), Config(names[:2], width=8)
    torch.manual_seed(0)
    white, given = torch.randn(1, 5, 64), torch.randn(1, 5, 4)
    whole, part = Generator(everyone), Generator(pair)
    torch.nn.init.normal_(whole.out_proj.weight)
    part.load_state_dict(training.onehot_as_bias(whole.state_dict(), names, "dull", "bright"))
    onehot = instrument_onehot(0, 1, 3).expand(1, 5, -1)
    expected, _ = whole(white, white, torch.cat([given, onehot], -1))
    assert torch.allclose(part(white, white, given)[0], expected, atol=1e-5)
    whole, part = Discriminator(everyone), Discriminator(pair)
    part.load_state_dict(training.onehot_as_bias(whole.state_dict(), names, "bright", None))
    onehot = torch.eye(3)[1].expand(1, 5, -1)
    expected = whole(white, torch.cat([given[..., :3], onehot], -1))
    assert torch.allclose(part(white, given[..., :3]), expected, atol=1e-5)


def test_measures_on_cases_worked_out_by_hand(tiny):
    recordings = data.load(tiny / "prepared" / "bright.npz")
    bank = Nearest([r.frames for r in recordings[:5]])
    dull = data.load(tiny / "prepared" / "dull.npz")
    assert bank.distance(recordings[0].frames) < 0.2
    assert bank.distance(recordings[8].frames) < bank.distance(dull[8].frames)
    frozen = data.Frames(np.full(50, 440.0), np.full(50, -20.0), np.full((50, 64), -20, np.float32))
    assert change(frozen) == 0 and change(recordings[0].frames) > 0
    sound = read_audio(tiny / "dull" / f"{dull[0].name}.wav").samples
    kept = agreement(dull[0].frames, sound)
    assert kept.f0 == 1 and kept.loudness > 0.999
    assert agreement(dull[0].frames, sound, semitones=1).f0 == 0
    sounds = {n: [read_audio(p).samples for p in sorted((tiny / n).glob("*.wav"))] for n in ("dull", "bright")}
    labels = [name for name in sounds for _ in range(6)]
    judge = Judge(np.stack([describe(s) for name in sounds for s in sounds[name][:6]]), labels)
    assert list(judge.hears(sounds["dull"][6:] + sounds["bright"][6:])) == ["dull"] * 4 + ["bright"] * 4
    assert all(len(c) <= 2.5 * RATE for c in clips(sound))


def test_a_pair_is_evaluated_alone_and_the_others_keep_their_figures(tmp_path, monkeypatch):
    for name in ("flute-trombone", "any"):
        shutil.copytree(PATH / name, tmp_path / name)
    before = (tmp_path / "any" / "config.json").read_bytes()
    written = []
    monkeypatch.setattr(translation_evaluate, "Held", lambda args, names: None)
    monkeypatch.setattr(translation_evaluate, "real", lambda held, name: {"judged": 1.0, "judged_resynthesised": 1.0})
    monkeypatch.setattr(translation_evaluate, "measure", lambda *way: {"judged": 0.5})
    monkeypatch.setattr(translation_evaluate, "write_card", lambda folder, *rest: written.append(folder.name))
    words = {"pair": ["flute-trombone"], "others": False, "sample": 1, "seeds": [0]}
    translation_evaluate.run(argparse.Namespace(**words, checkpoint=tmp_path, run=tmp_path / "runs"))
    found = json.loads((tmp_path / "flute-trombone" / "config.json").read_text())["metrics"]
    assert found["flute-trombone"]["ours"] == found["trombone-flute"]["any"] == {"judged": 0.5}
    assert written == ["flute-trombone"] and (tmp_path / "any" / "config.json").read_bytes() == before
