"""Two bars of a song written anew by everyone who plays there: how often critics take them for the song's own.

Of held-out phrases of eight bars the two in the middle are written anew, in the phrase's style. Critics of the score
are fitted to phrases as they were and as they are now, and asked of others (judge.real_by_folds): a half is chance. The
control are the same two bars of another phrase.

python -m training evaluate band --only-anew
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import RequestError, band, player
from engine.core.instruments import PROGRAMS
from engine.core.midi import write_midi
from engine.core.pianoroll import TRACKS
from engine.core.request import File
from engine.core.song import Note, Song, Track
from training.band.critic import real_side
from training.core.critic import Phrase, extract
from training.core.critic.judge import real_by_folds
from training.core.critic.phrase import BAR_TICKS, TICKS

BARS, ANEW = 8, (4, 5)
NOTES = [each.name for each in fields(Phrase) if each.name != "bars"]


def measure(model: player.Model, songs: Path, phrases: int, seed: int) -> dict[str, Any]:
    """The share of phrases that are called real; printed."""
    side = real_side(songs, "test", BARS, phrases, seed)
    real, anew, other = list[Phrase](), list[Phrase](), list[Phrase]()
    for number, (phrase, genre) in enumerate(zip(side.phrases, side.genre.tolist())):
        song = _song(phrase)
        file = File("song.mid", write_midi(song), "mid")
        asked = band.Request(genre={genre: 1.0}, input=file, rewrite=ANEW, seed=number)
        try:
            made = band.generate(model, asked).song
        except RequestError:  # nobody plays there whom the player knows
            continue
        real.append(Phrase.of(song, 0, BARS))
        anew.append(Phrase.of(_five(made.tracks if made else ()), 0, BARS))
        other.append(_spliced(real[-1], side.phrases[(number + 1) % len(side.phrases)]))
    known, *tried = (extract(map(replace, each)) for each in (real, anew, other))
    shares = dict(zip(("anew", "another"), (real_by_folds(known, each, seed=seed) for each in tried)))
    print("called real: " + ", ".join(f"{which} {share:.3f}" for which, share in shares.items()), flush=True)
    return {**shares, "phrases": len(real)}


def _song(phrase: Phrase) -> Song:
    rows: list[list[Note]] = [[] for _ in TRACKS]
    for track, onset, duration, pitch, velocity in zip(*(getattr(phrase, name).tolist() for name in NOTES)):
        rows[track].append(Note(max(0, onset) / TICKS, duration / TICKS, pitch, velocity))
    return _five([Track(name, PROGRAMS[name], name == "drums").with_notes(notes) for name, notes in zip(TRACKS, rows)])


def _five(tracks: Sequence[Track]) -> Song:
    """The five tracks in their order, without notes where there is none."""
    known = {track.name: track for track in tracks}
    return Song(tuple(known.get(name, Track(name, PROGRAMS[name], name == "drums")) for name in TRACKS))


def _spliced(phrase: Phrase, other: Phrase) -> Phrase:
    """A phrase with the other's bars in place of those that are written anew."""
    begin, end = (ANEW[0] - 1) * BAR_TICKS, ANEW[1] * BAR_TICKS
    gone, come = ((each.onset >= begin) & (each.onset < end) for each in (phrase, other))
    notes = [np.concatenate([getattr(phrase, name)[~gone], getattr(other, name)[come]]) for name in NOTES]
    order = np.argsort(notes[NOTES.index("onset")], kind="stable")
    return Phrase(phrase.bars, *(each[order] for each in notes))
