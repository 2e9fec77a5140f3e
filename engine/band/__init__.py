"""Band: bars for five tracks, planned by a GAN, written by the player and struck by a hand (see played.py)."""

from engine.band.generate import generate
from engine.band.model import load, writers
from engine.band.played import brief_of, in_scale, key_of, meter_of
from engine.band.request import PATH, Request

__all__ = ["PATH", "Request", "brief_of", "generate", "in_scale", "key_of", "load", "meter_of", "writers"]
