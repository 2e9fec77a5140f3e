"""Translation's analysis and synthesis: sound to frames and back, with no model between."""

from __future__ import annotations

import tracemalloc
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from engine.translation.analysis import analyse, astray, envelope, loudness, split_frames, track_f0
from engine.translation.frames import HARMONICS, HOP, KNOTS, RATE, TO_HARMONICS, TO_KNOTS
from engine.translation.profile import relative
from engine.translation.synthesis import controls, synthesise
from tests.translation.test_translation import scale, tone
from training.translation.measure import rise


@pytest.mark.parametrize("hz", [82.4, 233.1, 1174.7])
def test_harmonics_are_measured_in_their_places(hz):
    """Amplitudes 0.3, 0.1, 0.05 come back as powers; the residual holds next to nothing of them."""
    sound = tone(hz, noise=1e-4)
    f0_hz = track_f0(sound)
    middle = slice(20, 40)
    assert np.abs(1200 * np.log2(f0_hz[middle] / hz)).max() < 5
    _, harmonics, bands = next(split_frames(sound, f0_hz))
    wanted = 10 * np.log10(np.array([0.3, 0.1, 0.05]) ** 2 / 2)
    assert np.abs(np.median(harmonics[middle, :3], axis=0) - wanted).max() < 0.7
    assert np.median(10 * np.log10((10 ** (bands[middle] / 10)).sum(1))) < wanted[0] - 20


def test_loudness_is_the_root_mean_square():
    assert np.median(loudness(tone(440, amplitudes=(0.5,), noise=0))) == pytest.approx(10 * np.log10(0.125), abs=0.1)
    quieter = loudness(0.1 * scale()) - loudness(scale())
    assert np.median(quieter) == pytest.approx(-20, abs=0.01)


def test_knots_hold_every_low_harmonic_exactly():
    harmonics = np.random.default_rng(0).normal(size=HARMONICS)
    assert np.allclose((TO_HARMONICS @ TO_KNOTS @ harmonics)[:13], harmonics[:13], atol=0.05)
    knots = np.random.default_rng(1).normal(size=KNOTS)
    assert np.allclose(TO_KNOTS @ TO_HARMONICS @ knots, knots, atol=1e-6)


def test_a_short_note_that_leaps_an_octave_is_followed_there_and_back():
    seconds = np.array([0.0, 1.0, 1.25, 2.25])
    hz = np.repeat([220.0, 440.0, 220.0], np.diff(np.round(seconds * RATE)).astype(int))  # slurred: the phase goes on
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    f0_hz = track_f0(sum(a * np.sin((k + 1) * phase) for k, a in enumerate((0.3, 0.2, 0.1, 0.05))))
    at = np.arange(len(f0_hz)) * HOP / RATE
    for first, last, wanted in zip(seconds, seconds[1:], (220, 440, 220)):
        inside = f0_hz[(at > first + 0.04) & (at < last - 0.04)]
        assert np.abs(inside / wanted - 1).max() < 0.01


def test_a_rooms_noise_far_above_the_notes_is_no_pitch_and_a_high_note_is():
    random = np.random.default_rng(0)
    band = butter(2, (1_300, 1_900), "band", fs=RATE, output="sos")
    room = 0.03 * sosfilt(band, random.standard_normal(RATE))
    low, high = tone(131, 1.0, noise=1e-4), tone(4 * 131, 0.5, noise=1e-4)
    f0_hz = track_f0(np.concatenate([low, room, high, low]))
    frames = RATE // HOP
    assert (f0_hz[frames + 3 : 2 * frames - 3] > 0).mean() < 0.1
    assert np.abs(f0_hz[2 * frames + 5 : 2 * frames + frames // 2 - 5] / (4 * 131) - 1).max() < 0.01
    periods = np.array([220.0, 220.0, 220.0, 220.0, 220.0, 500.0, 500.0, 900.0, 900.0, 0.0])
    strength = np.array([0.5, 0.5, 0.5, 0.9, 0.9, 0.88, 0.95, 0.94, 0.96, 0.0])
    assert astray(periods, strength).tolist() == [*[False] * 5, True, False, True, False, False]


def test_resynthesis_keeps_pitch_loudness_and_spectrum():
    sound = scale()
    frames = analyse(sound)
    again = synthesise(frames, len(sound))
    assert len(again) == len(sound)
    heard = analyse(again)
    both = frames.voiced & heard.voiced
    assert both.mean() > 0.6
    assert (np.abs(1200 * np.log2(heard.f0_hz[both] / frames.f0_hz[both])) < 25).mean() > 0.95
    loud = frames.loudness_db > -40
    assert np.corrcoef(frames.loudness_db[loud], heard.loudness_db[loud])[0, 1] > 0.95
    steady = both & (relative(frames.loudness_db) > -1)
    assert np.median(np.abs(heard.timbre - frames.timbre)[steady, :3]) < 1.0


@pytest.mark.parametrize("hz", [110, 262, 587, 1175])
def test_vibrato_is_not_taken_for_noise(hz):
    t = np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(hz * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 5.5 * t))) / RATE
    frames = analyse(sum(a * np.sin((k + 1) * phase + k) for k, a in enumerate((0.3, 0.15, 0.08, 0.04))))
    noise = 10 * np.log10((10 ** (frames.timbre[10:-10, KNOTS:] / 10)).sum(1))
    assert np.median(noise) < -30


