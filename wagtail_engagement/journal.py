"""The journal: what must not be forgotten, in a file that no restored database takes back.

One JSON object a line, of keyed hashes and uuids: no address, no name. The first line names the
journal. Whoever appends holds the file's lock and begins on a line of its own, also behind a line
that a full disk or a crash cut short; such a line is passed over when the journal is read.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows has no such lock; one worker at a time then.
    fcntl = None  # type: ignore[assignment]

Entry = dict[str, Any]

HEAD = "journal"
LONGEST_LINE = 2**20


class Unwritable(Exception):
    """The journal could not be added to: it is not there, is another one, or the disk is full."""


def create(path: str) -> str:
    """Begin a journal and return its name; where one is already, return the name of that.

    Raises Unwritable.
    """
    name = str(uuid.uuid4())
    try:
        with tempfile.NamedTemporaryFile(dir=Path(path).parent, prefix=".journal-") as file:
            file.write(_line({HEAD: name, "version": 1}))
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)  # All of the first line, or no file at all.
            except FileExistsError:
                return name_of(path)
    except OSError as error:
        raise Unwritable(error.strerror or type(error).__name__) from error
    return name


def may_begin(path: str) -> bool:
    """Whether a journal could be begun there."""
    return not Path(path).exists() and os.access(Path(path).parent, os.W_OK)


def name_of(path: str) -> str:
    """The name in a journal's first line; empty where there is no such file or no such line."""
    try:
        with Path(path).open("rb") as file:
            return _named(file.readline(LONGEST_LINE))
    except OSError:
        return ""


def size(path: str) -> int:
    """Bytes in the journal; 0 where it is not there."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def append(path: str, *, name: str, entries: Iterable[Entry], lasts: bool = False) -> None:
    """Add entries in one write; with `lasts` they are on the disk when this returns.

    All of them are added or none. Raises Unwritable, also where the file is another journal.
    """
    data = b"".join(map(_line, entries))
    try:
        # Unbuffered, and never made: a path that leads elsewhere must not begin another journal.
        handle = os.open(path, os.O_RDWR | os.O_APPEND)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)  # Until it is closed.
            if _named(file.read(256).partition(b"\n")[0]) != name:
                raise Unwritable("the file is another journal")
            _add(file, data)
            if lasts:
                os.fsync(file.fileno())
    except OSError as error:
        raise Unwritable(error.strerror or type(error).__name__) from error


def _add(file: Any, data: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        data = b"\n" + data
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        _cut_back(file, end)
        raise


def _cut_back(file: Any, end: int) -> None:
    try:
        file.truncate(end)
    except OSError:
        pass  # An append-only file keeps the torn line, which readers pass over.


def read(path: str, start: int = 0) -> Iterator[tuple[int, Entry | None]]:
    """Yield each whole line behind `start` with the offset behind it; None for what is no entry.

    A last line without its end is left for the next time. Raises OSError.
    """
    with Path(path).open("rb") as file:
        end = file.seek(start)
        while raw := _whole_line(file):
            end += len(raw)
            yield end, _entry(raw)


def _whole_line(file: IO[bytes]) -> bytes:
    raw = file.readline(LONGEST_LINE)
    return raw if raw.endswith(b"\n") or len(raw) == LONGEST_LINE else b""


def _entry(raw: bytes) -> Entry | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _named(raw: bytes) -> str:
    found = _entry(raw) or {}
    return str(found.get(HEAD, ""))


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":"), sort_keys=True).encode() + b"\n"
