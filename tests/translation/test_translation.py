"""Translation's engine: sound to frames and back, profiles, generators, recordings. No trained weights are needed."""

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
from engine.translation.analysis import analyse, loudness, split_frames, track_f0
from engine.translation.classifier import InstrumentClassifier, describe
from engine.translation.frames import HARMONICS, HOP, KNOT_NUMBERS, KNOTS, RATE, TIMBRE, TO_HARMONICS, TO_KNOTS, Frames
from engine.translation.model import Model, names, save
from engine.translation.network import CONTROLS, Config, Generator
from engine.translation.profile import LEVELS, Profile, fit, relative
from engine.translation.synthesis import controls, synthesise
from engine.translation.transcription import melody, notes, tonal
from engine.translation.transfer import translate

NAMES = ("flute", "trombone")


def tone(hz: float, seconds: float = 1.0, amplitudes=(0.3, 0.1, 0.05), noise: float = 0.001) -> np.ndarray:
    """A tone of some harmonics with a soft attack and release, and a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(a * np.sin(2 * np.pi * hz * (k + 1) * t + k) for k, a in enumerate(amplitudes))
    ramp = np.minimum(1, np.minimum(t, seconds - t) / 0.05)
    return (sound * ramp + noise * np.random.default_rng(1).standard_normal(len(t))).astype(np.float32)


def scale() -> np.ndarray:
    """Four notes with gaps: 440, 494, 440, 660 Hz."""
    return np.concatenate([x for hz in (440, 493.9, 440, 659.3) for x in (tone(hz, 0.4), np.zeros(1600, np.float32))])


def profile(low: int, high: int, slope: float) -> Profile:
    """A profile whose harmonics fall by `slope` dB each."""
    rows = high - low + 1
    mean = np.zeros((rows, len(LEVELS), TIMBRE), np.float32)
    mean[..., :KNOTS] = -3 - slope * (KNOT_NUMBERS - 1).clip(0, 20)
    mean[..., KNOTS:] = -45
    unvoiced = np.stack([np.full(24, -20), np.full(24, 5)]).astype(np.float32)
    return Profile(low, mean, np.full((rows, TIMBRE), 5, np.float32), unvoiced)


@pytest.fixture(scope="module")
def model() -> Model:
    """A pair whose generators say something, though nothing they learned."""
    torch.manual_seed(3)
    config = Config(NAMES, width=16, keep=0.4)
    generators = {name: Generator(config).eval().requires_grad_(False) for name in names(config)}
    for generator in generators.values():
        torch.nn.init.normal_(generator.out_proj.weight, std=0.1)
    profiles = {"flute": profile(60, 96, 4), "trombone": profile(40, 72, 1)}
    return Model(config, generators, profiles, torch.device("cpu"), Path("test"), "")


def performed(model: Model, audio: Audio, progress=None, **asked):
    """The sound of an array, played by the second of the two instruments."""
    file = File("x.wav", write_wav(audio, "FLOAT"))
    request = translation.Request(input=file, source=NAMES[0], target=NAMES[1], **asked)
    return translation.generate(model, request, progress=progress)


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


def test_controls_have_the_loudness_that_was_asked_for():
    frames = analyse(scale())
    amplitudes, bands = controls(frames)
    power = (amplitudes**2 / 2).sum(1) + bands.sum(1)
    assert np.allclose(10 * np.log10(power + 1e-12), np.maximum(frames.loudness_db, -119.9), atol=0.2)


def test_noise_alone_keeps_its_level_and_colour():
    random = np.random.default_rng(2)
    low = np.convolve(random.standard_normal(RATE), np.ones(16) / 16, "same") * 0.2
    frames = replace(analyse(low), f0_hz=np.zeros(RATE // HOP + 1))
    frames = analyse(low, frames.f0_hz)
    again = synthesise(frames, len(low))
    assert np.median(loudness(again) - frames.loudness_db) == pytest.approx(0, abs=1.0)
    change = analyse(again, frames.f0_hz).timbre[:, KNOTS:].mean(0) - frames.timbre[:, KNOTS:].mean(0)
    assert np.median(np.abs(change)) < 1.0 and np.abs(change).max() < 6


def test_chunks_join_to_what_one_call_plays(monkeypatch):
    frames = analyse(np.concatenate([scale(), scale()]))
    whole = synthesise(frames, seed=4)
    monkeypatch.setattr(
        "engine.translation.analysis.pieces", lambda n: [slice(i, min(i + 37, n)) for i in range(0, n, 37)]
    )
    assert np.allclose(synthesise(frames, seed=4), whole, atol=1e-6)


def test_generator_chunks_join_and_memory_has_its_state(model, monkeypatch):
    frames = analyse(np.concatenate([scale(), scale()]))
    whole, _ = translate(model, frames, *NAMES)
    monkeypatch.setattr(transfer, "pieces", lambda n: [slice(i, min(i + 41, n)) for i in range(0, n, 41)])
    joined, _ = translate(model, frames, *NAMES)
    assert np.allclose(joined.timbre, whole.timbre, atol=1e-3)


def test_a_new_generator_is_the_swap_of_profiles(model):
    fresh = replace(model, generators={name: Generator(replace(model.config, keep=0.0)) for name in model.generators})
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
    made, _ = generator(torch.zeros_like(fast), fast, torch.zeros(2, 5, CONTROLS))
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
    mean, spread = found._at(np.array([55, 75, 75]), np.array([0, 0, -18]), np.ones(3, bool))
    assert mean[1, 5] - mean[0, 5] == pytest.approx(10, abs=1.5)
    assert mean[2, 5] - mean[1, 5] == pytest.approx(-5.4, abs=1.5)
    assert np.median(spread) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    "midi, range_, wanted",
    [
        ([60, 62], (40, 76), 0),
        ([84, 86], (40, 76), -1),
        ([96, 98], (40, 76), -2),
        ([40, 45], (60, 96), 2),
        ([], (1, 2), 0),
    ],
)
def test_octaves_are_the_fewest_that_fit(midi, range_, wanted):
    low, high = range_
    profile = Profile(low, np.zeros((high - low + 1, len(LEVELS), 64)), np.ones((1, 64)), np.zeros((2, 24)))
    assert profile.octaves(np.array(midi, float)) == wanted


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


def test_a_pitch_that_never_rests_is_noticed(model):
    random = np.random.default_rng(3)
    words = []
    for _ in range(12):  # as in speech: short, gliding, some of it noise, with pauses
        length = random.integers(1600, 4000)
        hz = 130 * 2 ** np.linspace(random.uniform(0, 0.4), random.uniform(-0.4, 0), length)
        phase = 2 * np.pi * np.cumsum(hz) / RATE
        voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * np.hanning(length)
        words += [0.2 * voice, 0.02 * random.standard_normal(900), np.zeros(800)]
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
    classifier = InstrumentClassifier(NAMES, *(np.ones(s, np.float32) for s in (194, 194, (2, 194), 2)))
    save(tmp_path / "pair", model.config, model.generators, model.profiles, classifier, steps=1)
    loaded = translation.load(tmp_path / "pair", "cpu")
    frames = analyse(scale())
    before, after = (translate(m, frames, *NAMES)[0].timbre for m in (model, loaded))
    assert np.abs(before - after).max() < 0.5  # float16
    assert loaded.classifier is not None and loaded.config == model.config
    config = tmp_path / "pair" / "config.json"
    config.write_text(config.read_text().replace('"translation"', '"band"'))
    with pytest.raises(RequestError, match="expected 'translation'"):
        translation.load(tmp_path / "pair")


def test_a_generator_for_all_directions_hears_what_it_is_told():
    torch.manual_seed(0)
    config = Config(("flute", "violin", "cello"), width=16, conditioned=True)
    generator = Generator(config).eval()
    torch.nn.init.normal_(generator.out_proj.weight, std=0.2)
    places = {"flute": profile(60, 96, 4), "violin": profile(55, 96, 2), "cello": profile(36, 84, 1)}
    model = Model(config, {"any": generator}, places, torch.device("cpu"), Path("any"), "")
    frames = Frames(np.full(40, 440.0), np.full(40, -20.0), np.full((40, TIMBRE), -30, np.float32))
    violin, cello = (translate(model, frames, "flute", target)[0].timbre for target in ("violin", "cello"))
    assert np.abs(violin - cello).mean() > 1
    assert not model.reaches("flute", "oboe")