def most_memory(work) -> int:
    """Bytes that arrays take at most while this runs."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_recording_twice_as_long_takes_its_sound_more_memory_and_no_copy_of_it():
    sounds = [np.tile(scale(), times) for times in (12, 24)]
    frames = [analyse(sound) for sound in sounds]
    synthesise(frames[0])  # compiles its loop
    more = len(sounds[0]) * sounds[0].itemsize
    for listen, copies in ((loudness, 0.5), (track_f0, 0.9)):
        first, second = (most_memory(lambda s=sound: listen(s)) for sound in sounds)  # noqa: B023
        assert second - first < copies * more
    unvoiced = [np.zeros(4 * len(f)) for f in frames]  # of sounds four times as long: three chunks at least
    longer = [np.tile(sound, 4) for sound in sounds]
    first, second = (most_memory(lambda s=s, f=f: deque(split_frames(s, f), 0)) for s, f in zip(longer, unvoiced))
    assert second - first < 0.5 * 4 * more
    first, second = (most_memory(lambda f=f: synthesise(f)) for f in frames)
    assert second - first < 1.5 * more


def test_controls_have_the_loudness_that_was_asked_for():
    frames = analyse(scale())
    amplitudes, bands = controls(frames)
    power = (amplitudes**2 / 2).sum(1) + bands.sum(1)
    heard = frames.loudness_db > -100
    assert heard.sum() > 80 and np.allclose(10 * np.log10(power[heard]), frames.loudness_db[heard], atol=0.2)
    assert not power[frames.loudness_db <= -120].any()


def test_noise_alone_keeps_its_level_and_colour():
    random = np.random.default_rng(2)
    low = np.convolve(random.standard_normal(RATE), np.ones(16) / 16, "same") * 0.2
    frames = replace(analyse(low), f0_hz=np.zeros(RATE // HOP + 1))
    frames = analyse(low, frames.f0_hz)
    again = synthesise(frames, len(low))
    assert np.median(loudness(again) - frames.loudness_db) == pytest.approx(0, abs=1.0)
    change = analyse(again, frames.f0_hz).timbre[:, KNOTS:].mean(0) - frames.timbre[:, KNOTS:].mean(0)
    assert np.median(np.abs(change)) < 1.0 and np.abs(change).max() < 6


def test_a_note_begins_as_fast_as_it_was_played():
    """One frame is 16 ms; a note that is there after 4 ms is there after 4 ms again."""
    for hz in (196.0, 311.1, 880.0):
        t = np.arange(RATE // 2) / RATE
        note = sum(0.2 * 0.7**k * np.sin(2 * np.pi * hz * (k + 1) * t) for k in range(8)) * np.minimum(1, t / 0.004)
        sound = np.concatenate([np.zeros(RATE // 4), note, np.zeros(RATE // 4)]).astype(np.float32)
        frames = analyse(sound)
        blunt, sharp = (rise(synthesise(f, len(sound))) for f in (replace(frames, envelope_db=None), frames))
        assert abs(sharp - rise(sound)) < 0.5 * abs(blunt - rise(sound))
        steady = synthesise(frames, len(sound))[RATE // 2 : 3 * RATE // 4]
        assert np.std(envelope(steady, np.full(15, 69 + 12 * np.log2(hz / 440)))[4:-4]) < 0.5  # no beating of its own


def test_what_lies_above_8_khz_is_kept():
    t = np.arange(RATE // 2) / RATE
    sound = sum(0.05 * np.sin(2 * np.pi * 1000 * k * t) for k in range(1, 18)).astype(np.float32)
    again = synthesise(analyse(sound), len(sound))
    high = [np.abs(np.fft.rfft(x))[int(8_500 / 2) : int(16_500 / 2)] for x in (sound, again)]  # bins of 2 Hz
    assert 20 * np.log10(np.linalg.norm(high[1]) / np.linalg.norm(high[0])) == pytest.approx(0, abs=1)
