"""Band: a GAN draws the plan of a piece (engine/planner), the player writes its notes (engine/player) bar by bar, and a
hand strikes them (engine/touch).

The player writes in C; the song's key and tempo come last. A player of the band who plays another part hears what the
others play, and the others' parts stay as they were: each such part is planned and written anew beside the band's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import Progress
from engine.band.form import parts, returning
from engine.band.request import KEYS, Request
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.result import Result
from engine.core.song import Song

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine import player

LEAD = len(TRACKS)  # the player's lane of the tune
ENDED = 32  # bars of a piece from which on it has an ending; a shorter one can be played round and round
EARLY = (1, 8)  # of a whole note, by which a chord may be struck before its half bar
SCALE = (0, 2, 4, 5, 7, 9, 11)  # the major scale, and its relative minor's
RESTS, MOST = 1, 7  # levels of busyness
USUAL_REGISTER = (1, 4, 4, 2, 4)  # of each track, where a player plays whom the plan lets rest
TRIES = 8  # plans that are drawn at most until a player plays
ORDINARY, USUAL, WILD = (0.8, 0.9), (1.0, 0.97), (1.2, 0.995)  # temperature and top p at adventurousness 0, 1 and 2


def play(model: player.Model, request: Request, progress: Progress | None = None) -> Result:
    """A song of five tracks, and of the tune where there is one. `progress` counts bars."""
    from engine import player  # here, because it brings PyTorch

    brief = brief_of(model, request)
    total = brief.bars * (1 + len(request.track_seeds))
    done = 0

    def performed(brief: player.Brief) -> list[player.Bar]:
        nonlocal done
        bars = []
        for bar in player.perform(model, brief):
            if progress:
                progress(done, total)
            bars.append(bar)
            done += 1
        return bars

    band = performed(brief)
    bars = band
    for name, seed in request.track_seeds.items():
        lane = TRACKS.index(name)
        others = tuple(other for other in range(len(TRACKS) + (request.tune is not None)) if other != lane)
        part = replace(brief, lanes=(lane,), seed=seed, **planned(model, request, {name: seed}))
        again = performed(part.keeping(band, others))
        bars = [bar.with_lane(lane, new.lanes.get(lane, ())) for bar, new in zip(bars, again)]
    if progress:
        progress(total, total)
    return Result(request=request, song=(song := song_from(model, request, bars)), weights=model.sha256,
                  remarks=request.remarks, report=_report(song, bars, brief))  # fmt: skip


def brief_of(model: player.Model, request: Request) -> player.Brief:
    """What the request asks of the player; who plays, when, how busy and how high the GAN plans."""
    from engine import player  # here, because it brings PyTorch

    model.check(request.genre)
    meter, lead, given = meter_of(request), request.lead, request.progression
    tune = player.read_song(lead.song, nearest(-lead.key))[0] if lead else []
    lanes_given = {n: {LEAD: bar.lanes.get(LEAD, ())} for n, bar in enumerate(tune)}
    chords = given.halves(key_of(request), request.length) if given else {}
    temperature, top_p = reach_of(request)
    plan = planned(model, request)
    lanes = tuple(lane for lane, level in plan["busy"].items() if level > RESTS)
    return player.Brief(
        request.length, dict(request.genre), meter, lanes=lanes, given=lanes_given,
        grids={n: bar.grid for n, bar in enumerate(tune)}, chords=chords,
        seed=request.seed, temperature=temperature, top_p=top_p, **plan,
    )  # fmt: skip


def reach_of(request: Request) -> tuple[float, float]:
    """Temperature and top p, from how adventurous it shall be."""
    reach = request.adventurousness
    near, far = (ORDINARY, USUAL) if reach <= 1 else (USUAL, WILD)
    temperature, top_p = np.array(near) + (reach if reach <= 1 else reach - 1) * (np.array(far) - near)
    return float(temperature), float(top_p)


def key_of(request: Request) -> int:
    """The major key (0 is C) of the piece: the tune's, the one asked for, that of the chords, or one by chance."""
    if request.lead:
        return request.lead.key
    if request.key is not None:
        return KEYS.index(request.key)
    known = request.progression.key() if request.progression else None
    return known if known is not None else int(np.random.default_rng([request.seed, 7]).integers(12))


def nearest(semitones: int) -> int:
    """The same move within half an octave, -6..5."""
    return (semitones + 6) % 12 - 6


def meter_of(request: Request) -> tuple[int, int]:
    """The meter of the piece: the tune's, or the one asked for."""
    if request.lead:
        return request.lead.song.meter
    beats, _, value = (request.meter or "4/4").partition("/")
    return int(beats), int(value)


