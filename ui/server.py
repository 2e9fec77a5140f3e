"""The studio's server around its pages: whom it answers, and how it opens and stops.

app = st.App("app.py", lifespan=server.studio, middleware=server.DOORS)
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit.cli_util import open_browser

from engine.core.stop import leave, soon

MAPPED_BYTES = 2**20  # an array from here on is mapped, and given back whole
M_MMAP_THRESHOLD = -3  # in glibc's malloc.h


def stop_in_time(number: signal.Signals) -> None:
    """Let a signal stop the server as it does, but never wait long for an answer that is still being made."""
    before = signal.getsignal(number)

    def stop(number: int, frame: FrameType | None) -> None:
        soon(0)
        if callable(before):
            before(number, frame)

    signal.signal(number, stop)


def give_back() -> None:
    """Have the C library return the memory of large arrays as soon as they are let go, where it knows how.

    glibc learns from the first arrays that are freed to keep such memory for the next ones, in a heap for each thread,
    among small things that stay: after some minutes more of the process lay idle there than was in use.
    """
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
    except (AttributeError, OSError, TypeError):
        return  # another system's C library


@asynccontextmanager
async def studio(_: st.App) -> AsyncIterator[None]:
    """While the server runs: a browser shows it where there is one, and when it has closed its doors it leaves."""
    give_back()
    for number in (signal.SIGINT, signal.SIGTERM):
        stop_in_time(number)
    address = f"http://{st.get_option('server.address')}:{st.get_option('server.port')}"
    print(f"Bandstand plays at {address}", flush=True)
    if not st.get_option("server.headless"):
        open_browser(address)
    yield
    leave(0)


# Streamlit asks only its websocket for the host; a page of another name must not read pages and sounds either.
DOORS = [Middleware(TrustedHostMiddleware, allowed_hosts=st.get_option("server.allowedHosts"))]
