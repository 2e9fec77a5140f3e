"""Songs, their pianorolls, and MIDI, npz and MusicXML files of them; and MIDI files that must be refused."""

import io
import random
from dataclasses import replace

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core.formats import write_stems
from engine.core.instruments import PROGRAMS
from engine.core.midi import MAX_BYTES, read_midi, write_midi
from engine.core.musicxml import write_musicxml
from engine.core.npz import read_npz, write_npz
from engine.core.pianoroll import TRACKS, from_roll, merge_to_five, to_roll
from engine.core.song import Note, Song, Track


def five(seed: int = 0, bars: int = 2) -> Song:
    """Five different tracks with repeated and overlapping notes; nothing in it is symmetric."""
    rng = random.Random(seed)
    tracks = []
    for t, name in enumerate(TRACKS):
        notes, ends = [], {}
        for step in range(bars * 16):
            for pitch in rng.sample(range(36 + 5 * t, 60 + 5 * t), 2):
                if rng.random() < 0.3 and ends.get(pitch, 0) <= step:
                    length = rng.randint(1, 5)
                    ends[pitch] = step + length
                    notes.append(Note(step / 4, length / 4, pitch, rng.randint(40, 120)))
        tracks.append(Track(name, PROGRAMS[name], name == "drums").with_notes(notes))
    return Song(tuple(tracks), 97.0, (4, 4), "Five")


def midi_bytes(*tracks, kind=1, ticks=480, tail=True) -> bytes:
    midi = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    for events in tracks:
        midi.tracks.append(mido.MidiTrack(events))
    file = io.BytesIO()
    midi.save(file=file)
    return file.getvalue()


def note(pitch, start, length, **more):
    return [
        mido.Message("note_on", note=pitch, velocity=90, time=start, **more),
        mido.Message("note_off", note=pitch, time=length, **more),
    ]


def test_midi_keeps_every_note_tempo_meter_and_program():
    song = five()
    back = read_midi(write_midi(song))
    assert [t.notes for t in back.tracks] == [t.notes for t in song.tracks]
    assert [(t.program, t.is_drum, t.name) for t in back.tracks] == [
        (t.program, t.is_drum, t.name) for t in song.tracks
    ]
    assert (back.tempo, back.meter, back.title) == (97.0, (4, 4), "Five")


def test_the_same_song_gives_the_same_bytes():
    for write in (write_midi, write_npz, write_musicxml):
        assert write(five(3)) == write(five(3)), write.__name__
        assert write(five(3)) != write(five(4)), write.__name__


def test_repeated_notes_survive_every_conversion():
    notes = (Note(0, 1, 60, 70), Note(1, 1, 60, 70), Note(2, 0.5, 60, 70))
    song = Song((Track("piano", 0, False, notes),))
    assert read_midi(write_midi(song)).tracks[0].notes == notes
    onsets, sustain = to_roll(song)
    assert onsets[0, :, 60].nonzero()[0].tolist() == [0, 4, 8]
    assert from_roll(onsets, sustain, like=song.tracks, velocity=70).tracks[0].notes == notes
    assert [n.onset for n in read_npz(write_npz(song)).tracks[0].notes] == [0, 1, 2]


def test_a_note_struck_again_ends_there_in_midi():
    song = Song((Track("piano", 0, False, (Note(0, 4, 60, 70), Note(1, 1, 60, 80))),))
    assert read_midi(write_midi(song)).tracks[0].notes == (Note(0, 1, 60, 70), Note(1, 1, 60, 80))


def test_roll_marks_onset_apart_from_sustain():
    onsets, sustain = to_roll(Song((Track("piano", 0, False, (Note(0.5, 0.75, 64),)),)))
    assert onsets.shape == (1, 16, 128)
    assert onsets[0, :, 64].nonzero()[0].tolist() == [2]
    assert sustain[0, :, 64].nonzero()[0].tolist() == [3, 4]


