"""Checkpoints: what is saved is loaded, and anything damaged, foreign or newer is refused by name."""

import json

import numpy as np
import pytest
import torch

from engine import RequestError
from engine.core import checkpoint


@pytest.fixture
def folder(tmp_path):
    layer = torch.nn.Linear(3, 2)
    checkpoint.save(
        tmp_path / "c", system="band", weights=layer.state_dict(), model={"width": 3}, licence="CC0", steps=7
    )
    return tmp_path / "c"


def test_round_trip(folder):
    loaded = checkpoint.load(folder, "band")
    assert loaded.model == {"width": 3} and loaded.config["licence"] == "CC0"
    layer = torch.nn.Linear(3, 2)
    checkpoint.fill(layer, loaded.weights, folder)
    assert np.array_equal(layer.weight, loaded.weights["weight"]) and not layer.training
    assert not any(p.requires_grad for p in layer.parameters())


def test_half_precision_halves_the_file_and_loads_as_float(tmp_path):
    weights = {"w": torch.randn(1000, 10), "n": torch.tensor([5])}
    checkpoint.save(tmp_path, system="band", weights=weights, model={}, half=True)
    assert (tmp_path / "model.safetensors").stat().st_size < 21_000
    loaded = checkpoint.load(tmp_path, "band").weights
    assert loaded["w"].dtype == np.float32 and loaded["n"].dtype == np.int64
    assert np.allclose(loaded["w"], weights["w"], atol=2e-3)


def test_update_keeps_the_rest(folder):
    checkpoint.update(folder, metrics={"f1": 0.9})
    config = checkpoint.load(folder, "band").config
    assert config["metrics"] == {"f1": 0.9} and config["steps"] == 7


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def flip(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "no folder": (lambda f: f.rename(f.parent / "away"), "config.json is missing"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
    "one bit": (flip, "expected sha256"),
    "foreign": (lambda f: edit(f, system="melody"), "expected 'band'"),
    "newer": (lambda f: edit(f, format=99), "format 99"),
    "no json": (lambda f: (f / "config.json").write_text("{"), "expected JSON"),
    "other json": (lambda f: (f / "config.json").write_text("[]"), "expected the keys"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_refused_by_name(folder, case):
    damage, words = DAMAGE[case]
    damage(folder)
    with pytest.raises(RequestError, match=words):
        checkpoint.load(folder, "band")


def test_weights_that_are_not_safetensors_are_refused(folder):
    import hashlib

    data = b"\x80\x04pickle"
    (folder / "model.safetensors").write_bytes(data)
    edit(folder, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(RequestError, match="safetensors"):
        checkpoint.load(folder, "band")


def test_numbers_that_arrays_do_not_have_are_refused(tmp_path):
    weights = {"w": torch.tensor([0.5, -3.0], dtype=torch.bfloat16)}
    checkpoint.save(tmp_path, system="band", weights=weights, model={})
    with pytest.raises(RequestError, match=r"model\.safetensors cannot be read: expected .*, found 'BF16'"):
        checkpoint.load(tmp_path, "band")


@pytest.mark.parametrize("layer", [torch.nn.Linear(3, 4), torch.nn.Linear(3, 2, bias=False), torch.nn.LayerNorm(3)])
def test_other_shapes_are_refused(folder, layer):
    with pytest.raises(RequestError, match=r"expected .*found"):
        checkpoint.fill(layer, checkpoint.load(folder, "band").weights, folder)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "take.mid"
    checkpoint.write_whole(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["take.mid"]


def test_a_model_in_use_is_given_again_and_one_that_nobody_uses_is_let_go(folder):
    loads = []

    class Model:
        def __init__(self, path, device):
            loads.append((path, device))

    load = checkpoint.shared(Model)
    first = load(folder, None)
    assert load(folder, None) is first and load(str(folder), None) is first and len(loads) == 1
    assert load(folder, "cpu") is not first
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sha256": "0" * 64}))
    assert load(folder, None) is not first  # other weights
    del first
    (folder / "config.json").write_text(json.dumps(config))
    before = len(loads)
    load(folder, None)
    assert len(loads) == before + 1
