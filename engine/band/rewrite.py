"""Bars of a song that is there already, played anew by some of its players, with all the others and all other bars as
they were.

A player hears who plays beside it, the bars before and the bars after; so what it plays leads into what follows. The
song's tracks are the player's lanes by their families, all in the song's own key. Where the meter is one that the
player does not know, and in tracks of percussion and effects, everything stays. What is new is struck by a hand that
knows how the track was struck before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from engine import Progress, RequestError
from engine.band.again import returning, sources, usual
from engine.band.played import LEAD, RESTS, as_written, planned, reach_of
from engine.band.request import METERS, Request
from engine.core import rewriting
from engine.core.instruments import PROGRAMS
from engine.core.key import key_shift
from engine.core.pianoroll import TRACKS, five_of
from engine.core.result import Result
from engine.core.rewriting import Stretch
from engine.core.song import NEAR, SAME_LENGTH, Note, Song, Track, quarters
from engine.melody import read_any

if TYPE_CHECKING:
    from engine import player

SECTION, AROUND = 8, 4  # bars that the player writes at once, and those that it hears on either side
TICKS = 24  # a beat
UNITS = (6, 4)  # ticks of a step, by a bar's grid
BESIDE = 3  # ticks by which a note lies beside its step at most


@dataclass(frozen=True)
class Cast:
    """Who is who: each track's lane, -1 of what no player plays; and the tracks that are played anew, by lane."""

    song: Song  # with a track for each new player
    lanes: tuple[int, ...]
    anew: dict[int, int]  # lane → number of its track
    remarks: tuple[str, ...] = ()

    @cached_property
    def heard(self) -> tuple[int, ...]:
        """The lane in which each track is heard: beside a player of its own family it is heard where the tune is."""
        return tuple(LEAD if lane in self.anew and self.anew[lane] != n else lane for n, lane in enumerate(self.lanes))


def rewrite(model: player.Model, request: Request, progress: Progress | None = None) -> Result:
    """The song of the request's input with the bars anew. `progress` counts bars. Refused where nothing can be."""
    assert request.input is not None and request.rewrite is not None
    song, asked = read_any(request.input, request.tune_number), request.rewrite
    cast = cast_of(song, request.players, rewriting.stretch(song, asked))
    parts, remarks = _parts(song, asked)
    if (given := request.progression) and len(given.bars) > (bars := len(parts[0].lines) - 1):
        raise RequestError(f"The chords have {len(given.bars)} bars, and the song {bars}: leave some out.")
    if not _by_the_hand(song):
        every = (_Rewriting(model, request, cast, part).read(cast.song.tracks)[1] for part in parts)
        remarks += dict.fromkeys(remark for each in every for remark in each)
    request, heard = _with_genre(model, request, cast, parts)
    done, total = 0, sum(len(part.marked) for part in parts)
    for part in parts:
        if progress:
            progress(done, total)
        cast = replace(cast, song=_Rewriting(model, request, cast, part).song())
        done += len(part.marked)
    if progress:
        progress(total, total)
    made = _with_rests(cast.song)
    names = [made.tracks[number].name or TRACKS[lane] for lane, number in sorted(cast.anew.items())]
    report = {"tempo": made.tempo, "notes": {track.name: len(track.notes) for track in made.tracks},
              "rewritten": {"bars": list(asked), "tracks": names}}  # fmt: skip
    said = (*song.remarks, *cast.remarks, *remarks, *heard, *request.remarks)
    return Result(request=request, song=made, weights=model.sha256, remarks=said, report=report)


def _with_rests(song: Song) -> Song:
    """A band's own song with those of the five who rest: files do not keep them."""
    names = {track.name for track in song.tracks}
    resting = [name for name in TRACKS if name not in names] if _of_a_band(song) else []
    return replace(song, tracks=(*song.tracks, *(Track(name, PROGRAMS[name], name == "drums") for name in resting)))


