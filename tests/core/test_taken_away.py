"""Files for elsewhere: other programs open them, find title, tempo, sections and chords, and the same song gives the
same bytes."""

import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace

import mutagen
import numpy as np
import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont

from engine.core.audio import Audio, read_audio
from engine.core.formats import FORMATS, Mix
from engine.core.markers import chords_at, sections_of
from engine.core.midi import read_midi
from engine.core.musicfont import font_of
from engine.core.musicxml import read_musicxml
from engine.core.packed import write_mp3, write_ogg, write_tagged_flac
from engine.core.printing import SIGNS, _pages, write_pdf
from engine.core.render.mastering import CEILING, limited
from engine.core.result import Music
from engine.core.song import Note, Song, Track
from engine.melody.abc.notes import parse
from engine.melody.score import musicxml

TAGS = {"title": "Über den Wolken", "bpm": "96"}
CHORDS = {"Am": (57, 60, 64), "F": (53, 57, 60), "C": (48, 52, 55), "G": (55, 59, 62)}
PACKERS = {"mp3": write_mp3, "ogg": write_ogg, "flac": write_tagged_flac}


def sound(rate=44_100):
    time = np.arange(rate * 2) / rate
    return Audio(0.3 * np.stack([np.sin(2 * np.pi * hz * time) for hz in (440, 660)], 1).astype(np.float32), rate)


