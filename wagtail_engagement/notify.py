"""Mail through GOV.UK Notify: a Django mail backend on its official client, for who has nothing else.

Notify sends templates. One with the subject ((subject)) and the body ((message)) carries any mail of
ours: its text part, written in the little Markdown that Notify reads. Notify adds the sender, the
branding and the HTML.
"""

from __future__ import annotations

import re
from typing import Any

from anymail.message import AnymailStatus
from bs4 import BeautifulSoup
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from . import conf, mail
from .mail import Verdict

BACKEND = "wagtail_engagement.notify.EmailBackend"


class NotSetUp(OSError):
    """Key, template or client are missing, so that certainly nothing was sent."""


class CannotPreview(Exception):
    """Notify did not show the message; the text says why, for whoever asked."""


def is_used() -> bool:
    """Whether our mail goes through Notify."""
    return mail.backend_path() == BACKEND


def missing() -> list[str]:
    """What is not set up yet, by name."""
    found = [
        f"{conf.PREFIX}{name}"
        for name, value in (
            ("NOTIFY_API_KEY", conf.notify_api_key()),
            ("NOTIFY_TEMPLATE", conf.notify_template()),
        )
        if not value
    ]
    try:
        import notifications_python_client  # noqa: F401  An extra; without it there is no Notify.
    except ImportError:
        found.append("notifications-python-client")
    return found


def _client(timeout: float | None) -> Any:
    if absent := missing():
        raise NotSetUp(f"GOV.UK Notify is not set up: {', '.join(absent)}")
    from notifications_python_client.notifications import NotificationsAPIClient

    try:
        return NotificationsAPIClient(
            conf.notify_api_key(),
            base_url=conf.notify_url(),
            timeout=timeout or conf.mail_timeout(),
        )
    except AssertionError as error:
        raise NotSetUp("WAGTAIL_ENGAGEMENT_NOTIFY_API_KEY is not a key of GOV.UK Notify") from error


class EmailBackend(BaseEmailBackend):
    """Sends each message once for each of its recipients, by Notify's API.

    Headers, the sender and the HTML part stay behind, for Notify makes its own; of the headers only
    the address for leaving with one click goes along. Attachments are refused.
    """

    timeout: float | None = None

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.fail_silently = fail_silently
        self._client: Any = None

    def open(self) -> bool:
        """Make a client, which keeps its connection to Notify from one message to the next."""
        if self._client is not None:
            return False
        self._client = _client(self.timeout)
        return True

    def close(self) -> None:
        if self._client is not None:
            self._client.request_session.close()
            self._client = None

    def send_messages(self, email_messages: Any) -> int:
        """Send messages and return how many; raises mail.NotHandedOver for the first that fails."""
        sent = 0
        try:
            was_closed = self.open()
            try:
                for message in email_messages:
                    sent += self._send(message)
            finally:
                if was_closed:
                    self.close()
        except (mail.NotHandedOver, NotSetUp):
            if not self.fail_silently:
                raise
        return sent

    def _send(self, message: Any) -> int:
        recipients = message.recipients()
        if message.attachments:
            raise mail.NotHandedOver(Verdict.REFUSED, "GOV.UK Notify carries no attachments")
        facts: dict[str, Any] = {
            "template_id": conf.notify_template(),
            "personalisation": personalisation(
                message.subject, str(message.body), html_of(message)
            ),
            "reference": _own_id(message),
            "email_reply_to_id": conf.notify_reply_to() or None,
            "one_click_unsubscribe_url": _leave_url(message),
        }
        for address in recipients:
            answer = self._post(address, facts)
            status = AnymailStatus()
            status.message_id = str(answer.get("id") or "") if isinstance(answer, dict) else ""
            message.anymail_status = status
        return bool(recipients)

    def _post(self, address: str, facts: dict[str, Any]) -> Any:
        from notifications_python_client.errors import APIError

        try:
            return self._client.send_email_notification(email_address=address, **facts)
        except APIError as error:
            raise mail.NotHandedOver(_verdict(error), mail.scrub(error)) from error


def _verdict(error: Any) -> Verdict:
    """Sort an answer of Notify into what it proves."""
    code = getattr(error.response, "status_code", None)
    if code is None:
        return Verdict.UNABLE if mail.never_connected(error) else Verdict.UNKNOWN
    if code == 400 and _is_about_address(error.message):
        return Verdict.REFUSED
    # Trial mode, a wrong template, limits: about our account, whoever the message is for.
    return Verdict.UNABLE if 400 <= code < 500 and code != 408 else Verdict.UNKNOWN


