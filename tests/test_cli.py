"""The command line itself: outputs by ending, numbering, refusals with exit 2 and nothing written. A small made-up
system stands in for the trained ones, whose own tests run their own commands."""

import json
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine import RequestError, device, device_name
from engine import __main__ as cli
from engine.core import request
from engine.core.audio import read_audio
from engine.core.result import Result
from engine.core.song import Note, Song, Track

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Clicks(request.Request):
    SYSTEM = "click"
    CONTENTS = request.Contents(texts=("abc",))
    notes: int = request.option(2, "How many notes.", low=0, high=100, called="The number of notes")

    def checkpoint(self):
        return Path("none")


def clicks(model, asked, *, progress=None):
    notes = tuple(Note(i, 1, 60 + i % 12) for i in range(asked.seed + asked.notes))
    song = Song((Track("piano", 0, False, notes),))
    return Result(request=asked, song=song, texts={"abc": b"text"}, remarks=("Played.",))


@pytest.fixture
def clicker(monkeypatch):
    """A system that writes as many notes as its seed says, and a few more."""
    module = types.SimpleNamespace(Request=Clicks, load=lambda path, device: None, generate=clicks)
    monkeypatch.setattr(cli, "SYSTEMS", {"click": "clicks"})
    monkeypatch.setattr(cli, "system", lambda name: module)


def run(*words):
    return cli.run([str(word) for word in words])


def test_the_ending_chooses_the_format(clicker, tmp_path):
    names = ["a.mid", "a.npz", "a.musicxml", "a.wav", "a.flac", "a.zip", "a.abc"]
    assert run("click", *(word for name in names for word in ("--out", tmp_path / name))) == 0
    heads = {name: (tmp_path / name).read_bytes()[:4] for name in names}
    assert heads == {
        "a.mid": b"MThd",
        "a.npz": b"PK\x03\x04",
        "a.musicxml": b"<?xm",
        "a.wav": b"RIFF",
        "a.flac": b"fLaC",
        "a.zip": b"PK\x03\x04",
        "a.abc": b"text",
    }


def test_the_same_seed_gives_the_same_bytes(clicker, tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        outs = [word for name in ("x.mid", "x.wav", "x.musicxml") for word in ("--out", tmp_path / folder / name)]
        run("click", "--seed", 3, *outs)
    for name in ("x.mid", "x.wav", "x.musicxml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_count_numbers_files_and_moves_the_seed(clicker, tmp_path, capsys):
    run("click", "--seed", 1, "--count", 3, "--out", tmp_path / "x.mid", "--json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.mid", "x-2.mid", "x-3.mid"]
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 3
    report = json.loads(capsys.readouterr().out)
    assert [(entry["seed"], entry["settings"]) for entry in report] == [(seed, {"notes": 2}) for seed in (1, 2, 3)]
    assert {"load", "make", "write"} == report[0]["seconds"].keys()


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["click", "--out", "{}/x.doc"], "'.doc' is not a format"),
        (["click", "--out", "{}/x"], "needs an ending"),
        (["click", "--out", "{}/none/x.mid"], "does not exist"),
        (["click", "--out", "{}/x.mid", "--out", "{}/x.mid"], "same file twice"),
        (["click", "--notes", "many", "--out", "{}/x.mid"], "a whole number is wanted"),
        (["click", "--seed", "seven", "--out", "{}/x.mid"], "a whole number is wanted"),
        (["click", "--notes", "101", "--out", "{}/x.mid"], "from 0 to 100, not 101"),
        (["click", "--count", "0", "--out", "{}/x.mid"], "--count 0"),
        (["click", "--seed", str(2**63 - 1), "--count", "2", "--out", "{}/x.mid"], "the last seed"),
        (["click", "--out", "{}/x.8bit.wav"], "'.8bit.wav' is not a format"),
        (["click", "--out", "{}/x.score.musicxml"], "'.score.musicxml' is not a format"),
        (["click", "--out", "{}/x.mid", "--out=-.svg"], "'.svg' is not a format"),
        (["click", "--out", "-", "--count", "2"], "only one result"),
        (["click", "--out", "-", "--out=-.wav"], "only one result"),
        (["click", "--out", "-", "--json"], "both want the standard output"),
        (["click"], "Nothing would be kept"),
        (["clack"], "invalid choice"),
        ([], "required"),
    ],
)
def test_refusals_write_nothing(clicker, tmp_path, words, complaint):
    with pytest.raises(RequestError) as refusal:
        run(*(word.format(tmp_path) for word in words))
    assert complaint in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_soundfont_that_is_none_is_named_and_the_usual_one_plays(clicker, tmp_path, capsys):
    run("click", "--out", tmp_path / "usual.wav")
    run("click", "--soundfont", "nobody's", "--out", tmp_path / "x.wav")
    assert "nobody's is not a soundfont" in capsys.readouterr().err
    assert (tmp_path / "x.wav").read_bytes() == (tmp_path / "usual.wav").read_bytes()