def test_sustain_without_an_onset_is_silent():
    onsets, sustain = np.zeros((1, 16, 128), bool), np.zeros((1, 16, 128), bool)
    sustain[0, 4:8, 60] = True
    assert from_roll(onsets, sustain, like=[Track("piano")]).notes == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 63), st.integers(1, 20), st.integers(0, 127), st.integers(1, 127)),
        min_size=1,
        max_size=40,
        unique_by=lambda n: (n[0], n[2]),
    )
)
def test_any_song_on_the_grid_survives_roll_and_midi(raw):
    """What from_roll makes of a roll is a fixed point: to_roll, from_roll and MIDI give it back exactly."""
    song = Song((Track("piano", 0, False).with_notes(Note(s / 4, d / 4, p, v) for s, d, p, v in raw),))
    first = from_roll(*to_roll(song), like=song.tracks)
    assert from_roll(*to_roll(first), like=song.tracks) == first
    assert read_midi(write_midi(first)).tracks[0].notes == first.tracks[0].notes
    assert {(n.onset, n.pitch) for n in first.tracks[0].notes} == {(s / 4, p) for s, _, p, _ in raw}


def test_doubling_the_tempo_halves_the_seconds():
    song = five()
    assert song.with_tempo(194.0).seconds == pytest.approx(song.seconds / 2)


def test_an_octave_keeps_pitch_classes_and_leaves_drums():
    song, up = five(), five().transposed(12)
    assert [n.pitch % 12 for t in up.tracks for n in t.notes] == [n.pitch % 12 for t in song.tracks for n in t.notes]
    assert up.tracks[0] == song.tracks[0]
    assert {
        n.pitch for n in Song((Track("x", 0, False, (Note(0, 1, 120), Note(0, 1, 5))),)).transposed(13).tracks[0].notes
    } == {121, 18}
    low = Song((Track("x", 0, False, (Note(0, 1, 5),)),)).transposed(-13).tracks[0].notes[0].pitch
    assert low == (5 - 13) % 12


def test_the_key_moves_with_the_notes():
    keys = (0.0, (2, False)), (2.0, (-4, True)), (3.0, (-7, True))
    song = Song((Track("x", 0, False, (Note(0, 4, 60),)),), keys=keys)
    assert song.transposed(-2).keys == ((0.0, (0, False)), (2.0, (6, True)), (3.0, (3, True)))
    assert song.transposed(12).keys == keys
    assert read_midi(write_midi(song.transposed(3))).keys[0] == (0.0, (-1, False))


def test_bars_follow_the_meter():
    song = Song((Track("x", 0, False, (Note(0, 6.0, 60),)),), meter=(6, 8))
    assert (song.beats_per_bar, song.bars) == (3.0, 2)


def test_merge_follows_lpd5():
    programs = {
        0: "piano",
        7: "piano",
        24: "guitar",
        33: "bass",
        8: "strings",
        40: "strings",
        73: "strings",
        105: "strings",
    }
    for program, name in programs.items():
        merged = merge_to_five(Song((Track("any", program, False, (Note(0, 1, 60),)),)))
        assert [t.name for t in merged.tracks] == list(TRACKS)
        assert {t.name: len(t.notes) for t in merged.tracks}[name] == 1, program
    for program in (96, 103, 112, 127):  # synth effects, percussion and sound effects are left out
        assert merge_to_five(Song((Track("any", program, False, (Note(0, 1, 60),)),))).notes == 0
    two = Song((Track("a", 40, False, (Note(0, 1, 60, 50),)), Track("b", 48, False, (Note(0, 2, 60, 40),))))
    assert merge_to_five(two).tracks[4].notes == (Note(0, 2, 60, 50),)


