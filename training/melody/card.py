"""The melody model's card: what it is for, what it learned from, what was measured, what it cannot do."""

from __future__ import annotations

from typing import Any

from training.core.cards import table

NAMES = {
    "seed": "LSTM 2 × 128, one-hot characters",
    "moved": "… and tunes transposed to other keys (twice as many a pass)",
    "relative": "… letters as steps above the tonic instead",
    "told": "… steps, and told its bars",
    "shipped": "the shipped model",
}


def tables(metrics: dict[str, Any]) -> str:
    """The figures as two Markdown tables."""
    read = []
    for name, row in metrics["test"].items():
        shown = f"**{name}**" if name == "shipped" else name
        read.append((shown, f"{row['bits_per_char']:.3f}", f"{row['accuracy']:.1%}", row["chars"]))
    made = metrics["composed"]
    copy, real = made["copy"], made["real_copy"]
    rows = [
        ("parsed by music21", f"{made['parsed']:.1%}", ""),
        ("whole: every bar full, pickup and complement included", f"{made['whole']:.1%}", ""),
        ("… the same model drawn without the grammar", f"{made['unconstrained_whole']:.1%}", ""),
        ("key as asked", f"{made['key']:.1%}", ""),
        ("meter as asked", f"{made['meter']:.1%}", ""),
        ("probability masked by the grammar, a character", f"{made['masked']:.2%}", ""),
        ("the likeliest character was forbidden", f"{made['likeliest_was_forbidden']:.2%}", ""),
        ("last note is the tonic", f"{made['ends_on_tonic']:.1%}", f"{made['real_ends_on_tonic']:.1%}"),
        (
            "longest run shared with a training tune, median (15: or fewer)",
            f"{copy['median']:.0f}",
            f"{real['median']:.0f}",
        ),
        ("… the longest of all", f"{copy['longest']}", f"{real['longest']}"),
        ("… tunes with 40 characters or more", f"{copy['share_of_40']:.1%}", f"{real['share_of_40']:.1%}"),
        ("… in any key: the longest of all", f"{copy['any_key_longest']}", f"{real['any_key_longest']}"),
        ("… in any key: 40 or more", f"{copy['any_key_share_of_40']:.1%}", f"{real['any_key_share_of_40']:.1%}"),
        ("characters a tune", f"{made['characters']:.0f}", ""),
    ]
    first = table(["held-out tunes", "bits a character", "accuracy", "characters"], read)
    second = table([f"{made['tunes']} composed tunes", "composed", "held-out"], rows)
    return f"{first}\n\n{second}"


def card(config: dict[str, Any]) -> str:
    """README.md of the checkpoint."""
    metrics, model = config["metrics"], config["model"]
    best = metrics["test"]["shipped"]
    grammar = metrics["composed"]["grammar_on_real"]
    tried = [
        f"| {NAMES.get(t['run'], t['run'])} | {t['step']} | {t['bits_per_char']:.3f} | {t['accuracy']:.1%} |"
        for t in sorted(metrics["tried"], key=lambda t: [*NAMES, t["run"]].index(t["run"]))
        if t["run"] in NAMES
    ]
    return f"""# Melody

Folk tunes in ABC notation: {model["layers"]} LSTM layers of {model["width"]} units over characters, which read a
table of vectors {model["embed"]} wide. On held-out tunes {best["accuracy"]:.1%} of next characters are right, at
{best["bits_per_char"]:.3f} bits a character.

**For** writing tunes in the style of Irish, Scottish, English and American dance music, as text, score and sound, and
for continuing a beginning. **Not for** anything that must be the work of a person, nor for other music: it knows one
melody line with, at most, chord symbols.

## Data and licences

{config["data"]}.
4,697 tunes. Variants of one tune (a shared title, or a tenth of their
runs of ten steps from note to note) stand on one side of the split: 4,182 tunes to learn from, 213 to choose by, 302 to
report. {config["licence"]}.

## What it reads

Beside the last character it is told what the text so far says: the time since the barline and until the bar is full,
the bar's number, the symbol that stood at this moment 1, 2, 4 and 8 bars ago, and what followed when the last five
symbols were last the same (engine/melody/features.py). All are functions of the characters before. Note letters are
steps above the tonic, one symbol for each character. For composing it is also told the form (bars and sections left)
and the style (plain, or with chord symbols); scoring tells it neither.

Every character of the canonical body is counted in the figures, given the canonical header (M, L, R, K); the rules
stand at the top of engine/melody/abc/canonical.py.

## Figures

`python -m training evaluate melody`

{tables(metrics)}

Composed at temperature 0.9 and top-p 0.95, keys and meters drawn evenly from all that were learned, so the rare ones
are as frequent as G major and 6/8. *Whole* is judged by music21's own bars. The plain versions of {grammar["tunes"]}
held-out tunes pass through the grammar at {1 - grammar["characters_refused"]:.1%} of their characters,
{grammar["accepted"]:.0%} of them from end to end: it is narrower than what people wrote (triplets only, no repeats
begun in the middle of a section, one pickup for all sections).

## What was tried

Best validation figures (213 tunes), one change at a time. The small runs compare ideas and are short, a minute or two
each on one thread; the first, which is the seed project's network, had more. Its own 54% was of Nottingham's tunes
alone.

| | steps | bits a character | accuracy |
|---|---|---|---|
{chr(10).join(tried)}

Transposed copies gained less than reading letters as steps above the tonic, which costs nothing, so the shipped
model learns each tune once. Telling it its bars gained ten times as much as either.

## Limits

Second parts tend to quote the first more than people do at low temperatures. Keys far from those of fiddle tunes are
written as readily but were seldom heard. Rare meters (5/4, 7/8) are whole but plain. Slurs, ornaments and fingerings
are learned for the figures and left out when composing.

Seed {config["seed"]}, {config["steps"]} steps. Weights: sha256 `{config["sha256"]}`.
"""
