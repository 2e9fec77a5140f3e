"""What Band costs on one thread: loading it, a plan, a piece, and what is asked of it, to its sound.

    python -m benchmarks.band

The player in the plain PyTorch way stands in benchmarks/player.py. Beside a piece: what its notes alone cost, without
plan and hand; and what any program that plays a file must pay as well, writing the finished song as MIDI. What is given
(chords, a tune, words) stands beside eight bars that are played freely; each with its sound, as the page makes it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.table import head, median, row
from engine import band, player
from engine.band.brought import lead_of
from engine.core.midi import write_midi
from engine.core.render import render_stems
from engine.core.request import File
from engine.core.song import Note, Song, Track
from ui.player import RATE

SEED = 1


def given() -> None:
    """Eight bars over chords, for a tune and from words: from the request to what can be heard."""
    model = band.load()
    notes = tuple(Note(beat, 1.0, (60, 62, 64, 67, 69, 67, 64, 62)[beat % 8]) for beat in range(32))
    tune = File("tune.mid", write_midi(Song((Track("lead").with_notes(notes),))))
    jazz: dict[str, Any] = {"genre": {"jazz": 1.0}, "seed": SEED}
    words = {"words": "slow sad jazz waltz, sparse, 8 bars", "seed": SEED}

    def heard(values: dict[str, Any]) -> None:
        song = band.generate(model, band.Request.of(band.Request.together(values))).song
        assert song and song.beats > 8
        render_stems(song, rate=RATE)

    free = median(partial(heard, jazz))
    for what, more in (("over typed chords", jazz | {"chords": "Dm7 | G7 | Cmaj7 | Cmaj7 A7"}),
                       ("for a tune", jazz | {"tune": tune}), ("from words", words)):  # fmt: skip
        lead_of.cache_clear()
        row(f"8 bars {what}, heard", f"{1000 * median(partial(heard, more)):.0f} ms", f"freely: {1000 * free:.0f} ms",
            "1500 ms")  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)  # as the studio does
    model = band.load()
    head()
    row("loading", f"{1000 * median(band.load):.0f} ms")
    song = None
    for bars, limit in ((8, "1000 ms"), (64, "")):
        asked = band.Request(genre={"rock": 1.0}, seed=SEED, bars=bars)
        spent = median(partial(band.generate, model, asked), 3)
        brief, song = band.brief_of(model, asked), band.generate(model, asked).song
        notes = median(lambda brief=brief: list(player.perform(model, brief)), 3)
        plan = median(partial(band.brief_of, model, asked), 3)
        row(f"{bars} bars", f"{1000 * spent:.0f} ms", f"their notes alone: {1000 * notes:.0f} ms", limit)
        row(f"a plan of {bars} bars", f"{1000 * plan:.0f} ms")
    assert song
    row("64 bars written as MIDI", f"{1000 * median(partial(write_midi, song)):.1f} ms")
    given()


if __name__ == "__main__":
    main()
