"""What the overview says: what is open, who joined, what needs doing, and what is not set up."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import Site

from ..consent.notices import EngagementSettings
from ..consultations.models import Consultation, ConsultationResponse
from ..consultations.queries import page_of
from ..invitations import queries as invitations
from ..invitations.models import Delivery, Invitation
from ..participants.models import Claim, Participant, RegisterMail

MOST_LINES = 5
# An invitation should leave people time to answer.
CLOSING_SOON = datetime.timedelta(days=7)
# This long after an invitation ended, its editor has seen how it went.
STAYS_NEWS = datetime.timedelta(days=14)


def day(date: datetime.date) -> str:
    return date_format(date, "j F Y")


@dataclass(frozen=True)
class Line:
    """Something that waits for a person, and what becomes of it if nobody looks."""

    text: str
    otherwise: str
    url: str


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
    return Participant.objects.filter(joined_at__gte=moment).count()


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


def to_do(*, user: Any, readable: Any, at: datetime.datetime) -> list[Line]:
    """At most five lines, the most pressing first; only what this user may act on.

    `readable` are the consultations whose answers the user may read.
    """
    lines: list[Line] = []
    if user.has_perm("wagtail_engagement.send_invitation"):
        lines += paused()
    if user.has_perm("wagtail_engagement.moderate_response"):
        lines += held(readable)
    if user.has_perm("wagtail_engagement.send_invitation"):
        lines += [*uncertain(at), *uninvited(at)]
    if user.has_perm("wagtail_engagement.view_response"):
        lines += unanswered(readable, at)
    return lines[:MOST_LINES]


def paused() -> Iterator[Line]:
    rows = Invitation.objects.filter(status=Invitation.Status.PAUSED).select_related("consultation")
    for invitation in rows.order_by("consultation__closes_at", "pk")[:MOST_LINES]:
        closes = day(timezone.localtime(invitation.consultation.closes_at))
        waiting = invitation.deliveries.live().count()
        yield Line(
            text=ngettext(
                "“%(subject)s” is paused; %(count)s person waits.",
                "“%(subject)s” is paused; %(count)s people wait.",
                waiting,
            )
            % {"subject": invitation, "count": waiting},
            otherwise=_("If nobody resumes it by %(date)s, they are not invited.")
            % {"date": closes},
            url=reverse("engagement_invitations:progress", args=[invitation.pk]),
        )


def uncertain(at: datetime.datetime) -> Iterator[Line]:
    """Nothing can be done about these, so that they are news for a while and not for ever."""
    recent = Q(invitation__finished_at=None) | Q(invitation__finished_at__gt=at - STAYS_NEWS)
    number = Delivery.objects.filter(recent, state=Delivery.State.UNCERTAIN).count()
    if number:
        yield Line(
            text=ngettext(
                "We cannot tell if %(count)s invitation arrived.",
                "We cannot tell if %(count)s invitations arrived.",
                number,
            )
            % {"count": number},
            otherwise=_("If nobody looks, they count as sent, and nobody is written to twice."),
            url=reverse("wagtail_engagement_deliveries:index") + "?state=uncertain",
        )


def held(readable: Any) -> Iterator[Line]:
    rows = ConsultationResponse.objects.filter(
        status=ConsultationResponse.Status.HELD, consultation__in=readable
    )
    number = rows.count()
    if number:
        first = rows.order_by("held_until").values_list("held_until", flat=True)[0]
        yield Line(
            text=ngettext(
                "%(count)s response is held back.", "%(count)s responses are held back.", number
            )
            % {"count": number},
            otherwise=_("If nobody looks, each counts by itself, the first on %(date)s.")
            % {"date": day(timezone.localtime(first))},
            url=reverse("wagtail_engagement_responses:held"),
        )


def uninvited(at: datetime.datetime) -> Iterator[Line]:
    soon = open_now(at=at).filter(closes_at__lte=at + CLOSING_SOON)
    rows = soon.exclude(invitations__status__in=Invitation.STARTED)
    for consultation in rows[:MOST_LINES]:
        closes = day(timezone.localtime(consultation.closes_at))
        facts = {"title": consultation.title, "date": closes}
        yield Line(
            text=_("%(title)s closes on %(date)s, and nobody was invited.") % facts,
            otherwise=_("If nobody invites, only those who find it by themselves answer."),
            url=reverse("engagement_invitations:invite", args=[consultation.pk]),
        )


def unanswered(readable: Any, at: datetime.datetime) -> Iterator[Line]:
    rows = readable.filter(is_live=True, closes_at__lte=at, answered_at=None)
    for consultation in rows.order_by("decision_expected_on", "closes_at")[:MOST_LINES]:
        closed = day(timezone.localtime(consultation.closes_at))
        text = _("%(title)s closed on %(date)s, and what came of it is not said yet.")
        promised = consultation.decision_expected_on
        yield Line(
            text=text % {"title": consultation.title, "date": closed},
            otherwise=_("The page promises a decision by %(date)s.") % {"date": day(promised)}
            if promised
            else _("If nobody answers, those who asked to hear the result keep waiting."),
            url=outcome_url(consultation),
        )


def outcome_url(consultation: Consultation) -> str:
    """Where what came of it is written: the page's editor, for its editors alone read this."""
    page = page_of(consultation)
    if page is None:
        return reverse("wagtail_engagement_responses:of_consultation", args=[consultation.pk])
    return reverse("wagtailadmin_pages:edit", args=[page.pk])
