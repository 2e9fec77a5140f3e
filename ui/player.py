"""One player for all pages: a pianoroll or a waveform with a playhead, heard and mixed in the browser.

    mix = player.show("band", song=song)                    # five lanes, mute, solo, volumes; mix: {track: gain}

    player.show("note", audio=audio, spectrogram=True,       # waveform, spectrogram, and lines drawn over it in Hz
                lines=[Line("asked", [(0, 233.1), (2, 233.1)], dashed=True), Line("measured", track)])
    player.show("tune", song=song, audio=audio)              # the song's pianoroll, but this is its sound
    player.show("band", song=song, rewrite=begin)            # bars are marked, and begin(first, last, names) is called
    player.show("band", song=song, edit=keep)                # notes are changed by hand, and keep(song) is called
    player.show("varied", song=b, before=a)                  # what differs is seen, and A and B are heard by turns
    player.show("walk", song=song, marks=[(0, "Reel"), (16, "25% of the way")])    # parts are named over the lanes

    player.show("original", song=a, group="variation", title="Original")      # A/B: players of a group hand over the
    player.show("varied", song=b, group="variation", title="Variation")       # position, so B goes on where A was
    player.show("grid-3", song=c, compact=True)              # small; its sound is rendered only when play is pressed

`key` names the player: unique on its page, and the same at every rerun, or the sound stops. A rerun with the same music
disturbs nothing; other music goes on from the same beat while it plays. Starting one player stops every other.

Sound comes from `ui.stems`; call its `prepare(song)` in a job, so that `show` finds it ready.

In the browser (all players are in the page's own document, not in frames), on `window`:
    event "bandstand:time"   detail {player: key, seconds, beats, playing}   at every frame while playing, and on a seek
    event "bandstand:seek"   detail {player: key, seconds, play?: true}      send it to move the playhead
so a score lights up the note at `beats` by listening, and a click on a note may send a seek. Keys when a player has the
focus: space, ← → (a beat; with shift a bar), Home, End, L (loop), + − (time), [ ] (rows), 1…9 (mute). A click on a name
enlarges a lane. Drag over the ruler to loop, or to mark bars that are written anew by those whose pencil is pressed. By
hand, with a lane's focus: arrows choose a note, with shift they move it, with control they change its length and
loudness; Enter draws, Delete removes, Control+Z and Control+Shift+Z undo and redo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from engine import RequestError
from engine.core.audio import Audio
from engine.core.byhand import changed
from engine.core.song import Song
from ui import mixing, stems
from ui.frame import component, plain
from ui.history import History, history_of
from ui.roll import COLOURS, roll
from ui.stems import RATE, Sound

LINES = (("#0f7f9c", "#7fe3ff"), ("#7a2fb0", "#d9a6ff"), ("#2b211b", "#fff7e8"))  # over a spectrogram
SILENT = "Everyone rests: there is nothing to hear until somebody plays."

_PARTS = Path(__file__).with_name("player_parts")
_SCRIPTS = ("sound", "draw", "spectrum", "ruler", "lanes", "face", "ready", "hand", "player")  # in this order
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
    marks: Sequence[tuple[float, str]] = (),
    spectrogram: bool = False,
    group: str = "",
    chords: Sequence[str] = (),
    height: int | None = None,
    compact: bool = False,
    change_chord: Callable[[int, int, str], None] | None = None,
    rewrite: Callable[[int, int, tuple[str, ...]], None] | None = None,
    edit: Callable[[Song], None] | None = None,
    before: Song | None = None,
    of: str = "",
    unheard: bool = False,
) -> dict[str, float]:
    """Draw a player; returns the gain of each track as the person mixed it (0 muted, 1 as rendered).

    The mix is part of the result that is shown `of` a key of `ui.jobs`, which is the player's own unless it is given.

    `labels` name the tracks for a person, `volumes` are where their faders begin (0..1.5), `bands` are stretches to
    tint, in seconds, `marks` name what begins at a beat, `height` is that of a lane in pixels,
    `chords` are those that were asked for, by half bar: they are shown, and where something else sounds, that.
    `change_chord(first, halves, text)` is called when a person writes another chord over some half bars, counted from
    0, `rewrite(first, last, names)` when bars (from 1) of some tracks shall be written anew, `edit(song)` with the song
    whose notes a hand has changed. What differs from a song `before` this one is seen, and heard by turns. An `unheard`
    one is rendered only when play is pressed, as a compact one is. See the top of this file for the rest.
    """
    if song is None and audio is None:
        raise ValueError("a player needs a song, a sound, or both")
    if song is not None and not song.notes and audio is None:
        st.info(SILENT, icon=":material/music_off:")
        return {}
    slot, past = f"player {key}", history_of(of or key) if song is not None and not compact else None
    by_hand = _Hand(slot, song, edit) if song is not None and edit and audio is None and not compact else None
    before = before if before is not None and before.notes and audio is None and not compact else None
    try:
        sound = _sound_of(song, audio, slot, compact or unheard, waits=not (by_hand and by_hand.serial))
        earlier = _sound_of(before, None, slot, False) if before else None
    except RequestError as refused:
        st.error(plain(str(refused)), icon=":material/error:")
        return {}
    if by_hand and (refusal := by_hand.refusal):
        st.error(plain(refusal), icon=":material/error:")
    look = partial(roll, labels=labels, volumes=volumes, chords=not compact, asked=chords)
    music = _music(sound, key, song, audio, look(song, marks=marks) if song else None)
    data = {"player": key} | music | {
        "chordsMayChange": change_chord is not None,
        "mayRewrite": rewrite is not None,
        "mayEdit": by_hand is not None,
        "edited": by_hand.serial if by_hand else None,
        "title": title,
        "of": past.number if past else 0,
        "mix": past.mix if past else {},
        "audible": sound is not None,
        "eager": audio is not None,
        "rate": audio.rate if audio is not None and 8_000 <= audio.rate <= 48_000 else RATE,
        "before": _music(earlier, f"{key} before", before, None, look(before)) if before else None,
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
    state = _component(key=slot, data=data, on_mix_change=partial(_mixed, slot, past), on_wanted_change=_nothing,
                       on_chord_change=partial(_changed, slot, change_chord), on_edit_change=by_hand or _nothing,
                       on_rewrite_change=partial(_marked, slot, rewrite))  # fmt: skip
    if getattr(state, "wanted", None) and sound is None:
        st.session_state[f"{slot} wanted"] = hash(song)
        st.rerun()
    return mixing.gains(past.mix if past else {}, {t["name"]: t["volume"] for t in data["tracks"]})


def _music(
    sound: Sound | None, key: str, song: Song | None, audio: Audio | None, look: dict[str, Any] | None
) -> dict[str, Any]:
    """What is drawn and heard of a piece; `look` is its notes where it has some."""
    urls: list[str | None] = stems.publish(sound, key) if sound else []
    data = look or {"beat": None, "beatsPerBar": None, "bars": None, "end": None, "marks": [], "chords": [],
                    "tracks": []}  # fmt: skip
    if audio is not None:
        data["tracks"].append({"name": "sound", "label": "Sound", "colour": COLOURS["bass" if song else "guitar"],
                               "notes": [], "drum": False, "volume": 1.0, "url": urls[0], "wave": True})  # fmt: skip
    else:
        for track, url in zip(data["tracks"], urls):
            track["url"] = url
    seconds = sound.seconds if sound else song.seconds if song else 0.0
    return data | {"sound": sound.name if sound else f"unheard {hash(song)}", "seconds": seconds}


def _changed(slot: str, change_chord: Callable[[int, int, str], None] | None) -> None:
    asked = getattr(st.session_state[slot], "chord", None)
    if asked and change_chord:
        change_chord(int(asked["first"]), int(asked["halves"]), str(asked["text"]))


def _marked(slot: str, rewrite: Callable[[int, int, tuple[str, ...]], None] | None) -> None:
    asked = getattr(st.session_state[slot], "rewrite", None)
    if asked and rewrite:
        rewrite(int(asked["first"]), int(asked["last"]), tuple(map(str, asked["players"])))


@dataclass
class _Hand:
    """Notes changed by hand: the browser sends whole tracks with a number, and hears of that when they are there."""

    slot: str
    song: Song
    edit: Callable[[Song], None]

    def __call__(self) -> None:
        """Take in what was sent; what cannot be is refused, and the song stays. For callbacks."""
        asked = getattr(st.session_state[self.slot], "edit", None)
        if not asked:
            return
        song, refusal = self.song, ""
        try:
            song = changed(song, {int(at): notes for at, notes in asked["tracks"].items()})
            self.edit(song)
        except RequestError as refused:
            refusal = str(refused)
        st.session_state[f"{self.slot} by hand"] = (int(asked["serial"]), song, refusal)

    @property
    def serial(self) -> int | None:
        """The number of the change that the song has come from; None where it was another."""
        serial, song, _ = st.session_state.get(f"{self.slot} by hand", (None, None, ""))
        return serial if song == self.song else None

    @property
    def refusal(self) -> str:
        """Why the last change was none, said once."""
        serial, song, refusal = st.session_state.get(f"{self.slot} by hand", (None, None, ""))
        if refusal:
            st.session_state[f"{self.slot} by hand"] = (serial, song, "")
        return str(refusal)


def _point(point: tuple[float, float] | None) -> list[float] | None:
    """A point for the browser; None for one that is no number, because JSON has no word for that."""
    if point is None or not np.isfinite(point).all():
        return None
    return [round(float(point[0]), 4), round(float(point[1]), 2)]


def _mixed(slot: str, past: History | None) -> None:
    asked = getattr(st.session_state[slot], "mix", None)
    if asked and past:
        past.mixes[int(asked["of"])] = mixing.read(asked["channels"])


def _nothing() -> None:
    """A player that is wanted needs no more than the rerun that it brings."""


def _sound_of(song: Song | None, audio: Audio | None, slot: str, lazy: bool, waits: bool = True) -> Sound | None:
    """The sound, or None for a lazy player that nobody has asked to play. `waits`: whether a wait is shown."""
    if audio is not None:
        return stems.of_audio(audio)
    assert song is not None
    ready = stems.ready(song)
    if ready or (lazy and st.session_state.get(f"{slot} wanted") != hash(song)):
        return ready
    with st.spinner("Tuning up …") if waits else nullcontext():
        return stems.of_song(song)
