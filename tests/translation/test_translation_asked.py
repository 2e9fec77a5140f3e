"""What can be asked of a translation beside its target: dynamics, a blend, several targets; and a voice as source."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from engine import RequestError, translation
from engine.core.audio import Audio, read_audio, write_wav
from engine.core.request import File
from engine.translation.analysis import analyse
from engine.translation.frames import HOP, KNOTS, RATE
from engine.translation.listening import heard
from engine.translation.profile import even
from engine.translation.transfer import translate, whitened
from engine.translation.voice import calmed, sung
from tests.translation.test_translation import scale
from training.translation.sung import Singer, line, sing

NOTES = [(57.0, 0.5), (61.0, 0.5), (0.0, 0.4), (64.0, 0.5), (57.0, 0.6)]


@pytest.fixture(scope="module")
def model():
    return translation.load(device="cpu")


@pytest.fixture(scope="module")
def recording() -> File:
    """A line that somebody sings."""
    return File("line.wav", write_wav(Audio(sing(NOTES, Singer(vibrato=0.2))[0], RATE)))


def asked(model, file: File, **settings):
    request = translation.Request(input=file, **{"source": "voice", "target": "oboe"} | settings)
    return translation.generate(model, request)


@pytest.mark.parametrize("how", [{}, {"snr_db": 15.0}, {"phone": True}])
def test_a_voice_is_followed_and_what_is_not_sung_is_turned_down(model, how):
    singer = Singer(vibrato=0.2, consonants=0.4)
    sound, pitch = sing(NOTES, singer, 3, **how)
    frames = analyse(sound)
    wanted = pitch[np.minimum(np.arange(len(frames)) * HOP, len(pitch) - 1)]
    keeps = sung(frames)
    assert keeps[wanted > 0].mean() > 0.9 and keeps[wanted == 0].mean() < 0.2
    assert (np.abs(frames.midi - wanted)[keeps & (wanted > 0)] < 0.75).mean() > 0.95
    pause = slice(int(1.1 * RATE / HOP), int(1.3 * RATE / HOP))
    assert (frames.loudness_db - calmed(frames).loudness_db)[pause].min() > 30
    after, _ = translate(model, calmed(frames), None, "oboe")
    assert after.loudness_db[pause].max() < after.loudness_db.max() - 40


def test_a_voice_is_whitened_by_itself_and_brings_no_breath():
    frames = analyse(sing(line(50, 65, np.random.default_rng(0)), Singer(breath=0.05))[0])
    white = whitened(frames, None)
    loud = frames.voiced & (frames.loudness_db > frames.loudness_db.max() - 15)
    assert np.abs(white[loud, :KNOTS].mean(0)).mean() < 0.4 and not white[:, KNOTS:].any()


def test_a_hum_on_one_note_has_a_profile_of_its_own():
    frames = analyse(sing([(57.0, 1.0)], Singer(hums=True, vibrato=0.0))[0])
    assert np.isfinite(whitened(frames, None)).all()


def test_a_line_that_ends_at_4_khz_is_no_part_of_an_instrument(model):
    """What a telephone swallows is taken for the room's, and the target's own is there above."""
    t = np.arange(RATE) / RATE
    whole = sum(0.2 * 0.8**k * np.sin(2 * np.pi * 330 * (k + 1) * t) for k in range(30)).astype(np.float32)
    narrow = Audio(whole, RATE).resampled(8_000).resampled(RATE).samples
    own = model.profiles["oboe"]
    cut = whitened(analyse(narrow), own)[20:40, 24:KNOTS]
    assert np.abs(cut).max() < 1.6


def test_dynamics_draw_notes_together_and_apart():
    soft, loud = (0.05 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * gain for gain in (1, 4))
    frames = analyse(np.concatenate([soft, loud]))
    at = (18, 105)  # frames of either, not near the other
    steps = [np.diff(even(frames, dynamics).loudness_db[list(at)])[0] for dynamics in (0, 0.5, 1, 2)]
    assert steps == pytest.approx([0, 6, 12, 24], abs=1)
    assert even(frames, 1) is frames
    changed = even(frames, 2)
    assert np.allclose(changed.envelope_db - frames.envelope_db, (changed.loudness_db - frames.loudness_db)[:, None])


def test_a_blend_lies_between_and_its_ends_are_the_instruments(model, recording):
    one, other = (asked(model, recording, target=name).after.timbre for name in ("oboe", "viola"))
    ends = [asked(model, recording, second="viola", blend=share).after for share in (0.0, 0.5, 1.0)]
    assert np.allclose(ends[0].timbre, one, atol=1e-3)
    assert np.allclose(ends[1].timbre, (ends[0].timbre + ends[2].timbre) / 2, atol=1e-3)
    assert np.abs(ends[2].timbre - one).mean() > np.abs(ends[1].timbre - one).mean() > 0.3 * np.abs(other - one).mean()


def test_several_targets_are_stems_that_sum_to_what_is_heard(model, recording):
    result = asked(model, recording, also=("cello", "flute"))
    with zipfile.ZipFile(io.BytesIO(result.text("stems.zip"))) as file:
        stems = [read_audio(file.read(name)).samples for name in file.namelist()]
        assert [name[3:-4] for name in file.namelist()] == ["oboe", "cello", "flute"]
    assert np.abs(sum(stems) - result.audio.samples).max() < 2e-4 * len(stems)  # 16 bits
    assert [track.name for track in result.song.tracks] == ["oboe", "cello", "flute"]
    assert result.audio.peak <= 0.9801


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"source": "oboe"}, "two instruments"),
        ({"source": "flute", "also": ("flute",)}, "two instruments"),
        ({"also": ("oboe",)}, "named twice"),
        ({"second": "oboe"}, "named twice"),
        ({"dynamics": 3.0}, "dynamics"),
        ({"blend": -1.0}, "blend"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(recording, settings, says):
    with pytest.raises(RequestError, match=says):
        translation.Request(input=recording, **{"source": "voice", "target": "oboe"} | settings)


def test_a_voice_cannot_be_played_on_a_voice(recording):
    with pytest.raises(RequestError, match="No weights know the instrument 'voice'"):
        translation.Request(input=recording, source="flute", target="voice").checkpoint()


def test_same_seed_same_bytes_for_all_of_it(model, recording):
    settings = {"also": ("cello",), "second": "viola", "blend": 0.3, "dynamics": 1.5, "seed": 5}
    one, again = (asked(model, recording, **settings) for _ in range(2))
    assert np.array_equal(one.audio.samples, again.audio.samples)
    assert not np.array_equal(one.audio.samples, asked(model, recording, **settings | {"seed": 6}).audio.samples)
    assert replace(one.request) == again.request


def test_of_two_channels_one_is_kept_and_what_would_clip_is_turned_down_where_it_stands(model):
    """Memory that a recording twice as long takes, in sounds of one channel: two are read, one is kept."""
    loud, took = scale() / np.abs(scale()).max(), []
    for times in (1, 32, 44):  # first more is loaded and compiled; beyond a minute no remark hears more
        sound = np.tile(loud, times)
        file = File("both.wav", write_wav(Audio(np.stack([sound, sound], 1), RATE)))
        heard.cache_clear()
        tracemalloc.start()
        result = asked(model, file, source="flute", target="trombone")
        took.append(np.array(tracemalloc.get_traced_memory()) / (12 * loud.nbytes))
        tracemalloc.stop()
        assert result.audio.peak == pytest.approx(0.98, abs=1e-4) and result.recording.samples.shape == sound.shape
    held, most = took[2] - took[1]
    assert held < 2.6 and most < 3.0
