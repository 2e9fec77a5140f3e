"""Band: bars for five tracks, by the player or by a genre-conditioned GAN (see generate.py)."""

from engine.band.generate import generate
from engine.band.model import Model, load
from engine.band.request import Request

__all__ = ["Model", "Request", "generate", "load"]
