"""Checks on an uploaded file before anything parses it. Runs in the reader's child process."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn
from xml.parsers import expat

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_BINARY = (
    *(b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!"),
    *(b"{\\rtf", b"II*\0", b"MM\0*", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ\x90", b"SQLite format"),
)
_WEB_PAGE = (b"<html", b"<!doctype html", b"<table", b"<head", b"<body", b"<?xml", b"<meta")
_ENTITY = tuple("<!ENTITY".encode(name) for name in ("ascii", "utf-16-le", "utf-16-be"))
_KINDS = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".ods": "ods"}
_TEXTS = (".csv", ".tsv", ".tab", ".txt")
_PIECE = 2**16


class Refused(Exception):
    """Why a file cannot be read: a word that the parent turns into a sentence, and its facts."""

    def __init__(self, why: str, **facts: str | int) -> None:
        super().__init__(why)
        self.why, self.facts = why, facts


def kind_of(path: str, filename: str, limits: Mapping[str, Any]) -> str:
    """Tell csv, xlsx, xls or ods by the first bytes; they must agree with the file's name."""
    if os.stat(path).st_size > limits["max_bytes"]:
        raise Refused("large", limit=limits["max_bytes"])
    ending = os.path.splitext(filename)[1].lower()
    if ending not in _KINDS and ending not in _TEXTS:
        raise Refused("ending")
    with open(path, "rb") as file:
        head = file.read(_PIECE)
    if not head.strip(b"\xef\xbb\xbf \t\r\n\0;,"):
        raise Refused("empty")
    kind = _kind_of_bytes(path, head, limits)
    if _KINDS.get(ending, "csv") != kind:
        raise Refused("mismatch", ending=ending, kind=kind)
    return kind


def _kind_of_bytes(path: str, head: bytes, limits: Mapping[str, Any]) -> str:
    if head.startswith(_OLE):
        with open(path, "rb") as file:
            # The name of the stream that holds a workbook behind a password, as OLE spells it.
            if "EncryptedPackage".encode("utf-16-le") in file.read():
                raise Refused("password")
        return "xls"
    if head.startswith(_ZIP):
        return _kind_of_zip(path, limits)
    if head.startswith(_BINARY):
        raise Refused("not_a_sheet")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        raise Refused("web_page")
    return "csv"


def _kind_of_zip(path: str, limits: Mapping[str, Any]) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = _check_members(archive, limits)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Refused("damaged") from error
    except RuntimeError as error:  # zipfile's word for a member that asks for a password
        raise Refused("password") from error
    if "xl/workbook.bin" in names:
        raise Refused("not_a_sheet")
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "xlsx"
    if "content.xml" in names:
        _refuse_locked_ods(path)
        return "ods"
    raise Refused("not_a_sheet")


def _refuse_locked_ods(path: str) -> None:
    """An OpenDocument behind a password says so in its list of parts, and in no flag of the ZIP."""
    with zipfile.ZipFile(path) as archive:
        if "META-INF/manifest.xml" in archive.namelist():
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise Refused("password")


def _check_members(archive: zipfile.ZipFile, limits: Mapping[str, Any]) -> set[str]:
    """Unpack every member once, keeping nothing: what it says of its size may be a lie.

    zipfile never gives more bytes than a member declares, and a member that holds others
    than it declares fails its checksum.
    """
    members = archive.infolist()
    if len(members) > limits["max_members"]:
        raise Refused("unpacked")
    if sum(member.file_size for member in members) > limits["max_unpacked"]:
        raise Refused("unpacked")
    if any(member.flag_bits & 1 for member in members):
        raise Refused("password")
    left = limits["max_unpacked"]
    for member in members:
        tail = b""
        with archive.open(member) as file:
            while piece := file.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise Refused("unpacked")
                if any(word in tail + piece for word in _ENTITY):
                    raise Refused("entities")
                tail = piece[-20:]
    return {member.filename for member in members}


Start = Callable[[str, dict[str, str]], None]


def _refuse_entities(*_: Any) -> NoReturn:
    raise Refused("entities")


