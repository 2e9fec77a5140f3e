"""The command line: all that the pages do, for scripts and batches.

    python -m engine list [--json]
    python -m engine band --genre jazz --seed 8 --bars 8 --out jazz.mid --out jazz.wav
    python -m engine listen --input hum.wav --out tune.mid

`--out` may be repeated; its ending chooses the format. A system's own options are the fields
of its request (engine/<system>/request.py).
`--input -` reads a pipe and `--out -` writes one (MIDI, or WAV of what is only a sound; `--out=-.abc` in another form):

    python -m engine melody --bars 8 --out - | python -m engine trombone --input - --out - \\
      | python -m engine translation --input - --from trombone --to cello --out cello.wav

Exit 0; or 2 with one line on stderr that says what is wrong, and no file written or changed;
or, stopped by Ctrl-C, 130 with one line.
"""

from __future__ import annotations

from engine.core import stop

if __name__ == "__main__":
    stop.listen()  # before the imports that take their time

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError, listen, play_on_one_thread
from engine.core import shell
from engine.core.commandline import PIPE, add_options, read_file, request_of, spelled
from engine.core.formats import Mix, endings, named, split
from engine.core.request import MAX_SEED, Contents, Request, fields
from engine.core.result import Music, Result
from engine.systems import PLAYED_BY, SYSTEMS, system

SHOWN = ("format", "sha256", "steps", "metrics")  # of a checkpoint, by `list`
MAX_COUNT = 1_000
LISTENS = "the notes, key, tempo and beats of a recording of one voice; the chords of a song"


def parser(name: str | None) -> argparse.ArgumentParser:
    """The command line's parser. Of the systems it knows the names, and of `name` the options too: no other is
    imported."""
    top = shell.Parser(prog="python -m engine", description="Make music with Bandstand's trained models.")
    kinds = top.add_subparsers(dest="command", required=True, parser_class=shell.Parser)
    listing = kinds.add_parser("list", help="systems, checkpoints, options, device and synthesiser")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listening = kinds.add_parser("listen", help=LISTENS, description=LISTENS)
    listening.add_argument("--out", action="append", default=[], metavar="FILE", help="as of all systems")
    listening.add_argument("--json", action="store_true", help="print notes, key, tempo and beats; chords of a song")
    listen.add_arguments(listening)
    for each, says in SYSTEMS.items():
        sub = kinds.add_parser(each, help=says, description=says)
        if each != name:
            continue
        module: Any = system(each)
        common = sub.add_argument_group("common to all systems")
        common.add_argument(
            "--count", type=int, default=1, help="make several, in numbered files, with seeds that follow"
        )
        known = ", ".join(endings(module.Request.CONTENTS))
        common.add_argument(
            "--out", action="append", default=[], metavar="FILE", help=f"may be repeated; - is a pipe; {known}"
        )
        common.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
        common.add_argument("--checkpoint", type=Path, help="a folder of weights instead of the shipped ones")
        common.add_argument("--soundfont", metavar="NAME", help="what plays songs: a name that `list` shows, or a file")
        common.add_argument("--json", action="store_true", help="print what was made, with settings and timings")
        add_options(sub, module.Request)
        if hasattr(module, "add_arguments"):
            module.add_arguments(sub)
    return top


def listing() -> dict[str, Any]:
    """What `list` prints: systems with their checkpoints and options, the device and the synthesiser."""
    from engine import device_name
    from engine.core.checkpoint import read_config
    from engine.core.render import available, synthesiser

    out: dict[str, Any] = {"device": device_name(), "synthesiser": str(synthesiser()),
                           "soundfonts": {name: str(path) for name, path in available().items()},
                           "systems": {}}  # fmt: skip
    for name in SYSTEMS:
        folders = sorted(path.parent for path in (CHECKPOINTS / PLAYED_BY.get(name, name)).rglob("config.json"))
        checkpoints = {}
        for folder in folders:
            try:
                config = read_config(folder)
                kept: dict[str, Any] = {key: config[key] for key in SHOWN if key in config}
            except RequestError as refusal:
                kept = {"damaged": str(refusal)}
            checkpoints[folder.relative_to(CHECKPOINTS).as_posix()] = kept
        entry: dict[str, Any] = {"checkpoints": checkpoints}
        if folders:
            try:
                entry["options"] = described(system(name).Request)
            except RequestError:
                entry["options"] = {}  # damaged, and said above
        out["systems"][name] = entry
    return out


def described(request: type[Request]) -> dict[str, Any]:
    """What can be asked for: the range (a tuple) or the choices (a list) of every field that has one, and what the
    weights decide."""
    out: dict[str, Any] = {}
    for field in fields(request):
        known = field.option
        if field.name != "seed" and known.low is not None and known.high is not None:
            out[field.flag[2:]] = (known.low, known.high)
        elif known.choices:
            out[field.flag[2:]] = list(known.choices)
    return out | request.learned()


def outputs(paths: list[str], count: int, contents: Contents) -> list[list[Path]]:
    """The files of each of `count` results: tune.mid becomes tune-1.mid, tune-2.mid, … where there are several.

    Refused before anything is made: an ending that is missing or no format of these contents, a folder that is not
    there, the same file twice.
    """
    piped = [text for text in paths if _piped(Path(text))]
    if piped and (len(piped) > 1 or count > 1):
        raise RequestError(f"--out {piped[0]}: only one result, in one form, can go into a pipe.")
    if piped and sys.stdout.isatty():
        raise RequestError(
            f"--out {piped[0]} writes for another program; put | and a command behind it, or name a file."
        )
    for text in paths:
        path = Path(text)
        if not path.suffix and text != PIPE:
            raise RequestError(f"--out {text} needs an ending that says the format, such as .mid or .wav.")
        if not path.parent.is_dir():
            raise RequestError(f"--out {text}: the folder {path.parent} does not exist.")
        if path.is_dir():
            raise RequestError(f"--out {text} is a folder; a file is wanted.")
        if text != PIPE:
            named(path, contents)
    if len({Path(text).resolve() for text in paths}) < len(paths):
        raise RequestError("--out names the same file twice.")
    if count == 1:
        return [[Path(text) for text in paths]]
    width = len(str(count))
    return [[_numbered(Path(text), f"{number:0{width}d}") for text in paths] for number in range(1, count + 1)]


