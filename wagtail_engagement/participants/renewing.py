"""For how long people may be written to: pausing, and asking before an agreement ends.

An agreement to be invited ends `permission_days` after the day it was given. Somebody is asked
once, 30 days before, and never while they stopped or paused our mail or while it does not arrive.
Whose pause lasts longer than the agreement learns that on the page where they pause, and can say
yes again there.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from .. import addresses, conf
from ..consent import settling
from ..consent.models import ConsentEvent, ContactPermission, Purpose
from . import queries
from .models import Link, Participant, RegisterMail

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Standing = ContactPermission.Reason

NOTICE = datetime.timedelta(days=30)
# Saving one's choices says yes again, unless that was said this lately.
LATELY = datetime.timedelta(days=30)
MONTHS = (1, 3, 6, 12)


# Pausing


def months_later(at: datetime.datetime, months: int) -> datetime.datetime:
    """The same day some months on, else the last day of that month."""
    years, month = divmod(at.month - 1 + months, 12)
    last = calendar.monthrange(at.year + years, month + 1)[1]
    return at.replace(year=at.year + years, month=month + 1, day=min(at.day, last))


def pause(*, participant: Participant, months: int, at: datetime.datetime) -> None:
    """Send no invitations for some months; afterwards everything stands as it stood before."""
    _pause_until(months_later(at, months), participant=participant, at=at)


def end_pause(*, participant: Participant, at: datetime.datetime) -> None:
    """Let invitations go on now."""
    if queries.standing_of(participant) == Standing.PAUSED:
        _pause_until(at, participant=participant, at=at)


def ends_while_paused(participant: Participant) -> datetime.datetime | None:
    """When what somebody agreed to ends, if that is before their pause does.

    Nobody who paused is written to, and nobody whose agreement is over, so that the person is
    told where they pause.
    """
    rows = participant.permissions.filter(purpose=Purpose.INVITE, reason=Standing.PAUSED)
    row = rows.first()
    if row is None or row.ends_at is None or row.recheck_at is None:
        return None
    return row.ends_at if row.ends_at <= row.recheck_at else None


def _pause_until(
    until: datetime.datetime, *, participant: Participant, at: datetime.datetime
) -> None:
    if queries.standing_of(participant) not in (Standing.GRANTED, Standing.PAUSED):
        return  # There is nothing to pause.
    settling.record(
        participant=participant,
        purpose=Purpose.INVITE,
        action=Action.PAUSED,
        channel=Channel.CHOICES,
        until=until,
        at=at,
    )


# Saying yes again


def renew(
    *, participant: Participant, wording_id: int, channel: str, at: datetime.datetime
) -> None:
    """Note that somebody says yes again, to the words they were shown just now.

    Whoever paused has said for how long; that stands.
    """
    facts: dict[str, Any] = {"purpose": Purpose.INVITE, "channel": channel, "at": at}
    facts["participant"] = participant
    events = [ConsentEvent(action=Action.GIVEN, wording_id=wording_id, **facts)]
    until = queries.agreed_until(participant, reason=Standing.PAUSED)
    if until:
        events.append(ConsentEvent(action=Action.PAUSED, until=until, **facts))
    settling.give(participant_id=participant.pk, events=events, is_proven=False, at=at)


def was_agreed_lately(participant: Participant, *, at: datetime.datetime) -> bool:
    """Whether saying yes once more would say nothing new.

    Whoever was merely told (public task) is not made to agree by a box that stands ticked.
    """
    rows = participant.permissions.filter(purpose=Purpose.INVITE)
    standing = rows.filter(Q(reason=Standing.PAUSED) | Q(may_write=True))
    return standing.filter(Q(since__gt=at - LATELY) | Q(is_by_consent=False)).exists()


# Asking before the end


def _agreed() -> QuerySet[ContactPermission]:
    return ContactPermission.objects.filter(purpose=Purpose.INVITE, may_write=True)


def _endless() -> Q:
    """Agreements that have no end yet, for they are older than the rule that gives them one.

    What people were merely told of (public task) has no end.
    """
    return Q(may_write=True, lapses=False, recheck_at=None, is_by_consent=True)


def past_pauses(*, at: datetime.datetime) -> QuerySet[ContactPermission]:
    """Pauses whose time has come; the worker settles these people next."""
    return ContactPermission.objects.filter(reason=Standing.PAUSED, recheck_at__lte=at)


def outlasts_its_pause(*, at: datetime.datetime) -> Q:
    """Says of permissions that they are paused, and that the agreement runs on behind that."""
    term = _term()
    paused = Q(reason=Standing.PAUSED)
    if term is None:
        return paused
    return paused & (Q(recheck_at__gt=at) | Q(since__gt=at - term) | Q(is_by_consent=False))


def outlasts_its_bounce(*, at: datetime.datetime) -> Q:
    """Says of permissions that mail does not arrive, and that the agreement runs on behind that.

    The permission tells when the mail failed; what was agreed, and when, only the events tell.
    """
    same = Q(participant=OuterRef("participant"), purpose=OuterRef("purpose"))
    same &= ~Q(purpose=Purpose.RESULT) | Q(consultation=OuterRef("consultation"))
    events = ConsentEvent.objects.filter(same)
    of_merge = Q(channel=Channel.MERGE, evidence=OuterRef("evidence"))
    taken_back = events.filter(Q(batch=OuterRef("batch")) | of_merge, action=Action.RETRACTED)
    told = events.exclude(action__in=(Action.PAUSED, Action.RETRACTED))
    told = told.filter(~Exists(taken_back), at__lte=at).order_by("-at", "-id")
    agrees = Q(action=Action.GIVEN)
    term = _term()
    if term is not None:
        agrees &= ~Q(purpose=Purpose.INVITE) | Q(at__gt=at - term)
    agrees |= Q(action=Action.INFORMED)
    last = events.filter(agrees, pk=Subquery(told.values("pk")[:1]))
    return Q(Exists(last), reason=Standing.UNDELIVERABLE)


def _asked(**when: datetime.datetime) -> Q:
    """Links outlive the ledger of mails, so that they tell who was asked."""
    asked = Link.objects.filter(
        participant=OuterRef("participant"),
        purpose=Link.Purpose.RENEW,
        created_at__gte=OuterRef("since"),
        **when,
    )
    return Q(Exists(asked))


def _term() -> datetime.timedelta | None:
    return datetime.timedelta(days=conf.permission_days()) if conf.permission_days() else None


def undated(*, at: datetime.datetime) -> QuerySet[ContactPermission]:
    """Agreements without an end that can be given theirs: it is more than 30 days away."""
    term = _term()
    if term is None:
        return ContactPermission.objects.none()
    return _agreed().filter(_endless(), since__gt=at + NOTICE - term)


def running_out(*, at: datetime.datetime) -> QuerySet[ContactPermission]:
    """Agreements that end within 30 days, of people who were not asked yet.

    Those that would be over at once, had they an end, are among them, and those whose pause is
    just over.
    """
    soon = Q(may_write=True, lapses=True, recheck_at__gt=at, recheck_at__lte=at + NOTICE)
    term = _term()
    if term is not None:
        near_the_end = Q(since__lte=at + NOTICE - term)
        soon |= _endless() & near_the_end
        back = Q(reason=Standing.PAUSED, is_by_consent=True, recheck_at__lte=at)
        soon |= back & Q(since__gt=at - term) & near_the_end
    queued = RegisterMail.objects.filter(
        participant=OuterRef("participant"),
        kind=RegisterMail.Kind.RENEW,
        at__gte=OuterRef("since"),
    )
    rows = ContactPermission.objects.filter(soon, purpose=Purpose.INVITE)
    return rows.filter(~_asked(), ~Exists(queued))


def is_over(*, at: datetime.datetime) -> Q:
    """Says of permissions that their time has come: the worker ends them next.

    An agreement that never had an end lasts until 30 days after its person was asked.
    """
    ended = Q(purpose=Purpose.INVITE, may_write=True, lapses=True, recheck_at__lte=at)
    term = _term()
    if term is None:
        return ended
    late = Q(purpose=Purpose.INVITE, since__lte=at - term)
    return ended | (late & _endless() & _asked(created_at__lte=at - NOTICE))


def over(*, at: datetime.datetime) -> QuerySet[ContactPermission]:
    """Agreements whose time has come."""
    return _agreed().filter(is_over(at=at))


def unasked(*, at: datetime.datetime) -> QuerySet[ContactPermission]:
    """Agreements that ran out in the last 30 days, and no mail that asked had left before.

    So it is where no worker ran, or no mail could leave, in the 30 days before the end. Whose
    agreement ended during a pause was told so on the page.
    """
    term = _term()
    rows = ContactPermission.objects.filter(
        purpose=Purpose.INVITE, reason=Standing.LAPSED, since__gt=at - NOTICE, since__lte=at
    )
    if term is None:
        return rows.none()
    own = {"participant": OuterRef("participant")}
    lately = {"created_at__gte": OuterRef("since") - term}
    asked = Link.objects.filter(purpose=Link.Purpose.RENEW, **lately, **own)
    unsent = RegisterMail.objects.filter(kind=RegisterMail.Kind.RENEW, attempt=0, **own)
    paused = ConsentEvent.objects.filter(
        action=Action.PAUSED, purpose=Purpose.INVITE, until__gte=OuterRef("since"), **own
    )
    return rows.filter(~Exists(asked) | Exists(unsent), ~Exists(paused))


@transaction.atomic
def ask(*, ids: Collection[int], at: datetime.datetime) -> int:
    """Queue a mail to the people of these permissions who are still to be asked; return how many."""
    people = {person.pk: person for person in _people(ids)}
    due = running_out(at=at).filter(pk__in=ids).values_list("participant", flat=True)
    rows = []
    for pk in due:
        mark, key_id = addresses.fingerprint(people[pk].email)
        rows.append(
            RegisterMail(
                kind=RegisterMail.Kind.RENEW,
                fingerprint=mark,
                key_id=key_id,
                participant_id=pk,
                retry_at=at,
                at=at,
            )
        )
    return len(RegisterMail.objects.bulk_create(rows))


@transaction.atomic
def end(*, ids: Collection[int], at: datetime.datetime) -> int:
    """Write down that these agreements ran out, as far as nobody renewed them; return how many."""
    _people(ids)
    events = [
        ConsentEvent(
            participant_id=row.participant_id,
            purpose=Purpose.INVITE,
            action=Action.LAPSED,
            channel=Channel.SYSTEM,
            at=row.recheck_at or at,
        )
        for row in over(at=at).filter(pk__in=ids)
    ]
    settling.record_many(events, at=at)
    return len(events)


def _people(ids: Collection[int]) -> list[Participant]:
    """The people of permissions, locked: what they press meanwhile waits."""
    rows = ContactPermission.objects.filter(pk__in=ids)
    return settling.locked(pk__in=list(rows.values_list("participant", flat=True)))


def end_to_ask_about(row: RegisterMail, *, at: datetime.datetime) -> datetime.datetime | None:
    """When the agreement that a mail asks about ends; None if there is no reason to ask any more."""
    found = _agreed().filter(participant=row.participant_id).first()
    if found is None or (found.recheck_at and found.recheck_at > at + NOTICE):
        return None
    return found.recheck_at or at + NOTICE
