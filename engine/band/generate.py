"""Band: bars of music for drums, piano, guitar, bass and strings, in a genre or a mix of genres.

    model = load()                                                    model.genres names what can be asked for
    song = generate(model, genre="jazz", seed=7, bars=8)
    song = generate(model, genre={"jazz": 2, "soul": 1}, seed=7, bars=32, track_seeds={"piano": 3})

A genre-conditioned GAN after MuseGAN (Dong et al. 2018); the networks and their shapes stand in `engine.band.network`.
Longer pieces are a path through the noise: what makes the song's style is drawn once, each phrase of four bars has
noise of its own, and sections return (`engine.band.form`). From a shell:

    python -m engine band --genre jazz --seed 7 --bars 8 --out jazz.mid --out jazz.wav
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import CHECKPOINTS, Progress, RequestError
from engine import device as choose_device
from engine.band.config import BARS, LOWEST, PITCHES, STEPS, Config
from engine.band.form import path_noise
from engine.core import checkpoint
from engine.core.fallback import or_on_cpu, placed
from engine.core.song import PROGRAMS, TRACKS, Note, Song, Track

if TYPE_CHECKING:
    import torch

    from engine.band.network import Band

PATH = CHECKPOINTS / "band"
MIN_BARS, MAX_BARS = 4, 64
MAX_ADVENTURE = 2.0
MIN_TEMPO, MAX_TEMPO = 40.0, 240.0
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SCALE = (0, 2, 4, 5, 7, 9, 11)  # the major scale, and its relative minor's
HARMONY = ("piano", "guitar", "bass", "strings")
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class BandModel:
    """A loaded band: frozen, safe to use from many threads at once."""

    network: Band
    config: Config
    facts: dict[str, Any]  # config.json
    sha256: str
    device: torch.device

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that can be asked for."""
        return self.config.genres

    @property
    def programs(self) -> dict[str, dict[str, int]]:
        """genre → track → the General MIDI program it is played with unless another is asked for."""
        return {g: PROGRAMS | self.facts.get("programs", {}).get(g, {}) for g in self.genres}


