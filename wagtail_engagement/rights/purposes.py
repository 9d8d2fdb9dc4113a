"""Why we may keep somebody, and for how long an answer stays tied to a person.

Everything here goes by the clock and not by what a worker has done already, so that a plan and
the run after it see the same.
"""

from __future__ import annotations

import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..consent.models import ContactPermission, Purpose
from ..consultations.models import Consultation, ConsultationResponse
from ..consultations.queries import cut_at
from ..invitations.models import Delivery
from ..participants import renewing
from ..participants.models import Claim, Participant
from .models import RightsRequest

# What a consultation's clock needs: its number, and three of its dates.
DATES = ("pk", "closes_at", "answered_at", "decision_expected_on")


def cut_dates() -> dict[int, datetime.datetime]:
    """When each consultation's answers are cut, by its number."""
    rows = Consultation.objects.values_list(*DATES)
    return {pk: cut_at(*dates) for pk, *dates in rows.iterator()}


def ended(*, at: datetime.datetime) -> list[int]:
    """Consultations whose answers belong to nobody any more."""
    return [pk for pk, end in cut_dates().items() if end <= at]


def _reason_to_keep(at: datetime.datetime) -> Q:
    """A permission, a pause, a tied answer, a claim or request that waits, or a duty to notify.

    An agreement stands while mail does not arrive, for the mailbox may work again. A wish to hear a result lasts as long as the answers to its consultation are tied to people.
    """
    over = ended(at=at)
    owner = {"participant": OuterRef("pk")}
    stands = Q(may_write=True) | renewing.outlasts_its_pause(at=at)
    stands |= renewing.outlasts_its_bounce(at=at)
    permissions = ContactPermission.objects.filter(stands, **owner)
    permissions = permissions.exclude(renewing.is_over(at=at))
    permissions = permissions.exclude(purpose=Purpose.RESULT, consultation__in=over)
    answers = ConsultationResponse.objects.filter(**owner).exclude(consultation__in=over)
    claims = Claim.objects.pending().filter(address_key=OuterRef("address_key"))
    awaits = Q(purposes__has_key=Purpose.RESULT, consultation__isnull=False, result_until__gt=at)
    claims = claims.filter(awaits | Q(invite_until__gt=at))
    requests = RightsRequest.objects.filter(closed_at=None, **owner)
    return (
        Q(must_be_notified=True)
        | Exists(permissions)
        | Exists(answers)
        | Exists(claims)
        | Exists(requests)
    )


def to_remove(*, at: datetime.datetime) -> QuerySet[Participant]:
    """People whose time is over and for whom no reason was found meanwhile."""
    people = Participant.objects.current().filter(kept_until__lt=at)
    return people.filter(~_reason_to_keep(at))


def to_release(*, at: datetime.datetime) -> QuerySet[Participant]:
    """People in quarantine whom there is a reason to keep now."""
    people = Participant.objects.current().filter(kept_until__isnull=False)
    return people.filter(_reason_to_keep(at))


def to_quarantine(*, at: datetime.datetime) -> QuerySet[Participant]:
    """People whom there is no reason to keep, and whose last days do not run yet."""
    people = Participant.objects.current().filter(kept_until=None)
    return people.filter(~_reason_to_keep(at))


def to_cut(*, at: datetime.datetime) -> QuerySet[ConsultationResponse]:
    """Answers that are still tied to somebody, or to what somebody typed, past their time."""
    tied = Q(participant__isnull=False) | Q(claim__isnull=False) | Q(contact__isnull=False)
    return ConsultationResponse.objects.filter(tied, consultation__in=ended(at=at))


def to_forget(*, at: datetime.datetime) -> QuerySet[Delivery]:
    """Messages that still tell who answered, where the answers belong to nobody any more."""
    told = Q(has_answered=True) | Q(reason=Delivery.Reason.ANSWERED)
    return Delivery.objects.filter(
        told, participant__isnull=False, invitation__consultation__in=ended(at=at)
    )
