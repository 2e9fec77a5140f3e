"""What might come next, played by the band's player (engine/player): the form that the song has had goes on.

    play_on(model, band, grid, count, request) -> the song with `continue_bars` bars more

The song's *period* is two, four or eight bars: that after which its last bars came again most. Each bar to come stands
for the one a period before. Where the bar eight before it, in a lane, was nearly the one a period before that, the lane
comes again; where it was not, it is new. The player writes some ways, over the same chords and hearing who plays
beside it; others are the bar moved through its latent space (variations.py). Of each lane's ways the one is kept that
is nearest to what it stands for without being a bar that was there: what the lanes stand for was played together.

The player has a lane for each family: of several tracks of one the busiest goes on in it, and the others come again
with their period. Tracks of percussion and effects, which nobody plays, end where the song did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine import Progress
from engine.core.instruments import PROGRAMS
from engine.core.key import key_shift
from engine.core.pianoroll import TRACKS
from engine.core.song import NEAR, SAME_LENGTH, Note, Song, Track, quarters
from engine.variation.bars import BarGrid
from engine.variation.request import Request
from engine.variation.variations import varied

if TYPE_CHECKING:
    from engine import player
    from engine.variation.model import Model

PERIODS = (2, 4, 8)  # bars
SECTION, HEARD = 8, 16  # bars that are written at once; bars of the song that are looked at
METERS = ((4, 4), (3, 4), (6, 8), (2, 4), (12, 8))
AGAIN = 0.6  # of their notes that two bars share from which on one is the other again
WAYS = 3  # of the player, and as many of the latent spaces
NOISE = 0.75  # of those, at a temperature of 1
TEMPERATURE, TOP_P = 0.8, 0.95  # at a temperature of 1
TICKS, UNITS = 24, (6, 4)  # a beat; a step of each of the player's grids
REST, NEW = -1, 0  # in a form, as the player reads it
USUAL_STRENGTH = 0.5
Cell = tuple[int, int]


def meter_of(song: Song) -> tuple[int, int]:
    """The meter in which a song ends, as the player knows it."""
    meter = song.meter_changes[-1][1] if song.meter_changes else song.meter
    return SAME_LENGTH.get(meter, meter)


def history(grid: BarGrid, meter: tuple[int, int]) -> int:
    """How many of the last bars the player can hear: whole ones of this meter; 0 where it knows none."""
    count = 0
    for bar in reversed(grid.layout.bars):
        if meter not in METERS or count == HEARD or abs(bar.length - quarters(meter)) > NEAR:
            break
        count += 1
    return count


@dataclass(frozen=True)
class Past:
    """The song's last bars as the player hears them."""

    grid: BarGrid
    meter: tuple[int, int]
    bars: int

    @property
    def end(self) -> float:
        """Where the song ends and goes on, in beats."""
        return float(self.grid.layout.beats[-1])

    @property
    def begin(self) -> float:
        """Where the first of the bars begins, in beats."""
        return self.end - self.bars * quarters(self.meter)

    @cached_property
    def lanes(self) -> dict[int, int]:
        """The player's lane → the number of the track that goes on in it, of those that sound."""
        out: dict[int, int] = {}
        for number, (family, track) in enumerate(zip(self.grid.families, self.grid.lanes.tracks)):
            lane, count = TRACKS.index(family), len(self.notes(track))
            if count and (lane not in out or count > len(self.notes(self.grid.lanes.tracks[out[lane]]))):
                out[lane] = number
        return out

    @cached_property
    def others(self) -> list[int]:
        """The numbers of the tracks that sound and have no lane of their own."""
        return [n for n, track in enumerate(self.grid.lanes.tracks)
                if self.notes(track) and n not in self.lanes.values()]  # fmt: skip

    def notes(self, track: Track) -> list[Note]:
        """A track's notes in these bars, counted from the first."""
        return [replace(note, onset=max(0.0, note.onset - self.begin)) for note in track.notes
                if self.begin - 1 / TICKS <= note.onset < self.end - 1 / TICKS]  # fmt: skip

    @cached_property
    def shift(self) -> int:
        """Semitones to C major or A minor."""
        pitched = [note for lane, n in self.lanes.items() if lane for note in self.notes(self.grid.lanes.tracks[n])]
        chroma = np.bincount([note.pitch % 12 for note in pitched], [note.duration for note in pitched], 12)
        return key_shift(chroma) if pitched else 0

    @cached_property
    def heard(self) -> list[player.Bar]:
        """The bars in C."""
        return self.hear(self.grid.lanes.tracks)

    def hear(self, lanes: Sequence[Track]) -> list[player.Bar]:
        """The bars in C, with other notes in the song's tracks."""
        from engine import player  # here, because it brings PyTorch

        tracks = []
        for lane, number in self.lanes.items():
            named = Track(TRACKS[lane], PROGRAMS[TRACKS[lane]], lane == 0)
            tracks.append(named.with_notes(self.notes(lanes[number])))
        sounding = any(track.notes for track in tracks)
        bars = player.read_song(Song(tuple(tracks), meter=self.meter), self.shift)[0] if sounding else []
        return [*bars, *[player.Bar()] * self.bars][: self.bars]


