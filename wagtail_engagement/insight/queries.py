"""What the overview says: what is open, who joined, and what is not set up."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from wagtail.models import Site

from ..consent.models import ConsentWording, LawfulBasis, Purpose
from ..consent.notices import EngagementSettings
from ..consultations.models import Consultation
from ..invitations import queries as invitations
from ..invitations.models import Delivery, Invitation
from ..participants.models import Claim, Participant, RegisterMail


@dataclass(frozen=True)
class Silence:
    """Work waits and no worker has been seen lately."""

    waiting: int
    seen_at: datetime.datetime | None


def silence(*, at: datetime.datetime) -> Silence | None:
    """Whether work waits that no worker does; None while all is well."""
    seen_at = invitations.worker_seen_at()
    if seen_at and at - seen_at < invitations.WORKER_IS_LATE:
        return None
    waiting = waiting_mails(at=at)
    return Silence(waiting=waiting, seen_at=seen_at) if waiting else None


def waiting_mails(*, at: datetime.datetime) -> int:
    """Mails that a worker should be sending now."""
    sending = Delivery.objects.live().filter(
        invitation__status=Invitation.Status.SENDING, retry_at__lte=at
    )
    unheld = Q(held_until=None) | Q(held_until__lte=at)
    lasting = Q(invite_until__gt=at) | Q(result_until__gt=at)
    claims = Claim.objects.pending().filter(unheld, lasting, mail=None)
    mails = RegisterMail.objects.filter(state=RegisterMail.State.WAITING, retry_at__lte=at)
    return sending.count() + claims.count() + mails.count()


def open_now(*, at: datetime.datetime) -> Any:
    """Live consultations that can be answered, the one that closes first on top."""
    return Consultation.objects.live().open_at(at).order_by("closes_at", "pk")


def joined_since(moment: datetime.datetime) -> int:
    return Participant.objects.current().filter(joined_at__gte=moment).count()


def start_of_month(at: datetime.datetime) -> datetime.datetime:
    """The first moment of the month in the site's time zone."""
    return timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def missing_settings() -> list[str]:
    """What the law asks every site to say and this one does not yet say, by site (P15)."""
    said = {row.site_id: row for row in EngagementSettings.objects.all()}
    missing = []
    for site in Site.objects.all():
        row = said.get(site.pk)
        if not is_said(row, "privacy_notice"):
            missing.append(_("%(site)s has no privacy notice.") % {"site": site})
        if not is_said(row, "complaints"):
            missing.append(_("%(site)s does not say how to complain.") % {"site": site})
    return missing


def is_said(row: EngagementSettings | None, name: str) -> bool:
    """An emptied rich text still holds tags."""
    return bool(row and strip_tags(getattr(row, name)).strip())


def undecided_basis() -> list[str]:
    """Sites that chose public task without what it needs, so that consent stays in force."""
    chosen = EngagementSettings.objects.filter(invite_basis=LawfulBasis.PUBLIC_TASK)
    words = ConsentWording.objects.filter(purpose=Purpose.INVITE, basis=LawfulBasis.PUBLIC_TASK)
    missing = []
    for row in chosen.select_related("site"):
        if not row.is_public_task:
            told = _("%(site)s does not say who decided on public task, and on which day.")
            missing.append(told % {"site": row.site})
        if not words.exists():
            told = _("There are no words for public task that %(site)s could show to people.")
            missing.append(told % {"site": row.site})
    return missing
