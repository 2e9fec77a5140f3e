"""Tunes for the melody model: which are variants of one another, which side they are on, and arrays.

Variants of one tune (the same reel in two collections, in another key, with other ornaments) must not stand on both
sides of the split, or copying would look like generalising. Tunes are drawn together when they share a title or a
tenth of their runs of ten steps from note to note, which neither key nor rhythm changes.

    python -m training prepare melody --data data/abc
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from engine import RequestError
from engine.melody.abc.canonical import Tune, read_tunes, without_kind
from engine.melody.abc.clean import clean
from engine.melody.abc.reader import Reader
from engine.melody.alphabet import LETTERS, Alphabet
from engine.melody.features import CHORDS, PLAIN, Plan, tune_rows
from training.core.options import add_common

DATA = Path("data/abc")  # by default, where it is there
RUN = 10  # steps from note to note
SHARED = 0.1  # of the shorter tune's runs
SPLITS = ("train", "val", "test")


def abc_files(folder: Path) -> list[Path]:
    """All .abc files of a folder, by name."""
    return sorted(folder.rglob("*.abc"))


def music21_files() -> list[Path]:
    """The three large collections of dance tunes in music21's corpus."""
    from music21 import common

    corpus = Path(common.getCorpusFilePath())
    return [p for name in ("airdsAirs", "oneills1850", "ryansMammoth") for p in abc_files(corpus / name)]


def steps(tune: Tune) -> list[int]:
    """Steps of the scale from each note to the next, octaves left out, so that a folded phrase is the same."""
    body = re.sub(r'"[^"\n]*"|!.*?!|^[A-Z]:.*$', "", tune.body, flags=re.MULTILINE)
    notes = [LETTERS.index(c) for c in re.findall(r"[A-Ga-g]", body)]
    return [(b - a) % 7 for a, b in pairwise(notes)]


def families(tunes: list[Tune]) -> list[int]:
    """A family for each tune, as the number of the tune at its head: variants have the same."""
    joined = DisjointSet(range(len(tunes)))
    head = list(range(len(tunes)))  # of a family, at its representative in `joined`

    def join(i: int, j: int) -> None:
        """Put i's family into j's, whose head stays: heads decide the split, which must stay for shipped weights."""
        kept = head[joined[j]]
        joined.merge(i, j)
        head[joined[j]] = kept

    runs = [{tuple(s[i : i + RUN]) for i in range(len(s) - RUN + 1)} for s in map(steps, tunes)]
    holders: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, own in enumerate(runs):
        for run in own:
            holders[run].append(i)
    for i, own in enumerate(runs):
        shared: Counter[int] = Counter(j for run in own if len(holders[run]) < 60 for j in holders[run] if j < i)
        for j, count in shared.items():
            if count >= max(SHARED * min(len(own), len(runs[j])), 2):
                join(i, j)
    titles: dict[str, int] = {}
    for i, tune in enumerate(tunes):
        name = re.sub(r"[^a-z]", "", tune.title.lower().split("--")[0].replace("the", ""))
        if len(name) > 4:
            join(i, titles.setdefault(name, i))
    return [head[joined[i]] for i in range(len(tunes))]


def split(tunes: list[Tune], validation: float = 0.05, test: float = 0.07) -> list[str]:
    """A side for each tune, whole families together, by the hash of the tune at the family's head."""
    sides = []
    for family in families(tunes):
        digest = hashlib.sha256(tunes[family].body.encode()).digest()
        place = int.from_bytes(digest[:6], "big") / 2**48
        sides.append("val" if place < validation else "test" if place < validation + test else "train")
    return sides


def alphabet_of(tunes: list[Tune], least: int = 5) -> Alphabet:
    """The characters that occur at least so often; letters of notes and of headers always."""
    counts = Counter("".join(tune.header + tune.body for tune in tunes))
    always = set(LETTERS) | set("0123456789/|:MLRK\n ") | set("abcdefghijklmnopqrstuvwxyz#")
    return Alphabet(sorted(c for c in set(counts) | always if counts[c] >= least or c in always))


def plan_of(tune: Tune) -> Plan | None:
    """The form of a tune with whole bars (pickups and what completes them included); None for any other."""
    reader = Reader(tune.meter, tune.unit, tune.key).read(tune.body)
    if reader.bar_time or not reader.full or not reader.bars:
        return None
    bars = reader.bars
    for i, bar in enumerate(bars):
        if bar.ticks == bar.full or i == 0:
            continue
        last = i + 1 == len(bars) or bars[i + 1].number <= 1 or bars[i + 1].ending > bar.ending == 1
        pickup = bar.number == 0 and bars[i - 1].section < bar.section
        if bar.ticks > bar.full or not (last or pickup):
            return None
    sections = [max((b.number for b in bars if b.section == s), default=0) for s in range(reader.section)]
    return Plan(tuple(sections)) if sections and min(sections) > 0 and max(sections) <= 32 else None


def variants(tune: Tune) -> Iterator[tuple[Tune, Plan, int]]:
    """Plain versions of a tune whose bars are whole: (tune, form, style)."""
    with_chords = clean(tune)
    if with_chords is None:
        return
    plan = plan_of(with_chords)
    if plan is None:
        return
    plain = clean(tune, chords=False)
    if with_chords.body.count('"') >= 8:
        yield with_chords, plan, CHORDS
    if plain is not None:
        yield plain, plan, PLAIN


