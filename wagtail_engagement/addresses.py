"""What an email address is, and when two addresses are the same person.

Two addresses are one person when their domains are the same host name and their local parts
differ at most in the case of ASCII letters. Nothing else is folded: a tag behind a plus sign or
the dots of one provider may be why somebody trusts us with the address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from . import conf

MAX_LENGTH = 254
# Characters that word processors and phones put around a pasted address, seen by nobody.
OBSCURE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u00a0"
_UNSEEN = {ord(char): None for char in OBSCURE}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# A local part about which every rule of the standard says the same, its length apart.
_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_LONGEST_LOCAL = 64


class AddressRefused(ValueError):
    """The text is not an address that mail can be sent to; the message says what to do."""


def clean(typed: str) -> str:
    """Return the address to store and to write to, with its local part as it was typed.

    Raises AddressRefused with a sentence for the person who typed it.
    """
    text = typed.translate(_UNSEEN).strip()
    local, _at, domain = text.rpartition("@")
    if not local.isascii():
        # Also keeps out letters such as the Kelvin sign, which lower-casing would turn into "k".
        raise AddressRefused(
            _("Enter an email address without accents or special letters before the @ sign")
        )
    if len(text) > MAX_LENGTH or _CONTROL.search(text):
        raise AddressRefused(_form_error())
    try:
        if domain.isascii() and len(local) <= _LONGEST_LOCAL and _PLAIN.fullmatch(local):
            return f"{local}@{_host(domain)}"
        found = _checked(text)
    except EmailNotValidError as error:
        raise AddressRefused(_form_error()) from error
    return f"{found.local_part}@{found.ascii_domain}"


def _form_error() -> str:
    return _("Enter an email address in the correct format, like name@example.com")


def _checked(address: str) -> ValidatedEmail:
    return validate_email(address, check_deliverability=False, allow_smtputf8=False)


@lru_cache(maxsize=4096)
def _host(domain: str) -> str:
    """The host name of a domain as it is stored; a long list has few of them."""
    return _checked(f"a@{domain}").ascii_domain


def key(address: str) -> str:
    """Return the identity of a cleaned address: equal for two spellings of one mailbox."""
    local, _at, domain = address.rpartition("@")
    return f"{local.lower()}@{domain.lower()}"


def mask(address: str) -> str:
    """Return the address so that its owner knows it and nobody else learns it."""
    local, _at, domain = address.rpartition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{local[:1]}{'•' * 5}@{name[:1]}{'•' * 5}{dot}{rest}"


def fingerprint(address: str, key_id: str | None = None) -> tuple[str, str]:
    """Return the keyed hash of an address and the id of the key that made it."""
    keys = conf.keys()
    chosen = key_id or next(iter(keys))
    return _mark(address, keys[chosen]), chosen


def fingerprints(address: str) -> list[str]:
    """Return the keyed hash under every key that the site still has, newest first."""
    return [_mark(address, secret) for secret in conf.keys().values()]


def _mark(address: str, secret: str) -> str:
    return hmac.digest(secret.encode(), b"address:" + key(address).encode(), hashlib.sha256).hex()
