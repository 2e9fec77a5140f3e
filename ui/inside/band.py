"""How a piece of Band was made: where it lies among the styles, what the judge makes of each bar, the chords and form
that were drawn, and how sure the player was of each note.

    band.draw(request, song, weights, take)     weights: of those that made the result

`take(genre, seed)` is called, before the page runs again, with those of a phrase that is clicked on the map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine import RequestError, player
from engine.band import Request, load, writers
from engine.band.played import brief_of, key_of, meter_of, nearest
from engine.core.chords import name_of
from engine.core.key import key_shift
from engine.core.song import Song
from engine.player import vocabulary as v
from engine.player.candidates import CHOICE
from ui.frame import plain
from ui.inside import model_of

if TYPE_CHECKING:
    from engine.player.inside import Look

CODE = "engine/player/inside.py"
MAP, JUDGE = "training/ranker/styles.py", "engine/ranker/inside.py"
Take = Callable[[str, int], None]


@st.cache_data(max_entries=8, show_spinner=False)
def _look(
    sha256: str, _model: player.Model, request: str, files: dict[str, bytes], _request: Request, first: int
) -> Look:
    from engine.player import inside  # here, because it brings PyTorch

    return inside.written(_model, brief_of(_model, _request), first)


@st.cache_data(max_entries=8, show_spinner=False)
def _judged(sha256: str, _model: player.Model, song: Song, genre: dict[str, float], shift: int,
            first: int) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Where the song's eights of bars lie, and what each bar from `first` on does to the score; of what is heard."""
    from engine.ranker import inside

    assert _model.ranker is not None
    bars = player.read_song(song, shift)[0]
    phrases, known = inside.phrases_of(bars), inside.Styles.of(_model.ranker)
    places = known.place(_model.ranker, phrases) if known and phrases else np.zeros((0, 2))
    section = bars[first : first + v.SECTION]
    return places, inside.by_bar(_model.ranker, section, genre) if len(section) > 1 else np.zeros(0)


def _map(model: player.Model, request: Request, places: np.ndarray, take: Take) -> None:
    """The piece among the styles of songs; a phrase that is clicked is played."""
    from engine.ranker import inside
    from ui import plots  # here, because it brings plotly
    from ui.plots import band as figures

    assert model.ranker is not None
    known = inside.Styles.of(model.ranker)
    if known is None:
        return
    figure, table = figures.styles(known, places, request.genre)
    other = "" if known.weights == writers(model) else " The dots are of other weights, and may lie elsewhere now."
    plots.show("band styles", figure, table, title="Where it lies among the styles",
               says="Two directions in what the judge hears, along which the styles of songs lie apart the most: a "
                    f"ring holds half of a style's songs ({known.right:.0%} of phrases that it never met lie nearest "
                    f"to their own style, {1 / len(known.regions):.0%} by chance), and diamonds are this piece, eight "
                    f"bars each. A dot is a style and a seed: click it, and they are played here.{other}",
               code=MAP, picked=lambda point: take(known.phrases[point].genre, known.phrases[point].seed))  # fmt: skip


def _judge(first: int, parts: np.ndarray, scores: Sequence[Sequence[float]]) -> None:
    """What the judge makes of each bar, and from how many it chose how often."""
    from ui import plots
    from ui.plots import band as figures

    chosen = ""
    if scores:
        best, *others = sorted(scores[-1], reverse=True)
        often = f"; it chose every {CHOICE} bars, and this was the last time" if len(scores) > 1 else ""
        chosen = (f" Of {len(scores[-1])} ways in which the band wrote these bars it took the one at {best:.2f}; the "
                  f"others lay from {others[-1]:.2f} to {others[0]:.2f}{often}.")  # fmt: skip
    figure, table = figures.judged(first, parts.tolist())
    plots.show("band judge", figure, table, title="What the judge likes and dislikes, bar by bar",
               says="The judge learned to tell songs from what the band plays: a bar counts by how much less like a "
                    f"song these bars are with each of the others in its place.{chosen}", code=JUDGE)  # fmt: skip


def draw(request: Request, song: Song, weights: str, take: Take) -> None:
    """The plots of eight bars of a piece."""
    model = model_of(request, load, weights)
    length = song.bars if request.rewrite else request.length
    sections = range(0, length, v.SECTION)
    first = 0
    if len(sections) > 1:
        first = st.segmented_control(
            "Bars", sections, default=0, required=True, key="band_inside_bars",
            format_func=lambda start: f"{start + 1}–{min(start + v.SECTION, length)}",
            help="Eight bars are planned, and then written, at a time.",
        )  # fmt: skip
    looked = None if request.rewrite else _look(model.sha256, model, repr(request), request.files, request, first)
    shift = -nearest(key_of(request)) if looked else _shift(song)
    if song.meter == (4, 4) and model.ranker:
        try:
            places, parts = _judged(model.sha256, model, song, dict(request.genre), shift, first)
        except RequestError as refused:
            st.info(plain(str(refused)), icon=":material/info:")
        else:
            _map(model, request, places, take)
            if len(parts):
                _judge(first, parts, looked.scores if looked else ())
    else:
        st.caption("The judge and the map of styles know 4/4 alone.")
    if looked is None:
        st.caption("How sure the band was of each note is shown under pieces that it wrote as a whole.")
    else:
        _written(request, looked)


def _shift(song: Song) -> int:
    """How many semitones move a song that was brought to C."""
    notes = [note for track in song.tracks if not track.is_drum for note in track.notes]
    pitches, weights = [note.pitch % 12 for note in notes], [note.duration for note in notes]
    return key_shift(np.bincount(pitches, weights, 12)) if notes else 0


def _written(request: Request, looked: Look) -> None:
    """Chords, form and notes as they were drawn."""
    from ui import plots
    from ui.plots import band as figures

    if anew := [name for name in request.track_seeds if name not in request.without]:
        st.caption(plain(f"The {' and '.join(anew)} played once more to this; what is shown is what the band wrote "
                         "first."))  # fmt: skip
    key = key_of(request)
    if looked.origin:
        figure, table = figures.form(looked, lambda number: name_of(number, key, key))
        plots.show("band form", figure, table, title="Chords and form as they were drawn",
                   says="The chords come first, two a bar. Then each player's bar is new, keeps the rhythm of an "
                        "earlier bar (♪ and its number), or is that bar again (as and its number).",
                   code=CODE)  # fmt: skip
    figure, table = figures.notes(looked, meter_of(request), nearest(key))
    plots.show("band notes", figure, table, title="How sure it was of each note",
               says=f"The warmer a note's colour, the less the network expected it there, {looked.per_token:.2f} bits "
                    "for each of its decisions on average. Grey notes come again, or were given.",
               code=CODE)  # fmt: skip
