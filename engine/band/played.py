"""Band by the player: a brief for it, and its bars as a song in a key, at a tempo, with a touch.

The player writes in C, and a hand strikes each track's notes (engine/touch). A player of the band who plays another
part hears what the others play, and the others' parts stay as they were: each such part is written anew beside the
band's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import Progress
from engine.band.request import KEYS, Request
from engine.core.instruments import PROGRAMS
from engine.core.pianoroll import TRACKS
from engine.core.result import Result
from engine.core.song import Song

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine import player

LEAD = len(TRACKS)  # the player's lane of the tune
SCALE = (0, 2, 4, 5, 7, 9, 11)  # the major scale, and its relative minor's
RESTS, MOST = 1, 7  # levels of busyness
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
        busy, register = ({**said, lane: new[lane]} if lane in new else said for said, new in zip(
            (brief.busy, brief.register), levels(model, request, seed, lane)))  # fmt: skip
        part = replace(brief, lanes=(lane,), busy=busy, register=register, seed=seed)
        again = performed(part.keeping(band, others))
        bars = [bar.with_lane(lane, new.lanes.get(lane, ())) for bar, new in zip(bars, again)]
    if progress:
        progress(total, total)
    return Result(request=request, song=(song := song_from(model, request, bars)), weights=model.sha256,
                  remarks=request.remarks, report=_report(song, bars))  # fmt: skip


def brief_of(model: player.Model, request: Request) -> player.Brief:
    """What the request asks of the player: who plays, how busy and where is drawn from the line-ups of its genre."""
    from engine import player  # here, because it brings PyTorch

    model.check(request.genre)
    meter, lead, given = _meter(request), request.lead, request.progression
    tune = player.read_song(lead.song, _up(-lead.key))[0] if lead else []
    lanes_given = {n: {LEAD: bar.lanes.get(LEAD, ())} for n, bar in enumerate(tune)}
    planned = given.halves(key_of(request), request.length) if given else {}
    reach = request.adventurousness
    near, far = (ORDINARY, USUAL) if reach <= 1 else (USUAL, WILD)
    temperature, top_p = np.array(near) + (reach if reach <= 1 else reach - 1) * (np.array(far) - near)
    busy, register = levels(model, request, request.seed)
    lanes = tuple(lane for lane, level in busy.items() if level > RESTS)
    return player.Brief(
        request.length, dict(request.genre), meter, lanes=lanes, busy=busy, register=register, given=lanes_given,
        grids={n: bar.grid for n, bar in enumerate(tune)}, chords=planned,
        seed=request.seed, temperature=float(temperature), top_p=float(top_p),
    )  # fmt: skip


def key_of(request: Request) -> int:
    """The major key (0 is C) of the piece: the tune's, the one asked for, that of the chords, or one by chance."""
    if request.lead:
        return request.lead.key
    if request.key is not None:
        return KEYS.index(request.key)
    known = request.progression.key() if request.progression else None
    return known if known is not None else int(np.random.default_rng([request.seed, 7]).integers(12))


def _up(semitones: int) -> int:
    """The same move within half an octave, -6..5."""
    return (semitones + 6) % 12 - 6


def _meter(request: Request) -> tuple[int, int]:
    if request.lead:
        return request.lead.song.meter
    beats, _, value = (request.meter or "4/4").partition("/")
    return int(beats), int(value)


def levels(
    model: player.Model, request: Request, seed: int, plays: int | None = None
) -> tuple[dict[int, int], dict[int, int]]:
    """Busyness and register of each lane, those of a real band of the genre; of one in which a lane `plays`."""
    rng = np.random.default_rng([seed, 13])
    bands = np.array(model.facts["line_ups"][list(request.genre)[rng.choice(len(request.genre), p=_shares(request))]])
    every = bands
    if plays is not None and (bands[:, plays] > RESTS).any():
        bands = bands[bands[:, plays] > RESTS]
    busy, register = np.split(bands[rng.integers(len(bands))], 2)
    more = round((request.density - 0.5) * 6)
    busy = np.where(busy > RESTS, np.clip(busy + more, RESTS + 1, MOST), busy)
    for name, share in request.busy.items():
        busy[TRACKS.index(name)] = RESTS + 1 + round(share * (MOST - RESTS - 1))
    for name, octaves in request.register.items():
        lane = TRACKS.index(name)
        usual = register[lane] or round(np.mean([row[len(TRACKS) + lane] for row in every if row[lane] > RESTS] or [4]))
        register[lane] = np.clip(usual + octaves, 1, MOST)
    return dict(enumerate(busy.tolist())), {lane: level for lane, level in enumerate(register.tolist()) if level}


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

    lead, meter = request.lead, _meter(request)
    strongest = max(request.genre.items(), key=lambda item: item[1])[0]
    programs = {**PROGRAMS, **model.facts.get("programs", {}).get(strongest, {}), **request.programs}
    usual = lead.song.tempo if lead else _usual_tempo(model, request)
    if request.lock_key:
        bars = [bar.moved(in_scale) for bar in bars]
    song = player.song_of(bars, meter, tempo=usual)
    band = song.tracks[: len(TRACKS)]
    resting = [replace(track, notes=()) if track.name in request.without else track for track in band]
    song = replace(song, tracks=tuple(replace(track, program=programs[track.name]) for track in resting))
    if model.hand:  # before the song is moved: another key or tempo, the same touch
        seeds = {name: request.track_seeds.get(name, request.seed) for name in TRACKS}
        song = touch.touched(model.hand, song, genre=request.genre, seeds=seeds)
    song = song.transposed(_up(key_of(request)))
    if lead:
        song = replace(lead.song, tracks=(*song.tracks, *lead.song.tracks))
    tempo = usual if request.tempo is None else request.tempo
    return replace(song.with_tempo(tempo), title=request.style)


def _report(song: Song, bars: Sequence[player.Bar]) -> dict[str, Any]:
    return {"tempo": song.tempo, "notes": {t.name: len(t.notes) for t in song.tracks},
            "chords": [list(bar.chords) for bar in bars]}  # fmt: skip


def in_scale(pitch: int) -> int:
    """A pitch, moved into C major's scale: F sharp leads up to G, the others lie a semitone above their scale note."""
    return pitch if pitch % 12 in SCALE else pitch + (1 if pitch % 12 == 6 else -1)
