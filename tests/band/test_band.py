"""Band: what a person may ask of it, and that it learns, saves, loads and plays."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import ROOT, Cancelled, Progress, RequestError, band
from engine.band import played
from engine.band.form import path_noise
from engine.band.network import Band, Config, Generator, Phrase
from engine.band.played import SCALE
from engine.band.request import PATHS
from engine.core import checkpoint
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song
from engine.player import network as player_network
from engine.player.network import Player
from engine.player.vocabulary import END

torch.set_num_threads(1)
TINY = Config(("one", "two"), latent=4, style=6, phrase=4, track_style=4, track_phrase=2, width=24, depth=1,
              bar_width=16, track_width=16, decoder_bar=16, decoder_beat=12, decoder_step=12)  # fmt: skip


def lively(config: Config = TINY, seed: int = 0) -> Band:
    """An untrained band that makes sound: thresholds at the 97th percentile of its own logits."""
    torch.manual_seed(seed)
    network = Band(config).eval().requires_grad_(False)
    for p in network.parameters():
        if p.ndim > 1:
            p.mul_(2.0)
    network.generator.sound_bias.fill_(3.0)
    shared, private = path_noise(config, 1, {}, 40)
    genre = torch.eye(len(config.genres))[torch.arange(40) % 2]
    logits = network.decode(network.generator(torch.from_numpy(shared), torch.from_numpy(private), genre))
    network.onset_at.fill_(float(torch.quantile(logits[:, :, :, 0].reshape(-1)[::7], 0.97)))
    network.held_at.fill_(float(torch.quantile(logits[:, :, :, 1].reshape(-1)[::7], 0.7)))
    return network


PROGRAMS = {"two": {"bass": 38}}
LINE_UPS = [[4, 4, 4, 4, 4, 3, 5, 4, 3, 5], [7, 1, 6, 4, 1, 3, 0, 4, 2, 0]]  # in the second piano and strings rest


@pytest.fixture(scope="module")
def gan(tmp_path_factory: pytest.TempPathFactory) -> band.Model:
    folder = tmp_path_factory.mktemp("band")
    checkpoint.save(folder, system="band", weights=lively().state_dict(), model=TINY.asdict(), programs=PROGRAMS)
    loaded = band.load(folder, "cpu")
    assert isinstance(loaded, band.Model)
    return loaded


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An untrained player that ends no bar before it has many notes."""
    folder = tmp_path_factory.mktemp("player")
    torch.manual_seed(0)
    network = Player(player_network.Config(("one", "two"), width=32, layers=2, heads=2, hidden=48))
    for parameter in network.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.zeros_(network.head.weight[END])
    both = ("one", "two")
    checkpoint.save(
        folder, system="player", weights=network.state_dict(), programs=PROGRAMS,
        model=network.config.asdict() | {"combos": [[36, 42]]}, tempo_by_genre=dict.fromkeys(both, 120.0),
        line_ups=dict.fromkeys(both, LINE_UPS),
    )  # fmt: skip
    return band.load(folder)


