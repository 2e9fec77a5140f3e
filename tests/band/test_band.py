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

from engine import ROOT, Cancelled, Progress, RequestError, band, planner
from engine.band import played
from engine.band.played import SCALE
from engine.core import checkpoint
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song
from engine.player import network as player_network
from engine.player import perform
from engine.player.network import Player
from engine.player.vocabulary import END

torch.set_num_threads(1)
PROGRAMS = {"two": {"bass": 38}}


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
    )  # fmt: skip
    return band.load(folder)


def play(player: Any, genre: str | dict[str, float], *, progress: Progress | None = None, **asked: Any) -> Song:
    mix = {genre: 1} if isinstance(genre, str) else genre
    song = band.generate(player, band.Request(genre=mix, **asked), progress=progress).song
    assert song
    return song


def notes(song, track: str) -> tuple[Note, ...]:
    return song.tracks[TRACKS.index(track)].notes


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(player: Any) -> None:
    first, again, other = (write_midi(play(player, "one", seed=s)) for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_threads_agree_with_one(player: Any) -> None:
    alone = [write_midi(play(player, "two", seed=s, bars=12)) for s in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda s: write_midi(play(player, "two", seed=s, bars=12)), range(8)))
    assert alone == together


@pytest.mark.parametrize("bars", [4, 7, 128])
def test_a_song_has_five_tracks_and_stays_within_its_bars(player: Any, bars: int) -> None:
    song = play(player, "one", seed=1, bars=bars)
    assert [t.name for t in song.tracks] == list(TRACKS)
    assert [t.is_drum for t in song.tracks] == [True, False, False, False, False]
    assert song.notes > bars
    assert max(n.end for t in song.tracks for n in t.notes) <= 4 * bars
    steps = {0.25, 4 / 24}  # sixteenths and triplets
    written = play(replace(player, hand=None), "one", seed=1, bars=bars)
    assert {n.duration for n in notes(written, "drums")} <= steps
    assert all(n.duration <= max(steps) for n in notes(song, "drums"))
    assert [len(notes(song, name)) for name in TRACKS] == [len(notes(written, name)) for name in TRACKS]


def test_more_bars_continue_the_same_song(player: Any) -> None:
    """A longer song begins as the shorter one; only what is held across the cut may last longer."""
    short, long = (play(player, "one", seed=4, bars=b, lock_key=False) for b in (8, 20))
    for a, b in zip(short.tracks, long.tracks):
        cut = [n for n in b.notes if n.onset < 32]
        assert [(n.onset, n.pitch) for n in a.notes] == [(n.onset, n.pitch) for n in cut]


def test_one_track_is_made_anew_while_the_others_stay(player: Any) -> None:
    before = play(player, "one", seed=9)
    after = play(player, "one", seed=9, track_seeds={"guitar": 123})
    assert notes(before, "guitar") != notes(after, "guitar")
    for name in TRACKS:
        if name != "guitar":
            assert notes(before, name) == notes(after, name)


def test_a_track_left_out_is_silent_and_changes_nothing_else(player: Any) -> None:
    whole = play(player, "one", seed=2)
    part = play(player, "one", seed=2, without=("piano", "guitar", "strings"))
    assert notes(part, "piano") == () and notes(part, "bass") == notes(whole, "bass") != ()


def test_what_was_chosen_for_a_player_who_rests_is_remarked(player: Any) -> None:
    chosen: dict[str, Any] = {"track_seeds": {"piano": 3}, "programs": {"bass": 38, "guitar": 26}}
    [remark] = band.generate(player, band.Request(genre={"one": 1}, without=("piano", "bass"), **chosen)).remarks
    assert "piano and bass" in remark and "guitar" not in remark
    assert not band.generate(player, band.Request(genre={"one": 1}, without=("drums",), **chosen)).remarks


def test_the_key_moves_every_pitch_but_the_drums(player: Any) -> None:
    c, eb = (play(player, "one", seed=2, key=k) for k in ("C", "Eb"))
    assert notes(c, "drums") == notes(eb, "drums")
    moved = [(n.onset, n.pitch + 3) for n in notes(c, "bass")]
    moved = sorted((onset, pitch - 12 * (pitch > 127)) for onset, pitch in moved)  # an untrained bass goes there
    assert moved == [(n.onset, n.pitch) for n in notes(eb, "bass")]


