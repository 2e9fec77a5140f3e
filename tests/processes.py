"""For tests of training in processes of their own: one, or several that train together."""

import json
import os
import subprocess
import sys

from engine import ROOT

TRAIN_ALL = ROOT / "tests" / "train_all.py"


def launched(processes: int, *words: str, **env: str) -> list[dict]:
    """What every process printed, a line of JSON each: one process, or several of `accelerate launch`, whose launcher
    for the GPUs of one machine is also the one for CPU processes. Each writes its line in one piece, for they share one
    output."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
        command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        command += ["--num_cpu_threads_per_process", "1", "--main_process_port", "0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", **env}
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=300, env=env, cwd=ROOT)
    wrong = [line for line in done.stderr.splitlines() if "Error" in line]
    assert done.returncode == 0, "\n".join(wrong) or done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
