"""A take on the page that made it: its settings in the controls again, and what it holds as the page's result.

    opening.button(take)                                     under a take
    opening.put_back("band", controls_from, restored)        on its page, before the controls are drawn

    controls_from(opened) -> {"band_key": "C", …}            the controls, but the seed, that ask for what the take was
                                                             asked for; where it is None, and all others, as on a
                                                             fresh page
    restored(opened, settings, progress) -> (value, settings)     what it holds, as a job of the page would give it

Nothing is made anew, whatever weights made it, unless the take lacks what its page shows. `settings` are what the page
asks for by the controls that were put back; where these cannot say all that the take was made from, it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from engine import Progress, RequestError
from engine.core.midi import write_midi
from engine.core.request import File, Request, fields
from engine.core.result import Result
from engine.takes.library import Library, Take
from engine.takes.replay import request_of
from ui import frame, history, jobs, mixing
from ui.controls import MAX_SEED


@dataclass(frozen=True)
class Opened:
    """A take that is being opened."""

    library: Library
    take: Take
    request: Request

    @property
    def whole(self) -> bool:
        """Whether it has what its page shows."""
        return self.take.has_sound if self.request.CONTENTS.sound else self.take.has_song

    @cached_property
    def parents(self) -> dict[bytes, str]:
        """The takes that it was made from and that can still be chosen, by their notes."""
        there = [take for take in self.library.takes() if take.id in self.take.parents and take.has_song]
        return {write_midi(song): take.id for take in there if (song := self.library.song(take))}

    def source(self, key: str, file: File | None, picker: str = "") -> dict[str, Any]:
        """The controls that have a file: of the take that it came from, or of an upload, by its key."""
        parent = self.parents.get(file.content) if file else None
        return {f"take for {picker or key.partition('_')[0]}": parent, f"{key} kept": None if parent else file}

    def result(self, asked: Request | None) -> Result:
        """What it holds, with a remark on what the page asks for otherwise, unless its controls were kept."""
        other = differences(self.request, asked) if asked else []
        remarks = () if not other or self.take.recipe.controls else (
            f"The controls do not say all that it was made from: {', '.join(other)}.",)
        request = self.request if other or not asked else asked
        song = self.library.notes(self.take) if self.take.has_song else None
        result = Result(request=request, weights=self.take.recipe.checkpoint, remarks=remarks, song=song,
                        audio=self.library.audio(self.take))  # fmt: skip
        return result.with_notes(result.song) if self.take.recipe.by_hand and result.song else result


def differences(one: Request, other: Request) -> list[str]:
    """The labels of what two requests of a system ask for differently; names of files are nothing to ask for."""

    def value(request: Request, name: str) -> Any:
        asked = getattr(request, name)
        return asked.content if isinstance(asked, File) else asked

    return [field.label.lower() for field in fields(type(one)) if value(one, field.name) != value(other, field.name)]


def nearest(choices: Any, value: float) -> Any:
    """What a control with these choices has for a number."""
    return min(choices, key=lambda choice: abs(choice - value))


def page_of(take: Take) -> frame.Page | None:
    """The page that made a take; None where there is none."""
    return next((page for page in frame.makers() if page.title.lower() == take.recipe.system), None)


def button(take: Take) -> None:
    """Opens a take on its page."""
    page = page_of(take)
    if page and st.button("Open", key=f"open {take.id}", icon=":material/open_in_new:",
                          help=f"On the {page.title} page, as it was: its settings, and what it made."):  # fmt: skip
        st.session_state[_slot(take.recipe.system)] = take.id
        st.switch_page(page.path, query_params={})


def _slot(key: str) -> str:
    return f"opened {key}"


def put_back(
    key: str,
    controls_from: Callable[[Opened], Mapping[str, Any]],
    restored: Callable[[Opened, Any, Progress], tuple[Any, Any]],
) -> None:
    """Put a take that was opened on this page into its controls, and what it holds in place of what they ask for. What
    cannot be read is refused on the page."""
    if (id := st.session_state.pop(_slot(key), None)) is None:
        return
    try:
        library = Library()
        opened = Opened(library, take := library.get(id), request_of(library, library.get(id)))
        seed = {f"{key}_seed": min(opened.request.seed, MAX_SEED)}
        controls = seed | {name: value for name, value in controls_from(opened).items() if value is not None}
        controls |= history.controls_among(key, take.recipe.controls)
    except RequestError as refused:
        st.error(frame.plain(str(refused)), icon=":material/error:")
        return
    for name in history.controls_of(key).keys() - controls.keys():
        del st.session_state[name]
    history.restore(key, controls)
    if not opened.whole:
        st.info(frame.plain(f"“{take.name}” holds no more than its settings, so it is made again."),
                icon=":material/info:")  # fmt: skip
        return

    def bring(settings: Any, progress: Progress) -> jobs.Several:
        value, own = restored(opened, settings, progress)
        return jobs.Several([(value, own)], mixing.read(take.recipe.mix), 0.0)

    jobs.instead(key, bring)
