"""Jam's server: bars over a socket, ahead of the one that sounds (socket.py, session.py), and what the browser needs to
sound them (assets.py)."""

from ui.jam.assets import built, routes, served

__all__ = ["built", "routes", "served"]
