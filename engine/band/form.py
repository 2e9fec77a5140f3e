"""The form of a song: a path through the generator's noise, a point for each phrase of four bars.

Trained on pairs of neighbouring phrases, the generator takes two kinds of noise: *style*, which such neighbours share,
and *phrase* noise, which is each phrase's own. A song keeps one style. Its phrases go by sections: A, B and C are far
apart, and a section that comes back is nearly what it was.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.band.config import Config
from engine.core.pianoroll import TRACKS

NEAR = 0.25  # radians between a section and its return
SECTIONS = "AABAAABACCBAAABA"  # sixteen phrases, 64 bars; a shorter song takes the first ones


def path_noise(
    config: Config, seed: int, track_seeds: Mapping[str, int], phrases: int
) -> tuple[np.ndarray, np.ndarray]:
    """Noise of a song: shared float32 [phrases, style+phrase] and the tracks' [phrases, 5, track_style+track_phrase].

    All of unit variance. A track's noise comes from its own seed where it has one, so that nothing else changes.
    """
    shared = _walk(np.random.default_rng([seed, 1]), config.style, config.phrase, phrases)
    private = np.stack(
        [
            _walk(
                np.random.default_rng([track_seeds.get(name, seed), 2, t]),
                config.track_style,
                config.track_phrase,
                phrases,
            )
            for t, name in enumerate(TRACKS)
        ],
        axis=1,
    )
    return shared, private


def _walk(rng: np.random.Generator, style: int, phrase: int, phrases: int) -> np.ndarray:
    """[phrases, style + phrase]. A prefix of a longer walk is the shorter one: more bars continue the same song."""
    kept = rng.standard_normal(style)
    homes = {name: rng.standard_normal(phrase) for name in sorted(set(SECTIONS))}
    rows = []
    seen: set[str] = set()
    for i in range(phrases):
        name = SECTIONS[i % len(SECTIONS)]
        away = rng.standard_normal(phrase)
        angle = NEAR if name in seen else 0.0
        seen.add(name)
        rows.append(np.concatenate([kept, np.cos(angle) * homes[name] + np.sin(angle) * away]))
    return np.stack(rows).astype(np.float32)
