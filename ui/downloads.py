"""A row of downloads under what was made: all formats of the registry (engine/core/formats.py) that it can be had in.

    downloads.show("band", "jazz-7", result, mix=mix)               # mix: what player.show returned

Files are made when asked for, and a click reruns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import streamlit as st

from engine.core.formats import FORMATS, Mix
from engine.core.result import Music


def show(key: str, name: str, music: Music, *, mix: Mapping[str, float] | None = None) -> None:
    """Draw the row; `key` is unique on its page.

    `name` begins the files' names. The sound of notes is at 44.1 kHz with the gains of `mix`; an own sound is as it is.
    """
    mixed = Mix(dict(mix or {}))
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "bandstand"
    with st.container(horizontal=True, gap="small", key=f"downloads {key}"):
        for each in FORMATS:
            if not (each.has(music.contents) and each.offered(music)):
                continue
            muted = music.audio is None and each.sounds and mixed.muted
            st.download_button(
                each.label,
                partial(each.write, music, mixed),
                file_name=f"{safe}.{each.ending}",
                mime=each.mime,
                key=f"download {key} {each.label}",
                on_click="ignore",
                icon=":material/download:",
                disabled=muted,
                help=each.help if not muted else "Every track is muted in the player.",
            )
