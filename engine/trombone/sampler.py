"""The trombone's sampler: SampleRNN sample by sample in a compiled loop, many notes side by side.

    weights  →  folded tables  →  levels float32 [notes, frames], the mean of what the network expects, and chance

What does not depend on the sound is multiplied out beforehand: the embedding through the first layer (one table of 256
rows for each of the last 16 samples), all conditions through theirs (large matrix products, some thousand samples at a
time), the frame tiers' input layers through the GRU's gates. What is left for each sample is 16 table rows, two small
matrices, a softmax and its mean. Notes that sound together go through each weight row together.

The loop is compiled by numba once and kept on disk (beside this file, or in the user's cache where that is read-only).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # the builtin one from Python 3.11 on

import numpy as np

from engine import Progress
from engine.trombone.compiled import play
from engine.trombone.conditions import Conditions, frame_features, phase_features
from engine.trombone.config import AFTER, BEFORE, LEVELS, Config, compand, emphasised

SLICE = 512  # samples prepared and played at a time; progress and cancel come between slices
FAINT_TEMPERATURE = 0.6
SIDE_BY_SIDE = 8  # notes that go through the weights together on one thread


class Sampler:
    """The folded tables of one network; read-only, so that any number of threads may play from it."""

    def __init__(self, config: Config, weights: Mapping[str, np.ndarray]) -> None:
        c = config
        self.config, self.dim = c, c.dim

        def array(name: str) -> np.ndarray:
            return np.ascontiguousarray(weights[name], np.float64)

        def fold(x: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(x, dtype=np.float32)

        tiers = {}
        for tier in ("upper", "lower"):
            into = array(f"{tier}.gru.weight_ih_l0").T  # [dim, 3·dim]
            tiers[tier] = {
                "into": into,
                "in": fold(array(f"{tier}.samples.weight").T @ into),
                "features": fold(array(f"{tier}.conditions.weight").T @ into),
                "bias": fold(array(f"{tier}.samples.bias") @ into + array(f"{tier}.gru.bias_ih_l0")),
                "hh": fold(array(f"{tier}.gru.weight_hh_l0").T),
                "hh_bias": fold(array(f"{tier}.gru.bias_hh_l0")),
                "start": fold(array(f"{tier}.start")),
            }
        self.upper, self.lower = tiers["upper"], tiers["lower"]
        up = array("upper.upsample.weight").reshape(c.ratio, c.dim, c.dim)  # [step, out, in]
        into = self.lower["into"]
        self.upper_up = fold(np.concatenate([u.T @ into for u in up], axis=1))
        self.upper_up_bias = fold(np.concatenate(list(array("upper.upsample.bias").reshape(c.ratio, -1) @ into)))
        self.lower_up = fold(array("lower.upsample.weight").T)
        self.lower_up_bias = fold(array("lower.upsample.bias"))
        self.values = ((np.arange(LEVELS) - 128) / 127.5).astype(np.float32)
        history = array("history.weight").reshape(c.dim, c.frame, c.embedding)
        errors = array("errors.weight") * c.prior  # [dim, frame]
        embedding = array("embedding.weight")
        self.table = fold(
            np.stack(
                [
                    embedding @ history[:, i].T + np.outer(self.values.astype(np.float64), errors[:, i])
                    for i in range(c.frame)
                ]
            )
        )
        # What is known of a sample: its features, the prior of those before it, and 1.
        self.known = fold(np.concatenate([array("conditions.weight").T, -errors.T, array("conditions.bias")[None]]))
        self.hidden_w, self.hidden_b = fold(array("hidden.weight").T), fold(array("hidden.bias"))
        self.output_w, self.output_b = fold(array("output.weight").T), fold(array("output.bias"))
        self.linear = fold(array("linear") * c.prior)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds that one sample costs in the compiled loop, the floor that the benchmark states."""
        d, w, r = self.dim, self.config.frame, self.config.ratio
        upper = (w * r * 3 * d + d * 3 * d + d * r * 3 * d) / (w * r)
        lower = (w * 3 * d + d * 3 * d + d * w * d) / w
        return round(upper + lower + w * d + d * d + d * (LEVELS + 2))

    def play(
        self,
        notes: Sequence[Conditions],
        generators: Sequence[np.random.Generator],
        temperature: float,
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> list[np.ndarray]:
        """Levels float32 0 … 255 [frames] of each note, not rounded, though the network reads back whole ones. A
        note's sound depends on its own generator alone, not on its company.

        temperature is how much of a draw's distance from the mean is kept: 0 the mean, 1 as learnt. progress(done,
        total) counts samples and is called from the calling thread only.
        """
        order = sorted(range(len(notes)), key=lambda i: -notes[i].frames)
        workers = min(threads or os.cpu_count() or 1, len(order)) or 1
        size = max(1, min(SIDE_BY_SIDE, -(-len(order) // workers)))
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        total, done = sum(n.frames for n in notes), [0] * len(groups)
        results: list[np.ndarray] = [np.empty(0, np.float32)] * len(notes)
        stop = [False]

        def job(number: int, tell: Callable[[], None] | None) -> None:
            group = groups[number]

            def count(samples: int) -> bool:
                done[number] += samples
                if tell:
                    tell()
                return stop[0]

            for i, played in zip(group, self._group([notes[i] for i in group], [generators[i] for i in group],
                                                    temperature, count)):  # fmt: skip
                results[i] = played

        def say() -> None:
            if progress:
                progress(min(sum(done), total), total)

        say()
        if workers == 1:
            for number in range(len(groups)):
                job(number, say)
            return results
        with ThreadPoolExecutor(workers) as pool:
            try:
                _wait([pool.submit(job, number, None) for number in range(len(groups))], say)
            finally:
                stop[0] = True
        return results

    def _known(
        self, features: np.ndarray, sample_features: np.ndarray, prior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `prepared` says, but of each sample its features, the prior of the 16 before it, and 1, [n, S + 17]."""
        count = len(sample_features)
        past = np.lib.stride_tricks.sliding_window_view(prior, self.config.frame)[:count]
        return features, np.concatenate([sample_features, past, np.ones((count, 1), np.float32)], axis=1), prior

    def _group(
        self,
        notes: Sequence[Conditions],
        generators: Sequence[np.random.Generator],
        temperature: float,
        count: Callable[[int], bool],
    ) -> list[np.ndarray]:
        """Notes sorted by falling length, side by side on this thread."""
        c = self.config
        frame, big = c.frame, c.frame * c.ratio
        size, longest = len(notes), -(-notes[0].frames // big) * big
        levels = np.full((size, big + longest), 128, np.uint8)
        played = np.full((size, longest), 128, np.float32)
        upper = np.repeat(self.upper["start"][None], size, axis=0)
        lower = np.repeat(self.lower["start"][None], size, axis=0)
        inputs = [self._known(*prepared(note, c, big)) for note in notes]
        heat = [temperatures(note, temperature) for note in notes]
        chances = [
            generator.random(len(known), dtype=np.float32) for (_, known, _), generator in zip(inputs, generators)
        ]
        span = min(SLICE, longest)
        upper_gates = np.zeros((size, span // big, 3 * self.dim), np.float32)
        lower_gates = np.zeros((size, span // frame, 3 * self.dim), np.float32)
        base = np.zeros((size, span, self.dim), np.float32)
        mean, uniform, per_sample = np.zeros((3, size, span), np.float32)
        for start in range(0, longest, SLICE):
            active = sum(note.frames > start for note in notes)
            span = min(SLICE, longest - start)
            for b in range(active):
                features, known, prior = inputs[b]
                own = slice(start, min(start + span, len(known)))
                count_own = own.stop - start
                f = features[start // frame : own.stop // frame]
                upper_gates[b, : count_own // big] = f[:: c.ratio] @ self.upper["features"] + self.upper["bias"]
                lower_gates[b, : count_own // frame] = f @ self.lower["features"] + self.lower["bias"]
                np.matmul(known[own], self.known, out=base[b, :count_own])
                expected = prior[frame:][own] if c.prior else 0
                mean[b, :count_own] = expected - known[own, -frame - 1 : -1] @ self.linear
                uniform[b, :count_own] = chances[b][own]
                per_sample[b, :count_own] = heat[b][own]
            play(
                played, levels, self.values, active, start, span // big, upper_gates, lower_gates, base, mean, uniform,
                per_sample, upper, lower, self.upper["in"], self.upper["hh"], self.upper["hh_bias"],
                self.upper_up, self.upper_up_bias, self.lower["in"], self.lower["hh"], self.lower["hh_bias"],
                self.lower_up, self.lower_up_bias, self.table, self.hidden_w, self.hidden_b, self.output_w,
                self.output_b, self.linear, frame, c.ratio,
            )  # fmt: skip
            if count(sum(max(0, min(span, note.frames - start)) for note in notes)):
                break
        return [played[b, : note.frames].copy() for b, note in enumerate(notes)]


def _wait(futures: Sequence[Future[None]], say: Callable[[], None]) -> None:
    """Wait for all of these, and tell how far they are meanwhile; what one raises is raised here."""
    for future in futures:
        while True:
            try:
                future.result(timeout=0.1)
                break
            except NotYet:
                if future.done():
                    raise
                say()
    say()


def temperatures(note: Conditions, temperature: float) -> np.ndarray:
    """Temperature of each sample, float32 [frames, padded to whole frames]: as asked where the note is loud.

    In its first breath and its last echo, from 20 to 30 dB below the top, a recording is mostly noise and the mean is
    silence; there the temperature rises. 0 stays 0, the mean throughout.
    """
    faint = note.faintness(note.frames + 64) * (temperature > 0)
    return (temperature + faint * max(0.0, FAINT_TEMPERATURE - temperature)).astype(np.float32)


def prepared(note: Conditions, config: Config, big: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A note's network inputs, padded to whole upper frames: features [n/16, C], sample_features [n, S], prior [16+n].

    The same numbers as training sees them; `prior` is companded and begins one lower frame before the note.
    """
    frames = -(-note.frames // big) * big
    phase = np.zeros(frames)
    phase[: note.frames] = note.phase
    features = np.zeros((frames // config.frame, config.features), np.float32)
    real = frame_features(note, config.frame)
    features[: len(real)] = real
    padded = np.zeros(1 + config.frame + frames + AFTER, np.float32)
    padded[1 + config.frame : 1 + config.frame + note.frames] = note.prior
    companded = compand(emphasised(padded, config.emphasis), config.companding)
    windows = np.lib.stride_tricks.sliding_window_view(companded[config.frame - BEFORE :], BEFORE + AFTER + 1)[:frames]
    sample_features = np.concatenate([windows, phase_features(phase)], axis=1).astype(np.float32)
    if not config.prior:
        features[:, -(2 * 10 + 3) :] = 0
        sample_features *= 0
    return features, sample_features, companded[: config.frame + frames]
