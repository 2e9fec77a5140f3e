"""Translation's command line with the shipped weights, and its training on a tiny set of recordings."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import RequestError
from engine import __main__ as cli
from engine.core.audio import read_audio
from engine.core.instruments import INSTRUMENTS
from engine.core.midi import read_midi
from engine.translation import load
from engine.translation.analysis import track_f0
from engine.translation.frames import RATE
from engine.translation.request import EVERYONE, PATH, route
from tests.tiny_data import play, two_instruments
from training.translation import __main__ as training
from training.translation import prepare as data
from training.translation.measure import Judge, Nearest, agreement, change, clips, describe
from training.translation.train import Training, apart_in_kind, nearest

PAIRS = ("flute-trombone", "violin-trumpet", "clarinet-cello", "saxophone-violin")


@pytest.fixture
def melody(tmp_path):
    return play(tmp_path / "in.wav", [523.3, 587.3, 659.3, 784.0], 0.4)


def run(capsys, *words: str) -> dict:
    """Run the command line; what --json printed."""
    capsys.readouterr()
    assert cli.run(["translation", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_shipped_pairs_play_both_ways(melody, tmp_path, capsys):
    for pair in PAIRS:
        a, b = pair.split("-")
        for source, target in ((a, b), (b, a)):
            out = tmp_path / f"{target}.wav"
            said = run(capsys, "--input", str(melody), "--from", source, "--to", target, "--out", str(out))
            assert said["weights"] == pair
            assert said["agreement"]["f0"] > 0.9 and said["agreement"]["loudness"] > 0.9
            before, after = (track_f0(read_audio(p).samples) for p in (melody, out))
            both = (before > 0) & (after > 0)
            cents = 1200 * np.log2(after[both] / before[both]) - 1200 * said["octaves"]
            assert both.mean() > 0.5 and (np.abs(cents) < 50).mean() > 0.9


def test_targets_differ_and_seeds_repeat(melody, tmp_path, capsys):
    outs = {}
    for name, to, seed in (("a", "trombone", "1"), ("b", "trombone", "1"), ("c", "trombone", "2"), ("d", "cello", "1")):
        path = tmp_path / f"{name}.wav"
        run(capsys, "--input", str(melody), "--from", "flute", "--to", to, "--seed", seed, "--out", str(path))
        outs[name] = path.read_bytes()
    assert outs["a"] == outs["b"] and len({outs["a"], outs["c"], outs["d"]}) == 3


def test_every_pair_of_the_seven_has_a_way():
    everyone = load(EVERYONE, "cpu")
    for source in INSTRUMENTS:
        for target in INSTRUMENTS:
            if source != target:
                folder = route(source, target)
                assert folder.name in (*PAIRS, "any")
                assert folder.name != "any" or everyone.reaches(source, target)


def test_the_instrument_is_guessed_and_the_melody_written(melody, tmp_path, capsys):
    said = run(capsys, "--input", str(melody), "--to", "cello", "--transpose", "-2", "--midi", str(tmp_path / "m.mid"),
               "--out", str(tmp_path / "o.wav"), "--out", str(tmp_path / "o.mid"))  # fmt: skip
    assert said["settings"]["source"] in INSTRUMENTS and said["guess"]
    notes = read_midi(tmp_path / "m.mid").tracks[0].notes
    assert [n.pitch - 12 * said["octaves"] for n in notes] == [70, 72, 74, 77]
    assert (tmp_path / "o.mid").read_bytes() == (tmp_path / "m.mid").read_bytes()


def wrong(tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    """Files that cannot be translated, and what is said of them."""

    def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> bytes:
        path = tmp_path / "x.wav"
        soundfile.write(path, samples, rate, subtype=subtype)
        return path.read_bytes()

    random = np.random.default_rng(0)
    whole = wav(0.1 * np.sin(np.arange(RATE) * 0.2))
    holes = np.sin(np.arange(RATE) * 0.2).astype(np.float32)
    holes[100] = np.nan
    return {
        "silence": (wav(np.zeros(RATE)), "silent"),
        "noise": (wav(0.1 * random.standard_normal(RATE)), "pitch"),
        "eight channels": (wav(np.zeros((100, 8)) + 0.1), "channels"),
        "nan": (wav(holes), "not numbers"),
        "picture": (b"\xff\xd8\xff\xe0" + bytes(500), "not audio"),
        "cut in the header": (whole[:30], "not audio"),
        "an hour": (wav(np.tile(0.1 * np.sin(np.arange(8000) * 0.3), 3600), 8000, "PCM_16"), "longer"),
        "empty": (b"", "empty"),
    }


def test_what_cannot_be_translated_is_refused_and_nothing_written(tmp_path):
    for name, (content, says) in wrong(tmp_path).items():
        path = tmp_path / "in.wav"
        path.write_bytes(content)
        out = tmp_path / "out.wav"
        with pytest.raises(RequestError, match=says):
            cli.run(["translation", "--input", str(path), "--from", "flute", "--to", "trombone", "--out", str(out)])
        assert not out.exists(), name


def test_a_truncated_file_is_read_as_far_as_it_goes(melody, tmp_path, capsys):
    cut = tmp_path / "cut.wav"
    cut.write_bytes(melody.read_bytes()[: melody.stat().st_size // 2])
    out = tmp_path / "out.wav"
    run(capsys, "--input", str(cut), "--from", "flute", "--to", "trombone", "--out", str(out))
    assert read_audio(out).seconds == pytest.approx(read_audio(cut).seconds, abs=0.01)


@pytest.mark.parametrize(
    "words", [["--to", "kazoo"], ["--from", "flute", "--to", "flute"], ["--to", "cello", "--amount", "3"], ["--to"]]
)
def test_wrong_words_are_refused(words, melody, tmp_path):
    with pytest.raises(RequestError) as refusal:
        cli.run(["translation", "--input", str(melody), "--out", str(tmp_path / "o.wav"), *words])
    assert "\n" not in str(refusal.value) and not (tmp_path / "o.wav").exists()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return two_instruments(tmp_path_factory.mktemp("tiny"))


def train(tiny: Path, *words: str) -> Path:
    """Train the tiny pair; the checkpoint's folder."""
    folders = [f"--{name}={tiny / name}" for name in ("prepared", "runs", "checkpoints")]
    small = ["--batch", "4", "--width", "16", "--precision", "no"]
    training.main(["train", "--pair", "dull-bright", *folders, *small, *words])
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
    said = run(capsys, "--input", str(sound), "--from", "dull", "--to", "bright", "--checkpoint", str(folder),
               "--out", str(out))  # fmt: skip
    assert said["agreement"]["f0"] > 0.9
    dull, bright = (describe(read_audio(path).samples) for path in (sound, out))
    real = describe(read_audio(next((tiny / "bright").glob("*.wav"))).samples)
    assert np.abs(bright - real).mean() < np.abs(dull - real).mean()


