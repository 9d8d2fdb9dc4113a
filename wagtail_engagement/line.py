"""The mail connection that a worker keeps open from message to message.

Over Django's own SMTP backend it speaks the protocol step by step, so that a connection that breaks
before the message was begun leaves nothing in doubt. Every other backend is called as Django does.
"""

from __future__ import annotations

import smtplib
import time
from email.utils import parseaddr
from typing import Any

from django.core.mail.backends import smtp

from . import mail
from .mail import EngagementMessage, Receipt, Verdict

MOST_MESSAGES = 500  # on one connection
MOST_IDLE = 5  # seconds, after which a server may have hung up without our noticing


class Line:
    """One connection, opened when it is needed and renewed when it may be broken."""

    def __init__(self) -> None:
        self._server: Any = None
        self._used = 0
        self._last = 0.0

    def ready(self) -> None:
        """See that the next message can go. Raises mail.ServerUnreachable: then nothing can."""
        idle = time.monotonic() - self._last
        if self._server is not None and (self._used >= MOST_MESSAGES or idle > MOST_IDLE):
            self.close()
        if self._server is None:
            self._server = mail.opened()
            self._used = 0
        self._last = time.monotonic()

    def hand_over(self, message: EngagementMessage) -> Receipt:
        """Give one message to the server and say what is known of it; raises nothing."""
        try:
            self.ready()
        except mail.ServerUnreachable as error:
            return Receipt(Verdict.UNABLE, reason=str(error))
        if type(self._server) is smtp.EmailBackend and self._server.connection:
            receipt = _by_smtp(self._server.connection, message)
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

    def close(self) -> None:
        if self._server is not None:
            mail.close(self._server)
            self._server = None


def _by_smtp(connection: smtplib.SMTP, message: EngagementMessage) -> Receipt:
    """Hand a message over and know how far it came: nothing leaves before its body."""
    try:
        body = message.wire()
    except Exception as error:  # noqa: BLE001  Whatever cannot be written was not sent.
        return Receipt(Verdict.REFUSED, reason=mail.scrub(error))
    has_begun = False
    try:
        connection.ehlo_or_helo_if_needed()
        code, text = connection.mail(parseaddr(message.from_email)[1])
        if code != 250:
            return _said(connection, Verdict.UNABLE, code, text)
        code, text = connection.rcpt(message.to[0])
        if code not in (250, 251):
            return _said(connection, mail.of_replies([(code, text)]), code, text)
        has_begun = True
        code, text = connection.data(body)
    except smtplib.SMTPDataError as error:  # DATA itself was refused: the body stayed here.
        return _said(
            connection, mail.of_replies([(error.smtp_code, error.smtp_error)]), *error.args
        )
    except (OSError, smtplib.SMTPException) as error:
        verdict = Verdict.UNKNOWN if has_begun else Verdict.UNABLE
        return Receipt(verdict, reason=mail.scrub(error))
    if code == 250:
        return Receipt(Verdict.ACCEPTED)
    return _said(connection, mail.of_replies([(code, text)]), code, text)


def _said(connection: smtplib.SMTP, verdict: Verdict, code: int, text: bytes) -> Receipt:
    """What the server said, and a clean slate for the next message."""
    if verdict.leaves_connection_sound:
        try:
            connection.rset()
        except (OSError, smtplib.SMTPException):
            pass  # The next message finds the connection broken, before anything of it has left.
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return Receipt(verdict, reason=mail.scrub_text(f"{code} {words}"))
