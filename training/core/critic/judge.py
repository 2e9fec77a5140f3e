"""Fits the critic, and says how often and by what it knows the made from the real."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from training.core.cards import table
from training.core.critic.phrase import Phrase
from training.core.critic.registry import FEATURES

TOUCH = "touch"
PARTS = (
    "bass on one", "bass rhythm kept", "bass most voices", "bass with kick", "chords end together, piano",
    "chords end together, guitar", "as many voices as before, guitar", "rhythm kept, piano", "rhythm kept, guitar",
    "line steps, piano", "line steps, guitar", "line steps, strings", "line leaps, piano", "line leaps, guitar",
    "line leaps, strings", "drum bar again", "backbeat", "crash on one", "roots by fourths", "ends at home",
)  # fmt: skip
"""The features that say of each part whether it is played as such a part is: printed whether they tell or not."""
CLOSE = 0.15  # of the real value, within which a part's feature counts as met


def families() -> list[str]:
    """The families of features, in order."""
    return list(dict.fromkeys(family for family, _ in FEATURES.values()))


def extract(phrases: Iterable[Phrase]) -> np.ndarray:
    """Every feature of every phrase, float32 [phrases, features]; nan where a phrase has nothing to measure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
        rows = [[function(phrase) for _, function in FEATURES.values()] for phrase in phrases]
    return np.array(rows, np.float32).reshape(-1, len(FEATURES))


@dataclass(frozen=True)
class Sample:
    """Phrases of one side."""

    features: np.ndarray  # float32 [N, F]
    song: np.ndarray  # int [N]: which song or seed each is of
    genre: np.ndarray  # str [N]

    def part(self, chosen: np.ndarray) -> Sample:
        """Some of them."""
        return Sample(self.features[chosen], self.song[chosen], self.genre[chosen])


@dataclass(frozen=True)
class Verdict:
    """How often the critic is right, balanced over real and made; .5 is chance."""

    score: float  # by all families but touch
    with_touch: float  # by all
    control: float  # real songs against other real songs, by the score
    by_family: dict[str, float]  # by one family alone
    by_genre: dict[str, float]  # by the score
    tells: list[tuple[str, float, float, float]]  # the strongest: name, real mean, made mean, how well it tells alone
    parts: list[tuple[str, float, float]]  # `PARTS`: name, real mean, made mean
    phrases: dict[str, int]  # to fit and to test with, a side

    def to_json(self) -> dict[str, Any]:
        """For config.json."""
        return asdict(self)

    def table(self) -> str:
        """What evaluation prints, in Markdown."""
        head = [["score", f"{self.score:.3f}"], ["with touch", f"{self.with_touch:.3f}"]]
        head += [["control: songs against other songs", f"{self.control:.3f}"]]
        head += [[f"{family} alone", f"{value:.3f}"] for family, value in self.by_family.items()]
        head += [[f"score, {genre}", f"{value:.3f}"] for genre, value in self.by_genre.items()]
        parts = [[name, f"{real:.3f}", f"{made:.3f}", f"{made / real - 1:+.0%}" if real else ""]
                 for name, real, made in self.parts]  # fmt: skip
        met = sum(abs(made - real) <= CLOSE * abs(real) for _, real, made in self.parts)
        rows = [[name, f"{real:.3f}", f"{made:.3f}", f"{auc:.2f}"] for name, real, made, auc in self.tells]
        return "\n\n".join(
            [
                f"The critic, fitted to {self.phrases['fit']} phrases a side, tested on {self.phrases['test']} of "
                "other songs and seeds: how often it is right (.5 is chance).",
                table(["critic", "balanced accuracy"], head),
                "What gives the made away; *alone*: the area under the curve by this alone (.5 is chance).",
                table(["tell", "real", "made", "alone"], rows),
                f"How the parts are played: {met} of {len(parts)} within {CLOSE:.0%} of real.",
                table(["part", "real", "made", "apart"], parts),
            ]
        )


def _columns(chosen: Iterable[str]) -> np.ndarray:
    chosen = set(chosen)
    return np.array([family in chosen for family, _ in FEATURES.values()])


