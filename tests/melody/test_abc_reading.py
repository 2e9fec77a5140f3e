"""ABC is read as ABC 2.1 has it: fields, voices, repeats, jumps, decorations, words, and any text at all."""

import warnings
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.melody.abc.canonical import decode, encoding_of
from engine.melody.abc.fields import Key, key_of, length_of, meter_of, parts_of, tempo_of
from engine.melody.abc.notes import parse, reading_of, song, titles, usual_tempo
from engine.melody.abc.symbols import chord_pitches
from engine.melody.abc.tokens import tokens
from engine.melody.score import musicxml
from engine.melody.staff import score_of

HEAD = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"


def heard(body: str, head: str = HEAD, **how) -> list[list[tuple[float, float, int]]]:
    made = song(parse(head + body)[0], **how)
    return [[(note.onset, note.duration, note.pitch) for note in track.notes] for track in made.tracks]


def letters(body: str, head: str = HEAD) -> str:
    """The first voice, a letter a note."""
    return "".join("C D EF G A B"[pitch % 12] for _, _, pitch in heard(body, head)[0])


@pytest.mark.parametrize(
    ("field", "sharps", "altered", "clef", "shift"),
    [
        ("D clef=treble", 2, "F^C^", "treble", 0),
        ("E♭", -3, "B_E_A_", "", 0),
        ("f# minor", 3, "F^C^G^", "", 0),
        ("A Mixolydian", 2, "F^C^", "", 0),
        ("GM", -2, "B_E_", "", 0),
        ("Dmoll", -1, "B_", "", 0),
        ("C dur", 0, "", "", 0),
        ("B flat major", -2, "B_E_", "", 0),
        ("Ddor^c", 0, "C^", "", 0),
        ("D exp _b_e", -2, "B_E_", "", 0),
        ("D =c", 1, "F^", "", 0),
        ("EXP ^f", 1, "F^", "", 0),
        ("Ador^g", 1, "F^G^", "", 0),
        ("none", 0, "", "", 0),
        ("HP", 2, "F^C^", "", 0),
        ("bass", 0, "", "bass", 0),
        ("G treble-8", 1, "F^", "treble", -12),
        ("C octave=-1", 0, "", "", -12),
        ("C transpose=-2", 0, "", "", -2),
        ("", 0, "", "", 0),
    ],
)
def test_keys_are_read_in_all_their_spellings(field, sharps, altered, clef, shift):
    key, remarks = key_of(field, Key())
    signs = "".join(letter + {1: "^", -1: "_"}[alter] for letter, alter in key.altered)
    assert (key.fifths, signs, key.clef, key.shift) == (sharps, altered, clef, shift)
    assert bool(remarks) == field.startswith("f#")


@pytest.mark.parametrize("field", ["H", "?", "Z minor", "Fbm"])
def test_what_is_no_key_is_refused(field):
    with pytest.raises(RequestError, match="not a key"):
        key_of(field, Key())


@pytest.mark.parametrize(
    ("field", "quarters"),
    [
        ("1/4=60", 60), ("3/8=80", 120), ("1/4 1/8 = 40", 60), ('"Allegro" 1/2=50', 100), ('1/4=90 "slow"', 90),
        ("C=120", 60), ("C3=40", 60), ("120", 60), ("1/4=ca 72", 72), ("1/4=100-108", 100),
        ("1/4.=96", 144), ("1/4+1/8=60", 90), ("ca. 120-130", 60),
        ("3/8=1/4", 0), ("1/4=", 0), ('"Andante"', 0), ("", 0),
    ],
)  # fmt: skip
def test_tempi_are_read_in_all_their_forms(field, quarters):
    assert tempo_of(field, length_of("/")).quarters == quarters


