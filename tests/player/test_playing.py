"""The player plays what is asked: the compiled loop says what PyTorch says, and what is given comes back."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.player import Piece, play
from engine import RequestError
from engine.core.song import Note, Song, Track
from engine.player import choosing, compiled, desk, grammar, vocabulary
from engine.player.bars import Bar, bars_of, lay, read_song
from engine.player.brief import REST, Brief
from engine.player.desk import bias_of, desk_of, rounded
from engine.player.lanes import decode, encode
from engine.player.model import Model
from engine.player.network import CONTROLS, Config, Player
from engine.player.playing import CANDIDATES, TONICS, Section, perform, phrases
from engine.player.song import lanes_by_bar, song_of
from training.player.habits import HABITS, meets, meets_the_kick, newcomers, repeats, roots, strikes
from training.player.measures import chord_share

COMBOS = ((36, 42), *[(35, 60 + n % 60) for n in range(vocabulary.COMBOS - 1)])
DRUMS, PIANO, GUITAR, BASS, STRINGS, LEAD = range(6)
TUNE = {n: {LEAD: [(0, 8, 72 + n % 5), (8, 8, 76)]} for n in range(12)}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = Player(Config(("jazz", "rock"), width=32, layers=2, heads=2, hidden=48))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.1)  # not the identity that a block begins as
        network.head.weight[vocabulary.END] = 0  # so that bars are long
    return Model(rounded(network.eval()), COMBOS)


def whole(model, **asked):
    return list(perform(model, Brief(**asked)))


def as_given(bars, lanes):
    """What a brief keeps of some bars: these lanes, with rests where they rest, their grids and chords."""
    return {
        "given": {n: {lane: list(bar.lanes.get(lane, ())) for lane in lanes} for n, bar in enumerate(bars)},
        "grids": {n: bar.grid for n, bar in enumerate(bars)},
        "chords": {2 * n + half: chord for n, bar in enumerate(bars) for half, chord in enumerate(bar.chords)},
    }


@pytest.mark.parametrize("temperature", [0, 0.8, 1.0])
@pytest.mark.parametrize("genre", ["jazz", "rock"])
def test_the_compiled_loop_says_what_pytorch_says_token_for_token(model, genre, temperature):
    piece = Piece(np.eye(1, CONTROLS, 0, dtype=np.int64)[0] * model.genres.index(genre),
                  np.random.default_rng([6, 0, 5]), bars=8, classes=model.classes)  # fmt: skip
    play(model.network, [piece], temperature=temperature)
    bars = whole(model, bars=8, genre={genre: 1}, temperature=temperature, seed=6)
    assert [(bar.grid, dict(bar.lanes)) for bar in bars] == lanes_by_bar(piece.tokens, COMBOS)
    assert len(piece.tokens) > 40


def test_a_desk_grows_with_what_is_written(model, monkeypatch):
    asked = {"bars": 16, "seed": 3, "given": {n: {LEAD: notes[LEAD]} for n, notes in TUNE.items()}}
    wanted = whole(model, **asked)
    monkeypatch.setattr(desk, "ROOM", 16)
    assert whole(model, **asked) == wanted


def test_what_is_read_together_is_what_is_written_one_by_one(model):
    plan = [vocabulary.PLAN, *[vocabulary.bar(0), vocabulary.chord(0), vocabulary.chord(5)] * 8]
    note = [vocabulary.track(PIANO, 0), vocabulary.event(0, 4), vocabulary.PITCH + 60]
    tokens = np.array([*plan, vocabulary.GO, *note])
    controls, uniform = np.zeros((1, CONTROLS), np.int64), np.zeros((1, 1))
    desks = [desk_of(model.network, [{}], controls, (4, 4), model.classes, uniform) for _ in range(2)]
    compiled.read(model.weights, desks[0], tokens)
    compiled.play(model.weights, desks[1], tokens.astype(np.int32)[None], np.ones((1, vocabulary.TOKENS), bool), 1.0,
                  np.ones(3), False)  # fmt: skip
    time = len(tokens)
    for name, one, other in zip(desks[0]._fields, *desks):
        if isinstance(one, np.ndarray) and name not in ("keys", "values", "loudest", "states"):
            np.testing.assert_allclose(one, other, atol=1e-4)
    np.testing.assert_allclose(desks[0].states[:, time - 1], desks[1].states[:, time - 1], atol=1e-4)
    for name, part in {"keys": 4, "values": 4, "loudest": 1e-4}.items():
        one, other = (getattr(desk, name)[:, :, :, :time].astype(float) for desk in desks)
        np.testing.assert_allclose(one, other, atol=part)
    for one, other in zip(desks[0].machines, desks[1].machines):
        assert np.array_equal(one, other)


def test_same_seed_same_bars_alone_or_among_others_and_another_seed_others(model):
    alone = whole(model, bars=4, seed=3)
    assert alone == whole(model, bars=4, seed=3) != whole(model, bars=4, seed=4)
    others = Brief(4, {"rock": 1.0}, lanes=(DRUMS, PIANO), busy={PIANO: 7}, seed=9), Brief(4, {"jazz": 1.0}, seed=5)
    assert phrases(model, [others[0], Brief(4, seed=3), others[1]])[1] == alone


def test_a_longer_piece_begins_as_the_shorter_one(model):
    long = whole(model, bars=20, seed=1)
    for bars in (1, 8, 12):
        assert whole(model, bars=bars, seed=1) == long[:bars]


def test_a_section_that_hears_each_bar_as_it_comes_is_the_one_that_hears_them_at_once(model):
    bars = whole(model, bars=16, seed=1)
    plans = [Bar(bar.grid, bar.chords) for bar in bars[:8]]
    section = Section(model, [Brief(16, seed=1)], plans, 8)
    for bar in bars[:8]:
        section.hear(bar)
    assert [bar for (bar,) in section.play()] == bars[8:]


def test_one_player_written_anew_leaves_the_others_note_for_note(model):
    bars = whole(model, bars=12, seed=2)
    others = [lane for lane in range(5) if lane != PIANO]
    again = whole(model, bars=12, seed=7, **as_given(bars, others))
    for old, new in zip(bars, again):
        assert {k: list(x) for k, x in new.lanes.items() if k != PIANO} == {
            k: list(x) for k, x in old.lanes.items() if k != PIANO
        }
        assert (new.grid, new.chords) == (old.grid, old.chords)
    assert [bar.lanes.get(PIANO) for bar in bars] != [bar.lanes.get(PIANO) for bar in again]


def test_bars_between_those_that_are_kept_are_written_anew_and_hear_what_follows(model):
    bars = whole(model, bars=16, seed=2)
    kept = as_given(bars, range(5))
    kept["given"] = {n: lanes for n, lanes in kept["given"].items() if n not in (4, 5)}
    anew = whole(model, bars=16, seed=8, **kept)
    same = [old.lanes == {k: list(x) for k, x in new.lanes.items()} for old, new in zip(bars, anew)]
    assert all(same[:4]) and all(same[6:]) and not all(same[4:6])
    kept["given"][8] = {DRUMS: [(0, 1, 36)], PIANO: [(0, 16, 60)], GUITAR: [], BASS: [(0, 16, 36)], STRINGS: []}
    other = whole(model, bars=16, seed=8, **kept)
    assert other[4:6] != anew[4:6]


def test_a_tune_is_kept_and_the_band_plays_under_it(model):
    bars = whole(model, bars=12, given=TUNE, seed=1)
    assert [bar.lanes[LEAD] for bar in bars] == [TUNE[n][LEAD] for n in range(12)]
    assert {lane for bar in bars for lane in bar.lanes} > {LEAD}
    assert all(bar.grid == vocabulary.STRAIGHT for bar in bars)
    other = {n: {LEAD: [(4, 4, 65)]} for n in range(12)}
    assert [bar.lanes.get(BASS) for bar in bars] != [
        bar.lanes.get(BASS) for bar in whole(model, bars=12, given=other, seed=1)
    ]


def test_chords_that_are_given_are_the_plan_and_others_are_the_networks(model):
    bars = whole(model, bars=3, chords={0: 5, 1: 5, 2: -1, 4: 83}, seed=1)
    assert bars[0].chords == (5, 5) and bars[1].chords[0] == -1 and bars[2].chords[0] == 83


def test_corrections_move_chance_between_the_end_of_a_bar_and_lanes_but_not_to_longer_lanes():
    """Of END, a new lane, an earlier bar again and another event: the first three share what they had."""
    may = np.array([vocabulary.END, vocabulary.track(BASS, 0), vocabulary.track(BASS, 1), vocabulary.event(4, 2)])
    bias = bias_of({"end": -np.log(3), "again": np.log(2)})
    chance = np.array([0.3, 0.2, 0.1, 0.4])
    choosing._correct(chance, may, bias)
    np.testing.assert_allclose(chance, [0.12, 0.24, 0.24, 0.4], rtol=1e-6)
    alone = np.array([0.25, 0.75])
    choosing._correct(alone, may[[0, 3]], bias)
    np.testing.assert_allclose(alone, [0.25, 0.75], rtol=1e-6)


def test_only_chords_that_are_given_are_leaned_to_and_the_more_the_heavier(model):
    def chord_tones(weight, **asked):
        bars = whole(replace(model, rates={"chord": weight}), bars=8, seed=2, lanes=(PIANO, BASS), **asked)
        return bars, chord_share(bars, [(0, 0)] * 8)

    given = {"chords": dict.fromkeys(range(16), 0)}
    shares = [chord_tones(weight, **given)[1] for weight in (0.0, 1.0, 6.0)]
    assert shares == sorted(shares) and shares[0] < shares[1] and shares[2] > 0.9
    assert chord_tones(0.0)[0] == chord_tones(6.0)[0]


def test_rests_become_rarer_where_the_end_is_corrected(model):
    often = replace(model, rates={"end": 3.0})
    played = [sum(len(bar.lanes) for bar in whole(one, bars=8, seed=4)) for one in (often, model)]
    assert played[0] < played[1]


@pytest.mark.parametrize("meter", sorted(vocabulary.METERS))
def test_only_the_lanes_that_are_asked_for_play_in_any_meter(model, meter):
    bars = whole(model, bars=9, meter=meter, lanes=(DRUMS, BASS), seed=5)
    assert {lane for bar in bars for lane in bar.lanes} == {DRUMS, BASS}
    song = song_of(bars, meter)
    assert song.meter == meter and song.beats <= 9 * song.beats_per_bar


def test_busyness_register_temperature_and_genre_change_what_is_played(model):
    plain = whole(model, bars=2, seed=1)
    for asked in ({"busy": {DRUMS: 7, PIANO: 7}}, {"register": {BASS: 1, PIANO: 7}}, {"genre": {"rock": 1.0}},
                  {"genre": {"rock": 1.0, "jazz": 1.0}}, {"temperature": 0.5}, {"top_p": 0.3}):  # fmt: skip
        assert whole(model, bars=2, seed=1, **asked) != plain, asked


def test_a_genre_can_be_played_more_or_less_as_what_it_is(model):
    def played(style, genre, **asked):
        rates = dict.fromkeys(("style, jazz", "style, rock"), style)
        return whole(replace(model, rates=rates), bars=2, genre=genre, seed=3, **asked)

    jazz, rock = {"jazz": 1.0}, {"rock": 1.0}
    assert played(0, jazz) == played(0, rock) == played(1, {"jazz": 1.0, "rock": 1.0}), "the middle of all"
    assert played(1, jazz) == whole(model, bars=2, genre=jazz, seed=3) != played(4, jazz) != played(4, rock)
    assert played(4, {}) == played(1, {}), "no genre is none of them"
    chords = dict.fromkeys(range(4), 5)
    assert played(4, jazz, chords=chords) == played(1, jazz, chords=chords), "chords that are given are not left for it"


def test_what_is_all_given_comes_back_as_it_is(model):
    given = {n: {lane: [(0, 1, 36)] if lane == DRUMS else [] for lane in range(5)} for n in range(3)}
    assert whole(model, bars=3, given=given) == [Bar(lanes={DRUMS: [(0, 1, 36)]})] * 3


@pytest.mark.parametrize(("wrong", "words"), [
    ({"bars": 0}, "1 to 128 bars"),
    ({"bars": 129}, "1 to 128 bars"),
    ({"bars": 4, "meter": (5, 4)}, "not 5/4"),
    ({"bars": 4, "given": {4: {BASS: []}}}, "Bar 5 is given, but the piece has 4"),
    ({"bars": 4, "busy": {BASS: 8}}, "busyness"),
    ({"bars": 4, "register": {BASS: 0}}, "register"),
    ({"bars": 4, "lanes": (6,)}, "lanes are 0 to 5"),
    ({"bars": 4, "given": {0: {6: []}}}, "lanes are 0 to 5"),
    ({"bars": 4, "form": [[0] * 5] * 3}, "form has 3 bars, and the piece 4"),
    ({"bars": 4, "chords": {0: 84}}, "0 to 83, or -1"),
    ({"bars": 4, "grids": {2: 2}}, "Bar 3 is on grid 2"),
    ({"bars": 4, "meter": (12, 8), "grids": {0: 1}}, "grid 1, which bars of 12/8 lack"),
    *(({"bars": 4, "given": {1: {LEAD: [note]}}}, "Bar 2 has 16 steps: what is given to lead") for note in (
        (16, 1, 60), (-1, 1, 60), (0.5, 1, 60), (0, 0, 60), (0, 1.5, 60), (0, 1, 128), (0, 1, -1))),
])  # fmt: skip
def test_what_cannot_be_played_is_said(wrong, words):
    with pytest.raises(RequestError, match=words):
        Brief(**wrong)


def test_a_genre_that_is_not_known_is_said(model):
    with pytest.raises(RequestError, match="'polka' is not a genre"):
        whole(model, bars=1, genre={"polka": 1.0})
    with pytest.raises(RequestError, match="at most 8 bars"):
        phrases(model, [Brief(9)])


notes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 63), st.integers(1, 64), st.integers(0, 127)),
                 min_size=1, max_size=40, unique_by=lambda n: (n[0], n[1], n[3]))  # fmt: skip


@settings(deadline=None)
@given(notes)
def test_notes_on_sixteenths_are_laid_on_bars_and_come_back(rows):
    lane, step, length, pitch = np.array(sorted(rows, key=lambda row: row[1])).T
    length = np.where(lane == DRUMS, 1, length)
    on_bars = lay(lane, step * 6, length * 6, pitch, (4, 4))
    bars = bars_of(replace(on_bars, grid=np.zeros_like(on_bars.grid)))
    if (on_bars.grid == vocabulary.STRAIGHT).all():
        found = sorted(
            (k, n * 16 + s, d, p) for n, bar in enumerate(bars) for k, x in bar.lanes.items() for s, d, p in x
        )
        assert found == sorted(zip(lane.tolist(), step.tolist(), length.tolist(), pitch.tolist()))
        assert not on_bars.away.any()


def a_song(*notes, name="piano", meter=(4, 4)):
    return Song((Track(name).with_notes(Note(*note) for note in notes),), meter=meter)


def test_a_song_is_read_as_bars_and_comes_back_from_them():
    song = a_song((0, 1, 60), (1.5, 0.5, 62), (6, 3, 64))
    bars, remarks = read_song(song)
    assert remarks == () and [bar.lanes for bar in bars] == [
        {PIANO: [(0, 4, 60), (6, 2, 62)]},
        {PIANO: [(8, 12, 64)]},
        {},
    ]
    again = song_of(bars).tracks[PIANO].notes
    assert [(n.onset, n.duration, n.pitch) for n in again] == [(0, 1, 60), (1.5, 0.5, 62), (6, 3, 64)]
    assert read_song(song, shift=2)[0][0].lanes == {PIANO: [(0, 4, 62), (6, 2, 64)]}


@pytest.mark.parametrize(("song", "words"), [
    (a_song((0.1, 1, 60), (1, 1, 62)), "1 of 2 notes lie beside the grid"),
    (a_song((0, 20, 60)), "longer than four bars"),
])  # fmt: skip
def test_what_is_heard_otherwise_than_it_is_played_is_said(song, words):
    bars, (remark,) = read_song(song)
    assert words in remark and bars[0].lanes[PIANO]


@pytest.mark.parametrize(("song", "words"), [
    (a_song(), "no notes"),
    (a_song((0, 1, 60), name="kazoo"), "'kazoo' is none of the player's lanes"),
    (a_song((0, 1, 60), meter=(7, 8)), "not 7/8"),
    (a_song((512, 1, 60)), "129 bars; the player keeps at most 128"),
])  # fmt: skip
def test_a_song_that_cannot_be_kept_is_refused(song, words):
    with pytest.raises(RequestError, match=words):
        read_song(song)


def test_notes_of_the_planned_chords_can_be_raised_and_come_no_more_often_for_it(model):
    """Other notes come, of the chord more often, of the bass its root in the first beat; drums hear nothing of it."""

    def played(pull, lanes):
        raised = replace(model, rates={"chord": pull})
        return whole(raised, bars=8, lanes=lanes, chords=dict.fromkeys(range(16), 31), seed=2)  # G7

    def share(bars, lane, tones):
        pitches = [pitch for bar in bars for _, _, pitch in bar.lanes.get(lane, ())]
        return np.mean([pitch % 12 in tones for pitch in pitches])

    free, raised = played(0.0, (PIANO, BASS)), played(3.0, (PIANO, BASS))
    assert share(raised, PIANO, {7, 11, 2, 5}) > share(free, PIANO, {7, 11, 2, 5}) + 0.2
    assert share(raised, BASS, {7, 11, 2, 5}) > share(free, BASS, {7, 11, 2, 5}) + 0.2
    assert played(0.0, (DRUMS,)) == played(3.0, (DRUMS,))


def test_no_pitched_lane_plays_a_bar_again_over_other_chords_that_are_given(model):
    repeating = replace(model, rates={"again": 9.0, "end": -20.0})

    def again(lane, chords):
        planned = {half: chords[half // 2 % 2] for half in range(16)}
        bars = whole(repeating, bars=8, lanes=(lane,), chords=planned, seed=2)
        return [now.lanes[lane] == before.lanes[lane] for before, now in pairwise(bars)]

    assert any(again(PIANO, (0, 0))) and not any(again(PIANO, (0, 5))) and any(again(DRUMS, (0, 5)))


def test_a_part_keeps_out_of_the_tunes_way(model):
    """Beside a held tune that is a semitone from notes of the chord, those come more seldom."""
    tune = {n: {LEAD: [(0, 16, 72)]} for n in range(8)}  # C over G7: B is a semitone below

    def share(pull):
        bars = whole(replace(model, rates={"chord": pull}), bars=8, lanes=(PIANO,), given=tune,
                     grids=dict.fromkeys(range(8), 0), chords=dict.fromkeys(range(16), 31), seed=2)  # fmt: skip
        pitches = [pitch for bar in bars for _, length, pitch in bar.lanes.get(PIANO, ()) if length > 1]
        return np.mean([pitch % 12 in (11, 1) for pitch in pitches])

    assert share(2.0) < share(0.0) / 2


FORM = [[0, 0, -1, 0, 0], [1, 0, -1, 1, -1], [0, 2, 0, 2, -1], [2, 1, 0, 1, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_a_form_says_who_rests_and_whose_bars_come_again(model, seed):
    form = [FORM[bar % 4] for bar in range(8)] + [[16] * 5] * 8  # too far before: a bar of its own
    form += [[16 if lane != STRINGS else 0 for lane in range(5)]] * 8
    bars = whole(model, bars=24, form=form, seed=seed)
    for number, (bar, row) in enumerate(zip(bars, form)):
        for lane, back in enumerate(row):
            notes = bar.lanes.get(lane)
            if back == REST:
                assert not notes
            elif 0 < back <= number and bars[number - back].grid == bar.grid and bars[number - back].lanes.get(lane):
                earlier = bars[number - back].lanes[lane]
                once = decode(encode(lane, earlier, model.numbered), COMBOS)  # of one pitch at one step one note
                assert notes in (earlier, once)
            else:
                assert notes
    for lane in range(5):
        assert bars[0].lanes.get(lane) != bars[2].lanes.get(lane) or form[2][lane] != 0 or not bars[0].lanes.get(lane)


def test_a_form_side_by_side_is_what_it_is_alone(model):
    briefs = [Brief(4, form=FORM, seed=1), Brief(4, form=FORM[::-1], seed=2, lanes=(DRUMS, BASS)), Brief(4, form=FORM)]
    assert phrases(model, briefs) == [list(perform(model, brief)) for brief in briefs]


class Fewest:
    """A ranker that likes few notes."""

    def scores(self, candidates, genre):
        assert genre in ({"jazz": 1.0}, {"rock": 1.0})
        return np.array([-notes_of(bars) for bars in candidates])


def notes_of(bars):
    return sum(len(notes) for bar in bars for notes in bar.lanes.values())


def test_what_is_ranked_first_is_taken_alone_side_by_side_and_in_a_longer_piece(model):
    ranked = replace(model, ranker=Fewest())
    asked = [Brief(8, {genre: 1.0}, form=FORM * 2, seed=seed) for seed, genre in enumerate(("jazz", "rock"))]
    alone = [list(perform(ranked, brief)) for brief in asked]
    assert phrases(ranked, asked) == alone
    every = Section(model, asked[:1], [], 0, range(CANDIDATES))
    drawn = [list(bars) for bars in zip(*every.play())]
    assert drawn[0] == list(perform(model, asked[0])) and notes_of(alone[0]) == min(map(notes_of, drawn))
    assert len({notes_of(bars) for bars in drawn}) > CANDIDATES // 2
    long = replace(asked[0], bars=20, form=FORM * 5)
    longer = list(perform(ranked, long))
    assert longer[:8] == alone[0] and notes_of(longer) < notes_of(perform(model, long))


def test_a_meter_that_the_ranker_does_not_know_is_drawn_once(model):
    waltz = Brief(4, {"jazz": 1.0}, (3, 4), seed=3)
    assert list(perform(replace(model, ranker=Fewest()), waltz)) == list(perform(model, waltz))


def test_over_chords_that_are_given_a_bar_comes_again_only_where_they_do(model):
    chords = {0: 0, 1: 0, 2: 5, 3: 5, 4: 0, 5: 0, 6: 5, 7: 5}
    form = [[0] * 5, [1] * 5, [2] * 5, [2] * 5]
    bars = whole(model, bars=4, form=form, chords=chords, seed=4)
    assert bars[1].lanes[DRUMS] == bars[0].lanes[DRUMS] and bars[2].lanes[PIANO] == bars[0].lanes[PIANO]
    assert bars[1].lanes[PIANO] != bars[0].lanes[PIANO] and bars[3].lanes[PIANO] == bars[1].lanes[PIANO]


def test_a_piece_that_ends_does_so_in_its_last_bar_alone_on_the_tonic(model):
    form = [[0] * 5] * 16
    ends, goes_on = (whole(model, bars=16, form=form, ends=ends, seed=6) for ends in (True, False))
    assert ends[:8] == goes_on[:8]
    assert ends[-1].chords[0] == ends[-1].chords[1] and ends[-1].chords[0] in TONICS


@pytest.mark.parametrize("name", ["repeat, piano", "root", "kit"])
def test_the_weight_of_a_habit_moves_it(model, name):
    def habit(weight):
        weighted = replace(model, rates={name: weight})
        so, could = np.sum([HABITS[name](whole(weighted, bars=16, seed=seed)) for seed in range(3, 9)], 0)
        return so / could

    assert habit(-12.0) < habit(12.0)


def test_sets_of_drums_are_raised_for_each_drum_in_them(model):
    machine, drums = grammar.start(classes=model.classes), np.log([2.0, 3.0, *[1.0] * 10])  # kick and snare
    may = np.array([vocabulary.PITCH + 36, vocabulary.PITCH + 42, vocabulary.COMBO, vocabulary.COMBO + 1])
    chance = np.full(4, 0.25)
    choosing._equip(chance, may, machine, drums, 0.0)
    sets = (36,), (42,), *model.combos[:2]
    raised = [np.prod([{35: 2.0, 36: 2.0, 38: 3.0}.get(drum, 1.0) for drum in each]) for each in sets]
    np.testing.assert_allclose(chance, 0.25 * np.array(raised), rtol=1e-6)


def test_a_drum_that_is_new_is_lowered_from_the_second_bar_on_but_no_crash(model):
    may = vocabulary.PITCH + np.array([36, 35, 49, 128, 129])  # two kicks, a crash, and the first two combos
    machine, same = grammar.start(classes=model.classes), np.zeros(len(grammar.DRUM_NAMES))
    script = [vocabulary.PLAN, *[vocabulary.BAR, vocabulary.CHORD, vocabulary.CHORD] * 2]
    kick = [vocabulary.track(DRUMS, 0), vocabulary.event(0, 1), vocabulary.PITCH + 36]
    for bar, tokens in enumerate(([*script, vocabulary.GO, *kick], [vocabulary.GO + 1])):
        for token in tokens:
            grammar.advance(machine, token)
        chance = np.ones(len(may))
        choosing._equip(chance, may, machine, same, np.log(0.5))
        new = [sum(drum not in (36, 49) for drum in drums) for drums in ((36,), (35,), (49,), *model.combos[:2])]
        assert new[1] and new[3] and new[4] > 1
        np.testing.assert_allclose(chance, 0.5 ** np.array(new) if bar else 1.0)


def test_drums_are_new_once_and_crashes_never():
    bars = [Bar(0, (0, 0), {DRUMS: [(0, 1, drum) for drum in drums]}) for drums in ((), (36, 42), (36, 35), (35, 49))]
    assert newcomers(bars) == (1, 3) and newcomers(bars[:2]) == (0, 0)


def test_habits_are_counted_by_hand():
    bar = Bar(0, (0, 0), {DRUMS: [(0, 1, 36), (0, 1, 42), (8, 1, 38)], PIANO: [(0, 4, 60), (0, 4, 64), (8, 4, 64)],
                          GUITAR: [(0, 2, 50), (4, 2, 52)], BASS: [(0, 4, 36), (8, 4, 36)]})  # fmt: skip
    assert repeats(bar, PIANO) == (1, 1) and repeats(bar, GUITAR) == (0, 1) and repeats(bar, STRINGS) == (0, 0)
    assert meets(bar, GUITAR, (PIANO,)) == (1, 2) and meets_the_kick(bar) == (1, 2)
    assert [strikes(bar, drums) for drums in range(3)] == [(1, 2), (1, 2), (1, 2)] and strikes(bar, 4) == (0, 2)
    other = replace(bar, chords=(0, 7))  # C, and from step 8 on G
    assert roots(bar) == (2, 2) and roots(other) == (1, 2) and roots(replace(bar, chords=(-1, 0))) == (1, 1)


def test_a_bar_that_follows_a_long_rhythm_ends_within_the_room_there_is_for_it(model):
    row = next(n for n in range(vocabulary.RHYTHM, len(vocabulary.RELATIONS)) if vocabulary.RELATIONS[n] == 1)
    events = [(step, length) for step in range(16) for length in (1, 2, 3)]
    rhythm = [token for step, length in events for token in (vocabulary.event(step, length), vocabulary.PITCH + 60)]
    plan = [vocabulary.PLAN, *[vocabulary.bar(0), vocabulary.chord(0), vocabulary.chord(5)] * 8]
    first = [vocabulary.GO, vocabulary.track(PIANO, 0), *rhythm]
    script = [*plan, *first, vocabulary.GO + 1, vocabulary.track(PIANO, row), compiled.LANES]
    controls = np.zeros((1, CONTROLS), np.int64)
    music = desk_of(model.network, [{}], controls, (4, 4), model.classes, np.full((1, 1), 0.02)).with_room(8192)
    may = np.ones((1, vocabulary.TOKENS), bool)
    fair = model.weights._replace(head=np.zeros_like(model.weights.head))  # by which the next pitch is the one above
    compiled.play(fair, music, np.array([script], np.int32), may, 1.0, np.ones(3), False)
    written = music.tokens[0, len(plan) + len(first) + 1 : music.time[0]]
    assert desk.LONG_BAR < len(written) <= desk.MOST, "chords of many notes, and then one note for each"
    told = [token for token in written.tolist() if vocabulary.EVENT <= token < vocabulary.PITCH]
    assert told == [token for token in rhythm if token < vocabulary.PITCH], "the whole rhythm all the same"
