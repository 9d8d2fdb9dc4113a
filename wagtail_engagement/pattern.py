"""A message written once as an SMTP server gets it, with holes for what differs between people.

Django builds and serialises a message in half a millisecond, which is most of what sending costs.
Here it does so once for many people, and each of them costs a few replacements. What it wrote is
taken as it is, but for parts that it encoded: they are filled first and encoded anew. Where a hole
cannot be found again there is no pattern, and every message is built by itself.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate, make_msgid
from typing import Any

from .mail import EngagementMessage

_PLAIN = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9.-]+")
_DATE = re.compile(rb"^Date: [^\r\n]*", re.MULTILINE)
# Folded because the hole is long; what fills it need not be, and stands on one line (E01).
_FOLDED = re.compile(rb"^(List-Unsubscribe:) *\r\n +", re.MULTILINE)
_ID = re.compile(rb"^Message-ID: [^\r\n]*(\r\n [^\r\n]*)*", re.MULTILINE)
TO = "to"


@dataclass(frozen=True)
class ReadyMessage:
    """One person's message as bytes, with what the envelope says."""

    from_email: str
    to: list[str]
    body: bytes

    def wire(self) -> bytes:
        return self.body


@dataclass(frozen=True)
class _Section:
    """The head or a part of a message, cut at its holes, and how it is encoded once they are filled."""

    pieces: list[bytes]
    holes: list[str]
    encode: Callable[[bytes], bytes]

    def fill(self, filled: dict[str, bytes]) -> bytes:
        parts = [self.pieces[0]]
        for hole, piece in zip(self.holes, self.pieces[1:], strict=True):
            parts += (filled[hole], piece)
        return self.encode(b"".join(parts))


class Pattern:
    """The bytes of a message, cut at its holes."""

    def __init__(self, from_email: str, domain: str, sections: list[_Section]) -> None:
        self._from_email = from_email
        self._domain = domain
        self._sections = sections

    def fill(self, *, to: str, values: dict[str, str]) -> ReadyMessage | None:
        """Return one person's message; None for an address or a value that needs more care."""
        if not _PLAIN.fullmatch(to) or not all(value.isascii() for value in values.values()):
            return None
        filled = {
            **{name: value.encode() for name, value in values.items()},
            TO: to.encode(),
            "date": b"Date: " + formatdate().encode(),
            "id": b"Message-ID: " + make_msgid(domain=self._domain).encode(),
        }
        body = b"".join(section.fill(filled) for section in self._sections)
        return ReadyMessage(self._from_email, [to], body)


def pattern_of(message: EngagementMessage, *, holes: dict[str, str]) -> Pattern | None:
    """Return the pattern of a message to `hole_address()` in which each hole stands by a mark.

    `holes` are the marks by name. None where one of them cannot be found again.
    """
    head, gap, rest = message.wire().partition(b"\r\n\r\n")
    head = _FOLDED.sub(rb"\1 ", head)
    head, dates = _DATE.subn(b"\0date", head)
    head, ids = _ID.subn(b"\0id", head)
    if (dates, ids, head.count(message.to[0].encode())) != (1, 1, 1):
        return None
    marks = {mark: name for name, mark in holes.items()} | {message.to[0]: TO}
    marks |= {"\0date": "date", "\0id": "id"}
    cut = re.compile(b"(" + b"|".join(re.escape(mark.encode()) for mark in marks) + b")")
    sections = []
    for text, encode in ((head + gap, _as_it_is), *_decoded(head, rest)):
        found = cut.split(text)
        sections.append(_Section(found[::2], [marks[m.decode()] for m in found[1::2]], encode))
    parts: list[Any] = list(message.alternatives)
    sources = "".join([str(message.body), *(str(part.content) for part in parts)])
    sources += "".join(map(str, message.extra_headers.values()))
    again = [hole for section in sections for hole in section.holes]
    if any(again.count(name) != sources.count(mark) for name, mark in holes.items()):
        return None
    domain = message.from_email.rpartition("@")[2].strip("> ")
    return Pattern(message.from_email, domain, sections)


def _decoded(head: bytes, rest: bytes) -> Iterator[tuple[bytes, Callable[[bytes], bytes]]]:
    """The bodies behind the head as they read, each with what encodes it again.

    Django 6 encodes a part with one long line, and a hole in it could not be found again.
    """
    found = _BOUNDARY.search(head)
    if not found:
        yield rest, _as_it_is
        return
    line = b"--" + found.group(1)
    for place, part in enumerate(rest.split(line)):
        before = line if place else b""
        headers, gap, body = part.partition(b"\r\n\r\n")
        encoding = _ENCODING.search(headers)
        if not gap or not encoding:
            yield before + part, _as_it_is
            continue
        yield before + headers + gap, _as_it_is
        end = b"\r\n" if body.endswith(b"\r\n") else b""
        decode, encode = _ENCODINGS[encoding.group(1).lower()]
        yield decode(body.removesuffix(end)), encode
        yield end, _as_it_is


def _as_it_is(text: bytes) -> bytes:
    return text


def _quoted(text: bytes) -> bytes:
    written = binascii.b2a_qp(text.replace(b"\r\n", b"\n"), istext=True)
    return written.replace(b"\n", b"\r\n")


def _in_base64(text: bytes) -> bytes:
    return base64.encodebytes(text).strip().replace(b"\n", b"\r\n")


_BOUNDARY = re.compile(rb'boundary="?([^";\r\n]+)')
_ENCODING = re.compile(rb"Content-Transfer-Encoding: *(quoted-printable|base64)", re.IGNORECASE)
_ENCODINGS: dict[bytes, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    b"quoted-printable": (quopri.decodestring, _quoted),
    b"base64": (base64.decodebytes, _in_base64),
}


def hole_address() -> str:
    """An address that stands for everybody's, such as nobody has."""
    return f"{secrets.token_hex(12)}@example.com"
