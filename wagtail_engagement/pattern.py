"""A message written once as an SMTP server gets it, with holes for what differs between people.

Django builds and serialises a message in half a millisecond, which is most of what sending costs.
Here it does so once for many people, and each of them costs a few replacements. What it wrote is
taken as it is: where a hole cannot be found again in it, because a part was encoded, there is no
pattern and every message is built by itself.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from email.utils import formatdate, make_msgid
from typing import Any

from .mail import EngagementMessage

_PLAIN = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9.-]+")
_DATE = re.compile(rb"^Date: [^\r\n]*", re.MULTILINE)
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


class Pattern:
    """The bytes of a message, cut at its holes."""

    def __init__(self, from_email: str, domain: str, pieces: list[bytes], holes: list[str]) -> None:
        self._from_email = from_email
        self._domain = domain
        self._pieces = pieces
        self._holes = holes

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
        parts = [self._pieces[0]]
        for hole, piece in zip(self._holes, self._pieces[1:], strict=True):
            parts += (filled[hole], piece)
        return ReadyMessage(self._from_email, [to], b"".join(parts))


def pattern_of(message: EngagementMessage, *, holes: dict[str, str]) -> Pattern | None:
    """Return the pattern of a message to `hole_address()` in which each hole stands by a mark.

    `holes` are the marks by name. None where one of them cannot be found again.
    """
    written = message.wire()
    head, gap, rest = written.partition(b"\r\n\r\n")
    parts: list[Any] = list(message.alternatives)
    sources = "".join([str(message.body), *(str(part.content) for part in parts)])
    sources += "".join(map(str, message.extra_headers.values()))
    for mark in holes.values():
        if written.count(mark.encode()) != sources.count(mark):
            return None
    marks = {mark: name for name, mark in holes.items()} | {message.to[0]: TO}
    marks |= {"\0date": "date", "\0id": "id"}
    head, dates = _DATE.subn(b"\0date", head)
    head, ids = _ID.subn(b"\0id", head)
    if (dates, ids, head.count(message.to[0].encode())) != (1, 1, 1):
        return None
    cut = re.compile(b"(" + b"|".join(re.escape(mark.encode()) for mark in marks) + b")")
    found = cut.split(head + gap + rest)
    names = [marks[mark.decode()] for mark in found[1::2]]
    domain = message.from_email.rpartition("@")[2].strip("> ")
    return Pattern(message.from_email, domain, found[::2], names)


def hole_address() -> str:
    """An address that stands for everybody's, such as nobody has."""
    return f"{secrets.token_hex(12)}@example.com"