# Form


def cells(bar: player.Bar, lane: int) -> set[Cell]:
    """A lane's notes in a bar: (tick, pitch)."""
    return {(step * UNITS[bar.grid], pitch) for step, _, pitch in bar.lanes.get(lane, ())}


def likeness(one: set[Cell], other: set[Cell]) -> float:
    """The share of notes that two bars have in common, 0..1; 0 where neither has any."""
    return 2 * len(one & other) / max(len(one) + len(other), 1)


def period_of(bars: Sequence[player.Bar]) -> int:
    """The period after which the last bars came again most; of fewer than three bars all of them."""

    def returned(period: int) -> float:
        shared = count = 0
        for now in range(max(period, len(bars) - SECTION), len(bars)):
            for lane in range(1, len(TRACKS)):
                one, other = cells(bars[now], lane), cells(bars[now - period], lane)
                shared, count = shared + 2 * len(one & other), count + len(one) + len(other)
        return shared / max(count, 1)

    return max((each for each in PERIODS if each < len(bars)), key=returned, default=len(bars))


def form_of(bars: Sequence[player.Bar], period: int, more: int) -> list[list[int]]:
    """Of each bar to come and each lane: REST, NEW, or the period after which it comes again."""
    form, count = [], len(bars)
    for number in range(more):
        like = bars[count - period + number % period]
        now = count - min(SECTION, count) + number % min(SECTION, count)
        then = bars[now - period] if now >= period else None
        form.append([
            REST if not like.lanes.get(lane) else
            period if then and likeness(cells(bars[now], lane), cells(then, lane)) >= AGAIN else NEW
            for lane in range(len(TRACKS))
        ])  # fmt: skip
    return form


def nearness(bar: player.Bar, like: player.Bar, lane: int, before: Sequence[player.Bar], new: bool) -> float:
    """How much of the bar it stands for a lane's bar has, 0..1; 0 where it was to be `new` and was there before."""
    if new and any(each.grid == bar.grid and each.lanes.get(lane) == bar.lanes.get(lane) for each in before):
        return 0.0
    return likeness(cells(bar, lane), cells(like, lane))


def nearest(
    ways: Sequence[player.Bar], like: player.Bar, before: Sequence[player.Bar], row: Sequence[int]
) -> player.Bar:
    """The bar whose lanes are, each of those that were written so, nearest to those of the bar that it stands for."""
    out = max(ways, key=lambda way: sum(likeness(cells(way, lane), cells(like, lane)) for lane in range(len(TRACKS))))
    for lane, form in enumerate(row):
        of_grid = [way for way in ways if way.grid == out.grid]
        best = max(of_grid, key=lambda way: nearness(way, like, lane, before, form == NEW))
        out = out.with_lane(lane, best.lanes.get(lane, ()))
    return out


# Playing


