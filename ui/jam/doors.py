"""Who may open Jam's routes: pages of this server on this machine. Streamlit asks for its own socket alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse

LOOPBACK = ("127.0.0.1", "localhost", "::1")

App = Callable[[Any, Any, Any], Awaitable[None]]


def is_own(headers: Mapping[str, str], *, required: bool = True) -> bool:
    """Whether a request comes from a page of this server, by its Origin: the same host and port as it asks, and this
    machine's own. A page's own files come without an Origin: allowed where it is not `required`."""
    origin, host = headers.get("origin"), headers.get("host", "")
    try:
        asked = urlsplit(f"//{host}").hostname
        if asked not in LOOPBACK:
            return False
        return not required if origin is None else bool(host) and urlsplit(origin).netloc == host
    except ValueError:
        return False


def own_pages_only(app: App) -> App:
    """An app that answers 403 to pages of others."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
        answer = app if is_own(headers, required=False) else PlainTextResponse("Not for other pages.", 403)
        await answer(scope, receive, send)

    return guarded


class Rate:
    """A bucket of messages: so many at once, and so many a second on the average."""

    def __init__(self, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._left, self._when = float(burst), 0.0

    def allows(self, now: float) -> bool:
        """Whether another message may come at this time (seconds, ascending)."""
        self._left = min(self.burst, self._left + (now - self._when) * self.per_second) if self._when else self._left
        self._when = now
        self._left -= 1
        return self._left >= 0
