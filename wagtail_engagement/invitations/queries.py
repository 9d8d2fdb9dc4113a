"""How far an invitation has come, and what waits to be sent."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min

from .. import conf
from ..consultations import routes
from ..consultations.models import ConsultationResponse
from ..participants import renewing
from ..participants.models import Claim, RegisterMail
from ..seal import sealing
from ..seal.models import JournalEntry
from . import limiting, rendering, timing
from .events import ProviderEvent
from .kinds import RETURNED
from .models import Delivery, Invitation
from .signs import WorkerSign

# A worker signs at every round; this long a silence means that none is there.
WORKER_IS_LATE = datetime.timedelta(minutes=10)
SIGN_IS_FRESH = datetime.timedelta(minutes=1)
SENT = (Delivery.State.ACCEPTED, Delivery.State.DELIVERED, Delivery.State.COMPLAINED)
NOT_ARRIVED = (Delivery.State.REFUSED, Delivery.State.BOUNCED)


@dataclass(frozen=True)
class Progress:
    """How far an invitation has come. The first five numbers add up to its recipients."""

    sent: int
    waiting: int
    not_arrived: int
    unknown: int
    skipped: int
    skipped_reasons: list[tuple[str, str, int]]
    bounces: list[tuple[str, str, int]]
    answered: int | None
    refusal: str = ""  # Why this database may not send at all; "" while it may, or need not.

    @property
    def total(self) -> int:
        return self.sent + self.waiting + self.not_arrived + self.unknown + self.skipped

    @property
    def settled(self) -> int:
        return self.total - self.waiting


def version(invitation: Invitation) -> str:
    """A fingerprint of all that is decided before it starts; another one after any change."""
    topics = sorted(invitation.interests.values_list("pk", flat=True))
    team = invitation.team and [invitation.team.sender_name, invitation.team.reply_to]
    said = [topics, team, *(str(getattr(invitation, name)) for name in Invitation.AMENDABLE)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def worker_seen_at() -> datetime.datetime | None:
    """The last sign of life of any worker."""
    return WorkerSign.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()


def progress(invitation: Invitation) -> Progress:
    """Count the deliveries of an invitation in one statement, its answers in another."""
    told = invitation.deliveries.order_by().values_list("state", "reason", "bounce")
    found: dict[str, int] = {}
    skipped: dict[str, int] = {}
    bounced: dict[str, int] = {}
    for state, reason, bounce, number in told.annotate(Count("pk")):
        found[state] = found.get(state, 0) + number
        if state == Delivery.State.BOUNCED and bounce:
            bounced[bounce] = bounced.get(bounce, 0) + number
        if state == Delivery.State.SKIPPED:
            skipped[reason] = number
    answers = ConsultationResponse.objects.counted().filter(
        route_key=invitation.code, route__in=routes.INVITING
    )
    return Progress(
        sent=sum(found.get(state, 0) for state in SENT),
        waiting=sum(found.get(state, 0) for state in Delivery.LIVE),
        not_arrived=sum(found.get(state, 0) for state in NOT_ARRIVED),
        unknown=found.get(Delivery.State.UNCERTAIN, 0),
        skipped=found.get(Delivery.State.SKIPPED, 0),
        skipped_reasons=[
            (reason.value, str(reason.label), skipped[reason])
            for reason in Delivery.Reason
            if reason in skipped
        ],
        bounces=[
            (kind.value, str(kind.label), bounced[kind])
            for kind in reversed(RETURNED)
            if kind in bounced
        ],
        answered=answers.count() if rendering.tells_route(invitation) else None,
        refusal=_refusal_of(invitation),
    )


@dataclass(frozen=True)
class Gathering:
    """How many people get an invitation with others, and the day on which the last of them do."""

    number: int
    until: datetime.datetime


def gathering(invitation: Invitation) -> Gathering | None:
    """Who of those that wait get it in their summary; None where nobody does."""
    rows = invitation.deliveries.live().filter(in_summary=True)
    found = rows.aggregate(number=Count("pk"), last=Max("retry_at"))
    if not found["number"]:
        return None
    latest = invitation.consultation.closes_at - timing.TIME_TO_ANSWER
    return Gathering(found["number"], min(found["last"], latest))


def _rate(at: datetime.datetime) -> float:
    """Messages a second, of all workers that sent something in their last round."""
    signs = WorkerSign.objects.filter(seen_at__gt=at - SIGN_IS_FRESH, seconds__gt=0)
    return round(sum(sign.sent / sign.seconds for sign in signs), 1)


def _refusal_of(invitation: Invitation) -> str:
    refusal = None if invitation.finished_at else sealing.why_not()
    return refusal.text if refusal else ""


def status(at: datetime.datetime) -> dict[str, Any]:
    """What waits and what has happened, for whoever looks after the site. Plain JSON values."""
    states = Delivery.objects.order_by().values_list("state").annotate(Count("pk"))
    queue = {state.value: 0 for state in Delivery.State} | dict(states)
    unmailed = Claim.objects.pending().filter(mail=None)
    addresses = unmailed.aggregate(n=Count("address_key", distinct=True))["n"]
    mails = RegisterMail.objects.filter(state=RegisterMail.State.WAITING).count()
    oldest = Delivery.objects.live().aggregate(oldest=Min("lease_until"))["oldest"]
    began = oldest and oldest - datetime.timedelta(seconds=conf.lease_seconds())
    seen = worker_seen_at()
    trouble = limiting.trouble(at)
    refusal = sealing.why_not()
    return {
        "sending_refused": refusal.code if refusal else None,
        "sending_refused_because": refusal.text if refusal else None,
        "journal_waiting": JournalEntry.objects.filter(is_written=False).count(),
        "deliveries": queue,
        "queue": sum(queue[state] for state in Delivery.LIVE),
        "rate": _rate(at),
        "workers": WorkerSign.objects.filter(seen_at__gt=at - WORKER_IS_LATE).count(),
        "uncertain": queue[Delivery.State.UNCERTAIN],
        "oldest_lease_age": round((at - began).total_seconds()) if began else None,
        "confirmations_waiting": addresses + mails,
        "mail_server_trouble": trouble.trouble if trouble else None,
        "mail_server_tried_again_at": (
            trouble.wait_until.isoformat() if trouble and trouble.wait_until else None
        ),
        "invitations_scheduled": Invitation.objects.filter(
            status=Invitation.Status.SCHEDULED
        ).count(),
        "invitations_paused": Invitation.objects.filter(status=Invitation.Status.PAUSED).count(),
        "reports_waiting": ProviderEvent.objects.filter(applied_at=None).count(),
        "invitations_sending": Invitation.objects.filter(status=Invitation.Status.SENDING).count(),
        "agreements_ended_unasked": renewing.unasked(at=at).count(),
        "worker_seen_at": seen.isoformat() if seen else None,
        "worker_is_late": seen is None or at - seen > WORKER_IS_LATE,
    }
