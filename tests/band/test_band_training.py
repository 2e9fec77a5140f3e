"""Band's training on a few invented songs: phrases are cut rightly, a tiny generator learns, is saved and plays."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import RequestError, band
from engine.band.network import BARS, Band, Config, Generator, Phrase
from engine.core.key import key_shift
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track
from tests.tiny_data import LABELS, song, songs, untrained_codec
from training.__main__ import main
from training.band import gan
from training.band import train as band_train
from training.band.calibrate import bisect_to_target, set_repeats, set_silences, sounding
from training.band.codec import autoencoder, chord_code, encode
from training.band.genres import GENRES, features
from training.band.measures import copies, harmony, shuffled, two_bars
from training.band.prepare import BARS as WINDOW
from training.band.prepare import Windows, prepare, real_phrases, windows_of

pytestmark = pytest.mark.training

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    prepare(songs(), folder)
    return folder


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_codec(tmp_path_factory.mktemp("codec"))


def test_windows_are_cut_on_the_bar_and_moved_to_one_key() -> None:
    d_major = song("jazz", "train", 3, shift=2)
    cut = list(windows_of(d_major, 9, np.random.default_rng(0)))
    assert len(cut) == 3
    for packed, shift in cut:
        rolls = np.unpackbits(packed, axis=-1).reshape(5, WINDOW, 2, 16, 72)
        assert shift == -2
        assert rolls[0, :, 0].sum() == 4 * WINDOW and rolls[0, 0, 0, 4, 38 - 24] == 1  # snare on the second beat
        assert set(np.flatnonzero(rolls[3, :, 0].any((0, 1))) % 12) == {0, 5, 7}


def test_the_key_is_found_in_every_transposition() -> None:
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = [5, 2, 4, 2, 4, 2, 1]
    assert [(key_shift(np.roll(scale, k)) + k) % 12 for k in range(12)] == [0] * 12


def test_prepared_windows_give_back_their_rolls(prepared: Path) -> None:
    windows = Windows.open(prepared)
    rolls = windows.rolls(windows.index[:4])
    assert rolls.shape == (4, WINDOW, 5, 2, 16, 72)
    assert ((rolls[:, :, :, 1] - rolls[:, :, :, 0].astype(int)) >= 0).all()  # an onset sounds
    assert sorted(windows.labels) == sorted(LABELS)
    assert (windows.loud[:, 3][:, [0, 4, 8, 12]] == 90).all()


def test_a_chord_code_has_unit_length_and_silence_none() -> None:
    chroma = np.zeros((1, 4, 12), np.float32)
    chroma[0, 0, [0, 7]] = 3, 1
    code = chord_code(chroma).reshape(4, 12)
    assert np.linalg.norm(code[0]) == pytest.approx(1) and code[0, 0] ** 2 == pytest.approx(0.75)
    assert not code[1].any()


def test_a_tiny_band_trains_saves_loads_and_plays(prepared: Path, codec: Path, tmp_path: Path, monkeypatch) -> None:
    small = {"width": 24, "depth": 1, "bar_width": 16, "track_width": 16}
    monkeypatch.setattr(band_train, "Config", lambda genres: Config(genres, **small))
    folder = tmp_path / "band"
    common = ["train", "band", "--prepared", str(prepared), "--codec", str(codec), "--run", str(tmp_path / "run"),
              "--checkpoint", str(folder), "--batch", "4", "--evaluate-every", "2", "--calibrate", "2"]  # fmt: skip
    main([*common, "--steps", "2"])
    main([*common, "--steps", "4"])  # resumes
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps[0] == 2 and max(steps) == 4
    model = band.load(folder, "cpu")
    assert model.genres == tuple(GENRES) and model.facts["steps"] == 4
    made = band.generate(model, band.Request(genre={"jazz": 1}, seed=1, bars=8)).song
    assert made.notes > 0 and 100 <= made.tempo < 140
    main(["evaluate", "band", "--prepared", str(prepared), "--checkpoint", str(folder), "--phrases", "32",
          "--songs", str(tmp_path / "absent.npz")])  # fmt: skip
    card = (folder / "README.md").read_text()
    assert "| TD |" in card and "| of / called |" in card
    assert band.load(folder).facts["metrics"]["phrases"] == 32


@pytest.mark.parametrize("loss", ["wgan-gp", "r3"])
def test_the_critic_learns_to_tell_music_from_beginners(prepared: Path, codec: Path, tmp_path: Path, loss: str) -> None:
    config = Config(tuple(GENRES), width=16, depth=1, bar_width=8, track_width=8)
    windows = Windows.open(prepared)
    latents = [z for z, _, _ in encode(windows, codec).values()]
    phrases = gan.Phrases.of(windows, latents)
    settings = {"minutes": None, "steps": 12, "batch": 8, "lr": 1e-3, "log_every": 1}
    loop = gan.train(phrases, config, tmp_path, loss=loss, **settings)
    real, genre = phrases.draw(64, torch.Generator().manual_seed(5))
    shared, private = gan.noise(config, 64, torch.Generator().manual_seed(6))
    torch.manual_seed(0)
    with torch.no_grad():
        made = Generator(config)(shared, private, genre.repeat_interleave(2, 0))
        critic = loop.modules["critic"]
        assert critic(real, genre).mean() > critic(Phrase(*(x.unflatten(0, (64, 2)) for x in made)), genre).mean()


def test_drawn_phrases_are_neighbours_of_one_song_and_genres_come_equally(prepared: Path, codec: Path) -> None:
    windows = Windows.open(prepared)
    latents = [torch.arange(len(windows.bars[t]), dtype=torch.float32)[:, None] + 1 for t in TRACKS]
    phrases = gan.Phrases.of(windows, latents)
    phrase, genre = phrases.draw(400, torch.Generator().manual_seed(0))
    assert phrase.latent.shape == (400, 2, BARS, 5, 1) and phrase.chord.shape == (400, 2, BARS, 48)
    value = phrase.latent[..., 0]
    assert (value[phrase.sounds == 0] == 0).all() and (value[phrase.sounds == 1] > 0).all()
    assert genre.sum(0).min() > 25
    rows = {tuple(w.reshape(-1).tolist()) for w in windows.index + 1}
    assert all(tuple(p.reshape(-1).int().tolist()) in rows for p in phrase.latent[..., 0])


def test_a_setting_is_halved_to_what_is_wanted_or_to_its_end() -> None:
    setting = torch.zeros(3)
    bisect_to_target(setting, (0, 1), lambda: 2 * setting, torch.tensor([0.7, 5, -1]))
    assert setting.numpy() == pytest.approx([0.35, 1, 0], abs=0.01)


def test_tracks_that_sound_repeat_as_often_as_asked(prepared: Path) -> None:
    windows = Windows.open(prepared)
    real, genre = real_phrases(windows, (0,), 4, 0)
    still = np.repeat(real[:, :1], real.shape[1], 1)
    config = Config(tuple(GENRES), width=24, depth=1, bar_width=16, track_width=16)
    torch.manual_seed(0)
    network = Band(config).eval().requires_grad_(False)
    seen = set_silences(network, still, genre, 0)
    jazz = torch.eye(len(config.genres))[1].expand(2000, -1)
    shared, private = gan.noise(config, 1000, torch.Generator().manual_seed(1))
    sounds = network.phrase(shared, private, jazz).sounds > 0
    neurons = network.generator.material(shared, private, jazz)[3]
    for wanted in (0.3, 0.7):
        set_repeats(network, still, genre, seen, torch.full((5,), wanted))  # still ones share every onset
        for t, k in product(np.flatnonzero(real[genre == 1].any((0, 1, 3, 4, 5))), (1, 2)):
            again = neurons[:, k:, t, k - 1] + network.repeat_bias[1, t, k - 1] > 0
            heard = again[sounds[:, k:, t] & sounds[:, :-k, t]]
            assert heard.float().mean() == pytest.approx(wanted, abs=0.05)


def test_notes_are_held_only_from_an_onset() -> None:
    onset, held = np.zeros((1, 2, 5, 16, 72), bool), np.zeros((1, 2, 5, 16, 72), bool)
    held[0, 0, 1, :, 3] = held[0, 1, 1, 0, 3] = held[0, :, 0] = True
    onset[0, 0, 1, 14, 3] = onset[0, 0, 0, 2, 9] = True
    cells = sounding(onset, held)
    assert np.argwhere(cells).tolist() == [[0, 0, 0, 2, 9], [0, 0, 1, 14, 3], [0, 0, 1, 15, 3], [0, 1, 1, 0, 3]]


def test_copies_are_found_and_shuffled_tracks_fit_worse(prepared: Path) -> None:
    windows = Windows.open(prepared)
    rolls = windows.rolls(windows.index)
    known = set(two_bars(rolls[:20], 4))
    assert copies(rolls[:20], known, 4) == 1
    moved = np.roll(rolls[:20], 1, axis=-1)
    assert copies(moved, known, 4) == 0
    assert harmony(rolls) < harmony(shuffled(rolls))


def test_features_see_every_track_and_not_the_order_of_phrases(prepared: Path) -> None:
    windows = Windows.open(prepared)
    rolls = windows.rolls(windows.index[:6])[:, :BARS]
    table = features(rolls)
    assert np.isfinite(table).all() and np.array_equal(features(rolls[::-1])[::-1], table)
    for t in range(5):
        changed = rolls.copy()
        changed[:, :, t] = 0
        changed[:, 1, t, :, 5, 40] = 1
        assert (np.abs(features(changed) - table).max(1) > 0).all()


def test_an_autoencoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="training train variation"):
        autoencoder(tmp_path, "bass")


def test_broken_midi_files_are_listed_and_passed_over(tmp_path: Path, capsys) -> None:
    (tmp_path / "midi" / "jazz").mkdir(parents=True)
    (tmp_path / "midi" / "jazz" / "broken.mid").write_bytes(b"MThd and nothing else")
    notes = song("jazz", "train", 1)
    tracks = [
        Track(name, {"bass": 33, "strings": 48}.get(name, 0), name == "drums").with_notes(
            Note(o / 24, d / 24, int(p), int(v))
            for t, o, d, p, v in zip(notes.track, notes.onset, notes.duration, notes.pitch, notes.velocity)
            if TRACKS[t] == name
        )
        for name in TRACKS
    ]
    (tmp_path / "midi" / "jazz" / "good.mid").write_bytes(write_midi(Song(tuple(tracks), 100)))
    main(["prepare", "band", "--midi", str(tmp_path / "midi"), "--prepared", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "broken.mid" in said and "1 files skipped" in said
    assert Windows.open(tmp_path / "out").labels == ["jazz"]
