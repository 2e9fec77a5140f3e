"""Downloads that can be dragged out of the browser, into a folder or a sequencer, where the browser allows it.

    drag.offer("band", {"download band MIDI": file})       # the keys of the row's buttons, and what each is of

A browser that knows `DownloadURL` (Chromium's do) asks the server for the file where the button is let go; in others a
click is all there is. Files are made when asked for, as those of a click.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import streamlit as st
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from engine import RequestError
from ui.frame import component

if TYPE_CHECKING:
    from starlette.requests import Request

PATH = "/files"
ROWS = 16  # of buttons, over all sessions, whose files can be had; older ones are let go

_component = component("bandstand_drag", html="<i></i>", js=Path(__file__).with_name("drag.js").read_text("utf-8"))
_rows: OrderedDict[str, Mapping[str, Offer]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Offer:
    """A file that can be made."""

    name: str
    mime: str
    write: Callable[[], bytes]


def offer(key: str, offers: Mapping[str, Offer]) -> None:
    """Let the buttons of these keys be dragged; `key` is unique on its page."""
    token = st.session_state.setdefault(f"drag {key}", secrets.token_urlsafe(16))
    with _lock:
        _rows[token] = {each.name: each for each in offers.values()}
        _rows.move_to_end(token)
        while len(_rows) > ROWS:
            _rows.popitem(last=False)
    files = {
        "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", button): [each.mime, each.name, f"{PATH}/{token}/{quote(each.name)}"]
        for button, each in offers.items()
    }
    _component(key=f"drag-{key}", data={"files": files})


def file_of(request: Request) -> Response:
    """The file of an address, made now."""
    with _lock:
        each = _rows.get(request.path_params["token"], {}).get(request.path_params["name"])
    if each is None:
        return PlainTextResponse("There is no such file any more.", 404)
    try:
        content = each.write()
    except RequestError as refused:
        return PlainTextResponse(str(refused), 409)
    said = f"attachment; filename*=UTF-8''{quote(each.name)}"
    return Response(content, media_type=each.mime, headers={"Content-Disposition": said, "Cache-Control": "no-store"})


def route() -> Any:
    """Where the server answers for them, to pages of its own."""
    from starlette.applications import Starlette

    from ui.jam.doors import own_pages_only

    return Mount(PATH, app=own_pages_only(Starlette(routes=[Route("/{token}/{name}", file_of)])))
