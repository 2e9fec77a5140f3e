"""What the band's player goes on with: the song's form, its own tracks, and what it does not play."""

from dataclasses import replace

import pytest

from engine import player
from engine.core.song import Note, Song, Track
from engine.variation import load
from engine.variation.bars import read
from engine.variation.played import NEW, REST, form_of, history, meter_of, nearest, period_of
from engine.variation.request import NETWORKS, PATH, PLAYER
from tests.variation import songs

BASS = 3


def loop(bars=8, period=4, meter=(4, 4), upbeat=0.0) -> Song:
    """A bass and a piano whose bars come again after a period, and drums."""
    length = meter[0] * 4 / meter[1]
    bass, keys, drums = [], [], []
    for bar in range(bars):
        at, turn = upbeat + bar * length, bar % period
        bass += [Note(at, length / 2, 36 + 2 * turn, 90), Note(at + length / 2, length / 2, 43 - turn, 70)]
        keys += [Note(at + beat, 0.5, pitch + turn, 60) for beat in range(int(length)) for pitch in (60, 64, 67)]
        drums += [Note(at + beat, 0.25, 36 if beat % 2 == 0 else 38, 100) for beat in range(int(length))]
    return Song((Track("drums", 0, True).with_notes(drums), Track("Keys", 0).with_notes(keys),
                 Track("Low", 33).with_notes(bass)), 110.0, meter, upbeat=upbeat)  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return load(PATH / "k32", "cpu")


def bars_of(song: Song) -> list[player.Bar]:
    named = [replace(track, name=name) for track, name in zip(song.tracks, ("drums", "piano", "bass"))]
    return player.read_song(replace(song, tracks=tuple(named)))[0]


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_period_is_that_after_which_the_bars_came_again(period):
    assert period_of(bars_of(loop(16, period))) == period


def test_a_lane_comes_again_where_it_did_is_new_where_it_did_not_and_rests_where_it_rested():
    song = loop(16, 4)
    bass = [replace(note, pitch=note.pitch + 11) if note.onset >= 60 else note for note in song.tracks[2].notes]
    bars = bars_of(replace(song, tracks=(*song.tracks[:2], song.tracks[2].with_notes(bass))))
    assert [row[BASS] for row in form_of(bars, 4, 8)] == [4] * 7 + [NEW]  # as the last of its bars was another
    rested = [bar.with_lane(BASS, ()) if number >= 12 else bar for number, bar in enumerate(bars)]
    assert [row[BASS] for row in form_of(rested, 4, 4)] == [REST] * 4


def test_of_the_ways_the_nearest_is_kept_that_was_not_there_before():
    like, near, far = (player.Bar(lanes={3: [(0, 4, 36), (8, 4, pitch)]}) for pitch in (40, 41, 50))
    far = player.Bar(lanes={3: [(4, 4, 50)]})
    assert nearest([far, near, like], like, [like], [REST, REST, REST, NEW, REST]).lanes == near.lanes
    assert nearest([far, like, near], like, [like], [REST, REST, REST, 4, REST]).lanes == like.lanes


@pytest.mark.parametrize("meter", [(4, 4), (3, 4)])
def test_it_goes_on_in_the_songs_own_tracks_and_keeps_all_that_was_there(model, meter):
    song = loop(8, 4, meter)
    made = songs.extend(model, song, bars=4, by=PLAYER, seed=5)
    end = 8 * song.beats_per_bar
    for track in song.tracks:
        mine = next(each for each in made.tracks if each.name == track.name)
        assert mine.program == track.program
        assert [n for n in mine.notes if n.onset < end - 1e-6] == list(track.notes)
        assert any(n.onset >= end - 1e-6 for n in mine.notes) and mine.notes[-1].onset < end + 4 * song.beats_per_bar
    assert made == songs.extend(model, song, bars=4, by=PLAYER, seed=5)


def test_a_second_track_of_a_family_repeats_its_period_and_that_is_said(model):
    song = loop(8, 4)
    more = Track("Second keys", 4).with_notes([Note(bar * 4.0, 1.0, 72 + bar % 4) for bar in range(8)])
    made = songs.extend(model, replace(song, tracks=(*song.tracks, more)), bars=4, by=PLAYER)
    second = next(track for track in made.tracks if track.name == "Second keys")
    assert [(n.onset, n.pitch) for n in second.notes[8:]] == [(32 + 4 * n, 72 + n) for n in range(4)]
    assert any("Second keys" in remark and "last 4 bars" in remark for remark in made.remarks)


def test_a_meter_that_the_player_does_not_know_is_left_to_the_networks_and_that_is_said(model):
    made = songs.extend(model, loop(4, 2, (5, 4)), bars=1, by=PLAYER)
    assert any("5/4" not in remark and "MelodyNN and HarmonyNN go on in its place" in remark for remark in made.remarks)
    assert made.tracks == songs.extend(model, loop(4, 2, (5, 4)), bars=1, by=NETWORKS).tracks


def test_only_whole_bars_of_the_last_meter_are_heard():
    assert history(read(loop(20)), (4, 4)) == 16 and history(read(loop(3, upbeat=1.0)), (4, 4)) == 3
    assert meter_of(loop(2, 2, (2, 2))) == (4, 4) and history(read(loop(4, 2, (5, 4))), (5, 4)) == 0