def test_a_locked_key_leaves_no_note_outside_it(player: Any) -> None:
    song = play(player, "one", seed=2, key="D", lock_key=True)
    scale = {(2 + s) % 12 for s in SCALE}
    found = {n.pitch % 12 for t in song.tracks if not t.is_drum for n in t.notes}
    free = play(player, "one", seed=2, key="D")
    assert found <= scale and not {n.pitch % 12 for t in free.tracks if not t.is_drum for n in t.notes} <= scale


def test_density_and_adventurousness_change_what_the_player_plays(player: Any) -> None:
    usual = play(player, "one", seed=3)
    for asked in ({"density": 0.0}, {"density": 1.0}, {"adventurousness": 0.0}, {"adventurousness": 2.0}):
        assert play(player, "one", seed=3, **asked) != usual


def test_who_plays_is_planned_and_another_part_always_plays(player: Any) -> None:
    asked = [band.Request(genre={"one": 1}, seed=seed) for seed in range(20)]
    briefs = [played.brief_of(player, one) for one in asked]
    assert len({tuple(brief.busy.values()) for brief in briefs}) > 10
    for brief in briefs:
        assert brief.lanes == tuple(lane for lane, level in brief.busy.items() if level > 1)
        assert all((row[lane] == -1) for row in brief.form for lane, level in brief.busy.items() if level == 1)
    resting = [(seed, lane) for seed, brief in enumerate(briefs) for lane, level in brief.busy.items() if level == 1]
    seed, lane = resting[0]
    part = played.planned(player, asked[seed], {TRACKS[lane]: 5})
    assert part["busy"][lane] > 1 and any(row[lane] != -1 for row in part["form"])
    busier = played.brief_of(player, replace(asked[seed], density=1.0))
    assert busier.busy[lane] == 1 and max(busier.busy.values()) == 7  # who rests, rests


def test_noise_alone_makes_other_plans_and_a_longer_one_begins_as_the_shorter(player: Any) -> None:
    """With the seed by which notes are drawn the same, another plan is other music."""
    asked = band.Request(genre={"one": 1}, bars=8, seed=1)
    brief = played.brief_of(player, asked)
    other = replace(brief, **played.planned(player, replace(asked, seed=2)))
    lanes = tuple(lane for lane, level in other.busy.items() if level > 1)
    assert list(perform(player, brief)) != list(perform(player, replace(other, lanes=lanes)))
    long = played.brief_of(player, replace(asked, bars=24))
    assert long.form[:8] == brief.form and long.busy == brief.busy
    assert played.brief_of(player, replace(asked, bars=64)).form[:24] == long.form
    assert played.brief_of(player, replace(asked, bars=64)).ends and not long.ends


def test_recipes_from_when_two_networks_could_be_chosen_open_and_say_what_is_gone() -> None:
    recipe = band.Request(genre={"one": 1.0}, density=0.75).to_json()
    for network, lost in (("gan", 1), ("player", 0)):
        earlier = recipe | {"network": network}
        assert band.Request.from_json(earlier) == band.Request.from_json(recipe)
        assert len(band.Request.lost(earlier)) == lost
    first = {name: recipe[name] for name in ("format", "seed", "genre", "bars", "density")}
    assert band.Request.from_json(first).density == 0.75 and "player" in band.Request.lost(first)[0]
    assert band.Request.lost({"genre": "one", "bars": 4}) and not band.Request.lost(recipe)
    with pytest.raises(RequestError, match="wind"):
        band.Request.from_json(recipe | {"wind": "west"})


def test_genres_differ_and_a_mix_is_neither(player: Any) -> None:
    one, two, mix, same = (
        [n.pitch for t in play(player, g, seed=3, key="C").tracks for n in t.notes]
        for g in ("one", "two", {"one": 1, "two": 1}, {"one": 3, "two": 0})
    )
    assert one != two and mix not in (one, two) and same == one


def test_tempo_and_programs_are_the_genres_unless_asked(player: Any) -> None:
    usual = play(player, "two", seed=1)
    assert usual.tempo == 120 and usual.tracks[3].program == 38
    asked = play(player, "two", seed=1, tempo=93, programs={"bass": 35, "piano": 4})
    assert asked.tempo == 93 and [asked.tracks[t].program for t in (1, 3)] == [4, 35]


