"""Training on two processes (gloo), launched as on many machines: one loss for all, weights in step, one writer."""

import pytest
import torch

from tests.processes import TRAIN_ALL, launched

pytestmark = pytest.mark.training

ONE_LOSS = """
import json, sys, torch
from torch import nn
from engine.core.stop import leave
from training.core.loop import Loop
torch.manual_seed(0)
net = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loop = Loop(sys.argv[1], modules={"net": net}, optimizers={"net": optimizer}, seed=1)
world = loop.accelerator.num_processes
def step(n):
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(n)).chunk(world)[loop.rank]
    loss = (loop.modules["net"](x) - x.sum(1, keepdim=True)).square().mean()
    optimizer.zero_grad(); loop.backward(loss); optimizer.step()
    return {"loss": loss.item()}
loop.run(step, steps=20)
x = torch.randn(500, 4, generator=torch.Generator().manual_seed(999))
with torch.no_grad():
    loss = (loop.averaged("net")(x) - x.sum(1, keepdim=True)).square().mean().item()
weight = loop.averaged("net").weight.tolist()
sys.stdout.write("\\n" + json.dumps({"rank": loop.rank, "processes": world, "weight": weight, "loss": loss,
                                     "backend": loop.accelerator.state.backend}) + "\\n")
leave(0)
"""


def test_two_processes_reach_the_loss_that_one_does(tmp_path):
    """Halves of every batch on two processes give the gradients, and so the weights, of whole batches on one."""
    script = tmp_path / "worker.py"
    script.write_text(ONE_LOSS)
    [one] = launched(1, str(script), str(tmp_path / "1"))
    two = launched(2, str(script), str(tmp_path / "2"))
    assert one["processes"] == 1 and {found["processes"] for found in two} == {2}
    assert {found["rank"] for found in two} == {0, 1} and {found["backend"] for found in two} == {"gloo"}
    for found in two:
        assert torch.allclose(torch.tensor(found["weight"]), torch.tensor(one["weight"]), atol=1e-5)
        assert found["loss"] == pytest.approx(one["loss"], rel=1e-3) and found["loss"] < 0.1


def test_every_system_trains_on_two_processes_with_weights_in_step_and_music_of_their_own(prepared_systems, tmp_path):
    runs: dict[str, list[dict]] = {}
    for found in launched(2, str(TRAIN_ALL), str(prepared_systems), str(tmp_path)):
        runs.setdefault(found["run"], []).append(found)
    assert set(runs) == {"melody", "k8", "trombone", "translation"}
    for name, pair in runs.items():
        assert [found["processes"] for found in pair] == [2, 2] and {found["rank"] for found in pair} == {0, 1}
        assert pair[0]["weights"] == pair[1]["weights"], f"{name}: the processes have drifted apart"
        assert pair[0]["first"] != pair[1]["first"], f"{name}: both processes learn from the same music"
    for name in ("melody", "translation"):
        assert (tmp_path / "made" / name / "model.safetensors").exists()
