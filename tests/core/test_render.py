"""Songs to sound: the real synthesiser and the built-in one, their stems, and silence that must not pass."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine import RequestError
from engine.core import render as renderer
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.song import Note, Song, Track


def song(velocity=90):
    tracks = []
    for t, name in enumerate(TRACKS):
        pitches = [36, 38, 42] if name == "drums" else [45 + 4 * t, 52 + 3 * t]
        notes = [Note(i * 0.5, 0.5, pitches[i % len(pitches)], velocity) for i in range(8)]
        tracks.append(Track(name, PROGRAMS[name], name == "drums", tuple(notes)))
    return Song(tuple(tracks), 120.0)


@pytest.fixture(params=["FluidSynth", "built-in"])
def synthesiser(request, monkeypatch):
    """Both synthesisers in turn; FluidSynth is part of the set-up, so its absence fails."""
    if request.param == "built-in":
        monkeypatch.setattr(renderer, "_library", lambda: None)
    assert renderer.synthesiser().name == request.param
    return request.param


def test_it_sounds_and_does_not_clip(synthesiser):
    audio = renderer.render(song())
    assert audio.rate == 44_100 and audio.samples.shape[1] == 2
    assert audio.seconds == pytest.approx(2.0 + renderer.TAIL, abs=0.01)
    assert 0.02 < audio.peak <= 0.96


def test_stems_add_up_to_the_mix(synthesiser):
    loud = song(127)
    stems = renderer.render_stems(loud)
    assert len(stems) == 5 and all(not stem.silent for stem in stems)
    assert np.allclose(sum(stem.samples for stem in stems), renderer.render(loud).samples, atol=1e-6)


def test_the_same_song_gives_the_same_samples_in_every_thread(synthesiser):
    with ThreadPoolExecutor(3) as pool:
        alone, *rest = [renderer.render(song()).samples, *pool.map(lambda _: renderer.render(song()).samples, range(3))]
    assert all(np.array_equal(alone, other) for other in rest)


def test_pitch_and_time_are_right(synthesiser):
    audio = renderer.render(Song((Track("flute", 73, False, (Note(2, 2, 69),)),), 120.0)).mono()
    onset = np.argmax(np.abs(audio.samples) > 0.2 * audio.peak) / audio.rate
    assert onset == pytest.approx(1.0, abs=0.1)
    heard = audio.samples[int(1.3 * audio.rate) : int(1.9 * audio.rate)]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 2**17))
    assert np.argmax(spectrum) * audio.rate / 2**17 == pytest.approx(440, abs=8)


def test_an_empty_track_is_a_silent_stem(synthesiser):
    both = Song((Track("a", 0, False, (Note(0, 1, 60),)), Track("b", 40, False, ())))
    heard = [not stem.silent for stem in renderer.render_stems(both)]
    assert heard == [True, False]


def test_a_soundfont_that_is_none_is_refused_and_the_c_library_says_nothing(tmp_path, capfd):
    (tmp_path / "fake.sf2").write_bytes(b"RIFF" + bytes(100))
    (tmp_path / "cut.sf2").write_bytes(renderer.soundfonts()[0].read_bytes()[:10_000])
    (tmp_path / "words.sf2").write_text("# Bandstand\n" * 100)
    for name in ("fake.sf2", "cut.sf2", "words.sf2", "missing.sf2", "."):
        with pytest.raises(RequestError, match="is not a soundfont"):
            renderer.render(song(), soundfont=tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_a_missing_soundfont_is_not_silence(monkeypatch):
    monkeypatch.setattr(renderer, "soundfonts", lambda: [])
    chosen = renderer.synthesiser()
    assert chosen.name == "built-in" and "soundfont" in chosen.advice
    assert not renderer.render(song()).silent


def test_nothing_to_play_is_refused():
    with pytest.raises(RequestError, match="no notes"):
        renderer.render(Song((Track("a"),)))
    with pytest.raises(RequestError, match="minutes"):
        renderer.render(Song((Track("a", 0, False, (Note(9000, 1, 60),)),)))


def test_progress_may_cancel():
    from engine import Cancelled

    def stop(done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        renderer.render(song(), progress=stop)
