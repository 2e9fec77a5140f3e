"""What Translation's figures say of its aims, by target and by source, whichever way they fell."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.translation.measure import interval

AIMS = {"f0": 0.95, "loudness": 0.9, "judged": 0.9, "least_source": 0.8, "rise": 0.5, "octaves": 0.01}

Judged = dict[tuple[str, str], list[list[bool]]]
"""(source, target) → of every recording, whether each of its clips was judged the target."""


def rows(judged: Judged, real: dict[str, dict[str, float]], by: int) -> dict[str, dict[str, float]]:
    """Directions pooled by source (by 0) or by target (by 1): judged the target, with its interval, and as a share of
    what the judge gets on real recordings of the targets."""
    out = {}
    for name in real:
        pooled = {pair: values for pair, values in judged.items() if pair[by] == name}
        if pooled:
            share, low, high = interval([row for values in pooled.values() for row in values])
            whole = float(np.mean([real[target]["judged"] for _, target in pooled]))
            out[name] = {
                "judged": round(share, 4), "low": round(low, 4), "high": round(high, 4), "real": round(whole, 4),
                "share": round(share / max(whole, 1e-9), 4),
            }  # fmt: skip
    return out


def verdict(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """What was found of every aim."""
    targets, sources = metrics["targets"], metrics["sources"]
    worst_target, worst_source = (min(table, key=lambda name: table[name]["share"]) for table in (targets, sources))
    of_real = "as a share of the judge's accuracy on real recordings of it"
    octaves = {name: row["octaves"] for name, row in metrics["real"].items()}
    highest = max(octaves, key=lambda name: octaves[name])
    return [
        _aim("F0 within 50 cents", metrics["ways"]["ours"]["f0"], AIMS["f0"]),
        _aim("loudness correlation", metrics["ways"]["ours"]["loudness"], AIMS["loudness"]),
        _aim(f"judged the target {of_real}, the least of the targets ({worst_target})",
             targets[worst_target]["share"], AIMS["judged"]),
        _aim(f"judged the target {of_real}, the least of the sources ({worst_source})",
             sources[worst_source]["share"], AIMS["least_source"]),
        _aim("fastest rise within 8 ms lost by resynthesis alone, dB",
             float(np.mean([row["rise_lost"] for row in metrics["real"].values()])), AIMS["rise"], most=True),
        _aim(f"frames heard an octave off, the most of the instruments ({highest})", octaves[highest],
             AIMS["octaves"], most=True),
    ]  # fmt: skip


def _aim(measure: str, value: float, aim: float, most: bool = False) -> dict[str, Any]:
    return {"measure": measure, "found": round(value, 4), "aim": aim, "reached": value <= aim if most else value >= aim}
