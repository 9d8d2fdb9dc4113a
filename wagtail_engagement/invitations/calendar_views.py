"""The calendar of invitations: what goes out, day by day, of all teams."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from .. import conf
from . import calendar
from .calendar import Entry
from .models import Invitation
from .screens import TEMPLATES, breadcrumbs, edit_url, may_follow
from .teams import Team

Status = Invitation.Status
FOLLOWS = tuple(f"wagtail_engagement.{act}_invitation" for act in ("view", "change", "send"))

# Of the others it is not known, or it has been and still is.
TIMED = (Status.SCHEDULED, Status.FINISHED, Status.STOPPED)


def may_see_calendar(user: Any) -> bool:
    return any(user.has_perm(codename) for codename in FOLLOWS)


@may_follow
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """List what is to come by day, what has no day yet, and what went out lately."""
    now = timezone.now()
    asked = request.GET.get("team", "")
    team = Team.objects.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 10 else None
    found = calendar.entries(at=now)
    shown = [e for e in found if team is None or e.invitation.team_id == team.pk]
    today = timezone.localtime(now).date()
    coming = [e for e in shown if e.at and _day(e.at) >= today]
    lately = [e for e in reversed(shown) if e.at and _day(e.at) < today]
    context = {
        "coming": _by_month(coming),
        "undated": [_row(entry) for entry in shown if entry.at is None],
        "lately": _by_month(lately),
        "days": conf.contact_cap_days(),
        "cap": conf.contact_cap(),
        "team": team,
        "teams": Team.objects.all(),
        "is_cut": len(found) > calendar.MOST_COMPARED,
        "compared": calendar.MOST_COMPARED,
        "header_title": _("Calendar of invitations"),
        "header_icon": "calendar",
        "breadcrumbs_items": breadcrumbs(_("Calendar")),
    }
    return TemplateResponse(request, f"{TEMPLATES}/calendar.html", context)


def _day(moment: datetime.datetime | None) -> datetime.date:
    return timezone.localtime(moment).date()


def _by_month(entries: Iterable[Entry]) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
    """Entries that are in order, as months of days of rows."""
    days = [(day, list(rows)) for day, rows in groupby(entries, lambda e: _day(e.at))]
    return [
        (month, [(date_format(day, "l j F"), [_row(e) for e in rows]) for day, rows in of_month])
        for month, of_month in groupby(days, lambda pair: date_format(pair[0], "F Y"))
    ]


def _row(entry: Entry) -> dict[str, Any]:
    """One entry in words."""
    return {
        "entry": entry,
        "name": _name(entry),
        "url": edit_url(entry.invitation),
        "state": _state(entry),
        "time": entry.at if entry.is_reminder or entry.invitation.status in TIMED else None,
        "shared": [(_name(other), edit_url(other.invitation), n) for other, n in entry.shared],
        "is_open": entry.is_draft or any(other.is_draft for other, _n in entry.shared),
    }


def _name(entry: Entry) -> str:
    if entry.is_reminder:
        return _("Reminder: %(subject)s") % {"subject": entry.invitation}
    return str(entry.invitation)


def _state(entry: Entry) -> str:
    status = entry.invitation.status
    if entry.is_reminder:
        return _("planned")
    words = {
        Status.DRAFT: _("not planned yet"),
        Status.SCHEDULED: _("scheduled"),
        Status.SENDING: _("being sent"),
        Status.PAUSED: _("paused"),
        Status.STOPPED: _("stopped on the way"),
        Status.FINISHED: _("sent"),
    }
    return words[Status(status)]


calendar_urls = [path("calendar/", show, name="calendar")]
