"""The tables of EVALUATION.md: each system's figures beside real data, a baseline, the aim; and what the seed reached.

A table is made from the metrics that `evaluate` left in config.json, never measured here; the seed projects' own
results are what is known of them, in words.
"""

from __future__ import annotations

from statistics import mean
from typing import Any

from training.core.cards import table

OPENING = """# Evaluation

What the committed weights do on music that they did not learn from, beside real music, beside what one would use
instead, and beside what the projects that Bandstand grew out of had reached. `make evaluate` measures it all again and
writes this file; each table says when, where and by which command it was measured. The model cards in `checkpoints/`
have the data, the limits and what was tried.
"""

SEED = {
    "band": "a GAN conditioned on genre; no figure of its music is known.",
    "player": "none had one.",
    "touch": "none had one: every note was as hard as the others.",
    "variation": "five VAEs and two predictors, shown in plots; the predictors' form was trained anew for the table.",
    "melody": "54% validation accuracy on Nottingham's tunes alone, with 2 × 128 LSTM units; its tunes often did not "
    "parse.",
    "trombone": "its unconditioned networks, one a note, clipped; its conditioned generator never ran. Its conditions "
    "(note and samples left) were trained here for the table.",
    "translation": "a plan of a CycleGAN of LSTMs that ran out of memory on a laptop: no figure.",
}

OTHER_CHORDS, OTHER_PART = "another song's chords", "another song's part"
Row = tuple[str, str, str, str, str]  # measure, ours, real, beside it, aim
HEAD: Row = ("", "ours", "real, held out", "beside it", "aim")


def summary(name: str, configs: dict[str, dict[str, Any]]) -> str:
    """The table of a system from its checkpoints' configs by folder name, and a sentence on the seed project."""
    metrics = {folder: config["metrics"] for folder, config in configs.items() if config.get("metrics")}
    rows = (
        table(HEAD, ROWS[name](metrics)) if len(metrics) == len(configs) else "Not all of its weights are measured yet."
    )
    return f"{rows}\n\nThe seed project: {SEED[name]}"


def share(value: float) -> str:
    return f"{value:.1%}"


def several(values: dict[str, str]) -> str:
    """Named values in one cell, a line each."""
    return "<br>".join(f"{name}: {value}" for name, value in values.items())


def aim(words: str, reached: bool) -> str:
    """An aim, and whether it was reached."""
    return f"{words}: {'reached' if reached else '**missed**'}"