def test_progress_is_told_and_can_stop_the_work(player: Any) -> None:
    seen: list[tuple[int, int]] = []
    play(player, "one", seed=1, bars=40, progress=lambda d, t: seen.append((d, t)))
    assert seen[0][0] == 0 and seen[-1] == (40, 40) and seen == sorted(seen)

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        play(player, "one", seed=1, bars=40, progress=stop)


@pytest.mark.parametrize("wrong, words", [
    ({"genre": "polka"}, "one, two"), ({"genre": {}}, "no genre"), ({"genre": {"one": -1}}, "weight"),
    ({"bars": 0}, "4 to 128"), ({"bars": 10_000}, "4 to 128"), ({"bars": 8.5}, "4 to 128"), ({"seed": "x"}, "seed"),
    ({"seed": -1}, "seed"), ({"adventurousness": float("nan")}, "Adventurousness"), ({"density": 2}, "Density"),
    ({"tempo": 0}, "tempo"), ({"key": "H"}, "key"), ({"track_seeds": {"flute": 1}}, "flute"),
    ({"track_seeds": {"bass": True}}, "seed of a track"), ({"programs": {"bass": 128}}, "program of a track"),
    ({"without": ("kazoo",)}, "kazoo"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_words(player: Any, wrong: dict, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        play(player, **({"genre": "one", "seed": 1} | wrong))


@pytest.mark.process
def test_the_command_line_makes_the_same_files_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "band", "--seed", "7", "--genre", "jazz:2", "--genre", "soul",
               "--reroll", "piano=3", "--without", "strings", "--out"]  # fmt: skip
    made = []
    for name in ("a.mid", "b.mid"):
        subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, check=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1] and len(made[0]) > 200
    bad = subprocess.run([*command, str(tmp_path / "c.mid"), "--bars", "0"], cwd=ROOT, capture_output=True, text=True)
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1 and "4 to 128" in bad.stderr
    assert not (tmp_path / "c.mid").exists()


@pytest.fixture(scope="module")
def shipped() -> Any:
    return band.load()


def test_the_shipped_band_plays_every_genre_within_its_size(shipped: Any) -> None:
    assert len(shipped.genres) >= 8
    assert (band.PATH / "model.safetensors").stat().st_size <= 16 << 20
    drums = {}
    for genre in shipped.genres:
        songs = [play(shipped, genre, seed=s, bars=8, key="C") for s in range(2)]
        assert all(song.notes >= 40 for song in songs), genre
        assert len({write_midi(song) for song in songs}) == 2
        plans = [planner.draw(shipped.planner, {genre: 1.0}, 8, seed) for seed in range(200)]
        drums[genre] = np.mean([(plan.form[:, 0] != planner.REST).any() for plan in plans])
    assert drums["punk"] > 2 * drums["classical"]


def test_density_adds_notes_and_adventure_goes_further_up_and_down(shipped: Any) -> None:
    def four(**asked: float) -> list[Song]:
        return [play(shipped, "rock", seed=s, key="C", **asked) for s in range(4)]

    counts = [sum(song.notes for song in four(density=d)) for d in (0.0, 0.5, 1.0)]
    assert counts[0] < counts[1] < counts[2]
    calm, wild = (sum(len({n.pitch for t in song.tracks[1:] for n in t.notes}) for song in four(adventurousness=a))
                  for a in (0.0, 2.0))  # fmt: skip
    assert calm < wild


def test_the_shipped_bands_long_song_hangs_together_without_standing_still(shipped: Any) -> None:
    """Bars of one song are more alike than those of different songs, and eight bars are not the eight before."""
    from engine.core.pianoroll import to_roll

    rolls = [to_roll(play(shipped, "rock", seed=s, bars=32, key="C"), steps=512)[0] for s in range(6)]
    sections = np.stack([r.reshape(5, 4, 128, 128) for r in rolls])  # [songs, tracks, sections, steps, pitches]

    def alike(a: np.ndarray, b: np.ndarray) -> float:
        return float((a & b).sum() / max(1, (a | b).sum()))

    inside = np.mean([alike(p[:, i], p[:, i + 1]) for p in sections for i in range(3)])
    across = np.mean([alike(sections[s][:, i], sections[(s + 1) % 6][:, i]) for s in range(6) for i in range(3)])
    assert inside > 2 * across
    assert not any(all(np.array_equal(p[:, i], p[:, i + 1]) for i in range(3)) for p in sections)
