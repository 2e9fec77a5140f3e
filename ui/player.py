"""One player for all pages: a pianoroll or a waveform with a playhead, heard and mixed in the browser.

    mix = player.show("band", song=song)                    # five lanes, mute, solo, volumes; mix: {track: gain}

    player.show("note", audio=audio, spectrogram=True,       # waveform, spectrogram, and lines drawn over it in Hz
                lines=[Line("asked", [(0, 233.1), (2, 233.1)], dashed=True), Line("measured", track)])
    player.show("tune", song=song, audio=audio)              # the song's pianoroll, but this is its sound

    player.show("original", song=a, group="variation", title="Original")      # A/B: players of a group hand over the
    player.show("varied", song=b, group="variation", title="Variation")       # position, so B goes on where A was
    player.show("grid-3", song=c, compact=True)              # small; its sound is rendered only when play is pressed

`key` names the player: unique on its page, and the same at every rerun, or the sound stops. A rerun with the same music
disturbs nothing; other music of the same length takes over while it plays. Starting one player stops every other.

Sound: a Song is rendered by engine/core/render/ and held in memory for the songs heard last; call `prepare(song)` in a
job (it needs no Streamlit) so that `show` finds it ready. The stems go to the browser as files of this server.

In the browser (all players are in the page's own document, not in frames), on `window`:
    event "bandstand:time"   detail {player: key, seconds, beats, playing}   at every frame while playing, and on a seek
    event "bandstand:seek"   detail {player: key, seconds, play?: true}      send it to move the playhead
so a score lights up the note at `beats` by listening, and a click on a note may send a seek. Keys when a player has the
focus: space, ← → (a beat; with shift a bar), Home, End, L (loop), + −, 1…9 (mute). Drag over the ruler to loop.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit import runtime

from engine import Progress, RequestError
from engine.core.audio import Audio, write_flac, write_wav
from engine.core.harmony import chords_of, halves
from engine.core.song import Clock, Song, Track
from ui.frame import component, plain

RATE = 32_000  # Hz, of what is heard in the browser; downloads are at 44.1 kHz
STEREO_SECONDS = 240.0  # longer songs are heard in mono: five decoded stems of ten minutes would be 1.5 GB
WAV_SECONDS = 45.0  # longer stems are packed as FLAC on their way to the browser
HELD_BYTES = 96 * 2**20  # of sounds that no page need show any more: some ten pieces of 64 bars

COLOURS = {  # of a track, on light and on dark
    "drums": ("#b7791f", "#f0b54a"),
    "piano": ("#2f6f8f", "#6fb7d6"),
    "guitar": ("#b4472e", "#ef8660"),
    "bass": ("#5b4b9a", "#a79be6"),
    "strings": ("#3d7a52", "#7fc796"),
}
OTHERS = (("#a33d6b", "#ea86b0"), ("#2d7d78", "#69c9c1"), ("#7a5a34", "#cba774"), ("#4a63ad", "#93a9ee"))
LINES = (("#0f7f9c", "#7fe3ff"), ("#7a2fb0", "#d9a6ff"), ("#2b211b", "#fff7e8"))  # over a spectrogram

_PARTS = Path(__file__).with_name("player_parts")
_SCRIPTS = ("sound", "draw", "spectrum", "face", "player")  # one module, in this order
_component = component(
    "bandstand_player",
    html='<div class="bs"></div>',
    css=(_PARTS / "player.css").read_text("utf-8"),
    js="\n".join((_PARTS / f"{name}.js").read_text("utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True)
class Line:
    """A line over the spectrogram: points of (seconds, Hz); None or 0 Hz breaks it."""

    label: str
    points: Sequence[tuple[float, float] | None]
    dashed: bool = False
    colour: tuple[str, str] | None = None  # on light and on dark


# ---- sound -----------------------------------------------------------------------------------------------------------


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


class _Shelf:
    """The sounds heard last, up to `HELD_BYTES`; two sessions that ask for one sound at once render it once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: OrderedDict[Any, Sound] = OrderedDict()
        self.making: dict[Any, threading.Lock] = {}

    def get(self, name: Any) -> Sound | None:
        with self.lock:
            if name in self.held:
                self.held.move_to_end(name)
            return self.held.get(name)

    def fetch(self, name: Any, make: Callable[[], Sound]) -> Sound:
        with self.lock:
            turn = self.making.setdefault(name, threading.Lock())
        with turn:
            sound = self.get(name)
            if sound is None:
                sound = make()
        with self.lock:
            self.held[name] = sound
            self.making.pop(name, None)
            while len(self.held) > 1 and sum(s.bytes for s in self.held.values()) > HELD_BYTES:
                self.held.popitem(last=False)
        return sound


