"""Melody's training: learning, going on, its data, the comparisons, evaluating and the card."""

import json
import math

import pytest
import torch

from engine import RequestError
from engine.melody.abc.canonical import Tune
from engine.melody.abc.clean import clean
from engine.melody.alphabet import Alphabet
from engine.melody.composing import compose
from engine.melody.model import load
from engine.melody.network import Config, MelodyNet
from engine.melody.request import Request
from tests.melodies import SHIPPED, TUNES, collection
from training.__main__ import main
from training.core.cards import render
from training.melody import train as melody_train
from training.melody.evaluate import COPY, Copies, NGram, five_hundred, held_out
from training.melody.prepare import families, pack, plan_of, split, steps, transposed, variants

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def model():
    return load(SHIPPED)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder of .abc, arrays prepared from it, and a tiny model trained on them and shipped."""
    folder = tmp_path_factory.mktemp("melody")
    (folder / "tunes.abc").write_text(collection())
    main(["prepare", "melody", "--prepared", str(folder / "p"), "--data", str(folder)])
    arguments = ["--prepared", str(folder / "p"), "--run", str(folder / "r"), "--checkpoint", str(folder / "melody")]
    options = ["--width", "16", "--embed", "8", "--batch", "4", "--evaluate-every", "3"]
    main(["train", "melody", *arguments, "--steps", "4", *options])
    return folder


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
    written = compose(model, Request(meter="6/8", key="D", form="2+2"), seed=1)
    assert plan_of(written.tune).sections == (2, 2)
    config = json.loads((small / "melody" / "config.json").read_text())
    assert config["licence"] and config["steps"] in (3, 4) and config["metrics"]["validation"]["chars"] > 0


def test_training_goes_on_where_it_stopped(small):
    arguments = ["--prepared", str(small / "p"), "--run", str(small / "r"), "--checkpoint", str(small / "melody2")]
    options = ["--width", "16", "--embed", "8", "--batch", "4", "--evaluate-every", "3"]
    main(["train", "melody", *arguments, "--steps", "6", *options])
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
    text = render("melody", config)
    assert f"| **shipped** | {rows['shipped']['bits_per_char']:.3f} | {rows['shipped']['accuracy']:.1%}" in text
    assert "GPL-3.0" in text and "## Limits" in text and "\n## Figures" in text


def test_without_tunes_it_says_where_they_may_come_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="--music21"):
        main(["prepare", "melody", "--prepared", str(tmp_path / "p")])
    assert not (tmp_path / "p").exists()
