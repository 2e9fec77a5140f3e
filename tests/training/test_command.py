"""The one training command: the same options for every system, quick help, refusals of one line."""

import os
import shutil
import subprocess
import sys

import pytest

from engine import CHECKPOINTS, ROOT, RequestError
from training.__main__ import STAGES, SYSTEMS, main, module, parser
from training.core import options
from training.core.options import COMMON

SAME = {"train": {"prepared", "run", "minutes", "steps", "batch", "lr", "seed", "threads", "precision", "resume"}}
WANTED = {"train variation": ["--latent", "8"]}  # options that have no default

COMMANDS = [(stage, system) for stage in STAGES for system in SYSTEMS[stage]]

def words_of(stage, system):
    return [stage, system, *WANTED.get(f"{stage} {system}", [])]


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize(("stage", "system"), COMMANDS)
def test_every_stage_of_every_system_has_the_common_options(stage, system):
    chosen = module(stage, system)
    assert callable(chosen.add_arguments) and callable(chosen.run)
    args = vars(parser(stage, system).parse_args(words_of(stage, system)))
    assert (SAME.get(stage, {"prepared"}) if system != "band" else {"data"}) <= set(args)
    assert not {"rate", "runs", "folder", "out", "audio", "checkpoints", "afresh"} & set(args)
    assert ("checkpoint" in args) == (stage == "evaluate" or (stage == "train" and system != "trombone"))
    writes = (stage == "train" and "checkpoint" in args) or (stage, system) == ("evaluate", "trombone")
    assert ("overwrite" in args) == writes
    assert ("device" in args) == (stage == "train")


@pytest.mark.parametrize("system", SYSTEMS["train"])
def test_a_device_that_is_not_there_is_refused(tmp_path, monkeypatch, system):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RequestError, match="'cuda' is not available on this machine") as refusal:
        main([*words_of("train", system), "--device", "cuda"])
    assert "\n" not in str(refusal.value) and files_below(tmp_path) == []


def test_accelerate_is_kept_to_the_device_that_is_asked_for(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "of the environment")
    for device, kept in (("auto", "of the environment"), ("cpu", "True"), ("cuda", "False")):
        options.use_device(parser("train", "melody").parse_args(["train", "melody", "--device", device]))
        assert os.environ["ACCELERATE_USE_CPU"] == kept


def test_help_names_the_systems_and_does_not_import_torch():
    script = (
        "import sys, training.__main__ as t\n"
        "try: t.main(sys.argv[1:])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    for words, named in ((["--help"], [*STAGES, "report"]), (["train", "--help"], SYSTEMS["train"])):
        done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.splitlines()[-1] == "False" and all(name in done.stdout for name in named)


@pytest.mark.parametrize(
    "words",
    [[], ["train"], ["train", "kazoo"], ["tune", "band"], ["train", "band"], ["train", "melody", "--rate", "1"]],
)
def test_a_wrong_command_is_one_sentence(words):
    with pytest.raises(RequestError) as refusal:
        main(words)
    assert "\n" not in str(refusal.value) and "--help" in str(refusal.value)


def test_an_option_has_one_type_and_an_explanation():
    assert all(isinstance(kind, type) and says for kind, says in COMMON.values())


@pytest.mark.parametrize("folders", ["absent", "empty"])
@pytest.mark.parametrize(("stage", "system"), COMMANDS)
def test_without_data_every_command_names_what_is_missing_and_where_it_comes_from(
    tmp_path, monkeypatch, stage, system, folders
):
    monkeypatch.chdir(tmp_path)
    if folders == "empty":
        for folder in ("data/abc", "data/audio", f"prepared/{system}", f"runs/{system}"):
            os.makedirs(folder)
    with pytest.raises(RequestError) as refusal:
        main(words_of(stage, system))
    said = str(refusal.value)
    assert "\n" not in said
    assert any(f"{folder}/" in said for folder in ("data", "prepared", "runs")) and any(
        source in said for source in ("README.md", f"prepare {system}", ".abc")
    )
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        "prepare variation --lpd5 nowhere --ids nowhere.txt",
        "prepare variation --lpd5 nowhere",
        "prepare variation --midi nowhere",
        "prepare melody --data nowhere.abc",
        "prepare translation --a nowhere --b nowhere",
    ],
)
def test_a_source_that_is_not_there_is_named(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="nowhere"):
        main(words.split())
    assert files_below(tmp_path) == []


