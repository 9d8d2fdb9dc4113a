"""The mail connection that a worker keeps open from message to message.

Over Django's own SMTP backend it speaks the protocol step by step, so that a connection that breaks
before the message was begun leaves nothing in doubt. Every other backend is called as Django does.
"""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from django.core.mail.backends import smtp

from . import batch, mail
from .batch import Batch
from .mail import EngagementMessage, Receipt, Verdict
from .pattern import Pattern, ReadyMessage

Message = EngagementMessage | ReadyMessage
_LINE_OF_DOTS = re.compile(rb"^\.", re.MULTILINE)  # A line of one dot would end the message.

MOST_MESSAGES = 500  # on one connection
MOST_IDLE = 5  # seconds, after which a server may have hung up without our noticing
MOST_PATTERNS = 200


class Line:
    """One connection, opened when it is needed and renewed when it may be broken."""

    def __init__(self) -> None:
        self._server: Any = None
        self._used = 0
        self._last = 0.0
        self._patterns: dict[Any, Pattern | None] = {}

    def pattern(self, key: Any, make: Callable[[], Pattern | None]) -> Pattern | None:
        """The pattern that goes by `key`, made when it is first asked for; the oldest go again."""
        if key not in self._patterns:
            if len(self._patterns) >= MOST_PATTERNS:
                del self._patterns[next(iter(self._patterns))]
            self._patterns[key] = make()
        return self._patterns[key]

    def ready(self) -> None:
        """See that the next message can go. Raises mail.ServerUnreachable: then nothing can."""
        idle = time.monotonic() - self._last
        if self._server is not None and (self._used >= MOST_MESSAGES or idle > MOST_IDLE):
            self.close()
        if self._server is None:
            self._server = mail.opened()
            self._used = 0
        self._last = time.monotonic()

    @property
    def takes_bytes(self) -> bool:
        """Whether messages may come ready as bytes: over Django's own SMTP backend alone."""
        return type(self._server) is smtp.EmailBackend

    def hand_over(self, message: Message) -> Receipt:
        """Give one message to the server and say what is known of it; raises nothing."""
        try:
            self.ready()
        except mail.ServerUnreachable as error:
            return Receipt(Verdict.UNABLE, reason=str(error))
        if self.takes_bytes:
            receipt = _by_smtp(self._server.connection, message)
        elif isinstance(message, ReadyMessage):  # The settings changed under our feet.
            receipt = Receipt(Verdict.RENEW, reason="another mail backend")
        else:
            receipt = mail.hand_over(self._server, message)
        if receipt.verdict == Verdict.UNABLE and self._used:
            # Many servers take so many messages on one connection and no more.
            receipt = Receipt(Verdict.RENEW, reason=receipt.reason)
        self._used += 1
        self._last = time.monotonic()
        if not receipt.verdict.leaves_connection_sound:
            self.close()
        return receipt

    def hand_over_together(self, together: Batch) -> list[Receipt] | None:
        """Give many people's messages to the provider in one call; None if they have to go apart."""
        try:
            self.ready()
        except mail.ServerUnreachable as error:
            return [Receipt(Verdict.UNABLE, reason=str(error))] * len(together.people)
        receipts = batch.hand_over(self._server, together)
        self._used += 1
        self._last = time.monotonic()
        if not all(receipt.verdict.leaves_connection_sound for receipt in receipts or ()):
            self.close()
        return receipts

    def close(self) -> None:
        if self._server is not None:
            mail.close(self._server)
            self._server = None


def _by_smtp(connection: smtplib.SMTP, message: Message) -> Receipt:
    """Hand a message over and know how far it came: nothing leaves before its body."""
    try:
        body = message.wire()
        sender, to = _bare(message.from_email), message.to[0]
        _refuse_breaks(sender, to)
    except Exception as error:  # noqa: BLE001  Whatever cannot be written was not sent.
        return Receipt(Verdict.REFUSED, reason=mail.scrub(error))
    verdict = Verdict.UNABLE  # should the connection break now
    try:
        connection.ehlo_or_helo_if_needed()
        refused = _envelope(connection, sender, to)
        if refused:
            return refused
        verdict = Verdict.UNKNOWN
        # In one piece: a small packet after a large one would wait for the other end's answer.
        end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
        connection.send(_LINE_OF_DOTS.sub(b"..", body) + end)
        code, text = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Receipt(verdict, reason=mail.scrub(error))
    if code == 250:
        return Receipt(Verdict.ACCEPTED)
    return _said(mail.of_replies([(code, text)]), code, text)


def _envelope(connection: smtplib.SMTP, sender: str, to: str) -> Receipt | None:
    """Say who writes to whom, up to where the body begins; return why that is refused.

    In one go where the server offers it: half the journeys for each message, and still never more
    than one body on its way. A server that would take the body for nobody is given an empty one.
    """
    commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"]
    at_once = connection.has_extn("pipelining")
    if at_once:
        connection.send("".join(f"{line}\r\n" for line in commands))
    refused: Receipt | None = None
    code = 0
    for place, command in enumerate(commands):
        if not at_once:
            connection.putcmd(command)
        try:
            code, text = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            if place == 0:
                raise
            # It took the sender and hangs up on this person: no reason for the others to wait.
            return refused or Receipt(Verdict.LATER, reason=mail.scrub(error))
        if code == (354 if place == 2 else 250) or (place == 1 and code == 251):
            continue
        if refused is None:
            verdict = Verdict.UNABLE if place == 0 else mail.of_replies([(code, text)])
            refused = _said(verdict, code, text)
        if not at_once:
            break
    if refused:
        _leave_clean(connection, is_open=code == 354)
    return refused


def _leave_clean(connection: smtplib.SMTP, *, is_open: bool) -> None:
    """End what was refused. A server that hangs up here has said what it had to say before."""
    try:
        if is_open:
            connection.send(b".\r\n")
            connection.getreply()
        connection.rset()
    except (OSError, smtplib.SMTPException):
        pass  # The next message finds the connection broken, before anything of it has left.


@lru_cache
def _bare(address: str) -> str:
    """The address without a name, as the envelope has it."""
    return parseaddr(address)[1]


def _refuse_breaks(*parts: str) -> None:
    """Raises ValueError for an address that would begin another command."""
    if any(not part.isascii() or not part.isprintable() or " " in part for part in parts):
        raise ValueError("an address that cannot stand in an envelope")


def _said(verdict: Verdict, code: int, text: bytes) -> Receipt:
    return Receipt(verdict, reason=mail.scrub_text(f"{code} {text.decode('utf-8', 'replace')}"))