def planned(model: player.Model, request: Request, seeds: Mapping[str, int] | None = None) -> dict[str, Any]:
    """What a brief says of who plays, when, how busy and how high: as the GAN plans it, and as the request wishes.
    Players who have `seeds` of their own play for sure."""
    from engine import planner  # here, because it brings PyTorch

    assert model.planner is not None
    rests = list(seeds or {})
    for further in range(TRIES):
        own = {name: seed + further for name, seed in (seeds or {}).items()}
        plan = planner.draw(model.planner, request.genre, request.length, request.seed, seeds=own,
                            reach=request.adventurousness, ends=request.length >= ENDED)  # fmt: skip
        rests = [name for name in own if (plan.form[:, TRACKS.index(name)] == planner.REST).all()]
        if not rests:
            break
    form, busy, register = plan.form.copy(), plan.busy, plan.register
    ends = request.length >= ENDED
    if ends:
        form[-1] = np.where(form[-1] == planner.REST, planner.REST, planner.NEW)
    playing = busy > RESTS
    register = np.where(playing, register, USUAL_REGISTER)
    busy = np.where(playing, np.clip(busy + round((request.density - 0.5) * 6), RESTS + 1, MOST), busy)
    for name in {*request.busy, *rests}:
        lane = TRACKS.index(name)
        busy[lane] = RESTS + 1 + round(request.busy.get(name, 0.5) * (MOST - RESTS - 1))
        if (form[:, lane] == planner.REST).all():
            form[:, lane] = planner.NEW
    for name, octaves in request.register.items():
        lane = TRACKS.index(name)
        register[lane] = np.clip(register[lane] + octaves, 1, MOST)
    known = {lane for lane, level in enumerate(busy) if level > RESTS} | {
        TRACKS.index(name) for name in request.register
    }
    heights = {lane: int(register[lane]) for lane in sorted(known - {0})}
    return {"form": form.tolist(), "busy": dict(enumerate(busy.tolist())), "register": heights, "ends": ends}


def _shares(request: Request) -> np.ndarray:
    """The genres' shares of the mix, of sum 1."""
    weights = np.array(list(request.genre.values()))
    return np.asarray(weights / weights.sum())


def _usual_tempo(model: player.Model, request: Request) -> float:
    """The genres' usual tempi, mixed as the request's genres are, quarter notes a minute."""
    return float(np.rint(_shares(request) @ [model.facts["tempo_by_genre"][genre] for genre in request.genre]))


def song_from(model: player.Model, request: Request, bars: Sequence[player.Bar]) -> Song:
    """Bars in C as the request's song: its key, tempo and instruments, and how the hands strike it."""
    from engine import player, touch  # here, because they bring PyTorch

    lead, meter = request.lead, meter_of(request)
    strongest = max(request.genre.items(), key=lambda item: item[1])[0]
    programs = {**PROGRAMS, **model.facts.get("programs", {}).get(strongest, {}), **request.programs}
    usual = lead.song.tempo if lead else _usual_tempo(model, request)
    bars = [as_written(bar, n, request, key_of(request), meter) for n, bar in enumerate(bars)]
    song = player.song_of(bars, meter, tempo=usual)
    band = song.tracks[: len(TRACKS)]
    resting = [replace(track, notes=()) if track.name in request.without else track for track in band]
    song = replace(song, tracks=tuple(replace(track, program=programs[track.name]) for track in resting))
    if model.hand:  # before the song is moved: another key or tempo, the same touch
        seeds = {name: request.track_seeds.get(name, request.seed) for name in TRACKS}
        song = touch.touched(model.hand, song, genre=request.genre, seeds=seeds)
    song = song.transposed(nearest(key_of(request)))
    if lead:
        song = replace(lead.song, tracks=(*song.tracks, *lead.song.tracks))
    tempo = usual if request.tempo is None else request.tempo
    return replace(song.with_tempo(tempo), title=request.style)


def _report(song: Song, bars: Sequence[player.Bar], brief: player.Brief) -> dict[str, Any]:
    letters = returning(np.array(brief.form)) if brief.form else []
    return {"tempo": song.tempo, "notes": {t.name: len(t.notes) for t in song.tracks},
            "chords": [list(bar.chords) for bar in bars], "parts": parts(letters, song.bar_lines())}  # fmt: skip


def as_written(bar: player.Bar, number: int, request: Request, key: int, meter: tuple[int, int]) -> player.Bar:
    """A bar in C, the one of this number of the chords, with what the player does not know of those that it played; in
    the scale of the key where that is asked for. A note struck up to an `EARLY` before a half bar that it sounds in is
    of that half."""
    from engine import player  # here, because it brings PyTorch

    if given := request.progression:
        steps, early = (player.steps_of(length, bar.grid) for length in (meter, EARLY))
        played = [bar.chords[half] == given.number(2 * number + half, key) for half in (0, 1)]

        def to(lane: int, note: tuple[int, int, int]) -> int:
            half = 2 * (note[0] + min(note[1] - 1, early)) // steps
            if lane == LEAD or not played[min(half, 1)]:
                return note[2]
            return given.moved(2 * number + half, key, note[2], TRACKS[lane] == "bass")

        bar = bar.placed(to)
    return bar.moved(in_scale) if request.lock_key else bar


def in_scale(pitch: int) -> int:
    """A pitch, moved into C major's scale: F sharp leads up to G, the others lie a semitone above their scale note."""
    return pitch if pitch % 12 in SCALE else pitch + (1 if pitch % 12 == 6 else -1)
