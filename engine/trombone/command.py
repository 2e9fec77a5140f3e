"""Trombone on the command line.

python -m engine trombone --note Bb3 --seconds 2 --dynamic mf --seed 7 --out note.wav
python -m engine trombone --input tune.mid --legato --out tune.wav --out tune.mid
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from engine import Progress, RequestError
from engine.core.old import Result
from engine.core.pitch import note_name
from engine.core.song import Note, Song, Track
from engine.trombone import generate as trombone
from engine.trombone.phrasing import PROGRAM, melody, perform, read_song, scale, velocity_of
from engine.trombone.pitch import measured_cents


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Trombone's own options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--note", help="MIDI number or name: 58, Bb3, C#4")
    what.add_argument("--input", metavar="FILE", help="a melody to play: MIDI or ABC")
    parser.add_argument("--scale", action="store_true", help="a major scale up from --note, each note --seconds long")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of the note, %(default)s unless given")
    parser.add_argument("--dynamic", default=None, help="pp, p, mf, f or ff; a melody has its own unless given")
    parser.add_argument("--temperature", type=float, default=trombone.TEMPERATURE, help="chance, 0 (none) to 1.5")
    parser.add_argument("--legato", action="store_true", help="slur the melody's notes; else each is tongued")
    parser.add_argument("--eight-bit", action="store_true", help="write WAV of 8 bits a sample, as the thesis did")
    parser.add_argument("--tempo", type=float, default=None, help="quarter notes a minute of the melody")


def load(args: argparse.Namespace) -> trombone.Trombone:
    """The model of the command line."""
    return trombone.load(args.checkpoint or trombone.PATH, args.device)


def make(args: argparse.Namespace, model: trombone.Trombone, seed: int, progress: Progress) -> Result:
    """One note, or one melody."""
    began = time.perf_counter()
    dynamic = trombone.read_dynamic(args.dynamic) if args.dynamic is not None else None
    if args.input is not None or args.scale:
        if args.tempo is not None and not 20 <= args.tempo <= 400:
            raise RequestError(f"A tempo of {args.tempo:g} is outside 20 to 400 quarter notes a minute.")
        if args.scale:
            if args.note is None:
                raise RequestError("A scale needs --note, where it begins.")
            first = trombone.read_note(args.note)
            trombone.check(trombone.Asked(first, args.seconds))
            line = scale(first, args.seconds, 2.0 if dynamic is None else dynamic)
        else:
            line = melody(read_song(args.input), dynamic=dynamic, tempo=args.tempo)
        audio = perform(model, line, seed=seed, legato=args.legato, temperature=args.temperature, progress=progress)
        settings: dict[str, Any] = {
            "input": Path(args.input).name if args.input else None, "note": args.note, "scale": args.scale,
            "seed": seed, "legato": args.legato, "dynamic": args.dynamic,
            "seconds": args.seconds, "tempo": line.tempo, "temperature": args.temperature,
        }  # fmt: skip
        report: dict[str, Any] = {"notes": len(line.notes), "remarks": list(line.remarks)}
        song = line.song
    else:
        midi = trombone.read_note(args.note)
        name = args.dynamic or "mf"
        audio = trombone.generate(
            model, seed=seed, midi=midi, seconds=args.seconds, dynamic=name,
            temperature=args.temperature, progress=progress,
        )  # fmt: skip
        settings = {
            "note": midi, "seconds": args.seconds, "dynamic": name, "seed": seed, "temperature": args.temperature,
        }  # fmt: skip
        cents = measured_cents(audio.samples, midi)
        report = {"name": note_name(midi), "cents": None if cents is None else round(cents, 1)}
        song = song_of(midi, args.seconds, trombone.read_dynamic(name))
    spent = time.perf_counter() - began
    report |= {"length": round(audio.seconds, 3), "times_real_time": round(audio.seconds / spent, 2)}
    texts = {"wav": trombone.eight_bit(audio)} if args.eight_bit else {}
    return Result(song=song, audio=audio, texts=texts, settings=settings, report=report)


def song_of(midi: int, seconds: float, dynamic: float) -> Song:
    """One note as a song at 60 beats a minute."""
    return Song((Track("trombone", PROGRAM, False, (Note(0.0, seconds, midi, velocity_of(dynamic)),)),), tempo=60.0)


def options(folder: Path) -> dict[str, Any]:
    """Range, lengths and dynamics, for `list`."""
    return trombone.options(folder)
