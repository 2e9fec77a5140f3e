"""Translation's engine: profiles, the generator, recordings. No trained weights are needed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import Cancelled, RequestError, translation
from engine.core.audio import Audio, write_wav
from engine.core.request import File
from engine.translation import transfer
from engine.translation.analysis import analyse, doubted
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.frames import (
    BANDS,
    KNOT_NUMBERS,
    KNOTS,
    RATE,
    TIMBRE,
    Frames,
)
from engine.translation.model import Model, save
from engine.translation.network import CONTROLS, Config, Generator
from engine.translation.profile import LEVELS, SILENT, Profile, fit, movement, relative
from engine.translation.synthesis import synthesise
from engine.translation.transcription import melody, notes, tonal
from engine.translation.transfer import LIVELY, lively, translate

NAMES = ("flute", "trombone")
SEEN = 3 * TIMBRE + 2  # values that the classifier sees


def tone(hz: float, seconds: float = 1.0, amplitudes=(0.3, 0.1, 0.05), noise: float = 0.001) -> np.ndarray:
    """A tone of some harmonics with a soft attack and release, and a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(a * np.sin(2 * np.pi * hz * (k + 1) * t + k) for k, a in enumerate(amplitudes))
    ramp = np.minimum(1, np.minimum(t, seconds - t) / 0.05)
    return (sound * ramp + noise * np.random.default_rng(1).standard_normal(len(t))).astype(np.float32)


