"""A session of the studio without a browser: what a tab and the server say to each other over their websocket.

with Session(address, "band", "band_seed=7") as session:
    sound = session.sound("band")     # the name of what its player plays, once there is something
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

T = TypeVar("T")

ASK_SECONDS = 0.3  # how often a tab with a job looks whether it has ended


class Session:
    def __init__(self, address: str, page: str, query: str = "") -> None:
        self.page, self.query = page, query
        stream = f"{address.replace('http', 'ws')}/_stcore/stream"
        self.socket = connect(
            stream, subprotocols=["streamlit"], max_size=None, ping_interval=None, open_timeout=60, close_timeout=1
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def run(self) -> None:
        """Run the page, as when it is opened or a job is looked after."""
        wanted = BackMsg()
        wanted.rerun_script.query_string = self.query
        wanted.rerun_script.page_name = self.page
        self.socket.send(wanted.SerializeToString())

    def sound(self, player: str, seconds: float = 300) -> str:
        """The name of the sound of a player, 16 hex digits. TimeoutError when there is none after `seconds`."""
        named = re.compile(rb'"player": ?"%s".{0,200000}?"sound": ?"([0-9a-f]{16})"' % player.encode(), re.DOTALL)
        return self.until(named.search, seconds)[1].decode()

    def until(self, seen: Callable[[bytes], T | None], seconds: float = 300) -> T:
        """Keep looking at the page, as a tab does, until `seen` finds something in a message; or TimeoutError."""
        until = time.monotonic() + seconds
        self.run()
        while time.monotonic() < until:
            try:
                message = self.socket.recv(timeout=1.0, decode=False)
            except TimeoutError:
                continue
            if found := seen(message):
                return found
            if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                time.sleep(ASK_SECONDS)
                self.run()
        raise TimeoutError(f"{self.page}?{self.query} does not show what was waited for after {seconds:g} s")
