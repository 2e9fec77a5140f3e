"""The player plays what is asked: the compiled loop says what PyTorch says, and what is given comes back."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.player import Piece, play
from engine import RequestError
from engine.player import compiled, desk, vocabulary
from engine.player.bars import Bar
from engine.player.brief import REST, Brief
from engine.player.candidates import CANDIDATES, CHOICE, CHOICES, candidates_of
from engine.player.desk import desk_of
from engine.player.lanes import decode, encode
from engine.player.network import CONTROLS
from engine.player.playing import TONICS, Section, perform, phrases
from engine.player.song import lanes_by_bar, song_of
from tests.tiny_player import BASS, COMBOS, DRUMS, GUITAR, LEAD, PIANO, STRINGS, TUNE, whole


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
                  np.random.default_rng([20, 0, 5, 0, 0]), bars=CHOICE, classes=model.classes)  # fmt: skip
    play(model.network, [piece], temperature=temperature)
    bars = whole(model, bars=CHOICE, genre={genre: 1}, temperature=temperature, seed=20)
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
    tokens = np.array([*plan, vocabulary.GO, *note], np.int32)
    controls, uniform = np.zeros((1, CONTROLS), np.int64), np.zeros((1, 1))
    desks = [desk_of(model.network, [{}], controls, (4, 4), model.classes, uniform) for _ in range(2)]
    compiled.read(model.weights, desks[0], tokens)
    compiled.play(model.weights, desks[1], tokens[None], np.ones((1, vocabulary.TOKENS), bool), 1.0,
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
    every = Section(model, asked[:1], [], 0, candidates_of(ranked, asked[0], 0))
    drawn = [list(bars) for bars in zip(*every.play())]
    assert drawn[0] == list(perform(model, asked[0])) and notes_of(alone[0]) <= min(map(notes_of, drawn))
    assert len({notes_of(bars) for bars in drawn}) > CANDIDATES // 2
    long = replace(asked[0], bars=20, form=FORM * 5)
    longer = list(perform(ranked, long))
    assert longer[:8] == alone[0] and notes_of(longer) < notes_of(perform(model, long))


def test_it_is_chosen_after_a_few_bars_and_all_go_on_from_there(model):
    brief, ranked = Brief(8, {"jazz": 1.0}, form=FORM * 2, seed=5), replace(model, ranker=Fewest())
    taken = Section(ranked, [brief], [], 0, candidates_of(ranked, brief, 0)).ranked()[0]
    for choice, number in enumerate(taken.path):
        until = CHOICE * (choice + 1)
        paths = [(*taken.path[:choice], n, *[0] * (CHOICES - choice - 1)) for n in range(CANDIDATES)]
        ways = [Section(model, [brief], [], 0, [path]).chosen()[0][:until] for path in paths]
        assert taken.bars[:until] == ways[number] and notes_of(ways[number]) == min(map(notes_of, ways))
        assert taken.scores[choice] == tuple(-notes_of(bars) for bars in ways)
    assert len(taken.path) == CHOICES and len({notes_of(bars) for bars in ways}) > 2, "they are not all the same"


def test_a_meter_that_the_ranker_does_not_know_is_drawn_once(model):
    waltz = Brief(4, {"jazz": 1.0}, (3, 4), seed=3)
    assert list(perform(replace(model, ranker=Fewest()), waltz)) == list(perform(model, waltz))


def test_over_chords_that_are_given_a_bar_comes_again_only_where_they_do(model):
    chords = {0: 0, 1: 0, 2: 5, 3: 5, 4: 0, 5: 0, 6: 5, 7: 5}
    form = [[0] * 5, [1] * 5, [2] * 5, [2] * 5]
    bars = whole(model, bars=4, form=form, chords=chords, seed=2)
    assert bars[1].lanes[DRUMS] == bars[0].lanes[DRUMS] and bars[2].lanes[PIANO] == bars[0].lanes[PIANO]
    assert bars[1].lanes[PIANO] != bars[0].lanes[PIANO] and bars[3].lanes[PIANO] == bars[1].lanes[PIANO]


def test_a_piece_that_ends_does_so_in_its_last_bar_alone_on_the_tonic(model):
    form = [[0] * 5] * 16
    ends, goes_on = (whole(model, bars=16, form=form, ends=ends, seed=6) for ends in (True, False))
    assert ends[:8] == goes_on[:8]
    assert ends[-1].chords[0] == ends[-1].chords[1] and ends[-1].chords[0] in TONICS


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
