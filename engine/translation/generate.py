"""Translation: the same performance on another instrument, after CycleGAN (Zhu et al. 2017) with LSTMs.

    audio → Frames: f0, loudness, voicing (kept)
            timbre [t, 64] dB ── whiten by the source's profile ──► generator ──► colour by the target's profile ──► dB
    f0 (octaves moved into the target's range), loudness, timbre → harmonics + filtered noise → audio

A generator is three LSTM layers that read the performance and the whitened timbre (its slow and its fast part apart)
and write what to add to the *swap of profiles*, which keeps the fast part, and how much of that to keep: training
starts at the swap.
One checkpoint holds both generators of a pair and both profiles; `checkpoints/translation/any` holds one generator that
is told source and target, for the pairs that have no weights of their own.

    python -m engine translation --input flute.wav --from flute --to trombone --out trombone.wav
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine import Progress, RequestError
from engine import device as find_device
from engine.core import checkpoint
from engine.core.audio import Audio
from engine.core.fallback import or_on_cpu, placed
from engine.translation.analysis import RATE, TIMBRE, Frames, analyse, pieces, synthesise
from engine.translation.config import ROOT, SYSTEM
from engine.translation.profile import Profile, relative
from engine.translation.transcription import GLIDING, POLYPHONIC, Ear, steady, tonal, unexplained

SLOW = 31  # frames whose mean is the slow part: half a second
EAR = ("mean", "scale", "weight", "bias")
CONTROLS = 4  # pitch, octaves moved, relative loudness, voicing


@dataclass(frozen=True)
class Config:
    instruments: tuple[str, ...] = ("flute", "trombone")
    width: int = 80  # of the LSTM
    layers: int = 3
    keep: float = 0.0  # how much of the slow part the start carries over
    told: bool = False  # one generator for all directions, told source and target


State = tuple[torch.Tensor, torch.Tensor]


def controls(midi: torch.Tensor, shift: torch.Tensor, level: torch.Tensor, voiced: torch.Tensor) -> torch.Tensor:
    """[b, t] each → [b, t, 4], all near the interval -1 to 1. midi: of what is to sound, shift: octaves moved."""
    return torch.stack([(midi - 62) / 18, shift / 2, level / 20 + 0.5, voiced], dim=-1)


def slow_part(white: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
    """Mean over half a second around each frame, of the frames that are heard: [b, t, 64], [b, t] → [b, t, 64]."""
    pool = nn.functional.avg_pool1d
    weight = heard[:, None].to(white.dtype)
    total = pool((white * heard[..., None]).transpose(1, 2), SLOW, 1, SLOW // 2)
    return (total / pool(weight, SLOW, 1, SLOW // 2).clamp(min=1e-3)).transpose(1, 2) * heard[..., None]


class Generator(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.keep = config.keep
        told = 2 * len(config.instruments) if config.told else 0
        self.enter = nn.Linear(2 * TIMBRE + CONTROLS + told, config.width)
        self.lstm = nn.LSTM(config.width, config.width, config.layers, batch_first=True)
        self.leave = nn.Linear(2 * config.width, 2 * TIMBRE)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(
        self, slow: torch.Tensor, fast: torch.Tensor, given: torch.Tensor, state: State | None = None
    ) -> tuple[torch.Tensor, State]:
        """slow, fast [b, t, 64], given [b, t, 4 (+ told)] → whitened timbre of the target [b, t, 64], LSTM state."""
        x = torch.tanh(self.enter(torch.cat([slow, fast, given], dim=-1)))  # [b, t, width]
        y, state = self.lstm(x, state)
        change, gain = self.leave(torch.cat([x, y], dim=-1)).chunk(2, dim=-1)
        return fast * torch.exp(gain.clamp(-3, 1)) + self.keep * slow + change, state


def told(source: int, target: int, instruments: int) -> torch.Tensor:
    """What a generator for all directions is told: one-hot source, one-hot target, [2 instruments]."""
    return torch.eye(instruments)[[source, target]].flatten()


@dataclass(frozen=True, eq=False)
class Model:
    """Generators by (source, target), the instruments' profiles, and what they were trained as."""

    config: Config
    generators: dict[str, Generator]  # "flute-trombone", …; "any" for all directions
    profiles: dict[str, Profile]
    device: torch.device
    name: str
    ear: Ear | None = None  # tells instruments apart; in `any`

    def reaches(self, source: str, target: str) -> bool:
        """Whether this model has a way from source to target."""
        return source != target and {source, target} <= set(self.config.instruments)

    def generator(self, source: str, target: str) -> tuple[Generator, torch.Tensor]:
        """The generator of a direction and what it is told, [0] or [2 instruments]."""
        if not self.reaches(source, target):
            raise RequestError(f"The model {self.name} does not translate {source} to {target}.")
        if self.config.told:
            names = self.config.instruments
            return self.generators["any"], told(names.index(source), names.index(target), len(names))
        return self.generators[f"{source}-{target}"], torch.zeros(0)


