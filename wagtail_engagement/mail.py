"""The one way a message leaves: the connection, the message class, and what became of it."""

from __future__ import annotations

import email.policy
import re
import smtplib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.utils import formataddr, parseaddr
from enum import Enum
from typing import Any

import django
from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from . import conf

# What anymail raises before it asks the provider, or when the provider said no to the address.
NOT_SENT = (
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
# What anymail calls a message that the provider answered with a no, and will not try.
NOT_TAKEN = {"invalid", "rejected", "failed"}
# SMTP codes that speak of us and not of one address: too busy, out of room, no more for now (SES).
THROTTLED = (421, 452, 454)
LONGEST_REASON = 2000  # as it is read; far less is kept
_TOO_MUCH = re.compile(r"throttl|too (many|much|fast)|rate|quota|limit", re.IGNORECASE)
# An address also as it stands in a web address or a bounce, and with a quoted part before the @.
_ADDRESS = re.compile(r"""(?:"[^"]*"|[^\s<>:;,"']+)(?:@|%40|=40)[^\s<>:;,"']+""", re.IGNORECASE)
_TOKEN = re.compile(r"(?<=[/=])[\w-]{22}(?:[\w-]{21})?(?![\w-])", re.ASCII)  # of a link in the mail


class Verdict(Enum):
    """What we know of one message after handing it over."""

    ACCEPTED = "accepted"  # The server said yes.
    REFUSED = "refused"  # The server said no, and would again.
    LATER = "later"  # The server said no for now, or was never reached: nothing left.
    UNABLE = "unable"  # The server was not there, or turns all of us away: nothing left.
    RENEW = "renew"  # This connection has come to its end: nothing left, and a new one may do.
    UNKNOWN = "unknown"  # It may or may not have left; only a person or a webhook can tell.

    @property
    def leaves_connection_sound(self) -> bool:
        """Whether the next message may use the same connection, or should get a new one."""
        return self in (Verdict.ACCEPTED, Verdict.REFUSED)


@dataclass(frozen=True)
class Receipt:
    verdict: Verdict
    provider_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Sender:
    """A name to stand before the site's own address, and where answers go."""

    name: str = ""
    reply_to: str = ""


class NotHandedOver(Exception):
    """A backend of ours could not hand a message over; `verdict` says what is known of it."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict


class ServerUnreachable(Exception):
    """The mail server could not be reached, so that certainly nothing was sent."""


class _UnfoldedHeader(UnstructuredHeader, BaseHeader):
    """A header on one line. Django 6 would encode a long URL, and mail programs then ignore it."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_registry = HeaderRegistry()
_registry.map_to_type("list-unsubscribe", _UnfoldedHeader)
_registry.map_to_type("list-id", _UnfoldedHeader)


class EngagementMessage(EmailMultiAlternatives):
    """A message to one bare address, whose List-Unsubscribe is never folded (E01)."""

    # Read by anymail: nobody is watched opening a mail or following its links (P14).
    track_opens = False
    track_clicks = False

    def message(self, **options: Any) -> Any:
        if django.VERSION >= (6, 0):
            policy = options.get("policy", email.policy.default)
            options["policy"] = policy.clone(header_factory=_registry)
        return super().message(**options)

    def wire(self) -> bytes:
        """The message as Django's own SMTP backend would send it."""
        if django.VERSION >= (6, 0):
            return bytes(self.message(policy=email.policy.SMTP).as_bytes())
        return bytes(self.message().as_bytes(linesep="\r\n"))


def build(
    *,
    to: str,
    subject: str,
    text: str,
    html: str,
    headers: dict[str, str] | None = None,
    sender: Sender | None = None,
) -> EngagementMessage:
    """Return a message from the site's sender to one address."""
    from_email, reply_to = conf.from_email(), conf.reply_to()
    if sender:
        name = " ".join(sender.name.split()) or parseaddr(from_email)[0]
        from_email = formataddr((name, parseaddr(from_email)[1]))
        reply_to = sender.reply_to or reply_to
    message = EngagementMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=from_email,
        to=[to],
        headers=dict(headers or {}),  # A copy: what one mail adds is in no other.
        reply_to=[reply_to] if reply_to else None,
    )
    message.attach_alternative(html, "text/html")
    return message


def backend_path() -> str:
    """Dotted path of the backend that our mail goes through, old setting or new."""
    mailers = getattr(settings, "MAILERS", None)
    if mailers:
        return str(mailers.get(conf.mailer(), {}).get("BACKEND", ""))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django 6.1 warns whoever reads the old setting.
        return str(settings.EMAIL_BACKEND)


@contextmanager
def connection() -> Iterator[Any]:
    """Yield an open mail connection that gives up on a silent server (`conf.mail_timeout`).

    Raises ServerUnreachable when it cannot be opened.
    """
    backend = opened()
    try:
        yield backend
    finally:
        close(backend)


