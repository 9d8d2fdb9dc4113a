"""Links in mails: derived when a message is rendered, and never stored as they are (S01).

A token is a keyed hash of its purpose and of the id of the message that carries it, so that a
message can be rendered twice with the same link, and a link for one purpose opens no other.

Of the mails about the register itself we keep each link as a row, by the hash of its token: it ends,
or is spent. An invitation goes to a whole town and its links do neither, so they have no rows: the
token names its delivery beside the hash, and what the delivery says decides what it opens.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
import uuid as uuids
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q
from django.urls import reverse

from .. import addresses, conf, inserting
from .models import Link, Participant

_STORED = re.compile(r"[A-Za-z0-9_-]{22}")
_CARRIED = re.compile(r"[A-Za-z0-9_-]{43}")
HANDLE_LENGTH = 8
LASTS = datetime.timedelta(days=1)


class NewLink(NamedTuple):
    """A link that is not stored yet: no model instance, for there are several to each message."""

    token_hash: str
    purpose: str
    uuid: uuids.UUID
    key_id: str
    participant_id: int | None
    created_at: datetime.datetime
    expires_at: datetime.datetime | None


def usable_key(key_id: str | None = None) -> str:
    """Return the id of a key that the site still has: the one asked for, else the newest."""
    keys = conf.keys()
    return key_id if key_id in keys else next(iter(keys))


def token(*, purpose: str, uuid: uuids.UUID, key_id: str | None = None) -> str:
    """Return the 22 characters (128 bits) that stand in the link of one mail of the register."""
    return _text(_keyed(f"link:{purpose}:{uuid}", key_id))


def carried(*, purpose: str, uuid: uuids.UUID, key_id: str | None = None) -> str:
    """Return the 43 characters that stand in the link of one delivery: its id, and 128 bits."""
    return _text(uuid.bytes + _keyed(f"delivery:{purpose}:{uuid}", key_id))


def is_token(text: str) -> bool:
    """Whether a text has the form of what stands in a link of ours."""
    return bool(_STORED.fullmatch(text) or _CARRIED.fullmatch(text))


def _keyed(text: str, key_id: str | None) -> bytes:
    keys = conf.keys()
    secret = keys[key_id if key_id in keys else next(iter(keys))]
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256)[:16]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def fingerprint(token: str) -> str:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def handle(token: str) -> str:
    """Return what a form carries to prove that it belongs to the browser's cookie."""
    return fingerprint(token)[:HANDLE_LENGTH]


def proof(link: Link) -> str:
    """Return what the page that spent a link hands to its browser, so that only that one goes on."""
    return token(purpose=f"spent:{link.purpose}", uuid=link.uuid, key_id=link.key_id)


def proves(link: Link, shown: str, *, at: datetime.datetime) -> bool:
    """Whether a form comes from the page that spent the link, within a day of that."""
    if link.used_at is None or at >= link.used_at + LASTS:
        return False
    return hmac.compare_digest(proof(link).encode(), shown.encode("utf-8", "replace"))


def row(
    *,
    purpose: str,
    uuid: uuids.UUID,
    at: datetime.datetime,
    key_id: str | None = None,
    participant_id: int | None = None,
    expires_at: datetime.datetime | None = None,
) -> NewLink:
    """Return what `issue` stores of a link."""
    chosen = usable_key(key_id)
    return NewLink(
        token_hash=fingerprint(token(purpose=purpose, uuid=uuid, key_id=chosen)),
        purpose=purpose,
        uuid=uuid,
        key_id=chosen,
        participant_id=participant_id,
        created_at=at,
        expires_at=expires_at,
    )


def issue(rows: Iterable[NewLink]) -> None:
    """Make links work, before the messages that carry them leave. Twice is the same as once."""
    inserting.insert(Link, NewLink._fields, rows, ignore_conflicts=True)


def find(*, purpose: str, token: str, at: datetime.datetime) -> Link | None:
    """Return the link that a token opens; None if it is forged, expired or for another purpose.

    That of a delivery is not stored.
    """
    if _CARRIED.fullmatch(token):
        return _of_delivery(purpose, token, at)
    if not _STORED.fullmatch(token):
        return None
    found = Link.objects.filter(token_hash=fingerprint(token), purpose=purpose)
    open_now = found.filter(Q(expires_at=None) | Q(expires_at__gt=at))
    return open_now.select_related("participant").first()


def _of_delivery(purpose: str, token: str, at: datetime.datetime) -> Link | None:
    """The link of a message that went to somebody who is still in the register.

    The choices are shown to whoever reads the address that the message went to, as long as it is
    the person's.
    """
    uuid = uuids.UUID(bytes=base64.urlsafe_b64decode(f"{token}=")[:16])
    deliveries: Any = Participant._meta.get_field("deliveries").related_model  # Above our part.
    found = deliveries.objects.select_related(
        "participant__merged_into", "invitation__consultation"
    )
    row = found.filter(uuid=uuid).first()
    key_id = _key_behind(token, purpose, uuid)
    if row is None or row.participant is None or key_id is None:
        return None
    person = row.participant.merged_into or row.participant
    mark, _key = addresses.fingerprint(person.email, key_id)
    if purpose == Link.Purpose.CHOICES and mark != row.fingerprint:
        return None
    if purpose == Link.Purpose.ANSWER and row.invitation.consultation.closes_at <= at:
        return None
    return Link(purpose=purpose, uuid=uuid, key_id=key_id, participant=person)


def _key_behind(token: str, purpose: str, uuid: uuids.UUID) -> str | None:
    """The key that made a token. The row may not know: an older copy has forgotten what was sent."""
    for key_id in conf.keys():
        if hmac.compare_digest(carried(purpose=purpose, uuid=uuid, key_id=key_id), token):
            return key_id
    return None


def url(purpose: str, token: str) -> str:
    """Return the absolute address of a link; no request decides its host."""
    return conf.base_url() + reverse(f"wagtail_engagement:{purpose}_link", args=[token])
