"""Melody's model: the compiled step, composing, scoring, and which checkpoints it refuses."""

import json
import math
import re
import shutil
import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine import RequestError
from engine.core.checkpoint import arrays, fill
from engine.melody.abc.canonical import Tune
from engine.melody.abc.notes import parse
from engine.melody.alphabet import Alphabet
from engine.melody.composing import DISTINCT, candidates, compose, distinct_bars
from engine.melody.config import Config
from engine.melody.features import Features, offsets, rows, sizes
from engine.melody.generate import generate
from engine.melody.model import load
from engine.melody.names import name_of
from engine.melody.network import MelodyNet
from engine.melody.request import MAX_ATTEMPTS, Request
from engine.melody.sampler import Sampler, rounded
from engine.melody.scoring import score
from tests.melodies import SHIPPED, TUNES
from training.melody.evaluate import ends_on_tonic, read_back
from training.melody.prepare import plan_of


@pytest.fixture(scope="module")
def model():
    return load(SHIPPED)


# Composing


def test_the_compiled_step_is_pytorchs(model):
    sampler = model.sampler
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
        super().__init__(net.config, arrays(net))
        self.net = net

    def steps(self, rows, states):
        return np.stack([self.by_torch(row, state) for row, state in zip(rows, states)])

    @torch.no_grad()
    def by_torch(self, row, state):
        tensors = [
            (torch.from_numpy(s[0])[None, None].clone(), torch.from_numpy(s[1])[None, None].clone()) for s in state
        ]
        logits, after = self.net(torch.tensor([[list(row)]]), tensors)
        for layer, (hidden, cell) in enumerate(after):
            state[layer, 0], state[layer, 1] = hidden[0, 0].numpy(), cell[0, 0].numpy()
        return logits[0, 0].numpy()


def test_greedy_tunes_are_pytorchs_character_for_character(model):
    slow = load(SHIPPED)
    slow.sampler = Slow(model.net)
    for request in (
        Request(key="D", meter="6/8", temperature=0),
        Request(kind="reel", temperature=0, chord_symbols=False),
    ):
        assert compose(model, request, seed=3).tune == compose(slow, request, seed=3).tune


@pytest.mark.parametrize("change", [{}, {"embed": 0}, {"layers": 1}, {"embed": 5, "width": 7, "layers": 3}])
def test_the_shapes_that_are_expected_are_the_networks(model, change):
    config = replace(model.sizes, **change)
    assert config.shapes() == {name: tuple(w.shape) for name, w in MelodyNet(config).state_dict().items()}


def test_a_one_hot_model_samples_too():
    config = Config("".join(sorted(set("".join(t.header + t.body for t in TUNES)))), 0, embed=0, width=8)
    config = Config(**config.as_dict() | {"symbols": Alphabet(config.characters).size})
    net = MelodyNet(config).eval()
    weights = rounded(config, arrays(net))
    fill(net, weights, "the model")
    sampler, state = Sampler(config, weights), np.zeros((2, 2, 8), np.float32)
    row = [5] + [0] * 11
    with torch.no_grad():
        assert np.allclose(sampler.step(row, state), net(torch.tensor([[row]]))[0][0, 0].numpy(), atol=1e-5)


REQUESTS = [
    Request(key="D", meter="6/8"),
    Request(key="Ador", kind="reel", bars=16),
    Request(key="Bb", meter="3/4", chord_symbols=True),
    Request(key="F#m", meter="9/8", form="4+8"),
    Request(key="Eb", meter="5/4", form="AAB"),
    Request(meter="2/4", unit="1/16", chord_symbols=False, form="AABB"),
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
    if request_.chord_symbols is not None:
        assert ('"' in tune.body) == request_.chord_symbols
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


def test_a_tune_is_called_by_words_that_tell_it_from_thousands():
    names = [name_of(seed, attempt, MAX_ATTEMPTS) for seed in range(200) for attempt in range(1, MAX_ATTEMPTS + 1)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"The [A-Z][a-z]+ [A-Z][a-z]+", name) for name in names), "no number"
    apart = [set(a.split()) & set(b.split()) for a, b in pairwise(names)]
    assert apart.count({"The"}) == len(apart), "of two that were written together no word is the same"


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
    ("start", "meters"), [("A|dfa fdf|", {"6/8", "3/4"}), ("c2 d2 e2 f2|", {"4/4", "C", "C|", "2/2", "2/4"})]
)
def test_a_beginning_chooses_a_meter_that_is_left_open(model, start, meters):
    made = [compose(model, Request(start=start, bars=8), seed=seed).tune for seed in range(6)]
    assert {tune.meter for tune in made} <= meters and all(tune.body.startswith(start) for tune in made)
    with pytest.raises(RequestError, match="asks for 1/1"):
        compose(model, Request(start="A|dfa fdf|", meter="4/4"), seed=0)
    with pytest.raises(RequestError, match="line 1, column 10"):
        compose(model, Request(start="abcdefgab|a|"), seed=0)


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
    with pytest.raises(RequestError, match=said):
        compose(model, Request(key="D", meter="6/8", start=start), seed=1)


