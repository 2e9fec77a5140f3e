"""Band's networks: a generator of bar latents and chords, and the decoders that play them.

The line is MuseGAN's (Dong et al. 2018): noise shared by the band and noise of each track, bars × tracks × steps ×
pitches out. It is built in two stages. Five decoders of transposed convolutions, the playing halves of autoencoders,
turn one bar's latent into its pianoroll. The generator, trained as a GAN, makes for a phrase of four bars those
latents, silences, and a *chord code*: how much each pitch class sounds in each beat over all pitched tracks. The
decoders' notes are weighed by that one code, so that the tracks agree about the harmony.

    Generator   shared [N, 96], tracks [N, 5, 24], genre [N, G] -> latent [N, 4, 5, K], chord [N, 4, 48], sounds
    Decoder     latent of a track [M, K] -> onset and held logits [M, 2, 16, 72]

Trained by `python -m training train band`; played by `engine.band`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.band.config import BARS, CHORD, FAINT, Config
from engine.core.layers import Residual
from engine.core.pianoroll import BEATS, PITCHES, STEPS
from engine.core.pianoroll import TRACKS as NAMES

TRACKS = len(NAMES)


STORED = {
    "generator.enter.": "generator.in_proj.",
    "generator.leave.": "generator.out_proj.",
    "generator.own.": "generator.track_proj.",
    "generator.follow.": "generator.cond_proj.",
    "generator.a.": "generator.fc1.",
    "generator.b.": "generator.fc2.",
    "again": "repeat_bias",
    "clear": "chord_weight",
    "least": "min_onset_logit",
    "variety": "pitch_class_boost",
    "loud": "mean_velocity",
}
"""Names under which the first checkpoints hold weights, by how they begin, and what they are called now."""


class Decoder(nn.Module):
    """One instrument's bar from its latent: the playing half of Variation's autoencoder (`engine.variation.vae`), under
    the same names. Each `_out` map is a transposed convolution over time whose stride is its kernel, 1 → 4 → 16 steps;
    no outputs overlap, so it is one matrix product."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        bar, beat, step = config.decoder_bar, config.decoder_beat, config.decoder_step
        self.from_latent = nn.Linear(config.latent, bar)
        self.bar_mix_out = Residual(bar)
        self.bar_out = nn.Linear(bar, 4 * beat)
        self.beat_mix_out = Residual(beat)
        self.beat_out = nn.Linear(beat, 4 * step)
        self.step_out = nn.Linear(step, 2 * PITCHES)
        self.beat = beat

    def forward(self, latent: Tensor) -> Tensor:
        """latent [M, K] -> logits [M, 2, 16, 72] of onset and sounding cells."""
        x = self.bar_mix_out(F.gelu(self.from_latent(latent)))
        x = self.beat_mix_out(F.gelu(self.bar_out(x)).reshape(-1, 4, self.beat))
        x = F.gelu(self.beat_out(x)).reshape(len(latent), STEPS, -1)
        logits: Tensor = self.step_out(x)
        return logits.reshape(-1, STEPS, 2, PITCHES).transpose(1, 2)


class Phrase(NamedTuple):
    """What the generator makes, and what the critic judges: latents are 0 where a track is silent."""

    latent: Tensor  # [N, 4, 5, K], of about unit scale
    chord: Tensor  # [N, 4, 48], each beat's pitch classes as a vector of length 1 without negative numbers
    sounds: Tensor  # [N, 4, 5], 1 or 0


def step_through(x: Tensor) -> Tensor:
    """1 where x > 0, else 0; its gradient is the sigmoid's (a deterministic binary neuron, Dong & Yang 2018)."""
    soft = torch.sigmoid(x)
    return (x > 0).to(x.dtype) + soft - soft.detach()


