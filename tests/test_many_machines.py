"""Training on two processes (gloo), launched as on many machines: one loss for all, weights in step, one writer."""

import json
import os
import subprocess
import sys

import pytest
import torch

from engine import ROOT
from tests.melodies import collection
from tests.test_band_training import songs, untrained_codec
from tests.test_translation_command import two_instruments
from tests.test_trombone_training import recorded
from tests.test_variation_training import songs_file
from training import melody
from training.band_data import prepare as prepare_band
from training.data import songs_npz
from training.trombone_prepare import prepare as prepare_trombone
from training.variation_data import prepare as prepare_variation


def launched(processes: int, *words: str) -> list[dict]:
    """What every process printed, a line of JSON each: one process, or several of `accelerate launch`, whose launcher
    for the GPUs of one machine is also the one for CPU processes. Each writes its line in one piece, for they share one
    output."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
        command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        command += ["--num_cpu_threads_per_process", "1", "--main_process_port", "0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=300, env=env, cwd=ROOT)
    wrong = [line for line in done.stderr.splitlines() if "Error" in line]
    assert done.returncode == 0, "\n".join(wrong) or done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


ONE_LOSS = """
import json, sys, torch
from torch import nn
from training.loop import Loop
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


SYSTEMS = """
import hashlib, json, sys
from pathlib import Path
from training import band, melody, translation, trombone, variation
from training.loop import Loop
from engine.band_model import Config
folder, run = Path(sys.argv[1]), Loop.run

def watched(loop, step, **how):
    seen = []
    def told(n):
        seen.append(step(n))
        return seen[-1]
    run(loop, told, **how)
    weights = b"".join(w.detach().numpy().tobytes() for name in loop.modules for w in loop.plain(name).parameters())
    found = {"run": loop.folder.parent.name, "rank": loop.rank, "processes": loop.accelerator.num_processes,
             "first": seen[0], "weights": hashlib.sha256(weights).hexdigest()}
    sys.stdout.write("\\n" + json.dumps(found) + "\\n")
    sys.stdout.flush()

Loop.run = watched
small = {"width": 24, "depth": 1, "bar_width": 16, "track_width": 16}
band.Config = lambda genres: Config(genres, **small)
for module, words in (
    (melody, f"train --prepared {folder}/melody --runs {folder}/run/melody --checkpoint {folder}/made/melody --steps 2"
             " --width 16 --embed 8 --batch 2 --evaluate-every 2"),
    (variation, f"train --prepared {folder}/variation --runs {folder}/run/variation --latent 8 --track bass --steps 2"
                " --batch 8 --minutes 1"),
    (trombone, f"train --prepared {folder}/trombone --folder {folder}/run/trombone/a --dim 16 --batch 2 --chunk 256"
               " --no-bf16 --steps 2 --evaluate-every 0"),
    (band, f"train --prepared {folder}/band --codec {folder}/codec --run {folder}/run/band/a --batch 4"
           f" --steps 2 --evaluate-every 2 --calibrate 2 --checkpoint {folder}/made/band"),
    (translation, f"train --prepared {folder}/prepared --runs {folder}/run/translation --pair dull-bright --steps 2"
                  f" --batch 2 --width 16 --precision no --checkpoints {folder}/made"),
):
    sys.argv = [module.__name__, *words.split()]
    module.main()
"""


@pytest.fixture
def prepared(tmp_path):
    """Small arrays of all five systems, in a folder each."""
    two_instruments(tmp_path)
    (tmp_path / "tunes.abc").write_text(collection())
    melody.main(["prepare", "--prepared", str(tmp_path / "melody"), "--data", str(tmp_path / "tunes.abc")])
    songs_file(tmp_path / "songs.npz")
    prepare_variation(songs_npz(tmp_path / "songs.npz"), tmp_path / "variation")
    prepare_band(songs(), tmp_path / "band")
    untrained_codec(tmp_path / "codec")
    (tmp_path / "notes").mkdir()
    prepare_trombone(recorded(tmp_path / "notes"), tmp_path / "trombone", copies=1, progress=False)
    return tmp_path


def test_every_system_trains_on_two_processes_with_weights_in_step_and_music_of_their_own(prepared):
    script = prepared / "worker.py"
    script.write_text(SYSTEMS)
    runs: dict[str, list[dict]] = {}
    for found in launched(2, str(script), str(prepared)):
        runs.setdefault(found["run"], []).append(found)
    assert set(runs) == {"melody", "k8", "trombone", "band", "translation"}
    for name, pair in runs.items():
        assert [found["processes"] for found in pair] == [2, 2] and {found["rank"] for found in pair} == {0, 1}
        assert pair[0]["weights"] == pair[1]["weights"], f"{name}: the processes have drifted apart"
        assert pair[0]["first"] != pair[1]["first"], f"{name}: both processes learn from the same music"
    for name in ("melody", "band", "dull-bright"):
        assert (prepared / "made" / name / "model.safetensors").exists()
