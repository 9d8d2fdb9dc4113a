"""What waits for a person, and what becomes of it if nobody looks; steps left by consultation."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import conf
from ..consultations.models import Consultation, ConsultationResponse
from ..consultations.queries import page_of
from ..imports.models import ImportBatch, ImportRow
from ..invitations import reminding
from ..invitations.models import Delivery, Invitation
from ..modeladmin import may
from ..participants import duplicates, renewing, tending
from ..participants.models import Participant
from ..rights.models import RightsRequest
from .belongings import UNFINISHED
from .desk import Desk, Line, day, local
from .queries import open_now
from .together import left_behind, second_person

MOST_LINES = 5
# An invitation should leave people time to answer.
CLOSING_SOON = datetime.timedelta(days=7)
# This long after an invitation ended, its editor has seen how it went.
STAYS_NEWS = datetime.timedelta(days=14)


def to_do(*, user: Any, readable: Any, at: datetime.datetime) -> list[Line]:
    """At most five lines, what happens first on top; only what this user may act on.

    `readable` are the consultations whose answers the user may read. No queue hides the others:
    the second line of one comes after the first of each.
    """
    desk = Desk(user=user, readable=readable, at=at)
    ranked: list[tuple[int, bool, datetime.date, Line]] = []
    for codenames, queue in QUEUES:
        if all(may(user, codename) for codename in codenames.split()):
            for place, line in enumerate(queue(desk)):
                ranked.append((place, line.by is None, line.by or datetime.date.max, line))
    ranked.sort(key=lambda entry: entry[:3])
    return [line for *_rank, line in ranked[:MOST_LINES]]


# Invitations and answers


def paused(desk: Desk) -> Iterator[Line]:
    rows = Invitation.objects.filter(status=Invitation.Status.PAUSED).select_related("consultation")
    for invitation in rows.order_by("consultation__closes_at", "pk")[:MOST_LINES]:
        closes = local(invitation.consultation.closes_at)
        waiting = invitation.deliveries.live().count()
        told = ngettext(
            "“%(subject)s” is paused; %(count)s person waits.",
            "“%(subject)s” is paused; %(count)s people wait.",
            waiting,
        ) % {"subject": invitation, "count": waiting}
        yield Line(
            text=f"{told} {invitation.status_reason}" if invitation.halted else told,
            otherwise=_("If nobody resumes it by %(date)s, they are not invited.")
            % {"date": day(closes)},
            url=reverse("engagement_invitations:progress", args=[invitation.pk]),
            by=closes,
        )


def unreminded(desk: Desk) -> Iterator[Line]:
    """Reminders that were planned and could not start."""
    rows = reminding.failed(at=desk.at).order_by("consultation__closes_at", "pk")
    for invitation in rows[:MOST_LINES]:
        closes = local(invitation.consultation.closes_at)
        facts = {"subject": invitation, "why": invitation.reminder_failed}
        yield Line(
            text=_("The reminder of “%(subject)s” could not start. %(why)s") % facts,
            otherwise=_("If nobody plans or writes it anew by %(date)s, nobody is reminded.")
            % {"date": day(closes)},
            url=reverse("engagement_invitations:progress", args=[invitation.pk]),
            by=closes,
        )


def uncertain(desk: Desk) -> Iterator[Line]:
    """News for a while and not for ever, and only until a colleague has decided."""
    rows = Delivery.objects.filter(is_news(at=desk.at), state=Delivery.State.UNCERTAIN)
    number = rows.exclude(reason=Delivery.Reason.LEFT).count()
    if number:
        yield Line(
            text=ngettext(
                "We cannot tell if %(count)s invitation arrived.",
                "We cannot tell if %(count)s invitations arrived.",
                number,
            )
            % {"count": number},
            otherwise=_("If nobody looks, they count as sent, and nobody is written to twice."),
            url=reverse("wagtail_engagement_deliveries:index") + "?state=uncertain&ended=lately",
        )


def is_news(*, at: datetime.datetime) -> Q:
    """Deliveries of invitations that are under way, or have not been over for long."""
    return Q(invitation__finished_at=None) | Q(invitation__finished_at__gt=at - STAYS_NEWS)


def held(desk: Desk) -> Iterator[Line]:
    rows = ConsultationResponse.objects.filter(
        status=ConsultationResponse.Status.HELD, consultation__in=desk.readable
    )
    found = rows.aggregate(number=Count("pk"), first=Min("held_until"))
    if number := found["number"]:
        counts = local(found["first"]) if found["first"] else local(desk.at)
        yield Line(
            text=ngettext(
                "%(count)s response is held back.", "%(count)s responses are held back.", number
            )
            % {"count": number},
            otherwise=_("If nobody looks, each counts by itself, the first on %(date)s.")
            % {"date": day(counts)},
            url=reverse("wagtail_engagement_responses:held"),
            by=counts,
        )


def uninvited(desk: Desk) -> Iterator[Line]:
    soon = open_now(at=desk.at).filter(closes_at__lte=desk.at + CLOSING_SOON)
    rows = soon.exclude(invitations__status__in=Invitation.STARTED)
    for consultation in rows[:MOST_LINES]:
        closes = local(consultation.closes_at)
        facts = {"title": consultation.title, "date": day(closes)}
        yield Line(
            text=_("%(title)s closes on %(date)s, and nobody was invited.") % facts,
            otherwise=_("If nobody invites, only those who find it by themselves answer."),
            url=reverse("engagement_invitations:invite", args=[consultation.pk]),
            by=closes,
        )


def unanswered(desk: Desk) -> Iterator[Line]:
    rows = desk.readable.filter(is_live=True, closes_at__lte=desk.at, answered_at=None)
    for consultation in rows.order_by("decision_expected_on", "closes_at")[:MOST_LINES]:
        closed = day(local(consultation.closes_at))
        text = _("%(title)s closed on %(date)s, and what came of it is not said yet.")
        promised = consultation.decision_expected_on
        yield Line(
            text=text % {"title": consultation.title, "date": closed},
            otherwise=_("The page promises a decision by %(date)s.") % {"date": day(promised)}
            if promised
            else _("If nobody answers, those who asked to hear the result keep waiting."),
            url=outcome_url(consultation),
            by=promised,
        )


def outcome_url(consultation: Consultation) -> str:
    """Where what came of it is written: the page's editor, for its editors alone read this."""
    page = page_of(consultation)
    if page is None:
        return reverse("wagtail_engagement_responses:of_consultation", args=[consultation.pk])
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


