"""Text files with one record a line: which encoding, which delimiter, and their rows."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TextIO

from charset_normalizer import from_bytes

from wagtail_engagement.imports.guarding import Refused

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What office programs save in, the most usual first: of several that fit, the first is taken.
_LIKELY = ("cp1252", "latin_1", "iso8859_15", "cp1250", "mac_roman", "cp850", "cp1251", "cp1253")
# What Polish or Czech letters become when they are read as Western ones.
_SIGN_IN_WORD = re.compile(r"[£¯³¹ª¿¼¾¥][^\W\d_]|[^\W\d_][£¯³¹ª¿¼¾¥]")
_DELIMITERS = (",", ";", "\t", "|", "^")
_SAMPLE = 2**18


def encoding_of(path: str) -> tuple[str, bool]:
    """The encoding of a text file, and whether that is certain rather than a guess."""
    with open(path, "rb") as file:
        head = file.read(4)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, True
    if (wide := _wide(path)) and _reads_as(path, wide):
        return wide, False
    if _reads_as(path, "utf-8"):
        return "utf-8", True
    alike = _fitting(_telling_lines(path))
    for name in sorted(_LIKELY, key=lambda name: name not in alike):
        if _reads_as(path, name):
            return name, False
    return "latin_1", False


def _wide(path: str) -> str:
    """UTF-16 that does not say so: every other byte of plain letters is nothing. "" for others."""
    with open(path, "rb") as file:
        head = file.read(_SAMPLE)
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) * 3 < len(head):
        return ""
    return "utf-16-le" if second > first else "utf-16-be"


def _fitting(lines: bytes) -> Sequence[str]:
    """The encodings that fit best, which all give the same letters here.

    Of several that fit alike, the one that offices here use: a few accents prove nothing.
    """
    found = from_bytes(lines, cp_isolation=list(_LIKELY))
    best = found.best()
    if best is None:
        return []
    usual = _LIKELY[0]
    for match in found:
        fits = match.chaos <= best.chaos and match.coherence >= best.coherence
        if fits and match.encoding == usual and not _SIGN_IN_WORD.search(str(match)):
            return [usual]
    return best.could_be_from_charset


def _telling_lines(path: str) -> bytes:
    """The lines that are not plain ASCII: only they tell one encoding from another."""
    found = bytearray()
    with open(path, "rb") as file:
        for line in iter(lambda: file.readline(2**16), b""):
            if not line.isascii():
                found += line
            if len(found) > _SAMPLE:
                break
    return bytes(found)


def _reads_as(path: str, encoding: str) -> bool:
    try:
        with open(path, encoding=encoding, newline="") as file:
            while file.read(2**20):
                pass
    except (UnicodeError, LookupError):
        return False
    return True


class Text:
    """A text file as rows; may be walked more than once.

    `encoding` and `delimiter` are those given, or else found; `certain` says of the encoding
    that it is not a guess. Raises Refused for what is no text.
    """

    def __init__(self, path: str, encoding: str | None, delimiter: str | None, most: int) -> None:
        self.path = path
        if encoding and not _reads_as(path, encoding):
            raise Refused("encoding", encoding=encoding)
        self.encoding, self.certain = (encoding, True) if encoding else encoding_of(path)
        csv.field_size_limit(most)
        self.nulls = 0  # left out so far, in the walk that went furthest
        self._record: list[str] = []
        with self._open() as file:
            sample = file.read(_SAMPLE)
        strange = sum(sample.count(chr(code)) for code in range(32) if code not in (9, 10, 12, 13))
        if strange > max(20, len(sample) // 50):
            raise Refused("not_a_sheet")
        if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise Refused("delimiter")
        self.delimiter = delimiter or _said(sample) or _likeliest(sample)

    def _open(self) -> TextIO:
        return open(self.path, encoding=self.encoding, newline="")

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Row number, from 1 and blank ones counted, and cells. A line `sep=;` is no row."""
        number = 0
        with self._open() as file:
            lines = self._lines(file)
            reader = csv.reader(lines, delimiter=self.delimiter)
            try:
                for number, cells in enumerate(reader, start=1):
                    self._whole = True
                    yield number, cells
            except csv.Error as error:
                raise Refused("long_cell", row=number + 1) from error
            self._check_end(number)

    def _lines(self, file: TextIO) -> Iterator[str]:
        nulls, self._whole = 0, True
        for place, line in enumerate(file):
            if place == 0 and _said(line):
                continue
            if "\0" in line:
                nulls += line.count("\0")
                self.nulls = max(self.nulls, nulls)
                line = line.replace("\0", "")
            if self._whole:
                self._record, self._whole = [], False
            self._record.append(line)
            yield line

    def _check_end(self, number: int) -> None:
        """Refuse a quotation mark that nothing closes: it would swallow all rows after it."""
        try:
            list(csv.reader(self._record, delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise Refused("open_quote", row=number) from error


def _said(text: str) -> str:
    """The delimiter that a first line `sep=;` names; "" without such a line."""
    line = text.split("\n", 1)[0].lstrip("\ufeff").rstrip("\r").strip('"')
    return line[4] if len(line) == 5 and line.lower().startswith("sep=") else ""


def _likeliest(sample: str) -> str:
    """The delimiter that cuts most rows into the same number of cells, and into most cells."""

    def evenness(delimiter: str) -> tuple[int, int]:
        if delimiter not in sample:
            return 0, 0
        widths = Counter(map(len, _some(sample.splitlines(keepends=True), delimiter)))
        widths.pop(0, None)
        widths.pop(1, None)
        width, rows = widths.most_common(1)[0] if widths else (0, 0)
        return rows, width

    return max(_DELIMITERS, key=evenness)


def _some(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from islice(csv.reader(lines, delimiter=delimiter), 200)
    except csv.Error:
        return


def facts(text: Text) -> Mapping[str, Any]:
    """What the person who uploaded it is shown."""
    return {
        "encoding": text.encoding,
        "delimiter": text.delimiter,
        "encoding_is_certain": text.certain,
    }
