"""*How it was made*: for each system a file with the plots of its latest result.

    inside.how_it_was_made("band", request, result.weights)     closed at first, computed only when opened

What follows the system's name goes to the `draw` of its file, which gets its weights by `model_of`: where they are
others than those that made the result, it is said.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, TypeVar

import streamlit as st

from engine.core.request import Request
from ui.frame import cached_model


class Weighted(Protocol):
    """A loaded model."""

    @property
    def sha256(self) -> str: ...


M = TypeVar("M", bound=Weighted)


def how_it_was_made(system: str, *about: Any, by_hand: bool = False) -> None:
    """The expander under a system's result; by_hand: whose notes a hand changed."""
    box = st.expander("How it was made", icon=":material/visibility:", key=f"{system}_inside", on_change="rerun")
    if box.open:
        with box:
            if by_hand:
                st.caption("A hand changed notes since: what the network thought is of those that it wrote.")
            import_module(f"ui.inside.{system}").draw(*about)


def model_of(request: Request, load: Callable[..., M], weights: str) -> M:
    """The model that a request asks for; says so where `weights`, which made its result, were others."""
    model, _ = cached_model(request.SYSTEM, request.checkpoint(), load)
    if weights != model.sha256:
        st.info("This was made by other weights: what is shown is what these would make of the same settings.",
                icon=":material/info:")  # fmt: skip
    return model