@pytest.mark.training
def test_training_lowers_its_losses(tiny, tmp_path):
    voices = training.voices(tiny / "prepared", ("dull", "bright"))
    config = training.Config(("dull", "bright"), width=16)
    run = Training(tmp_path, config, voices, batch=4, rate=5e-3)
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
    kept = data.voice(recordings, training.profile_of(recordings))
    assert len(kept.timbre) == sum(len(r.frames) for r in recordings if r.split == "train")
    assert {r.split for r in recordings} >= {"train"} and all(data.split_of(r.name) == r.split for r in recordings)


def test_distances_tell_near_from_far():
    import torch

    g = torch.Generator().manual_seed(0)
    real, same, other = torch.randn(2, 300, 64), torch.randn(2, 300, 64), torch.randn(2, 300, 64) * 0.5 + 1
    heard = torch.ones(2, 300)
    assert apart_in_kind(real, heard, same, heard, g) < 0.3 * apart_in_kind(real, heard, other, heard, g)
    points = torch.randn(50, 66)
    assert nearest(points, points).item() == pytest.approx(np.sqrt(1e-3) / 8, rel=1e-3)
    assert nearest(points + 8, points) > nearest(points + 1, points)


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
    from training.translation import card as translation_card
    from training.translation import evaluate as translation_evaluate

    for name in ("flute-trombone", "any"):
        shutil.copytree(PATH / name, tmp_path / name)
    before = (tmp_path / "any" / "config.json").read_bytes()
    written = []
    monkeypatch.setattr(translation_evaluate, "Held", lambda args, names: None)
    monkeypatch.setattr(translation_evaluate, "real", lambda held, name: {"judged": 1.0, "judged_resynthesised": 1.0})
    monkeypatch.setattr(translation_evaluate, "measure", lambda *way: {"judged": 0.5})
    monkeypatch.setattr(translation_card, "write_card", lambda folder, *rest: written.append(folder.name))
    words = {"pair": ["flute-trombone"], "others": False, "sample": 1, "seeds": [0]}
    translation_evaluate.evaluate(argparse.Namespace(**words, checkpoints=tmp_path, runs=tmp_path / "runs"))
    found = json.loads((tmp_path / "flute-trombone" / "config.json").read_text())["metrics"]
    assert found["flute-trombone"]["ours"] == found["trombone-flute"]["any"] == {"judged": 0.5}
    assert written == ["flute-trombone"] and (tmp_path / "any" / "config.json").read_bytes() == before