class TrackLinear(nn.Module):
    """A linear map of its own for each track: [N, B, 5, C] -> [N, B, 5, C']."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(TRACKS, channels, out) / channels**0.5)
        self.bias = nn.Parameter(torch.zeros(TRACKS, 1, out))

    def forward(self, x: Tensor) -> Tensor:
        n, bars = x.shape[:2]
        y = torch.baddbmm(
            self.bias.to(x.dtype), x.permute(2, 0, 1, 3).reshape(TRACKS, n * bars, -1), self.weight.to(x.dtype)
        )
        return y.reshape(TRACKS, n, bars, -1).permute(1, 2, 0, 3)


class Generator(nn.Module):
    """Noise and genre to a phrase.

    Each bar after the first may *repeat*: a binary neuron for every track chooses between new material and an earlier
    bar's latent, as real parts repeat exactly and networks hardly ever do. A repeated part still follows the chord.
    """

    sound_bias: Tensor  # [G, 5], set after training so that silences are as frequent as in real music

    def __init__(self, config: Config) -> None:
        super().__init__()
        shared = config.style + config.phrase
        own = config.track_style + config.track_phrase
        genres, width, bar, track = len(config.genres), config.width, config.bar_width, config.track_width
        self.latent = config.latent
        self.in_proj = nn.Linear(shared + genres, width)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(config.depth)])
        self.to_bars = nn.Linear(width, BARS * bar)
        self.bar = Residual(bar)
        self.chord = nn.Linear(bar, CHORD)
        self.base = nn.Linear(width, TRACKS * track)
        self.track_proj = TrackLinear(own + genres, track)
        self.cond_proj = nn.Linear(bar + CHORD, track)
        self.fc1 = TrackLinear(track, track)
        self.fc2 = TrackLinear(track, track)
        self.out_proj = TrackLinear(track, config.latent + 1 + 2)
        self.register_buffer("sound_bias", torch.zeros(genres, TRACKS))

    def forward(self, shared: Tensor, tracks: Tensor, genre: Tensor, more: Tensor | None = None) -> Phrase:
        """shared [N, style+phrase], tracks [N, 5, own], genre [N, G] weights of sum 1, `more` [G, 5, 2] repeats."""
        latent, chord, sounds, again = self.material(shared, tracks, genre)
        if more is not None:
            again = again + torch.einsum("ng,gtk->ntk", genre, more)[:, None]
        return self.assemble(latent, chord, sounds + (genre @ self.sound_bias)[:, None], again)

    def material(self, shared: Tensor, tracks: Tensor, genre: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """New material for each bar [N, 4, 5, K], chord [N, 4, 48], and what the neurons for sounding [N, 4, 5] and for
        repeating the last bar and the one before it [N, 4, 5, 2] see."""
        n = len(shared)
        h = self.blocks(self.in_proj(torch.cat([shared, genre * 4], -1)))
        bars = self.bar(F.gelu(self.to_bars(F.gelu(h)).reshape(n, BARS, -1)))  # [N, 4, bar]
        chord = F.relu(self.chord(bars)).reshape(n, BARS, BEATS, 12)
        chord = F.normalize(chord, dim=-1, eps=1e-3).reshape(n, BARS, CHORD)
        mine = self.track_proj(
            torch.cat([tracks, (genre * 4)[:, None].expand(-1, TRACKS, -1)], -1)[:, None]
        )  # [N, 1, 5, track]
        base = self.base(F.gelu(h)).reshape(n, 1, TRACKS, -1)
        x = base + mine + self.cond_proj(torch.cat([bars, chord], -1))[:, :, None]  # [N, 4, 5, track]
        x = F.gelu(F.layer_norm(x, x.shape[-1:]))
        x = x + F.gelu(self.fc2(F.gelu(F.layer_norm(self.fc1(x), x.shape[-1:]))))
        out = self.out_proj(x)
        return out[..., : self.latent], chord, out[..., self.latent], out[..., self.latent + 1 :] - 1

    def assemble(self, latent: Tensor, chord: Tensor, sounds: Tensor, again: Tensor) -> Phrase:
        """Decide what sounds and what repeats."""
        kept = [latent[:, 0]]
        for b in range(1, BARS):
            last = step_through(again[:, b, :, :1])
            value = last * kept[b - 1] + (1 - last) * latent[:, b]
            if b > 1:
                earlier = step_through(again[:, b, :, 1:])
                value = earlier * kept[b - 2] + (1 - earlier) * value
            kept.append(value)
        sounding = step_through(sounds)
        return Phrase(torch.stack(kept, 1) * sounding[..., None], chord, sounding)


class Band(nn.Module):
    """Everything a checkpoint holds: generator, decoders, and what was measured on training data to play them."""

    centre: Tensor
    scale: Tensor
    onset_at: Tensor
    held_at: Tensor
    repeat_bias: Tensor
    min_onset_logit: Tensor
    chord_weight: Tensor
    pitch_class_boost: Tensor
    mean_velocity: Tensor
    tempo: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        genres = len(config.genres)
        self.config = config
        self.generator = Generator(config)
        self.decoders = nn.ModuleList([Decoder(config) for _ in range(TRACKS)])
        per_track, per_genre = torch.zeros(TRACKS), torch.zeros(genres, TRACKS)
        self.register_buffer("centre", torch.zeros(TRACKS, config.latent))  # mean and scale of real latents
        self.register_buffer("scale", torch.ones(TRACKS, config.latent))
        self.register_buffer("onset_at", per_genre.clone())  # logit above which an onset sounds
        self.register_buffer("held_at", per_genre.clone())  # logit above which a note goes on
        self.register_buffer("min_onset_logit", per_track - 30)  # that a sounding bar's likeliest onset has
        self.register_buffer("repeat_bias", torch.zeros(genres, TRACKS, 2))  # on the last bar, on the one before it
        self.register_buffer("chord_weight", torch.zeros(()))  # how strongly the chord weighs the pitched tracks' notes
        self.register_buffer("pitch_class_boost", per_track.clone())  # of a pitch class's likeliest onset of a bar
        self.register_buffer("mean_velocity", torch.full((genres, TRACKS, STEPS), 80.0))  # by step
        self.register_buffer("tempo", torch.full((genres,), 120.0))

    def phrase(self, shared: Tensor, tracks: Tensor, genre: Tensor) -> Phrase:
        """The generator's phrase, with repeats as frequent as in real music."""
        made: Phrase = self.generator(shared, tracks, genre, self.repeat_bias)
        return made

    def decode(self, phrase: Phrase) -> Tensor:
        """Logits of onset and sounding cells, [N, 4, 5, 2, 16, 72]; -30 where a track is silent.

        The decoders' logits, weighed by what training data say of real bars (`training.band.calibrate.calibrate`):
        `chord_weight` times the logarithm of each pitch class's share of the beat; `pitch_class_boost` on the likeliest
        onset of each pitch class in a bar, so that as many are used as in real ones; and a bar's likeliest onset raised
        where needed to reach `min_onset_logit`: what is to sound does."""
        n, bars = phrase.chord.shape[:2]
        share = phrase.chord.reshape(n * bars, BEATS, 12) ** 2
        fit = torch.log(share + FAINT).repeat_interleave(STEPS // BEATS, 1).repeat(1, 1, PITCHES // 12)[:, None]
        out = []
        for t, decoder in enumerate(self.decoders):
            latent = phrase.latent[:, :, t].reshape(n * bars, -1) * self.scale[t] + self.centre[t]
            raw = decoder(latent)
            logits = raw + self.chord_weight * fit if t else raw
            # The notes that fit best, but as many as the decoder expects: the bar's mass stays what it was.
            before, after = (x[:, 0].clamp(max=0).flatten(1).logsumexp(1) for x in (raw, logits))
            onset = (logits[:, 0] + (before - after)[:, None, None]).unflatten(-1, (-1, 12))  # [M, 16, octaves, 12]
            likeliest = onset.amax((1, 2), keepdim=True)
            onset = torch.where(onset == likeliest, onset + self.pitch_class_boost[t], onset).flatten(2)
            lift = (self.min_onset_logit[t] - onset.amax((1, 2), keepdim=True)).clamp(min=0)
            logits = torch.stack([onset + lift, logits[:, 1]], 1)
            sounds = phrase.sounds[:, :, t].reshape(-1, 1, 1, 1)
            out.append(logits * sounds - 30 * (1 - sounds))
        return torch.stack(out, 1).reshape(n, bars, TRACKS, 2, STEPS, PITCHES)
