"""Trombone: a SampleRNN conditioned on the note (see generate.py)."""

from engine.trombone.generate import generate
from engine.trombone.model import Model, load
from engine.trombone.request import Request

__all__ = ["Model", "Request", "generate", "load"]