def test_excerpt_and_followed_by():
    song = five(bars=4)
    halves = song.excerpt(0, 8), song.excerpt(8, 16)
    joined = halves[0].followed_by(halves[1], at=8.0)
    assert {(n.onset, n.pitch) for n in joined.tracks[2].notes} == {
        (n.onset, n.pitch) for n in song.tracks[2].notes if n.onset < 16
    }


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_all_types_of_file(kind):
    parts = [note(60, 0, 480), note(64, 240, 240)] if kind else [note(60, 0, 480) + note(64, 240, 240)]
    song = read_midi(midi_bytes(*parts, kind=kind))
    onsets = {n.pitch: n.onset for t in song.tracks for n in t.notes}
    assert onsets == ({60: 0.0, 64: 0.5} if kind == 1 else {60: 0.0, 64: 1.5})


def test_a_name_is_an_instruments_only_where_it_is_alone_in_its_track():
    two = [mido.MetaMessage("track_name", name="My song"), *note(60, 0, 480), *note(64, 0, 480, channel=1)]
    assert [t.name for t in read_midi(midi_bytes(two, kind=0)).tracks] == ["Track 1", "Track 2"]
    one = [two[0], *note(60, 0, 480), mido.Message("program_change", program=19), *note(60, 0, 480)]
    assert [(t.name, t.program) for t in read_midi(midi_bytes(one)).tracks] == [("My song", 0), ("My song", 19)]


def test_awkward_files_are_read():
    events = [
        mido.Message("sysex", data=(1, 2, 3)),
        mido.MetaMessage("lyrics", text="caf\xe9"),
        mido.MetaMessage("track_name", name="na\xefve\x07"),
        mido.MetaMessage("set_tempo", tempo=400_000),
        mido.Message("program_change", program=30),
        *note(60, 0, 240),
        mido.Message("note_off", note=99),  # ends nothing
        mido.Message("note_on", note=62, velocity=64, time=240),  # never ends
        mido.MetaMessage("end_of_track", time=480),
    ]
    song = read_midi(midi_bytes(events, events, kind=1))
    assert song.tempo == 150.0 and song.tracks[0].program == 30
    assert [(n.onset, n.duration) for n in song.tracks[0].notes] == [(0.0, 0.5), (1.0, 1.0)]
    assert song.tracks[0].name == "naïve"
    # Running status: the status byte of the second and later notes is left out.
    track = b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x40\x50\x60\x40\x00\x00\xff\x2f\x00"
    data = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk" + len(track).to_bytes(4, "big") + track
    assert [n.pitch for n in read_midi(data).tracks[0].notes] == [60, 64]


def test_tempo_and_meter_maps_survive_the_way_there_and_back():
    head = [
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("key_signature", key="F#m"),
        mido.MetaMessage("set_tempo", tempo=600_000, time=480 * 3),
        mido.MetaMessage("time_signature", numerator=7, denominator=8, time=480 * 3),
        mido.MetaMessage("key_signature", key="Eb"),
    ]
    song = read_midi(midi_bytes(head, note(60, 0, 480 * 20)))
    assert (song.tempo, song.tempo_changes) == (120.0, ((3.0, 100.0),))
    assert (song.meter, song.meter_changes) == ((3, 4), ((6.0, (7, 8)),))
    assert song.keys == ((0.0, (3, True)), (6.0, (-3, False)))
    assert song.seconds == pytest.approx(1.5 + 17 * 0.6) and not song.remarks
    assert song.bar_lines() == [0, 3, 6, 9.5, 13, 16.5, 20] and song.bars == 6
    back = read_midi(write_midi(song))
    assert back == replace(song, title=back.title, tracks=back.tracks) and back.tracks[0].notes == song.tracks[0].notes
    assert song.with_tempo(240.0).seconds == pytest.approx(song.seconds / 2)


