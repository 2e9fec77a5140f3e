"""Inside Translation: profiles are those that the synthesis uses, what stays stays, the way back is a translation."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.translation import recording
from engine import translation
from engine.core.audio import write_wav
from engine.core.request import File
from engine.translation import inside
from engine.translation.frames import KNOTS
from engine.translation.profile import relative
from engine.translation.request import VOICE
from engine.translation.transfer import translate
from tests.studio import app, refusals, settled
from ui.plots import translation as figures


@pytest.fixture(scope="module")
def model():
    return translation.load(device="cpu")


@pytest.fixture(scope="module")
def result(model):
    file = File("x.wav", write_wav(recording(2.0)))
    return translation.generate(model, translation.Request(input=file, source="flute", target="trombone"))


def test_the_profiles_are_those_that_the_synthesis_uses(model, result):
    seen = inside.look(model, result)
    level = relative(result.after.loudness_db)
    zero = np.zeros((len(level), 80), np.float32)
    for profile, frames, shown in (("flute", result.before, seen.source), ("trombone", result.after, seen.target)):
        coloured = model.profiles[profile].colour(zero, frames.midi, level, frames.voiced)
        np.testing.assert_allclose(shown, coloured[seen.heard, :KNOTS].mean(0), atol=1e-3)
    near, far = (np.abs(seen.mean(seen.after) - each).mean() for each in (seen.target, seen.source))
    assert near < far, "what was made is nearer to its instrument than to the one it came from"
    _, table = figures.profiles(seen, "flute", "trombone")
    assert table["trombone, on average, dB"][:5] == pytest.approx(seen.target[:5].tolist(), abs=1e-3)


def test_pitch_and_loudness_stay(model, result):
    seen = inside.look(model, result)
    _, table = figures.kept(seen, 0.0)
    pitch = [np.array(table[f"pitch, MIDI: {name}"], float) for name in ("before", "after")]
    moved = pitch[1] - pitch[0]
    assert np.allclose(moved[~np.isnan(moved)], 12 * result.octaves, atol=1e-2)
    assert table["loudness, dB: before"] == table["loudness, dB: after"]


def test_the_way_back_is_a_translation_back(model, result):
    seen = inside.look(model, result)
    back, _ = translate(model, result.after, "trombone", "flute", transpose=-12 * result.octaves, fit=False)
    np.testing.assert_allclose(seen.back.timbre, back.timbre, atol=1e-4)
    np.testing.assert_allclose(seen.back.f0_hz, result.before.f0_hz, rtol=1e-6)
    assert seen.apart(seen.back).mean() < seen.apart(seen.after).mean()
    _, table = figures.way_back(seen, "trombone")
    assert table["there and back, dB"][0] == pytest.approx(float(seen.apart(seen.back)[0]), abs=1e-3)


def test_a_part_is_looked_at_and_a_voice_has_no_way_back(model, result):
    later = inside.look(model, result, 1.0)
    assert len(later.before) == len(result.before) - round(44_100 / 704)
    sung = replace(result, request=replace(result.request, source=VOICE))
    seen = inside.look(model, sung)
    assert seen.back is None and np.abs(seen.white[seen.heard].mean()) < 0.5
    silent = replace(result, before=replace(result.before, f0_hz=result.before.f0_hz * 0))
    assert inside.look(model, silent) is None


def test_the_page_shows_how_a_translation_was_made():
    test = settled(app("pages/translation.py").run(), "translation")
    assert not test.get("plotly_chart")
    test.session_state["translation_inside"] = True
    test.run()
    assert not refusals(test) and not test.exception and len(test.get("plotly_chart")) == 5
