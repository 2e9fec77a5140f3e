"""The data loaders, on small files in the exact formats that they are published in."""

import mido
import numpy as np
import pypianoroll
import pytest

from engine import RequestError
from engine.core.midi import read_midi, write_midi
from engine.core.pianoroll import TRACKS, merge_to_five
from engine.core.song import Note, Song, Track
from training.__main__ import main
from training.core.data import lpd5, midi_folder, midi_notes, songs_npz, split_of
from training.variation.prepare import Bars, unpack


@pytest.fixture
def lakh(tmp_path):
    """LPD-5-cleansed in small: lpd_5_cleansed/T/R/A/<track id>/<md5>.npz, cleansed_ids.txt and lists of one source."""
    names = ["Drums", "Piano", "Guitar", "Bass", "Strings"]  # the archive's own order and names
    programs = [0, 0, 24, 32, 48]
    tracks_of = {"a" * 32: "TRAAAGR128F425B14B", "b" * 32: "TRAAAZF12903CCCF6B", "c" * 32: "TRAABVM128F92CA9DC"}
    for number, (md5, track_id) in enumerate(tracks_of.items()):
        folder = tmp_path / "lpd_5_cleansed" / track_id[2] / track_id[3] / track_id[4] / track_id
        folder.mkdir(parents=True)
        tracks = []
        for t, (name, program) in enumerate(zip(names, programs)):
            roll = np.zeros((96 * 2, 128), np.uint8)
            roll[12 * t : 12 * t + 24, 40 + t + number] = 60 + t
            tracks.append(pypianoroll.StandardTrack(name, program, t == 0, roll))
        song = pypianoroll.Multitrack(name=md5, resolution=24, tempo=np.full((192, 1), 90.0 + number), tracks=tracks)
        song.save(folder / f"{md5}.npz")
    (tmp_path / "cleansed_ids.txt").write_text("".join(f"{md5}    {track}\n" for md5, track in tracks_of.items()))
    lists = tmp_path / "id_lists_lastfm"
    lists.mkdir()
    a, b, c = tracks_of.values()
    (lists / "id_list_Jazz.txt").write_text(f"{a}\n{c}\n")
    (lists / "id_list_Rock.txt").write_text(f"{b}\n{c}\nTRNOTINTHESET00000\n")
    return tmp_path


def test_lpd5_songs_get_the_genre_of_the_one_list_that_names_them(lakh):
    skipped = []
    songs = list(lpd5(lakh / "lpd_5_cleansed", lakh / "cleansed_ids.txt", lakh / "id_lists_lastfm", skipped))
    assert [(song.label, song.tempo) for song in songs] == [("jazz", 90.0), ("rock", 91.0)] and not skipped
    jazz = songs[0]
    assert jazz.track.tolist() == [0, 1, 2, 3, 4]
    assert jazz.onset.tolist() == [0, 12, 24, 36, 48] and jazz.duration.tolist() == [24] * 5
    assert jazz.pitch.tolist() == [40, 41, 42, 43, 44] and jazz.velocity.tolist() == [60, 61, 62, 63, 64]


def test_variation_prepares_from_it(lakh, tmp_path):
    words = ["prepare", "variation", "--lpd5", lakh / "lpd_5_cleansed", "--ids", lakh / "cleansed_ids.txt"]
    words += ["--lists", lakh / "id_lists_lastfm", "--prepared", tmp_path / "prepared"]
    main([*map(str, words)])
    bars = Bars.open(tmp_path / "prepared")
    assert len(bars.split) == 2 and len(bars.index) == 2
    roll = unpack(bars.bars["bass"][bars.index[0, TRACKS.index("bass")]])
    assert np.argwhere(roll[0]).tolist() == [[6, 43 - 24]]  # a beat and a half in


def test_lpd5_skips_and_lists_what_is_broken(lakh):
    broken = next((lakh / "lpd_5_cleansed").rglob("a*.npz"))
    broken.write_bytes(broken.read_bytes()[:100])
    skipped = []
    songs = list(lpd5(lakh / "lpd_5_cleansed", lakh / "cleansed_ids.txt", lakh / "id_lists_lastfm", skipped))
    assert [song.label for song in songs] == ["rock"]
    assert len(skipped) == 1 and broken.name in skipped[0]


def test_lpd5_without_lists_is_refused(lakh, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="genre lists"):
        list(lpd5(lakh, lakh / "cleansed_ids.txt", tmp_path / "empty"))


def song(pitch, program=0, meter=(4, 4)):
    return Song((Track("t", program, False, (Note(0, 1, pitch), Note(2.5, 0.5, pitch + 2))),), 100.0, meter)


