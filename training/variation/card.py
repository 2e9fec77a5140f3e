"""The model card of a Variation checkpoint, from its config.json and metrics."""

# ruff: noqa: E501

from __future__ import annotations

from itertools import pairwise

from engine.core.pianoroll import TRACKS
from training.core.cards import table

TRIED = """\
## What was tried

Piano bars at K 64, 45 s of one thread each, note F1 on 4,000 bars of validation songs:

| trial | note F1 |
|---|---|
| convolutions of octave kernels (0.83 M), AdamW 2e-3 | 0.281 |
| convolutions over all pitches at once (1.58 M), AdamW 2e-3, batch 256 | 0.655 |
| … wider (2.02 M) | 0.633 |
| … with a residual block a step | 0.631 |
| … beta 0.005 instead of 0.02 | 0.651 |
| … AdamW 4e-3 | 0.725 |
| … AdamW 8e-3 | 0.749 |
| … AdamW 16e-3 | 0.731 |
| … AdamW 6e-3, batch 128 | 0.751 |
| … AdamW 8e-3, batch 512 | 0.689 |
| … AdamW 8e-3, beta 0.005 | 0.739 |
| … Muon 0.02, batch 512 (**chosen**) | 0.842 |
| … Muon 0.05, batch 1024 | 0.826 |

Strings at K 64, on 3,000 bars of validation songs: 11,000 steps 0.899, and 0.948 on training bars, so they were learned
by heart; then each bar moved by up to six semitones, 15,000 steps 0.918, 28,000 steps 0.941 (**chosen**). Drums have no
key, and are not moved.
"""


def lined(head: list[str], rows: list[list[str]]) -> str:
    """A table and the end of its line: parts are joined by one more."""
    return table(head, rows) + "\n"


def _p(value: float) -> str:
    return f"{value:.3f}"


def write_card(config: dict) -> str:
    """config.json with `metrics` -> README.md."""
    k, found = config["model"]["latent"], config["metrics"]
    rebuilt, noise, ahead, active = (found[n] for n in ("reconstruction", "noise", "prediction", "active_units"))
    levels = [level for level in noise if level != "real"]
    reach = [t for t in TRACKS if rebuilt[t]["note_f1"] >= 0.9]
    missed = [f"{t} by {0.9 - rebuilt[t]['note_f1']:.3f}" for t in TRACKS if t not in reach]
    parts = [
        f"# Variation, latent size {k}\n\n"
        f"Five bar VAEs (drums, piano, guitar, bass, strings) of {k} latent numbers a bar, MelodyNN and HarmonyNN over their "
        "latents. `engine/variation/vae.py` and `engine/variation/predictors.py` say how they are built.\n",
        "## Intended use\n\nMaking variations and continuations of songs that a person brings as MIDI, and playing with them. "
        "Not for passing off a variation of somebody's song as one's own: a variation at low noise is that song.\n",
        f"## Data and licences\n\n{config['data']['name']}; {config['data']['songs']:,} training songs. "
        f"Licence: {config['data']['licence']}. Split by artist and title. The weights are the project's own.\n",
        f"## Figures\n\nOn {found['test_songs']} held-out songs, at most 48 bars each, by\n\n"
        f"    python -m training evaluate variation --latent {k} --songs {found['test_songs']}\n\n"
        "### Through the VAE and back, noise 0\n\nNote F1: same pitch, same sixteenth. With length: within a sixteenth. "
        "New bars: those that are in no training song.\n",
        lined(
            ["track", "note F1", "with length", "of new bars", "new bars", f"active units of {k}"],
            [
                [
                    t,
                    _p(r["note_f1"]),
                    _p(r["note_and_length_f1"]),
                    _p(r["note_f1_of_new_bars"]),
                    f"{r['new_bars']:.0%}",
                    str(active[t]),
                ]
                for t, r in rebuilt.items()
            ],
        ),
    ]
    if k == 64:
        parts.append(
            "The aim at K 64 is 0.90 on every track: "
            + (
                "reached.\n"
                if not missed
                else f"reached on {', '.join(reach) or 'none'}; missed on {', '.join(missed)}.\n"
            )
        )
    bands = [noise[level]["band"]["note_f1"] for level in levels]
    falls = all(a > b for a, b in pairwise(bands))
    parts += [
        "### As the noise grows\n\nNote F1 against the original. "
        + ("It falls with every step.\n" if falls else "It does not fall with every step.\n"),
        lined(
            ["noise", "band", *TRACKS],
            [[v, _p(noise[v]["band"]["note_f1"]), *(_p(noise[v][t]["note_f1"]) for t in TRACKS)] for v in levels],
        ),
        "Used pitch classes a bar / pitches at once / notes a bar, and the share of songs that lie between the 5th and the "
        "95th percentile of real songs (of real songs themselves: 0.90).\n",
        lined(
            ["noise", *TRACKS],
            [["real", *(_measures(noise["real"][t]) for t in TRACKS)]]
            + [[v, *(f"{_measures(noise[v][t])} ({noise[v][t]['inside']:.2f})" for t in TRACKS)] for v in levels],
        ),
        "### What comes next\n\nThe next bar of held-out songs: latent error (mean square, in units of the latents' variance) "
        "/ decoded note F1. *plain* is the seed project's form, a hidden layer on the previous window alone; *pointing* adds "
        "the difference to the one bar that the pointer likes best.\n",
        lined(
            ["track", "network", "pointing", "plain", "copy the last bar", "marginal mean"],
            [
                [
                    t,
                    *(
                        f"{_p(r[w]['latent_error'])} / {_p(r[w]['note_f1'])}" if w in r else "–"
                        for w in ("network", "network_pointing", "plain", "copy", "mean")
                    ),
                ]
                for t, r in ahead.items()
            ],
        ),
        "## Limits\n\nBars of 4/4 on a grid of sixteenths: triplets and swing are moved to the grid (notes that a variation "
        "shares with the song keep their own time). Notes outside MIDI 24-95 are folded in by octaves. All instruments but "
        "drums, piano, guitar and bass are one track of strings. Each track's noise knows nothing of the others'; what holds "
        "the harmony together is a penalty on pitch classes foreign to the bars around.\n",
        TRIED,
        f"## Training\n\nSeed {config['seed']}, steps of 512 bars: "
        f"{', '.join(f'{t} {n}' for t, n in config['steps']['vae'].items())} (one CPU thread, bf16); then "
        f"{config['steps']['next']} of the predictors.\n\n"
        f"    python -m training prepare variation --data data\n    python -m training train variation --latent {k}\n"
        f"    python -m training train variation --stage predictors --latent {k}\n",
    ]
    return "\n".join(parts)


def _measures(values: dict) -> str:
    return f"{values['used_pitch_classes']:.1f} / {values['polyphony']:.1f} / {values['notes_a_bar']:.1f}"
