"""Listening with the shipped ear: laws of what is heard, of its tempo and beats, and of the way back from frames."""

import numpy as np
import pytest

from engine import RequestError
from engine.core.audio import Audio
from engine.core.key import key_of, named
from engine.core.song import Note
from engine.listen.decoding import SHORTEST, decode
from engine.listen.listening import TUNED, listen, quantised, snap, tuning
from engine.listen.spectrum import CHANNELS, FINE, LOWEST, PITCHES, RATE, features
from engine.listen.tempo import beats_of, tempo_of
from tests.listen.sounds import TUNE, line, speech, together
from training.listen.voice import SOUNDS, sung

SPAN = 0.4  # seconds of a note


def right(heard, pitches, spans) -> bool:
    """Whether notes of these lengths, one after the other, are heard."""
    begins = np.cumsum([0.2, *spans[:-1]])
    same = [note.pitch for note in heard.notes] == list(pitches)
    return same and bool((np.abs(np.array([begin for begin, _ in heard.seconds]) - begins) < 0.05).all())


def test_notes_repeated_ones_too_are_heard_where_they_are_and_in_their_octave():
    spans = [SPAN] * len(TUNE)
    for transposed in (-12, 0, 12):
        pitches = [pitch + transposed for pitch in TUNE]
        assert right(listen(line(pitches, spans)), pitches, spans), f"{transposed} semitones higher"


def test_a_line_that_is_tuned_between_two_pitches_is_heard_on_one_side():
    heard = listen(line(TUNE, [SPAN] * len(TUNE), cents=38))
    assert [note.pitch for note in heard.notes] == TUNE


def test_the_seconds_are_the_recordings_and_with_a_click_the_notes_lie_on_it():
    spans = [0.5, 0.27, 0.24, 0.49, 0.5, 0.5, 1.0, 0.5]  # at 120, a little uneven
    sound = line(TUNE, spans)
    free, clicked = listen(sound), listen(sound, 120.0)
    seconds = [free.song.clock()(note.onset) for note in free.notes]
    assert seconds == pytest.approx([begin for begin, _ in free.seconds])
    assert clicked.song.tempo == 120 and all(snap(note.onset) == pytest.approx(note.onset) for note in clicked.notes)
    assert np.diff([note.onset for note in clicked.notes]).tolist() == [1, 0.5, 0.5, 1, 1, 1, 2]
    assert any(snap(note.onset) != pytest.approx(note.onset, abs=1e-3) for note in free.notes)


@pytest.mark.parametrize("silence", [0.0, 0.31, 1.7])
def test_a_tune_begins_in_the_first_beat_however_long_nobody_sang(silence):
    sound = line(TUNE, [0.5] * len(TUNE))
    late = Audio(np.concatenate([np.zeros(int(silence * RATE), np.float32), sound.samples]), RATE)
    for heard in (listen(late), listen(late, 120.0)):
        assert [note.onset for note in quantised(heard).tracks[0].notes] == list(range(len(TUNE)))
    beats = listen(late, 120.0).notes[0].onset
    assert beats == pytest.approx((0.2 + silence) * 2, abs=1), "a click counts from the recording's beginning"


@pytest.mark.parametrize("sound", SOUNDS)
def test_a_note_ends_where_it_falls_silent_before_a_rest_and_where_the_next_begins(sound):
    known = sung(sound, 100, 8.0, np.random.default_rng(1))
    heard = listen(Audio(known.samples, RATE))
    off = [end - known.ends[n] for begin, end in heard.seconds for n in [np.abs(known.onsets - begin).argmin()]
           if np.append(known.onsets[1:], np.inf)[n] - known.ends[n] > 0.15]  # fmt: skip
    assert len(off) and np.abs(np.median(off)) < 0.04
    joined = listen(line(TUNE, [SPAN] * len(TUNE), gap=0.01)).seconds
    assert [end for _, end in joined[:-1]] == pytest.approx([begin for begin, _ in joined[1:]])


def test_twice_as_fast_is_twice_the_tempo():
    onsets = np.cumsum([0.3, 0.6, 0.3, 0.3, 0.6, 0.6, 0.3, 0.3, 1.2, 0.6])
    slow, fast = tempo_of(onsets * 1.25), tempo_of(onsets / 1.25)
    assert slow == pytest.approx(80, rel=0.03) and fast == pytest.approx(125, rel=0.03)


