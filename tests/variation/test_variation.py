"""Variation's promises, on small untrained networks where any network will do and on the shipped weights where not."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import RequestError, variation
from engine.core.pianoroll import TRACKS, note_ends
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.variation.bars import read
from engine.variation.continuation import lead_of
from engine.variation.layout import Layout
from engine.variation.model import of_network
from engine.variation.network import Network
from engine.variation.predictors import HISTORY, NextBar, NextConfig
from engine.variation.request import LATENTS, PATH, Request
from engine.variation.vae import BarVae, VAEBank, VaeConfig
from engine.variation.variations import remarks_of
from tests.variation.songs import asked, extend, vary, walk

SHIPPED = [k for k in LATENTS if (PATH / f"k{k}" / "config.json").exists()]


@pytest.fixture(scope="module")
def small():
    """A model of random weights, K = 8, with thresholds low enough that it writes notes."""
    torch.manual_seed(0)
    config = VaeConfig(8, 16, 24, 32)
    network = Network(VAEBank(dict.fromkeys(TRACKS, config), dict.fromkeys(TRACKS, 0.02)))
    return of_network(network, 0.5, device="cpu")


@pytest.fixture(scope="module")
def model():
    if not SHIPPED:
        pytest.skip("no weights are shipped")
    return variation.load(PATH / f"k{32 if 32 in SHIPPED else SHIPPED[0]}", "cpu")


def tune(meter=(4, 4), bars=4, piano=True) -> Song:
    """A small band: no two tracks alike, swung hats, a pedal over the bar line, a piano up to E7."""
    bar = meter[0] * 4 / meter[1]
    drums, keys, bass = [], [], []
    for n in range(bars):
        at = n * bar
        drums += [Note(at + b / 2 + (0.07 if b % 2 else 0), 0.25, 42, 60 + 10 * (b % 2)) for b in range(int(2 * bar))]
        drums += [Note(at, 0.25, 36, 110), Note(at + bar / 2, 0.25, 38, 100)]
        keys += [Note(at + b, 0.75, p + n, 70 + n) for b in range(int(bar)) for p in (60, 64, 67)]
        bass += [Note(at, bar, 36 + n, 90)]
    keys.append(Note(1.0, bar, 100, 55))
    return Song((
        Track("drums", 0, True).with_notes(drums),
        Track("piano", 4).with_notes(keys) if piano else Track("strings", 48).with_notes(keys),
        Track("bass", 38).with_notes(bass),
    ), 97.0, meter, "tune")  # fmt: skip


def notes(song: Song, name: str):
    return next(t for t in song.tracks if t.name == name).notes


# ---- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "meter, steps, parts",
    [((4, 4), 16, 1), ((3, 4), 12, 1), ((7, 8), 14, 1), ((5, 4), 20, 2), ((12, 8), 24, 2), ((2, 4), 8, 1)],
)
def test_every_step_of_a_meter_lies_in_exactly_one_window(meter, steps, parts):
    grid = read(tune(meter))
    assert {(bar.steps, len(bar.cells)) for bar in grid.layout.bars} == {(steps, parts)}
    used = grid.layout.at[grid.layout.at >= 0]
    assert sorted(used) == list(range(grid.bars * steps))


def test_a_note_is_an_onset_and_the_cells_that_sound_across_the_bar_line_too():
    grid = read(Song((Track("p", 0).with_notes([Note(3.0, 2.0, 60), Note(3.5, 0.25, 62)]),)))
    piano = grid.rolls[1]
    assert piano[:, 0].sum() == 2 and piano[0, 0, 12, 36] and piano[0, 0, 14, 38]
    assert piano[0, 1, 12:, 36].all() and piano[1, 1, :4, 36].all() and not piano[1, 1, 4:, 36].any()
    assert piano[:, 1, :, 38].sum() == 1


def test_repeated_notes_survive():
    song = Song((Track("p", 0).with_notes([Note(n / 4, 0.25, 60) for n in range(16)]),))
    grid = read(song)
    assert notes(grid.song(grid.rolls), "p") == song.tracks[0].notes


def test_ends_stop_at_the_next_onset_and_at_silence():
    onsets, sounding = np.zeros((2, 8, 1), bool)
    onsets[[0, 3]] = True
    sounding[[0, 1, 2, 3, 4, 6]] = True
    assert note_ends(onsets, sounding)[[0, 3], 0].tolist() == [3, 5]


def test_a_grid_plays_its_own_rolls_as_the_song_to_the_last_tick():
    song = tune()
    grid = read(song)
    again = grid.song(grid.rolls)
    for name, track in zip(("drums", "piano", "bass"), song.tracks):
        assert notes(again, name) == track.notes  # swing, lengths, velocities, the note above the range
    assert [t.program for t in again.tracks][1] == 4 and again.tempo == 97.0


def test_new_notes_take_the_velocity_around_them_and_the_swing_of_their_step():
    grid = read(tune())
    rolls = grid.rolls.copy()
    rolls[0, 0, :, 2, 56 - 24] = True  # a cowbell on the swung second eighth
    new = [n for n in notes(grid.song(rolls), "drums") if n.pitch == 56]
    assert len(new) == 1 and new[0].onset == pytest.approx(0.57) and new[0].velocity == 70


def test_windows_of_a_long_bar_do_not_overlap():
    at = Layout.even(1, 5.0).at
    assert at[0].tolist()[:11] == [*range(10), -1] and at[1][0] == 10


def test_a_bar_is_on_the_grid_that_its_notes_fit():
    def bar(count, at=0.0, length=4.0):
        return [Note(at + n * length / count, length / count, 60 + n % 3) for n in range(count)]

    song = Song((Track("p", 0).with_notes([*bar(16), *bar(12, 4), *bar(24, 8), *bar(32, 12), *bar(4, 16)]),))
    grid = read(song)
    names = ["sixteenths", "triplets", "sextuplets", "thirty-seconds", "sixteenths"]
    assert [bar.division.name for bar in grid.layout.bars] == names and not grid.lost
    assert notes(grid.song(grid.rolls), "p") == pytest.approx(song.tracks[0].notes)
    assert grid.layout.parts.tolist() == [1, 1, 2, 2, 1]
    assert np.flatnonzero(grid.rolls[1, 1, 0].any(1)).tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14]
    late = [replace(n, onset=n.onset + (0.03 if i % 3 else -0.03) * (i > 0)) for i, n in enumerate(bar(16))]
    played = read(Song((Track("p", 0).with_notes(late),)))
    assert played.layout.bars[0].division.name == "sixteenths"
    both = Song((Track("p", 0).with_notes([*bar(8, 0, 2.0), *bar(6, 2, 2.0), *bar(16, 4)]),))
    said = "1 bar is in two divisions of the beat; new notes there are in one of them."
    assert said in remarks_of(both, read(both)) and not any("two" in each for each in remarks_of(song, grid))
    assert not any("two" in each for each in remarks_of(played.lanes, played))


def test_maps_and_an_upbeat_go_through_a_variation(small):
    maps = {"tempo_changes": ((5.0, 60.0), (9.0, 120.0)), "meter_changes": ((9.0, (3, 4)),)}
    song = replace(tune(), upbeat=1.0, keys=((0.0, (2, False)),), **maps)
    for made in (vary(small, song, noise=1.0), vary(small, song, noise=1.0, bars=(1, 2)), extend(small, song, bars=2)):
        for field in ("tempo", "tempo_changes", "meter", "meter_changes", "upbeat", "keys"):
            assert getattr(made, field) == getattr(song, field)
    grid = read(song)
    assert [(bar.begin, bar.length) for bar in grid.layout.bars] == [(0, 1), (1, 4), (5, 4), (9, 3), (12, 3), (15, 3)]
    varied = vary(small, song, noise=1.0, bars=(1, 1))
    for name in ("drums", "piano", "bass"):
        before, after = ([n for n in notes(s, name) if not 0.9 <= n.onset < 4.9] for s in (song, varied))
        assert [(n.onset, n.pitch) for n in after] == [(n.onset, n.pitch) for n in before]
    with pytest.raises(RequestError, match="bars 1 to 5"):
        vary(small, song, bars=(5, 6))


def test_every_instrument_keeps_its_lane_its_name_and_its_program(model):
    tunes = {"Flute": 73, "Trumpet": 56, "Track 3": 48, "Steel drums": 114, "Goblins": 101, "Left": 0, "Right": 0}
    song = Song((
        *(Track(name, program).with_notes([Note(i / 2, 0.5, 60 + (i + n) % 7) for i in range(16)])
          for n, (name, program) in enumerate(tunes.items())),
        Track("Flute", 73).with_notes([Note(0, 4, 80)]), Track("Rain", 122).with_notes([Note(0, 8, 60)]),
    ))  # fmt: skip
    del tunes["Track 3"]  # which has no name, so it is called after its program
    for made in (vary(model, song, noise=1.0), extend(model, song, bars=1)):
        lanes = {t.name: t.program for t in made.tracks if t.notes}
        assert lanes == {**tunes, "String Ensemble 1": 48, "Flute 2": 73, "Rain": 122}
        assert notes(made, "Rain") == song.tracks[-1].notes and any("Rain" in remark for remark in made.remarks)
    varied = vary(model, song, noise=1.0)
    flute, trumpet = notes(varied, "Flute"), notes(varied, "Trumpet")
    assert [(n.onset, n.pitch) for n in flute] != [(n.onset, n.pitch) for n in trumpet]
    held = vary(model, song, noise=1.0, frozen_tracks=("strings",))
    assert notes(held, "Flute") == song.tracks[0].notes and notes(held, "Left") != song.tracks[5].notes
    assert {t.name for t in walk(model, song, tune(), steps=2, step_bars=1)[0].tracks} >= {"Flute", "Trumpet", "drums"}


def test_instruments_beyond_the_most_that_are_varied_stay_and_are_said(small, monkeypatch):
    monkeypatch.setattr("engine.variation.bars.MAX_CELLS", 3)
    song = Song(tuple(Track(f"Flute {n}", 73).with_notes([Note(0, 4, 60 + n)]) for n in range(1, 6)))
    made = vary(small, song, noise=1.0)
    assert [notes(made, f"Flute {n}") for n in (4, 5)] == [song.tracks[n].notes for n in (3, 4)]
    assert "stay as they are: Flute 4, Flute 5." in made.remarks[-1]


def test_a_song_of_effects_alone_stays_as_it_is_and_that_is_said(small):
    song = Song((Track("Rain", 122).with_notes([Note(0, 1, 60)]),))
    for made in (vary(small, song), extend(small, song, bars=1)):
        assert notes(made, "Rain") == song.tracks[0].notes and "Rain" in made.remarks[-1]


@pytest.mark.parametrize(
    "song, words",
    [
        (Song(), "no notes"),
        (Song((Track("x", 0).with_notes([Note(9000, 1, 60)]),)), "at most 2048"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_words(small, song, words):
    with pytest.raises(RequestError, match=words):
        vary(small, song)


# ---- networks --------------------------------------------------------------------------------------------------------


@pytest.mark.training
def test_a_vae_learns_one_batch_by_heart():
    torch.manual_seed(1)
    vae = BarVae(VaeConfig(16, 48, 64, 96))
    rolls = (torch.rand(12, 2, 16, 72) < 0.03).float()
    adam = torch.optim.Adam(vae.parameters(), 3e-3)
    for _ in range(250):
        logits, _, _ = vae(rolls, torch.zeros(12, 16))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, rolls, reduction="sum") / 12
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = torch.sigmoid(vae.decode(vae.encode(rolls)[0])) > 0.5
    assert (found == (rolls > 0)).float().mean() > 0.999
    assert (found & (rolls > 0)).sum() > 0.95 * rolls.sum()


def test_the_pointer_looks_only_at_bars_that_are_there_and_sound():
    torch.manual_seed(0)
    net = NextBar(NextConfig(4, led=True)).eval()
    past, lead = torch.randn(1, HISTORY, 9), torch.randn(1, HISTORY + 1, 5)
    past[..., -1] = 0
    past[0, 6, -1] = 1  # silent
    there = torch.tensor([[False] * 5 + [True] * 3])
    pointer = net(past, there, lead)[2].detach()
    assert pointer[0, :5].sum() == 0 and pointer[0, 6] == 0 and pointer.sum() == pytest.approx(1)
    changed = past.clone()
    changed[0, :5] = 99.0
    assert torch.allclose(net(past, there, lead)[0], net(changed, there, lead)[0])  # what is not there is not read


# ---- variations ------------------------------------------------------------------------------------------------------


def test_same_seed_same_song_and_another_seed_another(small):
    a, b, c = (vary(small, tune(), noise=1.0, seed=s) for s in (3, 3, 4))
    assert a == b and a != c


def test_threads_agree(small):
    alone = [vary(small, tune(), noise=1.0, seed=s) for s in range(6)]
    found = [None] * 6

    def work(seed):
        found[seed] = vary(small, tune(), noise=1.0, seed=seed)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert found == alone


def test_what_is_held_stays_to_the_last_tick(small):
    song = tune()
    held = vary(small, song, noise=2.0, seed=1, frozen_tracks=("drums", "bass"))
    assert notes(held, "drums") == song.tracks[0].notes and notes(held, "bass") == song.tracks[2].notes
    assert notes(held, "piano") != song.tracks[1].notes


def test_bars_outside_the_range_stay_and_those_inside_do_not_depend_on_it(small):
    song = tune()
    some = vary(small, song, noise=1.5, seed=1, bars=(3, 3), harmony_strength=0)
    whole = vary(small, song, noise=1.5, seed=1, harmony_strength=0)
    for name, track in zip(("drums", "piano", "bass"), song.tracks):
        outside = [n for n in notes(some, name) if not 8 <= n.onset < 12]
        assert [(n.onset, n.pitch) for n in outside] == [(n.onset, n.pitch) for n in track.notes
                                                         if not 8 <= n.onset < 12]  # fmt: skip
        inside = [[(n.onset, n.pitch) for n in notes(s, name) if 8 <= n.onset < 12] for s in (some, whole)]
        assert inside[0] == inside[1]


def test_noise_by_track_leaves_the_others_alone(small):
    song = tune()
    made = vary(small, song, noise={"piano": 1.5}, seed=1)
    assert notes(made, "bass") == song.tracks[2].notes and notes(made, "piano") != song.tracks[1].notes


def test_bars_that_repeat_still_repeat(small):
    bar = [Note(b, 1, p) for b, p in enumerate((60, 64, 67, 71))]
    song = Song((Track("p", 0).with_notes(replace(n, onset=n.onset + 4 * k) for k in range(3) for n in bar),))
    rolls = read(vary(small, song, noise=1.2, seed=5, harmony_strength=0)).rolls[1]
    assert (rolls[0] == rolls[1]).all() and (rolls[1] == rolls[2]).all()


def test_kept_rhythm_moves_no_onset_and_kept_pitches_bring_no_new_one(small):
    song = tune()
    rhythm = read(vary(small, song, noise=2.0, seed=2, preserve="rhythm"))
    before = read(song)
    assert (rhythm.rolls[:, :, 0].sum(-1) == before.rolls[:, :, 0].sum(-1)).all()
    assert (rhythm.rolls[1, :, 0] != before.rolls[1, :, 0]).any()
    pitches = read(vary(small, song, noise=2.0, seed=2, preserve="pitches"))
    for t in range(5):
        for new, old in zip(pitches.rolls[t, :, 0].any(1), before.rolls[t, :, 0].any(1)):
            assert not (new & ~old).any()


def test_staying_in_the_harmony_brings_fewer_foreign_pitches(small):
    song = Song((Track("p", 0).with_notes(Note(b, 1, (60, 64, 67)[b % 3]) for b in range(32)),))

    def foreign(strength):
        made = notes(vary(small, song, noise=2.0, seed=1, harmony_strength=strength), "p")
        return sum(n.pitch % 12 not in (0, 4, 7) for n in made)

    assert foreign(1.0) < foreign(0.0)


def test_a_variation_stays_with_the_chords_of_the_song_and_one_for_itself_does_not(model):
    chords = ((60, 64, 67), (65, 69, 72))  # each for half a bar, and all in one scale
    song = Song((Track("p", 0).with_notes(
        Note(b, 1, p) for b in range(64) for p in chords[b // 2 % 2]),))  # fmt: skip

    def foreign(apart: bool) -> int:
        made = (notes(vary(model, song, noise=1.5, seed=seed, apart=apart), "p") for seed in range(3))
        return sum(n.pitch % 12 not in {p % 12 for p in chords[int(n.onset) // 2 % 2]} for each in made for n in each)

    assert foreign(False) < foreign(True) / 2


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"noise": 2.5}, "0 to 2"), ({"noise": float("nan")}, "0 to 2"), ({"noise": {"flute": 1}}, "flute"),
        ({"frozen_tracks": ("voice",)}, "voice"), ({"bars": (3, 9)}, "bars 1 to 4"), ({"bars": (0, 2)}, "from 1"),
        ({"preserve": "colour"}, "colour"), ({"harmony_strength": 2.0}, "0 to 1"), ({"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(small, settings, words):
    with pytest.raises(RequestError, match=words):
        vary(small, tune(), **settings)


def test_a_request_asks_for_one_thing():
    with pytest.raises(RequestError, match="two different things"):
        asked(continue_bars=2, towards=File("other.mid", b""))
    walks = Request.from_options({"input": "a.mid", "towards": "b.mid", "bars": "2"}, 1, {"a.mid": b"a", "b.mid": b"b"})
    assert walks.mode == "walk" and walks.step_bars == 2 and walks.bars is None
    assert Request.from_json(walks.to_json(), walks.files).towards == File("b.mid", b"b")


def test_a_walk_begins_and_ends_with_the_songs_themselves(small):
    a, b = tune(), replace(tune().transposed(5), tempo=120.0)
    steps = walk(small, a, b, steps=4, step_bars=2)
    assert len(steps) == 4 and [s.tempo for s in (steps[0], steps[-1])] == [97.0, 120.0]
    assert [n.pitch for n in notes(steps[0], "bass")] == [36, 37]
    assert [n.pitch for n in notes(steps[-1], "bass")] == [41, 42]
    assert 97 < steps[1].tempo < steps[2].tempo < 120
    looped = walk(small, tune(bars=1).only(["bass"]), b, steps=2, step_bars=3)[0]
    assert [n.onset for n in notes(looped, "bass")] == [0, 4, 8]


def test_a_walk_keeps_the_beat_that_both_songs_have_and_says_where_they_have_none_in_common(small, model):
    def line(*counts: int) -> Song:
        played = [Note(4 * bar + 4 * n / count, 4 / count, 60 + n % 5)
                  for bar, count in enumerate(counts) for n in range(count)]  # fmt: skip
        return Song((Track("piano", 0).with_notes(played),))

    thirds = walk(model, line(12, 12), line(12, 4), steps=3, step_bars=2)
    onsets = [note.onset * 3 for note in notes(thirds[1], "piano")]
    assert len(onsets) > 4 and onsets == pytest.approx(np.round(onsets)) and any(onset % 3 for onset in onsets)
    assert not any("beat" in said for said in thirds[0].remarks)
    [said] = walk(small, line(12, 4, 16), line(16, 12, 12), steps=3, step_bars=3)[0].remarks
    assert said == "The songs divide the beat differently in bars 1 and 3: on the way notes there keep to one grid."
    ends = walk(small, line(12, 4), line(16, 12), steps=2, step_bars=2)
    assert [notes(end, "piano") for end in ends] == [line(12, 4).tracks[0].notes, line(16, 12).tracks[0].notes]


def test_a_walk_between_meters_is_refused_and_one_between_ways_to_write_a_meter_is_not(small):
    with pytest.raises(RequestError, match="3/4"):
        walk(small, tune(), tune((3, 4)))
    assert len(walk(small, tune((2, 2)), tune(), steps=2)) == 2
    for meter in ((2, 2), (3, 4)):
        changing = replace(tune(), meter_changes=((8.0, meter),))
        assert len(walk(small, changing, tune(), steps=2, step_bars=2)) == 2
        if meter == (3, 4):
            with pytest.raises(RequestError, match="changes its meter after bar 2"):
                walk(small, changing, tune(), steps=2, step_bars=3)
        else:
            assert len(walk(small, changing, tune(), steps=2, step_bars=3)) == 2


# ---- what comes next -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (5, 4)])
def test_a_continuation_keeps_the_song_and_adds_exactly_these_bars(small, meter):
    song = tune(meter)
    longer = extend(small, song, bars=3, seed=2)
    end = 4 * song.beats_per_bar
    for name, track in zip(("drums", "piano", "bass"), song.tracks):
        mine = [n for n in notes(longer, name) if n.onset < end - 1e-6]
        assert [(n.onset, n.pitch) for n in mine] == [(n.onset, n.pitch) for n in track.notes]
    assert any(n.onset >= end for t in longer.tracks for n in t.notes) and longer.bars <= 7
    assert longer == extend(small, song, bars=3, seed=2)


def test_without_a_piano_the_highest_track_leads_and_it_is_said(small):
    song = tune(piano=False)
    grid = read(song)
    assert grid.families[lead_of(grid)] == "strings" and lead_of(read(tune())) == TRACKS.index("piano")
    assert any("no piano" in remark for remark in extend(small, song, bars=1).remarks)
    drums = song.only(["drums"])
    assert lead_of(read(drums)) is None
    assert any("only drums" in remark for remark in extend(small, drums, bars=1).remarks)


def test_a_continuation_out_of_range_is_refused(small):
    for settings in ({"bars": 0}, {"bars": 65}, {"temperature": 3.0}):
        with pytest.raises(RequestError):
            extend(small, tune(), **settings)


# ---- shipped weights -------------------------------------------------------------------------------------------------


def similarity(a: Song, b: Song) -> float:
    x, y = (read(s).rolls[:, :, 0] for s in (a, b))
    bars = min(x.shape[1], y.shape[1])
    x, y = x[:, :bars], y[:, :bars]
    return 2 * (x & y).sum() / (x.sum() + y.sum())


def test_noise_zero_is_nearly_the_song_and_likeness_falls_with_noise(model):
    song = tune()
    likeness = [np.mean([similarity(song, vary(model, song, noise=n, seed=s)) for s in range(4)])
                for n in (0.0, 0.7, 2.0)]  # fmt: skip
    assert likeness[0] > 0.7 and likeness[0] > likeness[1] > likeness[2]


def test_a_continuation_plays_on_with_the_whole_band(model):
    longer = extend(model, tune(bars=8), bars=4, seed=1)
    assert all(any(n.onset >= 32 for n in notes(longer, name)) for name in ("drums", "piano", "bass"))


def test_there_is_no_latent_size_but_the_four():
    with pytest.raises(RequestError, match="8, 16, 32, 64"):
        asked(latent=12)