def test_an_excerpt_keeps_its_part_of_the_maps():
    song = Song(
        (Track("p").with_notes(Note(beat, 1, 60) for beat in range(12)),), 100.0, (3, 4),
        tempo_changes=((4.0, 50.0), (8.0, 200.0)), meter_changes=((6.0, (4, 4)),), keys=((0.0, (1, False)),),
    )  # fmt: skip
    part = song.excerpt(5, 11)
    assert (part.tempo, part.tempo_changes) == (50.0, ((3.0, 200.0),))
    assert (part.meter, part.meter_changes, part.upbeat) == ((3, 4), ((1.0, (4, 4)),), 1.0)
    assert part.bar_lines() == [0, 1, 5, 9]
    clock, beat = song.clock(), song.beat_clock()
    assert part.seconds == pytest.approx(clock(11) - clock(5))
    assert [beat(clock(b)) for b in range(13)] == pytest.approx(list(range(13)))
    assert replace(song, upbeat=1.0).excerpt(0, 8).upbeat == 1.0 and song.excerpt(3, 8).upbeat == 0.0
    assert song.with_tempo(5.0).tempo_changes == ((4.0, 5.0), (8.0, 10.0)) and write_midi(song.with_tempo(5.0))


def test_an_upbeat_is_written_as_a_short_bar_and_read_again():
    for upbeat, meter in ((1.0, (4, 4)), (0.5, (6, 8)), (1.0, (3, 4)), (1 / 3, (4, 4))):
        notes = (Note(0, upbeat, 60), Note(upbeat, 4.0, 64))
        song = Song((Track("tune", 0, False, notes),), 100.0, meter, upbeat=upbeat)
        back = read_midi(write_midi(song))
        assert back.upbeat == pytest.approx(upbeat, abs=1 / 480) and back.meter == meter and not back.meter_changes
        assert back.bar_lines()[1] == back.upbeat and song.bars == back.bars


def test_a_meter_said_a_moment_late_is_that_of_the_beginning():
    late = mido.MetaMessage("time_signature", numerator=3, denominator=4, time=10)
    song = read_midi(midi_bytes([late], note(60, 0, 480 * 9)))
    assert (song.meter, song.meter_changes, song.upbeat, song.bars) == ((3, 4), (), 0.0, 3)


def test_a_meter_said_again_on_its_bar_line_changes_nothing():
    again = mido.MetaMessage("time_signature", numerator=4, denominator=4, time=480 * 8)
    song = read_midi(midi_bytes([again], note(60, 0, 480 * 16)))
    assert not song.meter_changes and song.bars == 4


def test_pedals_silence_and_keys_struck_again_sound_as_on_a_synthesiser():
    def of(*events):
        return [(n.onset, n.duration) for n in read_midi(midi_bytes([*events])).tracks[0].notes]

    def on(time=0):
        return mido.Message("note_on", note=60, velocity=80, time=time)

    def off(time):
        return mido.Message("note_off", note=60, time=time)

    def control(number, value=0, time=0):
        return mido.Message("control_change", control=number, value=value, time=time)

    assert of(on(), on(480), off(480), off(480)) == [(0, 1), (1, 1)]
    assert of(control(64, 127), on(), off(120), on(360), off(120), control(64, 0, 360)) == [(0, 1), (1, 1)]
    assert of(on(), control(123, time=240), on(240), off(480)) == [(0, 0.5), (1, 1)]
    assert of(control(64, 127), on(), control(123, time=240), control(64, 0, 240), on(), off(480)) == [(0, 1), (1, 1)]
    assert of(control(64, 127), on(), control(120, time=240), on(240), off(480)) == [(0, 0.5), (1, 1)]
    assert of(control(64, 127), on(), off(240), control(121, time=240), on(240), off(480)) == [(0, 1), (1.5, 1)]


