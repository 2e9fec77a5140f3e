"""Band: bars of music for drums, piano, guitar, bass and strings, in a genre or a mix of genres.

    model = load()                                                    model.genres names what can be asked for
    result = generate(model, Request(genre={"jazz": 1}, seed=8, bars=8))                             result.song
    generate(model, Request(genre={"jazz": 2, "soul": 1}, seed=7, bars=32, track_seeds={"piano": 3}))

Two networks can play. The player writes note after note (played.py, engine/player). The GAN, genre-conditioned after
MuseGAN (Dong et al. 2018), draws four bars at once; its networks and their shapes stand in network.py. Its longer
pieces are a path through the noise: what makes the song's style is drawn once, each phrase of four bars has noise of
its own, and sections return (form.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine import Progress, RequestError
from engine.band.config import BARS
from engine.band.form import path_noise
from engine.band.model import Model
from engine.band.played import in_scale, play
from engine.band.request import KEYS, Request
from engine.core.fallback import or_on_cpu
from engine.core.pianoroll import LOWEST, PITCHES, STEPS, TRACKS, note_ends
from engine.core.result import Result
from engine.core.song import Note, Song, Track

if TYPE_CHECKING:
    from engine import player


def generate(model: Model | player.Model, request: Request, *, progress: Progress | None = None) -> Result:
    """A song of `request.bars` bars of 4/4 in five tracks, those that rest without notes.

    It is played by the network whose weights are given, and the result's request says which. `progress` counts phrases
    or bars. Refused when a genre is not one of `model.genres`.
    """
    if isinstance(model, Model):
        return _drawn(model, replace(request, network="gan"), progress)
    return play(model, replace(request, network="player"), progress)


@or_on_cpu
def _drawn(model: Model, request: Request, progress: Progress | None) -> Result:
    """The GAN's song."""
    weights = _weights(model, request.genre)
    bars, seed = request.bars, request.seed
    phrases = -(-bars // BARS)
    shared, private = path_noise(model.config, seed, request.track_seeds, phrases)
    rng = np.random.default_rng([seed, 7])
    root = KEYS.index(request.key) if request.key is not None else int(rng.integers(12))
    onset_at, held_at, mean_velocity, usual_tempo = _mixed(model, weights)
    onset = np.zeros((bars * STEPS, len(TRACKS), PITCHES), bool)
    held = np.zeros_like(onset)
    step = 4  # phrases at once: steady memory, and a chance to stop
    for start in range(0, phrases, step):
        if progress:
            progress(start, phrases)
        part = slice(start, min(start + step, phrases))
        reach = request.adventurousness
        logits = _logits(model, shared[part] * reach, private[part] * reach, weights)
        planes = logits.transpose(0, 1, 4, 2, 3, 5).reshape(-1, len(TRACKS), 2, PITCHES)  # [steps, tracks, planes, 72]
        steps = slice(start * BARS * STEPS, min(bars * STEPS, part.stop * BARS * STEPS))
        planes = planes[: steps.stop - steps.start]
        onset[steps] = planes[:, :, 0] > onset_at[:, None] - (request.density - 0.5) * 4
        held[steps] = planes[:, :, 1] > held_at[:, None]
    strongest = max(model.programs.items(), key=lambda item: weights[model.genres.index(item[0])])[1]
    programs = {**strongest, **request.programs}
    tracks = []
    for t, name in enumerate(TRACKS):
        drums = name == "drums"
        touch = np.random.default_rng([request.track_seeds.get(name, seed), 11, t])
        notes = _notes(onset[:, t], held[:, t], drums, mean_velocity[t], touch) if name not in request.without else []
        if not drums:
            notes = [_in_key(n, request.lock_key, (root + 6) % 12 - 6) for n in notes]
            notes = list({(n.onset, n.pitch): n for n in notes}.values())
        tracks.append(Track(name, programs[name], drums).with_notes(notes))
    if progress:
        progress(phrases, phrases)
    title = " & ".join(g for g, w in zip(model.genres, weights) if w > 0)
    song = Song(tuple(tracks), request.tempo if request.tempo is not None else usual_tempo, (4, 4), title)
    report = {"tempo": song.tempo, "notes": {t.name: len(t.notes) for t in song.tracks}}
    return Result(request=request, song=song, weights=model.sha256, remarks=request.remarks, report=report)


def _logits(model: Model, shared: np.ndarray, private: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 [phrases, 4 bars, 5 tracks, 2, 16, 72]."""
    import torch

    with torch.inference_mode():
        genre = torch.from_numpy(weights).to(model.device).expand(len(shared), -1)
        phrase = model.network.phrase(
            torch.from_numpy(shared).to(model.device), torch.from_numpy(private).to(model.device), genre
        )
        return model.network.decode(phrase).cpu().numpy()


def _mixed(model: Model, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Onset and held thresholds [5], velocities [5, 16] and tempo of a mix of genres."""
    net = model.network
    onset_at, held_at, mean_velocity = (
        np.tensordot(weights, table.cpu().numpy(), 1) for table in (net.onset_at, net.held_at, net.mean_velocity)
    )
    return onset_at, held_at, mean_velocity, float(np.round(weights @ net.tempo.cpu().numpy()))


def _notes(
    onset: np.ndarray, held: np.ndarray, drums: bool, mean_velocity: np.ndarray, touch: np.random.Generator
) -> list[Note]:
    """bool [steps, 72] twice -> notes; each lasts while it is held, a drum one step.

    Velocities stray around `mean_velocity` [16].
    """
    steps = len(onset)
    velocity = np.resize(mean_velocity, steps)[:, None] + touch.normal(0, 5, (steps, PITCHES))
    velocity = np.clip(np.rint(velocity), 1, 127).astype(int)
    ends = note_ends(onset, held)
    notes = []
    for step, row in zip(*np.nonzero(onset)):
        end = step + 1 if drums else int(ends[step, row])
        notes.append(Note(int(step) / 4, (end - int(step)) / 4, int(row) + LOWEST, int(velocity[step, row])))
    return notes


def _in_key(note: Note, lock: bool, shift: int) -> Note:
    """The note, moved into C major's scale where the key is locked, then transposed."""
    return replace(note, pitch=(in_scale(note.pitch) if lock else note.pitch) + shift)


def _weights(model: Model, genre: Mapping[str, float]) -> np.ndarray:
    """float32 [G], of sum 1."""
    weights = np.zeros(len(model.genres), np.float32)
    for name, weight in genre.items():
        if name not in model.genres:
            raise RequestError(f"'{name}' is not a genre of this band; choose one of {', '.join(model.genres)}.")
        weights[model.genres.index(name)] = weight
    return np.asarray(weights / weights.sum())