@pytest.fixture(scope="module", params=["gan", "player"])
def model(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def play(model: band.Model, genre: str | dict[str, float], *, progress: Progress | None = None, **asked: Any) -> Song:
    mix = {genre: 1} if isinstance(genre, str) else genre
    song = band.generate(model, band.Request(genre=mix, **asked), progress=progress).song
    assert song
    return song


def notes(song, track: str) -> tuple[Note, ...]:
    return song.tracks[TRACKS.index(track)].notes


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(model: band.Model) -> None:
    first, again, other = (write_midi(play(model, "one", seed=s)) for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_threads_agree_with_one(model: band.Model) -> None:
    alone = [write_midi(play(model, "two", seed=s, bars=12)) for s in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda s: write_midi(play(model, "two", seed=s, bars=12)), range(8)))
    assert alone == together


@pytest.mark.parametrize("bars", [4, 7, 64])
def test_a_song_has_five_tracks_and_stays_within_its_bars(model: band.Model, bars: int) -> None:
    song = play(model, "one", seed=1, bars=bars)
    assert [t.name for t in song.tracks] == list(TRACKS)
    assert [t.is_drum for t in song.tracks] == [True, False, False, False, False]
    assert song.notes > bars
    assert max(n.end for t in song.tracks for n in t.notes) <= 4 * bars
    steps = {0.25} if isinstance(model, band.Model) else {0.25, 4 / 24}  # the player knows triplets
    written = song if isinstance(model, band.Model) else play(replace(model, hand=None), "one", seed=1, bars=bars)
    assert {n.duration for n in notes(written, "drums")} <= steps
    assert all(n.duration <= max(steps) for n in notes(song, "drums"))
    assert [len(notes(song, name)) for name in TRACKS] == [len(notes(written, name)) for name in TRACKS]


def test_more_bars_continue_the_same_song(model: band.Model) -> None:
    """A longer song begins as the shorter one; only what is held across the cut may last longer."""
    short, long = (play(model, "one", seed=4, bars=b, lock_key=False) for b in (8, 20))
    for a, b in zip(short.tracks, long.tracks):
        cut = [n for n in b.notes if n.onset < 32]
        assert [(n.onset, n.pitch) for n in a.notes] == [(n.onset, n.pitch) for n in cut]


def test_one_track_is_made_anew_while_the_others_stay(model: band.Model) -> None:
    before = play(model, "one", seed=9)
    after = play(model, "one", seed=9, track_seeds={"guitar": 123})
    assert notes(before, "guitar") != notes(after, "guitar")
    for name in TRACKS:
        if name != "guitar":
            assert notes(before, name) == notes(after, name)


def test_a_track_left_out_is_silent_and_changes_nothing_else(model: band.Model) -> None:
    whole = play(model, "one", seed=2)
    part = play(model, "one", seed=2, without=("piano", "guitar", "strings"))
    assert notes(part, "piano") == () and notes(part, "bass") == notes(whole, "bass") != ()


def test_what_was_chosen_for_a_player_who_rests_is_remarked(model: band.Model) -> None:
    chosen: dict[str, Any] = {"track_seeds": {"piano": 3}, "programs": {"bass": 38, "guitar": 26}}
    [remark] = band.generate(model, band.Request(genre={"one": 1}, without=("piano", "bass"), **chosen)).remarks
    assert "piano and bass" in remark and "guitar" not in remark
    assert not band.generate(model, band.Request(genre={"one": 1}, without=("drums",), **chosen)).remarks


def test_the_key_moves_every_pitch_but_the_drums(model: band.Model) -> None:
    c, eb = (play(model, "one", seed=2, key=k) for k in ("C", "Eb"))
    assert notes(c, "drums") == notes(eb, "drums")
    moved = [(n.onset, n.pitch + 3) for n in notes(c, "bass")]
    if not isinstance(model, band.Model):  # this one's basses go to the ends of MIDI's range, and fold there
        moved = sorted((onset, pitch - 12 * (pitch > 127)) for onset, pitch in moved)
    assert moved == [(n.onset, n.pitch) for n in notes(eb, "bass")]


def test_a_locked_key_leaves_no_note_outside_it(model: band.Model) -> None:
    song = play(model, "one", seed=2, key="D", lock_key=True)
    scale = {(2 + s) % 12 for s in SCALE}
    found = {n.pitch % 12 for t in song.tracks if not t.is_drum for n in t.notes}
    free = play(model, "one", seed=2, key="D")
    assert found <= scale and not {n.pitch % 12 for t in free.tracks if not t.is_drum for n in t.notes} <= scale


def test_density_adds_notes_and_no_adventure_makes_every_seed_alike(gan: band.Model) -> None:
    counts = [play(gan, "one", seed=3, density=d).notes for d in (0.0, 0.5, 1.0)]
    assert counts[0] < counts[1] < counts[2]
    calm = [play(gan, "one", seed=s, adventurousness=0, key="C") for s in (1, 2)]
    pitches = [[(n.onset, n.pitch) for t in song.tracks for n in t.notes] for song in calm]
    assert pitches[0] == pitches[1]


def test_density_and_adventurousness_change_what_the_player_plays(player: Any) -> None:
    usual = play(player, "one", seed=3)
    for asked in ({"density": 0.0}, {"density": 1.0}, {"adventurousness": 0.0}, {"adventurousness": 2.0}):
        assert play(player, "one", seed=3, **asked) != usual


def test_who_plays_is_drawn_from_the_genres_line_ups_and_another_part_always_plays(player: Any) -> None:
    levels = [played.brief_of(player, band.Request(genre={"one": 1}, seed=seed)) for seed in range(20)]
    assert {tuple(brief.busy.values()) for brief in levels} == {tuple(row[:5]) for row in LINE_UPS}
    assert {tuple(brief.register) for brief in levels} == {(0, 1, 2, 3, 4), (0, 2, 3)}
    resting = next(seed for seed, brief in enumerate(levels) if brief.busy[1] == 1)
    assert played.levels(player, band.Request(genre={"one": 1}, seed=resting), 5, plays=1)[0][1] == 4
    busier = played.brief_of(player, band.Request(genre={"one": 1}, seed=resting, density=1.0)).busy
    assert busier == {0: 7, 1: 1, 2: 7, 3: 7, 4: 1}  # who rests, rests


def test_the_result_says_which_network_played(gan: band.Model, player: Any) -> None:
    for network, name in ((gan, "gan"), (player, "player")):
        asked = band.Request(genre={"one": 1}, bars=4)
        made = band.generate(network, asked).request
        assert isinstance(made, band.Request) and made.network == name and made.checkpoint() == PATHS[name]


def test_a_recipe_from_before_the_player_is_the_gans() -> None:
    recipe = band.Request(genre={"one": 1.0}).to_json()
    assert band.Request.from_json(recipe).network == "player"
    del recipe["network"]
    assert band.Request.from_json(recipe).network == "gan"
    assert band.Request.from_options({"genre": "one", "bars": 4}, 3).network == "gan"


def test_genres_differ_and_a_mix_is_neither(model: band.Model) -> None:
    one, two, mix, same = (
        [n.pitch for t in play(model, g, seed=3, key="C").tracks for n in t.notes]
        for g in ("one", "two", {"one": 1, "two": 1}, {"one": 3, "two": 0})
    )
    assert one != two and mix not in (one, two) and same == one


def test_tempo_and_programs_are_the_genres_unless_asked(model: band.Model) -> None:
    usual = play(model, "two", seed=1)
    assert usual.tempo == 120 and usual.tracks[3].program == 38
    asked = play(model, "two", seed=1, tempo=93, programs={"bass": 35, "piano": 4})
    assert asked.tempo == 93 and [asked.tracks[t].program for t in (1, 3)] == [4, 35]


def test_progress_is_told_and_can_stop_the_work(model: band.Model) -> None:
    seen: list[tuple[int, int]] = []
    play(model, "one", seed=1, bars=40, progress=lambda d, t: seen.append((d, t)))
    steps = 10 if isinstance(model, band.Model) else 40  # phrases, or bars
    assert seen[0][0] == 0 and seen[-1] == (steps, steps) and seen == sorted(seen)

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        play(model, "one", seed=1, bars=40, progress=stop)


@pytest.mark.parametrize("wrong, words", [
    ({"genre": "polka"}, "one, two"), ({"genre": {}}, "no genre"), ({"genre": {"one": -1}}, "weight"),
    ({"bars": 0}, "4 to 64"), ({"bars": 10_000}, "4 to 64"), ({"bars": 8.5}, "4 to 64"), ({"seed": "x"}, "seed"),
    ({"seed": -1}, "seed"), ({"adventurousness": float("nan")}, "Adventurousness"), ({"density": 2}, "Density"),
    ({"tempo": 0}, "tempo"), ({"key": "H"}, "key"), ({"track_seeds": {"flute": 1}}, "flute"),
    ({"track_seeds": {"bass": True}}, "seed of a track"), ({"programs": {"bass": 128}}, "program of a track"),
    ({"without": ("kazoo",)}, "kazoo"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_words(model: band.Model, wrong: dict, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        play(model, **({"genre": "one", "seed": 1} | wrong))


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, system="band", weights=lively().state_dict(), model=TINY.asdict())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(RequestError, match=r"model\.safetensors"):
        band.load(tmp_path)
    checkpoint.save(tmp_path, system="band", weights=lively().state_dict(), model=TINY.asdict() | {"latent": 5})
    with pytest.raises(RequestError, match="do not fit"):
        band.load(tmp_path)


def test_repeating_bars_are_exactly_the_earlier_ones() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY)
    latent, chord, sounds = torch.randn(3, 4, 5, 4), torch.rand(3, 4, 48), torch.ones(3, 4, 5)
    again = -torch.ones(3, 4, 5, 2)
    again[:, 1, 3, 0] = again[:, 3, 2, 1] = 1  # bass: bar 2 is bar 1; guitar: bar 4 is bar 2
    made = generator.assemble(latent, chord, sounds, again).latent
    assert torch.equal(made[:, 1, 3], made[:, 0, 3]) and torch.equal(made[:, 3, 2], made[:, 1, 2])
    assert torch.equal(made[:, 1, 2], latent[:, 1, 2])


def test_the_chord_decides_which_notes_of_a_beat_sound_and_leaves_the_drums_alone() -> None:
    network = lively()
    chord = torch.zeros(1, 1, 4, 12)
    chord[0, 0, :, 0] = chord[0, 0, 2, 7] = 1  # C in every beat, G as well in the third
    phrase = Phrase(torch.randn(1, 1, 5, TINY.latent), chord.flatten(2), torch.ones(1, 1, 5))
    before = network.decode(phrase)[0, 0].unflatten(-1, (6, 12))  # [tracks, planes, steps, octaves, pitch classes]
    network.chord_weight.fill_(2.0)
    gain = network.decode(phrase)[0, 0].unflatten(-1, (6, 12)) - before
    assert torch.equal(gain[0], torch.zeros_like(gain[0]))
    beats = gain[1:, 0].unflatten(1, (4, 4)).mean((2, 3))  # [tracks, beats, pitch classes]
    assert torch.allclose(beats[:, 0, 0] - beats[:, 0, 7], torch.tensor(12.4), atol=0.1)  # 2 log(1 / 0.002)
    assert torch.allclose(beats[:, 2, 0], beats[:, 2, 7], atol=1e-3)


def test_variety_raises_the_likeliest_onset_of_each_pitch_class() -> None:
    network = lively()
    phrase = Phrase(torch.randn(1, 1, 5, TINY.latent), torch.ones(1, 1, 48), torch.ones(1, 1, 5))
    before = network.decode(phrase)[0, 0].unflatten(-1, (6, 12))
    network.pitch_class_boost[2] = 1.5
    gain = network.decode(phrase)[0, 0].unflatten(-1, (6, 12)) - before
    assert not gain[[0, 1, 3, 4]].any() and not gain[2, 1].any()
    raised = gain[2, 0] > 1
    assert raised.sum((0, 1)).tolist() == [1] * 12 and gain[2, 0][raised].allclose(torch.tensor(1.5))
    assert torch.equal(before[2, 0][raised].sort().values, before[2, 0].amax((0, 1)).sort().values)


def test_style_stays_and_sections_return() -> None:
    shared, private = path_noise(TINY, 3, {}, 4)
    assert np.ptp(shared[:, : TINY.style], axis=0).max() == 0
    apart = [np.linalg.norm(shared[i, TINY.style :] - shared[0, TINY.style :]) for i in range(4)]
    assert 0 < apart[1] < apart[2] and apart[3] < apart[2]  # A A' B A''
    assert not np.array_equal(private[0, 1], private[0, 2])


@pytest.mark.process
def test_the_command_line_makes_the_same_files_twice(model: band.Model, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    checkpoint.save(folder, system="band", weights=lively().state_dict(), model=TINY.asdict())
    command = [sys.executable, "-m", "engine", "band", "--checkpoint", str(folder), "--seed", "7", "--genre", "one:2",
               "--genre", "two", "--reroll", "piano=3", "--without", "strings", "--out"]  # fmt: skip
    made = []
    for name in ("a.mid", "b.mid"):
        subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, check=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1] and len(made[0]) > 200
    bad = subprocess.run([*command, str(tmp_path / "c.mid"), "--bars", "0"], cwd=ROOT, capture_output=True, text=True)
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1 and "4 to 64" in bad.stderr
    assert not (tmp_path / "c.mid").exists()


needs_weights = pytest.mark.skipif(not all((path / "config.json").exists() for path in PATHS.values()),
                                   reason="the checkpoints are not here yet")  # fmt: skip


@needs_weights
@pytest.mark.parametrize(("network", "seeds"), [("gan", 4), ("player", 16)])
def test_the_shipped_band_plays_every_genre_within_its_size(network: str, seeds: int) -> None:
    path = PATHS[network]
    model = band.load(path)
    assert len(model.genres) >= 8
    assert (path / "model.safetensors").stat().st_size <= 16 << 20
    drums = {}
    for genre in model.genres:
        songs = [play(model, genre, seed=s, bars=8, key="C") for s in range(seeds)]
        assert all(song.notes >= 40 for song in songs), genre
        assert len({write_midi(song) for song in songs}) == seeds
        hits = [len(notes(song, "drums")) for song in songs]
        drums[genre] = np.mean(hits) if network == "gan" else np.mean(np.array(hits) > 0)  # the player's may rest
    assert drums["punk"] > 2 * drums["classical"]


@needs_weights
def test_the_shipped_bands_long_song_hangs_together_without_standing_still() -> None:
    """Phrases of one song are more alike than those of different songs, and no phrase is a copy of another."""
    from engine.core.pianoroll import to_roll

    model = band.load(PATHS["gan"])
    rolls = [to_roll(play(model, "rock", seed=s, bars=32, key="C"), steps=512)[0] for s in range(6)]
    phrases = np.stack([r.reshape(5, 8, 64, 128) for r in rolls])  # [songs, tracks, phrases, steps, pitches]

    def alike(a: np.ndarray, b: np.ndarray) -> float:
        return float((a & b).sum() / max(1, (a | b).sum()))

    inside = np.mean([alike(p[:, i], p[:, i + 1]) for p in phrases for i in range(7)])
    across = np.mean([alike(phrases[s][:, i], phrases[(s + 1) % 6][:, i]) for s in range(6) for i in range(7)])
    assert inside > 2 * across
    assert all(not np.array_equal(p[:, i], p[:, i + 1]) for p in phrases for i in range(7))