def test_a_folder_of_midi_gives_genres_by_subfolder_and_goes_on_past_broken_files(tmp_path):
    for genre in ("jazz", "rock"):
        (tmp_path / genre / "deep").mkdir(parents=True)
    (tmp_path / "jazz" / "one.mid").write_bytes(write_midi(song(60)))
    (tmp_path / "rock" / "deep" / "two.MID").write_bytes(write_midi(song(70, program=33)))
    (tmp_path / "rock" / "waltz.mid").write_bytes(write_midi(song(70, meter=(3, 4))))
    (tmp_path / "rock" / "broken.mid").write_bytes(b"MThd broken")
    (tmp_path / "rock" / "effects.mid").write_bytes(write_midi(song(70, program=125)))
    (tmp_path / "readme.txt").write_text("no music")
    skipped = []
    songs = list(midi_folder(tmp_path, skipped))
    assert [(s.label, s.pitch.tolist(), s.onset.tolist()) for s in songs] == [
        ("jazz", [60, 62], [0, 60]),
        ("rock", [70, 72], [0, 60]),
    ]
    assert songs[0].track.tolist() == [1, 1] and songs[1].track.tolist() == [3, 3]
    assert sorted(line.split()[0] for line in skipped) == ["broken.mid", "effects.mid", "waltz.mid"]


def messy_midi(path, rng, kind=1):
    """Three file tracks on three channels, with programs and tempi that change on the way; no key is struck twice."""
    midi = mido.MidiFile(type=kind, ticks_per_beat=220)
    for _ in range(3):
        events = [(0, mido.Message("program_change", channel=channel, program=8)) for channel in (0, 1, 9)]
        free = {}  # (channel, pitch) → when its key is up
        keys = zip(rng.choice([0, 1, 9], 80), rng.integers(36, 42, 80), np.sort(rng.integers(0, 40, 80)))
        for channel, pitch, start in keys:
            note, end = {"channel": int(channel), "note": int(pitch)}, start * 55 + int(rng.integers(1, 300))
            if start * 55 <= free.get((channel, pitch), -1):
                continue
            free[channel, pitch] = end
            events.append((start * 55, mido.Message("note_on", velocity=int(rng.integers(1, 128)), **note)))
            events.append((end, mido.Message("note_off", **note)))
        for program, tick in zip((33, 48, 98, 125), rng.integers(0, 2200, 4)):
            events.append((tick, mido.Message("program_change", channel=int(rng.integers(2)), program=program)))
        events.append((int(rng.integers(0, 2200)), mido.MetaMessage("set_tempo", tempo=int(rng.integers(3e5, 9e5)))))
        events.sort(key=lambda event: event[0])
        ticks = np.diff([0] + [tick for tick, _ in events])
        midi.tracks.append(mido.MidiTrack(event.copy(time=int(t)) for t, (_, event) in zip(ticks, events)))
    midi.save(path)


@pytest.mark.parametrize("seed", range(8))
def test_midi_in_bulk_gives_the_songs_of_the_studios_reader(tmp_path, seed):
    messy_midi(tmp_path / "a.mid", np.random.default_rng(seed))
    song, notes = read_midi(tmp_path / "a.mid"), midi_notes(tmp_path / "a.mid")
    assert notes.tempo in {song.tempo, *(tempo for _, tempo in song.tempo_changes)}
    columns = notes.onset, notes.track, notes.duration, notes.pitch, notes.velocity
    assert list(zip(*(column.tolist() for column in columns))) == sorted(
        (round(n.onset * 24), t, max(1, round(n.duration * 24)), n.pitch, n.velocity)
        for t, track in enumerate(merge_to_five(song).tracks)
        for n in track.notes
    )


def test_midi_of_type_2_is_refused_in_bulk(tmp_path):
    messy_midi(tmp_path / "a.mid", np.random.default_rng(0), kind=2)
    with pytest.raises(RequestError, match="type 2"):
        midi_notes(tmp_path / "a.mid")


def test_songs_npz(tmp_path):
    np.savez(
        tmp_path / "songs.npz",
        offsets=np.array([0, 2, 3]),
        track=np.array([1, 3, 0], np.uint8),
        onset=np.array([48, 0, 6], np.uint16),
        dur=np.array([24, 12, 3], np.uint8),
        pitch=np.array([60, 40, 36], np.uint8),
        vel=np.array([80, 90, 100], np.uint8),
        genre=np.array(["jazz", "rock"]),
        split=np.array(["train", "test"]),
        qpm=np.array([120, 98.5], np.float32),
    )
    first, second = songs_npz(tmp_path / "songs.npz")
    assert first.onset.tolist() == [0, 48] and first.pitch.tolist() == [40, 60] and first.label == "jazz"
    assert (second.split, second.tempo, second.duration.tolist()) == ("test", 98.5, [3])
    np.savez(tmp_path / "other.npz", offsets=np.array([0]))
    with pytest.raises(RequestError, match="lacks track"):
        list(songs_npz(tmp_path / "other.npz"))


def test_a_split_is_decided_by_the_name_alone_in_the_shares_that_are_stated():
    splits = [split_of(f"song {n}") for n in range(4000)]
    assert splits == [split_of(f"song {n}") for n in range(4000)]
    assert splits.count("train") / 4000 == pytest.approx(0.8, abs=0.03)
    assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.03)
