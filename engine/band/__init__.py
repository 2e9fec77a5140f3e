"""Band: bars for five tracks, planned by a GAN, written by the player and struck by a hand (see played.py)."""

from engine.band.generate import generate
from engine.band.model import load, writers
from engine.band.played import as_written, brief_of, key_of, meter_of
from engine.band.request import PATH, Request

__all__ = ["PATH", "Request", "as_written", "brief_of", "generate", "key_of", "load", "meter_of", "writers"]
