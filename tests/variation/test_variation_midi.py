"""Awkward MIDI files, made here byte by byte, through Variation's command line: handled, or refused in one sentence."""

import struct
import sys

import pytest
import torch

from engine import __main__ as command
from engine import variation
from engine.core.pianoroll import TRACKS
from engine.variation.model import of_network
from engine.variation.network import Network
from engine.variation.vae import VAEBank, VaeConfig


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body)) + body


def midi(*tracks: bytes, kind: int = 1, division: int = 96) -> bytes:
    head = chunk(b"MThd", struct.pack(">HHH", kind, len(tracks), division))
    return head + b"".join(chunk(b"MTrk", t + b"\x00\xff\x2f\x00") for t in tracks)


def meta(kind: int, body: bytes) -> bytes:
    return b"\x00\xff" + bytes([kind, len(body)]) + body


TEMPO = meta(0x51, b"\x07\xa1\x20")  # 120 beats a minute
BEAT = b"\x00\x90\x3c\x50\x60\x80\x3c\x40"  # middle C for a beat
DRUM = b"\x00\x99\x24\x64\x60\x89\x24\x40"
RUNNING = b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x40\x50\x60\x40\x00"  # status said once, ends as velocity 0
SYSEX = b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7"
THREE_FOUR, SEVEN_EIGHT = meta(0x58, b"\x03\x02\x18\x08"), meta(0x58, b"\x07\x03\x18\x08")

HANDLED = {
    "type 0": midi(TEMPO + BEAT * 8, kind=0),
    "type 1": midi(TEMPO, BEAT * 8, DRUM * 8),
    "type 2": midi(BEAT * 4, BEAT * 4, kind=2),
    "running status": midi(RUNNING * 4),
    "sysex": midi(SYSEX + BEAT * 4),
    "lyrics in an odd encoding": midi(meta(0x05, b"\xff\xfe\xa4\xe4\x81") + BEAT * 4),
    "a track name that is HTML": midi(meta(0x03, b"<script>alert(1)</script>") + BEAT * 4),
    "no tempo": midi(BEAT * 4),
    "one note": midi(BEAT),
    "drums alone": midi(DRUM * 8),
    "3/4": midi(THREE_FOUR + BEAT * 9),
    "changing meters": midi(THREE_FOUR + BEAT * 6 + SEVEN_EIGHT + BEAT * 7),
    "a note that never ends": midi(b"\x00\x90\x3c\x50\x60\x90\x40\x50\x60\x80\x40\x00"),
    "pitches at both ends": midi(b"\x00\x90\x00\x50\x60\x80\x00\x00\x00\x90\x7f\x50\x60\x80\x7f\x00"),
}
REFUSED = {
    "nothing": (b"", "empty"),
    "not MIDI": (b"RIFF0000WAVE", "not a MIDI"),
    "cut off": (HANDLED["type 1"][:20], "damaged|no notes"),
    "no notes": (midi(TEMPO), "no notes"),
    "enormous": (b"MThd" + bytes(3 * 2**20), "larger than"),
    "far away": (midi(b"\xff\xff\xff\x7f\x90\x3c\x50\x60\x80\x3c\x00", division=24), "beats"),
}


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Runs the command line on a MIDI file with small random weights: (exit code, folder)."""
    torch.manual_seed(0)
    network = Network(VAEBank(dict.fromkeys(TRACKS, VaeConfig(8, 16, 24, 32)), dict.fromkeys(TRACKS, 0.02)))
    model = of_network(network, 0.5, device="cpu")
    monkeypatch.setattr(variation, "load", lambda *args, **settings: model)

    def run(content: bytes, *options: str) -> int:
        (tmp_path / "in.mid").write_bytes(content)
        words = ["variation", "--input", str(tmp_path / "in.mid"), "--out", str(tmp_path / "out.mid"), *options]
        monkeypatch.setattr(sys, "argv", ["engine", *words])
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code or 0

    run.folder = tmp_path
    return run


@pytest.mark.parametrize("name", HANDLED)
@pytest.mark.parametrize("options", [("--noise", "1"), ("--continue", "2")], ids=["vary", "continue"])
def test_an_awkward_file_is_handled(engine, name, options):
    assert engine(HANDLED[name], *options) == 0
    assert (engine.folder / "out.mid").read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_line_and_nothing_is_written(engine, capsys, name):
    content, words = REFUSED[name]
    assert engine(content) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert any(word in said for word in words.split("|")), said
    assert not (engine.folder / "out.mid").exists()


@pytest.mark.parametrize(
    "options, word",
    [
        (("--noise", "loud"), "--noise"), (("--noise", "9"), "0 to 2"), (("--noise", "tuba=1"), "tuba"),
        (("--bars", "2-"), "--bars"), (("--bars", "7-9"), "bars 1 to"), (("--hold", "tuba"), "tuba"),
        (("--latent", "12"), "latent"), (("--continue", "0"), "1 to 64"),
        (("--continue", "2", "--towards", "x"), "x cannot"),
        (("--towards", "nowhere.mid"), "nowhere.mid"), (("--keep", "colour"), "rhythm"),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(engine, capsys, options, word):
    assert engine(HANDLED["type 1"], *options) == 2
    assert word in capsys.readouterr().err
    assert not (engine.folder / "out.mid").exists()


def test_the_same_command_writes_the_same_bytes(engine):
    written = []
    for _ in range(2):
        assert engine(HANDLED["type 1"], "--noise", "1", "--seed", "5") == 0
        written.append((engine.folder / "out.mid").read_bytes())
    assert written[0] == written[1]


def test_a_walk_to_another_file(engine):
    (engine.folder / "other.mid").write_bytes(HANDLED["running status"])
    assert engine(HANDLED["type 1"], "--towards", str(engine.folder / "other.mid"), "--steps", "3", "--bars", "1") == 0