def _of_a_band(song: Song) -> bool:
    """Whether its tracks are called as a band's own are."""
    return {track.name for track in song.tracks} <= {*TRACKS, "lead"}


def _by_the_hand(song: Song) -> bool:
    """Whether it is a band's own, struck beside the grid by whole ticks as the hand strikes: there is nothing to say
    of that."""
    ticks = [note.onset * TICKS for track in song.tracks for note in track.notes]
    return _of_a_band(song) and all(abs(tick - round(tick)) < NEAR * TICKS for tick in ticks)


# Who plays


def lane_of(track: Track) -> int:
    """The player's lane of a track, by its name where that is one of a band's own, else by its family; -1 of none."""
    if track.name == "lead" and not track.is_drum:
        return LEAD
    if track.name in TRACKS and (track.name == "drums") == track.is_drum:
        return TRACKS.index(track.name)
    family = five_of(track.program, track.is_drum)
    return TRACKS.index(family) if family else -1


def cast_of(song: Song, players: Sequence[str], marked: Stretch) -> Cast:
    """Who plays what anew. Refused when a player is nobody's name, plays what no network does, or two are of one
    family."""
    lanes = [lane_of(track) for track in song.tracks]
    if not any(0 <= lane < LEAD and track.notes for lane, track in zip(lanes, song.tracks)):
        raise RequestError(
            "No track of the song is drums, a piano, a guitar, a bass or strings: nobody can play it anew."
        )
    sounding = {lane for lane, track in zip(lanes, song.tracks) if 0 <= lane < LEAD and track.notes}
    remarks, anew = [], dict[int, int]()
    tracks = list(song.tracks)
    for name in dict.fromkeys(players) or [TRACKS[lane] for lane in sorted(sounding)]:
        lane, number = _player(name, tracks, lanes, marked)
        if lane in anew:
            both = f"{name} and {tracks[anew[lane]].name}"
            raise RequestError(f"{both} are both {TRACKS[lane]}: one of them at a time is written anew.")
        if number is None:
            number = len(tracks)
            tracks.append(Track(TRACKS[lane], PROGRAMS[TRACKS[lane]], TRACKS[lane] == "drums"))
            lanes.append(lane)
        anew[lane] = number
        others = [track.name for n, track in enumerate(tracks) if lanes[n] == lane and n != number and track.notes]
        if others and name in TRACKS:
            remarks.append(f"Of the {name}, {tracks[number].name} is written anew, and {_listed(others)} stays.")
    return Cast(replace(song, tracks=tuple(tracks)), tuple(lanes), anew, tuple(remarks))


def _player(name: str, tracks: Sequence[Track], lanes: Sequence[int], marked: Stretch) -> tuple[int, int | None]:
    """A player's lane and track: of one of the five the track that has most notes in the marked bars."""
    if name in TRACKS:
        lane = TRACKS.index(name)
        mine = [n for n, other in enumerate(lanes) if other == lane]
        busiest = max(mine, default=None, key=lambda n: (
            sum(marked.holds(note.onset) for note in tracks[n].notes), len(tracks[n].notes)))  # fmt: skip
        return lane, busiest
    number = next(iter(rewriting.called(name, [{track.name} for track in tracks])), None)
    if number is None:
        known = _listed(list(dict.fromkeys([*TRACKS, *(t.name for t, lane in zip(tracks, lanes) if 0 <= lane < LEAD)])))
        raise RequestError(f"There is no player '{name[:40]}' in the song; choose among {known}.")
    if not 0 <= lanes[number] < LEAD:
        what = "the tune, which is kept" if lanes[number] == LEAD else "percussion or an effect, which no network plays"
        raise RequestError(f"'{tracks[number].name}' is {what}.")
    return lanes[number], number


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")


# Which bars


@dataclass(frozen=True)
class Part:
    """Marked bars of one meter, and the bars around them that have it too. Numbers from 0."""

    meter: tuple[int, int]
    lines: tuple[float, ...]  # where the song's bars begin, in beats
    marked: range
    around: range


