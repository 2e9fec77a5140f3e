"""What comes from outside, as bytes: its size is looked at before anything is read, and parsed by nobody here."""

from __future__ import annotations

from pathlib import Path

from engine import RequestError


def content_of(source: bytes | Path | str, name: str, most_bytes: int) -> tuple[bytes, str]:
    """(content, what to call it) of bytes or of a file. Refused when it is empty, unreadable or larger than the limit.

    `name` begins every refusal; a path's own name takes its place where it is only "The file".
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        name = path.name if name == "The file" else name
        try:
            size = path.stat().st_size
            source = path.read_bytes() if size <= most_bytes else b""
        except OSError as error:
            raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
    else:
        size = len(source)
    if not size:
        raise RequestError(f"{name} is empty.")
    if size > most_bytes:
        raise RequestError(f"{name} is larger than {most_bytes >> 20} MiB, the most that is taken.")
    return source, name
