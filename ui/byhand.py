"""Notes changed by hand on a page: the song that has them is a result like any other.

    player.show("band", song=song, edit=partial(byhand.keep, "band", result))

The first change makes a result beside what it was made from, which *As it was* shows; those after it go into the same,
and the player itself has undo and redo. What is kept of it says that a hand was there, and holds the notes.
"""

from __future__ import annotations

from engine.core.result import Result
from engine.core.song import Song
from ui import jobs


def keep(key: str, result: Result, song: Song) -> None:
    """Show a page's result with other notes, by itself or as the one of a list. For callbacks."""
    made = jobs.result(key)
    if made is None:
        return
    new = result.with_notes(song)
    jobs.amend(key, [new] if isinstance(made.value, list) else new, over=result.by_hand)
