"""Which style some bars are in: how likely the player finds them as bars of each genre it knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

import engine.player.grammar as grammar
import engine.player.vocabulary as v
from engine.player.bars import Bar
from engine.player.brief import METERS
from engine.player.lanes import encode
from engine.player.model import Model
from engine.player.network import CONTROLS
from engine.player.playing import SCORE_ORDER
from engine.player.writing import Writer


@torch.inference_mode()
def genres_of(model: Model, bars: Sequence[Bar], meter: tuple[int, int]) -> dict[str, float]:
    """How likely each genre is, of sum 1, the likeliest first, from the first `WINDOW` of these bars alone; all genres
    are alike before anything is heard."""
    part = bars[: v.WINDOW]
    plans = np.array([(bar.grid, *(chord % (v.CHORDS + 1) for chord in bar.chords)) for bar in part])
    lanes = [[np.array(encode(lane, bar.lanes.get(lane, ()), model.numbered), np.int64) for lane in range(len(v.LANES))]
             for bar in part]  # fmt: skip
    writer = Writer(plans, lanes)
    for first in range(0, len(part), v.SECTION):
        section = range(first, min(first + v.SECTION, len(part)))
        writer.plan(section)
        writer.play(section, SCORE_ORDER)
    tokens = np.array(writer.tokens, np.int64)
    numbers = np.zeros((len(tokens), grammar.NUMBERS), np.int16)
    bits = np.zeros((len(tokens), grammar.BITS), np.uint8)
    grammar.walk(grammar.start(meter, model.classes), tokens, numbers, bits)
    targets = torch.from_numpy(writer.targets())
    asked = targets != v.PAD
    controls = np.zeros((1, CONTROLS), np.int64)
    controls[0, 1] = METERS.index(meter)
    heard = [torch.from_numpy(each)[None] for each in (tokens, numbers.astype(np.int64), bits.astype(np.float32))]
    said = []
    for number in range(len(model.genres)):
        controls[0, 0] = number
        logits = model.network(*heard, torch.from_numpy(controls))[0]
        said.append(float(torch.log_softmax(logits, -1)[asked].gather(1, targets[asked, None]).sum()))
    chances = np.exp(np.array(said) - max(said))
    shares = dict(zip(model.genres, (chances / chances.sum()).tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