def test_a_waltz_is_asked_for_by_its_name_and_goes_in_its_meter(model):
    assert "waltz" in Request.learned()["type"]
    waltz = generate(model, Request(kind="Waltz", key="D", bars=8, seed=4, candidates=2))
    plain = generate(model, Request(meter="3/4", key="D", bars=8, seed=4, candidates=2))
    assert waltz.tune.meter == "3/4" and waltz.tune.body == plain.tune.body and not waltz.remarks
    [chosen] = {w.attempt for w in waltz.candidates if w.tune == waltz.tune}
    assert waltz.tune.title == replace(waltz.request, attempt=chosen).title == name_of(4, chosen, MAX_ATTEMPTS, "Waltz")
    assert waltz.tune.title.endswith(" (waltz)")
    with pytest.raises(RequestError, match="A waltz goes in 3/4, not in 6/8"):
        Request(kind="waltz", meter="6/8")


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "H"}, {"meter": "4/5"}, {"kind": "tango"}, {"unit": "1/3"}, {"temperature": -1}, {"temperature": 3},
        {"top_p": 0}, {"bars": 65}, {"bars": -1}, {"form": "0+8"}, {"form": "+".join("8" * 9)},
        {"form": "8+8", "bars": 12},
    ],
)  # fmt: skip
def test_requests_for_what_does_not_exist_are_refused(model, wrong):
    with pytest.raises(RequestError):
        compose(model, Request(**wrong), seed=0)


def test_what_contradicts_itself_is_written_and_said(model):
    [remark] = generate(model, Request(kind="jig", meter="4/4", bars=4)).remarks
    assert "jig" in remark and "4/4" in remark and "the meter counts" in remark
    [remark] = generate(model, Request(meter="4/4", unit="1/4", bars=2, start="ABcd|edcB|ABcd|")).remarks
    assert "not 2" in remark
    [remark] = generate(model, Request(kind="jig", meter="5/4", bars=4)).remarks
    assert "None of the tunes learned from is in 5/4" in remark
    assert not generate(model, Request(kind="jig", meter="6/8", bars=4)).remarks


def test_slurs_of_a_beginning_are_closed(model):
    for start in ("zzzz | ((((", "(AB (cd "):
        body = compose(model, Request(key="C", meter="4/4", unit="1/4", bars=4, start=start)).tune.body
        assert len(re.findall(r"\((?!\d)", body)) == body.count(")") > 0


def test_candidates_by_likelihood_come_likeliest_first_and_progress_can_stop_them(model):
    seen: list[tuple[int, int]] = []
    asked = Request(kind="jig", seed=1, candidates=3, chosen_by="likelihood")
    found = candidates(model, asked, progress=lambda a, b: seen.append((a, b)))
    varied = [w.likelihood for w in found if distinct_bars(w.tune) >= DISTINCT]
    assert varied == sorted(varied, reverse=True) == [w.likelihood for w in found[: len(varied)]]
    assert sorted(w.attempt for w in found) == [1, 2, 3] and len({w.tune.title for w in found}) == 3
    assert all(compose(model, Request(kind="jig", seed=1, attempt=w.attempt)).tune == w.tune for w in found)
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
    monkeypatch.setattr("engine.melody.scoring.PIECE", 17)
    assert score(model, TUNES) == pytest.approx(whole, abs=2e-5)


def test_what_comes_later_changes_no_prediction(model):
    """Rows of a prefix are the prefix of the rows: nothing is told that has not been read."""
    from engine.melody.features import tune_rows

    whole, _, _ = tune_rows(model.alphabet, TUNES[1])
    part, _, _ = tune_rows(model.alphabet, Tune(TUNES[1].body[:50], "G", "C|", "1/8", "reel"))
    assert (whole[: len(part)] == part).all()


def test_characters_never_seen_cost_their_bits_and_are_never_right(model):
    plain, odd = Tune("abc\u266d|", "G"), Tune("abc=|", "G")
    assert score(model, [plain])["chars"] == 5
    assert score(model, [plain])["bits_per_char"] > score(model, [odd])["bits_per_char"] + 2


# The checkpoint


def test_damaged_foreign_and_odd_checkpoints_are_refused(tmp_path):
    folder = tmp_path / "melody"
    shutil.copytree(SHIPPED, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(RequestError, match="sha256"):
        load(folder)
    (folder / "model.safetensors").write_bytes(weights)
    for change in ({"width": 100}, {"symbols": 7}, {"layers": 0}, {"unknown": 1}):
        config = json.loads((SHIPPED / "config.json").read_text())
        config["model"] |= change
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(RequestError, match="melody"):
            load(folder)
    with pytest.raises(RequestError, match="no checkpoint"):
        load(tmp_path / "nothing")


def test_weights_are_small_enough():
    assert (SHIPPED / "model.safetensors").stat().st_size <= 6 * 2**20
