"""A person plays along: chords that are held come at the half bar, what was played is kept, answered and followed."""

from dataclasses import replace

import pytest

from engine import RequestError, jam, player
from engine.band.played import EARLY
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.jam import following, trading
from engine.jam.holding import held_from, notes_of
from engine.jam.musician import Musician
from tests.jam.test_jam import played

DM7, D = 3 * 12 + 2, 2
OWN = [Note(16 + bar * 4 + beat, 0.5, 72 + (2 * bar + step) % 5, 70 + 10 * step)
       for bar in range(4) for step, beat in enumerate((0, 1, 1.5, 3))]  # fmt: skip


def part(notes, program=73):
    return File("own.mid", write_midi(Song((Track("mine", program, notes=tuple(notes)),))))


def test_a_bar_goes_over_into_the_chord_that_is_held_at_its_half_and_is_before_as_it_was():
    bar = player.Bar(0, (0, 0), {
        3: [(0, 12, 36), (12, 4, 43)], 1: [(0, 16, 64), (4, 2, 61), (8, 8, 60)], 0: [(0, 1, 36)],
    })  # fmt: skip
    held = held_from(bar, 1, DM7, (4, 4))
    assert held.chords == (0, DM7)
    assert held.lanes[3] == [(0, 8, 36), (8, 4, 38), (12, 4, 45)], "root and fifth stay what they are"
    assert held.lanes[1][:2] == [(0, 8, 64), (4, 2, 61)], "the first half is as it was"
    second = {pitch % 12 for lane in (1, 3) for step, _, pitch in held.lanes[lane] if step >= 8}
    assert second <= set(notes_of(DM7)) and held.lanes[0] == bar.lanes[0]
    assert held_from(bar, 0, DM7, (4, 4)).chords == (DM7, DM7)


@pytest.mark.parametrize(("begin", "first"), [(6.5, 1), (6, 0)])
def test_a_chord_that_is_held_acts_from_its_half_bar_on_and_all_before_it_is_what_it_was(model, begin, first):
    plain = played(model, minutes=0.4, seed=6)
    bars = played(model, {"bar": begin, "held": "F#m7"}, {"bar": 9, "held": ""}, minutes=0.4, seed=6)
    assert bars[:5] == plain[:5] and {bar.key for bar in bars} == {plain[0].key}
    halves = [chord for bar in bars for chord in bar.chords]
    sharp = {"F#m7", "Gbm7"}
    assert halves[: 10 + first] == [chord for bar in plain for chord in bar.chords][: 10 + first]
    assert set(halves[10 + first : 16]) <= sharp and not set(halves[16:]) <= sharp
    until = 2 - 4 * EARLY[0] / EARLY[1]  # beats; what is struck from there on may be of the second half
    before, after = ([sorted((n.onset, n.pitch, n.velocity) for n in track.notes if n.onset < until)
                      for track in bar.tracks] for bar in (plain[5], bars[5]))  # fmt: skip
    assert (before == after) == bool(first) and any(before)


def test_a_chord_that_is_held_while_the_bar_sounds_is_as_if_it_had_been_known(model):
    settings = jam.Request(genre={"rock": 1}, seed=3).settings
    known, late = Musician(model, 3), Musician(model, 3)
    for _ in range(5):
        assert known.next(settings) == late.next(settings)
    late.next(settings)
    late.next(settings)
    late.back_to(6)
    over = replace(settings, chords="F#m7", key="C")
    for holds in (((1, DM7),), ((0, D), (1, DM7))):
        late.back_to(6)
        known.back_to(6)
        assert known.next(settings, holds=holds) == late.next(settings, holds=holds)
    assert known.next(over) == late.next(over)


def test_turns_are_four_bars_each_from_the_bar_in_which_they_begin():
    turns = [trading.turn_of(bar, 3) for bar in range(1, 20)]
    assert turns == ["", ""] + ["band"] * 4 + ["you"] * 4 + ["answer"] * 4 + ["band"] * 4 + ["you"]
    assert trading.turn_of(5, 0) == ""


def test_what_was_played_is_answered_bar_by_bar_by_a_variation_of_it_and_kept(model):
    fours = {"bar": 1, "trade": True}
    bars = played(model, fours, own=part(OWN), minutes=0.5)
    answers = [[track for track in bar.tracks if track.name == "answer"] for bar in bars]
    assert [bool(answer) for answer in answers[:15]] == [False] * 8 + [True] * 4 + [False] * 3
    varied = 0
    for number, [answer] in enumerate(answers[8:12]):
        mine = [(n.onset - 16 - 4 * number, n.pitch) for n in OWN[4 * number : 4 * number + 4]]
        theirs = [(n.onset, n.pitch) for n in answer.notes]
        assert theirs and answer.program == 73
        varied += theirs != mine
        assert all(0 <= n.onset < 4 and n.end <= 4 + 1e-6 for n in answer.notes)
    assert varied > 2
    plain = played(model, minutes=0.5)
    loud = [sum(n.velocity for track in bar.tracks[:5] for n in track.notes) for bar in bars]
    usual = [sum(n.velocity for track in bar.tracks for n in track.notes) for bar in plain]
    assert loud[:4] == usual[:4] and all(a < 0.9 * b for a, b in zip(loud[4:12], usual[4:12]) if b)
    assert played(model, fours, own=part(OWN), minutes=0.5) == bars
    others = [replace(note, pitch=note.pitch + 3) for note in OWN]
    assert played(model, fours, own=part(others), minutes=0.5)[8:12] != bars[8:12]


def test_what_was_played_along_is_a_lane_of_what_is_kept(model):
    request = jam.Request(genre={"rock": 1}, seed=3, bars=8, keep=4, own=part(OWN))
    song = jam.generate(model, request).song
    [lead] = [track for track in song.tracks if track.name == "lead"]
    assert [(n.onset, n.pitch) for n in lead.notes] == [(n.onset - 16, n.pitch) for n in OWN]
    again = jam.Request.from_json(request.to_json(), request.files)
    assert jam.generate(model, again).song == song


def test_drums_are_nothing_that_is_played_along():
    drums = File("own.mid", write_midi(Song((Track("kit", is_drum=True, notes=(Note(0, 1, 36),)),))))
    with pytest.raises(RequestError, match="has drums"):
        jam.Request(genre={"rock": 1}, own=drums)
    with pytest.raises(RequestError, match="is not a MIDI file"):
        jam.Request(genre={"rock": 1}, own=File("own.mid", b"no"))


def test_who_plays_more_and_harder_is_followed():
    sparse = [Note(n * 2, 1, 60, 50) for n in range(4)]
    dense = [Note(n / 2, 0.5, 60, 110) for n in range(16)]
    chords = [Note(note.onset, 1, pitch, 50) for note in sparse for pitch in (60, 64, 67)]
    low, high = following.settings(sparse, 4.0), following.settings(dense, 4.0)
    assert low["density"] < 0.5 < high["density"] and low["loudness"] < 1 < high["loudness"]
    assert following.settings(chords, 4.0) == low, "a chord is one strike"
    assert following.settings([], 4.0) is None