def test_what_gs_xg_and_gm2_make_drums_are_drums():
    gs = mido.Message("sysex", data=(0x41, 0x10, 0x42, 0x12, 0x40, 0x11, 0x15, 0x01, 0x19))
    xg = mido.Message("sysex", data=(0x43, 0x10, 0x4C, 0x08, 0x00, 0x07, 0x02))
    for before in ([gs], [xg], *([mido.Message("control_change", control=0, value=b)] for b in (127, 126, 120))):
        song = read_midi(midi_bytes([*before, mido.Message("program_change", program=0), *note(36, 0, 480)]))
        assert song.tracks[0].is_drum, before
    melodic = mido.Message("sysex", data=(0x41, 0x10, 0x42, 0x12, 0x40, 0x10, 0x15, 0x00, 0x1B))
    assert not read_midi(midi_bytes([melodic, *note(36, 0, 480, channel=9)])).tracks[0].is_drum
    assert read_midi(midi_bytes([gs, *note(36, 0, 480, channel=9)])).tracks[0].is_drum
    there, back = (
        [mido.Message("control_change", control=0, value=bank), mido.Message("program_change", program=0)]
        for bank in (127, 0)
    )
    both = read_midi(midi_bytes([*there, *note(36, 0, 480), *back, *note(60, 0, 480)]))
    assert [(t.is_drum, t.notes[0].pitch) for t in both.tracks] == [(False, 60), (True, 36)]


GOOD = midi_bytes(note(60, 0, 480))
HOSTILE = {
    "empty": b"",
    "no midi": b"RIFF....WAVE",
    "header only": GOOD[:14],
    "truncated": GOOD[:22],
    "no notes": midi_bytes([mido.MetaMessage("text", text="nothing")]),
    "film frames of no kind": GOOD[:12] + b"\xe0\x28" + GOOD[14:],
    "no ticks": GOOD[:12] + b"\0\0" + GOOD[14:],
    "enormous": b"MThd" + bytes(MAX_BYTES),
    "endless": midi_bytes(note(60, 0, 480 * 9000)),
    "too many notes": midi_bytes(note(60, 0, 1) * 50_001),
}