def load(path: Path | str = PATH, device: str | None = None) -> BandModel:
    """The band of a checkpoint folder, in eval mode on `device` (cuda, mps or cpu; by default the best there is).

    Refused when the checkpoint is missing, damaged, of another system or of a newer format.
    """
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> BandModel:
    from engine.band.network import Band  # here, because it brings PyTorch

    where = choose_device(device)
    found = checkpoint.load(path, "band")
    known = {f.name for f in fields(Config)}
    try:
        described: dict[str, Any] = {k: v for k, v in found.config["model"].items() if k in known}
        config = Config(**described | {"genres": tuple(described["genres"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a band: {error}.") from None
    network = Band(config)
    checkpoint.fill(network, found.weights, path)
    return BandModel(network, config, found.config, found.sha256, placed(network, where))


def options(path: Path | str = PATH) -> dict[str, Any]:
    """What can be asked of a checkpoint, without loading its weights: genres with their tempi, and ranges."""
    config = checkpoint.read_config(path)
    return {
        "genres": list(config["model"]["genres"]),
        "tempo_by_genre": config.get("tempo_by_genre", {}),
        "keys": list(KEYS),
        "bars": [MIN_BARS, MAX_BARS],
        "adventurousness": [0.0, MAX_ADVENTURE],
        "density": [0.0, 1.0],
        "tempo": [MIN_TEMPO, MAX_TEMPO],
        "tracks": list(TRACKS),
    }


@or_on_cpu
def generate(
    model: BandModel,
    *,
    genre: str | Mapping[str, float],
    seed: int,
    bars: int = 8,
    adventurousness: float = 1.0,
    density: float = 0.5,
    track_seeds: Mapping[str, int] | None = None,
    tracks: Collection[str] = TRACKS,
    key: str | None = None,
    lock_key: bool = False,
    tempo: float | None = None,
    programs: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> Song:
    """A song of `bars` bars of 4/4 in five tracks, in the order of `engine.core.song.TRACKS`.

    genre           a name of `model.genres`, or weights by name ({"jazz": 2, "soul": 1}), which are scaled to sum 1
    seed            same seed and settings, same song; 0 or more
    bars            4..64
    adventurousness 0..2: how far the noise reaches; 0 the most ordinary phrase, 1 as wide as real music, 2 wild
    density         0..1: how readily notes sound; 0.5 is as many as in real music
    track_seeds     a seed of its own for a track: that track is made anew while the others stay, note for note
    tracks          which tracks play; the others are there without notes (they do not change those that play)
    key             one of `KEYS`, the key of the major scale (its relative minor is the same: "C" also means A minor);
                    None lets the seed choose
    lock_key        True moves notes outside the key's scale to the nearest note in it
    tempo           quarter notes a minute, 40..240; None takes what is typical of the genre
    programs        General MIDI program (0..127) by track; `model.programs` otherwise
    progress        called as progress(phrases done, phrases) and may raise engine.Cancelled

    Refused with one sentence when anything is out of its range or not known.
    """
    weights = _weights(model, genre)
    _check(bars, seed, adventurousness, density, tempo)
    own = _track_seeds(track_seeds)
    _known(tracks, "track")
    _known(programs or {}, "track")
    for name, program in (programs or {}).items():
        if not _whole(program) or not 0 <= program <= 127:
            raise RequestError(f"The program of {name} must be a whole number from 0 to 127, not {program!r}.")
    if key is not None and key not in KEYS:
        raise RequestError(f"'{key}' is not a key; choose one of {', '.join(KEYS)}.")

    phrases = -(-bars // BARS)
    shared, private = path_noise(model.config, seed, own, phrases)
    rng = np.random.default_rng([seed, 7])
    root = KEYS.index(key) if key is not None else int(rng.integers(12))
    onset_at, held_at, loud, usual_tempo = _mixed(model, weights)
    onset = np.zeros((bars * STEPS, len(TRACKS), PITCHES), bool)
    held = np.zeros_like(onset)
    step = 4  # phrases at once: steady memory, and a chance to stop
    for start in range(0, phrases, step):
        if progress:
            progress(start, phrases)
        part = slice(start, min(start + step, phrases))
        logits = _logits(model, shared[part] * adventurousness, private[part] * adventurousness, weights)
        flat = logits.transpose(0, 1, 4, 2, 3, 5).reshape(
            -1, len(TRACKS), 2, PITCHES
        )  # [steps, tracks, planes, pitches]
        here = slice(start * BARS * STEPS, min(bars * STEPS, part.stop * BARS * STEPS))
        flat = flat[: here.stop - here.start]
        onset[here] = flat[:, :, 0] > onset_at[:, None] - (density - 0.5) * 4
        held[here] = flat[:, :, 1] > held_at[:, None]
    names = dict(max(model.programs.items(), key=lambda item: weights[model.genres.index(item[0])])[1])
    names |= programs or {}
    made = []
    for t, name in enumerate(TRACKS):
        drums = name == "drums"
        touch = np.random.default_rng([own.get(name, seed), 11, t])
        notes = _notes(onset[:, t], held[:, t], drums, loud[t], touch) if name in tracks else []
        if not drums:
            notes = [_in_key(n, lock_key, (root + 6) % 12 - 6) for n in notes]
            notes = list({(n.onset, n.pitch): n for n in notes}.values())
        made.append(Track(name, names[name], drums).with_notes(notes))
    if progress:
        progress(phrases, phrases)
    title = " & ".join(g for g, w in zip(model.genres, weights) if w > 0)
    return Song(tuple(made), float(tempo if tempo is not None else usual_tempo), (4, 4), title)


def _logits(model: BandModel, shared: np.ndarray, private: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 [phrases, 4 bars, 5 tracks, 2, 16, 72]."""
    import torch

    with torch.inference_mode():
        genre = torch.from_numpy(weights).to(model.device).expand(len(shared), -1)
        phrase = model.network.phrase(
            torch.from_numpy(shared).to(model.device), torch.from_numpy(private).to(model.device), genre
        )
        return model.network.decode(phrase).cpu().numpy()


def _mixed(model: BandModel, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Onset and held thresholds [5], velocities [5, 16] and tempo of a mix of genres."""
    net = model.network
    onset_at, held_at, loud = (
        np.tensordot(weights, table.cpu().numpy(), 1) for table in (net.onset_at, net.held_at, net.loud)
    )
    return onset_at, held_at, loud, float(np.round(weights @ net.tempo.cpu().numpy()))


def _notes(
    onset: np.ndarray, held: np.ndarray, drums: bool, loud: np.ndarray, touch: np.random.Generator
) -> list[Note]:
    """bool [steps, 72] twice -> notes; each lasts while it is held, a drum one step; velocities around `loud` [16]."""
    steps = len(onset)
    velocity = np.resize(loud, steps)[:, None] + touch.normal(0, 5, (steps, PITCHES))
    velocity = np.clip(np.rint(velocity), 1, 127).astype(int)
    stop = np.full(PITCHES, steps)
    ends = np.empty((steps, PITCHES), int)
    for step in range(steps - 1, -1, -1):  # where a pitch that sounds at `step` stops
        stop = np.where(held[step] & ~onset[step], stop, step)
        ends[step] = stop
    notes = []
    for step, row in zip(*np.nonzero(onset)):
        end = step + 1 if drums or step + 1 == steps else max(step + 1, int(ends[step + 1, row]))
        notes.append(Note(int(step) / 4, (end - int(step)) / 4, int(row) + LOWEST, int(velocity[step, row])))
    return notes


def _in_key(note: Note, lock: bool, shift: int) -> Note:
    """The note, moved into C major's scale where the key is locked, then transposed."""
    pitch = note.pitch
    if lock and pitch % 12 not in SCALE:
        pitch += 1 if pitch % 12 == 6 else -1  # F sharp leads up to G; the others lie a semitone above their scale note
    return Note(note.onset, note.duration, pitch + shift, note.velocity)


def _weights(model: BandModel, genre: str | Mapping[str, float]) -> np.ndarray:
    """float32 [G], of sum 1."""
    mix = {genre: 1.0} if isinstance(genre, str) else dict(genre)
    weights = np.zeros(len(model.genres), np.float32)
    for name, weight in mix.items():
        if name not in model.genres:
            raise RequestError(f"'{name}' is not a genre of this band; choose one of {', '.join(model.genres)}.")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
            raise RequestError(f"The weight of {name} must be a number of 0 or more, not {weight!r}.")
        weights[model.genres.index(name)] = weight
    if weights.sum() <= 0:
        raise RequestError("The mix names no genre with a weight above 0.")
    return weights / weights.sum()


def _whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check(bars: int, seed: int, adventurousness: float, density: float, tempo: float | None) -> None:
    if not _whole(bars) or not MIN_BARS <= bars <= MAX_BARS:
        raise RequestError(f"A band plays from {MIN_BARS} to {MAX_BARS} bars, not {bars!r}.")
    _check_seed(seed, "The seed")
    for value, name, low, high in (
        (adventurousness, "Adventurousness", 0, MAX_ADVENTURE),
        (density, "Density", 0, 1),
        (tempo if tempo is not None else MIN_TEMPO, "The tempo", MIN_TEMPO, MAX_TEMPO),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not low <= value <= high:
            raise RequestError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.")


def _check_seed(seed: int, what: str) -> None:
    if not _whole(seed) or not 0 <= seed <= MAX_SEED:
        raise RequestError(f"{what} must be a whole number from 0 to {MAX_SEED}, not {seed!r}.")


def _track_seeds(seeds: Mapping[str, int] | None) -> dict[str, int]:
    _known(seeds or {}, "track")
    for name, seed in (seeds or {}).items():
        _check_seed(seed, f"The seed of {name}")
    return dict(seeds or {})


def _known(names: Collection[str], what: str) -> None:
    for name in names:
        if name not in TRACKS:
            raise RequestError(f"'{name}' is not a {what}; choose among {', '.join(TRACKS)}.")