def scale() -> np.ndarray:
    """Four notes with gaps: 440, 494, 440, 660 Hz."""
    gap = np.zeros(RATE // 10, np.float32)
    return np.concatenate([x for hz in (440, 493.9, 440, 659.3) for x in (tone(hz, 0.4), gap)])


def profile(low: int, high: int, slope: float) -> Profile:
    """A profile whose harmonics fall by `slope` dB each."""
    rows = high - low + 1
    mean = np.zeros((rows, len(LEVELS), TIMBRE), np.float32)
    mean[..., :KNOTS] = -3 - slope * (KNOT_NUMBERS - 1).clip(0, 20)
    mean[..., KNOTS:] = -45
    unvoiced = np.stack([np.full(BANDS, -20), np.full(BANDS, 5)]).astype(np.float32)
    usual, change = np.array([low, high], np.float32), np.full(TIMBRE, 0.1, np.float32)
    return Profile(low, mean, np.full((rows, TIMBRE), 5, np.float32), unvoiced, usual, change)


@pytest.fixture(scope="module")
def model() -> Model:
    """Two instruments whose generator says something, though nothing it learned."""
    torch.manual_seed(3)
    config = Config(NAMES, width=16)
    generator = Generator(config).eval().requires_grad_(False)
    torch.nn.init.normal_(generator.out_proj.weight, std=0.1)
    profiles = {"flute": profile(60, 96, 4), "trombone": profile(40, 72, 1)}
    return Model(config, generator, profiles, torch.device("cpu"), Path("test"), "")


def performed(model: Model, audio: Audio, progress=None, **asked):
    """The sound of an array, played by the second of the two instruments."""
    file = File("x.wav", write_wav(audio, "FLOAT"))
    request = translation.Request(input=file, source=NAMES[0], target=NAMES[1], **asked)
    return translation.generate(model, request, progress=progress)


def test_chunks_join_to_what_one_call_plays(monkeypatch):
    frames = analyse(np.concatenate([scale(), scale()]))
    whole = synthesise(frames, seed=4)
    monkeypatch.setattr(
        "engine.translation.synthesis.pieces", lambda n: [slice(i, min(i + 37, n)) for i in range(0, n, 37)]
    )
    assert np.allclose(synthesise(frames, seed=4), whole, atol=1e-6)


def test_generator_chunks_join_and_memory_has_its_state(model, monkeypatch):
    frames = analyse(np.concatenate([scale(), scale()]))
    whole, _ = translate(model, frames, *NAMES)
    monkeypatch.setattr(transfer, "pieces", lambda n: [slice(i, min(i + 41, n)) for i in range(0, n, 41)])
    joined, _ = translate(model, frames, *NAMES)
    assert np.allclose(joined.timbre, whole.timbre, atol=1e-3)


def test_a_new_generator_is_the_swap_of_profiles(model):
    fresh = replace(model, generator=Generator(model.config))
    frames = analyse(scale())
    made, _ = translate(fresh, frames, *NAMES)
    swap, _ = translate(fresh, frames, *NAMES, trained=False)
    other, _ = translate(model, frames, *NAMES)
    assert np.allclose(made.timbre, swap.timbre, atol=1e-4)
    assert np.abs(other.timbre - swap.timbre).mean() > 0.1


def test_a_generator_can_keep_less_of_the_fast_part():
    generator = Generator(Config(NAMES, width=8))
    with torch.no_grad():
        generator.out_proj.bias[TIMBRE:] = np.log(0.25)
    fast = torch.randn(2, 5, TIMBRE)
    made, _ = generator(torch.zeros_like(fast), fast, torch.zeros(2, 5, CONTROLS + 4))
    assert torch.allclose(made, fast / 4, atol=1e-6)


def test_performance_is_carried_over_and_octaves_fit_the_range(model):
    frames = analyse(scale())
    made, moved = translate(model, frames, *NAMES)
    assert moved == -1  # 69 to 76 does not fit 40 to 72; an octave down does
    assert np.array_equal(made.loudness_db, frames.loudness_db)
    assert np.allclose(made.f0_hz * 2, frames.f0_hz)
    back, moved = translate(model, made, "trombone", "flute")
    assert moved == 1 and np.allclose(back.f0_hz, frames.f0_hz)
    up, moved = translate(model, frames, *NAMES, transpose=-12)
    assert moved == 0 and np.allclose(up.f0_hz * 2, frames.f0_hz)


def test_amount_goes_from_the_source_to_the_target(model):
    frames = analyse(scale())
    none, half, all_ = (translate(model, frames, *NAMES, amount=a)[0].timbre for a in (0.0, 0.5, 1.0))
    assert np.allclose(none, frames.timbre)
    assert np.allclose(half, (none + all_) / 2, atol=1e-3)
    assert np.abs(all_ - none).mean() > 1


def test_whitening_and_colouring_are_inverse_and_silence_is_nothing():
    place = profile(50, 80, 3)
    random = np.random.default_rng(0)
    midi, level = random.uniform(50, 80, 50), random.uniform(-30, 0, 50)
    voiced = random.random(50) < 0.7
    white = random.normal(size=(50, TIMBRE)).clip(-2.5, 2.5)
    timbre = place.colour(white, midi, level, voiced)
    assert np.allclose(place.whiten(timbre, midi, level, voiced), white, atol=1e-4)
    assert not place.whiten(timbre, midi, level - 100, voiced).any()


def test_profile_finds_what_depends_on_pitch_and_loudness():
    random = np.random.default_rng(0)
    n = 6000
    midi, level = random.uniform(50, 80, n), random.uniform(-30, 0, n)
    timbre = random.normal(0, 2, (n, TIMBRE)) - 30
    timbre[:, 5] += 0.5 * (midi - 65) + 0.3 * level
    found = fit(timbre.astype(np.float32), midi, level, np.ones(n, bool))
    assert found.range[0] in (50, 51) and found.range[1] in (79, 80)
    mean, spread = found.at(np.array([55, 75, 75]), np.array([0, 0, -18]), np.ones(3, bool))
    assert mean[1, 5] - mean[0, 5] == pytest.approx(10, abs=1.5)
    assert mean[2, 5] - mean[1, 5] == pytest.approx(-5.4, abs=1.5)
    assert np.median(spread) == pytest.approx(2, abs=0.3)
    assert found.usual == pytest.approx([53, 74], abs=1)  # a tenth from the lowest, a fifth from the highest
    assert np.median(found.change) == pytest.approx(2 / np.sqrt(np.pi), abs=0.1)  # each frame by itself


@pytest.mark.parametrize(
    "midi, range_, wanted, usually",
    [
        ([60, 62], (40, 76), 0, 0),
        ([84, 86], (40, 76), -1, -2),
        ([96, 98], (40, 76), -2, -3),
        ([70, 74], (40, 76), 0, -1),
        ([58, 70], (40, 76), 0, 0),
        ([40, 45], (60, 96), 2, 2),
        ([41, 76], (40, 76), 0, 0),
        ([], (1, 2), 0, 0),
    ],
)
def test_octaves_are_the_fewest_that_fit(midi, range_, wanted, usually):
    """Usually this instrument is played in the range's middle, from 5 semitones above its end to 10 below the other."""
    low, high = range_
    place = replace(profile(low, high, 3), usual=np.array([low + 5, high - 10], np.float32))
    assert place.octaves(np.array(midi, float), usual=False) == wanted
    assert place.octaves(np.array(midi, float)) == usually


@pytest.mark.parametrize("wanted, times", [(0.2, 0.5), (0.5, 1.25), (0.01, LIVELY[0]), (9.0, LIVELY[1])])
def test_the_timbre_moves_as_fast_as_in_the_targets_recordings(wanted, times):
    """What differs from frame to frame by 0.4 comes to differ as the target's does; its mean over time stays."""
    level, voiced = np.zeros(200), np.ones(200, bool)
    white = np.full((200, TIMBRE), 0.7, np.float32)
    white[::2] += 0.2
    white[1::2] -= 0.2
    place = replace(profile(40, 76, 3), change=np.full(TIMBRE, wanted, np.float32))
    out = lively(white, place, level, voiced)
    assert np.allclose(movement(out, level, voiced), 0.4 * times, atol=0.03)
    assert out.mean() == pytest.approx(0.7, abs=0.02)
    assert not movement(white, level + SILENT, voiced).any()


def test_relative_loudness_is_near_zero_in_a_note_and_forgets_the_whole_level():
    level = np.concatenate([np.full(50, -20.0), np.full(100, -35.0)])
    found = relative(level)
    assert found.max() <= 0 and found[25] == 0 and found[140] == 0
    assert np.allclose(relative(level - 13), found)


def test_melody_is_transcribed():
    song = melody(analyse(scale()), "flute")
    found = song.tracks[0].notes
    assert [note.pitch for note in found] == [69, 71, 69, 76]
    seconds = [note.onset / 2 for note in found]
    assert np.allclose(seconds, [0, 0.5, 1.0, 1.5], atol=0.06)
    assert song.tracks[0].program == 73
    assert [n.pitch for n in melody(analyse(scale()), "flute", -12).tracks[0].notes] == [57, 59, 57, 64]


def test_a_slur_makes_two_notes_and_a_repeated_attack_too():
    t = np.arange(RATE) / RATE
    hz = np.where(t < 0.5, 440.0, 554.4)
    slur = 0.3 * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
    assert [n[2] for n in notes(analyse(slur))] == [69, 73]
    again = np.concatenate([tone(440, 0.4), tone(440, 0.4)])
    assert [n[2] for n in notes(analyse(again))] == [69, 69]


def test_ear_follows_its_weights():
    frames = analyse(scale())
    weight = np.zeros((2, 3 * TIMBRE + 2), np.float32)
    weight[1, -2] = 1  # the mean pitch speaks for the second
    classifier = InstrumentClassifier(
        NAMES, *(np.full(3 * TIMBRE + 2, v, np.float32) for v in (60, 4)), weight, np.zeros(2, np.float32)
    )
    assert describe(frames)[-2] == pytest.approx(71.3, abs=0.7)
    assert classifier.guess(frames)[0][0] == "trombone" and sum(
        b for _, b in classifier.guess(frames)
    ) == pytest.approx(1)


def test_same_seed_same_bytes_also_from_many_threads(model):
    audio = Audio(scale(), RATE)

    def made(seed: int = 5) -> np.ndarray:
        return performed(model, audio, seed=seed).audio.samples

    alone = made()
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(made())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(alone, result) for result in results)
    assert not np.array_equal(alone, made(6))


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_odd_rates_and_stereo_come_back_as_long_as_they_went_in(model, rate):
    audio = Audio(np.stack([scale()] * 2, 1), RATE).resampled(rate)
    made = performed(model, audio)
    assert made.audio.rate == RATE and made.audio.samples.ndim == 1
    assert made.audio.seconds == pytest.approx(audio.seconds, abs=0.001)
    assert made.audio.peak <= 0.9801 and np.isfinite(made.audio.samples).all()