_SHELF = _Shelf()


def prepare(song: Song, progress: Progress | None = None) -> None:
    """Render a song's stems for the browser, unless they are ready. For jobs: no Streamlit in it. May be refused."""
    if song.notes:
        _song_sound(song, progress)


def _song_sound(song: Song, progress: Progress | None = None) -> Sound:
    from engine.core import render

    def make() -> Sound:
        return _packed(render.render_stems(song, rate=RATE, progress=progress))

    return _SHELF.fetch(song, make)


def _audio_sound(audio: Audio) -> Sound:
    name = hashlib.sha256(np.ascontiguousarray(audio.samples).tobytes()).hexdigest()
    return _SHELF.fetch((name, audio.rate), lambda: _packed([audio]))


def _packed(stems: Sequence[Audio]) -> Sound:
    seconds = max(stem.seconds for stem in stems)
    write, mime = (write_wav, "audio/wav") if seconds <= WAV_SECONDS else (write_flac, "audio/flac")
    files = tuple(
        write(stem if seconds <= STEREO_SECONDS else stem.mono()) if stem.peak > 1e-4 else None for stem in stems
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file or b"-")
    return Sound(files, mime, seconds, digest.hexdigest()[:16])


def _published(sound: Sound, key: str) -> list[str | None]:
    """A URL of this server for each stem; Streamlit lets go of a file when no session shows it any more."""
    files = runtime.get_instance().media_file_mgr
    return [
        files.add(stem, sound.mime, coordinates=f"player {key} {i}") if stem else None
        for i, stem in enumerate(sound.stems)
    ]


# ---- the player ------------------------------------------------------------------------------------------------------


def show(
    key: str,
    *,
    song: Song | None = None,
    audio: Audio | None = None,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    volumes: Mapping[str, float] | None = None,
    lines: Sequence[Line] = (),
    bands: Sequence[tuple[float, float]] = (),
    spectrogram: bool = False,
    group: str = "",
    height: int | None = None,
    compact: bool = False,
    change_chord: Callable[[int, int, str], None] | None = None,
) -> dict[str, float]:
    """Draw a player; returns the gain of each track as the person mixed it (0 muted, 1 as rendered).

    `labels` name the tracks for a person, `volumes` are where their faders begin (0..1.5), `bands` are stretches to
    tint, in seconds, `height` is that of a lane in pixels. `change_chord(first, halves, text)` is called when a person
    writes another chord over some half bars, counted from 0. See the top of this file for the rest.
    """
    if song is None and audio is None:
        raise ValueError("a player needs a song, a sound, or both")
    if song is not None and not song.notes and audio is None:
        st.info("There is nothing to hear: no note was written.", icon=":material/music_off:")
        return {}
    slot = f"player {key}"
    try:
        sound = _sound_of(song, audio, slot, compact)
    except RequestError as refused:
        st.error(plain(str(refused)), icon=":material/error:")
        return {}
    urls: list[str | None] = _published(sound, key) if sound else []
    tracks = [_track(i, t, song.clock(), urls[i] if sound and audio is None else None, labels, volumes)
              for i, t in enumerate(song.tracks)] if song else []  # fmt: skip
    if audio is not None:
        tracks.append({"name": "sound", "label": "Sound", "colour": COLOURS["bass" if song else "guitar"],
                       "notes": [], "drum": False, "volume": 1.0, "url": urls[0], "wave": True})  # fmt: skip
    written = chords_of(song) if song and not compact else ()
    data = {
        "player": key,
        "chords": _chords(song, written) if song else [],
        "chordsMayChange": change_chord is not None,
        "title": title,
        "sound": sound.name if sound else f"unheard {hash(song)}",
        "audible": sound is not None,
        "eager": audio is not None,
        "seconds": sound.seconds if sound else song.seconds if song else 0.0,
        "rate": audio.rate if audio is not None and 8_000 <= audio.rate <= 48_000 else RATE,
        "beat": 60.0 / song.tempo if song else None,
        "beatsPerBar": song.beats_per_bar if song else None,
        "bars": _bars(song) if song else None,
        "tracks": tracks,
        "lines": [
            {
                "label": x.label,
                "dashed": x.dashed,
                "colour": x.colour or LINES[i % len(LINES)],
                "points": [_point(p) for p in x.points],
            }
            for i, x in enumerate(lines)
        ],
        "bands": [list(band) for band in bands],
        "spectrogram": spectrogram,
        "group": group,
        "height": height,
        "compact": compact,
    }

    def changed() -> None:
        asked = getattr(st.session_state[slot], "chord", None)
        if asked and change_chord:
            change_chord(int(asked["first"]), int(asked["halves"]), str(asked["text"]))

    state = _component(key=slot, data=data, on_mix_change=_nothing, on_wanted_change=_nothing, on_chord_change=changed)
    if getattr(state, "wanted", None) and sound is None:
        st.session_state[f"{slot} wanted"] = hash(song)
        st.rerun()
    mix = getattr(state, "mix", None) or {}
    return {t["name"]: float(mix.get(t["name"], t["volume"])) for t in tracks}


