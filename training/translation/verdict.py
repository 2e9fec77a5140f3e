"""What Translation's figures say of its aims, and of the untrained swap beside it, whichever way they fell."""

from __future__ import annotations

from typing import Any

import numpy as np

AIMS = {"f0": 0.95, "loudness": 0.9, "judged": 0.8, "cycle_judged": 0.88}  # the judge's as shares of real recordings'


def directions(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The measured ways by direction."""
    return {name: ways for name, ways in metrics.items() if name != "real"}


def mean_of(metrics: dict[str, Any], way: str, key: str) -> float:
    """The mean of a measure over a checkpoint's directions."""
    return float(np.mean([ways[way][key] for ways in directions(metrics).values()]))


def off_real(metrics: dict[str, Any], way: str) -> float:
    """How far a way's frame-to-frame change lies from real recordings of the targets, dB, mean over directions."""
    return float(
        np.mean(
            [
                abs(ways[way]["change"] - metrics["real"][name.split("-")[1]]["change"])
                for name, ways in directions(metrics).items()
            ]
        )
    )


def verdict(metrics: dict[str, Any]) -> dict[str, Any]:
    """What was found of every aim, how often the judge is right, and ours, seed by seed, beside the untrained swap."""
    real, resynthesised = (
        float(np.mean([values[key] for values in metrics["real"].values()]))
        for key in ("judged", "judged_resynthesised")
    )
    of_real = "as a share of the judge's accuracy on real recordings"
    aims = [
        ("F0 within 50 cents", "f0", 1.0),
        ("loudness correlation", "loudness", 1.0),
        (f"judged the target, {of_real}", "judged", real),
        (f"there and back, {of_real}", "cycle_judged", real),
    ]
    seeds = [way for way in next(iter(directions(metrics).values())) if way.startswith("ours")]
    beside = []
    for measure, key, places, more, better in (
        ("judged the target", "judged", 3, True, "better"),
        ("nearest real frame, dB", "nearest", 2, False, "nearer"),
        ("frame-to-frame change off the real one by, dB", "change", 2, False, "closer"),
    ):
        scores = {
            way: off_real(metrics, way) if key == "change" else mean_of(metrics, way, key) for way in (*seeds, "swap")
        }
        wins = sum(scores[way] > scores["swap"] if more else scores[way] < scores["swap"] for way in seeds)
        ours = [scores[way] for way in seeds]
        beside.append(
            {"measure": measure, "ours": ours, "swap": scores["swap"], "places": places, "better": better, "wins": wins}
        )
    return {
        "aims": [
            {"measure": name, "found": mean_of(metrics, "ours", key) / whole, "aim": AIMS[key]}
            for name, key, whole in aims
        ],
        "judge": {"real": real, "resynthesised": resynthesised},
        "beside_swap": beside,
    }