def _meters(song: Song, lines: Sequence[float]) -> list[tuple[int, int] | None]:
    """The meter of each bar as the player knows it, None where it does not, or where a bar is cut short."""
    known = {(int(beats), int(value)) for beats, _, value in (meter.partition("/") for meter in METERS)}
    out: list[tuple[int, int] | None] = []
    for begin, end in pairwise(lines):
        meter = next((each for beat, each in reversed(song.meter_changes) if beat <= begin + NEAR), song.meter)
        meter = SAME_LENGTH.get(meter, meter)
        out.append(meter if meter in known and abs(end - begin - quarters(meter)) < NEAR else None)
    return out


def _parts(song: Song, bars: Sequence[int]) -> tuple[list[Part], list[str]]:
    """The parts of one meter that the marked bars have, and what is said of those that stay. Refused when all do."""
    lines = rewriting.lines_of(song)
    meters = _meters(song, lines)
    parts, stay = [], []
    for meter, run in groupby(range(bars[0] - 1, bars[1]), key=lambda bar: meters[bar]):
        mine = list(run)
        if meter is None:
            stay += mine
            continue
        first, last = mine[0], mine[-1] + 1
        while first > 0 and meters[first - 1] == meter:
            first -= 1
        while last < len(meters) and meters[last] == meter:
            last += 1
        parts.append(Part(meter, tuple(lines), range(mine[0], mine[-1] + 1), range(first, last)))
    if not parts:
        known = ", ".join(METERS)
        raise RequestError(f"The players know whole bars of {known}: {rewriting.spelled(bars)} cannot be written anew.")
    if not stay:
        return parts, []
    which = ", ".join(str(bar + 1) for bar in stay[:8])
    return parts, [
        f"The players know whole bars of {', '.join(METERS)}: of those marked, {which} stay{'s' * (len(stay) == 1)}."
    ]