def _classifier(seed: int, iterations: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=iterations, learning_rate=0.06, max_leaf_nodes=15, l2_regularization=5.0, max_features=0.3,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def _right(
    a: Sample, b: Sample, test_a: Sample, test_b: Sample, columns: np.ndarray, seed: int, iterations: int
) -> np.ndarray:
    """Whether each tested phrase is called right, bool [A + B], by a critic fitted to the columns."""
    x = np.concatenate([a.features, b.features])
    columns = columns & ~np.isnan(x).all(0)  # a form of sixteen bars in phrases of eight
    x = x[:, columns]
    y = np.repeat([0, 1], [len(a.song), len(b.song)])
    tested = np.concatenate([test_a.features, test_b.features])[:, columns]
    truth = np.repeat([0, 1], [len(test_a.song), len(test_b.song)])
    return np.asarray(_classifier(seed, iterations).fit(x, y).predict(tested) == truth)


def _balanced(right: np.ndarray, real: int) -> float:
    truth = np.repeat([0, 1], [real, len(right) - real])
    return float(balanced_accuracy_score(truth, np.where(right, truth, 1 - truth)))


def _apart(sample: Sample, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """Two halves that share no song."""
    songs = rng.permutation(np.unique(sample.song))
    first = np.isin(sample.song, songs[::2])
    return sample.part(first), sample.part(~first)


def control(real: Sample, test: Sample, columns: np.ndarray, seed: int, iterations: int, draws: int = 5) -> float:
    """Balanced accuracy between real songs and other real songs: .5 if the critic is honest. Mean over draws."""
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        one, two = _apart(real, rng)
        test_one, test_two = _apart(test, rng)
        right = _right(one, two, test_one, test_two, columns, seed, iterations)
        found.append(_balanced(right, len(test_one.song)))
    return float(np.mean(found))


def tells(real: Sample, made: Sample, most: int = 10) -> list[tuple[str, float, float, float]]:
    """The features that tell best alone: (name, real mean, made mean, area under the curve above .5)."""
    found = []
    for i, name in enumerate(FEATURES):
        a, b = (side.features[:, i] for side in (real, made))
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        if min(len(a), len(b)) < max(10, 0.05 * len(real.song)):
            continue
        auc = roc_auc_score(np.repeat([0, 1], [len(a), len(b)]), np.concatenate([a, b]))
        found.append((name, float(a.mean()), float(b.mean()), float(max(auc, 1 - auc))))
    return sorted(found, key=lambda row: -row[3])[:most]


def parts_of(real: Sample, made: Sample) -> list[tuple[str, float, float]]:
    """The means of `PARTS` over real and made phrases."""
    names = list(FEATURES)
    columns = [names.index(name) for name in PARTS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
        means = [np.nanmean(side.features[:, columns], 0).tolist() for side in (real, made)]
    return list(zip(PARTS, *means))


def told_by(family: str, real: Sample, made: Sample, test_real: Sample, test_made: Sample, seed: int = 0) -> float:
    """How often one family of features alone tells made from real, balanced; .5 is chance."""
    right = _right(real, made, test_real, test_made, _columns([family]), seed, iterations=300)
    return _balanced(right, len(test_real.song))


def compare(
    real: Sample, made: Sample, test_real: Sample, test_made: Sample, seed: int = 0, iterations: int = 300
) -> Verdict:
    """Fit the critic (`iterations` trees) to `real` and `made`, and try it on other songs and seeds."""
    score = _columns(f for f in families() if f != TOUCH)
    right = _right(real, made, test_real, test_made, score, seed, iterations)
    genre = np.concatenate([test_real.genre, test_made.genre])
    count = len(test_real.song)

    def alone(columns: np.ndarray) -> float:
        return _balanced(_right(real, made, test_real, test_made, columns, seed, iterations), count)

    return Verdict(
        score=_balanced(right, count),
        with_touch=alone(np.ones(len(FEATURES), bool)),
        control=control(real, test_real, score, seed, iterations),
        by_family={family: alone(_columns([family])) for family in families()},
        by_genre={
            g: _balanced(right[genre == g], int((test_real.genre == g).sum())) for g in np.unique(genre).tolist()
        },
        tells=tells(test_real, test_made),
        parts=parts_of(test_real, test_made),
        phrases={"fit": min(len(real.song), len(made.song)), "test": min(count, len(test_made.song))},
    )


def real_by_folds(real: np.ndarray, made: np.ndarray, folds: int = 5, seed: int = 0) -> float:
    """How often made phrases are called real by critics of the score that are fitted to the pairs of the other folds;
    features [N, F] each, in a row what came in a song and what was made in its place. A half is chance."""
    columns = _columns(family for family in families() if family != TOUCH) & ~np.isnan(real).all(0)
    fold = np.random.default_rng(seed).permutation(len(real)) % folds
    passed: list[bool] = []
    for each in range(folds):
        known, tested = fold != each, fold == each
        x = np.concatenate([real[known], made[known]])[:, columns]
        y = np.repeat([0, 1], known.sum())
        critic = _classifier(seed, iterations=150).fit(x, y)
        passed += (critic.predict(made[tested][:, columns]) == 0).tolist()
    return float(np.mean(passed))


def told_by_folds(real: Sample, made: Sample, folds: int = 5, draws: int = 2, seed: int = 0) -> tuple[float, float]:
    """How often critics of the score that are fitted to the other folds tell made from real, balanced, and the area
    under their curve; a half is chance. No song is in two folds; means over `draws` drawings of the folds."""
    columns = _columns(family for family in families() if family != TOUCH) & ~np.isnan(real.features).all(0)
    x = np.concatenate([real.features, made.features])[:, columns]
    truth = np.repeat([0, 1], [len(real.song), len(made.song)])
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        fold = np.concatenate([_folds(side.song, folds, rng) for side in (real, made)])
        chance = np.empty(len(truth))
        for each in range(folds):
            critic = _classifier(seed, iterations=150).fit(x[fold != each], truth[fold != each])
            chance[fold == each] = critic.predict_proba(x[fold == each])[:, 1]
        found.append((balanced_accuracy_score(truth, chance > 0.5), roc_auc_score(truth, chance)))
    right, area = np.mean(found, 0).tolist()
    return right, area


def _folds(song: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each phrase, int [N]: all of a song in one."""
    songs, which = np.unique(song, return_inverse=True)
    return np.asarray(rng.permutation(len(songs)) % folds)[which]