@pytest.mark.training
@pytest.mark.parametrize("system", ["variation", "melody", "trombone"])
def test_an_absent_checkpoint_or_run_is_named(prepared_systems, tmp_path, system):
    words = ["evaluate", system, "--prepared", str(prepared_systems / system)]
    with pytest.raises(RequestError, match=f"no checkpoint at {tmp_path}"):
        main([*words, "--checkpoint", str(tmp_path / "gone")])
    if system == "trombone":
        with pytest.raises(RequestError, match=f"{tmp_path}.*is missing: `python -m training train trombone`"):
            main([*words, "--checkpoint", str(tmp_path / "new"), "--run", str(tmp_path / "gone")])
    assert files_below(tmp_path) == []


def test_a_file_that_no_option_names_is_a_fault_and_keeps_its_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = FileNotFoundError(2, "No such file or directory", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(module("prepare", "variation"), "chosen_songs", lambda *_: (_ for _ in ()).throw(elsewhere))
    with pytest.raises(FileNotFoundError):
        main(["prepare", "variation"])


@pytest.mark.parametrize(
    "words",
    [
        "melody --minutes -1",
        "melody --minutes 0",
        "player --minutes nan",
        "player --heads 7",
        "player --heads 0",
        "planner --minutes inf",
        "planner --steps -5",
        "variation --latent 8 --steps 0",
        "trombone --batch 0",
        "touch --batch -2",
        "melody --lr 0",
        "translation --lr -0.1",
        "melody --width 0",
        "trombone --evaluate-every 0",
        "touch --threads -1",
        "melody --seed -1",
    ],
)
def test_numbers_that_mean_nothing_are_refused(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=f"--{words.split()[-2][2:]} .* a number is wanted that is"):
        main(["train", *words.split()])
    assert files_below(tmp_path) == []


def test_the_numbers_that_are_given_by_default_are_taken():
    for stage, system in COMMANDS:
        args = parser(stage, system).parse_args(words_of(stage, system))
        options.check_numbers(args, args.options_of)


@pytest.mark.training
def test_training_leaves_shipped_weights_unless_it_is_told(prepared_systems, tmp_path, monkeypatch, capsys):
    shipped = tmp_path / "checkpoints"
    monkeypatch.setattr(options, "CHECKPOINTS", shipped)
    target, run = shipped / "melody", tmp_path / "run"
    shutil.copytree(CHECKPOINTS / "melody", target)
    before = {path: path.read_bytes() for path in files_below(shipped)}
    words = ["train", "melody", "--prepared", str(prepared_systems / "melody"), "--run", str(run), "--steps", "2"]
    words += ["--checkpoint", str(target), "--width", "16", "--embed", "8", "--batch", "2", "--evaluate-every", "2"]
    main(words)
    assert {path: path.read_bytes() for path in files_below(shipped)} == before
    made = run / "checkpoint" / "model.safetensors"
    assert made.is_file()
    said = [line for line in capsys.readouterr().err.splitlines() if "--overwrite" in line]
    assert len(said) == 1 and str(target) in said[0] and str(run / "checkpoint") in said[0]
    main([*words, "--overwrite"])
    assert (target / "model.safetensors").read_bytes() == made.read_bytes()
    assert "--overwrite" not in capsys.readouterr().err


def test_a_place_that_ships_nothing_is_written_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(options, "CHECKPOINTS", tmp_path / "checkpoints")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.json").write_text("{}")
    for place in (tmp_path / "checkpoints" / "new", tmp_path / "own"):
        args = parser("train", "melody").parse_args(["train", "melody", "--checkpoint", str(place)])
        with options.protected(args):
            assert args.checkpoint == place
    assert capsys.readouterr().err == ""