def test_meters_lengths_and_orders_of_parts():
    fields = ("C", "C|", "(2+3)/8", "6/8", "none", "", "4", "3/4 2/4", "FREI4/4")
    assert [meter_of(text)[0].text for text in fields] == [
        "C", "C|", "2+3/8", "6/8", "none", "none", "4/4", "3/4", "none",
    ]  # fmt: skip
    assert meter_of("3/4 2/4")[1] and meter_of("FREI4/4")[1] and not meter_of("6/8")[1]
    assert [parts_of(text) for text in ("ABA", "A2B", "(AB)2C", "((AB)2.C)2")] == ["ABA", "AAB", "ABABC", "ABABCABABC"]


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ("C4|D4:|E4|]", "CDCDE"),
        ("C4||D4:|E4|]", "CDDE"),  # ABC 2.1, section 4.8: from the latest double bar
        ("|:C4|D4:|:E4:|", "CDCDEE"),
        ("|:C4::D4:|", "CCDD"),
        ("|::C4::|D4|]", "CCCD"),
        ("|:C4|1D4:|2E4:|F4|]", "CDCEF"),
        ("|:C4|1D4:|2E4||F4:|G4|]", "CDCEFFG"),
        ("|:C4|1,2D4:|3E4|]", "CDCDCE"),
        ("|:C4|1-3D4:|4E4|]", "CDCDCDCE"),
        ("|:C4|[1D4:|[2E4|]", "CDCE"),
        ('|:C4|["1."D4:|["2."E4|]', "CDCE"),
        ("|:C4|1D4:|2E4|]F4|1G4:|2A4|]", "CDCEFGFA"),  # the section after a second ending has its own
        ("|:C4|1D4:|2E4:|3F4|]", "CDCECF"),
        ("|:C4|1,3D4:|2E4:|", "CDCECD"),
        ("C4[|]D4:|", "CDCD"),  # a bar line that is not seen is no double bar
        ("|:C4[|]:|D4|]", "CCD"),
        ("C4|:D4|E4|]", "CDE"),
        ("|:C4|]", "C"),
        ("C4|D4!dacoda!|E4!D.C.alcoda!|!coda!F4|]", "CDECDF"),
        ("C4|!segno!D4!dacoda!|E4|F4!D.S.alcoda!|!coda!G4|]", "CDEFDG"),
        ("|:C4|1D4:|2E4!D.C.!|]", "CDCECE"),  # after a jump only the last ending
    ],
)
def test_repeats_and_endings_are_played_in_the_standards_order(body, order):
    assert letters(body) == order


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ("C4|!fine!D4|E4!D.C.!|]", "CDECD"),
        ('C4|"Fine"D4|E4 "D.C. al Fine"|]', "CDECD"),
        ("C4|!segno!D4|E4!D.S.!|]", "CDEDE"),
        ("|:C4:|D4!D.C.!|]", "CCDCD"),
        ("C4|D4!D.C.!|E4|]", "CDCDE"),  # what comes after a jump that names no end would never be heard
        ("|:C4|D4:|!segno!E4!D.S.!|F4|]", "CDCDEEF"),
        ("!segno!C4|D4!fine!|E4!D.S.alfine!|]", "CDECD"),
        ("C4|!segno!D4|!coda!E4|F4!D.S.alcoda!|!coda!G4|]", "CDEFDG"),
        ("C4|D4:|E4|F4:|", "CDCDEFEF"),  # where no sign says what a repeat leads back to
        ("|:C4:|D4||E4:|", "CCDEE"),
    ],
)
def test_jumps_are_taken_as_music21_takes_them(body, order):
    assert letters(body) == order
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unfolded = score_of(reading_of(parse(HEAD + body)[0])).parts[0].expandRepeats()
    assert "".join(note.name for note in unfolded.recurse().notes if hasattr(note, "name")) == order


def test_parts_are_played_in_their_order_each_with_its_repeats():
    head = HEAD.replace("K:C", "P:A2(BA)2\nK:C")
    assert letters("E4|\nP:A\nC4|\nP:B\nD4|]", head) == "ECCDCDC"  # what stands before them is played first
    assert letters("P:A\nC4|\nP:B\nD4:|]", head) == "CCDDCDDC"
    assert letters("P:A\nC4|\nP:B\nD4|]") == "CD"


def test_voices_and_overlays_sound_together_and_keep_their_own_keys_and_transpositions():
    body = "V:1\nC4|\nV:2 octave=-1\nE4|\n[V:1]D4|]\n[V:2][K:D]F4|]"
    assert heard(body) == [[(0, 4, 60), (4, 4, 62)], [(0, 4, 52), (4, 4, 54)]]
    assert heard("C4&E2G2|c4|]") == [[(0, 4, 60), (0, 2, 64), (2, 2, 67), (4, 4, 72)]]
    assert heard("^F3 ^G-&C4|G2 F2|]")[0] == [(0, 4, 60), (0, 3, 66), (3, 3, 68), (6, 2, 65)]  # a tie over an overlay
    over = [(0, 4, 60), (4, 4, 62), (0, 4, 64), (4, 4, 65), (8, 4, 67)]
    for body in ("(&C4|D4&E4|F4&)|G4|]", "(&C4|D4|&E4|F4|&)G4|]"):  # over several bars
        assert sorted(heard(body)[0]) == sorted(over)
    assert heard("V:1\n|:C4:|\nV:2\nE4|]")[1] == [(0, 4, 64), (4, 4, 64)]  # repeats written once hold for all


