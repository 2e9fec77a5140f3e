"""The routes of Jam, and the files with which a browser sounds it.

The synthesiser is spessasynth_core, bundled with our worklet at set-up (`make jam`, or `npm ci && npm run build` in
ui/jam) into a folder that is not kept; the soundfont is the one that pretty_midi brings, or that the studio was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ui.jam.doors import own_pages_only
from ui.jam.socket import jam

BUILT = Path(__file__).with_name("built")
WORKLET = "worklet.js"

_served = False


def routes() -> list[BaseRoute]:
    """The socket of a jam and its files, for a server that begins with this call."""
    global _served
    _served = True
    BUILT.mkdir(exist_ok=True)
    files = Mount("/jam-assets", app=own_pages_only(_files()))
    return [WebSocketRoute("/jam", jam), files]


def _files() -> Any:
    from starlette.applications import Starlette

    soundfont = Route("/soundfont.sf2", _soundfont)
    scripts = StaticFiles(directory=Path(__file__).with_name("parts"))
    return Starlette(routes=[soundfont, Mount("/parts", app=scripts), Mount("/", app=StaticFiles(directory=BUILT))])


def _soundfont(request: Any) -> Response:
    from engine.core.render import synthesiser

    path = synthesiser().soundfont or _brought()
    return FileResponse(path) if path else Response("There is no soundfont.", status_code=404)


def _brought() -> Path | None:
    """The soundfont that pretty_midi brings."""
    import pretty_midi

    path = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
    return path if path.is_file() else None


def served() -> bool:
    """Whether this server has Jam's routes."""
    return _served


def built() -> bool:
    """Whether the synthesiser was bundled."""
    return (BUILT / WORKLET).is_file()