# The register


def requests(desk: Desk) -> Iterator[Line]:
    rows = RightsRequest.objects.filter(closed_at=None, state__in=RightsRequest.WITH_STAFF)
    found = rows.aggregate(number=Count("pk"), first=Min("due_at"))
    if number := found["number"]:
        due = local(found["first"])
        told = (
            _("If nobody answers by %(date)s, the law's month is over and they can complain.")
            if found["first"] > desk.at
            else _("The law's month ended on %(date)s. They can complain until it is answered.")
        )
        yield Line(
            text=ngettext(
                "%(count)s request about personal data waits.",
                "%(count)s requests about personal data wait.",
                number,
            )
            % {"count": number},
            otherwise=told % {"date": day(due)},
            url=reverse("wagtail_engagement_requests:index") + "?waits_for=us",
            by=due,
        )


def twice(desk: Desk) -> Iterator[Line]:
    pairs = duplicates.waiting().order_by("found_at")
    if number := pairs.count():
        ends = local(duplicates.ends_at(pairs[0]))
        yield Line(
            text=ngettext(
                "%(count)s pair of records may be one person.",
                "%(count)s pairs of records may be one person.",
                number,
            )
            % {"count": number},
            otherwise=_("If nobody looks, each pair stays two people, the first on %(date)s.")
            % {"date": day(ends)},
            url=reverse("wagtail_engagement_duplicates:index"),
            by=ends,
        )


def leaving(desk: Desk) -> Iterator[Line]:
    """People in quarantine: whom we may not write to, and have no other reason to keep."""
    rows = Participant.objects.current().filter(kept_until__isnull=False)
    found = rows.aggregate(number=Count("pk"), first=Min("kept_until"))
    if number := found["number"]:
        goes = local(max(found["first"], desk.at))
        yield Line(
            text=ngettext(
                "%(count)s person is here without a reason to stay.",
                "%(count)s people are here without a reason to stay.",
                number,
            )
            % {"count": number},
            otherwise=_("Unless evidence is found or they agree, the first go on %(date)s.")
            % {"date": day(goes)},
            url=reverse("wagtail_engagement_participants:index") + "?leaving=soon",
            by=goes,
        )


def unasked(desk: Desk) -> Iterator[Line]:
    """Agreements that ended while no worker ran. Nothing brings them back but the people."""
    found = renewing.unasked(at=desk.at).aggregate(
        number=Count("pk"), first=Min("participant__kept_until")
    )
    if number := found["number"]:
        goes = local(max(found["first"], desk.at)) if found["first"] else None
        told = _("If nobody reaches them by letter or telephone, they are not invited any more.")
        if goes:
            told = _("If nobody reaches them by letter or telephone, the first go on %(date)s.")
        yield Line(
            text=ngettext(
                "%(count)s agreement ended without our asking: no worker ran, or no mail left.",
                "%(count)s agreements ended without our asking: no worker ran, or no mail left.",
                number,
            )
            % {"count": number},
            otherwise=told % {"date": day(goes)} if goes else told,
            url=reverse("wagtail_engagement_participants:index") + "?invitations=unasked",
            by=goes,
        )


# Sheets


