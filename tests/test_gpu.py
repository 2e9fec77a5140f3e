"""A GPU changes how fast music comes, not what comes; and where it has no room, the processor steps in.

Band, Trombone and Melody sample in compiled loops on the processor wherever they are loaded: of the latter two the
networks that training and scoring run on a GPU are compared.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.translation import recording
from engine import melody, translation, variation
from engine.core import fallback
from engine.core.audio import Audio, write_wav
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Song
from engine.melody.scoring import score
from engine.trombone.network import Config as SampleRNNConfig
from engine.trombone.network import SampleRNN
from tests.melodies import TUNES
from tests.studio import tune

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
SOUND_ERROR_DB = -50.0  # of a translation on the GPU, below its sound on the processor
SAME_NOTES = 0.99  # of a song: a cell at its threshold may fall to either side


VARIED = variation.Request(input=File("tune.mid", write_midi(tune(1))), noise=0.7, seed=5)
SOUND = recording(1.0)


def translated(audio: Audio) -> translation.Request:
    return translation.Request(input=File("x.wav", write_wav(audio)), source="flute", target="trombone")


def same_notes(one: Song, other: Song) -> float:
    """The share of notes that two songs have in common."""
    a, b = ({(t.name, n.onset, n.duration, n.pitch) for t in song.tracks for n in t.notes} for song in (one, other))
    return len(a & b) / len(a | b)


@pytest.mark.gpu
@on_cuda
def test_variation_writes_the_same_notes_on_cuda():
    cuda, cpu = (variation.generate(variation.load(device=device), VARIED).song for device in ("cuda", "cpu"))
    assert same_notes(cuda, cpu) >= SAME_NOTES


@pytest.mark.gpu
@on_cuda
def test_translation_sounds_the_same_on_cuda():
    audio = recording(3.0)
    here, there = (
        translation.generate(translation.load(device=device), translated(audio)).audio.samples
        for device in ("cpu", "cuda")
    )
    assert 20 * np.log10(np.std(there - here) / np.std(here)) < SOUND_ERROR_DB


@pytest.mark.gpu
@on_cuda
def test_melody_scores_and_the_trombones_network_expects_the_same_on_cuda():
    here, there = (score(melody.load(device=device), TUNES) for device in ("cpu", "cuda"))
    assert there["bits_per_char"] == pytest.approx(here["bits_per_char"], abs=1e-3)
    torch.manual_seed(0)
    network = SampleRNN(SampleRNNConfig(dim=32)).eval()
    x = torch.randn(2, 8, 32)
    expected = network.upper.gru(x)[0]
    found = network.to("cuda").upper.gru(x.to("cuda"))[0].cpu()
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.gpu
@on_cuda
def test_a_gpu_that_is_full_leaves_the_work_to_the_processor():
    model = variation.load(device="cuda")
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        result = variation.generate(model, VARIED)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert fallback.REMARK in result.remarks and model.device.type == "cuda"
    assert result.song == variation.generate(variation.load(device="cpu"), VARIED).song


# ---- what can be tried without a GPU ---------------------------------------------------------------------------------


def full(times: int):
    """A step that finds no memory the first so many times."""
    left = [times]

    def step(*_: object, **__: object) -> None:
        if left[0]:
            left[0] -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    return step


@pytest.mark.parametrize(
    "system, request_",
    [
        (variation, VARIED),
        (translation, translated(SOUND)),
    ],
    ids=["variation", "translation"],
)
def test_out_of_memory_is_a_remark_and_the_same_music(system, request_):
    model = system.load(request_.checkpoint(), device="cpu")
    expected = system.generate(model, request_)
    result = system.generate(model, request_, progress=full(1))
    assert result.remarks == (*expected.remarks, fallback.REMARK) and result.song == expected.song
    with pytest.raises(torch.cuda.OutOfMemoryError):
        system.generate(model, request_, progress=full(2))
    if expected.audio:
        assert np.array_equal(result.audio.samples, expected.audio.samples)


@dataclass(frozen=True)
class Model:
    networks: dict[str, nn.Module]
    mean: torch.Tensor
    device: torch.device


def test_the_twin_on_the_processor_shares_nothing_and_holds_the_same():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model = Model({"one": network}, network[1].running_mean, torch.device("cpu"))
    twin = fallback.on_cpu(replace(model, device=torch.device("meta")))
    assert twin.device == torch.device("cpu") and twin.networks["one"] is not network
    for (name, a), b in zip(network.state_dict().items(), twin.networks["one"].state_dict().values()):
        assert torch.equal(a, b), name
    assert twin.mean is twin.networks["one"][1].running_mean


def test_a_model_that_the_gpu_has_no_room_for_is_loaded_on_the_processor(monkeypatch, caplog):
    network, to = nn.Linear(2, 2), nn.Module.to
    monkeypatch.setattr(nn.Module, "to", lambda self, where: full(1)() if where == "cuda" else to(self, where))
    assert fallback.placed(network, "cuda") == torch.device("cpu")
    assert fallback.REMARK in caplog.text
