"""Sound files in and out, and the ones that must be refused."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from engine import RequestError
from engine.core.audio import PART, Audio, read_audio, resampled_length, resampled_parts, write_flac, write_wav


def tone(seconds=0.5, rate=16_000, hz=440.0, channels=1):
    t = np.arange(int(seconds * rate)) / rate
    wave = (0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
    return wave if channels == 1 else np.stack([wave * (c + 1) / channels for c in range(channels)], axis=1)


def file_of(samples, rate, kind="WAV", subtype=None):
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "W64", "RF64"])
def test_every_kind_of_file_is_read(kind):
    audio = read_audio(file_of(tone(), 16_000, kind))
    assert audio.rate == 16_000 and audio.samples.dtype == np.float32
    assert audio.seconds == pytest.approx(0.5, abs=0.1)
    spectrum = np.abs(np.fft.rfft(audio.mono().samples))
    assert np.argmax(spectrum) / audio.seconds == pytest.approx(440, abs=5)


@pytest.mark.parametrize("write", [write_wav, write_flac])
def test_what_is_written_is_read_back(write):
    audio = Audio(tone(channels=2), 22_050)
    back = read_audio(write(audio))
    assert back.rate == 22_050 and back.samples.shape == audio.samples.shape
    assert np.abs(back.samples - audio.samples).max() <= 1.01 / 32768


def test_eight_bits_are_eight_bits():
    data = write_wav(Audio(tone(), 16_000), subtype="PCM_U8")
    assert soundfile.info(io.BytesIO(data)).subtype == "PCM_U8"


def test_out_of_range_samples_are_clipped_not_wrapped():
    back = read_audio(write_wav(Audio(np.array([2.0, -2.0, 0.25] * 10, np.float32), 8_000)))
    assert back.samples[:3] == pytest.approx([1.0, -1.0, 0.25], abs=1e-3)


def test_resampling_keeps_pitch_and_length():
    audio = Audio(tone(1.0, 48_000, 1000.0), 48_000).resampled(16_000)
    assert audio.rate == 16_000 and len(audio.samples) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(audio.samples))) == 1000


def test_channels_that_cancel_give_the_louder_one():
    wave = tone()
    for right in (-wave, -0.9 * wave):
        inverted = Audio(np.stack([wave, right], axis=1), 16_000)
        alone = read_audio(write_flac(Audio(wave, 16_000)))
        assert np.array_equal(read_audio(write_flac(inverted)).mono().samples, alone.samples)
    apart = Audio(np.stack([wave, tone(hz=660.0)], axis=1), 16_000)
    assert np.array_equal(apart.mono().samples, apart.samples.mean(axis=1, dtype=np.float32))


def test_mono_is_the_mean():
    assert Audio(np.array([[0.2, 0.6]], np.float32), 8_000).mono().samples == pytest.approx([0.4])


def test_two_channels_become_one_beside_little_more_than_that_one():
    """Ten minutes of stereo are 212 MB; what tells whether its channels cancel is not four times as much."""
    both = Audio(tone(seconds=20.0, channels=2), 16_000)
    tracemalloc.start()
    one = both.mono()
    assert not one.silent
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * one.samples.nbytes


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("length", [1, 2, 4_411, PART, PART + 1, 2 * PART + 3])
def test_a_sound_resampled_in_parts_is_the_same_to_the_last_sample(rate, length):
    sound = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    whole = Audio(sound, rate).resampled(16_000).samples
    assert np.array_equal(np.concatenate(list(resampled_parts(sound, rate, 16_000))), whole)
    assert resampled_length(length, rate, 16_000) == len(whole)


def test_resampling_keeps_one_copy():
    sound = Audio(tone(seconds=20.0, rate=48_000), 48_000)
    tracemalloc.start()
    low = sound.resampled(44_100)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * low.samples.nbytes


def test_a_file_is_written_beside_no_copy_of_its_sound():
    sound = Audio(tone(seconds=20.0), 16_000)
    write_wav(sound)
    tracemalloc.start()
    file = write_wav(sound)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < len(file) + 0.5 * sound.samples.nbytes


def test_a_truncated_file_is_read_as_far_as_it_goes():
    data = file_of(tone(1.0), 16_000)
    assert 0.3 < read_audio(data[: len(data) // 2]).seconds < 0.7


BAD = {
    "empty": b"",
    "a jpeg": b"\xff\xd8\xff\xe0" + bytes(2000),
    "silent": file_of(np.zeros(8000, np.float32), 16_000),
    "no frames": file_of(np.zeros(0, np.float32), 16_000),
    "eight channels": file_of(tone(channels=8), 16_000),
    "too long": file_of(tone(3.0), 16_000),
    "1 kHz": file_of(tone(0.5, 1_000, 100), 1_000),
    "NaN": file_of(np.full(8000, np.nan, np.float32), 16_000, subtype="FLOAT"),
    "random": np.random.default_rng(0).bytes(5000),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sound_is_refused_in_one_sentence(case):
    with pytest.raises(RequestError) as refusal:
        read_audio(BAD[case], max_seconds=2.0, name="upload.wav")
    words = str(refusal.value)
    assert words.startswith("upload.wav") and words.endswith(".") and "\n" not in words


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RequestError, match="cannot be read"):
        read_audio(tmp_path / "none.wav")


@pytest.mark.parametrize("rate", [4_001, 65_535, 65_537, 88_200, 96_003, 192_000])
def test_flac_takes_any_rate_that_is_read(rate):
    audio = Audio(np.sin(np.arange(rate // 4) * 2 * np.pi * 440 / rate).astype(np.float32) / 2, rate)
    again = read_audio(write_flac(audio))
    assert abs(again.rate - rate) <= 5 and again.seconds == pytest.approx(audio.seconds, abs=0.001)
