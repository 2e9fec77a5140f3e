"""Figures of the melody model beside its baselines, and its model card.

    python -m training evaluate melody --tunes 500

Held-out figures are of the test side, whose tunes and their variants no model has seen; the 500 tunes are composed with
keys, meters and types drawn from those learned from, and read by music21, which knows nothing of our grammar.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.core.checkpoint import fit
from engine.melody.abc.canonical import Tune, meter_parts, read_tunes, signature, tonic_index
from engine.melody.abc.clean import clean
from engine.melody.abc.notes import reading_of
from engine.melody.abc.reader import Reader
from engine.melody.alphabet import LETTERS
from engine.melody.asked import fill_in
from engine.melody.composing import Writer, Written, compose
from engine.melody.config import Config
from engine.melody.grammar import Grammar
from engine.melody.model import Model, load
from engine.melody.request import Request
from engine.melody.scoring import score
from engine.melody.tokens import END
from training.core import cards
from training.core.cards import rounded
from training.core.options import add_common
from training.core.runs import best_weights, run_log, was_evaluated
from training.melody import prepare
from training.melody.judge import judged
from training.melody.prepare import plan_of, variants
from training.melody.seams import seams

BASELINES = {
    "seed": "LSTM 2 × 128, one-hot characters (the seed project's)",
    "moved": "the same, tunes also transposed",
    "relative": "the same, letters as steps above the tonic",
    "told": "LSTM 2 × 128, steps, and told its bars",
}
COPY = 40  # characters


class NGram:
    """Witten-Bell interpolated n-grams of characters (Witten & Bell 1991), of header and body alike."""

    def __init__(self, tunes: Iterable[Tune], order: int = 6) -> None:
        self.order = order
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        for tune in tunes:
            text = tune.header + tune.body
            for i in range(len(tune.header), len(text)):
                for n in range(order):
                    self.counts[text[max(i - n, 0) : i] if n else ""][text[i]] += 1

    def chances(self, context: str) -> dict[str, float]:
        """Probability of each character that has been seen; the rest shares what is left evenly among 128."""
        seen = self.counts[""]
        p = dict.fromkeys(seen, 1 / 128)
        for n in range(self.order):
            counts = self.counts.get(context[len(context) - n :] if n else "")
            if not counts:
                continue
            total, kinds = sum(counts.values()), len(counts)
            p = {c: (counts.get(c, 0) + kinds * p[c]) / (total + kinds) for c in p}
        return p

    def score(self, tunes: list[Tune]) -> dict[str, float]:
        """As engine.melody.score: bits a character and accuracy over the bodies, the header given."""
        bits, right, count = 0.0, 0, 0
        for tune in tunes:
            text = tune.header + tune.body
            for i in range(len(tune.header), len(text)):
                p = self.chances(text[max(i - self.order + 1, 0) : i])
                bits -= math.log2(p.get(text[i], 1 / 128 / 128))
                right += max(p, key=p.__getitem__) == text[i]
                count += 1
        return {"bits_per_char": round(bits / count, 5), "accuracy": round(right / count, 5), "chars": count}


def model_of(folder: Path) -> Model:
    """The model of a run that was not shipped."""
    config = Config(**json.loads((folder / "model.json").read_text()))
    weights = {name: w.numpy() for name, w in best_weights(folder, "net").items()}
    fit(config.shapes(), weights, folder)
    return Model(config, weights, {}, "", "cpu")


def held_out(model: Model, runs: Path, train: list[Tune], test: list[Tune]) -> dict[str, dict[str, float]]:
    """Bits a character and accuracy on the test side, by model."""
    out = {f"n-gram of order {n}": NGram(train, n).score(test) for n in (5, 6)}
    for name, words in BASELINES.items():  # runs of `train --experiment`; those that were not made are left out
        if was_evaluated(runs / name):
            out[words] = dict(score(model_of(runs / name), test))
    out["shipped"] = dict(score(model, test))
    return out


def trials(runs: Path) -> list[dict[str, Any]]:
    """Best validation figures of every run of the experiments, with its steps."""
    out = []
    for log in sorted(runs.glob("*/log.jsonl")):
        scored = [entry for entry in run_log(log.parent) if "score" in entry]
        if scored:
            out.append({"run": log.parent.name, **min(scored, key=lambda entry: entry["score"])})
    return out


# Five hundred tunes


def requests(model: Model, count: int) -> list[Request]:
    """Keys (their modes as learned), meters, types, chord symbols and forms, at random."""
    random = np.random.default_rng(500)
    keys = sorted({p["key"] for p in model.priors if p["key"]})
    meters = sorted({p["meter"] for p in model.priors if p["meter"]})
    out = []
    for _ in range(count):
        chords = [None, True, False][int(random.integers(3))]
        out.append(Request(key=str(random.choice(keys)), meter=str(random.choice(meters)), chord_symbols=chords))
    return out


def read_back(written: Written, request: Request) -> dict[str, bool]:
    """What music21 finds in a tune: that it parses, that every bar is full, key and meter."""
    from music21 import converter, key, meter, stream

    passed = dict.fromkeys(("parsed", "whole", "key", "meter"), False)
    try:
        score21 = converter.parseData(written.tune.abc, format="abc")
    except Exception:  # whatever an independent parser raises, the tune is not whole
        return passed
    passed["parsed"] = True
    beats, value = meter_parts(request.meter) or (4, 4)
    full = Fraction(4 * beats, value)
    measures = list(score21.recurse().getElementsByClass(stream.Measure))
    lengths = [Fraction(m.highestTime).limit_denominator(192) for m in measures]
    lengths = [n for n in lengths if n]
    passed["whole"] = whole(lengths, full) and bool(lengths)
    signatures = list(score21.recurse().getElementsByClass(key.KeySignature))
    passed["key"] = bool(signatures) and {s.sharps for s in signatures} == {signature(written.tune.key)}
    passed["key"] &= written.tune.key == request.key
    times = {(t.numerator, t.denominator) for t in score21.recurse().getElementsByClass(meter.TimeSignature)}
    passed["meter"] = times == {(beats, value)}
    return passed


def whole(lengths: list[Fraction], full: Fraction) -> bool:
    """Is every bar full, but for a pickup at the beginning, and bars that are split in two by a repeat or an ending."""
    pickup = lengths[0] if lengths[0] < full else Fraction(0)
    for before, length, after in zip([Fraction(0), *lengths], lengths, [*lengths[1:], Fraction(0)]):
        completes = pickup > 0 and length == full - pickup  # a section's last bar, the pickup comes again
        begins = pickup > 0 and length == pickup and (before == full - pickup or before == 0)
        if length != full and not begins and not (completes and after in (pickup, 0, full, full - pickup)):
            return False
    return pickup == 0 or lengths[-1] == full - pickup


class Copies:
    """The longest run of characters that a tune shares with any training tune, in its own key and in any."""

    def __init__(self, tunes: list[Tune]) -> None:
        self.own = "\n\n".join(t.body for t in tunes)
        self.any = "\n\n".join(in_steps(t) for t in tunes)
        self.starts = [{text[i : i + 16] for i in range(len(text) - 15)} for text in (self.own, self.any)]

    def longest(self, tune: Tune) -> tuple[int, int]:
        """(in the same key, in any key), characters."""
        return self._in(tune.body, 0), self._in(in_steps(tune), 1)

    def _in(self, body: str, which: int) -> int:
        text, starts = (self.own, self.any)[which], self.starts[which]
        best = 15
        for i in range(len(body)):
            if body[i : i + 16] in starts:
                while i + best < len(body) and body[i : i + best + 1] in text:
                    best += 1
        return best


def in_steps(tune: Tune) -> str:
    """The body with note letters as steps above the tonic, in letters that ABC does not use."""
    tonic = tonic_index(tune.key)
    table = {c: chr(0x100 + i - tonic + 7) for i, c in enumerate(LETTERS)}
    return tune.body.translate(str.maketrans(table))


def ends_on_tonic(tune: Tune) -> bool:
    """Is the last note the tonic."""
    sounding = [event.sounding for event in reading_of(tune).voices[0].events if event.pitches]
    tonic = "CDEFGAB"[tonic_index(tune.key)]
    base = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[tonic]
    base += 1 if tune.key[1:2] == "#" else -1 if tune.key[1:2] == "b" else 0
    return bool(sounding) and (sounding[-1][0] - base) % 12 == 0


class Free(Writer):
    """A writer without the grammar: every character of the alphabet, and the end, at any time."""

    def draw(self) -> bool:
        table = self.model.alphabet.table(self.features.reader.place, self.features.tonic)
        char = self._draw([*sorted(table), END])
        if char == END or len(self.text) > 2000:
            return False
        self.text.append(char)
        self.logits = self.model.sampler.step(self.features.feed(char), self.state)
        return True


def free(model: Model, request: Request, seed: int) -> Written:
    """A tune drawn without the grammar, otherwise as `compose` draws it."""
    random = np.random.default_rng(seed)
    writer = Free(model, fill_in(model, request, random), request, random)
    while writer.draw():
        pass
    return writer.written(0)


def forbidden(tunes: list[Tune]) -> dict[str, float]:
    """How many plain versions of real tunes the grammar accepts from end to end, and what share of their characters."""
    accepted, characters, refused = 0, 0, 0
    count = 0
    for tune in tunes:
        for version, plan, style in variants(tune):
            grammar = Grammar(Reader(version.meter, version.unit, version.key), plan.sections, style)
            misses = 0
            for char in version.body:
                misses += char not in grammar.allowed()
                grammar.feed(char)
            misses += END not in grammar.allowed()
            count += 1
            accepted += misses == 0
            characters += len(version.body) + 1
            refused += misses
            break
    return {"tunes": count, "accepted": accepted / count, "characters_refused": refused / characters}


def five_hundred(model: Model, train: list[Tune], test: list[Tune], count: int = 500) -> dict[str, Any]:
    """The figures of `count` composed tunes beside real ones of the test side."""
    copies = Copies(train + [c for t in train if (c := clean(t))])
    asked = requests(model, count)
    written = [compose(model, request, seed=seed) for seed, request in enumerate(asked)]
    checks = [read_back(w, r) for w, r in zip(written, asked)]
    longest = np.array([copies.longest(w.tune) for w in written])
    freely = [free(model, request, 10_000 + seed) for seed, request in enumerate(asked[: count // 2])]
    free_found = [read_back(w, r) for w, r in zip(freely, asked)]
    real = [t for t in test if plan_of(t)]
    real_longest = np.array([copies.longest(t) for t in real])
    made = sum(w.made for w in written)
    out: dict[str, Any] = {"tunes": count, "temperature": asked[0].temperature, "top_p": asked[0].top_p}
    for name in ("parsed", "whole", "key", "meter"):
        out[name] = float(np.mean([f[name] for f in checks]))
    out |= {
        "unconstrained_whole": float(np.mean([f["whole"] for f in free_found])),
        "masked": float(np.sum([w.masked * w.made for w in written]) / made),
        "likeliest_was_forbidden": float(np.sum([w.corrected for w in written]) / made),
        "characters": made / count,
        "ends_on_tonic": float(np.mean([ends_on_tonic(w.tune) for w in written])),
        "real_ends_on_tonic": float(np.mean([ends_on_tonic(t) for t in real])),
    }
    for name, lengths in (("copy", longest), ("real_copy", real_longest)):
        out[name] = {
            "median": float(np.median(lengths[:, 0])),
            "longest": int(lengths[:, 0].max()),
            f"share_of_{COPY}": float((lengths[:, 0] >= COPY).mean()),
            "any_key_median": float(np.median(lengths[:, 1])),
            "any_key_longest": int(lengths[:, 1].max()),
            f"any_key_share_of_{COPY}": float((lengths[:, 1] >= COPY).mean()),
        }
    out["grammar_on_real"] = forbidden(test)
    return out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and how much of it; --run is where the comparisons lie. Prepares first where that was not
    done."""
    prepare.add_files(parser)
    add_common(parser, run=Path("runs/melody"), checkpoint=CHECKPOINTS / "melody", threads=0)
    parser.add_argument("--tunes", type=int, default=500, help="tunes to compose")
    parser.add_argument("--judged", type=int, default=240, help="held-out tunes whose like is written for the judge")
    parser.add_argument("--only", choices=["judged"], help="measure this alone and keep the other figures")


def run(args: argparse.Namespace) -> None:
    """Write the metrics into config.json and the model card beside it, and print it."""
    if not (args.prepared / "test.abc").exists():
        prepare.run(args)
    model = load(args.checkpoint)
    if args.only:
        before = checkpoint.read_config(args.checkpoint)["metrics"]
        checkpoint.update(
            args.checkpoint, metrics=before | {"judged": rounded(judged(model, args.prepared, args.judged))}
        )
        print(cards.write(args.checkpoint))
        return
    train_side, test_side = (read_tunes(args.prepared / f"{side}.abc") for side in ("train", "test"))
    before = checkpoint.read_config(args.checkpoint)["metrics"]
    # Comparisons whose runs are not here keep the figures that were measured when they were.
    rows = before.get("test", {}) | held_out(model, args.run, train_side, test_side)
    composed = five_hundred(model, train_side, test_side, args.tunes)
    tried = trials(args.run) or before.get("tried", [])
    metrics = {"validation": before["validation"], "test": rows, "composed": composed, "tried": tried,
               "seams": seams(model, test_side),
               "judged": rounded(judged(model, args.prepared, args.judged))}  # fmt: skip
    checkpoint.update(args.checkpoint, metrics=metrics)
    print(cards.write(args.checkpoint))