def test_a_number_goes_before_an_ending_of_two_parts(tmp_path):
    contents = request.Contents(sound=True, texts=("8bit.wav",))
    files = cli.outputs([f"{tmp_path}/x.8bit.wav", f"{tmp_path}/y.1.WAV"], 2, contents)
    names = [[path.name for path in paths] for paths in files]
    assert names == [["x-1.8bit.wav", "y.1-1.WAV"], ["x-2.8bit.wav", "y.1-2.WAV"]]


@pytest.mark.parametrize("out, head", [("-", b"MThd"), ("-.wav", b"RIFF"), ("-.abc", b"text")])
def test_a_pipe_holds_the_file_and_nothing_else(clicker, tmp_path, capsysbinary, out, head):
    run("click", f"--out={out}", "--out", tmp_path / "x.mid")
    piped, said = capsysbinary.readouterr()
    assert piped.startswith(head) and said == b"Played.\n"
    assert head != b"MThd" or piped == (tmp_path / "x.mid").read_bytes()


@pytest.mark.process
def test_systems_are_joined_by_pipes(tmp_path):
    made, played, varied = tmp_path / "tune.mid", tmp_path / "tune.wav", tmp_path / "varied.mid"
    python = f"{sys.executable} -m engine"
    melody = f"{python} melody --bars 4 --seed 3 --out {made} --out -"
    chain = f"{melody} | tee {tmp_path / 'piped.mid'} | {python} trombone --input - --out {played}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", chain], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert made.read_bytes() == (tmp_path / "piped.mid").read_bytes()
    assert not read_audio(played).silent
    into_variation = f"{python} variation --input - --out {varied}"
    done = subprocess.run(into_variation.split(), input=b"no music", capture_output=True, cwd=ROOT)
    said = "stdin is neither a MIDI file nor a MusicXML score.\n"
    assert done.returncode == 2 and done.stderr.decode() == said and not varied.exists()
    chain = f'{python} list | true; echo "${{PIPESTATUS[0]}}"'  # who reads it wants no more
    done = subprocess.run(["bash", "-c", chain], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_a_refusal_exits_with_2_and_one_line():
    done = subprocess.run([sys.executable, "-m", "engine", "bnad"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and not done.stdout
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def imported(tmp_path, *words):
    """The modules that a process has imported once it did what these words ask for."""
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    code += "from engine.__main__ import main; main()"
    command = [sys.executable, "-c", code, *(word.format(tmp_path) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-500:]
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "list",
        *(f"{system} --help" for system in cli.SYSTEMS),
        "melody --bars 4 --out {0}/made.mid --out {0}/made.wav",
        "trombone --note 58 --seconds 0.3 --json",
    ],
)
@pytest.mark.process
def test_what_does_not_need_pytorch_starts_without_it(tmp_path, line):
    assert "torch" not in imported(tmp_path, *line.split())


@pytest.mark.parametrize("system", cli.SYSTEMS)
def test_a_systems_command_imports_no_other_system(tmp_path, system):
    modules = imported(tmp_path, system, "--help")
    assert f"engine.{system}" in modules
    doors = {"trombone": {"melody"}, "jam": {"band"}}  # for ABC, and for what the band can be asked
    others = set(cli.SYSTEMS) - {system} - doors.get(system, set())
    assert not [name for name in modules if name.removeprefix("engine.").split(".")[0] in others]


def test_the_device_that_list_names_is_the_one_that_is_used():
    assert device_name() == str(device())


@pytest.mark.parametrize("system", ["melody", "trombone"])
def test_a_device_that_is_not_there_is_refused_though_the_processor_makes_the_music(tmp_path, system):
    own = ["--note", "58"] if system == "trombone" else ["--bars", "4"]
    for name, says in (("cuda:99", "The device 'cuda:99' is not available"), ("abacus", "'abacus' is not a device")):
        with pytest.raises(RequestError, match=says):
            run(system, *own, "--device", name, "--out", tmp_path / "made.mid")
    assert not list(tmp_path.iterdir())


def test_list_names_systems_device_and_synthesiser():
    done = subprocess.run([sys.executable, "-m", "engine", "list", "--json"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["device"] and "FluidSynth" in found["synthesiser"]
    assert "damaged" not in done.stdout
    assert found["systems"]["band"]["checkpoints"]["player"]["sha256"]
    assert len(found["systems"]["band"]["options"]["genre"]) >= 8
