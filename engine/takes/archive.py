"""Takes as one zip, to carry between machines: takes.json and the files of each take in a folder of its id.

A zip from outside is hostile: sizes are checked before anything is unpacked, only the names that this file writes are
read, and nothing in it becomes a path.
"""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from collections.abc import Sequence
from typing import Any

from engine import RequestError
from engine.core.audio import read_audio
from engine.core.midi import read_midi
from engine.core.zipped import EPOCH
from engine.takes.library import FILE_NAME, SONG, SOUND, Library, Recipe, Take, _tidy

MAX_BYTES = 512 * 2**20  # unpacked
MAX_TAKES = 5_000
MAX_ENTRY = 64 * 2**10  # bytes of one take's words and settings
FORMAT = 1


def bytes_of(library: Library, takes: Sequence[Take]) -> int:
    """As large as a zip of these takes is at most."""
    files = [library.files / take.id / file for take in takes for file in take.files]
    return sum(file.stat().st_size for file in files if file.exists()) + MAX_ENTRY * len(takes)


def export(library: Library, takes: Sequence[Take]) -> bytes:
    """The zip of these takes."""
    entries = [
        {
            "id": take.id,
            "name": take.name,
            "system": take.recipe.system,
            "settings": take.recipe.settings,
            "seed": take.recipe.seed,
            "checkpoint": take.recipe.checkpoint,
            "parents": list(take.parents),
            "made": take.made,
            "starred": take.starred,
            "tags": list(take.tags),
            "files": list(take.files),
        }
        for take in takes
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        head = json.dumps({"format": FORMAT, "takes": entries}, indent=1, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo("takes.json", EPOCH), head, zipfile.ZIP_DEFLATED)
        for take in takes:
            for file in take.files:
                archive.writestr(zipfile.ZipInfo(f"{take.id}/{file}", EPOCH), library.read(take, file))
    return out.getvalue()


def unpack(library: Library, content: bytes, *, name: str = "The file") -> list[Take]:
    """Add the takes of a zip to a library and return them; one that is there already is left as it is, one that
    was deleted comes back.

    Refused, with nothing added, when it is not such a zip, is larger than 512 MiB unpacked, lacks a file, or holds
    music that cannot be read.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
            raise RequestError(f"{name} unpacks to more than {MAX_BYTES >> 20} MiB.")
        head = json.loads(archive.read("takes.json"))
        entries = head["takes"]
        if head["format"] > FORMAT:
            raise RequestError(f"{name} was exported by a newer Bandstand (format {head['format']}); update this one.")
        if len(entries) > MAX_TAKES:
            raise RequestError(f"{name} holds more than {MAX_TAKES:,} takes.")
        takes = [_entry(archive, entry) for entry in entries]
    except RequestError:
        raise
    except Exception:  # zip and JSON from outside fail in many ways, each meaning the same
        raise RequestError(f"{name} is not an export of takes, or a damaged one.") from None
    for take in takes:
        _check(take, name)
    deleted = {take.id for take in library.takes(deleted=True)}
    added = []
    for take in takes:
        if take["id"] in deleted:
            library.restore(take["id"])
            added.append(library.get(take["id"]))
        elif new := library.add(**take):
            added.append(new)
    return added


def _entry(archive: zipfile.ZipFile, entry: dict[str, Any]) -> dict[str, Any]:
    """One take's arguments for the library, every field checked for its type."""
    if len(json.dumps(entry, ensure_ascii=False, allow_nan=False).encode()) > MAX_ENTRY:  # fails on broken characters
        raise ValueError("more words than a take has")
    id = str(uuid.UUID(hex=entry["id"]).hex)
    files = {file: archive.read(f"{id}/{file}") for file in entry["files"] if FILE_NAME.fullmatch(file)}
    if not files.keys() & {SONG, SOUND}:
        raise ValueError("a take without music")
    if not isinstance(entry["settings"], dict) or not isinstance(entry["tags"], list):
        raise ValueError("a take without settings or tags")
    if not 0 <= int(entry["seed"]) < 2**63:
        raise ValueError("a seed that no system takes")
    return {
        "id": id,
        "name": _tidy(str(entry["name"])) or "Untitled",
        "recipe": Recipe(_tidy(str(entry["system"])), entry["settings"], int(entry["seed"]), str(entry["checkpoint"])),
        "parents": tuple(p for p in map(str, entry["parents"]) if re.fullmatch(r"[0-9a-f]{32}", p)),
        "contents": files,
        "made": _tidy(str(entry["made"])),
        "starred": bool(entry["starred"]),
        "tags": [tag for tag in map(_tidy, map(str, entry["tags"])) if tag],
    }


def _check(take: dict[str, Any], name: str) -> None:
    """Refused when the music of a take cannot be read."""
    called = f"“{take['name']}” in {name}"
    if SONG in take["contents"]:
        read_midi(take["contents"][SONG], name=called)
    if SOUND in take["contents"]:
        read_audio(take["contents"][SOUND], name=called)
