"""What was made as files: all formats of the registry (engine/core/formats.py) that it can be had in.

    downloads.show("band", "jazz-7", result, mix=mix)       # in a menu; mix: what player.show returned

Files are made when asked for, and a click reruns nothing. Each button can be dragged out of the browser as its file,
where the browser allows it (drag.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import streamlit as st

from engine.core.formats import FORMATS, Mix
from engine.core.result import Music
from ui import drag


def show(key: str, name: str, music: Music, *, mix: Mapping[str, float] | None = None) -> None:
    """Draw a button for each; `key` is unique on its page.

    `name` begins the files' names. The sound of notes is at 44.1 kHz with the gains of `mix`; an own sound is as it is.
    """
    mixed = Mix(dict(mix or {}))
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "bandstand"
    offers: dict[str, drag.Offer] = {}
    with st.container(gap="xsmall", key=f"downloads {key}"):
        for each in FORMATS:
            if not (each.has(music.contents) and each.offered(music)):
                continue
            muted = music.audio is None and each.sounds and mixed.muted
            button, file = f"download {key} {each.label}", f"{safe}.{each.ending}"
            offers[button] = drag.Offer(file, each.mime, partial(each.write, music, mixed))
            st.download_button(
                each.label,
                offers[button].write,
                file_name=file,
                mime=each.mime,
                key=button,
                on_click="ignore",
                type="tertiary",
                disabled=muted,
                help=each.help if not muted else "Every track is muted in the player.",
            )
    drag.offer(key, offers)
