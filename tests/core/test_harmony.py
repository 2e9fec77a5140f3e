"""Chords are heard and found: the same wherever a song lies, and as the weights of the repository know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from engine.core.chords import chord_of
from engine.core.harmony import PARTS, certain, chords_of, features, halves, harmonised, heard, load, sounding
from engine.core.song import Note, Song, Track
from training.__main__ import main
from training.chords.evaluate import agreement
from training.chords.train import songs_of


def strummed(names: Sequence[str], beats: float = 4.0, **known: Any) -> Song:
    notes = [Note(beats * n + beat, 1.0, pitch) for n, name in enumerate(names) if (chord := chord_of(name))
             for pitch in chord.pitches for beat in range(int(beats))]  # fmt: skip
    return Song((Track("piano").with_notes(notes), Track("drums", 0, True, (Note(0, 1, 36),))), **known)


@pytest.mark.parametrize("names", [["C", "G7", "Am", "F"], ["Dm7", "G7", "C", "C"], ["Eb", "Cm", "Ab", "Bb7"]])
def test_plain_chords_are_heard_and_named_in_their_key(names: list[str]) -> None:
    assert chords_of(strummed(names)) == tuple(name for name in names for _ in range(2))


def test_bars_of_any_meter_have_halves_and_an_upbeat_is_a_bar() -> None:
    waltz = strummed(["C", "F", "G"], 3.0, meter=(3, 4))
    assert halves(waltz).tolist() == [0, 1.5, 3, 4.5, 6, 7.5, 9]
    late = Song((Track("").with_notes([Note(0, 1, 60), Note(1, 4, 64)]),), upbeat=1.0)
    assert halves(late, PARTS).tolist() == [0, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5]


def test_a_single_line_has_no_chords() -> None:
    assert chords_of(Song((Track("").with_notes(Note(n, 1, 60 + n) for n in range(8)),))) == ()
    assert chords_of(Song()) == ()


def test_a_chord_that_sounds_alone_for_half_a_bar_is_that_chord():
    chords = {"Am7": (45, 60, 64, 67), "E7": (40, 56, 59, 62), "Cmaj7": (48, 55, 59, 64), "Csus4": (48, 53, 55),
              "F#dim": (42, 57, 60), "Bb": (46, 58, 62, 65)}  # fmt: skip
    notes = [Note(2.0 * i, 1.9, pitch) for i, chord in enumerate(chords.values()) for pitch in chord]
    assert chords_of(Song((Track("").with_notes(notes),))) == tuple(chords)
    edges = np.array([0.0, 2.0, 4.0])
    sounds, bass = sounding([Note(0, 2, pitch) for pitch in (48, 64, 67, 69)], edges)  # C with a sixth, or Am7
    assert certain(sounds, np.diff(edges)).tolist() == [45, -1]
    assert certain(sounds, np.diff(edges), bass).tolist() == [-1, -1]


def test_a_song_moved_has_its_chords_moved() -> None:
    rng = np.random.default_rng(0)
    song = Song((Track("").with_notes(Note(n / 2, 0.5, int(p)) for n, p in enumerate(rng.integers(40, 70, 64))),))
    for up in range(1, 12):
        for before, after in (
            (heard(load(), song), heard(load(), song.transposed(up))),
            (harmonised(load(), song, 0), harmonised(load(), song.transposed(up), up)),
        ):
            assert (before // 12 * 12 + (before + up) % 12).tolist() == after.tolist()


def test_a_tune_gets_chords_of_its_own_notes_and_key() -> None:
    pitches = [60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 72, 67, 64, 60]
    tune = Song((Track("").with_notes(Note(float(n), 1.0, pitch) for n, pitch in enumerate(pitches)),))
    assert [number % 12 for number in harmonised(load(), tune, 0)[::2]] == [0, 5, 7, 0]


def test_sounding_time_is_what_the_notes_last() -> None:
    sounds, bass = sounding([Note(0, 2, 48), Note(0.5, 1, 64), Note(3, 4, 67)], np.array([0.0, 1, 2, 4]))
    assert sounds[:, [0, 4, 7]].tolist() == [[1, 0.5, 0], [1, 0.5, 0], [0, 0, 1]] and sounds.sum() == 4
    assert bass[:, [0, 4, 7]].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.training
def test_the_networks_learn_and_what_they_learned_is_loaded(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    names = [[("C", "F", "G7", "Am")[rng.integers(4)] for _ in range(16)] for _ in range(10)]
    planes, labels = [], []
    for each in names:
        song = strummed(each, 2.0, meter=(2, 4))
        planes.append(sounding(song.tracks[0].notes, halves(song, PARTS)))
        labels.append(np.repeat([chord.number for name in each if (chord := chord_of(name))], 2))
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    arrays = {"heard": np.concatenate([p[0] for p in planes]), "bass": np.concatenate([p[1] for p in planes])}
    label = np.concatenate(labels)
    arrays |= {"tune": arrays["heard"], "label": label, "family": np.array([0, 1, 2])[label // 12]}
    for name, array in (arrays | {"whole": label >= 0}).items():
        np.save(prepared / f"{name}.npy", array)
    np.save(prepared / "songs.npy", [(32 * n, 0, {8: 1, 9: 2}.get(n, 0), n % 2) for n in range(10)])
    words = ["--prepared", str(prepared), "--checkpoint", str(tmp_path / "chords"), "--threads", "1"]
    main(["train", "chords", *words, "--run", str(tmp_path / "run"), "--steps", "150", "--batch", "32"])
    model, [test] = load(tmp_path / "chords"), list(songs_of(prepared, 2))
    planes_seen = features(test.planes["heard"], 2)
    assert agreement([test], lambda song: model.fit("heard", planes_seen).argmax(1)) > 0.9