def _piped(path: Path) -> bool:
    return split(path.name)[0] == PIPE


def _numbered(path: Path, number: str) -> Path:
    stem = split(path.name)[0]
    return path.with_name(f"{stem}-{number}{path.name[len(stem) :]}")


def run(arguments: list[str]) -> int:
    """Run one command line; the exit status."""
    args = parser(arguments[0] if arguments else None).parse_args(arguments)
    if args.command == "list":
        overview = listing()
        print(json.dumps(overview, indent=1) if args.json else _words(overview))
        return 0
    if args.command == "listen":
        return _listen(args)
    module: Any = system(args.command)
    if hasattr(module, "answer") and (answer := module.answer(args)) is not None:
        print(json.dumps(answer))
        return 0
    if not 1 <= args.count <= MAX_COUNT:
        raise RequestError(f"--count {args.count} is not between 1 and {MAX_COUNT}.")
    files = _asked(args, args.count, module.Request.CONTENTS)
    return _make(module, args, files)


def _asked(args: argparse.Namespace, count: int, contents: Contents) -> list[list[Path]]:
    """The files that are asked for. Refused where nothing would be kept, or two things go into one pipe."""
    files = outputs(args.out, count, contents)
    if not args.out and not args.json:
        raise RequestError("Nothing would be kept: name a file with --out, or ask for --json.")
    if args.json and any(map(_piped, files[0])):
        raise RequestError("--json and --out - both want the standard output; give one of them.")
    return files


def _listen(args: argparse.Namespace) -> int:
    [files] = _asked(args, 1, Contents())
    heard = listen.hear(read_file(args.input), args.tempo, args.tune_number)
    _write([(path, _content(heard, path, None)) for path in files])
    for remark in heard.remarks:
        print(remark, file=sys.stderr)
    if args.json:
        remarks = {"remarks": heard.remarks} if heard.remarks else {}
        print(json.dumps({**heard.report, **remarks, "files": list(map(str, files))}, ensure_ascii=False))
    return 0


def _make(module: Any, args: argparse.Namespace, files: list[list[Path]]) -> int:
    request = request_of(module.Request, args)
    if request.seed + args.count - 1 > MAX_SEED:
        raise RequestError(f"--count {args.count} from seed {request.seed} goes beyond {MAX_SEED}, the last seed.")
    began = time.perf_counter()
    model = module.load(args.checkpoint or request.checkpoint(), args.device)
    loaded = time.perf_counter()
    report = []
    heard = _player(args.soundfont)
    for number in range(args.count):
        started = time.perf_counter()
        result: Result = module.generate(model, replace(request, seed=request.seed + number), progress=_progress)
        finished = time.perf_counter()
        _write([(path, _content(result, path, args.soundfont)) for path in files[number]])
        settings = {name: value for name, value in result.request.to_json().items() if name not in ("format", "seed")}
        report.append(
            {
                "system": args.command,
                "seed": request.seed + number,
                "settings": settings,
                **result.report,
                **({"remarks": said} if (said := (*result.remarks, *heard)) else {}),
                "files": [str(path) for path in files[number]],
                "seconds": {
                    "load": round(loaded - began, 4),
                    "make": round(finished - started, 4),
                    "write": round(time.perf_counter() - finished, 4),
                },
            }
        )
        for remark in (*result.remarks, *heard):
            print(remark, file=sys.stderr)
    if args.json:
        print(json.dumps(report if args.count > 1 else report[0], ensure_ascii=False))
    return 0


def _player(soundfont: str | None) -> tuple[str, ...]:
    """What has to be said where a soundfont is asked for."""
    from engine.core.render import synthesiser

    return synthesiser(soundfont).remarks if soundfont else ()


def _content(result: Music, path: Path, soundfont: str | None) -> bytes:
    """A result as the file that is asked for; a pipe without an ending gets MIDI, or WAV of what is only a sound."""
    if path.name == PIPE:
        path = path.with_name("x.mid" if result.audio is None else "x.wav")
    return named(path, result.contents).write(result, Mix(soundfont=soundfont))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total} ", end="" if done < total else "\r", file=sys.stderr, flush=True)


def _write(contents: list[tuple[Path, bytes]]) -> None:
    """Write all files of a result, each whole; refused with the file's name when the disk will not take one."""
    from engine.core.checkpoint import write_whole

    for path, content in contents:
        try:
            if _piped(path):
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
            else:
                write_whole(path, content)
        except OSError as error:
            raise RequestError(f"{path} cannot be written: {error.strerror}.") from None


def _words(overview: dict[str, Any]) -> str:
    lines = [f"device       {overview['device']}", f"synthesiser  {overview['synthesiser']}",
             f"soundfonts   {', '.join(overview['soundfonts']) or 'none'}"]  # fmt: skip
    for name, entry in overview["systems"].items():
        lines.append(f"{name:<12} {', '.join(entry['checkpoints']) or 'no weights'}")
        for option, values in entry.get("options", {}).items():
            lines.append(f"             {option.replace('_', ' ')}: {spelled(values)}")
    return "\n".join(lines)


def main() -> None:
    play_on_one_thread()
    shell.run(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    main()
