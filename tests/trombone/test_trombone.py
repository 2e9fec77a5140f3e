"""The trombone keeps its promises: the pitch asked for, the length asked for, the same bytes for the same seed."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
import torch

from engine import Cancelled, RequestError, trombone
from engine.core.checkpoint import arrays
from engine.core.pitch import loudness_db, midi_hz, note_name
from engine.trombone.conditions import (
    HARMONICS,
    HOP,
    PITCHES,
    Conditions,
    clock_features,
    harmonic_prior,
    loudness_curve,
    phase_features,
    static_features,
)
from engine.trombone.config import Config, compand, emphasised, expand
from engine.trombone.network import SampleRNN, from_level, to_level
from engine.trombone.notes import NoteSpec, decode, play, without_rumble
from engine.trombone.pitch import RATE, centroid_hz, harmonicity_db, measured_cents, sounding
from engine.trombone.request import read_note
from engine.trombone.sampler import Sampler, prepared, temperatures
from training.trombone.measures import note_seconds

SMALL = Config(dim=24, embedding=5)


@pytest.fixture(scope="module")
def model() -> trombone.Model:
    return trombone.load()


def told(frames: int, midi: float = 50.3, seed: int = 0) -> Conditions:
    """Conditions of a note of some harmonics, swelling and fading."""
    rng = np.random.default_rng(seed)
    phase = np.cumsum(np.full(frames, midi_hz(midi) / RATE))
    loudness = (-18 - 10 * np.abs(np.linspace(-1, 1, frames // HOP + 2))).astype(np.float32)
    harmonics = np.zeros(HARMONICS, np.complex64)
    harmonics[:6] = rng.normal(size=6) + 1j * rng.normal(size=6)
    return Conditions(midi, 2.3, phase, loudness, harmonic_prior(phase, loudness, harmonics * 0.4))


def network(config: Config, seed: int = 1) -> SampleRNN:
    torch.manual_seed(seed)
    made = SampleRNN(config).eval()
    with torch.no_grad():
        made.linear.normal_(0, 0.05)
        for tier in (made.upper, made.lower):
            tier.start.normal_(0, 0.5)
    return made


def leveled(amplitudes: np.ndarray, kind: str) -> torch.Tensor:
    return to_level(torch.from_numpy(compand(amplitudes, kind)))


def sampler_of(net: SampleRNN) -> Sampler:
    return Sampler(net.config, arrays(net))


@pytest.mark.parametrize("config", [Config(), Config(dim=20, embedding=4, frame=8, ratio=2)])
def test_the_shapes_that_are_expected_are_the_networks(config: Config) -> None:
    assert config.shapes() == {name: tuple(w.shape) for name, w in SampleRNN(config).state_dict().items()}


# ---- pieces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mu", "linear"])
def test_every_level_survives_a_round_trip_and_silence_is_128(kind: str) -> None:
    levels = torch.arange(1, 256)
    assert torch.equal(leveled(expand(from_level(levels).numpy(), kind), kind), levels)
    assert int(leveled(np.zeros(1, np.float32), kind)) == 128


def test_mu_law_keeps_a_quiet_sine_that_linear_8_bits_lose() -> None:
    quiet = np.float32(0.003) * np.sin(np.arange(2000, dtype=np.float32) * 0.1)
    error = {k: np.abs(expand(from_level(leveled(quiet, k)).numpy(), k) - quiet).mean() for k in ("mu", "linear")}
    assert error["mu"] < 0.1 * error["linear"]


def test_twice_the_phase_is_the_second_harmonic() -> None:
    phase = np.linspace(0, 3, 700)
    at = phase_features(phase)
    doubled = phase_features(2 * phase)
    np.testing.assert_allclose(doubled[:, 0], at[:, 1], atol=1e-5)  # cosine of harmonic 1 at 2φ is that of 2 at φ
    np.testing.assert_allclose(doubled[:, 10], at[:, 11], atol=1e-5)


def test_clocks_run_down_from_both_ends_and_never_beyond_one() -> None:
    frames = 16_000
    at = np.arange(0, frames, 64)
    clocks = clock_features(at, frames - at)
    assert clocks.min() >= 0 and clocks.max() <= 1
    assert (np.diff(clocks[:, :5], axis=0) <= 0).all() and (np.diff(clocks[:, 5:], axis=0) >= 0).all()


def test_a_pitch_between_two_semitones_is_shared_by_both() -> None:
    features = static_features(50.25, 3.0)
    assert features[:PITCHES].sum() == pytest.approx(1)
    assert np.flatnonzero(features[:PITCHES]).tolist() == [11, 12] and features[11] == pytest.approx(0.75)
    assert features[PITCHES:].tolist() == [0, 0, 0, 1, 0, 0]


def test_the_loudness_curve_reads_a_sine_right() -> None:
    sine = 0.5 * np.sin(np.arange(8000) * 0.3)
    assert np.median(loudness_curve(sine)) == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.2)


def test_the_prior_has_the_loudness_and_the_pitch_that_it_is_given() -> None:
    phase = np.cumsum(np.full(16_000, midi_hz(58) / RATE))
    harmonics = np.zeros(HARMONICS, np.complex64)
    harmonics[[0, 1, 2]] = [0.8, 0.9j, -0.5]
    harmonics /= np.sqrt((np.abs(harmonics) ** 2).sum() / 2)
    prior = harmonic_prior(phase, np.full(16_000 // HOP + 2, -20.0, np.float32), harmonics)
    assert 20 * np.log10(prior.std()) == pytest.approx(-20, abs=0.1)
    assert measured_cents(prior, 58) == pytest.approx(0, abs=1)
    assert measured_cents(prior, 46) == pytest.approx(1200, abs=1)  # an octave off is heard as one


def test_silence_has_no_pitch_and_no_extent() -> None:
    assert measured_cents(np.zeros(8000), 58) is None
    assert sounding(np.zeros(8000)) == (0, 0)


# ---- the compiled loop -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [SMALL, Config(dim=20, embedding=4, companding="linear", prior=False)])
def test_at_temperature_0_the_mean_is_played_that_pytorch_expects_sample_for_sample(config: Config) -> None:
    net, note = network(config), told(1500)
    played = sampler_of(net).play([note], [np.random.default_rng(0)], 0.0, threads=1)[0]
    features, sample_features, prior = (torch.from_numpy(x)[None] for x in prepared(note, config, 64))
    full = np.full(64 + prior.shape[1] - 16, 128, np.int64)
    full[64 : 64 + len(played)] = (played + np.float32(0.5)).astype(int)
    with torch.no_grad():
        logits, _ = net(torch.from_numpy(full[:-1])[None], features, sample_features, prior, net.begin(1))
    mean = logits[0, : len(played)].softmax(1).numpy() @ np.arange(256)
    assert len(np.unique(played.astype(int))) > 20, "a constant would prove nothing"
    np.testing.assert_allclose(played, mean, atol=0.01)


def test_pre_emphasis_is_undone_and_the_hiss_of_eight_bits_falls_with_it() -> None:
    sound = (0.2 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)).astype(np.float32)
    hiss = {}
    for emphasis in (0.0, 0.85):
        levels = leveled(emphasised(np.pad(sound, (1, 0)), emphasis), "mu").numpy()
        error = (decode(levels, Config(emphasis=emphasis)) - sound)[:-80]  # the end is faded
        assert np.abs(error).max() < 0.02
        hiss[emphasis] = (np.abs(np.fft.rfft(error))[len(error) // 4 :] ** 2).sum()  # above 4 kHz
    assert hiss[0.85] < hiss[0.0] / 10


def test_what_is_below_the_fundamental_is_taken_out_but_of_breath_and_echo() -> None:
    time, faint = np.arange(RATE) / RATE, (np.arange(RATE) > 0.8 * RATE).astype(np.float32)
    tone, rumble = 0.2 * np.sin(2 * np.pi * 220 * time), 0.05 * np.sin(2 * np.pi * 90 * time)
    sound = without_rumble(tone + rumble, 57, faint)
    middle = slice(RATE // 10, RATE // 2)
    np.testing.assert_allclose(sound[middle], tone[middle], atol=0.013)
    np.testing.assert_allclose(sound[faint > 0], (tone + rumble)[faint > 0], atol=1e-6)


def test_harmonicity_falls_with_noise() -> None:
    time = np.arange(RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 110 * h * time) / h for h in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(RATE) * tone.std()
    clean, hissing = (harmonicity_db(tone + share * noise) for share in (0.01, 0.1))
    assert hissing == pytest.approx(20, abs=2) and clean > hissing + 10
    assert np.isnan(harmonicity_db(np.zeros(RATE)))


def test_a_notes_sound_does_not_depend_on_its_company_or_on_threads() -> None:
    sampler = sampler_of(network(SMALL))
    notes = [told(n, 45 + i, i) for i, n in enumerate((900, 2500, 1300, 70, 2500, 640, 100, 3000, 1111))]

    def play(which: list[int], threads: int) -> tuple[list[np.ndarray], list[float]]:
        chances = [np.random.default_rng(i) for i in which]
        sounds = sampler.play([notes[i] for i in which], chances, 0.8, threads=threads)
        return sounds, [chance.random() for chance in chances]  # of which breath is made afterwards

    together, left = play(list(range(9)), 2)
    assert [len(x) for x in together] == [n.frames for n in notes]
    for i in (1, 3, 7):
        alone, chance = play([i], 1)
        np.testing.assert_array_equal(alone[0], together[i])
        assert chance[0] == left[i]


def test_temperature_widens_what_is_chosen() -> None:
    sampler, note = sampler_of(network(SMALL)), told(2000)
    cold, warm = (
        sampler.play([note], [np.random.default_rng(5)], heat, threads=1)[0].astype(float) for heat in (0.05, 1.0)
    )
    assert np.abs(np.diff(warm)).mean() > 1.25 * np.abs(np.diff(cold)).mean()
    assert not temperatures(note, 0.0).any()
    assert temperatures(note, 0.1)[1000] == pytest.approx(0.1)


# ---- the shipped weights ---------------------------------------------------------------------------------------------


def sound_of(model: trombone.Model, **asked: Any) -> np.ndarray:
    audio = trombone.generate(model, trombone.Request(**({"rate": RATE} | asked))).audio
    assert audio
    return audio.samples


def test_notes_over_the_range_are_in_tune_and_as_long_as_asked(model: trombone.Model) -> None:
    wanted = ((40, 0.8, 3), (47, 0.5, 1), (53, 0.3, 2), (58, 1.5, 0), (64, 0.7, 4), (70, 0.4, 2))
    asked = [NoteSpec(*w) for w in wanted]
    for want, sound in zip(asked, play(model, asked, seed=3, rate=RATE)):
        cents = measured_cents(sound, want.midi)
        assert cents is not None and abs(cents) < 25, want
        assert abs(note_seconds(sound, RATE) - want.seconds) < 0.06, want
        assert want.seconds < len(sound) / RATE < want.seconds + 1.1, "its release rings after its length"
        assert np.abs(sound).max() < 0.999
        assert abs(sound[-1]) < 1e-3, "ends without a click"


def test_a_long_note_does_not_die(model: trombone.Model) -> None:
    sound = sound_of(model, seed=1, note=52, seconds=3.5, dynamic="f")
    level = loudness_db(sound, np.ones(1600), 1600)[2:33]
    assert level.min() > level.max() - 12


def test_louder_dynamics_are_louder_and_fortissimo_is_brighter_than_piano(model: trombone.Model) -> None:
    sounds = play(model, [NoteSpec(50, 0.6, d) for d in range(5)], seed=2, rate=RATE)
    loud = [loudness_db(s, np.ones(800), 100).max() for s in sounds]
    assert all(a + 2 < b for a, b in itertools.pairwise(loud))
    assert centroid_hz(sounds[4]) > 1.3 * centroid_hz(sounds[1])


def test_same_seed_same_bytes_another_seed_another_sound(model: trombone.Model) -> None:
    made = [sound_of(model, seed=s, note=60, seconds=0.3).tobytes() for s in (4, 4, 5)]
    assert made[0] == made[1] != made[2]


def test_threads_that_play_at_once_change_nothing(model: trombone.Model) -> None:
    alone = [sound_of(model, seed=s, note=50 + s, seconds=0.3) for s in range(4)]
    found: dict[int, np.ndarray] = {}

    def work(s: int) -> None:
        found[s] = sound_of(model, seed=s, note=50 + s, seconds=0.3)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for s, sound in enumerate(alone):
        np.testing.assert_array_equal(found[s], sound)


def test_cancel_stops_soon(model: trombone.Model) -> None:
    told_of: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told_of.append((done, total))
        if done > 3000:
            raise Cancelled

    with pytest.raises(Cancelled):
        trombone.generate(model, trombone.Request(seed=0, note=60, seconds=6.0), progress=progress)
    assert told_of[0][0] == 0 and told_of[-1][0] < 20_000 < told_of[-1][1]


@pytest.mark.parametrize(
    "asked",
    [
        {"note": 39}, {"note": 77}, {"note": 60, "seconds": 0.0}, {"note": 60, "seconds": 3600.0},
        {"note": 60, "seconds": float("nan")}, {"note": 60, "dynamic": "loud"}, {"note": 60, "temperature": -1.0},
        {"note": 60, "temperature": float("inf")}, {"note": float("nan")},
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_in_one_sentence(asked: dict) -> None:
    with pytest.raises(RequestError) as refused:
        trombone.Request(**asked)
    assert "\n" not in str(refused.value) and str(refused.value).endswith(".")


@pytest.mark.parametrize("spec", [(39, 0.3), (77, 0.3), (60, 0.0), (60, 21.0), (60, float("nan")), (60, 0.3, 5.0)])
def test_a_note_that_is_out_of_range_is_not_played(model: trombone.Model, spec: tuple[float, ...]) -> None:
    with pytest.raises(RequestError):
        play(model, [NoteSpec(*spec)], seed=1)


def test_note_names() -> None:
    assert [read_note(t) for t in ("Bb3", "58", "C4", "c#4", "Cb4", "E2")] == [58, 58, 60, 61, 59, 40]
    assert note_name(58) == "Bb3"
    for wrong in ("H3", "", "C", "Bb9", "39", "C4; rm", "1e9"):
        with pytest.raises(RequestError):
            read_note(wrong)


def test_eight_bit_wav_is_eight_bits(model: trombone.Model) -> None:
    import io

    import soundfile

    data = trombone.generate(model, trombone.Request(note=60, seconds=0.3)).text("8bit.wav")
    info = soundfile.info(io.BytesIO(data))
    assert (info.subtype, info.samplerate) == ("PCM_U8", 16_000) and 4800 < info.frames < 16_000