def _is_about_address(told: Any) -> bool:
    for fault in told if isinstance(told, list) else ():
        if isinstance(fault, dict) and fault.get("error") in (
            "ValidationError",
            "InvalidEmailError",
        ):
            return str(fault.get("message", "")).startswith("email_address")
    return False


def _own_id(message: Any) -> str | None:
    metadata = getattr(message, "metadata", None)
    return metadata.get("delivery") if isinstance(metadata, dict) else None


def _leave_url(message: Any) -> str | None:
    """The address that mail programs post to, if the message has one that Notify takes."""
    headers = message.extra_headers
    if "List-Unsubscribe-Post" not in headers:
        return None
    found = re.search(r"<(https://[^>]+)>", headers.get("List-Unsubscribe", ""))
    return found[1] if found else None


def html_of(message: Any) -> str:
    """The HTML twin of a message, "" if it has none."""
    for content, kind in getattr(message, "alternatives", []):
        if kind == "text/html":
            return str(content)
    return ""


def preview(*, subject: str, text: str, html: str) -> dict[str, str]:
    """Return `subject`, `html` and `body` as Notify would send them. Raises CannotPreview.

    `html` is Notify's, so clean it before it is shown.
    """
    try:
        client = _client(conf.mail_timeout())
        with client.request_session:
            shown = client.post_template_preview(
                conf.notify_template(), personalisation(subject, text, html)
            )
    except NotSetUp as error:
        raise CannotPreview(str(error)) from error
    except Exception as error:
        reason = mail.scrub(error)
        raise CannotPreview(
            _("GOV.UK Notify did not show it: %(reason)s") % {"reason": reason}
        ) from error
    told = shown if isinstance(shown, dict) else {}
    return {name: str(told.get(name) or "") for name in ("subject", "html", "body")}


# The little Markdown that Notify reads


def personalisation(subject: str, text: str, html: str = "") -> dict[str, str]:
    """What goes into the template."""
    return {"subject": subject, "message": markdown(text, html)}


_URL = re.compile(r"(https?://\S+)")
_IN_BRACKETS = re.compile(r"<(https?://[^\s<>]+)>")  # Notify would link the last bracket too.
_RULE = re.compile(r"[-=_*\s]+")
_ITEM = re.compile(r"(?:[-*]\s+|•\s*)(?=\S)")
# What begins a block of Notify's, or of what is between blocks, and can be escaped.
_BLOCK = re.compile(r"[#*+`~-]|\d+(?=\.)")
_INLINE = re.compile(r"([\\\[\]|])")


def markdown(text: str, html: str = "") -> str:
    """Return plain text so that Notify shows it as it reads: its lists, links and headings alone.

    A line that is a heading of the HTML twin is one here too. Whatever else somebody typed stays
    words: no link hides its address, and nothing becomes a heading, a quote, a table or code.
    """
    headings = _headings(html)
    written: list[str] = []
    was = ""
    for line in text.splitlines():
        kind, shown = _line(" ".join(line.split()), headings)
        if shown and was and (kind != was or kind in ("heading", "rule")):
            written.append("")  # Blocks need an empty line between them.
        if shown or was:
            written.append(shown)
        was = kind if shown else ""
    return "\n".join(written).strip()


def _headings(html: str) -> dict[str, str]:
    """The headings of a letter with their marks."""
    found = BeautifulSoup(html, "html.parser").find_all(["h1", "h2", "h3"])
    return {" ".join(tag.get_text().split()): "#" if tag.name == "h1" else "##" for tag in found}


def _line(line: str, headings: dict[str, str]) -> tuple[str, str]:
    """What one line is, and how it is written."""
    if line == "--":
        return "rule", "---"
    if line in headings:
        return "heading", f"{headings[line]} {_words(line)}"
    if item := _ITEM.match(line):
        return "list", f"* {_words(line[item.end() :])}"
    return "text", _words(line)


def _words(line: str) -> str:
    """Words with every sign escaped that Notify would read; addresses stay as they are.

    A caret begins a quote and cannot be escaped, so it goes, and so does a line of equals signs,
    which would make the line above it a heading.
    """
    line = _IN_BRACKETS.sub(r"\1", line.lstrip("^ "))
    if _RULE.fullmatch(line):
        line = line.strip("= ")
        return f"\\{line}" if line else ""
    parts = _URL.split(line)
    parts[::2] = [_INLINE.sub(r"\\\1", part) for part in parts[::2]]
    written = "".join(parts)
    first = _BLOCK.match(written)
    if first and first[0].isdigit():
        return f"{first[0]}\\{written[first.end() :]}"
    return f"\\{written}" if first else written
