"""Melody's model: learning, loading, composing, scoring, sound, scores and the command line."""

import argparse
import json
import math
import shutil
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch

from engine import CHECKPOINTS, Refused
from engine.__main__ import run
from engine.melody import Melody, generate, load, score
from engine.melody_abc import Misread, chord_pitches, notes_of, parse, played_to_written, song, unfolded
from engine.melody_clean import clean
from engine.melody_compose import DISTINCT, Request, candidates, compose, distinct_bars
from engine.melody_features import Features, offsets, rows, sizes
from engine.melody_net import Config, MelodyNet
from engine.melody_sampler import Sampler
from engine.melody_score import engrave, musicxml
from engine.melody_text import Alphabet, Tune, read_tunes
from engine.song_midi import read_midi
from training import melody_train
from training.melody import main as train_main
from training.melody_card import card
from training.melody_data import families, pack, plan_of, split, steps, transposed, variants
from training.melody_evaluate import COPY, Copies, NGram, ends_on_tonic, five_hundred, held_out, read_back

SHIPPED = CHECKPOINTS / "melody"

TUNES = [
    Tune("|:A|dfa fdf|gbg efg|fdf ABc|d3 d2:|\n|:g|fga fdf|gbg efg|fdf ABc|d3 d2:|", "D", "6/8", "1/8", "jig", "One"),
    Tune("G2BG dGBG|A2cA eAcA|G2BG dGBG|FGAF G4:|\n|:g2bg dgbg|a2fa d4|g2bg dgbg|fdef g4:|", "G", "C|", "1/8", "reel"),
    Tune('e|"Am"AB c|"E7"BA G|"Am"AB c/B/|"Am"A2:|\n|:e|"Am"ed c|"E7"BA G|"Am"AB c/B/|"Am"A2:|', "Am", "3/4", "1/4"),
]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return load(SHIPPED)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder of .abc, arrays prepared from it, and a tiny model trained on them and shipped."""
    folder = tmp_path_factory.mktemp("melody")
    tunes = TUNES * 8
    text = ""
    for i, tune in enumerate(tunes):
        letters = "ABdef"[i % 5]
        body = tune.body.replace("c", letters) if i >= 3 else tune.body
        text += f"X:{i}\nT:Tune number {'abcdefghijklmnopqrstuvwxyz'[i] * 5}\n{tune.header}{body}\n\n"
    (folder / "tunes.abc").write_text(text)
    arguments = ["--prepared", str(folder / "p"), "--runs", str(folder / "r"), "--checkpoint", str(folder / "melody")]
    train_main([*arguments, "prepare", "--data", str(folder)])
    options = ["--width", "16", "--embed", "8", "--batch", "4", "--evaluate-every", "3"]
    train_main([*arguments, "train", "--steps", "4", *options])
    return folder


# Learning


def test_a_model_learns_one_batch_by_heart():
    torch.manual_seed(0)
    alphabet = Alphabet(sorted(set("".join(t.header + t.body for t in TUNES))))
    arrays = pack(alphabet, [(t, None, 0) for t in TUNES], True)
    spans = list(zip(arrays["offsets"], arrays["offsets"][1:]))
    batch, targets = melody_train.pad([(arrays["rows"][a:b], arrays["targets"][a:b]) for a, b in spans])
    net = MelodyNet(Config(alphabet.characters, alphabet.size, embed=32, width=64, dropout=0.0))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        logits, _ = net(batch)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.15 < 2 < losses[0]


def test_one_step_trained_saved_loaded_composes(small):
    model = load(small / "melody")
    written = compose(model, Request(meter="6/8", key="D", form=(2, 2)), seed=1)
    assert plan_of(written.tune).sections == (2, 2)
    config = json.loads((small / "melody" / "config.json").read_text())
    assert config["licence"] and config["steps"] in (3, 4) and config["metrics"]["validation"]["chars"] > 0


def test_training_goes_on_where_it_stopped(small):
    arguments = ["--prepared", str(small / "p"), "--runs", str(small / "r"), "--checkpoint", str(small / "melody2")]
    options = ["--width", "16", "--embed", "8", "--batch", "4", "--evaluate-every", "3"]
    train_main([*arguments, "train", "--steps", "6", *options])
    logged = [json.loads(line)["step"] for line in (small / "r" / "shipped" / "log.jsonl").read_text().splitlines()]
    assert logged == sorted(logged) and logged[-1] == 6 and logged.count(4) >= 1


def test_segments_cover_a_batch_once():
    tokens, targets = torch.arange(500)[None, :, None], torch.arange(500)[None]
    pieces = melody_train.segments(tokens, targets)
    assert torch.equal(torch.cat([t for _, t, _ in pieces], 1), targets)
    assert [first for _, _, first in pieces] == [True, False, False]


def test_seed_projects_size():
    """257,245 parameters for 93 characters with one bias a gate; PyTorch has two."""
    net = MelodyNet(Config("a" * 70, 93, embed=0, width=128))
    assert sum(p.numel() for p in net.parameters()) == 257_245 + 2 * 4 * 128


# Data


def test_variants_of_a_tune_stay_on_one_side():
    reel = Tune("dBGB dBGB|cAFA cAFA|dBGB dBGB|cAFA G4|gfed cBAG|", "G", "C|", title="A")
    in_d = transposed(reel, "D")
    other = Tune("EGBe gfed|cdef gfga|bgec Bdfg|agfd e2d2|EFGA Bcde|", "Em", "C|", title="C")
    titled = Tune("c8|d8|e8|", "C", "C|", title="The Same Name!")
    again = Tune("G4|A4|B4|", "G", "2/4", title="Same Name, The")
    family = families([reel, in_d, other, titled, again])
    assert family[0] == family[1] != family[2]
    assert family[3] == family[4] != family[2]
    assert len(set(split([reel, in_d]))) == 1
    assert steps(reel)[:7] == steps(in_d)[:7]


def test_cleaning_keeps_the_music():
    tune = Tune('P:A\nu"4"A>(Bc) ~d!trill!e-|"_mf"{fg}.a-a "Am"[ce]2 (3(efg) f-g|', "G", "4/4", "1/8")
    assert clean(tune).body == 'A>Bc de|a-a "Am"[ce]2 (3efg fg|'
    assert '"' not in clean(tune, chords=False).body
    assert clean(Tune("abc|\nM:3/4\nabc|", "G")) is None


def test_forms_of_real_tunes():
    assert plan_of(TUNES[0]).sections == (4, 4)
    assert plan_of(Tune("A2|:B4|c4|1 d4:|2 e4||f4|]", "G", "2/4", "1/8")).sections == (3, 1)
    assert plan_of(Tune("A2B|c4|d4|]", "G", "2/4", "1/8")) is not None  # a pickup of three
    assert plan_of(Tune("c4|d3|d4|]", "G", "2/4", "1/8")) is None
    assert [style for _, _, style in variants(TUNES[2])] == [2, 1]


def test_transposition_moves_notes_by_steps_and_octaves():
    tune = Tune('"G"G,Bd gb c\'|', "G")
    moved = transposed(tune, "A")
    assert (moved.key, moved.body) == ("A", "\"A\"A,ce ac' d'|")
    assert transposed(moved, "G").body == tune.body
    assert transposed(tune, "G") is None


def test_the_n_gram_baseline_is_a_distribution_that_learns():
    gram = NGram(TUNES, 5)
    for context in ("", "dfa ", "xyz", "|:A|d"):
        assert math.isclose(sum(gram.chances(context).values()), 1, abs_tol=0.5)
        assert sum(gram.chances(context).values()) <= 1 + 1e-9
    assert gram.score(TUNES)["accuracy"] > 0.6
    assert gram.score(TUNES)["chars"] == sum(len(t.body) for t in TUNES)


def test_copies_are_found_in_their_own_key_and_in_any():
    own = Copies([TUNES[1]])
    in_a = Tune(transposed(TUNES[1], "A").body, "A")
    assert own.longest(Tune(TUNES[1].body[5:60], "G"))[0] == 55 >= COPY
    same, any_key = own.longest(in_a)
    assert any_key > same


def test_the_evaluation_measures_and_the_card_tells(model, tmp_path):
    found = five_hundred(model, TUNES, TUNES, count=4)
    assert found["tunes"] == 4 and found["parsed"] == found["whole"] == found["key"] == found["meter"] == 1
    assert found["real_copy"]["longest"] >= max(len(t.body) for t in TUNES[:2]) - 1
    assert found["copy"]["longest"] < found["real_copy"]["longest"]
    rows = held_out(model, tmp_path, TUNES, TUNES)
    assert rows["shipped"]["chars"] == rows["n-gram of order 6"]["chars"]
    tried = [{"run": "told", "step": 3, "bits_per_char": 1.5, "accuracy": 0.6}]
    config = model.config | {"metrics": model.config["metrics"] | {"composed": found, "test": rows, "tried": tried}}
    text = card(config)
    assert f"| **shipped** | {rows['shipped']['bits_per_char']:.3f} | {rows['shipped']['accuracy']:.1%}" in text
    assert "GPL-3.0" in text and "## Limits" in text and "\n## Figures" in text


# Composing


def test_the_compiled_step_is_pytorchs(model):
    sampler = Sampler(model.net)
    rng = np.random.default_rng(0)
    some = np.stack([rng.integers(0, n, 200) for n in sizes(model.alphabet.size)], 1)
    state = sampler.start()
    ours = np.stack([sampler.step(row, state) for row in some])
    with torch.no_grad():
        theirs = model.net(torch.from_numpy(some)[None])[0][0].numpy()
    assert np.abs(ours - theirs).max() < 2e-4
    assert rows(model.alphabet.size) == sum(sizes(model.alphabet.size)) == offsets(model.alphabet.size)[-1] + 3


class Slow(Sampler):
    """The same step by PyTorch, for comparison."""

    def __init__(self, net):
        super().__init__(net)
        self.net = net

    @torch.no_grad()
    def step(self, row, state):
        tensors = [
            (torch.from_numpy(s[0])[None, None].clone(), torch.from_numpy(s[1])[None, None].clone()) for s in state
        ]
        logits, after = self.net(torch.tensor([[list(row)]]), tensors)
        for layer, (hidden, cell) in enumerate(after):
            state[layer, 0], state[layer, 1] = hidden[0, 0].numpy(), cell[0, 0].numpy()
        return logits[0, 0].numpy()


def test_greedy_tunes_are_pytorchs_character_for_character(model):
    slow = Melody(model.net, model.config, model.sha256, model.device)
    slow.sampler = Slow(model.net)
    for request in (Request(key="D", meter="6/8", temperature=0), Request(kind="reel", temperature=0, chords=False)):
        assert compose(model, request, seed=3).tune == compose(slow, request, seed=3).tune


def test_a_one_hot_model_samples_too():
    config = Config("".join(sorted(set("".join(t.header + t.body for t in TUNES)))), 0, embed=0, width=8)
    config = Config(**config.as_dict() | {"symbols": Alphabet(config.characters).size})
    net = MelodyNet(config).eval()
    sampler, state = Sampler(net), np.zeros((2, 2, 8), np.float32)
    row = [5] + [0] * 11
    with torch.no_grad():
        assert np.allclose(sampler.step(row, state), net(torch.tensor([[row]]))[0][0, 0].numpy(), atol=1e-5)


REQUESTS = [
    Request(key="D", meter="6/8"),
    Request(key="Ador", kind="reel", bars=16),
    Request(key="Bb", meter="3/4", chords=True),
    Request(key="F#m", meter="9/8", form=(4, 8)),
    Request(key="Eb", meter="5/4", repeats=(True, False)),
    Request(meter="2/4", unit="1/16", chords=False, repeats=(True, True)),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.key} {r.meter} {r.kind}")
def test_tunes_are_whole_and_as_asked(model, request_, seed):
    written = compose(model, request_, seed=seed)
    tune = written.tune
    plan = plan_of(tune)
    assert plan is not None and plan.sections == written.form
    assert tune.key == (request_.key or tune.key) and tune.meter == (request_.meter or tune.meter)
    if request_.kind:
        assert tune.kind == request_.kind
    if request_.bars:
        assert sum(plan.sections) == request_.bars
    if request_.chords is not None:
        assert ('"' in tune.body) == request_.chords
    if request_.key and request_.meter:
        assert all(read_back(written, request_).values()), tune.abc
    assert 0 <= written.masked < 0.5 and written.likelihood < 0


def test_the_same_seed_makes_the_same_tune_and_another_seed_another(model):
    request = Request(key="G", meter="4/4")
    first, again, other = (compose(model, request, seed=s).tune.body for s in (5, 5, 6))
    assert first == again != other


def test_threads_compose_what_one_alone_does(model):
    alone = [compose(model, Request(meter="6/8"), seed=s).tune.abc for s in range(4)]
    found: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda s=s: found.update({s: compose(model, Request(meter="6/8"), seed=s).tune.abc}))
        for s in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[s] for s in range(4)] == alone


def test_a_low_temperature_makes_likelier_tunes(model):
    cold, hot = (
        np.mean([compose(model, Request(kind="jig", temperature=t, top_p=1.0), seed=s).likelihood for s in range(4)])
        for t in (0.4, 1.4)
    )
    assert cold > hot + 0.3


def test_tunes_end_on_the_tonic_more_often_than_by_chance(model):
    tunes = [compose(model, Request(key="G", kind="jig"), seed=s).tune for s in range(12)]
    assert sum(map(ends_on_tonic, tunes)) >= 7


@pytest.mark.parametrize(
    "start", ["A|dfa fdf|", "|:A2 B", "d2f a>", "dfa [df", "A|:d3 e3|f6-|", "(dfa) ~g2", "(3def", "^", "abc def:|\ng"]
)
def test_a_typed_beginning_is_continued(model, start):
    written = compose(model, Request(key="D", meter="6/8", start=start), seed=1)
    assert written.tune.body.startswith(start)
    tune, remarks = parse(written.tune.abc)
    assert tune.body == written.tune.body and not remarks
    assert written.made == len(written.tune.body) - len(start)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("abc @ def", "'@' in line 1, column 5"),
        ("abc def|\nag\u266d", "line 2, column 3"),
        ("abcd efga|", "line 1, column 10"),
        ("abc def|abc|abc def|", "line 1, column 12"),
        ("abc def g", "longer than the meter"),
        ('"Am', "quotation"),
        ("K:G\nabc", "field"),
        ("a" * 2001, "2000"),
    ],
)
def test_beginnings_that_cannot_be_continued_are_refused_with_their_place(model, start, said):
    with pytest.raises(Refused, match=said):
        compose(model, Request(key="D", meter="6/8", start=start), seed=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "H"}, {"meter": "4/5"}, {"kind": "tango"}, {"unit": "1/3"}, {"temperature": -1}, {"temperature": 3},
        {"top_p": 0}, {"bars": 65}, {"bars": -1}, {"form": (0, 8)}, {"form": (8,) * 9}, {"form": (8, 8), "bars": 12},
    ],
)  # fmt: skip
def test_requests_for_what_does_not_exist_are_refused(model, wrong):
    with pytest.raises(Refused):
        compose(model, Request(**wrong), seed=0)


def test_candidates_come_likeliest_first_and_progress_can_stop_them(model):
    seen: list[tuple[int, int]] = []
    found = candidates(model, Request(kind="jig"), seed=1, count=3, progress=lambda a, b: seen.append((a, b)))
    varied = [w.likelihood for w in found if distinct_bars(w.tune) >= DISTINCT]
    assert varied == sorted(varied, reverse=True) == [w.likelihood for w in found[: len(varied)]]
    assert all(compose(model, Request(kind="jig"), seed=w.seed).tune == w.tune for w in found)
    assert len({w.tune.body for w in found}) == 3
    assert [a for a, _ in seen] == sorted(a for a, _ in seen) and seen[-1][0] == seen[-1][1]

    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with pytest.raises(Stop):
        compose(model, Request(), seed=0, progress=stop)


def test_what_repeats_itself_comes_last():
    assert distinct_bars(Tune("|:dfa fdf|gbg efg|dfa fdf|d3 d2:|")) == 3 / 4
    assert distinct_bars(Tune('"D"dfa fdf|"G"dfa fdf|dfa fdf|]')) == 1 / 3 < DISTINCT


# Scoring


def test_scores_count_every_character_of_the_bodies_and_nothing_else(model):
    figures = score(model, TUNES)
    assert figures["chars"] == sum(len(t.body) for t in TUNES) and figures["tunes"] == 3
    alone = [score(model, [tune]) for tune in TUNES]
    bits = sum(a["bits_per_char"] * a["chars"] for a in alone) / figures["chars"]
    assert math.isclose(bits, figures["bits_per_char"], abs_tol=1e-3)
    assert 0.3 < figures["accuracy"] < 1


def test_a_score_is_the_sum_of_the_steps_of_composing(model):
    tune = TUNES[0]
    features = Features(model.alphabet, tune)
    state, bits = model.sampler.start(), 0.0
    logits = [model.sampler.step(row, state) for row in features.header()][-1]
    for char in tune.body:
        table = model.alphabet.table(features.reader.place, features.tonic)
        kept = np.array([*table.values(), model.alphabet.END, model.alphabet.OTHER])
        chances = np.exp(logits[kept].astype(float) - logits.max())
        bits -= math.log2(math.exp(float(logits[table[char]] - logits.max())) / chances.sum())
        logits = model.sampler.step(features.feed(char), state)
    assert math.isclose(bits / len(tune.body), score(model, [tune])["bits_per_char"], abs_tol=1e-3)


def test_a_long_tune_is_scored_in_pieces_with_the_state_carried_on(model, monkeypatch):
    whole = score(model, TUNES)
    monkeypatch.setattr("engine.melody.PIECE", 17)
    assert score(model, TUNES) == pytest.approx(whole, abs=2e-5)


def test_what_comes_later_changes_no_prediction(model):
    """Rows of a prefix are the prefix of the rows: nothing is told that has not been read."""
    from engine.melody_features import tune_rows

    whole, _, _ = tune_rows(model.alphabet, TUNES[1])
    part, _, _ = tune_rows(model.alphabet, Tune(TUNES[1].body[:50], "G", "C|", "1/8", "reel"))
    assert (whole[: len(part)] == part).all()


def test_characters_never_seen_cost_their_bits_and_are_never_right(model):
    plain, odd = Tune("abc\u266d|", "G"), Tune("abc=|", "G")
    assert score(model, [plain])["chars"] == 5
    assert score(model, [plain])["bits_per_char"] > score(model, [odd])["bits_per_char"] + 2


# Sound and scores


def pitches(body: str, key: str = "C", unit: str = "1/4", meter: str = "4/4") -> list[tuple[float, float, int]]:
    made = song(Tune(body, key, meter, unit))
    return [(n.onset, n.duration, n.pitch) for n in made.tracks[0].notes]


def test_pitches_follow_the_key_the_accidental_and_the_bar():
    assert [p for _, _, p in pitches("F f ^C c|F, c' =f _B|", "D")] == [66, 78, 61, 73, 54, 85, 77, 70]
    assert [p for _, _, p in pitches("^F F f F|F4|")] == [66, 66, 77, 66, 65]
    assert [p for _, _, p in pitches("B E A e|", "Eb")] == [70, 63, 68, 75]


def test_lengths_ties_triplets_and_broken_rhythm_sound_as_written():
    assert pitches("c2-c d|d4|") == [(0, 3, 72), (3, 1, 74), (4, 4, 74)]
    assert pitches("c4-|c d2 e|") == [(0, 5, 72), (5, 2, 74), (7, 1, 76)]
    assert [d for _, d, _ in pitches("(3cde f>g z|")] == pytest.approx([2 / 3] * 3 + [1.5, 0.5])
    assert [o for o, _, _ in pitches("[ce]2 z d|")] == [0, 0, 3]


def test_repeats_and_endings_are_played_in_order():
    body = "A|BBB|1 ccA:|2 cdd||\n|:e|fff|g2:|aaa|]"
    tune = Tune(body, "C", "3/4", "1/4")
    played = "".join("C D EF G A B"[n.pitch % 12] for n in song(tune).tracks[0].notes)
    assert played == "ABBBCCA" + "ABBBCDD" + "EFFFG" * 2 + "AAA"
    score_ = notes_of(tune)
    assert sum(b - a for a, b in unfolded(score_)) / 10080 == song(tune).beats
    assert played_to_written(score_)[1][1] == 0


def test_chord_symbols_sound_below_the_melody():
    made = song(TUNES[2])
    assert [t.name for t in made.tracks] == ["melody", "chords"]
    assert {n.pitch % 12 for n in made.tracks[1].notes if n.onset == 1} == {9, 0, 4}
    assert chord_pitches("D/f#") == [42, 50, 54, 57] and chord_pitches("slow") == []


def test_tempo_program_and_transposition(model):
    made = song(TUNES[0], tempo=90, program=40, transpose=-12)
    plain = song(TUNES[0])
    assert made.tempo == 90 and made.tracks[0].program == 40 and plain.tempo == 170
    assert [n.pitch - 12 for n in plain.tracks[0].notes] == [n.pitch for n in made.tracks[0].notes]
    assert generate(model, seed=1, meter="6/8").meter == (6, 8)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("X:1\nK:H\nabc|", 2, 3, "not a key"),
        ("X:1\nM:4/5\nK:G\nabc|", 2, 3, "not a meter"),
        ("X:1\nL:1/7\nK:G\nabc|", 2, 3, "not a note length"),
        ("X:1\nK:G\nab  @ c|", 3, 5, "expected a note"),
        ("X:1\nK:G\nabc ^|", 3, 6, "follows an accidental"),
        ('X:1\nK:G\nabc|"G de', 3, 10, "quotation"),
        ("X:1\nK:G\n[ab c|", 3, 6, "chord"),
        ("X:1\nK:G\nabc] d|", 3, 4, "closes nothing"),
        ("X:1\nK:G\n% words\nab 2|", 4, 4, "stands alone"),
        ("X:1\nM:3/4\nL:1/4\nK:G\nabc|ab", 5, 7, "last bar is not closed"),
        ("X:1\nK:G\na>|", 3, 3, "second note"),
        ("X:1\nK:G\n|:z4:|", 3, 1, "no note"),
    ],
)
def test_text_that_is_no_music_is_refused_with_line_and_column(text, line, column, said):
    with pytest.raises(Misread, match=said) as found:
        parse(text)
    assert (found.value.line, found.value.column) == (line, column)


def test_bars_that_are_not_full_are_remarked_and_pickups_are_not():
    assert parse("X:1\nM:3/4\nL:1/4\nK:G\nA|Bcd|Bc|]")[1] == []
    remarks = parse("X:1\nM:3/4\nL:1/4\nK:G\nABc|Bcde|Bcd|Bcd|]")[1]
    assert len(remarks) == 1 and "4/4" in remarks[0] and "3/4" in remarks[0] and "line 5, column 9" in remarks[0]


def test_musicxml_carries_accidentals_on_and_is_the_same_each_time():
    tune = Tune("^cBcB|c4|", "G", "4/4", "1/4", title="<b>Name</b> & more")
    first = musicxml(tune)
    assert first == musicxml(tune)
    root = ET.fromstring(first)
    alters = [(p.findtext("step"), p.findtext("alter")) for p in root.iter("pitch")]
    assert alters == [("C", "1"), ("B", None), ("C", "1"), ("B", None), ("C", None)]
    assert root.findtext("work/work-title") == "<b>Name</b> & more"


def test_the_score_knows_when_each_note_is_played():
    tune = TUNES[0]
    engraved = engrave(tune)
    root = ET.fromstring(engraved.svg)
    ids = {element.get("id") for element in root.iter()}
    written = [event.onset / 10080 for event in notes_of(tune).events]
    assert [time for time, _ in engraved.times] == pytest.approx(written)
    assert all(note in ids for _, notes in engraved.times for note in notes)
    assert engraved.svg == engrave(tune).svg
    assert sum(beats for _, _, beats in engraved.order) == song(tune).beats


# The checkpoint and the command line


def test_damaged_foreign_and_odd_checkpoints_are_refused(tmp_path):
    folder = tmp_path / "melody"
    shutil.copytree(SHIPPED, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(Refused, match="sha256"):
        load(folder)
    (folder / "model.safetensors").write_bytes(weights)
    for change in ({"width": 100}, {"symbols": 7}, {"layers": 0}, {"unknown": 1}):
        config = json.loads((SHIPPED / "config.json").read_text())
        config["model"] |= change
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(Refused, match="melody"):
            load(folder)
    with pytest.raises(Refused, match="no checkpoint"):
        load(tmp_path / "nothing")


def test_weights_are_small_enough():
    assert (SHIPPED / "model.safetensors").stat().st_size <= 6 * 2**20


def test_the_command_line_writes_every_format(tmp_path, capsys):
    outs = [tmp_path / f"tune.{ending}" for ending in ("abc", "mid", "musicxml", "svg", "npz")]
    arguments = ["melody", "--key", "D", "--meter", "6/8", "--seed", "7", "--type", "jig", "--bars", "16", "--json"]
    assert run(arguments + [part for out in outs for part in ("--out", str(out))]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["settings"]["key"] == "D" and report["bars"] == 16
    tune = read_tunes(outs[0])[0]
    assert (tune.key, tune.meter, tune.kind) == ("D", "6/8", "jig")
    assert outs[1].read_bytes()[:4] == b"MThd" and b"<score-partwise" in outs[2].read_bytes()
    assert outs[3].read_bytes().startswith(b"<svg")
    again = tmp_path / "again.abc"
    run([*arguments[:-1], "--out", str(again)])
    assert again.read_bytes() == outs[0].read_bytes()


def test_a_tune_of_a_file_is_played_and_engraved_and_a_faulty_one_is_refused(tmp_path, capsys):
    path, out = tmp_path / "mine.abc", tmp_path / "mine.mid"
    path.write_text("X:1\nT:Mine\nM:3/4\nL:1/4\nK:D\nABc|d3|]\n")
    assert run(["melody", "--input", str(path), "--out", str(out), "--transpose=-2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Mine"
    assert [note.pitch for note in read_midi(out).tracks[0].notes] == [67, 69, 71, 72]
    path.write_text("X:1\nK:D\nAB@c|d3|]\n")
    with pytest.raises(Refused, match="line 3, column 3"):
        run(["melody", "--input", str(path), "--out", str(tmp_path / "never.mid")])
    assert not (tmp_path / "never.mid").exists()


def test_count_makes_numbered_tunes_and_forms_are_read(tmp_path):
    run(["melody", "--count", "3", "--form", "AAB", "--no-chords", "--out", str(tmp_path / "t.abc")])
    bodies = {path.read_text() for path in tmp_path.glob("t-*.abc")}
    assert len(bodies) == 3


def test_score_answers_in_json_and_makes_nothing(tmp_path, capsys):
    path = tmp_path / "tunes.abc"
    path.write_text("\n\n".join(f"X:{i}\nT:No. {i}\n{t.header}{t.body}" for i, t in enumerate(TUNES)))
    assert run(["melody", "--score", str(path)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["chars"] == sum(len(t.body) for t in TUNES)
    assert set(figures) == {"bits_per_char", "accuracy", "chars", "tunes"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--key", "H"], ["--meter", "4/5"], ["--start", "a b @"], ["--form", "XYZ"], ["--form", "BA"],
        ["--bars", "999"],
        ["--candidates", "0"], ["--program", "128"], ["--tempo", "1"], ["--transpose", "99"], ["--type", "tango"],
        ["--score", "nothing.abc"],
    ],
)  # fmt: skip
def test_the_command_line_refuses_and_writes_nothing(tmp_path, wrong):
    with pytest.raises(Refused):
        run(["melody", "--out", str(tmp_path / "x.abc"), *wrong])
    assert list(tmp_path.iterdir()) == []


def test_list_says_what_can_be_asked_for():
    from engine.melody_command import add_arguments, options

    found = options(SHIPPED)
    assert {"jig", "reel", "hornpipe"} <= set(found["type"])
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args(["--type", "jig"]).kind == "jig"