def unread_rows(desk: Desk) -> Iterator[Line]:
    """Rows that nobody but a person can read. Older ones were left out by the clock."""
    kept = datetime.timedelta(days=conf.quarantine_days())
    recent = ImportBatch.objects.filter(
        status=ImportBatch.Status.FINISHED, finished_at__gt=desk.at - kept
    )
    waiting = ImportRow.objects.filter(
        batch__in=recent.values("pk"), outcome=ImportRow.Outcome.REVIEW, decided_at=None
    )
    numbers = dict(waiting.order_by().values_list("batch").annotate(Count("pk")))
    rows = recent.filter(pk__in=numbers).order_by("finished_at", "pk")
    for batch in rows[:MOST_LINES]:
        ends = local((batch.finished_at or desk.at) + kept)
        number = numbers[batch.pk]
        yield Line(
            text=ngettext(
                "%(count)s row of “%(file)s” cannot be read without you.",
                "%(count)s rows of “%(file)s” cannot be read without you.",
                number,
            )
            % {"count": number, "file": batch.name},
            otherwise=_("If nobody decides by %(date)s, they are left out.") % {"date": day(ends)},
            url=reverse("wagtail_engagement_imports:review", args=[batch.pk]),
            by=ends,
        )


def unfinished(desk: Desk) -> Iterator[Line]:
    kept = datetime.timedelta(days=conf.import_file_days())
    rows = ImportBatch.objects.filter(status__in=UNFINISHED, file_gone_at=None)
    for batch in rows.order_by("created_at", "pk")[:MOST_LINES]:
        ends = local(batch.created_at + kept)
        told = (
            _("If nobody goes on with it by %(date)s, it has to be begun anew.")
            if batch.form_page
            else _("If nobody goes on with it, the sheet is deleted on %(date)s.")
        )
        yield Line(
            text=_state_of(batch),
            otherwise=told % {"date": day(ends)},
            url=reverse("wagtail_engagement_imports:show", args=[batch.pk]),
            by=ends,
        )


def _state_of(batch: ImportBatch) -> str:
    facts = {"file": batch.name, "what": batch.waits_for}
    if batch.status == ImportBatch.Status.FAILED:
        return _("“%(file)s” could not be brought in.") % facts
    if batch.status == ImportBatch.Status.PARKED and batch.waits_for:
        return _("“%(file)s” is parked; it waits for %(what)s.") % facts
    if batch.form_page:
        return _("The form “%(file)s” was looked at, and nobody has brought it in.") % facts
    return _("“%(file)s” was uploaded, and nobody has brought it in.") % facts


def unused(desk: Desk) -> Iterator[Line]:
    """Told once one of them was about something: a new one has its use still to come."""
    rows = tending.unused(at=desk.at)
    if rows.filter(consultations__isnull=False).exists():
        number = rows.count()
        yield Line(
            text=ngettext(
                "%(count)s interest has nobody, and no consultation of the last year.",
                "%(count)s interests have nobody, and no consultation of the last year.",
                number,
            )
            % {"count": number},
            otherwise=_("If nobody retires them, forms go on offering them."),
            url=reverse("wagtail_engagement_interests:unused"),
        )


# Whoever may act on a queue, and open what its lines lead to, hears of it. What ends on the same
# day stands in this order.
QUEUES: list[tuple[str, Callable[[Desk], Iterator[Line]]]] = [
    ("erase_participant", requests),
    ("send_invitation", paused),
    ("send_invitation", unreminded),
    ("change_invitation", second_person),
    ("moderate_response", held),
    ("import_participant", unread_rows),
    ("import_participant", unfinished),
    ("import_participant view_participant", leaving),
    ("view_participant_pii", unasked),
    ("merge_participant", twice),
    ("send_invitation", uninvited),
    ("view_response", unanswered),
    ("send_invitation view_delivery", uncertain),
    ("reassign_work", left_behind),
    ("change_interest", unused),
]


# What is left to do for a consultation


def with_steps(rows: Any) -> Any:
    """Consultations beside what `steps_left` asks of them."""
    started = Invitation.objects.filter(consultation=OuterRef("pk"), status__in=Invitation.STARTED)
    held_back = ConsultationResponse.objects.filter(
        consultation=OuterRef("pk"), status=ConsultationResponse.Status.HELD
    )
    return rows.annotate(is_invited=Exists(started), has_held=Exists(held_back))


def steps_left(consultation: Any, *, at: datetime.datetime) -> str:
    """What is left to do for a consultation from `with_steps`, "" when it is all done."""
    steps = []
    if consultation.closes_at > at and not consultation.is_invited:
        steps.append(_("invite people"))
    if consultation.has_held:
        steps.append(_("look at what is held back"))
    if not consultation.answered_at:
        steps.append(_("say what came of it"))
    if not steps:
        return ""
    told = ngettext("%(count)s step: %(steps)s", "%(count)s steps: %(steps)s", len(steps))
    return told % {"count": len(steps), "steps": ", ".join(steps)}


def closed_with_steps(readable: Any, *, at: datetime.datetime) -> Any:
    """Consultations that have closed and are not answered, the one that waits longest on top."""
    rows = readable.filter(is_live=True, closes_at__lte=at, answered_at=None)
    return with_steps(rows).order_by("closes_at", "pk")
