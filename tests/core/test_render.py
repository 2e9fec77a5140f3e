"""Songs to sound: the real synthesiser and the built-in one, their stems, and silence that must not pass."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from engine import RequestError
from engine.core import render as renderer
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.render import fluid, soundfonts
from engine.core.render.mixing import GENRES, mixed
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
        monkeypatch.setattr(fluid, "library", lambda: None)
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


@pytest.fixture
def own(monkeypatch, tmp_path):
    """The folder of one's own soundfonts, with one that is none and two that are."""
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))
    folder = renderer.folder()
    folder.mkdir()
    for name in ("Warm.sf2", "Bright.SF2"):
        (folder / name).write_bytes(renderer.installed()[-1].read_bytes())
    (folder / "Broken.sf2").write_bytes(b"RIFF" + bytes(100))
    return folder


def test_a_soundfont_that_is_none_is_named_and_the_usual_one_plays(own, capfd):
    (own / "cut.sf2").write_bytes((own / "Warm.sf2").read_bytes()[:10_000])
    (own / "words.sf2").write_text("# Bandstand\n" * 100)
    usual = renderer.synthesiser()
    heard = renderer.render(song()).samples
    for wanted in ("Broken", own / "cut.sf2", own / "words.sf2", "nobody's", "."):
        plays = renderer.synthesiser(wanted)
        assert plays.soundfont == usual.soundfont
        assert plays.remarks == (f"{wanted} is not a soundfont that can be played; {usual.soundfont.name} plays.",)
        assert np.array_equal(renderer.render(song(), soundfont=wanted).samples, heard)
    assert capfd.readouterr() == ("", "")


def test_ones_own_soundfonts_are_chosen_by_name(own):
    assert [*renderer.available()][:3] == ["Bright", "Broken", "Warm"]
    assert renderer.synthesiser("Bright").soundfont == own / "Bright.SF2"
    usual = renderer.synthesiser().soundfont
    renderer.choose("Warm")
    assert renderer.chosen() == "Warm" and renderer.synthesiser().soundfont == own / "Warm.sf2"
    assert renderer.synthesiser("Bright").soundfont == own / "Bright.SF2"
    renderer.choose("Broken")
    assert renderer.synthesiser().soundfont == usual and "Broken" in renderer.synthesiser().remarks[0]
    renderer.choose(None)
    assert renderer.chosen() is None and renderer.synthesiser().soundfont == usual


def test_a_missing_soundfont_is_not_silence(monkeypatch):
    monkeypatch.setattr(soundfonts, "installed", lambda: [])
    plays = renderer.synthesiser()
    assert plays.name == "built-in" and "soundfont" in plays.advice
    assert not renderer.render(song()).silent


@pytest.mark.parametrize("genre", GENRES)
def test_the_tracks_of_a_song_stand_where_its_genre_has_them(genre, synthesiser):
    styled = replace(song(), title=f"{genre} & blues")
    room, channels = mixed(styled)
    assert room == GENRES[genre][0]
    plain = renderer.installed()[-1]  # whose instruments stand in the middle by themselves, but for piano and drums
    for track, channel, stem in zip(styled.tracks, channels, renderer.render_stems(styled, soundfont=plain)):
        assert channel == GENRES[genre][1][track.name]
        left, right = np.sqrt(np.mean(np.square(stem.samples[:88_200], dtype=float), axis=0))
        if abs(channel.pan - 64) > 18:  # a soundfont's piano and drums have places of their own
            assert (left > right) == (channel.pan < 64), track.name


def test_louder_channels_are_louder_and_a_single_line_keeps_what_was_asked_for(synthesiser):
    tracks = song().tracks
    pair = [Song((tracks[0], tracks[3]), title=genre) for genre in ("rock", "jazz")]
    drums = [float(np.std(renderer.render_stems(each)[0].samples)) for each in pair]
    levels = [GENRES[genre][1]["drums"].volume for genre in ("rock", "jazz")]
    assert (drums[0] > drums[1]) == (levels[0] > levels[1])
    lines = [renderer.render(Song((tracks[3],), title=genre)).samples for genre in ("rock", "jazz")]
    assert np.array_equal(*lines)


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
