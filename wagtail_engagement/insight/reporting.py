"""Proof of notification: which organisations the law says to tell were told of a consultation."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from ..consent.models import ContactPermission, Purpose
from ..consultations.models import Consultation
from ..invitations.models import Delivery
from ..invitations.queries import NOT_ARRIVED, SENT
from ..participants.models import Participant

CHUNK = 500
State = Delivery.State
# The delivery that says most stands for all: first what arrived, last what was never sent.
TELLING = [
    State.DELIVERED,
    State.ACCEPTED,
    State.COMPLAINED,
    State.UNCERTAIN,
    State.HANDING,
    State.LEASED,
    State.PENDING,
    State.BOUNCED,
    State.REFUSED,
    State.SKIPPED,
]


@dataclass(frozen=True)
class Notice:
    """Whether somebody was told, in words; `at` is when the message was handed over."""

    organisation: Participant
    is_notified: bool
    told: str
    at: datetime.datetime | None


def must_be_told() -> QuerySet[Participant]:
    """Everybody of whom the law says that they are told of consultations."""
    people = Participant.objects.current().filter(must_be_notified=True)
    return people.order_by("name", "pk")


def number_told(consultation: Consultation) -> int:
    """How many of them a message about a consultation reached."""
    found = Delivery.objects.filter(
        invitation__consultation=consultation,
        state__in=SENT,
        participant__must_be_notified=True,
        participant__merged_into=None,
    )
    return found.order_by().values("participant").distinct().count()


def notices(consultation: Consultation, people: Iterable[Participant]) -> list[Notice]:
    """What is known about each of these people, in two queries."""
    asked = list(people)
    deliveries: dict[int | None, Delivery] = {}
    rows = Delivery.objects.filter(invitation__consultation=consultation, participant__in=asked)
    for row in sorted(rows, key=lambda row: (TELLING.index(State(row.state)), row.pk)):
        deliveries.setdefault(row.participant_id, row)
    standing = ContactPermission.objects.filter(
        participant__in=asked, purpose=Purpose.INVITE, consultation=None
    )
    permissions = {row.participant_id: row for row in standing}
    return [
        _notice(person, deliveries.get(person.pk), permissions.get(person.pk)) for person in asked
    ]


def _notice(
    person: Participant, delivery: Delivery | None, permission: ContactPermission | None
) -> Notice:
    if delivery is None:
        return Notice(person, False, _never(permission), None)
    words = delivery.get_state_display()
    # After a restore the journal knows that it was handed over, and not what was answered.
    is_proven = delivery.state != State.ACCEPTED or delivery.reason != Delivery.Reason.JOURNAL
    if delivery.state in SENT and is_proven:
        return Notice(person, True, _("Notified: %(state)s") % {"state": words}, delivery.handed_at)
    if delivery.state in (State.ACCEPTED, State.UNCERTAIN, State.HANDING):
        told = _("We cannot tell if the message arrived")
        return Notice(person, False, told, delivery.handed_at)
    if delivery.state in Delivery.LIVE:
        return Notice(person, False, _("Not yet: %(state)s") % {"state": words}, None)
    why = words if delivery.state in NOT_ARRIVED else delivery.why or words
    if delivery.bounce:
        why = f"{words}, {delivery.get_bounce_display()}"
    return Notice(person, False, _("Not notified: %(why)s") % {"why": why}, delivery.handed_at)


def _never(permission: ContactPermission | None) -> str:
    if permission is not None and permission.may_write:
        return _("Not notified: in no invitation so far")
    reason = (
        permission.get_reason_display()
        if permission
        else ContactPermission.Reason.NEVER_AGREED.label
    )
    return _("Not notified: %(why)s") % {"why": reason}


def export_rows(consultation: Consultation) -> Iterator[list[object]]:
    """Yield the heading and one row an organisation, in constant memory."""
    yield [
        _("Organisation"),
        _("Email address"),
        _("Notified"),
        _("Handed over"),
        _("What is known"),
    ]
    rest = must_be_told().iterator(chunk_size=CHUNK)
    while people := list(islice(rest, CHUNK)):
        for notice in notices(consultation, people):
            yield [
                notice.organisation.name,
                notice.organisation.email,
                _("yes") if notice.is_notified else _("no"),
                notice.at,
                notice.told,
            ]
