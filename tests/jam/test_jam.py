"""A jam: the same seed the same bars, changes act at their bar and touch none before, sections return, it ends."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine import RequestError, jam, planner
from engine.__main__ import run
from engine.core.midi import read_midi
from engine.core.request import File
from engine.jam import form
from engine.jam.changes import OWN, SETTINGS
from engine.jam.musician import Musician, song_of
from engine.player.playing import Section

TRACKS = ("drums", "piano", "guitar", "bass", "strings")

def changes(*lines):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return File("changes.jsonl", "\n".join(texts).encode())


def played(model, *lines, **asked):
    """The bars of a jam at 120 beats a minute; half a minute is 15 bars of 4/4."""
    brought = {"changes": changes(*lines)} if lines else {}
    return list(jam.jam(model, jam.Request(**{"genre": {"rock": 1}, "minutes": 0.5, "seed": 3} | brought | asked)))


@pytest.fixture(scope="module")
def plain(model):
    return played(model)


def test_the_same_seed_plays_the_same_and_another_another(model, plain):
    assert played(model) == plain
    assert [bar.tracks for bar in played(model, seed=4)] != [bar.tracks for bar in plain]
    assert [bar.number for bar in plain] == list(range(1, 16))
    assert sum(bar.seconds for bar in plain) == pytest.approx(30)


@pytest.mark.parametrize(
    ("change", "bars"),
    [
        ({"genre": "jazz"}, (2, 9, 12)),
        ({"genre": {"jazz": 1, "soul": 2}}, (6,)),
        ({"chords": "Dm7 | G7 | Cmaj7 %"}, (6, 9)),
        ({"tempo": 150}, (6, 9)),
        ({"key": "E"}, (5,)),
        ({"busy": {"drums": 0.9}}, (9,)),
        ({"register": {"piano": 2}}, (9,)),
        ({"without": ["guitar", "bass"]}, (4,)),
        ({"adventurousness": 2}, (4,)),
        ({"density": 1}, (4,)),
        ({"programs": {"bass": 38}}, (4,)),
        ({"end": True}, (3,)),
        ({"loudness": 0.6}, (4,)),
        ({"held": "F#m7"}, (1, 6, 9)),
    ],
)
def test_a_change_acts_from_its_bar_on_and_all_before_it_is_note_for_note_what_it_was(model, plain, change, bars):
    for number in bars:
        after = played(model, {"bar": number, **change})
        assert after[: number - 1] == plain[: number - 1]
        assert after[number - 1 :] != plain[number - 1 :]
        if "end" not in change:  # what follows is another bar at once
            assert after[number - 1] != plain[number - 1] or "chords" in change


def test_everything_that_may_change_is_tried_above():
    law = test_a_change_acts_from_its_bar_on_and_all_before_it_is_note_for_note_what_it_was
    tried = {name for mark in law.pytestmark for change, _ in mark.args[1] for name in change}
    assert tried == {*SETTINGS, *OWN} - {"lock_key", "trade"}


def test_the_last_bars_can_be_kept_alone_as_they_were_played(model, plain):
    made = jam.generate(model, jam.Request(genre={"rock": 1}, seed=3, bars=10, keep=4))
    assert made.song == song_of(plain[6:10], "rock") and made.report["bars"] == 10
    assert made.song.bars == 4


def test_given_chords_are_played_from_their_bar_on_and_come_again(model):
    bars = played(model, {"bar": 4, "chords": "Dm7 | G7 C"}, {"bar": 9, "chords": ""}, minutes=0.6)
    assert [bar.chords for bar in bars[3:8]] == [("Dm7", "Dm7"), ("G7", "C")] * 2 + [("Dm7", "Dm7")]
    assert [bar.key for bar in bars[3:8]] == [0] * 5
    assert len({bar.chords for bar in bars[8:]}) > 2


def test_who_is_left_out_rests_and_comes_back(model):
    plays = {"bar": 1, "busy": {"piano": 0.5}}
    bars = played(model, plays, {"bar": 4, "without": ["piano"]}, {"bar": 8, "without": []})
    piano = [bool(bar.tracks[TRACKS.index("piano")].notes) for bar in bars]
    assert not any(piano[3:7]) and any(piano[:3]) and any(piano[7:])


def test_a_jam_ends_after_the_section_in_which_it_is_told_to(model, plain):
    bars = played(model, {"bar": 3, "end": True})
    assert len(bars) == form.BARS + 1 and bars[:8] == plain[:8]
    for track in bars[-1].tracks:
        assert all(note.onset < 0.2 and (track.is_drum or note.end > 3) for note in track.notes)
    assert {note.pitch for note in bars[-1].tracks[0].notes} == {36, 49}
    assert len(played(model, {"bar": 3, "end": True}, {"bar": 5, "end": False})) == len(plain)


def test_sections_return_varied_and_the_bars_that_lead_on_have_new_drums(model):
    bars = played(model, minutes=2.2)
    sections = [bars[n : n + form.BARS] for n in range(0, len(bars) - form.BARS, form.BARS)]
    letters = [section[0].section for section in sections]
    assert letters[0] == "A" and len(set(letters)) < len(letters)
    assert all(section[-1].leads_on and not section[0].leads_on for section in sections)
    alike = []
    for n, letter in enumerate(letters):
        if letter in letters[:n]:
            before = sections[n - 1 - letters[:n][::-1].index(letter)]
            assert [bar.chords for bar in before] == [bar.chords for bar in sections[n]]
            same = [[(note.pitch, round(note.onset * 4)) for bar in section[:-1] for note in bar.tracks[lane].notes]
                    for section in (before, sections[n]) for lane in range(1, 5)]  # fmt: skip
            alike.append(sum(a == b for a, b in zip(same[:4], same[4:])))
    assert 0 < np.mean(alike) < 4


def test_what_was_written_ahead_can_be_taken_back_and_a_change_there_is_as_if_it_had_been_known(model):
    request = jam.Request(genre={"rock": 1}, seed=3)
    other = replace(request.settings, genre={"jazz": 1.0}, tempo=90.0)
    for settings in (replace(request.settings, tempo=90.0), other):
        known, ahead = Musician(model, 3), Musician(model, 3)
        for at in (3, 7, 12, 16):
            while known.number < at:
                assert known.next(request.settings) == ahead.next(request.settings)
            ahead.next(request.settings)
            ahead.next(request.settings)
            ahead.back_to(at + 1)
            assert [known.next(settings) for _ in range(2)] == [ahead.next(settings) for _ in range(2)]


def test_a_bar_of_other_settings_waits_for_no_more_than_itself(model, monkeypatch):
    heard, planned = [], []
    hear, draw = Section.hear, planner.draw
    monkeypatch.setattr(Section, "hear", lambda section, bar: (heard.append(bar), hear(section, bar)))
    monkeypatch.setattr(planner, "draw", lambda *args, **asked: (planned.append(args[2]), draw(*args, **asked))[1])
    musician, settings = Musician(model, 3), jam.Request(genre={"rock": 1}, seed=3).settings
    for number in range(8 + 6):
        musician.next(settings)
        assert len(heard) <= number, "the next section begins to hear when the bar is there"
    assert len(heard) == 7 + 1 + 5 and planned == [8], "a plan is drawn once"
    del heard[:], planned[:]
    musician.next(replace(settings, density=0.9))
    assert not heard and planned == [8] and len(musician._composer._now.section.before) == 4
    costs = []
    for _ in range(3):
        begun = len(heard)
        musician.next(replace(settings, density=0.9))
        costs.append(len(heard) - begun)
    assert costs == [2, 6, 1], "what the next section is to hear is caught up with before it begins"


def test_what_was_played_stays_no_note_begins_before_its_bar_or_while_its_pitch_sounds(model):
    bars = played(model, minutes=1)
    song = song_of(bars)
    for track in song.tracks:
        assert all(note.onset >= 0 for bar in bars for each in bar.tracks for note in each.notes)
        for pitch in {note.pitch for note in track.notes if 12 <= note.pitch < 116}:  # others move by octaves
            same = [note for note in track.notes if note.pitch == pitch]
            assert all(a.end <= b.onset + 1 / 24 + 1e-6 for a, b in pairwise(same))


@pytest.mark.parametrize("meter", ["3/4", "6/8", "12/8"])
def test_a_jam_is_in_one_meter(model, meter):
    bars = played(model, {"bar": 5, "genre": "jazz"}, meter=meter)
    assert {bar.meter for bar in bars} == {tuple(map(int, meter.split("/")))}
    assert sum(bar.seconds for bar in bars) == pytest.approx(30, abs=bars[0].seconds)


@pytest.mark.parametrize(("keys", "semitones"), [(("Gb", "E"), -2), (("F", "Gb", "Ab"), 3), (("C", "B"), -1)])
def test_another_key_is_gone_to_by_the_nearer_way(model, keys, semitones):
    plain = played(model, key=keys[0])
    bars = played(model, *({"bar": 3 + n, "key": key} for n, key in enumerate(keys[1:])), key=keys[0])
    pairs = [(a.pitch, b.pitch) for x, y in zip(plain[5:], bars[5:]) for was, now in zip(x.tracks[1:], y.tracks[1:])
             for a, b in zip(was.notes, now.notes) if 24 < a.pitch < 103]  # fmt: skip
    assert pairs and all(b - a == semitones for a, b in pairs)


def test_a_song_of_a_jam_has_its_tempi_and_a_track_for_each_instrument(model):
    song = song_of(played(model, {"bar": 5, "tempo": 150}, {"bar": 9, "programs": {"bass": 38}}))
    assert (song.tempo, song.tempo_changes) == (120.0, ((16.0, 150.0),))
    basses = [(track.name, track.program) for track in song.tracks if "bass" in track.name]
    assert basses == [("bass", 33), ("bass 2", 38)]
    bars = played(model, {"bar": 9, "programs": {"bass": 38}, "without": []}, without=("bass",))
    assert [(t.name, t.program) for t in song_of(bars).tracks if "bass" in t.name] == [("bass", 38)]


def test_a_tempo_acts_within_a_bar_and_changes_no_note_of_it(model, plain):
    bars = played(model, {"bar": 5.375, "tempo": 150}, {"bar": 5.5, "held": "Dm7"}, {"bar": 5.75, "tempo": None})
    held = played(model, {"bar": 5.5, "held": "Dm7"})
    assert bars[:4] == plain[:4] and bars[4].tracks == held[4].tracks and bars[5:] == held[5:]
    assert bars[4].turns == ((1.5, 150.0), (3.0, 120.0)) and bars[4].tempo == 120
    assert bars[4].seconds == pytest.approx(2.5 * 60 / 120 + 1.5 * 60 / 150)
    assert song_of(bars).tempo_changes == ((17.5, 150.0), (19.0, 120.0))
    last = changes({"bar": 5.5, "tempo": 90})
    made = jam.generate(model, jam.Request(genre={"rock": 1}, seed=3, bars=5, changes=last))
    assert not made.remarks and made.song.tempo_changes == ((18.0, 90.0),)


def test_a_file_of_another_editor_is_read(model, plain):
    said = '{"bar": 5, "tempo": 150}\r\n\r\n{"bar": 3, "tempo": 90}\r\n'
    request = jam.Request(genre={"rock": 1}, seed=3, changes=File("c.jsonl", said.encode("utf-8-sig")))
    assert [(step.bar, step.settings.tempo) for step in request.steps] == [(1, None), (3, 90), (5, 150)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Line 2 of changes.jsonl: that is no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no bar"),
        ({"tempo": 100}, "no bar"),
        ({"bar": 0}, "from 1 to"),
        ({"bar": True}, "from 1 to"),
        ({"bar": 0.5, "tempo": 90}, "from 1 to"),
        ({"bar": 1.5, "tempo": 90, "key": "E"}, "begins in the middle of a bar"),
        ({"bar": 1.25, "held": "Dm7"}, "only a tempo elsewhere in it"),
        ({"bar": 2, "held": "Dm7 | G7"}, "not one chord"),
        ({"bar": 2, "held": "H9"}, "'H9' in"),
        ({"bar": 2, "held": 3}, "held is a chord"),
        ({"bar": 2, "loudness": 9}, "loudness is a number from 0.5 to 1.4"),
        ({"bar": 2, "trade": 1}, "trade is true or false"),
        ({"bar": 9, "genre": "polka"}, "'polka' is not a genre"),
        ({"bar": 9, "genre": 3}, "a genre is a name"),
        ({"bar": 9, "genre": {"jazz": 0}}, "no genre with a weight"),
        ({"bar": 9, "chords": "Dm7 | H9"}, "'H9' in bar 2 of the chords"),
        ({"bar": 9, "chords": 3}, "The chords cannot be 3"),
        ({"bar": 9, "tempo": 1000}, "The tempo must be a number from 40 to 240"),
        ({"bar": 9, "tempo": "fast"}, "The tempo must be"),
        ({"bar": 9, "tempo": 10**400}, "The tempo must be"),
        ({"bar": 9, "genre": {"jazz": -(10**400)}}, "The weight of a genre must be"),
        ({"bar": 9, "key": "H"}, "not a choice for the key"),
        ({"bar": 9, "busy": {"kazoo": 1}}, "'kazoo' is not a track"),
        ({"bar": 9, "busy": {"drums": 2}}, "How busy a player is must be"),
        ({"bar": 9, "busy": 0.5}, "busy names players"),
        ({"bar": 9, "without": "drums"}, "list of players"),
        ({"bar": 9, "end": 1}, "end is true or false"),
        ({"bar": 9, "meter": "3/4"}, "'meter' is nothing that changes"),
    ],
)
def test_a_line_that_is_none_is_one_sentence_with_its_number_and_nothing_is_written(tmp_path, line, says):
    (tmp_path / "changes.jsonl").write_bytes(changes({"bar": 2, "tempo": 90}, line).content)
    with pytest.raises(RequestError, match="Line 2 of changes") as refusal:
        run(["jam", "--genre", "rock", "--changes", str(tmp_path / "changes.jsonl"), "--out", str(tmp_path / "a.mid")])
    assert says in str(refusal.value) and "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["changes.jsonl"]


def test_the_command_writes_what_the_engine_plays(tmp_path):
    content = changes({"bar": 2, "genre": "jazz", "tempo": 150}, {"bar": 3, "chords": "Dm7 | G7"}).content
    (tmp_path / "changes.jsonl").write_bytes(content)
    run(["jam", "--genre", "rock", "--minutes", "0.15", "--seed", "3", "--changes", str(tmp_path / "changes.jsonl"),
         "--out", str(tmp_path / "jam.mid")])  # fmt: skip
    request = jam.Request(genre={"rock": 1}, minutes=0.15, seed=3, changes=File("changes.jsonl", content))
    model = jam.load()
    assert jam.generate(model, request).song.notes > 20
    written, made = read_midi(tmp_path / "jam.mid"), jam.generate(model, request).song
    assert [tempo for _, tempo in written.tempo_changes] == pytest.approx([150.0], abs=0.01)
    pitches = [sorted(note.pitch for track in song.tracks for note in track.notes) for song in (written, made)]
    assert pitches[0] == pitches[1]
    assert jam.generate(model, jam.Request.from_json(request.to_json(), request.files)).song == made


@pytest.mark.long
def test_an_hour_of_a_jam_takes_no_more_memory_than_ten_minutes(model):
    import tracemalloc

    musician, request = Musician(model, 1), jam.Request(genre={"rock": 1})
    musician.next(request.settings)  # all is compiled, which would take minutes if it were traced
    tracemalloc.start()
    sizes = []
    for bar in range(1, 1801):
        musician.next(replace(request.settings, tempo=90.0 + bar // 100))
        if bar % 300 == 0:
            sizes.append(tracemalloc.get_traced_memory()[0])
    assert sizes[-1] < 1.1 * sizes[1]