def names(config: Config) -> list[str]:
    """The names of a model's generators."""
    if config.told:
        return ["any"]
    a, b = config.instruments
    return [f"{a}-{b}", f"{b}-{a}"]


def save(folder: Path, config: Config, generators: dict[str, Generator], profiles: dict[str, Profile],
         ear: Ear | None = None, **facts) -> str:  # fmt: skip
    """Write a checkpoint (float16); returns the weights' sha256."""
    weights = {f"{name}/{key}": w for name, g in generators.items() for key, w in g.state_dict().items()}
    for name, profile in profiles.items():
        weights |= {f"profile {name}/{key}": torch.from_numpy(array) for key, array in profile.tensors().items()}
    if ear:
        weights |= {f"ear/{key}": torch.from_numpy(getattr(ear, key)) for key in EAR}
    return checkpoint.save(folder, system=SYSTEM, weights=weights, model=asdict(config), half=True, **facts)


def load(path: Path | str = ROOT / "flute-trombone", device: str | None = None) -> Model:
    """A frozen model from a checkpoint's folder; Refused when it is missing, damaged or another system's."""
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Model:
    found = checkpoint.load(path, SYSTEM)
    try:
        config = Config(**{**found.model, "instruments": tuple(found.model["instruments"])})
    except (TypeError, KeyError) as error:
        raise RequestError(f"{Path(path) / 'config.json'} does not describe a translation model: {error}.") from None
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, weight in found.weights.items():
        part, _, key = key.partition("/")
        parts.setdefault(part, {})[key] = weight
    generators = {}
    for name in names(config):
        generator = Generator(config)
        checkpoint.fill(generator, parts.get(name, {}), path)
        generators[name] = generator
    try:
        profiles = {name: Profile.of(parts[f"profile {name}"]) for name in config.instruments}
        heard = parts.get("ear")
        ear = Ear(config.instruments, *(heard[key] for key in EAR)) if heard else None
    except KeyError as error:
        raise RequestError(f"The weights of {path} lack {error}.") from None
    place = placed(nn.ModuleDict(generators), find_device(device))
    return Model(config, generators, profiles, place, Path(path).name, ear)


def shifted(f0_hz: np.ndarray, semitones: float) -> np.ndarray:
    """Fundamentals moved by semitones; 0 stays unvoiced."""
    return f0_hz * 2 ** (semitones / 12)


def fitting(frames: Frames, target: Profile, transpose: float = 0.0) -> int:
    """Octaves to move a performance so that it lies in the target's range: one shift for all of it."""
    return target.octaves(frames.midi[frames.voiced] + transpose)


@torch.no_grad()
def translate(
    model: Model,
    frames: Frames,
    source: str,
    target: str,
    *,
    amount: float = 1.0,
    transpose: float = 0.0,
    fit: bool = True,
    trained: bool = True,
    progress: Progress | None = None,
) -> tuple[Frames, int]:
    """The same performance with the target's timbre, and the octaves it was moved to lie in the target's range.

    frames: of any length; the LSTM's state is carried over chunks of 1,024. amount: 0 the source's own timbre, 1 the
    target's. transpose: semitones, before the octaves are chosen. trained=False is the untrained swap of profiles.
    """
    generator, word = model.generator(source, target)
    here, there = model.profiles[source], model.profiles[target]
    shift = fitting(frames, there, transpose) if fit else 0
    level, midi, voiced = relative(frames.loudness_db), frames.midi, frames.voiced
    sounding = midi + 12 * shift + transpose
    white = here.whiten(frames.timbre, midi, level, voiced)
    out = np.empty_like(white)
    slow = slow_part(torch.from_numpy(white)[None], torch.from_numpy(level > -40)[None])[0]
    fast = torch.from_numpy(white) - slow
    given = controls(*(torch.from_numpy(np.asarray(x, np.float32)) for x in
                       (sounding, np.full(len(frames), shift + transpose / 12), level, voiced)))  # fmt: skip
    given = torch.cat([given, word.expand(len(frames), -1)], dim=-1)
    state: State | None = None
    for part in pieces(len(frames)):
        if progress:
            progress(part.start, len(frames))
        if trained:
            parts = (x[None, part].to(model.device) for x in (slow, fast, given))
            made, state = generator(*parts, state)
            out[part] = made[0].float().cpu().numpy()
        else:
            out[part] = fast[part].numpy()
    timbre = there.colour(out, sounding, level, voiced)
    timbre = amount * timbre + (1 - amount) * frames.timbre
    f0_hz = shifted(frames.f0_hz, 12 * shift + transpose)
    return Frames(f0_hz, frames.loudness_db, timbre.astype(np.float32)), shift


