"""What became of a mail of ours on its way: reads a message as it came into a mailbox.

Mail programs show a leave button only where two headers arrive as they were sent and a signature
covers both (RFC 8058). Providers drop, encode or rewrite them, and nobody sees it in the mail
program; in the message's source one does.
"""

from __future__ import annotations

import email
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses, parseaddr
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

try:
    import dkim
    import dkim.dnsplug
except ImportError:  # An extra: wagtail-engagement[check-email].
    dkim = None

Lookup = Callable[[str], str | None]

LEAVE, ONE_CLICK = "List-Unsubscribe", "List-Unsubscribe-Post"
CLIPPED_ABOVE = 102 * 1024  # Gmail cuts the HTML there, and with it the link to leave.
TOO_LARGE = 10 * 2**20
READ_OF_HTML = 4 * CLIPPED_ABOVE  # Nobody sees what lies behind, and to read it could take minutes.
_URI = re.compile(r"<\s*([^<>]*?)\s*>")
_HIDDEN = re.compile(r"display\s*:\s*none|(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|$)")


class Verdict(Enum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class Finding:
    """One line about the message: what was looked at, how it is, and what to do where it is bad."""

    about: str
    verdict: Verdict
    text: str


class NotAMessage(ValueError):
    """The file is no message: it has none of the headers that every mail has."""


def look_at(raw: bytes, *, host: str, lookup: Lookup | None = None) -> list[Finding]:
    """Say line by line how a received message is. `host` is where our links lead.

    `lookup` returns the text record of a DNS name, None where there is none, and may raise where
    there is no network; without it signatures are read and not verified. Raises NotAMessage.
    """
    message = email.message_from_bytes(raw)
    if not message.get("From") or not (message.get("Received") or message.get("Date")):
        raise NotAMessage
    return [
        *_recipients(message),
        *_leave(message, host),
        *_signatures(message, raw, lookup),
        *_results(message),
        *_content(message, host),
        *_size(message, raw),
    ]


def can_verify() -> bool:
    """Whether the extra that verifies signatures is installed."""
    return dkim is not None


def ask_dns(name: str) -> str | None:
    """Return the text record of a name; raises where nobody answers within five seconds."""
    found = dkim.dnsplug.get_txt(f"{name}.", timeout=5)
    return found.decode("ascii", "replace") if found else None


def _good(about: str, text: str) -> Finding:
    return Finding(about, Verdict.GOOD, text)


def _bad(about: str, text: str) -> Finding:
    return Finding(about, Verdict.BAD, text)


def _unknown(about: str, text: str) -> Finding:
    return Finding(about, Verdict.UNKNOWN, text)


def _recipients(message: Message) -> Iterator[Finding]:
    people = getaddresses(
        [str(value) for name in ("To", "Cc") for value in message.get_all(name, [])]
    )
    if len(people) == 1:
        yield _good("Recipient", "One person, and nobody else's address.")
    else:
        yield _bad("Recipient", f"{len(people)} addresses stand in To and Cc; there must be one.")


# The leave button


def _leave(message: Message, host: str) -> Iterator[Finding]:
    found = [str(value) for value in message.get_all(LEAVE, [])]
    if len(found) != 1:
        told = "It is not there: the provider dropped it." if not found else "It is there twice."
        yield _bad(LEAVE, told)
    else:
        yield _leave_link(found[0], host)
    posts = [" ".join(str(value).split()) for value in message.get_all(ONE_CLICK, [])]
    if posts == ["List-Unsubscribe=One-Click"]:
        yield _good(ONE_CLICK, "It says One-Click.")
    else:
        told = f"It says “{posts[0]}”." if posts else "It is not there."
        yield _bad(ONE_CLICK, f"{told} Mail programs then show no leave button.")


def _leave_link(value: str, host: str) -> Finding:
    if "=?" in value:
        return _bad(
            LEAVE, "It is encoded, which mail programs do not read. Send with this package."
        )
    links = [link for link in _URI.findall("".join(value.split())) if link]
    secure = [link for link in links if link.lower().startswith("https://")]
    if len(secure) != 1 or any(link.lower().startswith("http://") for link in links):
        return _bad(LEAVE, "It needs exactly one address, and that has to begin with https.")
    there = _host_of(secure[0])
    if there != host:
        led = there or "nowhere"
        return _bad(LEAVE, f"It leads to {led} and not to {host}: the provider replaced it.")
    return _good(LEAVE, "One https address of this site, not encoded.")


# Who signed


def _tags(signature: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in "".join(signature.split()).split(";"))
    return {name: value for name, is_pair, value in pairs if is_pair}


def _signatures(message: Message, raw: bytes, lookup: Lookup | None) -> Iterator[Finding]:
    signatures = [_tags(str(value)) for value in message.get_all("DKIM-Signature", [])]
    if not signatures:
        yield _bad("DKIM", "Nobody signed this message. Set DKIM up at the provider.")
        return
    wanted = {LEAVE.lower(), ONE_CLICK.lower()}
    covering = [tags for tags in signatures if wanted <= set(tags.get("h", "").lower().split(":"))]
    if covering:
        by = ", ".join(sorted({tags.get("d", "?") for tags in covering}))
        yield _good("DKIM covers both headers", f"The signature of {by} covers both.")
    else:
        told = "No signature covers both headers: they were added after signing, or left out of it."
        yield _bad("DKIM covers both headers", told)
    sender = parseaddr(str(message["From"]))[1].rpartition("@")[2].lower()
    if any(is_aligned(tags.get("d", ""), sender) for tags in signatures):
        yield _good("From and DKIM", f"The signature is by the domain of the sender, {sender}.")
    else:
        told = (
            f"No signature is by {sender}, the domain of the sender. DMARC then rests on SPF alone."
        )
        yield _bad("From and DKIM", told)
    for number, tags in enumerate(signatures):
        yield _verified(raw, number, tags, lookup)


def is_aligned(signer: str, sender: str) -> bool:
    """Whether DMARC's relaxed rule holds, as far as it does without a list of public suffixes."""
    one, other = signer.lower().strip("."), sender.lower().strip(".")
    if "." not in one or "." not in other:
        return False
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _verified(raw: bytes, number: int, tags: dict[str, str], lookup: Lookup | None) -> Finding:
    about = f"DKIM of {tags.get('d', '?')}"
    if not can_verify():
        told = "Not verified. Install wagtail-engagement[check-email] for that."
        return _unknown(about, told)
    record = None
    if lookup:
        try:
            record = lookup(f"{tags.get('s', '')}._domainkey.{tags.get('d', '')}")
        except Exception as error:  # noqa: BLE001  Whatever a resolver raises, there is no answer.
            return _unknown(about, f"Not verified: DNS did not answer ({type(error).__name__}).")
    if record is None:
        told = "its key is not in DNS" if lookup else "DNS was not asked"
        return _unknown(about, f"Not verified: {told}.")
    try:
        is_valid = dkim.DKIM(raw).verify(
            idx=number, dnsfunc=lambda *_args, **_more: record.encode()
        )
    except dkim.DKIMException as error:
        return _bad(about, f"The signature cannot be read: {error}")
    except ImportError:
        return _unknown(about, "Not verified: this kind of signature needs the package PyNaCl.")
    if is_valid:
        return _good(about, "The signature is right: nothing it covers was changed on the way.")
    return _bad(about, "The signature is wrong: something was changed after signing.")


def _results(message: Message) -> Iterator[Finding]:
    """What the receiving server found; the topmost is its own, others may be anybody's."""
    said = message.get_all("Authentication-Results", [])
    found = (
        dict(re.findall(r"\b(spf|dkim|dmarc)\s*=\s*(\w+)", str(said[0]).lower())) if said else {}
    )
    for name in ("spf", "dkim", "dmarc"):
        about = f"{name.upper()}, says the receiving server"
        if name not in found:
            yield _unknown(about, "It says nothing. Send the test to Gmail or Outlook, which do.")
        elif found[name] == "pass":
            yield _good(about, "It passed.")
        else:
            yield _bad(about, f"It says {found[name]}.")


# What is inside


def _part(message: Message, kind: str) -> str:
    for part in message.walk():
        if part.get_content_type() == kind and not part.get_filename():
            payload: Any = part.get_payload(decode=True) or b""
            try:
                return str(payload.decode(part.get_content_charset() or "utf-8", "replace"))
            except LookupError:
                return str(payload.decode("utf-8", "replace"))
    return ""


def _content(message: Message, host: str) -> Iterator[Finding]:
    if _part(message, "text/plain").strip():
        yield _good("Plain text", "There is a part without HTML.")
    else:
        yield _bad("Plain text", "There is no part without HTML, which spam filters mind.")
    page = BeautifulSoup(_part(message, "text/html")[:READ_OF_HTML], "html.parser")
    watching = [image for image in page.find_all("img") if _is_watching(image, host)]
    if watching:
        told = "Images tell somebody who opens the mail. Switch open tracking off at the provider."
        yield _bad("Tracking", f"{told} ({len(watching)})")
    else:
        yield _good("Tracking", "No image tells anybody who opens the mail.")
    yield _links(page, host)


def _is_watching(image: Any, host: str) -> bool:
    there = _host_of(image.get("src", ""))
    tiny = {str(image.get(side, "")).strip() for side in ("width", "height")} & {"0", "1", "1px"}
    hidden = _HIDDEN.search(str(image.get("style", "")).lower())
    return bool(there) and bool(there != host or tiny or hidden)


def _links(page: BeautifulSoup, host: str) -> Finding:
    hosts = [_host_of(link["href"]) for link in page.find_all("a", href=True)]
    elsewhere = sorted({name for name in hosts if name and name != host})
    if host not in hosts and hosts:
        told = f"No link leads to {host}: the provider rewrites them. Switch click tracking off."
        return _bad("Links", told)
    if elsewhere:
        told = f"Some lead to {', '.join(elsewhere)}. If nobody wrote those, they were rewritten."
        return _unknown("Links", told)
    return _good("Links", "They lead where they were written to lead.")


def _host_of(address: Any) -> str:
    """Where an address leads; "" for one that leads nowhere."""
    try:
        return urlsplit(str(address)).hostname or ""
    except ValueError:
        return ""


def _size(message: Message, raw: bytes) -> Iterator[Finding]:
    html = len(_part(message, "text/html").encode())
    if html > CLIPPED_ABOVE:
        told = (
            f"The HTML has {html // 1024:,} KB. Gmail cuts it at 102, and with it the way to leave."
        )
        yield _bad("Size", told)
    elif len(raw) > TOO_LARGE:
        yield _bad("Size", f"{len(raw) // 2**20:,} MB are more than many mailboxes take.")
    else:
        yield _good("Size", f"{len(raw) // 1024 + 1:,} KB.")
