"""How well the band follows chords and tunes that are given, beside what real songs do and beside a control.

Chords: for each style the chords of held-out songs are given; how much of the time the pitched tracks play their notes,
and how often the bass has the root in a chord's first beat. Real are those songs under their own chords, the control is
the band under other chords than those it is measured by. Tunes: the melodies of held-out POP909 songs and of Nottingham
tunes, eight bars each; the control is the band that was played for another tune. The critic (critic.py) is asked
whether it knows what is played over given chords more often than what is played freely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import RequestError, player
from engine import band as bands
from engine.band.played import brief_of, song_from
from engine.core import harmony
from engine.core.chords import CHORD_SYMBOLS, NONE, name_of, typed
from engine.core.key import key_shift
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.melody import read_any
from engine.melody.abc.notes import titles
from engine.player import vocabulary as v
from engine.player.bars import Bar, bars_of, lay
from training.band.critic import band, judge
from training.band.genres import GENRES, genre_of
from training.chords.prepare import FAMILY_OF
from training.core.data import songs_npz
from training.core.metrics import mean, tonal_distances
from training.player.measures import SLOTS, chord_share, sounding

BARS = 8
KNOWN = 14  # of sixteen half bars whose chord is known, at least
BASS = v.LANES.index("bass")
CLASH, WIDEST = (1, 13), 0.5  # semitones between tune and band, and beats for which they sound together
SPLIT, TEST = 10, 0  # every tenth song of POP909 and Nottingham is for testing


@dataclass(frozen=True)
class Tune:
    """Eight bars of a song: the tune, what really goes with it, and the chords that are written."""

    tune: Song
    real: Song | None
    chords: str


def real_bars(songs: Path, count: int, seed: int) -> Iterator[tuple[str, list[Bar]]]:
    """(genre, eight bars in C) of held-out songs, so many of a genre."""
    rng, counts = np.random.default_rng(seed), dict.fromkeys(GENRES, 0)
    for song in songs_npz(songs):
        number = int(genre_of([song.label])[0])
        if song.split != "test" or number < 0 or counts[genre := list(GENRES)[number]] >= count:
            continue
        weight = np.where(song.track > 0, np.minimum(song.duration, 96), 0)
        heard = np.bincount(song.pitch % 12, weights=weight, minlength=12)
        if not heard.sum():
            continue
        pitch = np.where(song.track > 0, song.pitch.astype(int) + key_shift(heard), song.pitch).clip(0, 127)
        bars = bars_of(lay(song.track.astype(int), song.onset, song.duration, pitch, (4, 4)))
        first = int(rng.integers(max(1, len(bars) - BARS)))
        window = bars[first : first + BARS]
        known = sum(chord != NONE for bar in window for chord in bar.chords)
        if len(window) == BARS and known >= KNOWN and sum(BASS in bar.lanes for bar in window) > BARS // 2:
            counts[genre] += 1
            yield genre, window


def bass_on_root(bars: Sequence[Bar], chords: Sequence[int]) -> float:
    """How often the bass sounds a chord's root in its first beat, of the chords under which it sounds then."""
    heard = sounding(bars, [BASS]).reshape(len(chords), SLOTS // 2, 12)[:, : SLOTS // 4].sum(1)
    begins = [n for n, chord in enumerate(chords) if chord != NONE and (not n or chords[n - 1] != chord)]
    return mean(np.array([heard[n, chords[n] % 12] > 0 for n in begins if heard[n].any()], float))


def chords_followed(model: player.Model, songs: Path, count: int, seed: int) -> dict[str, dict[str, float]]:
    """For each style: chord tones and bass on the root, made, real and under other chords."""
    rows: dict[str, list[list[float]]] = {genre: [] for genre in GENRES}
    before: list[tuple[int, int]] = []
    for number, (genre, bars) in enumerate(real_bars(songs, count, seed)):
        pairs = [bar.chords for bar in bars]
        flat = [chord for pair in pairs for chord in pair]
        asked = brief_of(model, bands.Request(genre={genre: 1.0}, seed=seed + number, bars=BARS))
        made = list(player.perform(model, replace(asked, chords=dict(enumerate(flat)))))
        others = before or pairs[::-1]
        rows[genre].append([
            chord_share(made, pairs), chord_share(bars, pairs), chord_share(made, others), bass_on_root(made, flat),
            bass_on_root(bars, flat), bass_on_root(made, [chord for pair in others for chord in pair])])  # fmt: skip
        before = pairs
    names = ("chord tones", "real", "other chords", "bass on root", "bass, real", "bass, other chords")
    means = {genre: np.nanmean(each, 0) for genre, each in rows.items() if each}
    means["all"] = np.nanmean([row for each in rows.values() for row in each], 0)
    return {genre: dict(zip(names, map(float, each))) for genre, each in means.items()}


def pop_tunes(path: Path, count: int) -> Iterator[Tune]:
    """Eight bars of held-out POP909 songs in four, from where the tune has begun."""
    data = dict(np.load(path))
    for song in [n for n in range(len(data["song"])) if n % SPLIT == TEST and data["meter"][n] == 4][:count]:
        part = slice(*data["offsets"][song : song + 2])
        rows = np.stack([data[name][part].astype(int) for name in ("track", "onset", "dur", "pitch", "vel")], 1)
        first = int(rows[rows[:, 0] == 0, 1].min()) // 96 * 4.0
        notes: list[list[Note]] = [[], []]
        for track, onset, duration, pitch, loud in rows.tolist():
            notes[track > 0].append(Note(onset / 24, max(duration, 1) / 24, pitch, max(loud, 1)))
        whole = Song(tuple(Track(name, 0).with_notes(each) for name, each in zip(("lead", "piano"), notes)), 100.0)
        eight = whole.excerpt(first, first + 4 * BARS)
        tune, real = (replace(eight, tracks=(track,)) for track in eight.tracks)
        span = slice(*data["chord_offsets"][song : song + 2])
        halves = first + np.arange(2 * BARS) * 2.0
        at = np.searchsorted(data["chord_onset"][span] / 24, halves + 1e-6, "right") - 1
        names = [_pop_chord(int(data["chord_root"][span][i]), str(data["chord_quality"][span][i])) for i in at.clip(0)]
        if len(tune.tracks[0].notes) >= 8:
            yield Tune(tune, real, typed(names))


def told(model: player.Model, songs: Path, phrases: int, seed: int) -> dict[str, float]:
    """How often the critic, fitted to so many phrases a side, knows by the score what the band plays: freely, and over
    the chords of held-out songs of the style; printed."""
    chords: dict[str, list[list[int]]] = {genre: [] for genre in GENRES}
    for genre, bars in real_bars(songs, -(-phrases // len(GENRES)), seed):
        chords[genre].append([chord for bar in bars for chord in bar.chords])

    def over_chords(genres: Sequence[str], bars: int, seeds: Sequence[int]) -> Iterator[Song]:
        for genre, number in zip(genres, seeds):
            request = bands.Request(genre={genre: 1.0}, seed=number, bars=bars)
            planned = dict(enumerate(chords[genre][number % len(chords[genre])]))
            brief = replace(brief_of(model, request), chords=planned)
            yield song_from(model, request, list(player.perform(model, brief)))

    right = {name: judge(play, songs, BARS, phrases, seed).score
             for name, play in (("played freely", band(model)), ("over given chords", over_chords))}  # fmt: skip
    print("told from real songs: " + ", ".join(f"{how} {share:.3f}" for how, share in right.items()), flush=True)
    return {**right, "phrases": phrases}


def _pop_chord(root: int, quality: str) -> str:
    if root == 255:
        return "N.C."
    minor, seventh = quality.startswith(("min", "hdim", "dim")), quality.startswith("7")
    return name_of(root + 12 * (1 if minor else 2 if seventh else 0))


def folk_tunes(path: Path, count: int) -> Iterator[Tune]:
    """Held-out tunes of Nottingham with their chord symbols."""
    file = File(path.name, path.read_bytes())
    for number in range(1, min(len(titles(file.content)), SPLIT * count) + 1, SPLIT):
        song = read_any(file, number)
        symbols = [track for track in song.tracks if track.name == CHORD_SYMBOLS]
        if symbols and song.meter in v.METERS and not song.meter_changes:
            end = song.bar_lines()[: BARS + 1 + bool(song.upbeat)][-1]
            yield Tune(song.excerpt(0.0, end), None, "")


def _family(numbers: np.ndarray) -> np.ndarray:
    """Root and family as one number, -1 for none."""
    family = np.where(numbers < 0, -1, np.array(FAMILY_OF)[numbers // 12])
    return np.where(family < 0, -1, family * 12 + numbers % 12)


def _tune_beside(tune: Sequence[Note], others: Song, chords: np.ndarray, song: Song) -> list[float]:
    """Tonal distance of the tune and the others, mean over beats; clashes a beat; agreement of the chords that the
    others sound like with the written ones."""
    beats = np.arange(int(song.bar_lines()[-1]) + 1, dtype=float)
    pitched = [note for track in others.tracks if not track.is_drum for note in track.notes]
    distance = tonal_distances(*(harmony.sounding(notes, beats)[0] for notes in (tune, pitched)))
    clashes = {int(max(a.onset, b.onset)) for a in tune for b in pitched
               if abs(a.pitch - b.pitch) in CLASH and min(a.end, b.end) - max(a.onset, b.onset) >= WIDEST}  # fmt: skip
    fitted = replace(song, tracks=(Track("").with_notes(pitched),))
    heard, written = _family(harmony.heard(harmony.load(), fitted)), _family(chords)
    most = min(len(heard), len(written))
    counts = written[:most] >= 0
    right = (heard[:most] == written[:most])[counts].astype(float)
    return [mean(distance), len(clashes) / (len(beats) - 1), mean(right)]


def tunes_followed(model: player.Model, data: Path, count: int, seed: int) -> dict[str, dict[str, float]]:
    """Distance, clashes and agreement, for melodies of POP909, with the written chords and without any, and of
    Nottingham."""
    found: dict[str, list[list[float]]] = {}
    sets = {"POP909": list(pop_tunes(data / "pop909.npz", count)),
            "Nottingham": list(folk_tunes(data / "abc" / "nottingham.abc", count))}  # fmt: skip
    for source, tunes in sets.items():
        before: tuple[Song, np.ndarray] | None = None
        for number, each in enumerate(tunes):
            genre = ("soul", "country")[source == "Nottingham"]
            file = File("tune.mid", write_midi(each.tune))
            for given in ("chords written", "chords found") if each.chords else ("chords written",):
                text = each.chords if given == "chords written" else ""
                try:
                    request = bands.Request(genre={genre: 1.0}, tune=file, chords=text, seed=seed + number)
                    made = bands.generate(model, request).song
                    written = bands.Request(genre={genre: 1.0}, tune=file, chords=each.chords).progression
                except RequestError:  # a tune of too few notes, or that ends before its chords
                    continue
                assert made and written
                chords = np.array([written.halves(0, request.length)[half] for half in range(2 * request.length)])
                band, lead = replace(made, tracks=made.tracks[:-1]), made.tracks[-1].notes
                found.setdefault(f"{source}, {given}", []).append(_tune_beside(lead, band, chords, made))
                if given == "chords written":
                    if each.real:
                        found.setdefault(f"{source}, real", []).append(
                            _tune_beside(lead, each.real, chords, made))  # fmt: skip
                    if before:
                        found.setdefault(f"{source}, another tune's band", []).append(
                            _tune_beside(lead, before[0], chords, made))  # fmt: skip
                    before = band, chords
    names = ("tonal distance", "clashes", "chords agree")
    return {who: dict(zip(names, map(float, np.nanmean(rows, 0)))) for who, rows in found.items()}


def measure(model: player.Model, data: Path, count: int, seed: int = 0) -> dict[str, Any]:
    """How chords and tunes are followed, with `count` songs a style and tunes a source; printed."""
    out = {"chords": chords_followed(model, data / "songs.npz", count, seed),
           "tunes": tunes_followed(model, data, count, seed)}  # fmt: skip
    for what, rows in out.items():
        for who, figures in rows.items():
            print(f"{what}, {who}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()), flush=True)
    return out