def test_progress_goes_to_the_end_and_can_cancel(model):
    told: list[tuple[int, int]] = []
    performed(model, Audio(scale(), RATE), progress=lambda *x: told.append(x))
    assert told[0][0] == 0 and told[-1] == (100, 100) and told == sorted(told)

    def stop(done: int, total: int) -> None:
        if done >= 40:
            raise Cancelled

    with pytest.raises(Cancelled):
        performed(model, Audio(scale(), RATE), progress=stop)


def test_chords_and_clipping_are_noticed_and_noise_is_refused(model):
    random = np.random.default_rng(0)
    with pytest.raises(RequestError, match="pitch"):
        performed(model, Audio((0.1 * random.standard_normal(RATE)).astype(np.float32), RATE))
    one = np.concatenate([tone(262, 1.5, (0.3, 0.2, 0.1))] * 2)
    assert tonal(analyse(one)) > 0.9
    says = performed(model, Audio(one, RATE)).remarks
    assert not any("More than one" in s or "clipped" in s for s in says)
    chord = sum(np.concatenate([tone(hz, 1.5, (0.3, 0.2, 0.1))] * 2) for hz in (262, 330, 392))
    says = performed(model, Audio(np.clip(3 * chord, -1, 1).astype(np.float32), RATE)).remarks
    assert any("clipped" in s for s in says)
    says = performed(model, Audio((0.8 * chord).astype(np.float32), RATE)).remarks
    assert any("More than one" in s or "no clear pitch" in s for s in says)


