"""Spectrograms of several sounds on the same axes, one above the other: time across, frequency in octaves up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from plotly.subplots import make_subplots

from engine.core.audio import Audio
from ui.plots import Table, heat, laid_out

if TYPE_CHECKING:
    import plotly.graph_objects as go

LOWEST, HIGHEST = 50.0, 16_000.0  # Hz
BANDS, COLUMNS = 96, 240
WINDOW = 0.046  # seconds
RANGE_DB = 70.0  # below the loudest
ROW = 170  # pixels


def spectra(audio: Audio, highest: float = HIGHEST) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds [t], Hz [96] and levels [t, 96] in dB below the loudest, mean power of each band; 240 columns at most."""
    samples, size = audio.mono().samples, round(WINDOW * audio.rate)
    hop = max(size // 4, -(-len(samples) // COLUMNS))
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(samples) : hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    below = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    edges = np.geomspace(LOWEST, min(highest, audio.rate / 2), BANDS + 1)
    at = edges * size / audio.rate + 0.5
    whole = np.minimum(at.astype(int), below.shape[1] - 2)
    upto = below[:, whole] + (at - whole) * (below[:, whole + 1] - below[:, whole])
    mean = np.diff(upto, axis=1) / np.diff(at)
    db = 10 * np.log10(mean / max(float(mean.max(initial=0.0)), 1e-12) + 1e-12)
    return np.arange(len(db)) * hop / audio.rate, np.sqrt(edges[1:] * edges[:-1]), np.maximum(db, -RANGE_DB)


def spectrograms(sounds: Mapping[str, Audio], highest: float = HIGHEST) -> tuple[go.Figure, Table]:
    """The spectrogram of each sound by its name, all on one axis of time and of frequency."""
    figure = make_subplots(len(sounds), 1, shared_xaxes=True, vertical_spacing=0.3 / len(sounds) ** 2,
                           subplot_titles=list(sounds))  # fmt: skip
    table: dict[str, list[Any]] = {"sound": [], "second": []}
    for place, (name, audio) in enumerate(sounds.items(), start=1):
        seconds, hz, db = spectra(audio, highest)
        figure.add_heatmap(x=seconds.round(4), y=hz.round(1), z=db.T.round(1), coloraxis="coloraxis", row=place, col=1,
                           hovertemplate="%{x:.2f} s, %{y:.0f} Hz: %{z:.0f} dB<extra></extra>")  # fmt: skip
        table["sound"] += [name] * len(seconds)
        table["second"] += seconds.round(3).tolist()
        for band, level in zip(hz, db.T):
            table.setdefault(f"{band:.0f} Hz (dB)", []).extend(level.round(1).tolist())
    figure.update_xaxes(fixedrange=True, showgrid=False)
    figure.update_xaxes(title={"text": "seconds", "standoff": 12}, row=len(sounds), col=1)
    ticks = [hz for hz in (100, 300, 1000, 3000, 10_000) if hz < highest]
    figure.update_yaxes(type="log", title="Hz", fixedrange=True, showgrid=False, tickvals=ticks,
                        range=[float(np.log10(LOWEST)), float(np.log10(highest))])  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    laid_out(figure, 110 + ROW * len(sounds), coloraxis=heat("dB below the loudest", -RANGE_DB, 0))
    figure.update_layout(margin={"t": 78, "b": 48})
    return figure, table