def transposed(tune: Tune, key: str) -> Tune | None:
    """The tune moved along the scale to another tonic, to augment an absolute alphabet; None if it is there."""
    if not tune.key or tune.key[0] not in "CDEFGAB":
        return None
    move = "CDEFGAB".index(key[0]) - "CDEFGAB".index(tune.key[0])
    if not move:
        return None
    move -= 7 if move > 3 else -7 if move < -3 else 0

    def note(match: re.Match[str]) -> str:
        if match[0][0] == '"':
            return re.sub(r"[A-G]", lambda m: "CDEFGAB"[("CDEFGAB".index(m[0]) + move) % 7], match[0])
        step = LETTERS.index(match[1]) + move + 7 * (match[2].count("'") - match[2].count(","))
        if step < 0:
            return "CDEFGAB"[step % 7] + "," * (-step // 7 + (-step % 7 > 0))
        return LETTERS[step] if step < 14 else "cdefgab"[step % 7] + "'" * (step // 7 - 1)

    lines = [
        line if re.match(r"[KLMP]:", line) else re.sub(r'"[^"]*"|([A-Ga-g])([,\']*)', note, line)
        for line in tune.body.split("\n")
    ]
    return replace(tune, key=key[0] + tune.key[1:].replace("#", "").replace("b", ""), body="\n".join(lines))


def pack(alphabet: Alphabet, items: list[tuple[Tune, Plan | None, int]], relative: bool) -> dict[str, np.ndarray]:
    """Many tunes end to end: rows int16 [characters, COLUMNS], targets int16 [characters], int64 [tunes + 1]."""
    all_rows, all_targets, ends = [], [], [0]
    for tune, plan, style in items:
        rows, targets, _ = tune_rows(alphabet, tune, plan=plan, style=style, relative=relative)
        all_rows.append(rows)
        all_targets.append(targets)
        ends.append(ends[-1] + len(rows))
    return {"rows": np.concatenate(all_rows), "targets": np.concatenate(all_targets), "offsets": np.array(ends)}


def load_tunes(paths: list[Path]) -> list[Tune]:
    """The tunes of many files that have a body, each body once."""
    seen: dict[str, Tune] = {}
    for path in paths:
        for tune in read_tunes(path):
            seen.setdefault(tune.body, tune)
    return list(seen.values())


def priors_of(tunes: list[Tune]) -> list[dict[str, Any]]:
    """What plain tunes are like, for what a person leaves open: key, meter, unit, kind, form and style with their
    counts, the most frequent first; those that occur once are left out."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for tune in tunes:
        for _, plan, style in variants(tune):
            if len(plan.sections) <= 6 and sum(plan.sections) <= 64:
                counts[tune.key, tune.meter, tune.unit, tune.kind, plan.sections, style] += 1
    names = ("key", "meter", "unit", "kind", "form", "style")
    return [dict(zip(names, what)) | {"count": n} for what, n in counts.most_common() if n > 1]


def add_files(parser: argparse.ArgumentParser) -> None:
    """Where the tunes come from."""
    add_common(parser, data=[], prepared=Path("prepared/melody"))
    parser.add_argument("--music21", action="store_true", help="add the three collections of music21's corpus")


add_arguments = add_files


def run(args: argparse.Namespace) -> None:
    """Arrays of every side for the shipped model, and those of the 2 × 128 comparisons."""
    folders = args.data or ([DATA] if DATA.is_dir() else [])
    if not folders and not args.music21:
        raise RequestError(
            f"There is no {DATA}: name folders of .abc files with --data, or add --music21; README.md says where the "
            "data comes from."
        )
    paths = [path for folder in folders for path in (abc_files(folder) if folder.is_dir() else [folder])]
    tunes = load_tunes(paths + (music21_files() if args.music21 else []))
    if not tunes:
        raise RequestError(f"There is no tune in {', '.join(map(str, folders))}: .abc files are wanted.")
    sides = split(tunes)
    args.prepared.mkdir(parents=True, exist_ok=True)
    by_side = {s: [t for t, side in zip(tunes, sides) if side == s] for s in SPLITS}
    alphabet = alphabet_of(by_side["train"])
    (args.prepared / "alphabet.json").write_text(json.dumps(alphabet.characters))
    (args.prepared / "priors.json").write_text(json.dumps(priors_of(by_side["train"])))
    for side, own in by_side.items():
        text = "\n\n".join(f"X:{i}\nT:{t.title}\n{t.header}{t.body}" for i, t in enumerate(own, 1))
        (args.prepared / f"{side}.abc").write_text(text + "\n", encoding="utf-8")
        plain = [(i, version) for i, t in enumerate(own) for version in variants(t)]
        for relative in (True, False):
            arrays = {f"raw_{k}": v for k, v in pack(alphabet, [(t, None, 0) for t in own], relative).items()}
            bare = [(without_kind(t), None, 0) for t in own]
            arrays |= {f"bare_{k}": v for k, v in pack(alphabet, bare, relative).items()}
            if relative:
                arrays |= {f"plain_{k}": v for k, v in pack(alphabet, [v for _, v in plain], relative).items()}
            arrays["plain_parent"] = np.array([i for i, _ in plain] if relative else [], np.int64)
            np.savez(args.prepared / f"{side}{'' if relative else '_absolute'}.npz", **arrays)
            if not relative and side == "train":
                moved = [(m, None, 0) for t in own for key in "GDA" if (m := transposed(t, key))]
                arrays |= {f"extra_{k}": v for k, v in pack(alphabet, moved, False).items()}
                np.savez(args.prepared / "train_moved.npz", **arrays)
        print(f"{side}: {len(own)} tunes, {sum(len(t.body) for t in own)} characters, {len(plain)} plain versions")
