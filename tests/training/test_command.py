"""The one training command: the same options for every system, quick help, refusals of one line."""

import subprocess
import sys

import pytest

from engine import ROOT, RequestError
from training.__main__ import STAGES, SYSTEMS, main, module, parser
from training.core.options import COMMON

SAME = {"train": {"prepared", "run", "minutes", "steps", "batch", "lr", "seed", "threads", "precision", "resume"}}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_stage_of_every_system_has_the_common_options(stage, system):
    chosen = module(stage, system)
    assert callable(chosen.add_arguments) and callable(chosen.run)
    words = {"variation": ["--latent", "8"], "translation": ["--any"]}.get(system, []) if stage == "train" else []
    args = vars(parser(stage, system).parse_args([stage, system, *words]))
    assert SAME.get(stage, {"prepared"}) <= set(args)
    assert not {"rate", "runs", "folder", "out", "audio", "checkpoints", "afresh"} & set(args)
    assert ("checkpoint" in args) == (stage == "evaluate" or (stage == "train" and system != "trombone"))


def test_help_names_the_systems_and_does_not_import_torch():
    script = (
        "import sys, training.__main__ as t\n"
        "try: t.main(sys.argv[1:])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    for words, named in ((["--help"], [*STAGES, "report"]), (["train", "--help"], SYSTEMS)):
        done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.splitlines()[-1] == "False" and all(name in done.stdout for name in named)


@pytest.mark.parametrize(
    "words", [[], ["train"], ["train", "kazoo"], ["tune", "band"], ["train", "band", "--rate", "1"]]
)
def test_a_wrong_command_is_one_sentence(words):
    with pytest.raises(RequestError) as refusal:
        main(words)
    assert "\n" not in str(refusal.value) and "--help" in str(refusal.value)


def test_an_option_has_one_type_and_an_explanation():
    assert all(isinstance(kind, type) and says for kind, says in COMMON.values())
