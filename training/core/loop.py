"""One training loop for all systems.

Hugging Face Accelerate finds the device, the mixed precision and the other processes (``accelerate launch -m
training train player …`` on many GPUs or machines). The loop adds what every system needs: resuming by default, an
exponential moving average of the weights, a JSON-lines log, the best weights by evaluation, and stopping in time.

    loop = Loop(folder, modules={"generator": g, "critic": c}, optimizers={"g": og, "c": oc}, ema={"generator": 0.999})
    def step(n): …; loop.backward(loss); loop.optimizers["g"].step(); return {"loss": loss.item()}
    loop.run(step, steps=20_000, minutes=30, evaluate=evaluate, evaluate_every=500)

A folder holds `state.pt` (all that resuming needs, replaced whole; read with `weights_only`), `log.jsonl` and
`best.safetensors`. A batch drawn with a generator seeded by (seed, step, loop.rank) makes a resumed run see what an
uninterrupted one would, and each process something of its own. Only the main process writes; `loop.main` tells it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.core.precision import resolve
from training.core.runs import BEST, best_weights

Metrics = dict[str, float]


class Loop:
    """Modules, optimisers and the state of one training run, kept in `folder`.

    ema: module name → decay; `averaged(name)` is the averaged copy. precision: "auto", "bf16" or
    "no" (training/core/precision.py), used in `autocast()`; `precision` is what it came to.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        modules: dict[str, nn.Module],
        optimizers: dict[str, torch.optim.Optimizer],
        ema: dict[str, float] | None = None,
        schedulers: dict[str, Any] | None = None,
        seed: int = 0,
        precision: str = "no",
        resume: bool = True,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.precision = resolve(precision, Accelerator().device.type)
        AcceleratorState._reset_state()  # Accelerate holds one precision a process; a run has its own
        self.accelerator = Accelerator(mixed_precision=self.precision)
        self.seed, self.rank, self.device = seed, self.accelerator.process_index, self.accelerator.device
        torch.manual_seed(seed * 1000 + self.rank)
        self.modules = {name: self.accelerator.prepare(module) for name, module in modules.items()}
        self.optimizers = {name: self.accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
        self.schedulers = schedulers or {}
        self.decay = ema or {}
        self.averages = {name: self._average(name) for name in self.decay}
        self.step, self.best = 0, float("inf")
        self.minutes = 0.0  # since `run` began, the same in every process; counted where it was given a limit
        if resume and (self.folder / "state.pt").exists():
            self._resume()

    def plain(self, name: str) -> nn.Module:
        return self.accelerator.unwrap_model(self.modules[name])

    def averaged(self, name: str) -> nn.Module:
        """The moving average of a module, in eval mode; the module itself where no average was asked for."""
        return self.averages[name].module if name in self.averages else self.plain(name)

    @property
    def main(self) -> bool:
        """Whether this process writes files: one of all machines' does."""
        return bool(self.accelerator.is_main_process)

    def autocast(self) -> Any:
        """Context of the chosen precision."""
        return self.accelerator.autocast()

    def backward(self, loss: torch.Tensor) -> None:
        """Gradients of a loss, averaged over all processes."""
        self.accelerator.backward(loss)

    def generator(self, step: int | None = None) -> torch.Generator:
        """A random generator of this run, step and process alone."""
        step = self.step if step is None else step
        return torch.Generator().manual_seed((self.seed * 1_000_003 + step) * 1009 + self.rank)

    def run(
        self,
        step_fn: Callable[[int], Metrics],
        *,
        steps: int,
        minutes: float | None = None,
        log_every: int = 50,
        save_every: int = 500,
        evaluate: Callable[[int], tuple[float, Metrics]] | None = None,
        evaluate_every: int = 1000,
    ) -> None:
        """Call `step_fn(step)` until `steps` are done or `minutes` have passed, then save.

        `evaluate(step)` returns (score, metrics), lower is better; best.safetensors keeps the best averaged weights.
        """
        began, said, first = time.monotonic(), time.monotonic(), self.step
        sums: dict[str, float] = {}
        count = 0
        while self.step < steps and not self._out_of_time(began, minutes):
            for name, value in step_fn(self.step).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            count += 1
            self.step += 1
            for name, average in self.averages.items():
                average.update_parameters(self.plain(name))
            if self.step % log_every == 0 or self.step == steps:
                now = time.monotonic()
                means = {name: value / count for name, value in sums.items()}
                self._log(means | {"steps_per_s": count / max(now - said, 1e-9)}, steps)
                sums, count, said = {}, 0, now
            if evaluate and self.step % evaluate_every == 0:
                self._evaluate(evaluate, steps)
                said = time.monotonic()
            if self.step % save_every == 0:
                self.save()
        if evaluate and self.step > first and self.step % evaluate_every:
            self._evaluate(evaluate, steps)
        self.save()

    def _out_of_time(self, began: float, minutes: float | None) -> bool:
        """The same answer in every process: all go on or all stop."""
        if minutes is None:
            return False
        passed = torch.tensor((time.monotonic() - began) / 60, device=self.device)
        self.minutes = float(self.accelerator.reduce(passed, "mean").item())
        return self.minutes > minutes

    def _evaluate(self, evaluate: Callable[[int], tuple[float, Metrics]], steps: int) -> None:
        score, metrics = evaluate(self.step)
        best = score < self.best
        self._log({"score": score, "best": float(best), **metrics}, steps)
        if best:
            self.best = score
            if self.main:
                self._write_best()

    def _average(self, name: str) -> AveragedModel:
        def update(averages: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:
            # Early on a long average would still hold the start: it lengthens with the steps done.
            decay = min(self.decay[name], (1 + self.step) / (10 + self.step))
            get_ema_multi_avg_fn(decay)(averages, current, count)

        average = AveragedModel(self.plain(name), multi_avg_fn=update)
        average.n_averaged += 1  # the start: at a count of none the first step would replace it
        return average.eval().requires_grad_(False)

    def _log(self, metrics: Metrics, steps: int) -> None:
        if not self.main:
            return
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, "time": round(time.time(), 1), **metrics}) + "\n")
        words = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        print(f"step {self.step}/{steps}  {words}", file=sys.stderr, flush=True)

    def _write_best(self) -> None:
        weights = {
            f"{name}/{key}": value.detach().cpu().contiguous().clone()
            for name in self.modules
            for key, value in self.averaged(name).state_dict().items()
        }
        temporary = self.folder / "best.tmp"
        save_file(weights, temporary)
        os.replace(temporary, self.folder / BEST)

    def load_best(self, name: str) -> dict[str, torch.Tensor]:
        """The best averaged weights of a module, by evaluation."""
        return best_weights(self.folder, name)

    def save(self) -> None:
        """Write state.pt whole; only the main process does."""
        self.accelerator.wait_for_everyone()
        if not self.main:
            return
        state = {
            "step": self.step,
            "best": self.best,
            "modules": {name: self.plain(name).state_dict() for name in self.modules},
            "averages": {name: self.averaged(name).state_dict() for name in self.averages},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "schedulers": {name: scheduler.state_dict() for name, scheduler in self.schedulers.items()},
            "random": torch.get_rng_state(),
        }
        temporary = self.folder / "state.tmp"
        torch.save(state, temporary)
        os.replace(temporary, self.folder / "state.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location="cpu", weights_only=True)
        self.step, self.best = state["step"], state["best"]
        for name in self.modules:
            self.plain(name).load_state_dict(state["modules"][name])
        for name in self.averages:
            self.averaged(name).load_state_dict(state["averages"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name, scheduler in self.schedulers.items():
            scheduler.load_state_dict(state["schedulers"][name])
        if self.rank == 0:
            torch.set_rng_state(state["random"])