MIN_SECONDS = 0.1
HEADROOM = 0.98  # the loudest sample that comes out


@dataclass(frozen=True)
class Translation:
    audio: Audio  # mono, 16 kHz, as long as what came in
    before: Frames  # what was measured
    after: Frames  # what was played
    octaves: int  # the melody was moved by, to lie in the target's range
    remarks: tuple[str, ...]  # what a person should know, one sentence each


def hear(audio: Audio) -> Frames:
    """The performance and timbre of a recording at any rate. Refused when it is too short, silent or has no pitch."""
    if audio.seconds < MIN_SECONDS:
        raise RequestError(f"The recording lasts {audio.seconds:.2f} seconds; at least {MIN_SECONDS} are needed.")
    if not np.isfinite(audio.samples).all():
        raise RequestError("The recording holds samples that are not numbers; export it again as WAV or FLAC.")
    if audio.silent:
        raise RequestError("The recording is silent: nothing in it is louder than -60 dB.")
    frames = analyse(audio.mono().resampled(RATE).samples)
    share = tonal(frames)
    if share < 0.15 or frames.voiced.sum() < 5:
        raise RequestError(
            f"Only {share:.0%} of the recording has a pitch: it sounds like noise or percussion, "
            "and there is no melody to carry over."
        )
    return frames


def remarks(audio: Audio, frames: Frames, octaves_moved: int, target: str) -> list[str]:
    """What a person should know about how a recording could be translated, one sentence each."""
    out = []
    if octaves_moved:
        way = "up" if octaves_moved > 0 else "down"
        count = f"{abs(octaves_moved)} octave{'s' if abs(octaves_moved) > 1 else ''}"
        out.append(f"The melody moved {way} {count} to lie in the range of the {target}.")
    clipped = float((np.abs(audio.samples) >= 0.999).mean())
    if clipped > 0.001:
        out.append(f"{clipped:.1%} of the recording is clipped; a softer recording would sound cleaner.")
    if tonal(frames) < 0.5:
        out.append(
            "Much of the recording has no clear pitch (speech, noise, chords); only what has one is carried over."
        )
    elif steady(frames) < GLIDING:
        out.append("The pitch hardly ever rests on a note (speech, or a long glide); it is carried over as it moves.")
    elif unexplained(frames) > POLYPHONIC:
        out.append("More than one note, or much breath, seems to sound at once; only one melody is followed.")
    return out


@or_on_cpu
def generate(
    model: Model,
    audio: Audio,
    source: str,
    target: str,
    *,
    seed: int = 0,
    amount: float = 1.0,
    transpose: float = 0.0,
    trained: bool = True,
    progress: Progress | None = None,
) -> Translation:
    """The recording's performance on the target instrument. Same recording, settings and seed: same bytes.

    amount: 0 the source's own timbre, 1 the target's. transpose: semitones, -24 to 24. Sound comes back mono at 16 kHz
    with the recording's loudness, made softer as a whole where it would clip.
    """
    if not 0.0 <= amount <= 1.0:
        raise RequestError(f"The amount is {amount:g}; 0 to 1 is wanted.")
    if not -24 <= transpose <= 24:
        raise RequestError(f"A transposition of {transpose:g} semitones is asked for; -24 to 24 is possible.")
    model.generator(source, target)
    tell = progress or (lambda done, total: None)
    tell(0, 100)
    before = hear(audio)
    tell(40, 100)
    after, moved = translate(
        model, before, source, target, amount=amount, transpose=transpose, trained=trained,
        progress=lambda done, total: tell(40 + 30 * done // total, 100),
    )  # fmt: skip
    length = round(audio.seconds * RATE)
    samples = synthesise(after, length, seed, lambda done, total: tell(70 + 30 * done // total, 100))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > HEADROOM:
        samples *= HEADROOM / peak
    tell(100, 100)
    return Translation(Audio(samples, RATE), before, after, moved, tuple(remarks(audio, before, moved, target)))
