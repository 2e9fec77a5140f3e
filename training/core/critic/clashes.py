"""Clashes: what sounds at once and rubs, and how the tracks share the registers."""

from __future__ import annotations

import itertools

import numpy as np

from training.core.critic.phrase import PITCHED, Phrase
from training.core.critic.registry import feature, mean, share, spread
from training.core.critic.rhythm import PITCHED as NAMES


@feature("clashes")
def semitones_between_tracks(phrase: Phrase) -> float:
    """Share of steps at which two tracks sound a semitone (or its octaves) apart, of those at which two sound."""
    classes = phrase.chroma[1:] > 0  # [4, steps, 12]
    two = classes.any(2).sum(0) > 1
    rub = np.zeros(phrase.steps, bool)
    for a, b in itertools.permutations(range(len(classes)), 2):
        rub |= (classes[a] & np.roll(classes[b], 1, 1)).any(1)
    return share(rub[two])


@feature("clashes")
def semitones_within_a_track(phrase: Phrase) -> float:
    """Share of steps at which some track sounds two neighbouring pitches, of those at which any track sounds."""
    held = phrase.held[1:]
    return share((held[:, :, 1:] & held[:, :, :-1]).any((0, 2))[held.any((0, 2))])


@feature("clashes")
def onsets_that_clash(phrase: Phrase) -> float:
    """Share of pitched onsets that begin a semitone (or its octaves) from a note of another track."""
    classes = phrase.chroma[1:] > 0
    found = []
    for t in PITCHED:
        others = np.delete(classes, t - 1, 0).any(0)
        line = phrase.lines[t]
        pitch = line.pitch % 12
        found.append(others[line.step, (pitch + 1) % 12] | others[line.step, (pitch - 1) % 12])
    return share(np.concatenate(found))


@feature("clashes")
def crowded_middle(phrase: Phrase) -> float:
    """Share of steps at which three tracks or more sound between MIDI 55 and 90."""
    return share(phrase.held[1:, :, 55:91].any(2).sum(0) >= 3)


@feature("clashes")
def unisons(phrase: Phrase) -> float:
    """Share of pitched onsets that another track strikes at the same step and pitch."""
    onsets = phrase.onsets[1:].sum(0)
    whole = int(onsets.sum())
    return float(onsets[onsets > 1].sum() / whole) if whole else float("nan")


@feature("clashes")
def pitches_at_once(phrase: Phrase) -> float:
    """Different pitches of all pitched tracks that sound at once, mean over steps with any."""
    voices = phrase.held[1:].any(0).sum(1)
    return mean(voices[voices > 0])


@feature("clashes")
def bass_is_not_lowest(phrase: Phrase) -> float:
    """Share of steps with bass at which another track sounds below it."""
    held = phrase.held
    bass = held[3].any(1)
    lowest = held[3].argmax(1)
    others = held[(1, 2, 4), :].any(0)
    under = np.where(others.any(1), others.argmax(1), 128)
    return share((under < lowest)[bass])


@feature("clashes", NAMES)
def height(phrase: Phrase, track: int) -> float:
    """Mean pitch of a track's notes, MIDI number."""
    return mean(phrase.lines[track].pitch)


@feature("clashes", NAMES)
def heights_vary(phrase: Phrase, track: int) -> float:
    """Standard deviation of a track's pitches, semitones."""
    return spread(phrase.lines[track].pitch)


@feature("clashes", NAMES)
def voices_at_once(phrase: Phrase, track: int) -> float:
    """Pitches of a track that sound at once, mean over steps with any."""
    voices = phrase.held[track].sum(1)
    return mean(voices[voices > 0])


@feature("clashes", NAMES)
def silence_between_notes(phrase: Phrase, track: int) -> float:
    """Share of the steps of bars with notes at which the track is silent."""
    sounds = phrase.held[track].any(1).reshape(phrase.bars, -1)
    return share(~sounds[sounds.any(1)].ravel())