def song(bars=16):
    """A chord a bar, and its root in the bass, beside the beat in the second eight bars."""
    played = [list(CHORDS.values())[bar % 4] for bar in range(bars)]
    chords = [Note(4.0 * bar, 4, pitch) for bar, chord in enumerate(played) for pitch in chord]
    bass = [Note(beat + 0.5 * (beat // 32), 0.5, played[beat // 4][0] - 12) for beat in range(4 * bars)]
    tracks = (Track("keys").with_notes(chords), Track("bass", 33).with_notes(bass))
    return Song(tracks, 96.0, title=TAGS["title"], keys=((0.0, (0, True)),))


def written(ending, mix=None):
    wanted = next(each for each in FORMATS if each.ending == ending and each.has(Music(song=song()).contents))
    return wanted.write(Music(song=song()), mix or Mix())


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_sound_is_the_sound_with_title_and_tempo(ending):
    content = PACKERS[ending](sound(), TAGS)
    heard = read_audio(content)
    assert heard.rate == 44_100 and heard.seconds == pytest.approx(2, abs=0.1)
    for channel, hz in enumerate((440, 660)):
        spectrum = np.abs(np.fft.rfft(heard.samples[:44_100, channel]))
        assert spectrum.argmax() == hz
    tags = mutagen.File(io.BytesIO(content), easy=True).tags
    assert (tags["title"], tags["bpm"]) == ([TAGS["title"]], [TAGS["bpm"]])
    assert PACKERS[ending](sound(), TAGS) == content


@pytest.mark.parametrize("rate", [16_000, 44_056, 96_000])
def test_sound_at_other_rates_is_packed_at_one_that_the_format_knows(rate):
    for ending in ("mp3", "ogg"):
        assert read_audio(PACKERS[ending](sound(rate), {})).seconds == pytest.approx(2, abs=0.1)


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not there")
@pytest.mark.parametrize("ending", PACKERS)
def test_another_player_reads_it(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(PACKERS[ending](sound(), TAGS))
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tags = {**said["format"].get("tags", {}), **said["streams"][0].get("tags", {})}
    assert TAGS["title"] in tags.values() and float(said["format"]["duration"]) == pytest.approx(2, abs=0.1)


def test_sections_return_under_their_letter_and_chords_where_they_change():
    twice = song().followed_by(song(8), at=64.0)
    assert sections_of(twice) == [(0, "Section A"), (32, "Section B"), (64, "Section A")]
    assert sections_of(song(8)) == []
    names = chords_at(song(8))
    assert [name.removesuffix("7").removesuffix("maj") for _, name in names][:4] == ["Am", "F", "C", "G"]
    assert [beat for beat, _ in names][:4] == [0, 4, 8, 12]


def test_a_midi_file_has_names_programs_key_tempo_meter_and_markers_in_another_program():
    from music21 import converter, key, tempo
    from music21.midi import MidiFile

    content = written("mid")
    file = MidiFile()
    file.readstr(content)
    assert file.format == 1 and len(file.tracks) == 3
    markers = [e.data.decode() for e in file.tracks[0].events if getattr(e.type, "name", "") == "MARKER"]
    assert "Section A" in markers and "Section B" in markers and any(m.startswith("F") for m in markers)
    score = converter.parse(content, format="midi")
    assert [part.partName for part in score.parts] == ["keys", "bass"]
    assert score.recurse().getElementsByClass(tempo.MetronomeMark).first().number == pytest.approx(96)
    assert score.recurse().getElementsByClass(key.Key).first().name.lower() == "a minor"
    assert read_midi(content).tracks[1].program == 33


@pytest.mark.parametrize(("semitones", "sharps"), [(2, 2), (-2, -2)])
def test_a_song_that_names_no_key_is_written_in_the_one_it_is_heard_in(semitones, sharps):
    music = Music(song=replace(song().transposed(semitones), keys=()))
    by = {each.ending: each.write(music, Mix()) for each in FORMATS if each.ending in ("mid", "musicxml")}
    assert read_midi(by["mid"]).keys[0][1][0] == sharps
    assert read_musicxml(by["musicxml"]).keys[0][1][0] == sharps


def test_stems_are_all_tracks_and_as_mixed_those_that_are_heard():
    muted = Mix({"keys": 0.0, "bass": 0.5})
    peaks = {}
    for ending in ("zip", "mixed.zip"):
        with zipfile.ZipFile(io.BytesIO(written(ending, muted))) as archive:
            assert archive.namelist() == ["01 keys.wav", "02 bass.wav"]
            peaks[ending] = [np.abs(np.frombuffer(archive.read(name)[44:], "<i2")).max() for name in archive.namelist()]
    assert min(peaks["zip"]) > 300 and peaks["mixed.zip"][0] == 0
    assert peaks["mixed.zip"][1] == pytest.approx(peaks["zip"][1] / 2, rel=0.02)


def test_a_score_on_paper_has_pages_and_its_title_as_text(tmp_path):
    content = written("pdf")
    assert content.startswith(b"%PDF-") and written("pdf") == content
    if shutil.which("pdftotext"):
        (tmp_path / "score.pdf").write_bytes(content)
        text = subprocess.run(["pdftotext", str(tmp_path / "score.pdf"), "-"], capture_output=True, check=True).stdout
        assert TAGS["title"] in text.decode()


def test_the_notes_of_a_tempo_and_the_signs_of_chords_are_printed():
    score = musicxml(parse('X:1\nM:C|\nQ:3/4=60\nK:Bb\n"F#m7"B4 "Eb"G4|]')[0])
    signs = {sign for page in _pages(score.decode()) for words in SIGNS.findall(page.decode()) for sign in words}
    font = TTFont(io.BytesIO(font_of(signs)))
    known, glyphs = font.getBestCmap(), font.getGlyphSet()
    assert len(signs) > 4 and {chr(code) for code in known} == signs
    for code, name in known.items():
        glyphs[name].draw(pen := BoundsPen(glyphs))
        assert glyphs[name].width > 0 and (pen.bounds or chr(code) == " "), hex(code)
    assert b"Leipzig" in write_pdf(score)


@pytest.mark.parametrize("velocity", [30, 120])
def test_a_song_is_as_loud_as_music_is_and_a_melody_as_it_was_asked_for(velocity):
    import pyloudnorm

    tracks = [replace(t, notes=tuple(replace(n, velocity=velocity) for n in t.notes)) for t in song().tracks]
    wav = next(each for each in FORMATS if each.ending == "wav" and each.sounds)
    mix = read_audio(wav.write(Music(song=replace(song(), tracks=tuple(tracks))), Mix()))
    assert pyloudnorm.Meter(mix.rate).integrated_loudness(mix.samples) == pytest.approx(-16, abs=0.3)
    assert mix.peak < 10 ** (-1 / 20)
    melody = [Music(song=replace(song(), tracks=(t,))) for t in (tracks[0], song().tracks[0])]
    asked, usual = (read_audio(wav.write(each, Mix())).peak for each in melody)
    assert (asked > usual) == (velocity > 80)


def test_a_limiter_turns_down_around_a_peak_and_leaves_the_rest():
    samples = np.full((44_100, 2), 0.5, np.float32)
    samples[20_000] = 2.0
    made = limited(samples, 44_100)
    assert np.abs(made).max() <= CEILING + 1e-6 and (made[:19_000] == 0.5).all() and (made[21_000:] == 0.5).all()
    assert np.abs(np.diff(made[:20_000, 0])).max() < 0.01
