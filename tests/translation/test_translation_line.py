"""What a recording went through before it was brought: a line that clipped it, or one that ends with a telephone."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from engine import translation
from engine.core.audio import Audio, write_wav
from engine.core.request import File
from engine.translation.analysis import DOUBTED_SECONDS, analyse, doubted, loudness, track_f0
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.frames import KNOTS, RATE, TIMBRE
from engine.translation.listening import clipped, ends_at, moved_remark, remarks
from training.translation.sung import Singer, line, sing


@pytest.fixture(scope="module")
def tune() -> np.ndarray:
    """A line that somebody sings, with a little breath up to where a recording ends."""
    return sing(line(57, 69, np.random.default_rng(1)), Singer(breath=0.01))[0]


def at_16_bits(samples: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(samples * 32_767) / 32_767, np.float32)


@pytest.mark.parametrize("rate, level", [(8_000, 1.0), (8_000, 0.3), (RATE, 1.0), (48_000, 0.5)])
def test_a_telephones_band_is_noticed_at_whatever_rate_it_was_saved(tune, rate, level):
    through = Audio(tune, RATE).resampled(8_000).resampled(rate)
    narrow = Audio(at_16_bits(level * through.samples), rate)
    assert ends_at(narrow) == 4_000
    every = remarks(narrow, analyse(narrow.resampled(RATE).samples), 0.0, voice=True)
    says = [said for said in every if "ends at" in said]
    assert says == ["The recording ends at 4 kHz; what lies above is added as the instrument has it."]


@pytest.mark.parametrize(("share", "words"), [(0.04, ""), (0.07, "7% of it: a note"), (0.4, "40% of it: several")])
def test_a_doubted_pitch_is_said_as_an_octave_or_as_more_than_one_player(tune, share, words, monkeypatch):
    monkeypatch.setattr("engine.translation.listening.doubted", lambda *_: share)
    said = remarks(Audio(tune, RATE), analyse(tune), 0.0)
    assert [words in remark for remark in said if "disagree" in remark] == ([True] if words else [])


def test_what_a_telephone_swallowed_does_not_tell_instruments_apart(tune):
    """An ear that knows the brighter of two by their highest band alone is sure of a whole recording alone."""
    usual = describe(analyse(tune))
    weight = np.zeros((2, len(usual)), np.float32)
    weight[0, TIMBRE - 1] = 1.0
    scale = np.ones_like(usual)
    usual[KNOTS:TIMBRE] -= 20.0  # of both together
    ear = InstrumentClassifier(("oboe", "horn"), usual, scale, weight, np.zeros(2))
    model = replace(translation.load(device="cpu"), classifier=ear)

    def guessed(rate: int) -> dict[str, float]:
        file = File("tune.wav", write_wav(Audio(tune, RATE).resampled(rate)))
        return dict(translation.identify(model, translation.Request(input=file, target="cello"))[1])

    assert guessed(RATE)["oboe"] > 0.9
    assert guessed(8_000) == pytest.approx({"oboe": 0.5, "horn": 0.5})


@pytest.mark.parametrize("rate", [16_000, 22_050, RATE, 48_000])
def test_a_whole_recording_ends_where_its_rate_ends(tune, rate):
    assert ends_at(Audio(tune, RATE).resampled(rate)) == rate / 2


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("top", [1.0, 0.5, 0.1])
def test_clipping_is_measured_however_loud_the_file_was_made_afterwards(tune, top, channels):
    loud = np.repeat(4 * tune[:, None] / np.abs(tune).max(), channels, axis=1)
    cut = at_16_bits(top * np.clip(loud, -1, 1))
    share = clipped(Audio(cut if channels > 1 else cut[:, 0], RATE))
    assert share == pytest.approx((np.abs(loud) >= 1).mean(), rel=0.2) and share > 0.01
    whole = at_16_bits(top * loud / np.abs(loud).max() * 0.99)
    assert clipped(Audio(whole if channels > 1 else whole[:, 0], RATE)) < 0.001


def test_clipping_is_measured_beside_no_copy_of_the_sound(tune):
    both = Audio(np.stack([np.tile(tune, 4)] * 2, 1), RATE)
    tracemalloc.start()
    clipped(both)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 0.5 * both.samples.nbytes


def test_a_second_tracker_hears_one_minute_of_a_recording_at_any_rate_and_no_more_of_it(tune):
    took = []
    for seconds in (DOUBTED_SECONDS + 4, 3 * DOUBTED_SECONDS):
        sound = Audio(np.resize(tune, seconds * 48_000), 48_000)
        low = sound.resampled(RATE)
        f0_hz, level = track_f0(low.samples), loudness(low.samples)
        f0_hz[::3] *= 2
        tracemalloc.start()
        share = doubted(sound, f0_hz, level)
        took.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert 0.2 < share < 0.5 and share == doubted(low, f0_hz, level)
    assert took[1] < 1.1 * took[0]


def test_an_octave_that_was_moved_is_said_with_where_to():
    assert moved_remark(0, "cello") == []
    assert moved_remark(-2, "cello") == ["The melody moved down 2 octaves to where the cello is usually played."]
    assert moved_remark(1, "flute", keep=True) == ["The melody moved up an octave into the range of the flute."]