def window(part: Part) -> tuple[int, int]:
    """The bars with which a brief for the marked ones begins and ends, by number.

    Its sections of eight lie so that, where the marked bars fit into one, it is heard with bars before and behind.
    Where it begins before the music does, its first bars are empty, and no section looks at them.
    """
    first, count = part.marked.start, len(part.marked)
    before, within = first - part.around.start, max(0, SECTION - count) // 2
    seen = AROUND if count <= SECTION and part.marked.stop < part.around.stop else SECTION  # bars, before a section
    if count > SECTION:
        section = before if before >= seen else 0
    elif before + count <= SECTION:
        section = 0
    else:
        least = before + count - SECTION
        section = max(seen, least, before - within) if before >= seen else least
    begin = part.around.start + section - (SECTION if section >= seen else 0)
    sections = -(-(part.marked.stop - begin) // SECTION)
    return begin, min(part.around.stop, begin + SECTION * (sections + 1))


def _with_genre(model: player.Model, request: Request, cast: Cast, parts: Sequence[Part]) -> tuple[Request, list[str]]:
    """The request with its genre, guessed where it was left out, and what is said of the guess."""
    from engine import player  # here, because it brings PyTorch

    model.check(request.genre)
    if request.genre:
        return request, []
    around = _Rewriting(model, request, cast, parts[0]).heard(cast.song.tracks)
    shares = player.genres_of(model, around, parts[0].meter)
    genre = next(iter(shares))
    return replace(request, genre={genre: 1.0}), [
        f"The style was left open: by how likely the player finds the bars around in each, it is {genre}."]  # fmt: skip


# The writing


class _Rewriting:
    """One part of one meter: what is given to the player, and what becomes of its answer."""

    def __init__(self, model: player.Model, request: Request, cast: Cast, part: Part) -> None:
        self.model, self.request, self.cast, self.part = model, request, cast, part
        self.first, self.last = window(part)
        begin = max(self.first, part.around.start)
        self.origin = part.lines[begin] - (begin - self.first) * quarters(part.meter)  # of the brief, beats of the song
        self.window = Stretch(part.lines[begin], part.lines[self.last])
        self.marked = Stretch(part.lines[part.marked.start], part.lines[part.marked.stop])
        self.bars = range(part.marked.start - self.first, part.marked.stop - self.first)  # the marked ones in the brief
        heard = [note for lane, track in zip(cast.lanes, cast.song.tracks) if lane > 0 for note in self._near(track)]
        chroma = np.bincount([note.pitch % 12 for note in heard], [note.duration for note in heard], 12)
        self.shift = key_shift(chroma) if heard else 0

    def _near(self, track: Track) -> list[Note]:
        """A track's notes in the window."""
        return [note for note in track.notes if self.window.holds(note.onset)]

    def heard(self, tracks: Sequence[Track]) -> list[player.Bar]:
        """The window of these tracks as the player hears it, in C."""
        return self.read(tracks)[0]

    def read(self, tracks: Sequence[Track]) -> tuple[list[player.Bar], tuple[str, ...]]:
        """The same, and what it hears otherwise than it is played, a sentence each."""
        from engine import player  # here, because it brings PyTorch

        lanes: list[list[Note]] = [[] for _ in range(LEAD + 1)]
        for lane, track in zip(self.cast.heard, tracks):
            if lane >= 0:
                lanes[lane] += [replace(note, onset=max(0.0, note.onset - self.origin)) for note in self._near(track)]
        named = (
            Track(name, is_drum=name == "drums").with_notes(notes) for name, notes in zip((*TRACKS, "lead"), lanes)
        )
        window = Song(tuple(named), meter=self.part.meter)
        bars, said = player.read_song(window, self.shift) if any(lanes) else ([], ())
        count = self.last - self.first
        return [*bars, *[player.Bar()] * count][:count], said

    def brief(self) -> player.Brief:
        """What is asked of the player: chords and grids stay where someone else plays on, and are free elsewhere."""
        from engine import player  # here, because it brings PyTorch

        anew = self.cast.anew
        old = self.heard(self.cast.song.tracks)
        rest = self.heard([
            replace(track, notes=tuple(rewriting.kept(track.notes, self.marked))) if n in anew.values() else track
            for n, track in enumerate(self.cast.song.tracks)])  # fmt: skip
        given, grids, chords = {}, {}, dict[int, int]()
        for n, bar in enumerate(rest):
            written = anew if n in self.bars else ()
            given[n] = {lane: bar.lanes.get(lane, ()) for lane in range(LEAD + 1) if lane not in written}
            if n not in self.bars or any(given[n].values()):
                grids[n] = bar.grid
            if n not in self.bars or any(notes for lane, notes in given[n].items() if lane):
                chords |= {2 * n + half: chord for half, chord in enumerate(old[n].chords)}
        if asked := self.request.progression:
            halves = asked.halves(-self.shift % 12, self.part.marked.stop)
            chords |= {2 * n + half: halves[2 * (self.first + n) + half] for n in self.bars for half in (0, 1)}
        busy, register = self._levels(old)
        temperature, top_p = reach_of(self.request)
        brief = player.Brief(
            len(rest), dict(self.request.genre), self.part.meter, lanes=tuple(sorted(anew)), busy=busy,
            register=register, given=given, grids=grids, chords=chords, seed=self.request.seed, temperature=temperature,
            top_p=top_p,
        )  # fmt: skip
        habits = usual(self.model.planner, self.request.genre, brief.seed)
        rng = np.random.default_rng([brief.seed, 31])
        known = sources(old, self.bars, dict.fromkeys(brief.lanes, bool(self.request.players)), habits, rng)
        return returning(brief, old, self.bars, known)

    def _levels(self, bars: Sequence[player.Bar]) -> tuple[dict[int, int], dict[int, int]]:
        """Busyness and register of each lane as they are in these bars; as asked where they are; and of a player who
        rests there, those of one in the genre."""
        from engine import player  # here, because it brings PyTorch

        busy, register = {}, {}
        for lane, name in enumerate(TRACKS):
            known = player.levels_of([bar.lanes.get(lane, ()) for bar in bars])
            busy[lane], high = known or (RESTS, 0)
            if lane in self.cast.anew:
                asked = planned(self.model, self.request, None if known else {name: self.request.seed})
                if not known or name in self.request.busy:
                    busy[lane] = asked["busy"][lane]
                if not known or name in self.request.register:
                    high = asked["register"].get(lane, 0)
            if high and lane:
                register[lane] = high
        return busy, register

    def song(self) -> Song:
        """The song with the marked bars anew."""
        from engine import player  # here, because it brings PyTorch

        bars = list(player.perform(self.model, self.brief()))
        tracks = list(self.cast.song.tracks)
        for lane, number in self.cast.anew.items():
            kept = rewriting.kept(tracks[number].notes, self.marked)
            new = self._struck(lane, kept, self._written(lane, bars), [UNITS[bar.grid] for bar in bars])
            tracks[number] = tracks[number].with_notes(rewriting.spliced(kept, new, self.marked))
        return replace(self.cast.song, tracks=tuple(tracks))

    def _written(self, lane: int, bars: Sequence[player.Bar]) -> list[Note]:
        """The new notes of a lane in the song's key, in beats of the brief."""
        ticks, notes = round(quarters(self.part.meter) * TICKS), []
        for n in self.bars:
            bar = as_written(bars[n], self.first + n, self.request, -self.shift % 12, self.part.meter)
            unit = UNITS[bar.grid]
            for step, length, pitch in bar.lanes.get(lane, ()):
                moved = pitch - self.shift * (lane > 0)
                moved += 12 * ((moved < 0) - (moved > 127))
                notes.append(Note((n * ticks + step * unit) / TICKS, length * unit / TICKS, moved))
        return notes

    def _struck(self, lane: int, kept: Sequence[Note], new: Sequence[Note], units: Sequence[int]) -> list[Note]:
        """New notes (beats of the brief) as the track's hand strikes them, in beats of the song."""
        from engine import touch  # here, because it brings PyTorch

        ticks = round(quarters(self.part.meter) * TICKS)
        places: list[tuple[Note, tuple[int, int] | None]] = [(note, None) for note in new]
        for note in kept:
            if self.window.holds(note.onset) and note.onset < self.marked.end - NEAR:
                at = max(0, round((note.onset - self.origin) * TICKS))
                unit = units[min(at // ticks, len(units) - 1)]
                place = (at + unit // 2) // unit * unit
                beside = min(max(at - place, -BESIDE), BESIDE)
                places.append((replace(note, onset=place / TICKS), (note.velocity, beside)))
        places.sort(key=lambda each: (each[0].onset, each[0].pitch))
        notes = [note for note, _ in places]
        if self.model.hand and new:
            song = self.cast.song
            tempi = [tempo for beat, tempo in song.tempo_changes if beat <= self.marked.begin + NEAR]
            known = {n: struck for n, (_, struck) in enumerate(places) if struck}
            notes = touch.among(self.model.hand, Song(tempo=[song.tempo, *tempi][-1], meter=self.part.meter), notes,
                                known, name=TRACKS[lane], genre=self.request.genre, seed=self.request.seed)  # fmt: skip
        out, last = [], rewriting.lines_of(self.cast.song)[-1]  # the piece does not become longer
        for note, (_, struck) in zip(notes, places):
            if struck is None:
                onset = note.onset + self.origin
                inside = min(max(onset, self.marked.begin), self.marked.end - 1 / TICKS)
                end = min(note.duration + onset, last)
                out.append(replace(note, onset=inside, duration=max(end - inside, 1 / TICKS)))
        return out