def _bars(song: Song) -> list[tuple[float, int]] | None:
    """Where bars begin, in seconds, and their numbers, of which an upbeat's is 0; None where all are alike."""
    if not (song.upbeat or song.tempo_changes or song.meter_changes):
        return None
    clock, first = song.clock(), 0 if song.upbeat else 1
    return [(round(clock(beat), 4), number) for number, beat in enumerate(song.bar_lines(), first)]


def _chords(song: Song, names: Sequence[str]) -> list[dict[str, Any]]:
    """Half bars that have a chord, in seconds; the halves of a bar are one where they have the same."""
    edges, clock, first = halves(song), song.clock(), 0 if song.upbeat else 1
    out: list[dict[str, Any]] = []
    for half, name in enumerate(names):
        if half % 2 and out and out[-1]["first"] == half - 1 and out[-1]["name"] == name:
            out[-1] |= {"to": round(clock(float(edges[half + 1])), 4), "halves": 2}
        elif name:
            begin, end = (round(clock(float(edge)), 4) for edge in edges[half : half + 2])
            out.append({"from": begin, "to": end, "name": name, "first": half, "halves": 1, "bar": half // 2 + first})
    return out


def _point(point: tuple[float, float] | None) -> list[float] | None:
    """A point for the browser; None for one that is no number, because JSON has no word for that."""
    if point is None or not np.isfinite(point).all():
        return None
    return [round(float(point[0]), 4), round(float(point[1]), 2)]


def _nothing() -> None:
    """A change of the mix needs no more than the rerun that it brings."""


def _sound_of(song: Song | None, audio: Audio | None, slot: str, compact: bool) -> Sound | None:
    """The sound, or None for a compact player that nobody has asked to play."""
    if audio is not None:
        return _audio_sound(audio)
    assert song is not None
    ready = _SHELF.get(song)
    if ready or (compact and st.session_state.get(f"{slot} wanted") != hash(song)):
        return ready
    with st.spinner("Tuning up …"):
        return _song_sound(song)


def _track(
    index: int,
    track: Track,
    clock: Clock,
    url: str | None,
    labels: Mapping[str, str] | None,
    volumes: Mapping[str, float] | None,
) -> dict[str, Any]:
    return {
        "name": track.name,
        "label": (labels or {}).get(track.name, track.name.capitalize()),
        "colour": COLOURS.get(track.name, OTHERS[index % len(OTHERS)]),
        "drum": track.is_drum,
        "volume": float((volumes or {}).get(track.name, 1.0)),
        "url": url,
        "wave": False,
        "notes": [
            [round(begin, 4), round(end - begin, 4), n.pitch, n.velocity]
            for n in track.notes
            for begin, end in [(clock(n.onset), clock(n.end))]
        ],
    }
