"""An engraved score in which the note that sounds is lit, and a click on a note moves the playhead there.

    score.show("melody", tune, player="tune", song=song)     # `player`: the key of the player on the same page

It has two widths, and a phone sees the narrow one. The engraving (music21 and verovio, engine/melody/score.py) is held
for the tunes seen last. In the browser the score listens to the player's "bandstand:time" and sends "bandstand:seek"
(see ui/player.py).
"""

from __future__ import annotations

from pathlib import Path

import music21.musicxml.m21ToXml  # noqa: F401 - imported here, in the page's own thread, rather than within a job
import verovio  # noqa: F401 - the same

from engine.core.song import Song
from engine.melody.abc.canonical import Tune
from engine.melody.score import NARROW, WIDTH, Engraved, engrave
from ui.frame import component

_PARTS = Path(__file__).parent
_component = component(
    "bandstand_score",
    html='<div class="score surface"><div class="sheet" tabindex="0" role="group"></div></div>',
    css=(_PARTS / "score.css").read_text("utf-8"),
    js=(_PARTS / "score.js").read_text("utf-8"),
)


def prepare(tune: Tune, transpose: int = 0) -> list[Engraved]:
    """Engrave a tune in all widths, unless that is done. For jobs: no Streamlit in it. May be refused."""
    return [engrave(tune, transpose, width) for width in (WIDTH, NARROW)]


def show(key: str, tune: Tune, *, player: str, song: Song, transpose: int = 0) -> None:
    """Draw the score of `tune`, lit by the player of key `player`, which plays `song`."""
    scores, clock = prepare(tune, transpose), song.clock()
    _component(
        key=f"score {key}",
        data={
            "player": player,
            "sheets": [{"svg": score.svg, "times": [[time, ids] for time, ids in score.times]} for score in scores],
            "order": [list(stretch) for stretch in scores[0].order],
            "pace": [  # where a tempo begins in seconds and in beats, and how long its beats last
                (clock(beat), beat, 60.0 / tempo) for beat, tempo in [(0.0, song.tempo), *song.tempo_changes]
            ],
            "label": f"Score of {tune.title or 'the tune'}: key {tune.key}, meter {tune.meter}",
        },
    )