def test_beats_follow_one_who_hurries_and_a_click_follows_nobody():
    onsets = np.cumsum([0.5, *np.linspace(0.6, 0.5, 16)])
    beats = beats_of(onsets, 110, onsets[-1])
    assert all(np.abs(beats - onset).min() < 0.06 for onset in onsets[2:])
    assert np.ptp(np.diff(beats_of(onsets, 110, onsets[-1], steady=True))) < 1e-9


def test_a_beginning_divides_a_pitch_that_goes_on_and_a_blip_is_no_note():
    pitch = np.full((40, 6), 0.02)
    pitch[:, 5] = 0.9
    pitch[5:35, 5], pitch[5:35, 2] = 0.02, 0.9
    onset = np.full(40, 0.01)
    onset[5] = 0.9
    assert decode(pitch, onset) == [(5, 35, 2)]
    onset[20] = 0.9
    assert decode(pitch, onset) == [(5, 20, 2), (20, 35, 2)]
    pitch[24 : 24 + SHORTEST - 2] = 0.02
    pitch[24 : 24 + SHORTEST - 2, 4] = 0.9
    assert decode(pitch, onset) == [(5, 20, 2), (20, 35, 2)]


def test_what_is_seen_of_a_higher_tone_lies_higher_and_louder_is_the_same():
    tone = line([57], [1.0]).samples
    seen, louder, higher = features(tone), features(2 * tone), features(line([64], [1.0]).samples)
    assert seen.shape == (CHANNELS, len(tone) // 256 + 1, PITCHES * FINE)
    assert np.allclose(seen, louder, atol=1e-4)
    middle = len(tone) // 512
    for each, midi in ((seen, 57), (higher, 64)):
        assert abs(each[1, middle].argmax() - (midi - LOWEST) * FINE - 1) <= 1


def test_keys_and_tuning_are_those_of_known_notes():
    minor = [Note(i, 1, pitch) for i, pitch in enumerate((64, 66, 67, 71, 69, 67, 66, 64, 63, 64))]
    assert named(key_of(minor)) == "E minor" and key_of(minor) == (1, True)
    flat = [Note(i, 1, pitch) for i, pitch in enumerate((63, 65, 67, 68, 70, 72, 74, 75, 70, 67, 63))]
    assert named(key_of(flat)) == "Eb major"
    assert tuning(np.repeat([60.3, 64.3, 67.3], 20)) == pytest.approx(0.3)
    assert abs(np.exp(2j * np.pi * np.linspace(60, 61, 100)).mean()) < TUNED


def test_the_same_sound_is_the_same_song():
    sound = line(TUNE, [SPAN] * len(TUNE))
    assert listen(sound).song == listen(sound).song


def test_of_two_lines_the_stronger_is_taken_and_that_is_said():
    spans = [SPAN] * len(TUNE)
    heard = listen(together(line(TUNE, spans), line([pitch - 4 for pitch in TUNE], spans)))
    assert [note.pitch for note in heard.notes][: len(TUNE)] == TUNE
    assert heard.remarks and not listen(line(TUNE, spans)).remarks


def test_two_singers_are_a_remark_and_not_speech():
    for seed in range(3):
        singers = [Audio(sung("voice", tempo, 6.0, np.random.default_rng(seed + tempo)).samples, RATE)
                   for tempo in (100, 80)]  # fmt: skip
        heard = listen(together(*singers, gains=(1.0, 1.0)))
        assert "strongest line" in heard.remarks[0] and len(heard.notes) > 4


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (Audio(np.zeros(RATE * 2, np.float32) + 1e-4, RATE), "silent"),
        (Audio(np.random.default_rng(0).normal(0, 0.1, RATE * 3).astype(np.float32), RATE), "No notes are heard"),
        (Audio(np.ones(1000, np.float32), RATE), "at least 0.3"),
        (speech(), "sounds like speech"),
    ],
    ids=["silent", "noise", "short", "speech"],
)
def test_what_is_no_melody_is_refused_in_a_sentence(sound, why):
    with pytest.raises(RequestError, match=why):
        listen(sound)


def test_two_voices_are_said_and_one_is_not():
    lower, upper = line(TUNE, [SPAN] * len(TUNE)), line([pitch + 4 for pitch in TUNE], [SPAN] * len(TUNE))
    duet = Audio(lower.samples / 2 + upper.samples / 2, RATE)
    assert any("more than one" in remark.lower() for remark in listen(duet).remarks)
    assert not listen(lower).remarks
