"""Melodies: the top line, brought into range, tongued or legato; and the command line that plays them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import RequestError, trombone
from engine.__main__ import main, run
from engine.core.midi import write_midi
from engine.core.pitch import loudness_db, octaves_into
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.core.tune import top_line
from engine.trombone.articulation import Played, laid, partial_of
from engine.trombone.conditions import HIGHEST, LOWEST
from engine.trombone.controllers import followed
from engine.trombone.notes import NoteSpec, play
from engine.trombone.phrasing import (
    Line,
    dynamic_of,
    lots,
    melody,
    perform,
    read_song,
    scale,
    velocity_of,
)
from engine.trombone.pitch import RATE, measured_cents
from training.trombone.measures import plateau

ABC = b"X:1\nT:Two bars\nM:4/4\nL:1/4\nK:D\nD E F G | A2 d2 |]\n"


def song(*notes: tuple[float, float, int], tempo: float = 120.0) -> Song:
    return Song((Track("lead", 57).with_notes(Note(*n) for n in notes),), tempo=tempo)


def test_the_top_line_drops_chords_and_accompaniment_but_keeps_repeated_notes() -> None:
    line = top_line([Note(0, 2, 60), Note(0, 2, 67), Note(1, 0.5, 48), Note(2, 1, 67), Note(2.5, 1, 69)])
    assert [(n.onset, n.duration, n.pitch) for n in line] == [(0, 2, 67), (2, 0.5, 67), (2.5, 1, 69)]


@pytest.mark.parametrize("pitches", [(60, 64, 67, 72, 67, 64, 60, 59), (60, 62, 60, 62, 64, 62, 60, 55), (72, 71) * 4])
def test_a_line_that_a_pedal_rings_together_is_still_a_line(pitches: tuple[int, ...]) -> None:
    """Each note sounds on until the pedal is lifted, after four beats, or until it is struck again."""

    def end(n: int) -> float:
        return min([m for m in range(n + 1, len(pitches)) if pitches[m] == pitches[n]] + [4 * (n // 4 + 1)])

    line = top_line([Note(n, end(n) - n, pitch) for n, pitch in enumerate(pitches)])
    assert [(note.onset, note.duration, note.pitch) for note in line] == [(n, 1, p) for n, p in enumerate(pitches)]


def test_a_legato_line_keeps_its_notes_and_a_held_note_its_accompaniment_under_it() -> None:
    legato = [Note(n, 1.2, 79 - 5 * n) for n in range(5)]
    assert [n.pitch for n in top_line(legato)] == [79, 74, 69, 64, 59]
    assert [n.pitch for n in top_line([Note(0, 4, 76), Note(1, 2, 60), Note(2, 2, 64), Note(4, 1, 74)])] == [76, 74]


@pytest.mark.parametrize("length", [1.5, 1.9])
def test_a_line_is_whole_however_long_its_notes_sound_on(length: float) -> None:
    pitches = [60, 64, 67, 72, 76, 72, 67, 60]
    line = top_line([Note(n, length, pitch) for n, pitch in enumerate(pitches)])
    assert [n.pitch for n in line] == pitches and all(n.duration == 1 for n in line[:-1])


@pytest.mark.parametrize("times", [1, 2])
def test_a_tune_under_a_held_note_of_its_own_track_is_heard(times: int) -> None:
    tune = [Note(n, 1, pitch) for n, pitch in enumerate([60, 62, 64, 65, 67, 65, 64, 62] * times)]
    assert [n.pitch for n in top_line(sorted([*tune, Note(0, 8 * times, 84)], key=lambda n: n.onset))] == [
        n.pitch for n in tune
    ]


def line_on(name: str, program: int, pitches: list[int], length: float = 0.5) -> Track:
    return Track(name, program).with_notes(Note(i * length, length, p) for i, p in enumerate(pitches))


PAD = Track("Strings", 48).with_notes(Note(bar * 4, 4, p) for bar in range(4) for p in (84, 88, 91))
BASS = line_on("Bass", 33, [36, 43, 36, 43] * 8)
TUNE = [60, 62, 64, 65, 67, 65, 64, 62] * 4


@pytest.mark.parametrize(
    "tracks, name",
    [
        ((PAD, line_on("Horn", 60, TUNE), BASS), "Horn"),
        ((line_on("Backing vocals", 52, [p + 4 for p in TUNE]), line_on("Lead vocal", 52, TUNE)), "Lead vocal"),
        ((line_on("Vocal harmony", 53, [p + 7 for p in TUNE]), line_on("Vocals", 53, TUNE)), "Vocals"),
        ((line_on("Vox Harm 1", 52, [p + 4 for p in TUNE]), line_on("Vox", 52, TUNE)), "Vox"),
        ((line_on("Voice 2", 52, [p - 9 for p in TUNE]), line_on("Voice 1", 52, TUNE)), "Voice 1"),  # the upper one
        ((line_on("Bassoon", 70, TUNE), line_on("Harmonica", 22, [p + 7 for p in TUNE])), "Harmonica"),
        ((BASS, PAD, line_on("Track 3", 73, [p + 12 for p in TUNE])), "Track 3"),
        ((line_on("Ostinato", 0, [84, 91] * 16), line_on("Track 2", 65, TUNE), PAD), "Track 2"),
    ],
)
def test_the_tune_of_a_song_is_found_and_the_choice_is_said(tracks: tuple[Track, ...], name: str) -> None:
    line = melody(Song(tracks))
    chosen = next(track for track in tracks if track.name == name)
    assert [n.midi - line.shift for n in line.notes] == [n.pitch for n in chosen.notes]
    assert f"'{name}' is played. It is most like a tune, by " in line.remarks[0]


def test_a_person_may_choose_another_track() -> None:
    song = Song((PAD, line_on("Horn", 60, TUNE), BASS, Track("kit", 0, True, (Note(0, 1, 36),))))
    for word in ("bass", "3"):
        assert [n.midi % 12 for n in melody(song, track=word).notes] == [n.pitch % 12 for n in BASS.notes]
    assert [n.midi % 12 for n in melody(song, track="all").notes] == [91 % 12] * 4
    with pytest.raises(RequestError, match="1 Strings, 2 Horn, 3 Bass or all"):
        melody(song, track="Kazoo")
    with pytest.raises(RequestError, match="--input"):
        trombone.Request(note=58, track="1")


def test_the_line_follows_the_tempo_map() -> None:
    lead = line_on("lead", 57, [60, 62, 64, 65], 1.0)
    slowing = Song((lead,), 120.0, (3, 4), tempo_changes=((2.0, 60.0),), upbeat=1.0)
    line = melody(slowing)
    assert [(n.start, n.seconds) for n in line.notes] == [(0, 0.5), (0.5, 0.5), (1, 1), (2, 1)]
    assert [(n.onset, n.duration) for n in line.song.tracks[0].notes] == [(i, 1) for i in range(4)]
    assert replace(line.song, tracks=()) == replace(slowing, tracks=())
    assert melody(slowing, tempo=60).notes[-1].start == 4


def test_octaves_keep_pitch_classes() -> None:
    assert octaves_into(np.array([72, 74, 84]), LOWEST, HIGHEST) == -1
    assert octaves_into(np.array([28, 30, 35]), LOWEST, HIGHEST) == 1
    assert octaves_into(np.array([41, 60, 76]), LOWEST, HIGHEST) == 0
    line = melody(song((0, 1, 96), (1, 1, 37), (2, 1, 99)))
    assert [n.midi % 12 for n in line.notes] == [0, 1, 3] and all(40 <= n.midi <= 76 for n in line.notes)
    assert any("octave" in remark for remark in line.remarks)


def test_times_follow_the_tempo_and_velocities_the_dynamic() -> None:
    slow, fast = (melody(song((0, 1, 60), (1, 2, 62)), tempo=t) for t in (60, 120))
    assert [n.start for n in slow.notes] == [2 * n.start for n in fast.notes]
    assert [n.seconds for n in slow.notes] == [1, 2]
    assert all(dynamic_of(velocity_of(d)) == pytest.approx(d, abs=0.1) for d in (0, 1, 2.5, 4))
    assert {n.dynamic for n in melody(song((0, 1, 60)), dynamic=4.0).notes} == {4.0}


def test_drums_alone_and_far_too_many_notes_are_refused() -> None:
    with pytest.raises(RequestError, match="no notes"):
        melody(Song((Track("drums", 0, True, (Note(0, 1, 36),)),)))
    with pytest.raises(RequestError, match="at most"):
        melody(song(*((i * 0.1, 0.1, 60) for i in range(2500))))
    with pytest.raises(RequestError, match="longer than 10 minutes, the most"):
        melody(song((0, 1, 60), (1200, 1, 60)))


def test_abc_and_midi_are_told_apart_and_anything_else_is_refused(tmp_path: Path) -> None:
    assert [n.pitch for n in read_song(File("tune", ABC)).tracks[0].notes] == [62, 64, 66, 67, 69, 74]
    assert read_song(File("x", write_midi(song((0, 1, 60))))).notes == 1
    for junk in (b"", b"RIFF....WAVE", b"MThd broken", b"X:1\nK:C\n%%%"):
        with pytest.raises(RequestError):
            read_song(File("junk", junk))


def test_a_scale_stops_at_the_top_of_the_range() -> None:
    assert [n.midi for n in scale(58, 0.4, 2).notes] == [58, 60, 62, 63, 65, 67, 69, 70]
    short = scale(72, 0.4, 2)
    assert [n.midi for n in short.notes] == [72, 74, 76] and short.remarks


@pytest.fixture(scope="module")
def model() -> trombone.Model:
    return trombone.load()


def test_legato_joins_what_tonguing_parts_and_both_are_in_tune(model: trombone.Model) -> None:
    line = Line(tuple(Played(0.6 * i, 0.6, m, 2.0) for i, m in enumerate((55, 58, 62))), 0, (), 100.0)
    tongued, legato = (
        perform(model, line, seed=1, articulation=how, rate=RATE).samples for how in ("tenuto", "legato")
    )
    dips = []
    for sound in (tongued, legato):
        assert np.abs(sound).max() < 0.999
        level = loudness_db(sound, np.ones(480), 160)
        dips.append(level[40:140].max() - level[55:66].min())  # around the first join, at 0.6 s
        for note in line.notes:
            at = round((note.start + 0.12) * RATE)
            cents = measured_cents(sound[at : at + round(0.35 * RATE)], note.midi)
            assert cents is not None and abs(cents) < 30
    assert dips[1] < dips[0] - 3, "legato hardly falls between the notes"


def test_the_command_line_plays_a_note_and_measures_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "note.wav"
    words = ["trombone", "--note", "Bb3", "--seconds", "0.5", "--dynamic", "f", "--seed", "7", "--json", "--out"]
    assert run([*words, str(out), "--out", str(tmp_path / "note.mid")]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (
        abs(said["cents"]) < 25
        and said["times_real_time"] > 0
        and 44 + 2 * 22_050 < out.stat().st_size < 44 + 2 * 66_150
    )
    assert read_song(File("note.mid", (tmp_path / "note.mid").read_bytes())).tracks[0].notes[0].pitch == 58


def test_the_command_line_plays_a_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tune.abc").write_bytes(ABC)
    out = tmp_path / "tune.wav"
    assert run(["trombone", "--input", str(tmp_path / "tune.abc"), "--tempo", "240", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert said["notes"] == 6 and said["length"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    "words",
    ["--note 20", "--note 58 --seconds 0", "--note 58 --seconds 3600", "--note 58 --dynamic fff", "--input no.mid"],
)
def test_the_command_line_refuses_in_one_line(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["engine", "trombone", *words.split(), "--out", "x.wav"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1 and not (tmp_path / "x.wav").exists()


# ---- articulation ----------------------------------------------------------------------------------------------------

EIGHTHS = [Played(0.25 * i, 0.25, midi, 2.0) for i, midi in enumerate((50, 52, 53, 57))]


def test_an_articulation_says_how_much_of_a_note_sounds_and_the_next_one_cuts_it() -> None:
    tenuto, staccato, marcato = (laid(EIGHTHS, how) for how in ("tenuto", "staccato", "marcato"))
    assert [each.spec.seconds for each in tenuto] == [0.25] * 4
    assert [each.spec.seconds for each in staccato] == [0.125] * 4
    assert marcato[0].spec.dynamic > tenuto[0].spec.dynamic and marcato[0].spec.seconds < 0.25
    assert tenuto[0].until == pytest.approx(0.275) and tenuto[3].until is None, "the last one rings"
    assert not any(each.spec.slurred for each in (*tenuto, *staccato, *marcato))


def test_slurred_notes_glide_where_the_slide_reaches_and_jump_where_the_lips_do() -> None:
    assert partial_of(50) == partial_of(53) != partial_of(57), "D, F on one partial, A on the next"
    slurred = laid(EIGHTHS, "legato")
    assert [each.spec.slurred for each in slurred] == [False, True, True, True]
    assert slurred[1].spec.glide[0] == -2 and slurred[2].spec.glide[0] == -1 and slurred[3].spec.glide[0] == 0
    assert all(0.006 <= each.spec.glide[1] <= 0.038 for each in slurred[1:])
    apart = [EIGHTHS[0], replace(EIGHTHS[1], start=0.6)]
    assert not laid(apart, "legato")[1].spec.slurred, "after a breath it is tongued"


def test_notes_ring_into_one_another_and_staccato_ones_do_not(model: trombone.Model) -> None:
    line = Line(tuple(EIGHTHS), 0, (), 120.0)
    onsets, lengths = [note.start for note in EIGHTHS], [0.25] * 4
    shares = {
        how: np.mean([
            plateau(perform(model, line, seed=seed, articulation=how, rate=RATE).samples, RATE, onsets, lengths)
            for seed in range(1, 5)
        ])
        for how in ("tenuto", "staccato")
    }  # fmt: skip
    assert shares["tenuto"] > shares["staccato"] + 0.1 and shares["tenuto"] > 0.5


def test_a_line_in_lots_is_the_same_line_and_each_lot_is_the_beginning_of_it(model: trombone.Model) -> None:
    notes = tuple(Played(i * 0.7, 0.6, 50 + i, 2.0) for i in range(13))
    line, heard, told = Line(notes, 0, (), 120.0), [], []
    assert [notes[lot][0].start for lot in lots(notes)] == pytest.approx([0, 4.2, 8.4])
    assert lots(notes[:3]) == [slice(0, 3)]
    whole = perform(model, line, seed=1, rate=RATE)
    whole_again = perform(
        model, line, seed=1, rate=RATE, hear=heard.append, progress=lambda done, total: told.append(done / total)
    )
    np.testing.assert_array_equal(whole_again.samples, whole.samples)
    assert [audio.seconds for audio in heard] == pytest.approx([4.7, 8.9], abs=0.5) and sorted(told) == told
    for audio, until in zip(heard, (4.2, 8.4)):
        np.testing.assert_array_equal(audio.samples[: int(until * RATE)], whole.samples[: int(until * RATE)])


# ---- a part's controllers --------------------------------------------------------------------------------------------


def test_bends_and_expression_are_followed_from_where_they_were_last_set() -> None:
    controls = ((0.0, "bend", 1.0), (0.5, "expression", 0.1), (1.5, "bend", -0.5))
    notes, held = followed([Played(1.0, 1.0, 60, 2.0)], controls, lambda beat: beat)
    (note,) = notes
    assert held == 0
    times, semitones = np.array(note.bend).T
    assert np.interp([0.2, 0.7], times, semitones).tolist() == [1.0, -0.5]
    times, db = np.array(note.swell).T
    assert np.interp(0.3, times, db) == pytest.approx(-40)


def test_a_bend_beyond_the_range_is_held_at_its_end_and_counted() -> None:
    notes, held = followed([Played(0.0, 1.0, HIGHEST, 2.0)], ((0.0, "bend", 2.0),), lambda beat: beat)
    assert held == 1 and max(value for _, value in notes[0].bend) == 0


def test_what_is_bent_when_a_note_is_heard_no_more_is_not_held() -> None:
    line = [Played(0.0, 0.5, HIGHEST, 2.0), Played(0.5, 0.5, HIGHEST - 12, 2.0)]
    bends = ((0.6, "bend", 2.0), (0.7, "modulation", 1.0), (0.8, "expression", 0.5))
    notes, held = followed(line, bends, lambda beat: beat)
    assert held == 0 and notes[0] == line[0] and notes[1].bend and notes[1].swell
    assert followed(line[:1], bends, lambda beat: beat)[1] == 1  # where nothing cuts it, it rings on


def test_a_files_bends_are_read_by_their_range_and_played(model: trombone.Model) -> None:
    import io

    import mido

    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    for number, value in ((101, 0), (100, 0), (6, 4)):
        track.append(mido.Message("control_change", control=number, value=value, time=0))
    track.append(mido.Message("pitchwheel", pitch=4096, time=0))  # half of four semitones
    track.append(mido.Message("note_on", note=55, velocity=80, time=0))
    track.append(mido.Message("note_off", note=55, time=480))
    file = io.BytesIO()
    midi.save(file=file)
    song = read_song(File("bent.mid", file.getvalue()))
    assert song.tracks[0].controls == ((0.0, "bend", 2.0),)
    line = melody(song)
    assert not any("bends" in remark for remark in line.remarks)
    assert measured_cents(perform(model, line, seed=1, rate=RATE).samples, 57) == pytest.approx(0, abs=25)


def test_every_velocity_is_louder_than_one_below_it_over_thirty_decibels(model: trombone.Model) -> None:
    specs = [NoteSpec(53, 0.4, dynamic_of(velocity)) for velocity in (1, 10, 20, 33, 64, 112, 127)]
    tops = [loudness_db(sound, np.ones(400), 64).max() for sound in play(model, specs, seed=2, rate=RATE)]
    assert all(b > a + 1 for a, b in itertools.pairwise(tops)) and tops[-1] - tops[0] > 30
