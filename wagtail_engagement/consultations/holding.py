"""When a response waits for a look instead of counting at once. Nothing is ever refused here."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.core.cache import cache

from .. import conf

SALT = "wagtail_engagement.started"
LONGEST_SECONDS = 24 * 60 * 60
logger = logging.getLogger(__name__)


def start_stamp() -> str:
    """Return a signed note of when a form was made."""
    return signing.TimestampSigner(salt=SALT).sign("form")


def network_of(meta: Mapping[str, Any]) -> str:
    """Return the network a request came from: /24 for IPv4, /56 for IPv6, "" if unknown.

    X-Forwarded-For is read only as far back as `conf.trusted_proxies` proxies of the site's own
    reach (S21); anything before that can be made up by the sender.
    """
    address = str(meta.get("REMOTE_ADDR", ""))
    proxies = conf.trusted_proxies()
    forwarded = [part.strip() for part in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    if proxies and len(forwarded) >= proxies and forwarded[-proxies]:
        address = forwarded[-proxies]
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    prefix = 24 if mapped.version == 4 else 56
    return str(ipaddress.ip_network((mapped, prefix), strict=False))


def sender_mark(meta: Mapping[str, Any]) -> str:
    """Return a keyed hash of who sent a request, to tell two people behind one cached page."""
    secret = next(iter(conf.keys().values())).encode()
    told = f"{meta.get('REMOTE_ADDR', '')}|{network_of(meta)}|{meta.get('HTTP_USER_AGENT', '')}"
    return hmac.new(secret, b"sender:" + told.encode(errors="replace"), hashlib.sha256).hexdigest()


def reason_to_hold(*, homepage: str, started: str, network: str, address_key: str) -> str:
    """Return why a response waits for a look, "" if it counts at once.

    Limits that cannot be read hold as well (S22): late is mended by time, lost never.
    """
    if homepage:
        return "hidden field filled in"
    timing = _timing(started)
    if timing:
        return timing
    try:
        if network and _count(f"network:{network}", 60 * 60) > conf.network_limit():
            return "many from one network"
        if address_key and _count(f"address:{address_key}", 24 * 60 * 60) > conf.address_limit():
            return "many with one address"
    except Exception:  # noqa: BLE001  Cache backends raise whatever their client raises.
        logger.exception("Limits could not be read; the response is held.")
        return "limits could not be read"
    return ""


def _timing(started: str) -> str:
    signer = signing.TimestampSigner(salt=SALT)
    try:
        signer.unsign(started, max_age=LONGEST_SECONDS)
    except signing.SignatureExpired:
        return "form older than a day"
    except signing.BadSignature:
        return "form without its stamp"
    try:
        signer.unsign(started, max_age=conf.quickest_answer())
    except signing.SignatureExpired:
        return ""
    return "sent within seconds" if conf.quickest_answer() else ""


def _count(name: str, seconds: int) -> int:
    """Count one more under a name that the cache sees only as a keyed hash."""
    secret = next(iter(conf.keys().values())).encode()
    key = "engagement:" + hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()
    cache.add(key, 0, seconds)
    return cache.incr(key)
