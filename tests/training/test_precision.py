"""All systems train on any processor and on a GPU: in bfloat16 where it is there, in float32 where it is not."""

import math

import pytest
import torch

from engine.core import shell
from tests.processes import TRAIN_ALL, launched
from training import __main__ as training
from training.core import precision
from training.core.loop import Loop

pytestmark = pytest.mark.training

PROCESSORS = {  # what oneDNN and PyTorch's own kernels are let use
    "AVX2, so no LSTM in bfloat16": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "no vectors": {"ATEN_CPU_CAPABILITY": "default"},
}


@pytest.mark.parametrize("env", PROCESSORS.values(), ids=PROCESSORS)
def test_every_system_trains_on_any_processor(prepared_systems, tmp_path, env):
    runs = launched(1, str(TRAIN_ALL), str(prepared_systems), str(tmp_path), **env)
    assert [run["run"] for run in runs] == ["melody", "k8", "trombone", "translation"]
    assert all(math.isfinite(value) for run in runs for value in run["first"].values())
    asked = {run["precision"] for run in runs}
    assert len(asked) == 1, "one place decides"
    if "ONEDNN_MAX_CPU_ISA" in env:
        assert asked == {"no"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_every_system_trains_on_cuda_in_bfloat16(prepared_systems, tmp_path):
    runs = launched(1, str(TRAIN_ALL), str(prepared_systems), str(tmp_path), "--device", "cuda", "--precision", "bf16")
    assert [run["run"] for run in runs] == ["melody", "k8", "trombone", "translation"]
    assert {(run["device"], run["precision"]) for run in runs} == {("cuda", "bf16")}
    assert all(math.isfinite(value) for run in runs for value in run["first"].values())


def test_what_is_asked_for_is_forced_and_auto_follows_the_device(monkeypatch, tmp_path):
    for there, chosen in ((True, "bf16"), (False, "no")):
        monkeypatch.setattr(precision, "has_bfloat16", lambda _, there=there: there)
        assert precision.resolve("auto", "cpu") == chosen
        assert precision.resolve("bf16", "cpu") == "bf16" and precision.resolve("no", "cpu") == "no"
        with precision.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if there else torch.float32)
    with pytest.raises(ValueError, match="half"):
        Loop(tmp_path, modules={}, optimizers={}, precision="half")


def test_a_device_without_an_operation_has_no_bfloat16(monkeypatch):
    def refuse(*_):
        raise RuntimeError("could not create a primitive descriptor")

    monkeypatch.setattr(torch.nn.GRU, "forward", refuse)
    precision.has_bfloat16.cache_clear()
    assert not precision.has_bfloat16("cpu")
    precision.has_bfloat16.cache_clear()


@pytest.mark.parametrize("system", training.SYSTEMS["train"])
def test_an_unknown_precision_is_one_sentence(system, capsys):
    with pytest.raises(SystemExit) as ended:
        shell.run(lambda: training.main(["train", system, "--precision", "half"]))
    assert ended.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert "half" in said and "auto" in said