def test_two_melodies_at_once_are_doubted():
    one = scale()
    other = np.concatenate([tone(hz, 0.45, (0.3, 0.2, 0.1, 0.1)) for hz in (311.1, 349.2, 415.3, 261.6)])
    length = min(len(one), len(other))
    shares = []
    for samples in (one, other, one[:length] + other[:length]):
        frames = analyse(samples)
        shares.append(doubted(Audio(samples, RATE), frames.f0_hz, frames.loudness_db))
    assert max(shares[:2]) < 0.05 < 0.15 < shares[2]


def test_a_pitch_that_never_rests_is_noticed(model):
    random = np.random.default_rng(3)
    words = []
    for _ in range(12):  # as in speech: short, gliding, some of it noise, with pauses
        length = random.integers(RATE // 10, RATE // 4)
        hz = 130 * 2 ** np.linspace(random.uniform(0, 0.4), random.uniform(-0.4, 0), length)
        phase = 2 * np.pi * np.cumsum(hz) / RATE
        voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * np.hanning(length)
        words += [0.2 * voice, 0.02 * random.standard_normal(RATE // 18), np.zeros(RATE // 20)]
    speech = np.concatenate(words).astype(np.float32)
    rests = "hardly ever rests"
    assert any(rests in said for said in performed(model, Audio(speech, RATE)).remarks)
    assert not any(rests in said for said in performed(model, Audio(scale(), RATE)).remarks)


@pytest.mark.parametrize(
    "audio, settings, says",
    [
        (Audio(np.zeros(RATE, np.float32), RATE), {}, "silent"),
        (Audio(tone(440)[:500], RATE), {}, "lasts"),
        (Audio(np.full(RATE, np.nan, np.float32), RATE), {}, "not numbers"),
        (Audio(tone(440), RATE), {"amount": 1.5}, "amount"),
        (Audio(tone(440), RATE), {"transpose": 99}, "transposition"),
    ],
)
def test_bad_recordings_and_settings_are_refused_in_one_sentence(model, audio, settings, says):
    with pytest.raises(RequestError, match=says) as refusal:
        performed(model, audio, **settings)
    assert str(refusal.value).count("\n") == 0


def test_only_what_the_model_knows_is_translated(model):
    for source, target in (("flute", "flute"), ("flute", "violin"), ("oboe", "trombone")):
        with pytest.raises(RequestError, match="does not translate"):
            translate(model, analyse(tone(440)), source, target)


def test_saved_and_loaded_it_plays_the_same(model, tmp_path):
    classifier = InstrumentClassifier(NAMES, *(np.ones(s, np.float32) for s in (SEEN, SEEN, (2, SEEN), 2)))
    save(tmp_path / "pair", model.config, model.generator, model.profiles, classifier, steps=1)
    loaded = translation.load(tmp_path / "pair", "cpu")
    frames = analyse(scale())
    before, after = (translate(m, frames, *NAMES)[0].timbre for m in (model, loaded))
    assert np.abs(before - after).max() < 0.5  # float16
    assert loaded.classifier is not None and loaded.config == model.config
    config = tmp_path / "pair" / "config.json"
    config.write_text(config.read_text().replace('"translation"', '"band"'))
    with pytest.raises(RequestError, match="expected 'translation'"):
        translation.load(tmp_path / "pair")


def test_the_generator_hears_what_it_is_told():
    torch.manual_seed(0)
    config = Config(("flute", "violin", "cello"), width=16)
    generator = Generator(config).eval()
    torch.nn.init.normal_(generator.out_proj.weight, std=0.2)
    places = {"flute": profile(60, 96, 4), "violin": profile(55, 96, 2), "cello": profile(36, 84, 1)}
    model = Model(config, generator, places, torch.device("cpu"), Path("any"), "")
    frames = Frames(np.full(40, 440.0), np.full(40, -20.0), np.full((40, TIMBRE), -30, np.float32))
    violin, cello = (translate(model, frames, "flute", target)[0].timbre for target in ("violin", "cello"))
    assert np.abs(violin - cello).mean() > 1
    assert model.condition(None, "cello").tolist() == [0, 0, 0, 0, 0, 1]
