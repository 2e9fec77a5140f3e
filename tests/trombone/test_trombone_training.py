"""The trombone's training: notes are cut and measured right, a network overfits them, a run resumes and plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
import torch

from engine.trombone.conditions import HARMONICS, LOWEST
from engine.trombone.network import Config, SampleRNN
from engine.trombone.pitch import RATE
from tests.tiny_data import AMPLITUDES, PHASES, recorded, sound
from training.__main__ import main
from training.trombone.batches import Notes, TBPTTBatcher, bits, score
from training.trombone.evaluate import export, load_run, table_of
from training.trombone.notes import analyse, cut
from training.trombone.playing import log_mel_distance, play_validation, self_played
from training.trombone.prepare import from_midi_folders, prepare, recordings, split_of

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="module")
def notes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Notes:
    out = tmp_path_factory.mktemp("prepared")
    summary = prepare(folder, out, copies=2, progress=False)
    assert summary["dropped"] == ["wrong.wav"] and summary["recordings"] == 17
    return Notes.open(out)


def test_a_note_is_cut_at_its_onset_and_keeps_its_tail() -> None:
    whole = sound(50, 0.7, silence=0.35)
    note = cut(whole)
    assert len(note) / RATE == pytest.approx(0.7, abs=0.03)
    assert abs(note[-1]) < 1e-4


def test_the_phase_is_exact_and_the_harmonics_are_found() -> None:
    found = analyse(sound(50.11, 0.8), 50)
    assert found is not None and found.cents == pytest.approx(11, abs=1.5)
    size = np.abs(found.harmonics[:5])
    np.testing.assert_allclose(size / size[1], AMPLITUDES, rtol=0.08)
    assert np.abs(found.harmonics[6:]).max() < 0.03
    # Relative to the fundamental's, the phases are those of the sound.
    turned = found.harmonics[:5] * np.exp(-1j * np.angle(found.harmonics[0]) * np.arange(1, 6))
    assert np.abs(np.angle(turned * np.exp(-1j * PHASES))).max() < 0.2


def test_what_is_not_the_note_it_says_is_left_out() -> None:
    assert analyse(sound(52, 0.5), 60) is None
    assert analyse(np.zeros(RATE), 60) is None


def test_prepared_notes_are_level_in_tune_and_counted_down(notes: Notes) -> None:
    index = notes.index
    assert len(np.unique(index["name"])) == 16
    in_tune = index["copy"] == 0
    assert np.abs(index["cents"][in_tune & (index["split"] == 0)]).max() < 3
    assert np.abs(index["cents"][~in_tune]).max() <= 65
    for note in range(len(in_tune)):
        assert notes.curve(note).max() == pytest.approx(-15, abs=1.5)
        real = notes.part(notes.samples, note, 0, notes.frames(note)).astype(float)
        own = notes.part(notes.own, note, 0, notes.frames(note)).astype(float)
        assert ((real - own) ** 2).sum() < 0.2 * (real**2).sum(), "the note's own prior resembles it"


def test_no_cell_is_in_two_splits_and_copies_stay_with_their_recording(notes: Notes) -> None:
    index = notes.index
    cells: dict[tuple, set[int]] = {}
    for midi, dynamic, length, split in zip(index["midi"], index["dynamic"], index["length"], index["split"]):
        cells.setdefault((midi, dynamic, length), set()).add(int(split))
    assert all(len(splits) == 1 for splits in cells.values())
    shares = np.bincount([split_of(m, d, n) for m in range(40, 77) for d in range(5) for n in range(5)])
    assert shares[1] / shares.sum() == pytest.approx(1 / 16, abs=0.02) and shares[2] > 30


def test_the_thesis_layout_of_folders_with_one_midi_each_is_read(tmp_path: Path) -> None:
    for midi, velocity in ((50, 30), (57, 120)):
        inside = tmp_path / f"note{midi}"
        inside.mkdir()
        soundfile.write(inside / "a.wav", sound(midi, 0.4, rate=44_100), 44_100)
        score_of = pretty_midi.PrettyMIDI()
        track = pretty_midi.Instrument(57)
        track.notes.append(pretty_midi.Note(velocity, midi, 0, 1))
        score_of.instruments.append(track)
        score_of.write(str(inside / "note.mid"))
    found = list(from_midi_folders(tmp_path))
    assert [(r.midi, r.dynamic) for r in found] == [(50, 1), (57, 4)] and recordings(tmp_path) == found
    summary = prepare(tmp_path, tmp_path / "out", copies=1, progress=False)
    assert summary["notes"] == 2


def network(**changes: object) -> SampleRNN:
    torch.manual_seed(0)
    return SampleRNN(Config(dim=32, embedding=6, **changes))  # type: ignore[arg-type]


def test_a_network_learns_two_notes_and_lengths_are_masked(notes: Notes) -> None:
    net = network()
    which = np.flatnonzero(notes.index["split"] == 0)[:2]
    batcher = TBPTTBatcher(notes, which, net, 2, 512, np.random.default_rng(0), corrupt=False)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    state, losses = net.begin(2), []
    for _ in range(60):
        loss, after = bits(net, batcher(), state)
        state = tuple(s.detach() for s in after)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-12:]) < 0.75 * np.mean(losses[:2])
    batcher = TBPTTBatcher(notes, which, net, 2, 512, np.random.default_rng(0), corrupt=False, once=True)
    masks = []
    while (batch := batcher()) is not None:
        masks.append(batch.mask.sum().item())
    assert sum(masks) == sum(notes.frames(int(n)) for n in which), "each sample counts once, padding never"
    assert 0 < score(net, notes, which, batch=2) < 8


def test_carried_state_makes_chunks_equal_one_long_sequence(notes: Notes) -> None:
    net = network().eval()
    totals = []
    for chunk in (512, 2048):
        batcher = TBPTTBatcher(notes, np.array([0]), net, 1, chunk, np.random.default_rng(0), corrupt=False, once=True)
        state, total = net.begin(1), 0.0
        with torch.no_grad():
            while (batch := batcher()) is not None:
                value, state = bits(net, batch, state)
                total += float(value) * float(batch.mask.sum())
        totals.append(total)
    assert totals[0] == pytest.approx(totals[1], rel=1e-4)


def test_the_corrupted_history_differs_but_the_target_stays_the_recording(notes: Notes) -> None:
    net = network()
    which = np.flatnonzero(notes.index["split"] == 0)
    bank = self_played(net, notes, which, 4, seed=0)
    batcher = TBPTTBatcher(notes, which, net, 6, 512, np.random.default_rng(1))
    batcher.bank, batcher.bank_share = bank, 1.0
    batch = batcher()
    note, (levels, _, _) = int(batcher.note[0]), bank[int(batcher.note[0])]
    np.testing.assert_array_equal(batch.history[0, 64:].numpy(), levels[:511])
    assert batcher.own_play.all() and note in bank
    assert (batch.target[0, :511] != batch.history[0, 64:]).float().mean() > 0.5
    batcher.bank = {}  # played anew: a note that has begun goes on as it was
    assert batcher.own_play.all() and not batcher.bank
    np.testing.assert_array_equal(batcher().history[0, 64:].numpy(), levels[512:1023])


def test_the_thesis_conditioning_sees_neither_phase_nor_prior(notes: Notes) -> None:
    net = network(prior=False)
    batch = TBPTTBatcher(notes, np.arange(4), net, 4, 512, np.random.default_rng(0))()
    assert not batch.sample_features.any()
    assert not batch.features[..., -23:].any() and batch.features.any()
    moved = batch.prior + 0.3
    state = net.begin(4)
    with torch.no_grad():
        a, _ = net(batch.history, batch.features, batch.sample_features, batch.prior, state)
        b, _ = net(batch.history, batch.features, batch.sample_features, moved, state)
    torch.testing.assert_close(a, b)


def test_log_mel_distance_is_zero_for_the_same_note_at_another_level_and_grows_with_the_pitch() -> None:
    a, b, c = sound(50, 0.6), sound(51, 0.6), sound(57, 0.6)
    assert log_mel_distance(a, 0.5 * a) < 0.3
    assert log_mel_distance(a, b) < log_mel_distance(a, c)


def test_the_table_counts_what_is_out_of_tune_too_short_clipped_and_silent() -> None:
    from engine.trombone.notes import NoteSpec

    good = sound(50, 0.5)[round(0.2 * RATE) :]
    asked = [NoteSpec(50, 0.5), NoteSpec(52, 0.5), NoteSpec(50, 0.9), NoteSpec(50, 0.5), NoteSpec(50, 0.5)]
    table = table_of([good, good, good, np.clip(good * 100, -1, 1), np.zeros(8000)], asked)
    assert table["within_25_cents"] == pytest.approx(0.6)
    assert table["length_within_60_ms"] == pytest.approx(0.6)
    assert (table["clipped"], table["silent"]) == (1, 1)


def test_a_run_trains_stops_resumes_and_plays(notes: Notes, folder: Path, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    prepare(folder, prepared, copies=1, progress=False)
    words = (
        f"train trombone --prepared {prepared} --run {tmp_path / 'run'} --dim 16 --batch 2 --chunk 256 --precision no"
    )
    for steps in (2, 4):
        rest = f"--steps {steps} --evaluate-every 2 --every 1 --self-play 2 --bank 1"
        main([*words.split(), *rest.split()])
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["step"] == 4
    assert (tmp_path / "run" / "best.safetensors").exists()
    export(Notes.open(prepared), tmp_path / "run", tmp_path / "checkpoint", folder, 0)
    from engine import trombone

    model = trombone.load(tmp_path / "checkpoint")
    assert model.tables.harmonics.shape == (37, 5, HARMONICS) and model.config["steps"] in (
        2,
        4,
    )  # whichever played better
    assert trombone.generate(model, trombone.Request(note=LOWEST, seconds=0.3)).audio.seconds > 0.3
    value, parts = play_validation(load_run(tmp_path / "run"), notes, np.arange(2))
    assert value >= parts["log_mel"] > 0
