"""What a MIDI file's controllers do to its notes, and what of them is not kept."""

import mido

from engine.core.midi import read_midi, write_midi
from engine.core.song import Song
from tests.core.test_song import midi_bytes


def song(*events: mido.Message) -> Song:
    return read_midi(midi_bytes([*events]))


def control(number: int, value: int, time: int = 0) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, time=time)


def on(time: int = 0) -> mido.Message:
    return mido.Message("note_on", note=60, velocity=80, time=time)


def off(time: int) -> mido.Message:
    return mido.Message("note_off", note=60, time=time)


def test_sostenuto_holds_what_sounds_when_it_goes_down_and_nothing_that_comes_later():
    down, up, again, last = control(66, 127), control(66, 0), control(66, 127, 120), control(66, 0, 600)
    notes = song(down, on(240), off(240), up, on(), again, off(120), last).tracks[0].notes
    assert [(note.onset, note.duration) for note in notes] == [(0.5, 0.5), (1, 1.75)]


def test_a_pedal_that_comes_up_beyond_the_longest_song_holds_to_its_end():
    """What is read of it can be written and read again."""
    held = song(control(64, 127), on(), off(480), control(64, 0, 8_001 * 480))
    assert held.beats == 8_000 and read_midi(write_midi(held)).beats == 8_000


def test_what_is_heard_and_not_kept_is_said():
    plain = control(7, 90), control(11, 127), control(1, 0), mido.Message("pitchwheel", pitch=0)
    assert song(*plain, on(), off(480)).remarks == ()
    assert song(mido.Message("pitchwheel", pitch=9), on(), off(9)).remarks == ("It is read without its pitch bends.",)
    swell = control(11, 60), control(11, 90), control(1, 5), mido.MetaMessage("lyrics", text="la")
    assert song(*swell, control(7, 9), control(7, 3), on(), off(480)).remarks == tuple(
        f"It is read without its {what}."
        for what in ("lyrics", "changes of expression", "vibrato", "changes of volume")
    )


def test_data_for_a_makers_own_parameter_is_no_range_of_bends():
    bend = mido.Message("pitchwheel", pitch=4096)
    heard = song(control(101, 0), control(100, 0), control(6, 12), control(99, 1), control(98, 8), control(6, 64), bend,
                 on(), off(480))  # fmt: skip
    assert heard.tracks[0].controls == ((0, "bend", 6),)


def test_a_head_before_the_file_is_passed_over():
    content = midi_bytes([on(), off(480)])
    assert read_midi(bytes(128) + content).tracks == read_midi(content).tracks