DAMAGED = {  # what is read all the same, and what is said of it
    "zero tempo": (midi_bytes([mido.MetaMessage("set_tempo", tempo=0), *note(60, 0, 480)]), "impossible tempo"),
    "meter 0/4": (GOOD[:22] + b"\x00\xff\x58\x04\x00\x02\x18\x08" + GOOD[22:], "impossible meter"),
    "a short tempo": (GOOD[:22] + b"\x00\xff\x51\x00" + GOOD[22:], "impossible tempo"),
    "truncated": (GOOD[:-7], "ends too early"),
    "fewer tracks than said": (GOOD[:10] + b"\0\5" + GOOD[12:], "1 of the 5 tracks"),
    "more tracks than said": (GOOD[:10] + b"\0\0" + GOOD[12:], ""),
    "a chunk too short": (GOOD[:18] + b"\0\0\0\2" + GOOD[22:], ""),
    "a chunk too long": (midi_bytes(note(60, 0, 480), note(62, 0, 480)).replace(b"\0\0\0\x0d", b"\0\0\0\x1d", 1), ""),
    "in a RIFF": (b"RIFF\0\0\0\0RMIDdata" + len(GOOD).to_bytes(4, "little") + GOOD, ""),
    "a foreign chunk": (GOOD[:14] + b"XFIH\0\0\0\4abcd" + GOOD[14:], ""),
    "an endless tail": (midi_bytes([*note(60, 0, 480), mido.MetaMessage("end_of_track", time=480 * 90_000)]), ""),
    "a pitch that is none": (GOOD[:22] + b"\0\x90\xbc\x50" + GOOD[22:], "damaged"),
    "a pitch that is none in a file cut short": (GOOD[:22] + b"\0\x90\xbc\x50" + GOOD[22:-5], "too early"),
    "a tempo too long": (
        midi_bytes([mido.MetaMessage("set_tempo", tempo=500_000)], note(60, 0, 480)).replace(b"\x51\3", b"\x51\x7f"),
        "damaged",
    ),
    "a name that would swallow the notes": (GOOD[:22] + b"\0\xff\3\x7fab" + GOOD[22:], "damaged"),
    "a text longer than any file": (GOOD[:22] + b"\0\xff\1\xff\xff\xff\x7fhello" + GOOD[22:], "damaged"),
    "texts longer than any file": (GOOD[:22] + b"\0\xff\1\xff\xff\xff\x7fhello" * 9 + GOOD[22:], "damaged"),
    "running status after sysex": (GOOD[:26] + b"\0\xf0\2\1\xf7\x83\x60\x3c\0\0\xff\x2f\0", ""),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_read_as_far_as_it_goes(case):
    content, words = DAMAGED[case]
    song = read_midi(content)
    assert song.tracks[0].notes == (Note(0, 1, 60, 90),)
    assert len(song.remarks) == bool(words) and words in "".join(song.remarks)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_midi_is_refused_in_one_sentence(case):
    with pytest.raises(RequestError) as refusal:
        read_midi(HOSTILE[case], name="upload.mid")
    words = str(refusal.value)
    assert words.startswith("upload.mid") and words.endswith(".") and "\n" not in words and "Traceback" not in words


def test_damaged_bytes_never_do_worse_than_refuse():
    good = bytearray(write_midi(five()))
    rng = random.Random(5)
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            read_midi(bytes(bad[: rng.randint(1, len(bad))]))
        except RequestError as refusal:
            assert "\n" not in str(refusal)


def test_npz_is_what_pypianoroll_reads(tmp_path):
    import pypianoroll

    song = five()
    (tmp_path / "song.npz").write_bytes(write_npz(song))
    multitrack = pypianoroll.load(tmp_path / "song.npz")
    assert [t.name for t in multitrack.tracks] == list(TRACKS) and multitrack.resolution == 24
    back = read_npz(tmp_path / "song.npz")
    assert [len(t.notes) for t in back.tracks] == [len(t.notes) for t in song.tracks]
    assert back.tempo == song.tempo
    with pytest.raises(RequestError, match="pypianoroll"):
        read_npz(b"PK nonsense", name="upload.npz")


def test_musicxml_is_what_music21_reads():
    import music21

    song = five()
    score = music21.converter.parseData(write_musicxml(song), format="musicxml")
    pitched = score.parts[1].flatten().stripTies().notes
    assert sorted({p.midi for n in pitched for p in n.pitches}) == sorted({n.pitch for n in song.tracks[1].notes})


def test_stems_zip_has_safe_names():
    import zipfile

    from engine.core.audio import Audio

    data = write_stems([(name, Audio(np.zeros(10, np.float32), 8000)) for name in ("../../etc", "drums")])
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["01 ______etc.wav", "02 drums.wav"]


def test_a_pianoroll_file_has_the_maps(tmp_path):
    import pypianoroll

    song = Song((Track("p").with_notes(Note(beat, 1, 60) for beat in range(9)),), 100.0, (4, 4), upbeat=1.0,
                tempo_changes=((4.0, 50.0),), meter_changes=((5.0, (2, 4)),))  # fmt: skip
    (tmp_path / "song.npz").write_bytes(write_npz(song))
    roll = pypianoroll.load(tmp_path / "song.npz")
    assert np.flatnonzero(roll.downbeat).tolist() == [0, 24, 24 * 5, 24 * 7]
    assert (roll.tempo[: 4 * 24] == 100).all() and (roll.tempo[4 * 24 :] == 50).all()


def test_tracks_without_notes_are_read_where_they_are_wanted() -> None:
    tracks = (Track("drums", 0, True), Track("piano", 4).with_notes([Note(0, 1, 60)]), Track("strings", 48))
    file = write_midi(Song(tracks))
    assert read_midi(file, silent=True).tracks == tracks and read_midi(file).tracks == tracks[1:2]
    assert write_midi(read_midi(file, silent=True)) == file
