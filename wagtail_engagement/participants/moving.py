"""People put right what we know of them: their name, and the address that we write to.

A new address counts once somebody presses a button in the mail that went there; the old one is
told. Nobody learns on the way whether we knew the new one.
"""

from __future__ import annotations

import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from wagtail.log_actions import log

from .. import addresses
from ..consent import barring, settling
from ..consent.models import Purpose, Suppression
from . import links
from .details import ParticipantName
from .merges import AddressChange, PossibleDuplicate
from .models import Link, Participant, RegisterMail

Kind = RegisterMail.Kind

DAY = datetime.timedelta(days=1)
MONTH = datetime.timedelta(days=30)
MOST_A_MONTH = 3  # and one a day, for one address
MOST_A_DAY = 3  # for one person, whatever the addresses
# Links that show or change choices end with the old address. To leave stays possible with any.
ENDED = (Link.Purpose.CHOICES, Link.Purpose.FRESH, Link.Purpose.RENEW, Link.Purpose.IDENTITY)
# Why two records wait for staff: the owner of one address asked us to use the other's.
ASKED = "moved"
MOVED_AWAY = "moved away"


class NothingToConfirm(Exception):
    """The change was confirmed or denied before, or its time is over."""


@transaction.atomic
def rename(*, participant: Participant, name: str) -> None:
    """Let a person's name be what they say; the wrong one is kept nowhere."""
    person = settling.locked(pk=participant.pk)[0]
    ParticipantName.objects.filter(participant=person, name__in={person.name, name}).delete()
    person.name = name
    person.save(update_fields=["name"])


@transaction.atomic
def ask(*, participant: Participant, email: str, at: datetime.datetime) -> None:
    """Queue a mail to a cleaned new address that asks whether to use it.

    One address gets at most one a day and three in 30 days, and one person asks at most three
    times a day; more change nothing. Costs the same statements whoever the address belongs to.
    """
    person = settling.locked(pk=participant.pk)[0]
    rows = RegisterMail.objects.filter(kind=Kind.MOVE)
    to_there = rows.filter(fingerprint__in=addresses.fingerprints(email), at__gt=at - MONTH)
    days = list(to_there.values_list("at", flat=True))
    own = rows.filter(participant=person, at__gt=at - DAY).count()
    if len(days) >= MOST_A_MONTH or any(when > at - DAY for when in days) or own >= MOST_A_DAY:
        return
    AddressChange.objects.create(
        participant=person,
        email=email,
        address_key=addresses.key(email),
        mail=_queue(Kind.MOVE, email, person, at),
        asked_at=at,
    )


def waiting(link: Link) -> AddressChange | None:
    """The change that a mailed link asks about, while it waits for an answer."""
    rows = AddressChange.objects.filter(mail__uuid=link.uuid, mail__kind=Kind.MOVE)
    return rows.filter(confirmed_at=None, participant=link.participant_id).first()


def deny(*, link: Link) -> None:
    """Forget a change that the owner of the new address did not ask for."""
    AddressChange.objects.filter(mail__uuid=link.uuid, confirmed_at=None).delete()


@transaction.atomic
def confirm(*, link: Link, at: datetime.datetime) -> None:
    """Write to the new address from now on, and tell the old one. Raises NothingToConfirm.

    Permissions go along, and so does whatever stood against the old address but that mail did
    not arrive there. If the new address belongs to another record, that one stays as it is, and
    the two wait for staff.
    """
    found = {person.pk: person for person in settling.locked_whole(pk=link.participant_id)}
    person: Any = found.get(link.participant_id)
    change = waiting(link)
    if person is None or change is None:
        raise NothingToConfirm
    Link.objects.filter(pk=link.pk).update(used_at=at)
    others = Participant.objects.filter(address_key=change.address_key).exclude(pk=person.pk)
    if not others.exists():
        try:
            with transaction.atomic():
                return _use(change, person, link, at)
        except IntegrityError:
            pass  # Somebody came in with that address just now.
    for known in others:
        _leave_to_staff(person, known, at)
    change.delete()


def _use(change: AddressChange, person: Any, link: Link, at: datetime.datetime) -> None:
    old = person.email
    bars = Suppression.objects.of_address(old).exclude(reason=Suppression.Reason.BOUNCED)
    kept = list(bars.order_by("pk"))
    person.email, person.address_key = change.email, change.address_key
    person.confirmed_at = at
    person.save(update_fields=["email", "address_key", "confirmed_at"])
    for bar in kept:
        barring.suppress(
            address=change.email,
            purpose=bar.purpose,
            reason=bar.reason,
            source=bar.source,
            at=at,
        )
    # So that no old sheet brings the person back under the address that they left.
    barring.suppress(
        address=old,
        purpose=Purpose.INVITE,
        reason=Suppression.Reason.UNSUBSCRIBED,
        source=MOVED_AWAY,
        at=at,
    )
    returned = Suppression.objects.of_address(change.email).filter(source=MOVED_AWAY)
    barring.take_back(entries=list(returned), sources={})
    settling.settle([person.pk], at=at)
    Link.objects.filter(participant=person, purpose__in=ENDED).update(expires_at=at)
    links.issue(
        [
            links.row(
                purpose=Link.Purpose.CHOICES,
                uuid=link.uuid,
                at=at,
                key_id=link.key_id,
                participant_id=person.pk,
            )
        ]
    )
    person.address_changes.filter(confirmed_at=None).exclude(pk=change.pk).delete()
    # From here on the row holds the address that was left, for the mail that goes there.
    change.email, change.address_key = old, addresses.key(old)
    change.mail = _queue(Kind.MOVED, old, person, at)
    change.confirmed_at = at
    change.save()
    log(person, "wagtail_engagement.address_changed", title=str(person))


def _leave_to_staff(person: Any, known: Participant, at: datetime.datetime) -> None:
    other = known.merged_into_id or known.pk
    if other == person.pk:
        return
    first, second = sorted((person.pk, other))
    pair = PossibleDuplicate.objects.filter(
        Q(first=first, second=second) | Q(first=second, second=first)
    )
    asked: dict[str, Any] = {"hint": ASKED, "state": PossibleDuplicate.State.OPEN, "found_at": at}
    if not pair.update(**asked, decided_at=None, decided_by=None):
        PossibleDuplicate.objects.create(first_id=first, second_id=second, **asked)


def _queue(kind: str, email: str, person: Any, at: datetime.datetime) -> RegisterMail:
    mark, key_id = addresses.fingerprint(email)
    return RegisterMail.objects.create(
        kind=kind, fingerprint=mark, key_id=key_id, participant=person, retry_at=at, at=at
    )