def test_accidentals_hold_in_every_octave_of_the_bar_and_over_a_tie():
    assert [p for _, _, p in heard("^F f|^F4-|F2 F2|")[0]] == [66, 78, 66, 65]
    assert [p for _, _, p in heard("I:propagate-accidentals octave\n^F f|")[0]] == [66, 77]
    assert [p for _, _, p in heard("[K:G]F [K:F]B|")[0]] == [66, 70]


def test_decorations_are_no_notes_in_any_spelling():
    plain = heard("C D E F|")
    for body in ("TC ~D HE LF|", "!trill!C !f!D +fermata+E !4!F|", ".C vD uE OF|", '"^up"C "<2"D "Am"E "Fine"F|'):
        assert heard(body)[0] == plain[0]
    assert letters("C D!E F|G!A B2|") == "CDEFGAB"  # an exclamation mark once broke a line
    assert heard("+CEG+4|")[0] == [(0, 4, 60), (0, 4, 64), (0, 4, 67)]  # a chord of ABC 1.6


def test_grace_notes_take_their_time_from_the_note_and_are_no_part_of_the_bar():
    tune = HEAD + "{DE}C2 C2|"
    assert heard("{DE}C2 C2|")[0] == [(0, 0.125, 62), (0.125, 0.125, 64), (0.25, 1.75, 60), (2, 2, 60)]
    assert not parse(tune)[1] and len(song(parse(tune)[0], ornaments=False).tracks[0].notes) == 2


def test_broken_rhythms_tuplets_and_chords_last_as_the_standard_has_it():
    assert [d for _, d, _ in heard("C>D E<F G>>A|")[0]] == [1.5, 0.5, 0.5, 1.5, 1.75, 0.25]
    assert [d for _, d, _ in heard("(3C D E (3:2:2F2G|")[0]] == pytest.approx([2 / 3] * 3 + [4 / 3, 2 / 3])
    assert heard("[C2E2]2 [CE2]|")[0] == [(0, 4, 60), (0, 4, 64), (4, 1, 60), (4, 1, 64)]
    assert any("two lengths" in remark for remark in parse(HEAD + "C2>D E|")[1])


def test_words_behind_an_open_bracket_are_an_ending_or_a_mark_and_no_chord():
    assert heard('C4||["Coda" D4|]')[0] == [(0, 4, 60), (4, 4, 62)]
    assert heard('|["C"CE]4|')[0] == [(0, 4, 60), (0, 4, 64)]


@pytest.mark.parametrize(
    ("note", "pitch"), [("^/D", 62), ("_/D", 62), ("^3/2D", 63), ("_3/4D", 61), ("_22/100D", 62), ("_141/100D", 61)]
)
def test_of_microtones_the_nearest_semitone_is_played_and_that_is_said(note, pitch):
    tune, remarks = parse(f"{HEAD}{note}4|]")
    assert [each.pitch for each in song(tune).tracks[0].notes] == [pitch]
    assert any(f"{note} is a part of a semitone" in remark for remark in remarks)


def test_midi_instructions_are_followed_or_said():
    text = (
        f"{HEAD}%%MIDI program 40\n%%MIDI gchord fzcz\nV:1\nC4|\n"
        "V:2\n[I:MIDI program 1 42][I:MIDI transpose -12]C4|\nV:3\n%%MIDI channel 10\nC,,4|]\n"
    )
    tune, remarks = parse(text)
    players = [(track.program, track.is_drum, track.notes[0].pitch) for track in song(tune).tracks]
    assert players == [(40, False, 60), (42, False, 48), (40, True, 36)]
    assert [track.program for track in song(tune, program=56).tracks] == [56, 56, 40]
    assert [remark for remark in remarks if "MIDI" in remark] == ["%%MIDI gchord is passed over (line 7, column 1)."]


