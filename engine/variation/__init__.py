"""Variation: one VAE an instrument, and the predictors of the next bar (see generate.py)."""

from engine.variation.generate import generate
from engine.variation.model import Model, load
from engine.variation.request import Request

__all__ = ["Model", "Request", "generate", "load"]