def band(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Gaps to real phrases on the worst track, harmony, genre, copies."""
    figures = metrics["band"]
    td, distance, copied = figures["tonal_distance"], figures["feature_distance"], figures["two_bar_copies"]
    words = {
        "QN3, worst track": "notes of three sixteenths or more, the worst track's gap to real",
        "QN2, worst track": "notes of two sixteenths or more, the worst track's gap",
        "EB, worst track": "empty bars, the worst track's gap",
        "UPC, worst track": "pitch classes a bar, the worst track's gap",
        "DP8, worst track": "drums on the eighths, their gap",
        "TD": "tonal distance between the tracks: the gap, and both",
        "genre judged, share of real": "genre judged right, as a share of real phrases judged right",
    }
    beside = {
        "QN3, worst track": ("", "MuseGAN's published gap: 18 to 26 points"),
        "TD": (f"{td['real']:.3f}", f"real tracks shuffled between phrases: {td['real, tracks shuffled']:.3f}"),
        "genre judged, share of real": (share(figures["genre_real"]), "chance: 12.5%"),
        "two-bar copies of training phrases": (f"{copied['real held-out']:.2%}", ""),
    }
    rows = [(words.get(what, what), ours, *beside.get(what, ("", "")), aim(wanted, well))
            for what, wanted, ours, well in figures["aims"]]  # fmt: skip
    near = f"training phrases: {distance['real training']:.1f}"
    return [*rows, ("feature distance to held-out phrases", f"{distance['generated']:.1f}",
                    f"one half to the other: {distance['real, two halves']:.1f}", near, "")]  # fmt: skip


def player(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """How often it is told from real songs, what it follows, whether it copies."""
    figures = metrics["player"]
    critic, chords, parts, copies = (figures[name] for name in ("critic", "chords", "parts", "copies"))
    rows = [("told from real songs by the score", f"{critic['score']:.3f}", f"{critic['control']:.3f}",
             "chance: 0.5; the GAN's figure stands in its card", aim("0.87 at most", critic["score"] <= 0.87)),
            ("told with touch", f"{critic['with_touch']:.3f}", "", "", "")]  # fmt: skip
    rows += [(f"{family} alone", f"{right:.3f}", "", "", "") for family, right in critic["by_family"].items()]
    return [
        *rows,
        ("given chords, share of the time in which they sound", f"{chords['made']:.3f}", f"{chords['real']:.3f}",
         f"another song's chords: {chords[OTHER_CHORDS]:.3f}",
         aim("within 0.05", abs(chords["made"] - chords["real"]) <= 0.05)),
        ("a part filled in, its tonal distance to the band", f"{parts['made']:.3f}", f"{parts['real']:.3f}",
         f"another song's part: {parts[OTHER_PART]:.3f}", aim("within 0.1", abs(parts["made"] - parts["real"]) <= 0.1)),
        ("two bars of a part that are in the training songs, wherever they lie", f"{copies['made']:.1%}",
         f"{copies['real']:.1%}", "", aim("no more than real", copies["made"] <= copies["real"])),
        ("nats a token", f"{figures['nats']:.3f}", "", "", ""),
    ]  # fmt: skip


def touch(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """How often real notes that the hand struck are told from songs as they were struck, and by what."""
    told, rates = (metrics["touch"][name] for name in ("told", "rates"))
    rows = [("told from real songs by touch alone, real notes", f"{told['hand']:.3f}", "",
             f"velocities that stray around one: {told['at random']:.3f}; chance: 0.5", "")]  # fmt: skip
    for feature in ("struck as before", "different velocities", "accent", "off the grid"):
        ours, real, chance = (mean(value for name, value in rates[who].items() if name.startswith(feature))
                              for who in ("hand", "real", "at random"))  # fmt: skip
        rows.append((f"{feature}, mean of the tracks", f"{ours:.3f}", f"{real:.3f}", f"{chance:.3f}", ""))
    return rows


def variation(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Through the VAE and back at two sizes, drift, prediction."""
    rows: list[Row] = []
    for k in (16, 64):
        tracks = {track: scores["note_f1"] for track, scores in metrics[f"k{k}"]["reconstruction"].items()}
        wanted = aim("0.90 on each", min(tracks.values()) >= 0.9) if k == 64 else ""
        rows.append((f"note F1 through the VAE and back, {k} numbers a bar",
                     several({track: f"{f1:.3f}" for track, f1 in tracks.items()}), "1", "", wanted))  # fmt: skip
    noise, ahead = metrics["k64"]["noise"], metrics["k64"]["prediction"].values()
    falls = [noise[level]["band"]["note_f1"] for level in ("0", "0.5", "1", "2")]
    rows.append(("note F1 to the original at noise 0, 0.5, 1 and 2", ", ".join(f"{f1:.2f}" for f1 in falls), "", "",
                 aim("falls", falls == sorted(falls, reverse=True))))  # fmt: skip
    inside = [row["inside"] for level in ("0.5", "1") for track, row in noise[level].items() if track != "band"]
    rows.append(("measures within the range of real songs at noise 0.5 to 1", share(mean(inside)), "90.0%", "", ""))
    ways = {"network": "", "copy": "copying the last bar", "mean": "marginal mean", "plain": "the seed's predictors"}
    for words, key, places in (("note F1", "note_f1", ".3f"), ("latent error", "latent_error", ".2f")):
        means = {way: mean(track[way][key] for track in ahead) for way in ways if all(way in track for track in ahead)}
        ours, copied = means.pop("network"), means["copy"]
        beats = ours > copied if key == "note_f1" else ours < copied
        rows.append((f"the next bar's {words}, mean of the tracks", f"{ours:{places}}", "",
                     several({ways[way]: f"{value:{places}}" for way, value in means.items()}),
                     aim("beats copying", beats)))  # fmt: skip
    return rows


def melody(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Reading held-out tunes; what composed ones are like."""
    figures = metrics["melody"]
    others, made, ours = dict(figures["test"]), figures["composed"], figures["test"]["shipped"]
    del others["shipped"]
    copied, real = made["copy"]["share_of_40"], made["real_copy"]["share_of_40"]
    return [
        ("next character right", share(ours["accuracy"]), "",
         several({name: share(row["accuracy"]) for name, row in others.items()}), aim("65%", ours["accuracy"] >= 0.65)),
        ("bits a character", f"{ours['bits_per_char']:.3f}", "",
         several({name: f"{row['bits_per_char']:.3f}" for name, row in others.items()}), ""),
        (f"of {made['tunes']} tunes whole, every bar full", share(made["whole"]), "",
         f"without the grammar: {share(made['unconstrained_whole'])}", aim("98%", made["whole"] >= 0.98)),
        ("key and meter as asked", f"{share(made['key'])}, {share(made['meter'])}", "", "",
         aim("100%", made["key"] == made["meter"] == 1)),
        ("ends on the tonic", share(made["ends_on_tonic"]), share(made["real_ends_on_tonic"]), "", ""),
        ("tunes with 40 characters of a training tune", share(copied), share(real), "", aim("under 1%", copied < 0.01)),
    ]  # fmt: skip


def trombone(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Pitch, length, and the distance to the recorded note."""
    figures = metrics["trombone"]
    ours, real, mel = figures["generated"], figures["tracker_on_real"], dict(figures["log_mel_db"])
    distance, speed = mel.pop("ours"), figures["times_real_time_one_thread"]
    judged, recorded, soundfont = (figures["judged"][name] for name in ("ours", "recorded", "soundfont"))
    thesis = figures["networks"].get("thesis", {})
    said = {key: f"the thesis's conditions: {share(thesis[key])}" if thesis else "" for key in ("in_tune", "length")}
    mel |= {"the thesis's conditions": thesis["log_mel"]} if thesis else {}
    tuned, long, faults = ours["within_25_cents"], ours["length_within_60_ms"], ours["clipped"] + ours["silent"]
    return [
        (f"of {ours['notes']} notes within 25 cents", share(tuned), share(real["within_25_cents"]), said["in_tune"],
         aim("95%", tuned >= 0.95)),
        ("length within 60 ms", share(long), share(real["length_within_60_ms"]), said["length"],
         aim("all", long == 1)),
        ("clipped or silent", str(faults), str(real["clipped"] + real["silent"]), "", aim("none", faults == 0)),
        ("log-mel distance to the recorded note, dB", f"{distance:.2f}", "0",
         several({name: f"{value:.2f}" for name, value in sorted(mel.items(), key=lambda item: item[1])}),
         aim("nearer than the soundfont", distance < mel["General MIDI soundfont's trombone"])),
        ("pairs of seeds told from pairs of takes", f"{judged['pairs_told']:.3f}", "",
         several({"chance": "0.500", "soundfont": f"{soundfont['pairs_told']:.3f}"}),
         aim("0.75", judged["pairs_told"] <= 0.75)),
        ("Fréchet distance to held-out notes", f"{judged['frechet']:.1f}", f"{recorded['frechet']:.1f}",
         f"soundfont: {soundfont['frechet']:.1f}",
         aim("1.47 × real", judged["frechet"] <= 1.47 * recorded["frechet"])),
        ("times real time, one thread", str(speed), "", "", aim("2", speed >= 2)),
    ]  # fmt: skip


def translation(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Means over both directions of the pairs with weights of their own."""
    pairs = [pair for name, pair in metrics.items() if name != "any"]
    ways = [way for pair in pairs for name, way in pair.items() if name != "real"]
    real = [value for pair in pairs for value in pair["real"].values()]
    words = {"swap": "untrained swap of profiles", "none": "no change", "equal": "static equalisation",
             "replay": "tracked and replayed by the soundfont"}  # fmt: skip

    def over(way: str, key: str) -> float:
        return mean(pair[way][key] for pair in ways)

    def row(measure: str, key: str, of_real: str, aims: str, places: str = ".3f") -> Row:
        measured = [way for way in words if all(key in pair.get(way, {}) for pair in ways)]
        beside = several({words[way]: f"{over(way, key):{places}}" for way in measured})
        return measure, f"{over('ours', key):{places}}", of_real, beside, aims

    def least(key: str, value: float, wording: str) -> str:
        return aim(wording, over("ours", key) >= value)

    heard, near, change = (mean(value[key] for value in real) for key in ("judged", "nearest", "change"))
    nearer = over("ours", "nearest") < over("swap", "nearest")
    as_real = abs(over("ours", "change") - change) < abs(over("swap", "change") - change)
    return [
        row("pitch within 50 cents of the source's", "f0", "1", least("f0", 0.95, "0.95")),
        row("loudness correlation", "loudness", "1", least("loudness", 0.9, "0.9")),
        row("judged the target instrument", "judged", f"{heard:.3f}", least("judged", 0.8 * heard, "80% of real")),
        row("there and back, judged the source", "cycle_judged", f"{heard:.3f}",
            least("cycle_judged", 0.88 * heard, "88% of real")),
        row("nearest real frame of the target, dB", "nearest", f"{near:.2f}", aim("nearer than the swap", nearer),
            ".2f"),
        row("frame-to-frame change, dB", "change", f"{change:.2f}", aim("closer to real than the swap", as_real),
            ".2f"),
    ]  # fmt: skip


ROWS = {
    "band": band,
    "player": player,
    "touch": touch,
    "variation": variation,
    "melody": melody,
    "trombone": trombone,
    "translation": translation,
}
