"""MusicXML scores: what is written is read again, and what people bring is read as it is heard."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import pytest

from engine import RequestError
from engine.core.musicxml import read_musicxml, write_musicxml
from engine.core.reading import song_of
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.listen.chords import chords_of
from engine.trombone.phrasing import melody, read_song
from tests.core.test_song import five

HEAD = '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Horn</part-name>'
PLAYER = (
    '<score-instrument id="I1"><instrument-name>Horn</instrument-name></score-instrument>'
    '<midi-instrument id="I1"><midi-channel>1</midi-channel><midi-program>61</midi-program></midi-instrument>'
)


def score(*measures: str, part: str = PLAYER) -> bytes:
    bars = "".join(f'<measure number="{n}">{bar}</measure>' for n, bar in enumerate(measures))
    return f'{HEAD}{part}</score-part></part-list><part id="P1">{bars}</part></score-partwise>'.encode()


def attributes(beats: int = 4, fifths: int = 0, more: str = "") -> str:
    return (
        f"<attributes><divisions>2</divisions><key><fifths>{fifths}</fifths><mode>major</mode></key>"
        f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>{more}</attributes>"
    )


def note(step: str, duration: int, more: str = "", octave: int = 4) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{duration}</duration>{more}</note>"


def heard(song: Song) -> list[tuple[float, float, int]]:
    return [(n.onset, n.duration, n.pitch) for n in song.tracks[0].notes]


def test_what_is_written_is_read_again():
    song = replace(
        five(), tempo_changes=((2.0, 60.0),), upbeat=1.0, meter_changes=((5.0, (3, 4)),), keys=((0.0, (-2, True)),)
    )
    for each in (five(), song):
        back = read_musicxml(write_musicxml(each))
        for field in ("tempo", "tempo_changes", "meter", "meter_changes", "upbeat", "keys", "title"):
            assert getattr(back, field) == getattr(each, field), field
        assert [(t.name, t.program, t.is_drum) for t in back.tracks] == [
            (t.name, t.program, t.is_drum) for t in each.tracks
        ]
        for before, after in zip(each.tracks, back.tracks):
            assert {(n.onset, n.pitch) for n in after.notes} == {(n.onset, n.pitch) for n in before.notes}


def test_as_many_instruments_as_there_are_are_written_without_a_word(capfd):
    song = Song(tuple(Track(f"t{i}", 6 * i).with_notes([Note(0, 1, 60 + i, 80)]) for i in range(20)))
    assert [track.program for track in read_musicxml(write_musicxml(song)).tracks] == [6 * i for i in range(20)]
    assert not capfd.readouterr().err


def test_winds_are_written_as_they_sound_and_sextuplets_as_they_are():
    notes = [Note(n / 6, 1 / 6, 60 + n) for n in range(6)] + [Note(1 + n / 8, 1 / 8, 60 + n) for n in range(8)]
    winds = (
        43,
        56,
        60,
        65,
        71,
        72,
        117,
    )  # what others write elsewhere than it sounds, and a tom that sings
    song = Song(tuple(Track(f"{program}", program).with_notes(notes) for program in winds))
    back = read_musicxml(write_musicxml(song))
    for before, after in zip(song.tracks, back.tracks, strict=True):
        assert (after.name, after.program, after.is_drum) == (before.name, before.program, False)
        assert [n.pitch for n in after.notes] == [n.pitch for n in before.notes]
        assert [n.onset for n in after.notes] == pytest.approx([n.onset for n in before.notes])


def test_repeats_ties_upbeats_and_transposing_instruments_sound():
    upbeat = attributes(fifths=2, more="<transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose>")
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    song = read_musicxml(
        score(
            upbeat + note("G", 2),
            note("C", 8, '<tie type="start"/>'),
            note("C", 2, '<tie type="stop"/>') + note("E", 6) + repeat,
        )
    )
    assert heard(song) == [
        (0, 1, 60),
        (1, 5, 53),
        (6, 3, 57),
        (9, 1, 60),
        (10, 5, 53),
        (15, 3, 57),
    ]
    assert (song.upbeat, song.tracks[0].name, song.tracks[0].program) == (1.0, "Horn", 60)


def test_chords_voices_grace_notes_and_dynamics():
    loud = "<direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>"
    chord = note("C", 4) + "<note><chord/>" + note("G", 4)[6:]
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
    song = read_musicxml(
        score(
            attributes()
            + loud
            + chord
            + grace
            + note("D", 4)
            + "<backup><duration>8</duration></backup>"
            + note("C", 8, "<voice>2</voice>", 3)
        )
    )
    assert sorted(heard(song)) == [(0, 2, 60), (0, 2, 67), (0, 4, 48), (2, 0.125, 71), (2.125, 1.875, 62)]
    assert not song.remarks
    assert all(n.velocity > 100 for n in song.tracks[0].notes)


def test_grace_notes_take_their_time_from_the_nearest_note_behind_them_and_at_most_its_half():
    """Two before a chord whose tie goes on, four before a quaver, one at the end; the other voice is not moved."""

    def graces(*steps):
        return "".join(f"<note><grace/><pitch><step>{step}</step><octave>4</octave></pitch></note>" for step in steps)

    song = read_musicxml(
        score(
            attributes()
            + graces("D", "E")
            + note("F", 8, '<tie type="start"/>')
            + "<backup><duration>8</duration></backup>"
            + note("C", 8, "<voice>2</voice>", 3),
            note("F", 4, '<tie type="stop"/>') + graces("G", "A", "G", "A") + note("B", 1) + note("C", 3),
            note("C", 8) + graces("D"),
        )
    )
    little = [(6 + n / 16, 1 / 16, pitch) for n, pitch in enumerate((67, 69, 67, 69))]
    assert sorted(heard(song)) == [
        (0, 0.125, 62), (0, 4, 48), (0.125, 0.125, 64), (0.25, 5.75, 65), *little, (6.25, 0.25, 71), (6.5, 1.5, 60),
        (8, 4, 60), (12, 0.125, 62),
    ]  # fmt: skip


def test_drum_strokes_are_those_of_their_instruments():
    players = '<score-instrument id="D{0}"><instrument-name>x</instrument-name></score-instrument>'
    keys = (
        '<midi-instrument id="D{0}"><midi-channel>10</midi-channel><midi-unpitched>{0}</midi-unpitched>'
        "</midi-instrument>"
    )
    kit = "".join(each.format(key) for each in (players, keys) for key in (36, 43))
    place = "<unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    strokes = [f'<note>{place}<duration>2</duration><instrument id="D{key}"/></note>' for key in (36, 43, 36)]
    song = read_musicxml(score(attributes() + "".join(strokes), part=kit))
    assert song.tracks[0].is_drum and heard(song) == [(0, 1, 35), (1, 1, 42), (2, 1, 35)]
    bare = read_musicxml(score(attributes() + f"<note>{place}<duration>2</duration></note>", part=""))
    assert bare.tracks[0].is_drum and heard(bare) == [(0, 1, 38)]


def test_quarter_tones_are_said():
    sharp = note("C", 8).replace("</step>", "</step><alter>0.5</alter>")
    assert read_musicxml(score(attributes() + sharp)).remarks == (
        "Quarter tones are played as the semitones beside them.",
    )


def test_repeats_with_endings_and_jumps_sound_as_written():
    def sign(words, sound):
        return f"<direction><direction-type>{words}</direction-type><sound {sound}/></direction>"

    def ending(number, place, kind, more=""):
        return f'<barline location="{place}"><ending number="{number}" type="{kind}"/>{more}</barline>'

    back = '<repeat direction="backward"/>'
    first = ending(1, "left", "start") + note("D", 8) + ending(1, "right", "stop", back)
    second = ending(2, "left", "start") + note("E", 8) + ending(2, "right", "discontinue")
    assert [pitch for _, _, pitch in heard(read_musicxml(score(attributes() + note("C", 8), first, second)))] == [
        60, 62, 60, 64,
    ]  # fmt: skip
    jumps = (
        attributes() + note("C", 8),
        sign("<segno/>", 'segno="s"') + note("D", 8) + sign("<words>To Coda</words>", 'tocoda="c"'),
        note("E", 8) + sign("<words>D.S. al Coda</words>", 'dalsegno="s"'),
        sign("<coda/>", 'coda="c"') + note("F", 8),
    )
    assert [pitch for _, _, pitch in heard(read_musicxml(score(*jumps)))] == [60, 62, 64, 62, 65]


def two(first: list[str], second: list[str]) -> list[str]:
    """What two parts of these bars play, a letter a note."""
    one, other = (score(attributes() + bars[0], *bars[1:]).decode() for bars in (first, second))
    listed = '<score-part id="P2"><part-name>Two</part-name></score-part></part-list>'
    other = other[other.index('<part id="P1"') :].replace('"P1"', '"P2"')
    both = one.replace("</part-list>", listed).replace("</score-partwise>", other)
    return ["".join("C D E"[n.pitch - 60] for n in track.notes) for track in read_musicxml(both.encode()).tracks]


def words(text: str, sound: str = "") -> str:
    said = f"<direction-type><words>{text}</words></direction-type>" if text else ""
    return f"<direction>{said}<sound {sound}/></direction>" if said else f"<sound {sound}/>"


@pytest.mark.parametrize(
    ("bars", "order"),
    [
        (["C" + words("Fine"), "D" + words("D.C.")], "CDC"),
        (["C" + words("Ende", 'fine="yes"'), "D" + words("Von vorn", 'dacapo="yes"')], "CDC"),
        (["C", "D" + words("", 'dacapo="yes"')], "CDCD"),
        (["C", words("", 'segno="1"') + "D", "E" + words("", 'dalsegno="1"')], "CDEDE"),
        (["C" + words("To Coda"), "D" + words("D.C. al Coda"), words("Coda") + "E"], "CDCE"),
    ],
)
def test_jumps_are_those_that_sounds_or_words_say_and_hold_for_all_parts(bars, order):
    bars = [re.sub(r"(?<![\w.<])([CDE])(?![\w.])", lambda step: note(step[1], 8), each) for each in bars]
    assert two(bars, [re.sub(r"<direction>.*?</direction>|<sound[^>]*/>", "", each) for each in bars]) == [order] * 2


def test_repeats_and_endings_of_one_part_hold_for_all():
    back, end = '<repeat direction="backward"/>', '<barline location="{}"><ending number="{}" type="{}"/>{}</barline>'
    first = [note("C", 8), end.format("left", 1, "start", "") + note("D", 8) + end.format("right", 1, "stop", back),
             end.format("left", 2, "start", "") + note("E", 8) + end.format("right", 2, "stop", "")]  # fmt: skip
    second = [note("C", 8), note("D", 8) + f'<barline location="right">{back}</barline>', note("E", 8)]
    assert two(first, second) == two(second, first) == ["CDCE"] * 2


def test_the_tempo_is_the_one_that_sounds_however_its_mark_is_written():
    mark = "<metronome><beat-unit>quarter</beat-unit>{}</metronome>"
    mark = f"<direction><direction-type>{mark}</direction-type>{{}}</direction>"
    sound = '<sound tempo="96"/>'
    for inside, beside in (
        ("<per-minute>c. 96</per-minute>", ""), ("<per-minute>ca. 96</per-minute>", sound),
        ("<beat-unit>half</beat-unit>", sound), ("<per-minute>96-100</per-minute>", ""),
    ):  # fmt: skip
        assert read_musicxml(score(attributes() + mark.format(inside, beside) + note("C", 8))).tempo == 96


def test_who_plays_is_who_the_score_names():
    for program in range(128):
        player = PLAYER.replace(">61<", f">{program + 1}<")
        assert read_musicxml(score(attributes() + note("C", 8), part=player)).tracks[0].program == program
    named = '<score-instrument id="I"><instrument-name>{}</instrument-name>{}</score-instrument>'
    sound = "<instrument-sound>wind.flutes.flute</instrument-sound>"
    for part, program in ((named.format("x", sound), 73), (named.format("Violoncello", ""), 42), ("", 60)):
        assert read_musicxml(score(attributes() + note("C", 8), part=part)).tracks[0].program == program
    change = "<sound><midi-instrument id='I1'><midi-program>1</midi-program></midi-instrument></sound>"
    assert "changes" in read_musicxml(score(attributes() + change + note("C", 8))).remarks[0]


def test_strokes_stand_on_their_staff_and_are_their_drums_in_another_program():
    from music21 import converter, note, percussion

    keys = {36: "F4", 38: "C5", 42: "G5", 49: "A5", 77: "C5"}
    strokes = [Note(n / 3, 0.05, key) for n, key in enumerate([*keys, *keys])] + [Note(0, 0.05, 42)]
    written = write_musicxml(
        Song((Track("bass", 33).with_notes([Note(0, 4, 40)]), Track("kit", 0, True, tuple(strokes))))
    )
    back = read_musicxml(written).tracks[1]
    assert (back.name, back.is_drum) == ("kit", True)
    assert sorted((round(n.onset, 2), n.pitch) for n in back.notes) == sorted(
        (round(n.onset, 2), n.pitch) for n in strokes
    )
    parts = converter.parse(written, format="musicxml").parts
    seen = [each for event in parts[1].recurse().notes
            for each in (event.notes if isinstance(event, percussion.PercussionChord) else [event])]  # fmt: skip
    assert all(isinstance(each, note.Unpitched) for each in seen)
    assert {each.displayName for each in seen} == set(keys.values())
    assert {each.displayName for each in seen if each.notehead == "x"} == {"G5", "A5", "C5"}
    assert b"Low Wood Block" in written and b"Acoustic Snare" in written and b"<accidental>" not in written


def test_drums_have_no_key_signature_and_the_lowest_notes_stay_where_they_are():
    kit = Track("kit", 0, True, (Note(0, 1, 38), Note(1, 1, 5)))
    song = Song((kit, Track("bass", 33).with_notes([Note(0, 2, 0), Note(2, 2, 11)])), keys=((0.0, (3, False)),))
    written = write_musicxml(song)
    back = read_musicxml(written)
    assert written.count(b"<fifths>") == 1 and back.keys == song.keys
    assert [[n.pitch for n in track.notes] for track in back.tracks] == [[38, 5], [0, 11]]
    alone = replace(song, tracks=(kit,))
    assert read_musicxml(write_musicxml(alone)).keys == song.keys


def test_the_tempo_stands_above_the_first_staff_alone():
    song = replace(five(), tempo_changes=((2.0, 60.0),))
    assert write_musicxml(song).count(b"<metronome") == 2


def test_a_drum_kit_without_keys_is_heard_as_its_staff_is_written():
    place = "<unpitched><display-step>{}</display-step><display-octave>{}</display-octave></unpitched>"
    stroke = f"<note>{place}<duration>2</duration></note>"
    song = read_musicxml(score(attributes() + "".join(stroke.format(*each) for each in ("F4", "C5", "G5")), part=""))
    assert song.tracks[0].is_drum and [each.pitch for each in song.tracks[0].notes] == [36, 38, 42]


def test_ties_that_are_only_drawn_hold_and_loose_xml_is_read():
    tied = '<notations><tied type="{}"/></notations>'
    bars = attributes() + note("C", 8, tied.format("start")), note("C", 8, tied.format("stop"))
    plain = score(*bars)
    assert heard(read_musicxml(plain)) == [(0, 8, 60)]
    space = plain.replace(b"<score-partwise ", b'<score-partwise xmlns="http://example.org/x" ')
    bare = re.sub(rb"<part-list>.*</part-list>", b"", plain)
    for each in (b"\n " + plain, space, bare):
        assert heard(read_musicxml(each)) == [(0, 8, 60)]


def test_a_packed_score_is_read_wherever_midi_is():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("tune.xml", score(attributes() + note("C", 4) + note("E", 4)))
    packed = file.getvalue()
    assert heard(song_of(File("tune.mxl", packed))) == heard(song_of(File("stdin", packed))) == [(0, 2, 60), (2, 2, 64)]
    assert [n.midi for n in melody(read_song(File("-", packed))).notes] == [60, 64]
    utf16 = score(attributes() + note("C", 4)).decode().encode("utf-16")
    assert heard(song_of(File("tune.musicxml", utf16))) == [(0, 2, 60)]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_score_is_read_in_every_encoding_and_of_a_packed_one_what_its_container_names(encoding, packed):
    text = score(attributes() + note("C", 4)).decode().replace("Horn", "Flöte")
    content = text.replace('"1.0"?>', f'"1.0" encoding="{encoding.removesuffix("-sig")}"?>').encode(encoding)
    if packed:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("META-INF/container.xml", '<container><rootfile full-path="in/tune.xml"/></container>')
            archive.writestr("another.xml", "<x/>")
            archive.writestr("in/tune.xml", content)
        content = file.getvalue()
    song = song_of(File("tune.xml", content))
    assert heard(song) == [(0, 2, 60)] and song.tracks[0].name == "Flöte"


def test_what_a_score_leaves_out_is_known_and_cues_are_silent():
    bass = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    assert heard(read_musicxml(score(attributes(more=bass) + note("C", 8)))) == [(0, 4, 48)]
    whole = score(attributes().replace("<divisions>2</divisions>", "") + note("C", 1) + note("D", 1))
    assert heard(read_musicxml(whole)) == [(0, 1, 60), (1, 1, 62)]
    cue = "<backup><duration>8</duration></backup>" + note("G", 8, "<voice>2</voice>").replace("<note>", "<note><cue/>")
    assert heard(read_musicxml(score(attributes() + note("C", 8) + cue))) == [(0, 4, 60)]
    timewise = score(attributes() + note("C", 8)).decode().replace("partwise", "timewise")
    for tag, other in (("part", "@"), ("measure", "part"), ("@", "measure")):
        timewise = timewise.replace(f"<{tag} ", f"<{other} ").replace(f"</{tag}>", f"</{other}>")
    timewise = timewise.replace('<measure id="P1"><part number="0">', '<measure number="0"><part id="P1">')
    assert heard(read_musicxml(timewise.encode())) == [(0, 4, 60)]


def test_chord_symbols_sound_as_those_of_abc_do_until_the_next():
    def symbol(step, kind, more=""):
        return f"<harmony><root><root-step>{step}</root-step></root><kind>{kind}</kind>{more}</harmony>"

    bass = "<bass><bass-step>E</bass-step></bass>"
    song = read_musicxml(
        score(
            attributes() + symbol("C", "major", bass) + note("C", 8),
            symbol("A", "minor-seventh") + note("D", 8),
            symbol("N", "none") + note("E", 8),
        )
    )
    assert [(n.onset, n.duration, n.pitch) for n in song.tracks[1].notes] == [
        (at, 4, pitch) for at, chord in ((0, (40, 48, 52, 55)), (4, (45, 48, 52, 55, 57))) for pitch in chord
    ]
    assert chords_of(song)[0] == [(0, "C"), (4, "Am7"), (8, "N.C.")]


@pytest.mark.parametrize(
    "content, words",
    [
        (b"<?xml version='1.0'?><html/>", "not a MusicXML score|no notes"),
        (score(attributes()), "no notes"),
        (score(attributes() + note("C", 4))[:-60], "not a MusicXML score"),
        (b"PK\3\4META-INF/container.xml", "packed"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><score-partwise/>', "entities"),
        (score('<barline><repeat direction="backward" times="999999"/></barline>'), "more than 16 times"),
        (score(note("C", 1) * 20_001), "more than 20,000"),
        (b"<?xml" + bytes(2**21), "larger than"),
    ],
)
def test_what_is_no_score_is_refused_in_one_sentence(content, words):
    with pytest.raises(RequestError, match=words) as refusal:
        song_of(File("upload.musicxml", content))
    assert str(refusal.value).startswith("upload.musicxml ") and "\n" not in str(refusal.value)
