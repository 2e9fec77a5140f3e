"""Takes: the library of what was made, in the person's data folder.

    <folder>/takes.db            SQLite: a row a take: name, recipe, star, tags, parents
    <folder>/files/<id>/         song.mid, sound.flac, text.abc …: its music
    <folder>/files/<id>/input.*  what it was made from, where its system needed a file

A take is whole or absent: its files are written in a folder that is renamed into place in the moment its row is
written. A crash in that moment leaves a folder that nothing names, swept a day later; a full disk is refused with one
sentence and leaves the library as it was. Every call opens its own connection (write-ahead log), so threads, tabs and
processes may share a library. Names are stored as text and never become paths.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine import RequestError
from engine.core.audio import Audio, read_audio, write_flac
from engine.core.home import home
from engine.core.midi import read_midi, write_midi
from engine.core.result import Result
from engine.core.song import Song

SONG, SOUND = "song.mid", "sound.flac"
BY_HAND = "by_hand"  # in the settings of a recipe, which file has the notes
MIX, LOCKS = "mix", "locks"  # the same: how its tracks are heard, and whose notes were to stay
CONTROLS = "controls"  # the same: those of its page, where the request does not say them
BESIDE = (BY_HAND, MIX, LOCKS, CONTROLS)  # what the request in a recipe knows nothing of
TEXTS = ("abc",)  # endings of texts that are kept; all else can be made from the song
FILE_NAME = re.compile(r"(song\.mid|sound\.flac|text\.[a-z0-9]{1,10}|input[a-z0-9-]{0,20}\.[a-z0-9]{1,10})")
MAX_NAME = 120  # characters
KEEP_DELETED_DAYS = 30
SCHEMA = """
create table if not exists takes (
    id text primary key, name text not null, system text not null, settings text not null, seed integer not null,
    checkpoint text not null, parents text not null, made text not null, starred integer not null default 0,
    tags text not null default '', deleted real
);
create index if not exists takes_made on takes (made);
"""


@dataclass(frozen=True)
class Recipe:
    """All that makes a take again on the same machine."""

    system: str
    settings: dict[str, Any]  # its request as JSON (core/request.py); a file in it is one of the take's
    seed: int
    checkpoint: str = ""  # sha256 of the weights

    @classmethod
    def of(
        cls, result: Result, mix: Mapping[str, Sequence[float]], locks: Sequence[str], controls: Mapping[str, Any]
    ) -> Recipe:
        """The recipe of a result. Where a hand changed its notes it says so, and which file holds them."""
        request = result.request
        beside = {BY_HAND: SONG if result.by_hand else "", MIX: dict(mix), LOCKS: list(locks), CONTROLS: dict(controls)}
        settings = request.to_json() | {name: value for name, value in beside.items() if value}
        return cls(request.SYSTEM, settings, request.seed, result.weights)

    @property
    def by_hand(self) -> bool:
        """Whether a hand changed the notes of what was asked for."""
        return BY_HAND in self.settings

    @property
    def mix(self) -> Any:
        """How its tracks are heard, as JSON from anywhere."""
        return self.settings.get(MIX)

    @property
    def controls(self) -> dict[str, Any]:
        """The controls of its page, by name."""
        controls = self.settings.get(CONTROLS)
        return controls if isinstance(controls, dict) else {}

    @property
    def locks(self) -> tuple[str, ...]:
        """The tracks that were locked."""
        locks = self.settings.get(LOCKS)
        return tuple(map(str, locks)) if isinstance(locks, list) else ()


@dataclass(frozen=True)
class Take:
    id: str
    name: str
    recipe: Recipe
    parents: tuple[str, ...]  # ids of the takes that it was made from
    made: str  # when, ISO 8601 in UTC
    starred: bool = False
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), compare=False)

    @property
    def has_song(self) -> bool:
        """Whether its notes are known."""
        return SONG in self.files

    @property
    def has_sound(self) -> bool:
        """Whether it is a sound of its own, not one rendered from its notes."""
        return SOUND in self.files


class Library:
    """The takes in one folder (by default the person's own), made where it is missing."""

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder else home()
        self.files = self.folder / "files"
        try:
            self.files.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RequestError(f"The library at {self.folder} cannot be opened: {error.strerror}.") from None
        with self._open() as database:
            database.execute("pragma journal_mode = wal")
            database.executescript(SCHEMA)
        self.sweep()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection and a transaction of its own; what SQLite cannot do is refused in words."""
        database = None
        try:
            database = sqlite3.connect(self.folder / "takes.db", timeout=10.0)
            with database:
                yield database
        except sqlite3.Error as error:
            raise RequestError(
                f"The library at {self.folder} did not take the change: {error}. Nothing was lost."
            ) from None
        finally:
            if database is not None:
                database.close()

    def keep(
        self,
        result: Result,
        *,
        name: str = "",
        parents: Sequence[str] = (),
        mix: Mapping[str, Sequence[float]] | None = None,
        locks: Sequence[str] = (),
        controls: Mapping[str, Any] | None = None,
    ) -> Take:
        """Keep a result with its request, which is its recipe, and the files that belong to that; beside them how it is
        heard ({track: (level, muted, alone)}), which of its tracks were locked, and the controls of its page.

        Refused, with the library as it was, when there is nothing to keep or the disk is full.
        """
        contents: dict[str, bytes] = {}
        if result.song is not None and result.song.notes:
            contents[SONG] = write_midi(result.song)
        if result.audio is not None and not result.audio.silent:
            contents[SOUND] = write_flac(result.audio)
        if not contents:
            raise RequestError("There is nothing to keep: no note and no sound.")
        contents |= {f"text.{ending}": result.text(ending) for ending in result.texts if ending in TEXTS}
        contents |= result.request.files
        name = _tidy(name) or _tidy(result.request.title)
        recipe = Recipe.of(result, mix or {}, locks, controls or {})
        take = self.add(uuid.uuid4().hex, name, recipe, tuple(parents), contents)
        assert take is not None  # its id is new
        return take

    def add(
        self,
        id: str,
        name: str,
        recipe: Recipe,
        parents: tuple[str, ...],
        contents: dict[str, bytes],
        *,
        made: str | None = None,
        starred: bool = False,
        tags: Sequence[str] = (),
    ) -> Take | None:
        """Add a take whole, with its files, under an id of 32 hex digits; None where that id is taken already."""
        for file in contents:
            if not FILE_NAME.fullmatch(file):
                raise ValueError(f"{file!r} is not a file of a take")
        made = made or datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        row = (
            *(id, name, recipe.system, json.dumps(recipe.settings), recipe.seed, recipe.checkpoint),
            *(" ".join(parents), made, int(starred), "\n".join(tags)),
        )
        unfinished, finished = self.files / f".{uuid.uuid4().hex}", self.files / id
        placed = False
        try:
            unfinished.mkdir()
            for file, content in contents.items():
                with open(unfinished / file, "wb") as out:
                    out.write(content)
                    out.flush()
                    os.fsync(out.fileno())
            with self._open() as database:
                if not database.execute(
                    "insert or ignore into takes (id, name, system, settings, seed, checkpoint, parents, made, starred,"
                    " tags) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                ).rowcount:
                    return None
                shutil.rmtree(finished, ignore_errors=True)  # of a crash: while this row is written, no other adds it
                os.replace(unfinished, finished)
                placed = True
        except BaseException as error:
            if placed:
                shutil.rmtree(finished, ignore_errors=True)
            if isinstance(error, OSError):
                raise RequestError(f"The take was not kept: {error.strerror}. What was there is unchanged.") from None
            raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return self.get(id)

    def get(self, id: str) -> Take:
        """The take of this id, deleted or not. Refused when there is none."""
        with self._open() as database:
            row = database.execute(f"select {COLUMNS} from takes where id = ?", (id,)).fetchone()
        if row is None:
            raise RequestError("That take is no longer in the library.")
        return self._take(row)

    def takes(self, search: str = "", *, starred: bool = False, deleted: bool = False) -> list[Take]:
        """Takes, the newest first, whose name, system or tags hold every word of `search`."""
        where, values = ["deleted is " + ("not null" if deleted else "null")], []
        if starred:
            where.append("starred")
        for word in search.split():
            where.append("(name || char(10) || system || char(10) || tags) like ? escape '\\'")
            values.append("%" + re.sub(r"([%_\\])", r"\\\1", word) + "%")
        with self._open() as database:
            rows = database.execute(
                f"select {COLUMNS} from takes where {' and '.join(where)} order by made desc, rowid desc", values
            ).fetchall()
        return [self._take(row) for row in rows]

    def _take(self, row: tuple[Any, ...]) -> Take:
        id, name, system, settings, seed, checkpoint, parents, made, starred, tags = row
        folder = self.files / id
        files = tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()
        recipe = Recipe(system, json.loads(settings), seed, checkpoint)
        return Take(
            id,
            name,
            recipe,
            tuple(parents.split()),
            made,
            bool(starred),
            tuple(tags.split("\n") if tags else ()),
            files,
        )

    def _change(self, id: str, column: str, value: Any) -> None:
        with self._open() as database:
            if not database.execute(f"update takes set {column} = ? where id = ?", (value, id)).rowcount:
                raise RequestError("That take is no longer in the library.")

    def rename(self, id: str, name: str) -> None:
        """Give a take another name, at most 120 characters of text on one line."""
        if not _tidy(name):
            raise RequestError("A take needs a name.")
        self._change(id, "name", _tidy(name))

    def star(self, id: str, starred: bool = True) -> None:
        """Mark a take, or take the mark away."""
        self._change(id, "starred", int(starred))

    def tag(self, id: str, tags: Sequence[str]) -> None:
        """Give a take these tags instead of those it had."""
        self._change(id, "tags", "\n".join(dict.fromkeys(filter(None, (_tidy(tag) for tag in tags)))))

    def delete(self, id: str) -> None:
        """Take a take out of sight; `restore` brings it back for 30 days."""
        self._change(id, "deleted", time.time())

    def restore(self, id: str) -> None:
        """Undo a deletion."""
        self._change(id, "deleted", None)

    def sweep(self) -> None:
        """Remove what was deleted 30 days ago and folders that a crash left without a row a day ago."""
        with self._open() as database:
            database.execute("delete from takes where deleted < ?", (time.time() - KEEP_DELETED_DAYS * 86_400,))
            known = {row[0] for row in database.execute("select id from takes")}
        for folder in self.files.iterdir():
            with suppress(FileNotFoundError):  # another process may be finishing or sweeping it
                if folder.name not in known and time.time() - folder.stat().st_mtime > 86_400:
                    shutil.rmtree(folder, ignore_errors=True)

    def read(self, take: Take, file: str) -> bytes:
        """A file of a take. Refused when it is not there."""
        if file not in take.files:
            raise RequestError(f"The take “{take.name}” has no {file}.")
        try:
            return (self.files / take.id / file).read_bytes()
        except OSError as error:
            raise RequestError(f"The take “{take.name}” cannot be read: {error.strerror}.") from None

    def song(self, take: Take) -> Song | None:
        """Its notes, where they are known."""
        return read_midi(self.read(take, SONG), name=take.name) if take.has_song else None

    def notes(self, take: Take) -> Song:
        """Its notes, with the tracks that rest. Refused where they are not known."""
        return read_midi(self.read(take, SONG), name=take.name, silent=True)

    def audio(self, take: Take) -> Audio | None:
        """Its own sound, where it has one."""
        return read_audio(self.read(take, SOUND), max_seconds=3_600, name=take.name) if take.has_sound else None

    def lineage(self, parents: Sequence[str]) -> list[Take]:
        """These parents, their parents and so on, the nearest first, each once; those no longer there are left out."""
        family: dict[str, Take] = {}
        wanted = list(parents)
        while wanted:
            id = wanted.pop(0)
            if id not in family:
                with suppress(RequestError):
                    family[id] = self.get(id)
                    wanted += family[id].parents
        return list(family.values())


COLUMNS = "id, name, system, settings, seed, checkpoint, parents, made, starred, tags"


def _tidy(name: str) -> str:
    """A name or tag as one line of printable text."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MAX_NAME]