def opened() -> Any:
    """Return an open mail connection, to be closed with `close`. Raises ServerUnreachable."""
    backend: Any
    if django.VERSION >= (6, 1):
        backend = mail.mailers[conf.mailer()]
    else:
        backend = mail.get_connection()
    if getattr(backend, "timeout", 0) is None:
        backend.timeout = conf.mail_timeout()  # Django's own default is to wait for ever.
    if isinstance(backend, AnymailBaseBackend):
        # Some providers cannot be told to leave opens and clicks alone, or to hand back our id.
        # That is no reason to refuse the message; checks.py names what each of them lacks.
        backend.ignore_unsupported_features = True
    try:
        backend.open()
    except (OSError, smtplib.SMTPException) as error:
        raise ServerUnreachable(scrub(error)) from error
    return backend


def close(backend: Any) -> None:
    """Say goodbye. A rude answer changes nothing: every message is accounted for by now."""
    try:
        backend.close()
    except (OSError, smtplib.SMTPException):
        pass


def hand_over(backend: Any, message: EngagementMessage) -> Receipt:
    """Give one message to the server and say what is known of it; raises nothing."""
    try:
        sent = backend.send_messages([message])
    except Exception as error:  # noqa: BLE001  Whatever a backend raises, a row must be settled.
        return Receipt(verdict_of(error), reason=scrub(error))
    if not sent:
        return Receipt(Verdict.REFUSED, reason="the mail backend sent nothing")
    status = getattr(message, "anymail_status", None)
    said = getattr(status, "status", None)
    if said and said <= NOT_TAKEN:
        return Receipt(Verdict.REFUSED, reason=f"the provider said: {', '.join(sorted(said))}")
    message_id = getattr(status, "message_id", None)
    return Receipt(Verdict.ACCEPTED, provider_id=str(message_id or "")[:255])


def send_now(message: EngagementMessage) -> Receipt:
    """Hand one message over by itself, while somebody waits for what becomes of it; raises nothing."""
    try:
        with connection() as server:
            return hand_over(server, message)
    except ServerUnreachable as error:
        return Receipt(Verdict.UNABLE, reason=str(error))


def verdict_of(error: Exception) -> Verdict:
    """Sort an error into what it proves; whatever proves nothing is unknown."""
    if isinstance(error, NotHandedOver):
        return error.verdict
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return of_replies(list(error.recipients.values()))
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Verdict.UNKNOWN
    if isinstance(error, (smtplib.SMTPConnectError, smtplib.SMTPSenderRefused)):
        return Verdict.UNABLE  # Refusing the sender is about us, whoever the message is for.
    if isinstance(error, smtplib.SMTPResponseException):
        return of_replies([(error.smtp_code, error.smtp_error)])
    if isinstance(error, ConnectionRefusedError):
        return Verdict.UNABLE
    if isinstance(error, NOT_SENT):
        return Verdict.REFUSED
    if isinstance(error, AnymailError):
        if never_connected(error):
            return Verdict.UNABLE
        code = error.status_code or getattr(error.response, "status_code", None)
        if code in (401, 402, 403, 404, 429):  # A key that ran out is no fault of the person's.
            return Verdict.UNABLE
        return Verdict.REFUSED if code and 400 <= code < 500 and code != 408 else Verdict.UNKNOWN
    # Python's mail package found an address or header that cannot be written: nothing left.
    return Verdict.REFUSED if isinstance(error, ValueError) else Verdict.UNKNOWN


def never_connected(error: Exception) -> bool:
    """Whether an API's host could not even be reached: looked for in what the error wraps."""
    seen: list[Any] = [error]
    for link in seen:
        if isinstance(link, (NewConnectionError, ConnectTimeoutError)):
            return True
        inner = [link.__cause__, getattr(link, "reason", None), *link.args]
        seen += [e for e in inner if isinstance(e, BaseException) and e not in seen]
    return False


def of_replies(replies: list[tuple[int, bytes | str]]) -> Verdict:
    """What an SMTP server's answers prove: a no for good, for now, or to all of us for a while."""
    if all(code >= 500 for code, _text in replies):
        return Verdict.REFUSED
    for code, text in replies:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        if code in THROTTLED or (400 <= code < 500 and _TOO_MUCH.search(words)):
            return Verdict.UNABLE
    return Verdict.LATER


def scrub(error: Exception) -> str:
    """Return an error in one short line without any address or token (S03)."""
    return scrub_text(f"{type(error).__name__}: {error}")


def scrub_text(text: str) -> str:
    """Return what a server said in one short line without any address or token: filters quote both."""
    line = _TOKEN.sub("(link)", " ".join(text[:LONGEST_REASON].split()))
    return _ADDRESS.sub("(address)", line)[:200]