def _parse(
    archive: zipfile.ZipFile, name: str, start: Start, text: Callable[[str], None] | None = None
) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.EntityDeclHandler = _refuse_entities
    parser.StartElementHandler = lambda tag, given: start(tag.rpartition(" ")[2], _plain(given))
    if text:
        parser.CharacterDataHandler = text
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def _plain(given: dict[str, str]) -> dict[str, str]:
    """Attributes without their namespaces, which only get in the way here."""
    return {name.rpartition(" ")[2]: value for name, value in given.items()} if given else given


class Unseen(NamedTuple):
    """What nobody sees of a sheet: hidden rows (from 1) and columns (from 0), and how many
    formulas the file gives no result of."""

    rows: list[int]
    columns: list[int]
    formulas: int = 0


Hidden = dict[str, Unseen]


def hidden(path: str, kind: str, limits: Mapping[str, Any]) -> Hidden | None:
    """What is unseen, by sheet. None where nothing tells."""
    if kind == "csv":
        return {}
    if kind == "xls":
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            return _hidden_ods(archive) if kind == "ods" else dict(_hidden_xlsx(archive, limits))
    except KeyError:  # laid out in a way of its own
        return None
    except (expat.ExpatError, ValueError, zipfile.BadZipFile) as error:
        raise Refused("damaged") from error


def _hidden_xlsx(
    archive: zipfile.ZipFile, limits: Mapping[str, Any]
) -> Iterator[tuple[str, Unseen]]:
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def sheet(tag: str, given: dict[str, str]) -> None:
        if tag == "sheet":
            sheets.append((given["name"], given["id"]))

    def relation(tag: str, given: dict[str, str]) -> None:
        if tag == "Relationship":
            target = given["Target"]
            targets[given["Id"]] = target.lstrip("/") if target[0] == "/" else f"xl/{target}"

    _parse(archive, "xl/workbook.xml", sheet)
    _parse(archive, "xl/_rels/workbook.xml.rels", relation)
    names = set(archive.namelist())
    for name, key in sheets:
        part = os.path.normpath(targets.get(key, ""))
        if part in names:
            yield name, _hidden_in_worksheet(archive, part, limits)


class Formulas:
    """Counts the formulas of a sheet without a result: some programs leave that to Excel."""

    def __init__(self) -> None:
        self.empty = 0
        self.is_open = self._is_words = self._in_result = False

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "c":
            self.empty += self.is_open
            # A result of words may well be none.
            self.is_open, self._in_result = False, False
            self._is_words = given.get("t") == "str"
        elif tag == "f":
            self.is_open = not self._is_words
        elif tag == "v":
            self._in_result = True

    def text(self, _words: str) -> None:
        if self._in_result:
            self.is_open = False


def _hidden_in_worksheet(archive: zipfile.ZipFile, part: str, limits: Mapping[str, Any]) -> Unseen:
    rows: list[int] = []
    columns: set[int] = set()
    last = 0
    formulas = Formulas()

    def start(tag: str, given: dict[str, str]) -> None:
        nonlocal last
        formulas.start(tag, given)
        if tag == "row":
            last = int(given.get("r", last + 1))
            if given.get("hidden") in ("1", "true"):
                rows.append(last)
        elif tag == "col" and (given.get("hidden") in ("1", "true") or given.get("width") == "0"):
            first = int(given["min"]) - 1
            columns.update(range(first, min(int(given["max"]), first + limits["max_columns"])))

    _parse(archive, part, start, text=formulas.text)
    return Unseen(rows, sorted(columns), formulas.empty + formulas.is_open)


_ODS_MOST = 2**20  # rows of a sheet; the rest of a "repeated" number is padding


def _hidden_ods(archive: zipfile.ZipFile) -> Hidden:
    found: Hidden = {}
    rows: list[int] = []
    columns: list[int] = []
    row = column = 0

    def start(tag: str, given: dict[str, str]) -> None:
        nonlocal rows, columns, row, column
        gone = given.get("visibility") in ("collapse", "filter")
        if tag == "table":
            rows, columns, _ = found.setdefault(given.get("name", ""), Unseen([], []))
            row = column = 0
        elif tag == "table-column":
            many = int(given.get("number-columns-repeated", 1))
            if gone:
                columns.extend(range(column, min(column + many, 2**14)))
            column += many
        elif tag == "table-row":
            many = int(given.get("number-rows-repeated", 1))
            if gone:
                rows.extend(range(row + 1, min(row + many, _ODS_MOST) + 1))
            row += many

    _parse(archive, "content.xml", start)
    return found