def test_hornpipes_swing_and_reels_do_not():
    head = "X:1\nM:4/4\nL:1/8\nR:%s\nK:C\n"
    swung = [d for _, d, _ in heard("CD E>F G2 (3ABc|", head % "hornpipe")[0]]
    assert swung == pytest.approx([2 / 3, 1 / 3, 2 / 3, 1 / 3, 1] + [1 / 3] * 3)
    assert [d for _, d, _ in heard("CD E>F|", head % "reel")[0]] == [0.5, 0.5, 0.75, 0.25]


def test_a_tempo_field_is_heard_and_words_alone_leave_the_usual_one():
    assert usual_tempo(parse(HEAD.replace("K:", "Q:3/8=80\nK:") + "C|")[0]) == 120
    assert usual_tempo(parse(HEAD.replace("K:", 'Q:"Lively"\nK:') + "C|")[0]) == 170


def test_tempi_meters_keys_and_the_upbeat_are_kept_as_they_are_played():
    head = "X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\n"
    made = song(parse(head + "C|:CDEF|[Q:1/4=60][K:Dm]GAAA:|[M:3/4]CDE|]")[0])
    assert (made.tempo, made.tempo_changes) == (120, ((5, 60), (9, 120), (13, 60)))
    assert (made.meter, made.meter_changes, made.upbeat) == ((4, 4), ((17, (3, 4)),), 1)
    assert made.keys == ((0, (0, False)), (5, (-1, True)), (9, (0, False)), (13, (-1, True)))
    assert made.seconds == 9 * 0.5 + 11 and made.bar_lines() == [0, 1, 5, 9, 13, 17, 20]
    assert song(parse(head.replace("K:C", "K:Am transpose=-2") + "C|")[0]).keys == ((0, (-2, True)),)  # as it sounds
    assert song(parse(head + "C|[Q:1/4=60]D|")[0], tempo=240).tempo_changes == ((1, 120),)


@pytest.mark.parametrize(
    ("symbol", "chord"),
    [
        ("Gmaj", {7, 11, 2}), ("Dsus4", {2, 7, 9}), ("C/E", {0, 4, 7}), ("Bb7", {10, 2, 5, 8}), ("F#m", {6, 9, 1}),
        ("C+", {0, 4, 8}), ("G°", {7, 10, 1}), ("E♭", {3, 7, 10}), ("Fine", set()), ("Allegro", set()), ("", set()),
    ],
)  # fmt: skip
def test_chord_symbols_are_read_and_other_words_are_none(symbol, chord):
    assert {pitch % 12 for pitch in chord_pitches(symbol)} == chord


def test_no_chord_ends_the_chord_before_it():
    tracks = song(parse(f'{HEAD}"C"C2 "N.C."D2|"Fine"E4|]')[0]).tracks
    assert {(note.onset, note.duration) for note in tracks[1].notes} == {(0, 2)}


@pytest.mark.parametrize(
    ("symbol", "root", "alter", "quality"),
    [
        ("C-", "C", None, "minor"), ("E-7", "E", None, "minor-seventh"), ("Bbm7b5", "B", "-1", "half-diminished"),
        ("Fm(maj7)", "F", None, "major-minor"), ("C°7", "C", None, "diminished-seventh"), ("(D)", "D", None, "major"),
        ("A♭/C", "A", "-1", "major"), ("Cadd9", "C", None, "major"), ("N.C.", "C", None, "none"),
    ],
)  # fmt: skip
def test_the_score_has_the_chords_that_are_heard(symbol, root, alter, quality):
    harmony = ET.fromstring(musicxml(parse(f'{HEAD}"{symbol}"C4|]')[0])).find(".//harmony")
    assert harmony.find("kind").text == quality
    assert quality == "none" or [harmony.findtext(f"root/root-{each}") for each in ("step", "alter")] == [root, alter]


def test_the_score_says_of_a_minor_key_that_it_is_one():
    assert b"<mode>minor" in musicxml(parse(HEAD.replace("K:C", "K:Gm") + "C4|]")[0])
    assert b"<mode>minor" not in musicxml(parse(HEAD.replace("K:C", "K:Gdor") + "C4|]")[0])


def test_a_tempo_that_counts_what_no_note_lasts_has_a_score():
    assert b"<per-minute>200" in musicxml(parse(HEAD.replace("K:", "Q:1/4 3/8 1/4 3/8=40\nK:") + "C4|]")[0])


