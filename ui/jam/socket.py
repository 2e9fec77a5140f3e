"""The socket of a jam. Messages are JSON objects; from the browser:

    {"start": {"seed": 3, "genre": {"rock": 1}, …}}     the settings of a jam.Request; bars begin to come
    {"sounds": 3}                                       bar 3 has begun to sound
    {"change": {"tempo": 140}, "bar": 5}                as a line of a file of changes
    {"own": [[0.5, 1, 72, 90, 0], …], "bar": 4}         what a person played in bar 4 (session.py)
    {"follow": true}                                    busyness and loudness come from that

and to it: {"bar": 1, …} (session.py), where a bar of a number that came before takes its place; {"changed": …, "from":
5} with the bar from which a change acts; {"refused": "…"}, one sentence. The socket's end is the jam's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from engine import RequestError
from engine import jam as jams
from ui.jam.doors import Rate, is_own
from ui.jam.session import Session

MAX_BYTES = 2**20  # of a message
BURST, PER_SECOND = 200, 50  # messages
TOO_BIG, TOO_MANY = 1009, 1008  # codes of a socket's end


async def jam(socket: WebSocket) -> None:
    """Serve one tab."""
    if not is_own(socket.headers):
        await socket.close()  # before it is accepted: 403
        return
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        await _Tab(socket).serve()


class _Tab:
    """One tab's socket, and its jam once that has begun."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.session: Session | None = None
        self._wanted = asyncio.Event()

    async def serve(self) -> None:
        writing = asyncio.create_task(self._write())
        try:
            await self._listen()
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect):
                await writing

    async def _listen(self) -> None:
        rate = Rate(BURST, PER_SECOND)
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
            if len(content.encode()) > MAX_BYTES:
                await self.socket.close(TOO_BIG)
                return
            if not rate.allows(time.monotonic()):
                await self.socket.close(TOO_MANY)
                return
            try:
                await self._obey(content)
            except RequestError as refusal:
                await self._send({"refused": str(refusal)})

    async def _obey(self, content: str) -> None:
        try:
            said: Any = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise RequestError("A message is a JSON object.")
        if "start" in said:
            self.session = await asyncio.to_thread(begun, said["start"])
        elif self.session is None:
            raise RequestError("The jam has not begun.")
        elif "change" in said and isinstance(said["change"], dict):
            number = number_of(said.get("bar", 1), whole=False)
            bar = await asyncio.to_thread(self.session.change, said["change"], number)
            await self._send({"changed": said["change"], "from": bar})
        elif "own" in said and isinstance(said["own"], list):
            await self._say(await asyncio.to_thread(self.session.hear, number_of(said.get("bar")), said["own"]))
        elif "follow" in said:
            await self._say(await asyncio.to_thread(self.session.follow, bool(said["follow"])))
        else:
            self.session.sounds(number_of(said.get("sounds")))
        self._wanted.set()

    async def _send(self, message: dict[str, Any]) -> None:
        """WebSocketDisconnect where the tab was closed while it was being answered."""
        try:
            await self.socket.send_json(message)
        except RuntimeError:
            raise WebSocketDisconnect from None

    async def _say(self, changes: Iterable[tuple[dict[str, Any], float]]) -> None:
        for change, bar in changes:
            await self._send({"changed": change, "from": bar})

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self.session and (bar := await asyncio.to_thread(self.session.write)):
                await self._send(bar)


def number_of(value: Any, *, whole: bool = True) -> Any:
    """A bar's number, or with a part of it that is past. Refused where it is none."""
    if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool) or not 0 <= value <= 10**6:
        raise RequestError("A bar is a whole number.")
    return value


def begun(settings: Any) -> Session:
    """The jam of these settings. RequestError where they are none."""
    if not isinstance(settings, dict):
        raise RequestError("The settings are a JSON object.")
    request = jams.Request.from_json({**settings, "format": 2})
    return Session(jams.load(), request)
