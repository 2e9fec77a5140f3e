"""The training loop: it learns, resumes to the same weights, keeps the best, stops in time."""

import json

import pytest
import torch
from torch import nn

from training.core.loop import Loop
from training.core.runs import best_step, best_weights

pytestmark = pytest.mark.training


def make(folder, resume=True):
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    loop = Loop(folder, modules={"net": net}, optimizers={"net": optimizer}, ema={"net": 0.9}, seed=3, resume=resume)

    def step(n):
        x = torch.randn(32, 4, generator=loop.generator(n))
        loss = (loop.modules["net"](x) - x @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])).square().mean()
        optimizer.zero_grad()
        loop.backward(loss)
        optimizer.step()
        return {"loss": loss.item()}

    return loop, step


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_it_learns_and_logs(tmp_path):
    loop, step = make(tmp_path)
    loop.run(step, steps=300, log_every=100)
    losses = [line["loss"] for line in lines(tmp_path)]
    assert len(losses) == 3 and losses[-1] < 0.02 * losses[0]
    average = loop.averaged("net").weight
    assert torch.allclose(average, torch.tensor([[1.0, -2.0, 0.5, 3.0]]), atol=0.1)
    assert not torch.equal(average, loop.modules["net"].weight)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    whole, step = make(tmp_path / "whole")
    whole.run(step, steps=60)
    first, step = make(tmp_path / "parts")
    first.run(step, steps=25)
    second, step = make(tmp_path / "parts")
    assert second.step == 25
    second.run(step, steps=60)
    assert torch.equal(second.modules["net"].weight, whole.modules["net"].weight)
    assert torch.equal(second.averaged("net").weight, whole.averaged("net").weight)


def test_the_best_evaluation_is_kept_not_the_last(tmp_path):
    loop, step = make(tmp_path)
    scores = iter([3.0, 1.0, 2.0])
    seen = []

    def evaluate(n):
        seen.append(loop.averaged("net").weight.clone())
        return next(scores), {"extra": 1.0}

    loop.run(step, steps=30, evaluate=evaluate, evaluate_every=10)
    assert torch.equal(best_weights(tmp_path, "net")["weight"], seen[1]) and best_step(tmp_path) == 20
    assert [line["score"] for line in lines(tmp_path) if "score" in line] == [3.0, 1.0, 2.0]


def test_a_run_that_never_evaluated_is_taken_by_its_last_averages(tmp_path):
    loop, step = make(tmp_path)
    loop.run(step, steps=12)
    assert torch.equal(best_weights(tmp_path, "net")["weight"], loop.averaged("net").weight)
    assert best_step(tmp_path) == 12


def test_it_stops_in_time_and_saves(tmp_path):
    loop, step = make(tmp_path)
    loop.run(step, steps=10**9, minutes=0.01)
    assert 0 < loop.step < 10**9
    assert make(tmp_path)[0].step == loop.step
    assert make(tmp_path, resume=False)[0].step == 0
