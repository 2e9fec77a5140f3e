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
    "planner": "none had one: a song was phrases of four bars, each drawn anew.",
    "ranker": "none had one: what was drawn was played.",
    "touch": "none had one: every note was as hard as the others.",
    "variation": "five VAEs and two predictors, shown in plots; the predictors' form was trained anew for the table.",
    "melody": "54% validation accuracy on Nottingham's tunes alone, with 2 × 128 LSTM units; its tunes often did not "
    "parse.",
    "trombone": "its unconditioned networks, one a note, clipped; its conditioned generator never ran. Its conditions "
    "(note and samples left) were trained here for the table.",
    "translation": "a plan of a CycleGAN of LSTMs that ran out of memory on a laptop: no figure.",
}

OTHER_CHORDS, OTHER_PART = "another song's chords", "another song's part"
OTHER_SONGS, SHUFFLED_BARS = "other songs", "songs, their bars in any order"
TUNES = {"tonal distance": "its tonal distance to the band", "clashes": "beats in which the band clashes with it",
         "chords agree": "half bars whose chords are the written ones"}  # fmt: skip
Row = tuple[str, str, str, str, str]  # measure, ours, real, beside it, aim
COLUMNS = ("measure", "ours", "real", "beside", "aim")
HEAD: Row = ("", "ours", "real, held out", "beside it", "aim")


