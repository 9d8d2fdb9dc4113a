"""A register of any size, and beside it the same people as a site without us keeps them."""

from __future__ import annotations

import contextlib
import datetime
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone
from taggit.models import Tag, TaggedItem

from tests import factories
from wagtail_engagement.consent.models import ContactPermission
from wagtail_engagement.consultations.models import Consultation, ConsultationResponse
from wagtail_engagement.inserting import insert
from wagtail_engagement.invitations.models import Delivery, Invitation
from wagtail_engagement.participants.models import Interest, Participant, ParticipantInterest

from .plain.models import TaggedContact

AT_ONCE = 50_000
# How many in a hundred people care about each topic that is asked for.
TOPICS = {"rare": 1, "middling": 7, "popular": 24}
# Other topics, of which everybody has up to four.
OTHERS = 47
AREAS = ["", *(f"Ward {number}" for number in range(30))]
# How many in a hundred have which permission to be invited; the rest have none.
STANDING = {"granted": 60, "stopped": 5, "undeliverable": 2, "paused": 1, "lapsed": 3}
YEAR = datetime.timedelta(days=365)
DAY = datetime.timedelta(days=1)


@dataclass
class Town:
    """What was filled in: topics beside their tags, and a consultation to invite people to."""

    consultation: Consultation
    earlier: Invitation
    form_id: int
    topics: dict[str, tuple[Interest, Tag]]
    others: list[tuple[Interest, Tag]]
    chance: random.Random = field(default_factory=lambda: random.Random(1))


def fill(people: int) -> Town:
    """Bring in this many people, each with up to a handful of topics, and what was sent to them."""
    form = factories.FormVersionFactory(consultation__area="Ward 1")
    town = Town(
        consultation=form.consultation,
        earlier=factories.InvitationFactory(),
        form_id=form.pk,
        topics={name: _topic(name) for name in TOPICS},
        others=[_topic(f"other {number}") for number in range(OTHERS)],
    )
    with _quickly():
        for start in range(1, people + 1, AT_ONCE):
            _fill_some(range(start, min(start + AT_ONCE, people + 1)), town, people)
    tidy()
    return town


@contextlib.contextmanager
def _quickly() -> Iterator[None]:
    """Let SQLite keep what it writes in memory for a while; it is read as a site reads it."""
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA cache_size = -500000")
    yield
    connection.close()


def tidy() -> None:
    """What a PostgreSQL server does by itself before long. Nobody does it for SQLite."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _topic(name: str) -> tuple[Interest, Tag]:
    slug = name.replace(" ", "-")
    interest, _is_new = Interest.objects.get_or_create(slug=slug, defaults={"name": name})
    tag, _is_new = Tag.objects.get_or_create(slug=slug, defaults={"name": name})
    return interest, tag


@transaction.atomic
def _fill_some(numbers: range, town: Town, people: int) -> None:
    chance, now = town.chance, timezone.now()
    reasons = [*STANDING, ""]
    weights = [*STANDING.values(), 100 - sum(STANDING.values())]
    standing = dict(zip(numbers, chance.choices(reasons, weights, k=len(numbers)), strict=True))
    joined = {number: now - 6 * YEAR * (1 - number / people) for number in numbers}
    emails = {number: f"person.{number}@example.org" for number in numbers}
    insert(
        Participant,
        ["id", "uuid", "email", "address_key", "area", "joined_at"],
        [
            (n, uuid.UUID(int=n), emails[n], emails[n], chance.choice(AREAS), joined[n])
            for n in numbers
        ],
        same={"name": "", "kind": "person", "must_be_notified": False},
    )
    insert(
        ContactPermission,
        ["participant", "may_write", "reason", "recheck_at"],
        [
            (n, why == "granted", why, now + YEAR if why in ("granted", "paused") else None)
            for n, why in standing.items()
            if why
        ],
        same={"purpose": "invite", "since": now, "lapses": False},
    )
    insert(
        TaggedContact,
        ["id", "email", "opted_in", "joined_at"],
        [(n, emails[n], standing[n] == "granted", joined[n]) for n in numbers],
    )
    _fill_topics(numbers, town, now)
    _fill_history(numbers, town, now)


def _fill_topics(numbers: range, town: Town, now: datetime.datetime) -> None:
    chance = town.chance
    links: list[tuple[Any, ...]] = []
    tags = []
    for number in numbers:
        chosen = [
            pair for name, pair in town.topics.items() if chance.randrange(100) < TOPICS[name]
        ]
        some = {chance.randrange(OTHERS) for _each in range(chance.randrange(5))}
        chosen += [town.others[other] for other in some]
        for interest, tag in chosen:
            removed = now if chance.randrange(100) < 3 else None
            origin = "inferred" if chance.randrange(100) < 15 else "declared"
            links.append((number, interest.pk, origin, removed))
            if not removed:
                tags.append((tag.pk, number))
    insert(
        ParticipantInterest,
        ["participant", "interest", "origin", "removed_at"],
        links,
        same={"since": now, "renewed_at": now},
    )
    kind = ContentType.objects.get_for_model(TaggedContact)
    insert(TaggedItem, ["tag", "object_id"], tags, same={"content_type": kind.pk})


def _fill_history(numbers: range, town: Town, now: datetime.datetime) -> None:
    """Three in ten were invited to something else, two in a hundred have answered."""
    chance = town.chance
    sent = [n for n in numbers if chance.randrange(100) < 30]
    insert(
        Delivery,
        ["participant", "uuid", "handed_at"],
        [(n, uuid.UUID(int=n), now - chance.randrange(60) * DAY) for n in sent],
        same={
            "invitation": town.earlier.pk,
            "state": "accepted",
            "retry_at": now,
            "attempt": 1,
            **dict.fromkeys(("reason", "owner", "fingerprint", "key_id", "provider_id"), ""),
        },
    )
    answered = [n for n in numbers if chance.randrange(100) < 2]
    insert(
        ConsultationResponse,
        ["participant", "uuid", "reference", "submission_hash"],
        [(n, uuid.UUID(int=n), f"{n:08}", f"{n:064}") for n in answered],
        same={
            "consultation": town.consultation.pk,
            "form_version": town.form_id,
            "answers": {},
            "status": "counted",
            "route": "open",
            "language": "en",
            "submitted_at": now,
            **dict.fromkeys(("held_because", "route_key"), ""),
        },
    )
