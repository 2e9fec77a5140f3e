"""What the browser hears: a song's stems, or a sound, rendered once, held for a while, and served by this server.

    prepare(song)                                # in a job (it needs no Streamlit): rendered by engine/core/render/
    urls = publish(of_song(song), "band")        # on a page: where the player of this key finds each stem

A file stays while it is among those that a session's players showed last. Streamlit's own files would not do: a run
that is stopped before it comes to the player lets go of what the player is loading.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from engine import Progress
from engine.core.audio import Audio, write_flac, write_wav
from engine.core.song import Song
from ui.jam.doors import own_pages_only

if TYPE_CHECKING:
    from starlette.requests import Request

PATH = "/sounds"
RATE = 32_000  # Hz, of what is heard in the browser; downloads are at 44.1 kHz
STEREO_SECONDS = 240.0  # longer songs are heard in mono: five decoded stems of ten minutes would be 1.5 GB
WAV_SECONDS = 45.0  # longer stems are packed as FLAC on their way to the browser
HELD_BYTES = 96 * 2**20  # of sounds that no page need show any more: some ten pieces of 64 bars
SHOWN_BYTES = 48 * 2**20  # of a session's sounds, beyond its last two: those of the players that it saw last


@dataclass(frozen=True)
class Sound:
    """What the browser gets: a file a stem (None where it is silent), all equally long."""

    stems: tuple[bytes | None, ...]
    mime: str
    seconds: float
    name: str  # of its content

    @property
    def bytes(self) -> int:
        return sum(len(stem or b"") for stem in self.stems)


class Shelf:
    """The sounds heard last, up to `HELD_BYTES`, and all that sessions show; two sessions that ask for one sound at
    once render it once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: OrderedDict[Any, Sound] = OrderedDict()
        self.shown: WeakValueDictionary[Any, Sound] = WeakValueDictionary()
        self.making: dict[Any, threading.Lock] = {}

    def get(self, name: Any) -> Sound | None:
        """The sound of this name, or None."""
        with self.lock:
            if name in self.held:
                self.held.move_to_end(name)
            return self.shown.get(name)

    def fetch(self, name: Any, make: Callable[[], Sound]) -> Sound:
        """The sound of this name, made where there is none. What `make` raises passes through."""
        with self.lock:
            turn = self.making.setdefault(name, threading.Lock())
        with turn:
            sound = self.get(name)
            if sound is None:
                sound = make()
        with self.lock:
            self.held[name] = self.shown[name] = sound
            self.making.pop(name, None)
            let_go(self.held, HELD_BYTES, at_least=1)
        return sound


def let_go(sounds: OrderedDict[Any, Sound], most: int, at_least: int) -> None:
    """Drop the oldest beyond `most` bytes, but for the last `at_least`."""
    while len(sounds) > at_least and sum(sound.bytes for sound in sounds.values()) > most:
        sounds.popitem(last=False)


_SHELF = Shelf()
_served: WeakValueDictionary[str, Sound] = WeakValueDictionary()  # by name: what some session shows


def prepare(song: Song, progress: Progress | None = None) -> None:
    """Render a song's stems for the browser, unless they are ready. For jobs: no Streamlit in it. May be refused."""
    if song.notes:
        of_song(song, progress)


def ready(song: Song) -> Sound | None:
    """A song's sound where it is held already."""
    from engine.core.render import synthesiser

    return _SHELF.get((song, synthesiser()))


def of_song(song: Song, progress: Progress | None = None) -> Sound:
    """A song's sound, a stem a track. RequestError where it cannot be rendered."""
    from engine.core import render

    def make() -> Sound:
        return packed(render.render_stems(song, rate=RATE, progress=progress))

    return _SHELF.fetch((song, render.synthesiser()), make)


def of_audio(audio: Audio) -> Sound:
    """The sound of a recording."""
    name = hashlib.sha256(np.ascontiguousarray(audio.samples).tobytes()).hexdigest()
    return _SHELF.fetch((name, audio.rate), lambda: packed([audio]))


def packed(stems: Sequence[Audio]) -> Sound:
    """Stems, equally long, as files for the browser."""
    seconds = max(stem.seconds for stem in stems)
    write, mime = (write_wav, "audio/wav") if seconds <= WAV_SECONDS else (write_flac, "audio/flac")
    files = tuple(
        write(stem if seconds <= STEREO_SECONDS else stem.mono()) if stem.peak > 1e-4 else None for stem in stems
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file or b"-")
    return Sound(files, mime, seconds, digest.hexdigest()[:16])


def publish(sound: Sound, key: str) -> list[str | None]:
    """An address on this server for each stem, for the player of this key; None where it is silent."""
    shown: OrderedDict[str, Sound] = st.session_state.setdefault("sounds shown", OrderedDict())
    shown[key] = _served.setdefault(sound.name, sound)
    shown.move_to_end(key)
    let_go(shown, SHOWN_BYTES, at_least=2)
    return [f"{PATH}/{sound.name}/{at}" if stem else None for at, stem in enumerate(sound.stems)]


def file_of(request: Request) -> Response:
    """The stem of an address."""
    sound, at = _served.get(request.path_params["name"]), request.path_params["at"]
    stem = sound.stems[at] if sound and at < len(sound.stems) else None
    if sound is None or stem is None:
        return PlainTextResponse("There is no such sound any more.", 404)
    return Response(stem, media_type=sound.mime, headers={"Cache-Control": "private, max-age=86400, immutable"})


def route() -> Mount:
    """Where the server answers for them, to pages of its own."""
    from starlette.applications import Starlette

    return Mount(PATH, app=own_pages_only(Starlette(routes=[Route("/{name}/{at:int}", file_of)])))