def test_a_book_offers_its_tunes_by_number():
    text = "M:3/4\nQ:1/4=90\n\nX:7\nT:One\nL:1/4\nK:C\nC3|\n\nX:9\nL:1/4\nK:C\nD3|\n"
    assert titles(text) == ["One", "Tune of line 10"]
    first, second = parse(text, 1)[0], parse(text, 2)[0]
    assert (first.title, first.meter, second.meter, song(second).tempo) == ("One", "3/4", "3/4", 90)
    assert [n.pitch for n in song(second).tracks[0].notes] == [62]
    assert "2 tunes" in parse(text)[1][0] and not parse(text, 1)[1]
    with pytest.raises(RequestError, match="no tune 3"):
        parse(text, 3)


def test_a_field_in_the_music_is_no_note_and_a_note_before_a_repeat_is_no_field():
    assert letters("C4|\nC:Trad\nB: A book\nD4|\n") == "CD"
    assert letters("|:C3\nD:|\nE4|]\n") == "CDCDE"
    assert letters("“Am”C2 D2|") == "CD"  # quotation marks of a word processor


def test_bytes_of_windows_and_dos_are_text():
    assert (encoding_of("für".encode("cp1252")), encoding_of("für".encode("cp850"))) == ("cp1252", "cp850")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252", "cp850"):
        assert decode("T:für Elise\r\n".encode(encoding)) == "T:für Elise\n"
    assert decode(b"K:C\r\nC|\r\n\x1a") == "K:C\nC|\n"


def test_what_is_passed_over_or_read_otherwise_is_said_once():
    text = "X:1\nT:für Elise\nL:1\nQ:3/8=1/4\nK:C\nC y D y2 [r:twice]E|[r:more]F [Q:1/4=900]G|]\n"
    tune, remarks = parse(text.encode("cp1252"))
    assert (song(tune).tempo, song(tune).tempo_changes) == (170, ((16, 400),))
    for words in ("letters are read as those of Windows", "length 1", "tempo 3/8=1/4", "space y", "[r:…]", "as 400"):
        assert sum(words in remark for remark in remarks) == 1, words
    assert not [remark for remark in parse(text)[1] if "UTF-8" in remark]


def test_the_score_has_words_repeats_endings_and_signs():
    body = 'Q:1/4=90\n|:"Am"!trill!C {d}D .E F|1 G4-:|2 G4|]\nw:la-la lo~lo * end\n'
    xml = musicxml(parse(HEAD + body)[0]).decode()
    for sign in ("<trill-mark", "<grace", "<staccato", 'repeat direction="forward"', 'number="2"', "<per-minute>90",
                 "<root-step>A", "<syllabic>begin", "<text>lo lo"):  # fmt: skip
        assert sign in xml, sign
    assert 'sound tempo="170"' in musicxml(parse(HEAD + "C4|]")[0]).decode()  # as it is heard, where nothing is marked


@given(st.text(alphabet="ABCDEFGabcdefgzxyZ0123456789/|:[]()<>^_=,'\"!{}-~.+&THVKMLQP \n%", max_size=200))
@settings(deadline=None)
def test_any_music_is_read_or_refused_in_a_sentence(body):
    assert all(token.text for token in tokens(body))
    try:
        tune, _ = parse(HEAD + body)
    except RequestError:
        return
    made = song(tune)
    assert all(note.duration > 0 and 0 <= note.pitch <= 127 for track in made.tracks for note in track.notes)


def test_bars_of_the_score_are_those_that_were_written_and_each_voice_has_its_clef():
    root = ET.fromstring(musicxml(parse(HEAD + "CCCCCC|z4D|DDD[M:2/4]|CC|]")[0]))
    bars = [[n.findtext("pitch/step") for n in bar.iter("note")] for bar in root.iter("measure")]
    assert bars == [["C"] * 6, [None, "D"], ["D"] * 3, ["C"] * 2]
    root = ET.fromstring(musicxml(parse(HEAD + "V:1\nV:2 clef=bass\n[V:1]C4|[K:G]D4|\n[V:2]C,4|[K:G]D,4|")[0]))
    assert [e.text for e in root.iter("sign")] == ["G", "F"]
    assert [e.text for e in root.iter("fifths")] == ["0", "1"] * 2
