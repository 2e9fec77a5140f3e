"""A jam without a browser: bar after bar with the settings of each, and as one song."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import Progress, band
from engine.core.result import Result
from engine.jam.changes import Cue, cue_of
from engine.jam.request import Request
from engine.jam.trading import FOURS, Own, answered, softer

if TYPE_CHECKING:
    from engine import player
    from engine.jam.musician import Bar, Musician


def load(path: Path | str = band.PATH, device: str | None = None) -> player.Model:
    """Band's player, with the planner and the hand beside it. Refused as there."""
    return band.load(path, device)


def jam(model: player.Model, request: Request) -> Iterator[Bar]:
    """The bars of a jam, one after the other, the last one an ending unless their number is asked for. Same model and
    request, same bars; all that come before a change are those that come without it."""
    from engine.jam.musician import Musician, tempo_of  # here, because it brings PyTorch

    musician = Musician(model, request.seed, request.meter)
    left, before = request.minutes * 60, None
    while True:
        cue = cue_of(request.steps, musician.number + 1)
        over = cue.end and before is not None and before.leads_on
        seconds = seconds_of_bar(tempo_of(model, cue.settings), request)
        after = cue_of(request.steps, musician.number + 2)
        short = left < seconds + seconds_of_bar(tempo_of(model, after.settings), request)
        last = over or (short and request.bars is None)
        bar = played(musician, cue, request.yours, last=last)
        yield bar
        if last or musician.number == request.bars:
            return
        left, before = left - bar.seconds, bar


def played(musician: Musician, cue: Cue, own: Own, *, last: bool) -> Bar:
    """The musician's next bar, as loud and at the tempi that are asked for, with an answer to what was played where it
    is that one's turn."""
    from engine.jam.musician import tempo_of  # here, because it brings PyTorch

    bar = musician.next(cue.settings, last=last, holds=cue.holds)
    bar = softer(bar, cue.loudness, cue.turn)
    turns = tuple((share * bar.beats, tempo_of(musician.model, settings)) for share, settings in cue.tempi)
    bar = replace(bar, turns=turns)
    if cue.turn != "answer":
        return bar
    return answered(bar, own.bar(bar.number - FOURS, bar.beats), (musician.seed + bar.number // FOURS) % 2**63)


def seconds_of_bar(tempo: float, request: Request) -> float:
    """How long a bar lasts at a tempo."""
    beats, _, value = (request.meter or "4/4").partition("/")
    return int(beats) * 4 / int(value) * 60 / tempo


def generate(model: player.Model, request: Request, *, progress: Progress | None = None) -> Result:
    """The jam, or the last bars of it that are kept, as a song. `progress` counts seconds of its music, or bars."""
    from engine.jam.musician import song_of  # here, because it brings PyTorch

    bars: list[Bar] = []
    played = 0.0
    total = request.bars or round(request.minutes * 60)
    for bar in jam(model, request):
        bars.append(bar)
        played += bar.seconds
        if progress:
            progress(min(total, bar.number if request.bars else round(played)), total)
    kept = bars[-(request.keep or len(bars)) :]
    song = song_of(kept, request.settings.style)
    ends = [(bar.number + n) * bar.beats for n, bar in ((-1, kept[0]), (0, kept[-1]))]
    song = replace(song, tracks=(*song.tracks, *request.yours.lanes(*ends)))
    late = [step.bar for step in request.steps if step.bar >= len(bars) + 1]
    remarks = list(dict.fromkeys(remark for step in request.steps for remark in step.settings.remarks))
    if late:
        remarks.append(f"The jam ends after {len(bars)} bars: what changes from bar {late[0]} on is not heard.")
    report = {"bars": len(bars), "form": "".join(bar.section[:1] for bar in bars if bar.leads_on),
              "tempo": song.tempo, "chords": [list(bar.chords) for bar in bars]}  # fmt: skip
    return Result(request=request, song=song, weights=model.sha256, remarks=tuple(remarks), report=report)