def figures_of(name: str, configs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the report's text and the page Inside say of a system, from its checkpoints' configs by folder name."""
    metrics = {folder: config["metrics"] for folder, config in configs.items() if config.get("metrics")}
    rows = ROWS[name](metrics) if len(metrics) == len(configs) else []
    curves = {folder: config["curves"] for folder, config in configs.items() if config.get("curves")}
    trained = any("steps" in config for config in configs.values())
    return {"rows": [dict(zip(COLUMNS, row)) for row in rows], "seed": SEED[name], "trained": trained, "curves": curves}


def summary(figures: dict[str, Any]) -> str:
    """The table of a system, and a sentence on the seed project."""
    rows = [tuple(row.values()) for row in figures["rows"]]
    text = table(HEAD, rows) if rows else "Not all of its weights are measured yet."
    return f"{text}\n\nThe seed project: {figures['seed']}\n\n{learned(figures)}"


def learned(figures: dict[str, Any]) -> str:
    """Where the curves of a system's weights begin and end, a sentence for each of its checkpoints."""
    if not figures["trained"]:
        return "It has no weights of its own."
    said = []
    for folder, known in figures["curves"].items():
        ends = (f"{words} {one['value'][0]:.3f} to {one['value'][-1]:.3f}" for words, one in known.items())
        steps = max(int(one["step"][-1]) for one in known.values())
        said.append(f"How {folder} learned, in {steps:,} steps: {'; '.join(ends)}.")
    return "\n\n".join(said) or "How it learned was not kept: the log of its training is gone."


def share(value: float) -> str:
    return f"{value:.1%}"


def several(values: dict[str, str]) -> str:
    """Named values in one cell, a line each."""
    return "<br>".join(f"{name}: {value}" for name, value in values.items())


def aim(words: str, reached: bool) -> str:
    """An aim, and whether it was reached."""
    return f"{words}: {'reached' if reached else '**missed**'}"


def band(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """How often it is told from real songs, MuseGAN's measures, genres, form, variety, copies, what it follows."""
    figures = metrics["band"]
    critic = figures["critic"]
    score, touched = critic["score"], critic["with_touch"]
    rows = [("told from real songs by the score", f"{score:.3f}", f"{critic['control']:.3f}", "chance: 0.5",
             aim("0.80 at most", score <= 0.8)),
            ("told with touch", f"{touched:.3f}", "", "", aim("0.85 at most", touched <= 0.85)),
            playing(critic["parts"])]  # fmt: skip
    rows += [(f"{family} alone", f"{right:.3f}", "", "", "") for family, right in critic["by_family"].items()]
    for part, rows_of in (("tracks", phrases), ("judged", genres), ("form", form)):
        rows += rows_of(figures) if part in figures else []
    rows += steered(figures["steered"]) if "steered" in figures else []
    if anew := figures.get("anew"):
        rows.append(("two bars written anew by all who play, called real", f"{anew['anew']:.3f}", "",
                     f"another song's bars: {anew['another']:.3f}",
                     aim("a half, by chance", anew["anew"] >= 0.5)))  # fmt: skip
    if jam := figures.get("jam"):
        ours, pieces, loops = jam["jam"]["score"], jam["pieces"]["score"], jam["loops"]
        rows += [("eight bars of a jam told from real songs by the score", f"{ours:.3f}", "",
                  f"Band's pieces: {pieces:.3f}", aim("no more than these, within 0.05", ours <= pieces + 0.05)),
                 ("bars in the longest loop of a jam", str(loops["jams"]), str(loops["songs"]), "",
                  aim("no longer than a real song's", loops["jams"] <= loops["songs"]))]  # fmt: skip
    return rows


def playing(parts: list[tuple[str, float, float]]) -> Row:
    """How far the bass on one, chords' ends, rhythms that are kept and leaps are from real ones, the farthest part."""
    told = ("bass on one", "chords end together", "rhythm kept", "line leaps")
    gap, part = max((100 * abs(made / real - 1), name) for name, real, made in parts if name.startswith(told))
    return ("bass on one, chords' ends, rhythms kept, leaps: the widest gap", f"{gap:.1f} % ({part})", "", "",
            aim("within 15 %", gap <= 15))  # fmt: skip


def phrases(figures: dict[str, Any]) -> list[Row]:
    """Gaps to real phrases on the worst track, harmony, variety, copies."""
    real, made = figures["tracks"]["real"], figures["tracks"]["made"]
    rows = []
    for name, words, relative, most in (
        ("QN3 %", "notes of three sixteenths or more, the worst track's gap to real", False, 10),
        ("QN2 %", "notes of two sixteenths or more, the worst track's gap", False, 10),
        ("EB %", "empty bars, the worst track's gap", True, 15),
        ("UPC", "pitch classes a bar, the worst track's gap", True, 15),
        ("DP8 %", "drums on the eighths, their gap", False, 5),
    ):  # fmt: skip
        gaps = {track: abs(made[track][name] - value[name]) * (100 / (value[name] or 1) if relative else 1)
                for track, value in real.items() if name in value}  # fmt: skip
        track, unit = max(gaps, key=lambda each, gaps=gaps: gaps[each]), "%" if relative else "points"
        beside = "MuseGAN's published gap: 18 to 26 points" if name == "QN3 %" else ""
        rows.append((words, f"{gaps[track]:.1f} {unit} ({track})", "", beside,
                     aim(f"within {most} {unit}", gaps[track] <= most)))  # fmt: skip
    td, distance = figures["tonal_distance"], figures["feature_distance"]
    variety, copied = figures["variety"], figures["copies"]
    return [
        *rows,
        ("tonal distance between the tracks", f"{td['made']:.3f}", f"{td['real']:.3f}",
         f"real tracks shuffled between phrases: {td['real, tracks shuffled']:.3f}",
         aim("within 0.05", abs(td["made"] - td["real"]) <= 0.05)),
        ("feature distance to held-out phrases", f"{distance['made']:.1f}", f"{distance['songs to other songs']:.1f}",
         "", ""),
        ("how far two phrases of a style lie apart", f"{variety['made']:.2f}", f"{variety['real']:.2f}", "",
         aim("as songs, within 5%", abs(variety["made"] / variety["real"] - 1) <= 0.05)),
        ("two bars of the band that are in the training songs, in whatever key", f"{copied['made']:.2%}",
         f"{copied['real']:.2%}", "", aim("no more than real", copied["made"] <= copied["real"])),
    ]  # fmt: skip


def genres(figures: dict[str, Any]) -> list[Row]:
    """How often each genre is heard as what it is, by a classifier that learned from real songs."""
    judged = figures["judged"]
    right = {who: [row[n] for n, row in enumerate(judged[who])] for who in ("real", "made")}
    each = zip(judged["genres"], right["made"], right["real"])
    return [("genre judged right", share(mean(right["made"])), share(mean(right["real"])),
             f"chance: {1 / len(judged['genres']):.1%}", ""),
            *((f"{genre} is heard as {genre}", share(made), share(real), "", aim("0.9 of real's", made >= 0.9 * real))
              for genre, made, real in each)]  # fmt: skip


def form(figures: dict[str, Any]) -> list[Row]:
    """The form of pieces of 32 bars."""
    made, real = (figures["form"][who] for who in ("made", "real"))
    least = {"bars that return": 0.7, "whole bars that return": 0.7, "ends at home": 0.9}
    return [(f"32 bars: {name}", f"{value:.3f}", f"{real[name]:.3f}", "",
             aim(f"{least[name]} of real", value >= least[name] * real[name]) if name in least else "")
            for name, value in made.items()]  # fmt: skip


def steered(figures: dict[str, Any]) -> list[Row]:
    """How the player follows chords and tunes that are given."""
    over = figures["chords"]["all"]
    rows = [
        (f"given chords, {what}", f"{over[key]:.3f}", f"{over[real]:.3f}", f"{OTHER_CHORDS}: {over[other]:.3f}",
         aim("within 0.05", abs(over[key] - over[real]) <= 0.05))
        for what, key, real, other in (
            ("share of the time in which they sound", "chord tones", "real", "other chords"),
            ("the bass on the root in their first beat", "bass on root", "bass, real", "bass, other chords"),
        )
    ]  # fmt: skip
    for source in ("POP909", "Nottingham"):
        ours, real, other = (figures["tunes"].get(f"{source}, {who}", {})
                             for who in ("chords written", "real", "another tune's band"))  # fmt: skip
        if not ours:  # so few tunes that none could be followed
            continue
        for key, places, reached in (
            ("tonal distance", ".2f", aim("within 0.1", abs(ours["tonal distance"] - real["tonal distance"]) <= 0.1)
             if real else ""),
            ("clashes", ".1%", aim("at most 2% of beats", ours["clashes"] <= 0.02)),
            ("chords agree", ".2f", aim("0.75", ours["chords agree"] >= 0.75)),
        ):  # fmt: skip
            rows.append((f"a tune of {source}, {TUNES[key]}", f"{ours[key]:{places}}",
                         f"{real[key]:{places}}" if real else "",
                         f"another tune's band: {other[key]:{places}}" if other else "", reached))  # fmt: skip
    if critic := figures.get("critic"):
        free, given = critic["played freely"], critic["over given chords"]
        rows.append(("told from real songs over given chords", f"{given:.3f}", "", f"played freely: {free:.3f}",
                     aim("no more than freely, within 0.02", given <= free + 0.02)))  # fmt: skip
    return rows


def player(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """What it follows, whether it copies, how well it reads."""
    figures = metrics["player"]
    chords, parts, copies = (figures[name] for name in ("chords", "parts", "copies"))
    return [
        ("given chords, share of the time in which they sound", f"{chords['made']:.3f}", f"{chords['real']:.3f}",
         f"{OTHER_CHORDS}: {chords[OTHER_CHORDS]:.3f}",
         aim("within 0.05", abs(chords["made"] - chords["real"]) <= 0.05)),
        ("a part filled in, its tonal distance to the band", f"{parts['made']:.3f}", f"{parts['real']:.3f}",
         f"{OTHER_PART}: {parts[OTHER_PART]:.3f}", aim("within 0.1", abs(parts["made"] - parts["real"]) <= 0.1)),
        ("two bars of a part that are in the training songs, wherever they lie", f"{copies['made']:.1%}",
         f"{copies['real']:.1%}", "", aim("no more than real", copies["made"] <= copies["real"])),
        ("nats a token", f"{figures['nats']:.3f}", "", "", ""),
        *((f"nats, {name}", f"{value:.2f}", "", "", "") for name, value in figures["nats_by_kind"].items()),
    ]  # fmt: skip


def planner(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """How far drawn plans are from those of songs."""
    ours, others, shuffled = (metrics["planner"]["apart"][who] for who in ("drawn", OTHER_SONGS, SHUFFLED_BARS))
    return [(f"plans' shares apart from songs' (0 to 2), {name}", f"{ours[name]:.3f}", f"{others[name]:.3f}",
             f"{SHUFFLED_BARS}: {shuffled[name]:.3f}", "") for name in ours]  # fmt: skip


def ranker(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """How often a song scores higher than what is played, before and after choosing."""
    once, chosen = (metrics["ranker"]["told"][name] for name in ("drawn once", "chosen"))
    return [(f"a song scores higher than the chosen of eight, {genre}", f"{chosen[genre]:.3f}", "",
             several({"than what was drawn once": f"{once[genre]:.3f}", "chance": "0.5"}), "")
            for genre in chosen]  # fmt: skip


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
    together = metrics["k64"].get("harmony", {}).get("noise", {}).get("1")
    if together:
        rows.append(("tonal distance of the tracks at noise 1, of the song's; songs that keep their key",
                     f"{together['distance']:.2f}, {share(together['key'])}", "1.00, 100.0%", "",
                     aim("1.03, 90%", together["distance"] <= 1.03 and together["key"] >= 0.9)))  # fmt: skip
    ways = dict(metrics.get("k32", {}).get("continuation", {}).get("ways", {}))
    if ways:
        ours, came = ways.pop("player"), ways.pop("what came")
        for words, key in (("pitched F1", "f1"), ("same chord", "chord"), ("rhythm F1", "rhythm"), ("notes", "notes"),
                           ("bars again", "again")):  # fmt: skip
            rows.append((f"eight bars more: {words}", f"{ours[key]:.3f}", f"{came[key]:.3f}",
                         several({way: f"{found[key]:.3f}" for way, found in ways.items()}), ""))  # fmt: skip
        rows.append(("eight bars more: called real by the judge", share(ours["real"]), "50.0%",
                     several({way: share(found["real"]) for way, found in ways.items()}), ""))  # fmt: skip
    return rows


def melody(metrics: dict[str, dict[str, Any]]) -> list[Row]:
    """Reading held-out tunes; what composed ones are like."""
    figures = metrics["melody"]
    others, made, ours = dict(figures["test"]), figures["composed"], figures["test"]["shipped"]
    seams = figures["seams"]
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
        (f"bits a character behind two bars written anew, {seams['tunes']} tunes", f"{seams['written']:.3f}",
         f"{seams['real']:.3f}", several({"the first of eight ways": f"{seams['first']:.3f}",
                                          "another tune's bars": f"{seams['other']:.3f}"}), ""),
        *_judged(figures.get("judged")),
    ]  # fmt: skip


def _judged(figures: dict[str, Any] | None) -> list[Row]:
    """How often composed tunes are told from held-out ones of the same types, by candidates."""
    if not figures:
        return []
    *before, (number, best) = figures["by"].items()
    told = {f"of {count}": f"{found['right']:.3f}" for count, found in before}
    rows = [(f"told from real tunes, the critic's choice of {number}", f"{best['right']:.3f}", "0.500", several(told),
             aim("0.75", best["right"] <= 0.75)),
            ("runs of eight notes that training tunes have, in any key", share(best["copies"]),
             share(figures["real_copies"]), "",
             aim("as real tunes", best["copies"] <= figures["real_copies"]))]  # fmt: skip
    if best["by_kind"]:
        kind = max(best["by_kind"], key=best["by_kind"].__getitem__)
        rows.insert(1, (f"… of the type told most: {kind}", f"{best['by_kind'][kind]:.3f}", "0.500", "", ""))
    return rows


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
    """Means over all directions, the least of targets and sources, and the ways beside over a direction a target."""
    figures = metrics["translation"]
    ways, real, targets, sources = (figures[key] for key in ("ways", "real", "targets", "sources"))
    words = {"swap": "untrained swap of profiles", "none": "no change", "equal": "static equalisation",
             "replay": "tracked and replayed by the soundfont"}  # fmt: skip

    def of_real(key: str) -> float:
        return mean(row[key] for row in real.values())

    def row(measure: str, key: str, of_real: str, aims: str, places: str = ".3f") -> Row:
        beside = several({words[way]: f"{ways[way][key]:{places}}" for way in words if key in ways[way]})
        return measure, f"{ways['ours'][key]:{places}}", of_real, beside, aims

    def least(table: dict[str, dict[str, float]], value: float) -> tuple[str, str]:
        name = min(table, key=lambda each: table[each]["share"])
        share = table[name]["share"]
        return f"{share:.3f} ({name})", aim(f"{value}", share >= value)

    ours, swap = ways["ours"], ways["swap"]
    least_target, target_aim = least(targets, 0.9)
    least_source, source_aim = least(sources, 0.8)
    lost, highest = of_real("rise_lost"), max(row["octaves"] for row in real.values())
    return [
        row("pitch within 50 cents of the source's", "f0", "1", aim("0.95", ours["f0"] >= 0.95)),
        row("loudness correlation", "loudness", "1", aim("0.9", ours["loudness"] >= 0.9)),
        row("judged the target instrument", "judged", f"{of_real('judged'):.3f}", ""),
        ("the least target, as a share of real recordings of it", least_target, "1", "", target_aim),
        ("the least source, as such a share", least_source, "1", "", source_aim),
        row("nearest real frame of the target, dB", "nearest", f"{of_real('nearest'):.2f}",
            aim("nearer than the swap", ours["nearest"] < swap["nearest"]), ".2f"),
        ("rise of onsets lost by resynthesis alone, dB", f"{lost:.2f}", "0", "", aim("0.5", abs(lost) <= 0.5)),
        ("frames an octave off, the most of an instrument", share(highest), "", "", aim("1%", highest <= 0.01)),
    ]  # fmt: skip


ROWS = {rows.__name__: rows
        for rows in (band, player, planner, ranker, touch, variation, melody, trombone, translation)}  # fmt: skip