def played(
    model: Model, band: player.Model, past: Past, request: Request, progress: Progress | None
) -> Iterator[player.Bar]:
    """The bars to come, in C."""
    from engine import player  # here, because it brings PyTorch

    more, bars = request.continue_bars or 0, past.heard
    count, period = len(bars), period_of(past.heard)
    places = [count - period + number % period for number in range(more)]
    likes, form = [bars[place] for place in places], form_of(bars, period, more)
    brief = _brief(bars, likes, form, past.meter, request)
    seeds = np.random.default_rng([request.seed, 23]).integers(2**62, size=(1 + more // period, WAYS)).tolist()
    done = list(bars)
    while len(done) < count + more:
        for ways in player.Section(
            band, [replace(brief, seed=seed) for seed in seeds[0]], list(done), len(done)
        ).play():
            number = len(done) - count
            if progress:
                progress(number, more)
            if number % period == 0:
                cousins = [_varied(model, past, request, seed) for seed in seeds[number // period]]
            ways += [cousin[places[number]] for cousin in cousins]
            done.append(nearest(ways, likes[number], done, form[number]))
            yield done[-1]


def _varied(model: Model, past: Past, request: Request, seed: int) -> list[player.Bar]:
    """The song's last bars, each moved through its family's latent space, in C."""
    grid = past.grid
    late = np.arange(len(grid.layout.bars)) >= len(grid.layout.bars) - past.bars
    changed = grid.filled & grid.windows_of(late)
    levels = dict.fromkeys(TRACKS, NOISE * request.temperature)
    rolls = varied(model, grid, changed, levels, replace(request, seed=seed))
    return past.hear(grid.song(rolls, kept=~changed).tracks)


def _brief(
    bars: Sequence[player.Bar], likes: Sequence[player.Bar], form: Sequence[Sequence[int]], meter: tuple[int, int],
    request: Request,
) -> player.Brief:  # fmt: skip
    """What is asked of the player: the form, chords and grids of the bars that those to come stand for, and lanes as
    busy and as high as they were."""
    from engine import player  # here, because it brings PyTorch

    lanes = range(len(TRACKS))
    levels = {lane: player.levels_of([bar.lanes.get(lane, ()) for bar in bars[-SECTION:]]) for lane in lanes}
    known = [*bars, *likes]
    chords = {2 * n + half: chord for n, bar in enumerate(known) for half, chord in enumerate(bar.chords)}
    return player.Brief(
        len(known), meter=meter, lanes=tuple(lane for lane in lanes if any(row[lane] != REST for row in form)),
        given={n: {lane: bar.lanes.get(lane, ()) for lane in range(len(TRACKS) + 1)} for n, bar in enumerate(bars)},
        grids={n: bar.grid for n, bar in enumerate(known)},
        chords={half: chord for half, chord in chords.items() if chord >= 0},
        form=[[NEW] * len(TRACKS)] * len(bars) + list(form),
        busy={lane: level[0] if level else 1 for lane, level in levels.items()},
        register={lane: level[1] for lane, level in levels.items() if level and lane},
        temperature=TEMPERATURE * request.temperature, top_p=TOP_P,
    )  # fmt: skip


def play_on(
    model: Model, band: player.Model, grid: BarGrid, count: int, request: Request, progress: Progress | None = None
) -> tuple[Song, list[str]]:
    """The grid's song and `request.continue_bars` bars more, given its last `count` bars; and what has to be said of
    it."""
    past = Past(grid, meter_of(grid.lanes), count)
    weight = request.strength / USUAL_STRENGTH
    if weight != 1:
        band = replace(band, rates={**band.rates, "chord": band.rates.get("chord", 0.0) * weight})
    bars = list(played(model, band, past, request, progress))
    tracks = list(grid.lanes.tracks)
    for lane, number in past.lanes.items():
        tracks[number] = _with(tracks[number], past, list(_new_notes(past, tracks[number], lane, bars)))
    for number in past.others:
        tracks[number] = _with(tracks[number], past, list(_repeated(past, tracks[number], len(bars))))
    if progress:
        progress(len(bars), len(bars))
    return replace(grid.lanes, tracks=(*tracks, *grid.fixed)), _remarks(past, [tracks[n].name for n in past.others])


def _remarks(past: Past, names: Sequence[str]) -> list[str]:
    """What has to be said of tracks that the player does not play."""
    if not names:
        return []
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    period = period_of(past.heard)
    return [f"The player has one part of each family; these repeat the last {period} bars as they were: {listed}."]


def _repeated(past: Past, track: Track, bars: int) -> Iterator[Note]:
    """The track's last period, again and again in the bars to come."""
    beats = quarters(past.meter)
    length = period_of(past.heard) * beats
    last = [note for note in past.notes(track) if note.onset >= past.bars * beats - length]
    for turn in range(1, 1 + -(-round(bars * beats) // round(length))):
        for note in last:
            onset = note.onset + past.begin + turn * length
            if onset < past.end + bars * beats - NEAR:
                yield replace(note, onset=onset)


def _new_notes(past: Past, track: Track, lane: int, bars: Sequence[player.Bar]) -> Iterator[Note]:
    """The player's notes of a lane in the song's key, struck as the track was."""
    touch = _Touch(past, track)
    for number, bar in enumerate(bars):
        unit = UNITS[bar.grid] / TICKS
        for step, length, pitch in bar.lanes.get(lane, ()):
            moved = pitch - past.shift * (lane > 0)
            moved += 12 * ((moved < 0) - (moved > 127))
            yield touch.struck(number, step * unit, length * unit, moved)


def _with(track: Track, past: Past, new: Sequence[Note]) -> Track:
    """The track and its new notes; what rings beyond the song's end stops where its pitch begins again."""
    first: dict[int, float] = {}
    for note in new:
        first[note.pitch] = min(note.onset, first.get(note.pitch, note.onset))
    kept = [replace(note, duration=max(min(note.end, first.get(note.pitch, note.end)) - note.onset, 1 / TICKS))
            if note.end > past.end else note for note in track.notes]  # fmt: skip
    return track.with_notes([*kept, *new])


class _Touch:
    """How a track was struck in its last bars, by the place in the bar."""

    def __init__(self, past: Past, track: Track) -> None:
        self.beats, self.end = quarters(past.meter), past.end
        notes = past.notes(track)
        self.place = np.array([note.onset % self.beats for note in notes])
        self.velocity = np.array([note.velocity for note in notes])

    def struck(self, bar: int, place: float, length: float, pitch: int) -> Note:
        """A note at `place` beats of a bar to come, as loud as what was struck nearest to that place."""
        near = np.abs(self.place - place)
        loud = self.velocity[near <= near.min() + NEAR].mean()
        return Note(self.end + bar * self.beats + place, length, pitch, round(float(loud)))
